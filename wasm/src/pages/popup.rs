//! The toolbar's popup: who the device in this tab is.

use housekey_core::effect::PageReply;
use housekey_core::event::{PageRequest, Tab};
use housekey_core::view::PopupView;
use tsify::Tsify as _;
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::PageHost;
use super::dom::{self, Result};
use super::text::{Values, code, tell_name};

/// Runs the popup.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_popup_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let tab = Tab::from_js(host.tab().await?).map_err(JsError::from)?;
    let request = PageRequest::Popup {
        tab_id: tab.tab_id,
        url: tab.url,
    };
    let reply = host.ask(&request).await?;
    let (state, values) = match reply {
        PageReply::Popup { view } => (code(&view.state), values(&host, &view)),
        PageReply::Error { code: error } => {
            let mut values = Values::default();
            values.set("error", code(&error));
            ("error".to_owned(), values)
        }
        _ => ("error".to_owned(), Values::default()),
    };
    let popup = dom::element::<Element>("popup")?;
    let content = dom::instance(&format!("state-{state}"), &host, &values)?;
    popup.replace_children_with_node_1(&content);
    popup.set_attribute("data-state", &state)
}

fn values(host: &PageHost, view: &PopupView) -> Values {
    let mut values = Values::default();
    values.set_some("address", view.address.as_deref());
    values.set("status", code(&view.helper));
    if let Some(trusted) = &view.trusted {
        let identity = &trusted.identity;
        tell_name(&mut values, trusted, host);
        values.set_some(
            "verified_by",
            identity.verified_by.as_ref().map(|it| it.as_str()),
        );
        values.set_some("device", identity.device_id.as_ref().map(|it| it.as_str()));
        values.set("tier", code(&identity.tier));
        values.set("since", host.date(trusted.since));
        values.set("seen", host.date(trusted.last_seen));
        values.set("fingerprint", trusted.key_fingerprint.as_str());
    }
    values
}
