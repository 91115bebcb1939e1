//! What Housekey's end-to-end tests and its demo stand on: a home network of their own
//! ([`lan`]), sample devices that are real TLS servers ([`device`], [`home`]), real browsers in
//! a home directory of their own ([`browser`]), the walk through all of it ([`walk`]), and every
//! state of every page ([`gallery`]).
//!
//! Nothing here is shipped, and nothing here reaches outside the private network namespace.

pub mod bench;
pub mod browser;
pub mod device;
pub mod fidelity;
pub mod gallery;
pub mod gateway;
pub mod helper;
pub mod home;
pub mod lan;
pub mod pki;
pub mod proxy;
pub mod testssl;
pub mod trial;
pub mod walk;
