//! The document: templates filled with words and values, always as text nodes.
//!
//! The HTML says what stands where:
//!
//! - `data-if="name"`, `data-unless="name"`: only with, or without, this value (or one of several);
//! - `data-part="part"`: a copy of the template `part-<part>`;
//! - `data-text="key"` with `data-values="name …"`: a text of the locale, its values isolated;
//! - `data-value="name"`: the value itself;
//! - `data-attributes="aria-label:key …"`: attributes with a text of the locale;
//! - `data-class="class"`: one more class.
//!
//! `{name}` in a key or class stands for that value, so that `flaw_{flaw}` names the text of each
//! flaw.

use wasm_bindgen::prelude::*;
use web_sys::{
    Document, Element, Event, EventTarget, HtmlButtonElement, HtmlElement, HtmlInputElement,
    HtmlTemplateElement, Node, Window,
};

use super::PageHost;
use super::text::{Piece, Values};

/// A failure that only a mistake in the page can cause.
pub(crate) type Result<T, E = JsValue> = std::result::Result<T, E>;

/// The page's window.
pub(crate) fn window() -> Result<Window> {
    web_sys::window().ok_or_else(|| missing("window"))
}

/// The page's document.
pub(crate) fn document() -> Result<Document> {
    window()?.document().ok_or_else(|| missing("document"))
}

/// The element of this id, which has to be there.
pub(crate) fn element<T: JsCast>(id: &str) -> Result<T> {
    find(id)?.ok_or_else(|| missing(id))
}

/// The element of this id, if it is there.
pub(crate) fn find<T: JsCast>(id: &str) -> Result<Option<T>> {
    Ok(document()?
        .get_element_by_id(id)
        .and_then(|it| it.dyn_into().ok()))
}

/// Every element inside of this one that matches.
pub(crate) fn all<T: JsCast>(root: &Element, selector: &str) -> Result<Vec<T>> {
    let list = root.query_selector_all(selector)?;
    Ok((0..list.length())
        .filter_map(|index| list.get(index)?.dyn_into().ok())
        .collect())
}

/// The first element inside of this one that matches.
pub(crate) fn part<T: JsCast>(root: &Element, selector: &str) -> Result<Option<T>> {
    let found = root.query_selector(selector)?;
    Ok(found.and_then(|it| it.dyn_into().ok()))
}

/// Translates what the page's HTML holds.
pub(crate) fn localise(host: &PageHost) -> Result<()> {
    let document = document()?;
    if let Some(root) = document.document_element() {
        root.set_attribute("lang", &host.text("locale"))?;
        root.set_attribute("dir", &host.text("direction"))?;
    }
    let body = document.body().ok_or_else(|| missing("body"))?;
    fill(&body, host, &Values::default())?;
    entitle(host)
}

/// Gives the window the name of its page: the first heading that can be seen.
pub(crate) fn entitle(host: &PageHost) -> Result<()> {
    let document = document()?;
    let headings = match document.document_element() {
        Some(root) => all::<Element>(&root, "h1")?,
        None => Vec::new(),
    };
    let seen = |it: &&Element| matches!(it.closest("[hidden]"), Ok(None));
    let heading = headings.iter().find(seen).and_then(|it| it.text_content());
    document.set_title(&match heading {
        Some(heading) if !heading.trim().is_empty() => {
            format!("{} · {}", heading.trim(), host.text("extensionName"))
        }
        _ => host.text("extensionName"),
    });
    Ok(())
}

/// A filled copy of a template's only element.
pub(crate) fn instance(template: &str, host: &PageHost, values: &Values) -> Result<Element> {
    let copy = copy(template)?;
    fill(&copy, host, values)?;
    Ok(copy)
}

/// Puts words and values into an element, and takes out what does not apply.
pub(crate) fn fill(root: &Element, host: &PageHost, values: &Values) -> Result<()> {
    for place in all::<Element>(root, "[data-part]")? {
        let part = copy(&format!("part-{}", attribute(&place, "data-part")))?;
        place.replace_with_with_node_1(&part)?;
    }
    for place in all::<Element>(root, "[data-if], [data-unless]")? {
        let any = |name: &str| {
            attribute(&place, name)
                .split_whitespace()
                .any(|name| values.get(name).is_some())
        };
        let wanted = !place.has_attribute("data-if") || any("data-if");
        if !wanted || any("data-unless") {
            place.remove();
        }
    }
    for place in with_itself(root, "[data-value]")? {
        let value = attribute(&place, "data-value");
        place.set_text_content(values.get(&value));
    }
    for place in with_itself(root, "[data-text]")? {
        say(&place, host, values)?;
    }
    for place in with_itself(root, "[data-class]")? {
        let class = complete(&attribute(&place, "data-class"), values);
        place.set_class_name(&format!("{} {class}", place.class_name()));
    }
    for place in with_itself(root, "[data-attributes]")? {
        for pair in attribute(&place, "data-attributes").split_whitespace() {
            if let Some((name, key)) = pair.split_once(':') {
                place.set_attribute(name, &host.text(&complete(key, values)))?;
            }
        }
    }
    Ok(())
}

