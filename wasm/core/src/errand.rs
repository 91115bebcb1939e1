//! What the extension's pages ask of the helper, past the core.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::protocol::Request;

/// A request to the helper that a page makes and the core only passes on: one that changes what the
/// person keeps, or lists it.
///
/// Of which type it is, is looked at here; the rest of it is read by the helper, strictly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Errand(Value);

/// A request with the core at one end, or an errand that goes past it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Asked<C> {
    /// By a page of the core, or by the core of the helper.
    Core(C),
    /// By a page of the helper.
    Helper(Errand),
}

impl Errand {
    /// The types of all requests that are none of the core's business. Above all an approval is not
    /// among them: which key it is for, and whether it answers a question, the core decides.
    pub const TYPES: [&str; 13] = [
        "add_maker",
        "annotate",
        "block",
        "forget",
        "history",
        "import",
        "makers",
        "move",
        "pins",
        "remove_maker",
        "rename",
        "set_maker",
        "settings",
    ];

    /// An object of one of these types.
    fn of(json: Value) -> Result<Self, Value> {
        let tag = json.get("type").and_then(Value::as_str);
        if tag.is_some_and(|tag| Self::TYPES.contains(&tag)) {
            Ok(Self(json))
        } else {
            Err(json)
        }
    }
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Asked<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Errand::of(Value::deserialize(deserializer)?) {
            Ok(errand) => Ok(Self::Helper(errand)),
            Err(other) => C::deserialize(other)
                .map(Self::Core)
                .map_err(D::Error::custom),
        }
    }
}

impl From<Request> for Asked<Request> {
    fn from(request: Request) -> Self {
        Self::Core(request)
    }
}

impl From<Errand> for Asked<Request> {
    fn from(errand: Errand) -> Self {
        Self::Helper(errand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PageRequest;

    #[test]
    fn pages_send_the_helper_nothing_that_the_core_decides() {
        for json in [
            r#"{"type":"approve","endpoint":"nas.local:443","spkiSha256":"00","approval":"first"}"#,
            r#"{"type":"trust_maker","endpoint":"nas.local:443"}"#,
            r#"{"type":"cleared","endpoint":"nas.local:443"}"#,
            r#"{"type":"allow_site","site":"a.example","endpoint":"nas.local:443"}"#,
            r#"{"type":"hello","extension":"0.1.0"}"#,
            r#"{"type":["block"]}"#,
            r#"["block"]"#,
            r#""block""#,
        ] {
            assert!(
                serde_json::from_str::<Asked<PageRequest>>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn an_errand_arrives_as_it_was_sent() {
        let json = r#"{"blocked":true,"endpoint":"nas.local:443","type":"block"}"#;
        let Ok(Asked::<PageRequest>::Helper(errand)) = serde_json::from_str(json) else {
            panic!("no errand");
        };
        assert_eq!(serde_json::to_string(&Asked::from(errand)).unwrap(), json);
        for tag in Errand::TYPES {
            let json = format!(r#"{{"type":"{tag}"}}"#);
            let asked: Asked<PageRequest> = serde_json::from_str(&json).unwrap();
            assert!(matches!(asked, Asked::Helper(_)), "{tag}");
        }
    }
}
