//! Marks: how far the list of devices has come, by which a browser notices that an older one was
//! put in its place.
//!
//! The helper seals its store, but the seal lies beside it: whoever puts a whole directory back puts
//! the seal back, too. So each browser profile remembers on its own what it saw last, and says so
//! when it meets the helper again.

use serde::{Deserialize, Serialize};

/// Which list of devices it is, and how many changes were made to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct ListMark {
    /// The list's own random name.
    pub list: String,
    /// How many changes.
    pub changes: i64,
}

impl ListMark {
    /// More than a thousand a second for a lifetime, and far from where counting on would end.
    pub const MOST_CHANGES: i64 = 1 << 42;

    /// What a browser profile kept, as JSON. Nothing where no list ever left such a mark: it may be
    /// another version's or broken, and with it the helper would refuse any list for ever.
    #[must_use]
    pub fn read(kept: &str) -> Option<Self> {
        let mark: Self = serde_json::from_str(kept).ok()?;
        let is_one = (0..=Self::MOST_CHANGES).contains(&mark.changes)
            && (1..=MAX_NAME_BYTES).contains(&mark.list.len());
        is_one.then_some(mark)
    }

    /// How many changes are missing here that were seen before; none where it is another list, whose
    /// devices are asked about anew.
    #[must_use]
    pub fn lacks(&self, seen: &Self) -> Option<i64> {
        let missing = seen.changes.saturating_sub(self.changes);
        (self.list == seen.list && missing > 0).then_some(missing)
    }
}

/// Twice of what a list is named by.
const MAX_NAME_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(list: &str, changes: i64) -> ListMark {
        ListMark {
            list: list.to_owned(),
            changes,
        }
    }

    #[test]
    fn what_no_list_ever_left_is_no_mark() {
        for (kept, read) in [
            (r#"{"list":"a","changes":7}"#, Some(mark("a", 7))),
            (r#"{"list":"a","changes":0}"#, Some(mark("a", 0))),
            (
                r#"{"list":"a","changes":4398046511104}"#,
                Some(mark("a", ListMark::MOST_CHANGES)),
            ),
            (r#"{"list":"a","changes":4398046511105}"#, None),
            (r#"{"list":"a","changes":-1}"#, None),
            (r#"{"list":"a","changes":1e99}"#, None),
            (r#"{"list":"a","changes":"7"}"#, None),
            (r#"{"list":"a","changes":7,"more":1}"#, None),
            (r#"{"list":"a"}"#, None),
            (r#"{"list":"","changes":7}"#, None),
            (r#"{"list":"\ud800","changes":7}"#, None),
            ("null", None),
            ("7", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(ListMark::read(kept), read, "{kept}");
        }
        for (length, is_one) in [(MAX_NAME_BYTES, true), (MAX_NAME_BYTES + 1, false)] {
            let kept = format!(r#"{{"list":"{}","changes":7}}"#, "a".repeat(length));
            assert_eq!(ListMark::read(&kept).is_some(), is_one, "{length}");
        }
        assert_eq!(ListMark::read(&"[".repeat(1_000_000)), None);
    }

    #[test]
    fn only_the_same_list_can_lack_anything() {
        let here = mark("a", 7);
        for (seen, missing) in [
            (mark("a", 6), None),
            (mark("a", 7), None),
            (mark("a", 9), Some(2)),
            (mark("b", 9), None),
            (mark("a", i64::MAX), Some(i64::MAX - 7)),
        ] {
            assert_eq!(here.lacks(&seen), missing, "{seen:?}");
        }
        assert_eq!(
            mark("a", i64::MIN).lacks(&mark("a", i64::MAX)),
            Some(i64::MAX)
        );
    }
}
