//! What a message carries past those who have no use for it.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Error, Value};

/// A `T` that whoever it is meant for reads, and nobody on the way.
///
/// The background hands lists from the helper to a page. It decides nothing by them, so the code
/// that reads them is the page's alone: it is strict, and what is broken is an error there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed<T> {
    content: Value,
    of: PhantomData<T>,
}

impl<T: Serialize> Sealed<T> {
    /// Seals something that can be written as JSON. What cannot is refused when it is opened.
    #[must_use]
    pub fn new(content: &T) -> Self {
        let content = serde_json::to_value(content).unwrap_or_default();
        let of = PhantomData;
        Self { content, of }
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Where it is no `T`.
    pub fn open(self) -> Result<T, Error> {
        T::deserialize(self.content)
    }
}

impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = Value::deserialize(deserializer)?;
        let of = PhantomData;
        Ok(Self { content, of })
    }
}
