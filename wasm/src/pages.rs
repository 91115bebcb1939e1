//! Controllers of the extension's pages: they show views and pass on what a person chose.
//!
//! The words stand in `_locales`, the structure in the HTML files; both by keys.

#[cfg(feature = "pages")]
pub mod access;
#[cfg(feature = "pages")]
mod checkup;
mod dom;
#[cfg(feature = "pages")]
pub mod options;
#[cfg(feature = "pages")]
pub mod popup;
mod text;
#[cfg(feature = "trust")]
pub mod trust;
#[cfg(feature = "pages")]
pub mod welcome;

#[cfg(feature = "pages")]
use housekey_core::effect::PageReply;
#[cfg(feature = "pages")]
use housekey_core::error::ErrorCode;
use housekey_core::event::PageRequest;
#[cfg(feature = "pages")]
use housekey_core::protocol::Request;
#[cfg(feature = "pages")]
use housekey_core::sealed::Sealed;
use js_sys::JSON;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tsify::Tsify;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const PAGE_HOST: &str = r#"
/** What a page needs of the browser. */
export interface PageHost {
  /** Asks the background. */
  ask(request: PageRequest): Promise<PageReply>;
  /** A text of the locale; empty if there is none of this name. */
  message(key: string, substitutions: string[]): string;
  /** Which of these texts comes first in the locale's order, which next, and so on. */
  order(texts: string[]): Uint32Array;
  /** Asks the person to let the extension reach sites. Only right after a click. */
  requestAccess(): Promise<boolean>;
  /** The window's active tab, and the address that it shows. */
  tab(): Promise<Tab>;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// What a page needs of the browser.
    #[derive(Clone, Debug)]
    #[wasm_bindgen(typescript_type = "PageHost")]
    pub type PageHost;

    #[wasm_bindgen(method, catch, js_name = ask)]
    async fn ask_js(this: &PageHost, request: JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn message(this: &PageHost, key: &str, substitutions: Vec<String>) -> Result<String, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn order(this: &PageHost, texts: Vec<String>) -> Result<Vec<u32>, JsValue>;

    /// Begins at once: the browser forgets the click soon.
    #[wasm_bindgen(method, catch, js_name = requestAccess)]
    fn request_access(this: &PageHost) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn tab(this: &PageHost) -> Result<JsValue, JsValue>;
}

/// What a page can ask: of the core, or of the helper.
trait Asking: Serialize + Tsify<JsType: Into<JsValue>> {}

impl Asking for PageRequest {}
#[cfg(feature = "pages")]
impl Asking for Request {}

impl PageHost {
    /// Asks the background.
    #[cfg(feature = "pages")]
    async fn ask(&self, request: &impl Asking) -> Result<PageReply, JsValue> {
        self.ask_for(request).await
    }

    /// Asks the background, for those of its replies that `R` can be.
    async fn ask_for<R: DeserializeOwned>(&self, request: &impl Asking) -> Result<R, JsValue> {
        let request = request.into_js().map_err(JsError::from)?;
        read(&self.ask_js(request.into()).await?)
    }
}

/// Opens what came from the helper for this page. Where it is broken, that is the reply.
#[cfg(feature = "pages")]
fn opened<T: DeserializeOwned>(sealed: Sealed<T>) -> Result<T, PageReply> {
    sealed.open().map_err(|_| PageReply::Error {
        code: ErrorCode::BadMessage,
    })
}

/// Reads what the background replied.
fn read<R: DeserializeOwned>(reply: &JsValue) -> Result<R, JsValue> {
    // What is no JSON at all is none in Rust either.
    let json = JSON::stringify(reply)?.as_string().unwrap_or_default();
    // As one form of everything, of which there is one reader only.
    let reply: Value = serde_json::from_str(&json).map_err(JsError::from)?;
    Ok(R::deserialize(reply).map_err(JsError::from)?)
}
