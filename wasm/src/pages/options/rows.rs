//! A long list of which only the rows in view exist, and some around them.
//!
//! The rows are of one height, except for one that can be open. Each is placed by its number, so
//! a list of thousands costs what the window costs. Two rows exist wherever the window is: the
//! open one, in which something may have been typed, and the current one, which has the keyboard's
//! focus or gets it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

use super::super::dom::{self, Result};

/// What the rows show.
pub(super) trait Source {
    /// How many rows there are.
    fn count(&self) -> usize;
    /// Builds a row.
    fn row(&self, place: usize) -> Result<Element>;
}

/// The rows that exist.
pub(super) struct Rows {
    list: HtmlElement,
    shown: RefCell<BTreeMap<usize, HtmlElement>>,
    current: Cell<Option<usize>>,
    open: Cell<Option<usize>>,
    /// The height of a row in CSS pixels; 0 until one was seen.
    height: Cell<f64>,
    /// How much higher the open row is.
    extra: Cell<f64>,
}

impl Rows {
    /// No rows yet, in this list.
    pub(super) fn new(list: HtmlElement) -> Self {
        Self {
            list,
            shown: RefCell::default(),
            current: Cell::default(),
            open: Cell::default(),
            height: Cell::default(),
            extra: Cell::default(),
        }
    }

    /// The list.
    pub(super) fn list(&self) -> &HtmlElement {
        &self.list
    }

    /// The row of this number, if it exists.
    pub(super) fn element(&self, place: usize) -> Option<HtmlElement> {
        self.shown.borrow().get(&place).cloned()
    }

    /// The row that is open.
    pub(super) fn opened(&self) -> Option<usize> {
        self.open.get()
    }

    /// The row that the keyboard is at; unless it was in the list, it comes to the first.
    pub(super) fn current(&self) -> Option<usize> {
        self.current.get()
    }

    /// Says which row is open.
    pub(super) fn set_open(&self, place: Option<usize>) {
        self.open.set(place);
        self.extra.set(0.0);
    }

    /// Says which row the keyboard is at.
    pub(super) fn set_current(&self, place: Option<usize>) {
        self.current.set(place);
    }

    /// How many rows fit into the window, at least one.
    pub(super) fn in_window(&self) -> Result<usize> {
        let height = self.height.get().max(1.0);
        Ok(count(window_height()? / height).max(1))
    }

    /// After the order has changed: lets go of every row but the open one, whose place is now
    /// this one.
    pub(super) fn reorder(&self, open: Option<usize>, current: Option<usize>) {
        let mut shown = self.shown.borrow_mut();
        let kept = self.open.get().and_then(|place| shown.remove(&place));
        for row in std::mem::take(&mut *shown).into_values() {
            row.remove();
        }
        match (kept, open) {
            (Some(row), Some(place)) => {
                shown.insert(place, row);
                self.open.set(open);
            }
            (Some(row), None) => {
                row.remove();
                self.set_open(None);
            }
            (None, _) => self.set_open(None),
        }
        self.current.set(current);
    }

    /// Puts another element in the place of a row.
    pub(super) fn replace(&self, place: usize, row: Element) -> Result<()> {
        let row: HtmlElement = row.unchecked_into();
        let old = self.shown.borrow_mut().insert(place, row.clone());
        if let Some(old) = old {
            old.replace_with_with_node_1(&row)?;
        }
        Ok(())
    }

    /// Builds the rows that are in view, and lets go of those that are not.
    pub(super) fn lay(&self, source: &impl Source) -> Result<()> {
        // The height of rows is known when the first of them stand, and then they stand elsewhere.
        self.place(source)?;
        if self.measure() {
            self.place(source)?;
        }
        Ok(())
    }

    /// Leads the keyboard to a row, and the window with it.
    pub(super) fn go(&self, place: usize, source: &impl Source) -> Result<()> {
        self.current.set(Some(place));
        self.lay(source)?;
        if let Some(row) = self.element(place) {
            if let Some(button) = dom::part::<HtmlElement>(&row, "button")? {
                button.focus()?;
            }
            self.lay(source)?;
        }
        Ok(())
    }

