//! What must hold whatever strangers send.
//!
//! Each target is a function that panics where something does not hold. libFuzzer calls it with
//! what it makes up (`cargo xtask fuzz`), and every run of the tests with what is in `corpus/`.

#![allow(
    clippy::missing_panics_doc,
    reason = "to panic is what a target is for"
)]

pub mod certificates;
mod der;
#[cfg(feature = "helper")]
pub mod helper;
pub mod messages;
pub mod names;
pub mod places;

/// One input of Housekey's that others write.
pub struct Target {
    /// Also the name of its directory in `corpus/`.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "certificate",
        run: certificates::certificate,
    },
    #[cfg(feature = "helper")]
    Target {
        name: "chain",
        run: helper::chain,
    },
    #[cfg(feature = "helper")]
    Target {
        name: "connect_head",
        run: helper::connect_head,
    },
    Target {
        name: "core_events",
        run: messages::core_events,
    },
    Target {
        name: "import_file",
        run: messages::import_file,
    },
    Target {
        name: "names",
        run: names::names,
    },
    #[cfg(feature = "helper")]
    Target {
        name: "native_messages",
        run: helper::native_messages,
    },
    Target {
        name: "routing",
        run: places::routing,
    },
    #[cfg(feature = "helper")]
    Target {
        name: "system_proxy",
        run: helper::system_proxy,
    },
];
