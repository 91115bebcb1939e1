//! Pages: as much of a list as one message to the extension holds.

use serde::Serialize;

/// The first items of a list, and whether it goes on.
pub(super) struct Page<T> {
    /// At least one, unless the list is empty.
    pub(super) items: Vec<T>,
    /// Whether more come after them.
    pub(super) more: bool,
}

impl Page<()> {
    /// How many items a page has at most.
    pub(super) const SIZE: u32 = 200;
}

impl<T: Serialize> Page<T> {
    /// The first page of a list that was asked for with one item more than a page has.
    pub(super) fn of(items: Vec<T>) -> Self {
        Self::with_at_most(Page::SIZE as usize, items)
    }

    /// The first page of a list, with at most so many items.
    ///
    /// An item is about a kilobyte, but a person's note can make it fifty times that, and no message
    /// may be longer than a mebibyte.
    pub(super) fn with_at_most(most: usize, mut items: Vec<T>) -> Self {
        let mut room = MAX_BYTES;
        let fits = items.iter().take(most).take_while(|item| {
            // What cannot be written is not sent either.
            let size = serde_json::to_vec(item).map_or(usize::MAX, |json| json.len() + 1);
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        });
        let count = fits.count().max(1).min(items.len());
        let more = count < items.len();
        items.truncate(count);
        Self { items, more }
    }
}

/// The browser's limit of 1 MiB for a message, less what stands around the items.
const MAX_BYTES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn page(items: &[String]) -> (usize, bool) {
        let Page { items, more } = Page::of(items.to_vec());
        (items.len(), more)
    }

    #[test]
    fn a_page_ends_where_the_next_item_does_not_fit() {
        assert_eq!(page(&[]), (0, false));
        let small = vec![String::from("x"); 201];
        assert_eq!(page(&small), (200, true));
        assert_eq!(page(&small[..200]), (200, false));
        let large = vec!["x".repeat(99_997); 201];
        assert_eq!(page(&large), (10, true), "ten of them are a megabyte");
        let huge = vec!["x".repeat(MAX_BYTES); 2];
        assert_eq!(page(&huge), (1, true), "whoever asks on gets on");
    }
}
