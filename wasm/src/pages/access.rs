//! The page that asks for access to sites, where a person took it from the extension.

use housekey_core::effect::PageReply;
use housekey_core::event::PageRequest;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Element;

use super::PageHost;
use super::dom::{self, Result};
use super::text::Values;

/// Runs the page.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_access_page(host: PageHost) -> Result<()> {
    dom::localise(&host)?;
    let asking = host.clone();
    dom::listen(&dom::document()?, "click", move |event| {
        if dom::action(&event).is_some_and(|(action, _)| action == "grant") {
            // The browser has to be asked before this click is over.
            let asked = asking.request_access();
            let host = asking.clone();
            dom::spawn(async move {
                let granted = JsFuture::from(asked?).await?.is_truthy();
                show(&host, granted, !granted)
            });
        }
    })?;
    // Who comes back may have changed it in the browser's own settings.
    let returning = host.clone();
    dom::listen(&dom::window()?, "focus", move |_| {
        let host = returning.clone();
        dom::spawn(async move { look(&host).await });
    })?;
    look(&host).await
}

async fn look(host: &PageHost) -> Result<()> {
    match host.ask(&PageRequest::Status).await? {
        PageReply::Status { no_access, .. } => show(host, !no_access, false),
        _ => Ok(()),
    }
}

fn show(host: &PageHost, granted: bool, denied: bool) -> Result<()> {
    let main: Element = dom::element("main")?;
    let state = if granted { "granted" } else { "refused" };
    let known = format!("{state} {denied}");
    if main.get_attribute("data-known").as_deref() == Some(known.as_str()) {
        return Ok(());
    }
    let mut values = Values::default();
    values.flag("denied", denied);
    let content = dom::instance(&format!("state-{state}"), host, &values)?;
    main.replace_children_with_node_1(&content);
    main.set_attribute("data-known", &known)?;
    main.set_attribute("data-state", state)?;
    Ok(())
}
