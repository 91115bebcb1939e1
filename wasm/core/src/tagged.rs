//! Reading enums that serde writes with a tag of their own: `{"type":"moved","from":"nas.local:443"}`.
//!
//! What serde derives for reading those is half of a WebAssembly module: it keeps everything in a
//! form that is private to it, and compiles each type that an enum holds once for that form and
//! once for JSON. Here there is one form, [`Value`], and one reader of a field.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Error, Map, Value};

/// Implements `Deserialize` for an enum whose `Serialize` is derived with a `tag`, `rename_all`
/// to `snake_case` and `rename_all_fields` to `camelCase`.
///
/// It names each variant with its fields, the optional ones with `= default`. One that were left
/// out would not compile. Unknown variants and unknown fields are refused.
macro_rules! read_tagged {
    ($enum:ident by $tag:literal {
        $($variant:ident $({ $($field:ident $(= $default:ident)?),+ $(,)? })?),+ $(,)?
    }) => {
        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                /// As serde spells the variants.
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "snake_case")]
                enum Tag {
                    $($variant),+
                }
                fn read(fields: &mut crate::tagged::Fields) -> Result<$enum, serde_json::Error> {
                    Ok(match fields.take($tag)? {
                        $(
                            Tag::$variant => $enum::$variant $({
                                $($field: crate::tagged::read_field!(fields, $field $($default)?)),+
                            })?,
                        )+
                    })
                }
                /// Fails to compile where the list above lacks a variant.
                const _: fn($enum) = |it| match it {
                    $($enum::$variant { .. } => {})+
                };
                crate::tagged::Fields::read(deserializer, read)
            }
        }
    };
}

/// A field by its name, or what stands for it where it is missing.
macro_rules! read_field {
    ($fields:ident, $field:ident) => {
        $fields.take(stringify!($field))?
    };
    ($fields:ident, $field:ident default) => {
        $fields.take_or_default(stringify!($field))?
    };
}

pub(crate) use {read_field, read_tagged};

/// What an object holds that was not taken from it yet.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads something from an object, all of it.
    pub(crate) fn read<'de, D: Deserializer<'de>, T>(
        deserializer: D,
        read: fn(&mut Self) -> Result<T, Error>,
    ) -> Result<T, D::Error> {
        let mut fields = Self(Map::deserialize(deserializer)?);
        let read = read(&mut fields).map_err(D::Error::custom)?;
        match fields.0.keys().next() {
            Some(name) => Err(D::Error::custom(format_args!("unknown field `{name}`"))),
            None => Ok(read),
        }
    }

    /// Takes a field by its Rust name. A missing one is read as `null`, which an `Option` can be.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Error> {
        let value = self.0.remove(&camel_case(name)).unwrap_or_default();
        T::deserialize(value).map_err(|error| Error::custom(format_args!("{name}: {error}")))
    }

    /// Takes a field that may be missing.
    pub(crate) fn take_or_default<T>(&mut self, name: &str) -> Result<T, Error>
    where
        T: DeserializeOwned + Default,
    {
        if self.0.contains_key(&camel_case(name)) {
            self.take(name)
        } else {
            Ok(T::default())
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut begins_word = false;
    for letter in name.chars() {
        if letter == '_' {
            begins_word = true;
        } else if std::mem::take(&mut begins_word) {
            camel.push(letter.to_ascii_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize)]
    #[serde(
        tag = "type",
        rename_all = "snake_case",
        rename_all_fields = "camelCase"
    )]
    enum Sample {
        ManyWords {
            tab_id: u8,
            spki_sha256: Option<String>,
        },
        Nothing,
        One {
            is_it: bool,
        },
    }

    read_tagged!(Sample by "type" {
        ManyWords { tab_id, spki_sha256 },
        Nothing,
        One { is_it = default },
    });

    fn read(json: &str) -> Result<Sample, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_serde_writes_is_read() {
        let spki_sha256 = Some("00".to_owned());
        for sample in [
            Sample::ManyWords {
                tab_id: 1,
                spki_sha256,
            },
            Sample::ManyWords {
                tab_id: 1,
                spki_sha256: None,
            },
            Sample::Nothing,
            Sample::One { is_it: true },
        ] {
            assert_eq!(read(&serde_json::to_string(&sample).unwrap()), Ok(sample));
        }
    }

    #[test]
    fn what_may_be_missing_may_be_missing() {
        let many = Sample::ManyWords {
            tab_id: 1,
            spki_sha256: None,
        };
        assert_eq!(read(r#"{"type":"many_words","tabId":1}"#), Ok(many));
        assert_eq!(read(r#"{"type":"one"}"#), Ok(Sample::One { is_it: false }));
    }

    #[test]
    fn nothing_is_guessed() {
        for json in [
            "1",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":null}"#,
            r#"{"type":"ManyWords","tabId":1}"#,
            r#"{"type":"manyWords","tabId":1}"#,
            r#"{"type":"many__words","tabId":1}"#,
            r#"{"type":"many_words_","tabId":1}"#,
            r#"{"type":"_nothing"}"#,
            r#"{"type":"no"}"#,
            r#"{"type":""}"#,
            r#"{"type":"many_words"}"#,
            r#"{"type":"many_words","tab_id":1}"#,
            r#"{"type":"many_words","tabId":256}"#,
            r#"{"type":"many_words","tabId":1,"more":1}"#,
            r#"{"type":"nothing","more":1}"#,
            r#"{"type":"one","isIt":null}"#,
        ] {
            assert!(read(json).is_err(), "{json} was read");
        }
    }
}
