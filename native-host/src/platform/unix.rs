//! What Linux and macOS have in common: owners, permission bits, signals.

pub(crate) mod files;
pub(crate) mod process;
pub(crate) mod sockets;
