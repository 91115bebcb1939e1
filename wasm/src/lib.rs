//! Housekey's core for the extension, and the controllers of its pages.
//!
//! Nothing is decided here: values are converted on their way between JavaScript and the core.
//! Each feature is built as a module of its own.

// One module may leave what only another's pages use. With all of them, nothing is left.
#![cfg_attr(
    not(all(feature = "background", feature = "pages", feature = "trust")),
    allow(dead_code)
)]

#[cfg(feature = "background")]
pub mod background;
#[cfg(feature = "document")]
pub mod pages;

use wasm_bindgen::prelude::*;

/// Lets a panic say in the console what it was.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
