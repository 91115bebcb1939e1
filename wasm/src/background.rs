//! The core, for the background.

use housekey_core::core::{Core, Credentials};
use housekey_core::effect::Effect;
use housekey_core::event::Event;
use housekey_core::routing::Route;
use tsify::{Ts, Tsify as _};
use wasm_bindgen::prelude::*;

/// The core, for the background.
#[derive(Debug, Default)]
#[wasm_bindgen]
pub struct JsCore {
    core: Core,
}

#[wasm_bindgen]
impl JsCore {
    /// A core that knows nothing yet.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// A core as it was when the snapshot was taken, unless another version took it.
    #[must_use]
    pub fn restore(snapshot: &str) -> Option<Self> {
        Core::restore(snapshot).map(|core| Self { core })
    }

    /// Everything that has to survive while the background sleeps. It holds a secret.
    #[must_use]
    pub fn snapshot(&self) -> String {
        self.core.snapshot()
    }

    /// Takes in what happened, and says what to do.
    ///
    /// # Errors
    ///
    /// A JavaScript `Error` where the event is none.
    pub fn handle(&mut self, event: Ts<Event>) -> Result<Vec<Ts<Effect>>, JsError> {
        let effects = self.core.handle(event.to_rust()?);
        effects.iter().map(|effect| Ok(effect.into_ts()?)).collect()
    }

    /// Where a request goes.
    ///
    /// # Errors
    ///
    /// A JavaScript `Error` where the answer cannot be converted.
    pub fn route(&self, url: &str) -> Result<Ts<Route>, JsError> {
        Ok(self.core.route(url).into_ts()?)
    }

    /// What to answer to a proxy that wants credentials, if anything.
    ///
    /// # Errors
    ///
    /// A JavaScript `Error` where the answer cannot be converted.
    pub fn credentials(&self, host: &str, port: u16) -> Result<Option<Ts<Credentials>>, JsError> {
        let credentials = self.core.credentials(host, port);
        Ok(credentials.map(|it| it.into_ts()).transpose()?)
    }
}