    fn place(&self, source: &impl Source) -> Result<()> {
        let rows = source.count();
        let mut wanted: Vec<usize> = self.in_view(rows)?.collect();
        let current = self.current().unwrap_or_default();
        let current = current.min(rows.saturating_sub(1));
        let always = self.open.get().into_iter().chain([current]);
        wanted.extend(always.filter(|place| *place < rows));
        wanted.sort_unstable();
        wanted.dedup();

        let mut shown = self.shown.borrow_mut();
        shown.retain(|place, row| {
            let stays = wanted.binary_search(place).is_ok();
            if !stays {
                row.remove();
            }
            stays
        });
        // From the last to the first, so that each new row has its follower to stand before.
        let mut follower: Option<HtmlElement> = None;
        for place in wanted.into_iter().rev() {
            let row = match shown.get(&place) {
                Some(row) => row.clone(),
                None => source.row(place)?.unchecked_into(),
            };
            self.number(&row, place, rows)?;
            let in_place = row.next_element_sibling().as_ref() == follower.as_deref()
                && row.parent_element().is_some();
            if !in_place {
                self.list
                    .insert_before(&row, follower.as_ref().map(AsRef::as_ref))?;
            }
            if let Some(button) = dom::part::<HtmlElement>(&row, "button")? {
                button.set_tab_index(if place == current { 0 } else { -1 });
            }
            shown.insert(place, row.clone());
            follower = Some(row);
        }
        let whole = offset(rows, self.height.get()) + self.extra.get();
        self.list
            .style()
            .set_property("block-size", &format!("{whole}px"))
    }

    fn number(&self, row: &HtmlElement, place: usize, rows: usize) -> Result<()> {
        row.set_attribute("aria-setsize", &rows.to_string())?;
        row.set_attribute("aria-posinset", &(place + 1).to_string())?;
        let below = self.open.get().is_some_and(|open| place > open);
        let extra = if below { self.extra.get() } else { 0.0 };
        let top = offset(place, self.height.get()) + extra;
        row.style()
            .set_property("inset-block-start", &format!("{top}px"))
    }

    /// The rows in the window, and half as many above and below it.
    fn in_view(&self, rows: usize) -> Result<std::ops::Range<usize>> {
        let height = self.height.get();
        if height == 0.0 {
            return Ok(0..rows.min(1));
        }
        let (top, window) = (self.list.get_bounding_client_rect().top(), window_height()?);
        let last = count((1.5 * window - top) / height) + 1;
        // Where a row is open, there are fewer than counted, but never more.
        let first = count((-top - window / 2.0 - self.extra.get()) / height).min(rows);
        Ok(first..last.clamp(first, rows))
    }

    /// Looks how high rows are; says whether that is new.
    fn measure(&self) -> bool {
        let shown = self.shown.borrow();
        let open = self.open.get().and_then(|place| shown.get(&place));
        let head = |row: &HtmlElement| row.first_element_child().map(|it| height(&it));
        let row = shown.values().next().and_then(head).unwrap_or_default();
        let extra = open.map_or(0.0, |open| height(open) - row).max(0.0);
        // Where the list is hidden, nothing has a height.
        if row == 0.0 {
            return false;
        }
        let (before, extra_before) = (self.height.replace(row), self.extra.replace(extra));
        (before - row).abs() > 0.01 || (extra_before - extra).abs() > 0.01
    }
}

fn height(element: &Element) -> f64 {
    element.get_bounding_client_rect().height()
}

fn window_height() -> Result<f64> {
    Ok(dom::window()?.inner_height()?.as_f64().unwrap_or_default())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are never as many rows as 2^53"
)]
fn offset(place: usize, height: f64) -> f64 {
    place as f64 * height
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of floats saturates, so what is above the list is row 0"
)]
fn count(rows: f64) -> usize {
    rows.floor() as usize
}
