//! What must hold whatever strangers send.
//!
//! Each target is a function that panics where something does not hold. libFuzzer calls it with
//! what it makes up (`cargo xtask fuzz`), and every run of the tests with what is in `corpus/`.

#![allow(
    clippy::missing_panics_doc,
    reason = "to panic is what a target is for"
)]

pub mod certificates;
pub mod messages;
pub mod places;

/// One input of Housekey's that others write.
pub struct Target {
    /// Also the name of its directory in `corpus/`.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target {
        name: "certificate",
        run: certificates::certificate,
    },
    Target {
        name: "chain",
        run: certificates::chain,
    },
    Target {
        name: "connect_head",
        run: places::connect_head,
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
        name: "native_messages",
        run: messages::native_messages,
    },
    Target {
        name: "routing",
        run: places::routing,
    },
];
