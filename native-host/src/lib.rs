//! Housekey's helper.
//!
//! It speaks native messaging with the extension, TLS with devices and browsers, and SQL with the
//! pin store. It holds no policy of its own: it asks [`housekey_core`] what a device's answer means.

pub mod authority;
pub mod browsers;
pub mod chain;
pub mod cli;
pub mod danger;
pub mod doctor;
pub mod extension_id;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
pub mod handler;
pub mod install;
pub mod log;
pub mod makers;
pub mod messaging;
pub mod paths;
pub mod platform;
pub mod probe;
pub mod renewal;
pub mod resolve;
pub mod splice;
pub mod store;
pub mod system_proxy;
pub mod tls;
pub mod trust_store;
pub mod uninstall;
