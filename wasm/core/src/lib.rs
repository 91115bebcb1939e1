//! What Housekey decides: addresses, certificates, pins, and what a person is shown.
//!
//! Everything here is pure. It touches no socket, file, clock, random source or browser;
//! bytes and time come in as arguments, and what is to be done goes out as values.
//! The helper runs it natively, the extension as WebAssembly, so both decide alike.
//!
//! The paved path through it: a device's answer is an [`chain::Observation`], which
//! [`decision::decide`] weighs against a [`pin::Pin`]; in the extension, [`core::Core`] turns
//! [`event::Event`]s into [`effect::Effect`]s, and pages show [`view`]s.

pub mod certificate;
pub mod chain;
pub mod checkup;
pub mod core;
pub mod decision;
pub mod effect;
pub mod endpoint;
pub mod errand;
pub mod error;
pub mod event;
pub mod expected;
pub mod export;
pub mod fingerprint;
pub mod history;
pub mod identity;
pub mod maker;
pub mod mark;
pub mod meeting;
pub mod note;
pub mod pin;
pub mod profile;
pub mod protocol;
pub mod proxy;
pub mod routing;
pub mod scope;
pub mod sealed;
pub mod site;
mod tagged;
pub mod text;
pub mod time;
pub mod view;
pub mod words;
