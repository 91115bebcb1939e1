//! What a tab shows, in one look.

use serde::Deserialize;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::WebDriverError;

/// A look at a tab.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Page {
    /// `location.href`.
    pub href: String,
    /// `document.documentURI`: differs from `href` on the browser's own error pages.
    pub document_uri: String,
    /// `document.title`.
    pub title: String,
    /// Text of the first `h1`.
    pub heading: String,
    /// `main[data-view]`, which Housekey's pages carry.
    pub view: Option<String>,
    /// Whether the trust page's buttons are armed.
    pub armed: bool,
    /// `isSecureContext`.
    pub secure: bool,
    /// `document.readyState`.
    pub ready: String,
    /// Whether this is the page that was there before the last [`super::Browser::go`].
    pub left: bool,
}

impl Page {
    /// Whether this is the browser's warning about a certificate, or another of its error pages.
    pub fn is_error(&self) -> bool {
        let uri = &self.document_uri;
        uri.starts_with("chrome-error:") || uri.starts_with("about:") && uri.contains("error")
    }

    /// Whether Housekey's page shows this view.
    pub fn has_view(&self, view: &str) -> bool {
        self.view.as_deref() == Some(view)
    }

    /// Whether Housekey's page shows what came of a visit, and not that it is still under way.
    pub fn is_decided(&self) -> bool {
        let view = self.view.as_deref();
        view.is_some_and(|view| view != "loading" && view != "meeting")
    }

    /// Whether it has loaded, and is not the page that was left. Firefox's interstitial never
    /// becomes complete.
    pub(super) fn is_complete(&self) -> bool {
        (self.ready == "complete" || self.is_error()) && !self.left
    }
}

/// Whether WebDriver tells that a page did not load. It may be an interstitial, or a navigation
/// that another one replaced, which is how the trust page appears.
pub(super) fn is_failed_load(error: &WebDriverError) -> bool {
    matches!(
        error.as_inner(),
        WebDriverErrorInner::InsecureCertificate(_)
            | WebDriverErrorInner::UnknownError(_)
            | WebDriverErrorInner::WebDriverTimeout(_)
    )
}

pub(super) const SNAPSHOT: &str = "
    const main = document.querySelector('main');
    return {
        href: location.href,
        documentUri: document.documentURI,
        title: document.title,
        heading: document.querySelector('h1')?.textContent.trim() ?? '',
        view: main?.dataset.view ?? null,
        armed: main?.dataset.armed === 'true',
        secure: isSecureContext,
        ready: document.readyState,
        left: document.documentElement?.dataset.left !== undefined,
    };";