/// Leads a link to an address that is no stranger's: `https:` and nothing else.
pub(crate) fn link(place: &Element, address: &str) -> Result<()> {
    if address.starts_with("https://") {
        place.set_attribute("href", address)?;
    }
    Ok(())
}

/// Shows an element, or hides it.
pub(crate) fn show(element: &Element, shown: bool) -> Result<()> {
    element
        .toggle_attribute_with_force("hidden", !shown)
        .map(drop)
}

/// Puts the keyboard's focus somewhere.
pub(crate) fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // An element that cannot have it leaves it where it is.
        let _ = element.focus();
    }
}

/// Calls back for every event of a kind, as long as the page lives.
pub(crate) fn listen(
    target: &impl AsRef<EventTarget>,
    kind: &str,
    heard: impl FnMut(Event) + 'static,
) -> Result<()> {
    let heard = Closure::<dyn FnMut(Event)>::new(heard);
    target
        .as_ref()
        .add_event_listener_with_callback(kind, heard.as_ref().unchecked_ref())?;
    heard.forget();
    Ok(())
}

/// What a click is for: the `data-action` of the button, and the button.
pub(crate) fn action(event: &Event) -> Option<(String, HtmlButtonElement)> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let button = target.closest("button[data-action]").ok()??;
    let action = button.get_attribute("data-action")?;
    Some((action, button.dyn_into().ok()?))
}

/// Whether a box is ticked.
pub(crate) fn is_ticked(id: &str) -> Result<bool> {
    Ok(find::<HtmlInputElement>(id)?.is_some_and(|it| it.checked()))
}

/// Waits.
pub(crate) async fn sleep(millis: i32) -> Result<()> {
    let window = window()?;
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // Without a timer the promise never resolves, and what waits for it stays as it is.
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
    });
    wasm_bindgen_futures::JsFuture::from(promise)
        .await
        .map(drop)
}

/// Starts something that ends by itself.
pub(crate) fn spawn(future: impl Future<Output = Result<()>> + 'static) {
    wasm_bindgen_futures::spawn_local(async { log(future.await) });
}

/// Tells the console what went wrong where nobody else listens.
pub(crate) fn log(result: Result<()>) {
    if let Err(error) = result {
        web_sys::console::error_1(&error);
    }
}

fn say(place: &Element, host: &PageHost, values: &Values) -> Result<()> {
    let key = complete(&attribute(place, "data-text"), values);
    let names = attribute(place, "data-values");
    let names: Vec<&str> = names.split_whitespace().collect();
    place.set_text_content(None);
    for piece in host.pieces(&key, names.len()) {
        match piece {
            Piece::Words(words) => {
                place.append_with_str_1(&words)?;
            }
            Piece::Value(index) => {
                let value = names.get(index).and_then(|name| values.get(name));
                place.append_child(&isolated(value.unwrap_or_default())?)?;
            }
        }
    }
    Ok(())
}

/// A text that runs in its own direction and does not turn its neighbours around.
fn isolated(text: &str) -> Result<Node> {
    let bdi = document()?.create_element("bdi")?;
    bdi.set_text_content(Some(text));
    Ok(bdi.into())
}

fn complete(key: &str, values: &Values) -> String {
    let Some((before, rest)) = key.split_once('{') else {
        return key.to_owned();
    };
    let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
    format!("{before}{}{after}", values.get(name).unwrap_or_default())
}

fn copy(template: &str) -> Result<Element> {
    let content = element::<HtmlTemplateElement>(template)?.content();
    let only = content
        .first_element_child()
        .ok_or_else(|| missing(template))?;
    Ok(only.clone_node_with_deep(true)?.unchecked_into())
}

fn with_itself(root: &Element, selector: &str) -> Result<Vec<Element>> {
    let mut found = all(root, selector)?;
    if root.matches(selector)? {
        found.push(root.clone());
    }
    Ok(found)
}

fn attribute(element: &Element, name: &str) -> String {
    element.get_attribute(name).unwrap_or_default()
}

fn missing(what: &str) -> JsValue {
    JsError::new(&format!("the page has no {what}")).into()
}
