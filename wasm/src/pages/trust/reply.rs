//! What the background may answer to the trust page.

use housekey_core::error::ErrorCode;
use housekey_core::expected::Comparison;
use housekey_core::view::TrustView;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The part of [`PageReply`](housekey_core::effect::PageReply) that this page has a use for: the
/// code that reads all of it would be most of the module, and somebody waits for this page.
#[derive(Debug)]
pub(super) enum Reply {
    Compared {
        comparison: Comparison,
    },
    Done,
    Error {
        code: ErrorCode,
    },
    Go {
        url: String,
    },
    Trust {
        view: TrustView,
    },
    /// An answer to another page's question.
    Other,
}

impl Reply {
    fn of(reply: &mut Value) -> Result<Self, serde_json::Error> {
        let tag = reply["type"].take();
        let mut field = |name: &str| reply[name].take();
        Ok(match tag.as_str() {
            Some("compared") => Self::Compared {
                comparison: Comparison::deserialize(field("comparison"))?,
            },
            Some("done") => Self::Done,
            Some("error") => Self::Error {
                code: ErrorCode::deserialize(field("code"))?,
            },
            Some("go") => Self::Go {
                url: String::deserialize(field("url"))?,
            },
            Some("trust") => Self::Trust {
                view: TrustView::deserialize(field("view"))?,
            },
            Some(_) => Self::Other,
            None => return Err(serde_json::Error::missing_field("type")),
        })
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reply = serde_json::Map::deserialize(deserializer)?;
        // Of an object, a field that is missing can be taken too, as `null`.
        Self::of(&mut Value::Object(reply)).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use housekey_core::effect::PageReply;
    use housekey_core::sealed::Sealed;
    use housekey_core::view::Situation;

    use super::*;

    fn read(reply: &PageReply) -> Reply {
        let json = serde_json::to_string(reply).expect("a reply is JSON");
        serde_json::from_str(&json).expect("this page reads every reply")
    }

    #[test]
    fn replies_are_read_as_the_core_writes_them() {
        let endpoint = "nas.local".parse().expect("an endpoint");
        let view = TrustView::bare(
            Situation::FirstConnect,
            &endpoint,
            None,
            housekey_core::time::Timestamp(0),
        );
        let comparison = Comparison::Empty;
        assert!(matches!(
            read(&PageReply::Compared { comparison }),
            Reply::Compared { .. }
        ));
        assert!(matches!(read(&PageReply::Done), Reply::Done));
        let code = ErrorCode::UnknownPrompt;
        let error = read(&PageReply::Error { code });
        assert!(matches!(
            error,
            Reply::Error {
                code: ErrorCode::UnknownPrompt
            }
        ));
        let url = "https://nas.local/".to_owned();
        assert!(matches!(read(&PageReply::Go { url }), Reply::Go { .. }));
        let trust = read(&PageReply::Trust { view: view.clone() });
        assert!(matches!(trust, Reply::Trust { view: read } if read == view));
    }

    #[test]
    fn what_is_for_other_pages_is_no_mistake_of_the_format() {
        let entries = Sealed::new(&Vec::new());
        let history = read(&PageReply::History {
            entries,
            more: true,
        });
        assert!(matches!(history, Reply::Other));
    }
}
