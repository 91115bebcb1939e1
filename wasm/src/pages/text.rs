//! Words: the locale's texts, and the values that stand in them.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::thread::LocalKey;

use housekey_core::effect::HelperStatus;
use housekey_core::identity::Identity;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use js_sys::Intl::DateTimeFormat;
use js_sys::{Array, Date, Function, Number, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::JsValue;

use super::PageHost;

/// What a page has to say, by the names under which its HTML asks for it.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<&'static str, String>);

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The locale's own words.
    Words(String),
    /// The value of this index, which may be a stranger's words.
    Value(usize),
}

impl Values {
    /// Sets a value. An empty one is none.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name, value);
        }
    }

    /// Sets a value that has one.
    pub(crate) fn set_some(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        self.set(name, value.map(Into::into).unwrap_or_default());
    }

    /// Says whether something is so.
    pub(crate) fn flag(&mut self, name: &'static str, holds: bool) {
        self.set(name, if holds { name } else { "" });
    }

    /// Takes over all that another has to say.
    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The value of this name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl PageHost {
    /// A text without values.
    pub(crate) fn text(&self, key: &str) -> String {
        self.sentence(key, &[])
    }

    /// A text with values as one, for where it is a value itself.
    pub(crate) fn sentence(&self, key: &str, values: &[&str]) -> String {
        let pieces = self.pieces(key, values.len()).into_iter();
        let words = pieces.map(|piece| match piece {
            Piece::Words(words) => words,
            Piece::Value(index) => values.get(index).copied().unwrap_or_default().to_owned(),
        });
        words.collect()
    }

    /// A text with values, in pieces: no value ever becomes part of a string that is searched for
    /// placeholders, so that nobody's name can be taken for one.
    pub(crate) fn pieces(&self, key: &str, values: usize) -> Vec<Piece> {
        let marks = (0..values).map(|index| mark(index).to_string()).collect();
        match self.message(key, marks) {
            Ok(text) if !text.is_empty() => split(&text),
            // A missing text is a mistake that its key tells best.
            _ => vec![Piece::Words(key.to_owned())],
        }
    }

    /// A day, as the locale writes it.
    pub(crate) fn date(&self, time: Timestamp) -> String {
        self.moment(time, &DAY, "dateStyle", "medium")
    }

    /// A time of day, as the locale writes it.
    pub(crate) fn time_of_day(&self, time: Timestamp) -> String {
        self.moment(time, &TIME_OF_DAY, "timeStyle", "short")
    }

    /// Making a format takes a browser far longer than using it, so each is made once.
    fn moment(&self, time: Timestamp, kept: &'static Format, name: &str, style: &str) -> String {
        let format = kept.with(|kept| {
            let make = || {
                let options = Object::new();
                let set = Reflect::set(&options, &name.into(), &style.into());
                debug_assert!(set.is_ok(), "an own plain object takes properties");
                let locales = Array::of1(&self.text("locale").into());
                DateTimeFormat::new(&locales, &options).format()
            };
            kept.get_or_init(make).clone()
        });
        let written = format.call1(&JsValue::UNDEFINED, &date(time));
        let written = written.ok().and_then(|it| it.as_string());
        // No date ends on another line than it begins.
        written.unwrap_or_default().replace(' ', "\u{a0}")
    }

    /// A number, as the locale writes it.
    pub(crate) fn number(&self, number: usize) -> String {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Number::from(number)
            .to_locale_string(&self.text("locale"))
            .into()
    }
}

/// The present, by this computer's clock.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "dates are whole seconds")]
    Timestamp((Date::now() / 1_000.0).floor() as i64)
}

/// The moment that a text of RFC 3339 names.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let seconds = (Date::parse(text) / 1_000.0).floor();
    #[expect(clippy::cast_possible_truncation, reason = "dates are whole seconds")]
    seconds.is_finite().then_some(Timestamp(seconds as i64))
}

/// Which of a text's forms goes with a number, as a part of its key.
pub(crate) const fn plural(number: usize) -> &'static str {
    match number {
        0 => "none",
        1 => "one",
        _ => "many",
    }
}

fn date(time: Timestamp) -> Date {
    #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 ms")]
    Date::new(&JsValue::from_f64(time.0 as f64 * 1_000.0))
}

/// The name that serde gives a variant, which is a part of keys.
pub(crate) fn code(variant: &impl Serialize) -> String {
    let json = serde_json::to_string(variant).unwrap_or_default();
    let name = json.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    name.unwrap_or_default().to_owned()
}

/// What to type in a terminal about a helper like this.
pub(crate) const fn command_for(helper: HelperStatus) -> Option<&'static str> {
    match helper {
        HelperStatus::Missing | HelperStatus::TooOld => Some("housekey install"),
        HelperStatus::Unusable => Some("housekey doctor"),
        HelperStatus::Down | HelperStatus::Ok | HelperStatus::Starting | HelperStatus::TooNew => {
            None
        }
    }
}

/// Tells what a trusted device is called, and by whom.
pub(crate) fn tell_name(
    values: &mut Values,
    name: &SafeText,
    identity: &Identity,
    host: &PageHost,
) {
    let (shown, certified) = (name.as_str(), identity.name.as_str());
    if shown == certified {
        // A name that somebody vouches for is a fact; any other is a claim, and shown as one.
        values.set(
            if identity.is_verified() {
                "fact"
            } else {
                "claim"
            },
            shown,
        );
        values.flag("nameless", shown.is_empty());
    } else {
        // The person's own word for it does not hide what stands in the certificate.
        values.set("fact", shown);
        values.set("company", certified);
    }
    let nameless = || host.text("nameless_device");
    values.set(
        "name",
        if shown.is_empty() {
            nameless()
        } else {
            shown.to_owned()
        },
    );
}

fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    for c in text.chars() {
        if let Some(index) = u32::from(c)
            .checked_sub(FIRST_MARK)
            .filter(|it| *it < MARKS)
        {
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Value(index as usize));
        } else {
            words.push(c);
        }
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    pieces
}

type Format = LocalKey<OnceCell<Function>>;

thread_local! {
    static DAY: OnceCell<Function> = const { OnceCell::new() };
    static TIME_OF_DAY: OnceCell<Function> = const { OnceCell::new() };
}

/// Stands for a value while the browser puts a text together.
fn mark(index: usize) -> char {
    u32::try_from(index)
        .ok()
        .filter(|index| *index < MARKS)
        .and_then(|index| char::from_u32(FIRST_MARK + index))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The private use area: no text of a locale has such characters.
const FIRST_MARK: u32 = 0xE000;
/// As many placeholders as a browser's texts can have.
const MARKS: u32 = 9;

#[cfg(test)]
mod tests {
    use housekey_core::error::ErrorCode;

    use super::*;

    #[test]
    fn values_stand_apart_from_words() {
        let text = format!("Is {} your {}?", mark(1), mark(0));
        let words = |words: &str| Piece::Words(words.into());
        assert_eq!(
            split(&text),
            [
                words("Is "),
                Piece::Value(1),
                words(" your "),
                Piece::Value(0),
                words("?")
            ]
        );
    }

    #[test]
    fn keys_are_made_of_serde_names() {
        assert_eq!(code(&ErrorCode::KeyChanged), "key_changed");
    }

    #[test]
    fn an_empty_value_is_none() {
        let mut values = Values::default();
        values.set("name", "Hue");
        values.set("name", "");
        values.flag("blocked", false);
        assert_eq!((values.get("name"), values.get("blocked")), (None, None));
    }
}
