//! The helper.

pub mod authority;
pub mod browsers;
pub mod extension_id;
pub mod paths;
pub mod trust_store;
