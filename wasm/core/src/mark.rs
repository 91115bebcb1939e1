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
    /// How many changes are missing here that were seen before; none where it is another list, whose
    /// devices are asked about anew.
    #[must_use]
    pub fn lacks(&self, seen: &Self) -> Option<i64> {
        let missing = seen.changes.saturating_sub(self.changes);
        (self.list == seen.list && missing > 0).then_some(missing)
    }
}

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
