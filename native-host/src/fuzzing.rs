//! Doors for `tests/fuzz` to what only other processes reach.

use std::io::Read;

use housekey_core::endpoint::Endpoint;
use housekey_core::proxy::SystemProxy;

/// Reads the head of a request to the gateway as one that has this secret does.
#[must_use]
pub fn connect_head(head: &[u8], secret: &str) -> Option<Endpoint> {
    crate::gateway::connect_head(head, secret)
}

/// Reads a frame of native messaging, or nothing where no good one comes any more.
pub fn frame(input: &mut impl Read, max: usize) -> Option<String> {
    crate::messaging::receive(input, max).ok().flatten()
}

/// The proxy that an environment with these variables asks for.
pub fn system_proxy(variable: impl Fn(&str) -> Option<String>) -> SystemProxy {
    crate::system_proxy::from(variable)
}
