//! What became of what the person did, said once and to everybody.

use std::cell::Cell;

use housekey_core::effect::PageReply;
use housekey_core::error::ErrorCode;
use web_sys::Element;

use super::super::PageHost;
use super::super::dom::{self, Result};
use super::super::text::{Values, code};

/// Says that something was done.
pub(super) fn done(host: &PageHost, key: &str, address: &str) -> Result<()> {
    let mut values = Values::default();
    values.set("key", key);
    values.set("address", address);
    say(&dom::instance("notice-done", host, &values)?)?;
    // Who missed it sees the change itself.
    let said = SAID.get();
    dom::spawn(async move {
        dom::sleep(READING_MILLIS).await?;
        if SAID.get() == said { hide() } else { Ok(()) }
    });
    Ok(())
}

/// Says that something was not done, and what to do.
pub(super) fn refused(host: &PageHost, reply: &PageReply) -> Result<()> {
    let error = match reply {
        PageReply::Error { code } => *code,
        _ => ErrorCode::BadMessage,
    };
    let mut values = Values::default();
    values.set("error", code(&error));
    say(&dom::instance("notice-error", host, &values)?)
}

/// Hears where the keyboard goes, which is never under the words.
pub(super) fn listen() -> Result<()> {
    dom::listen(&dom::document()?, "focusin", |_| dom::log(keep_clear()))
}

/// Takes away what was said.
pub(super) fn hide() -> Result<()> {
    SAID.set(SAID.get().wrapping_add(1));
    dom::element::<Element>("notice-words")?.replace_children_with_node_0();
    dom::show(&dom::element("notice")?, false)
}

fn say(notice: &Element) -> Result<()> {
    SAID.set(SAID.get().wrapping_add(1));
    // What is shown first and filled then is heard by those who listen to the page.
    dom::show(&dom::element("notice")?, true)?;
    dom::element::<Element>("notice-words")?.replace_children_with_node_1(notice);
    keep_clear()
}

/// Moves what has the keyboard's focus out from under the words.
fn keep_clear() -> Result<()> {
    let notice: Element = dom::element("notice")?;
    let Some(focused) = dom::document()?.active_element() else {
        return Ok(());
    };
    if notice.has_attribute("hidden") || notice.contains(Some(&focused)) {
        return Ok(());
    }
    let (words, focused) = (
        notice.get_bounding_client_rect(),
        focused.get_bounding_client_rect(),
    );
    let hidden = focused.bottom() > words.top() && focused.top() < words.bottom();
    // What is higher than the window cannot be clear of anything.
    if hidden && focused.height() < words.top() {
        dom::window()?.scroll_by_with_x_and_y(0.0, focused.bottom() - words.top() + CLEARANCE);
    }
    Ok(())
}

thread_local! {
    /// Counts what was said, so that a timer takes away only what it was started for.
    static SAID: Cell<u32> = const { Cell::new(0) };
}

/// Between the words and what has the focus, in CSS pixels.
const CLEARANCE: f64 = 16.0;
/// Long enough to read two lines twice.
const READING_MILLIS: i32 = 10_000;
