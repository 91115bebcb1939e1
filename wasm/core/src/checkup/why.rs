//! Why a link is as it is, where what was found does not say it.

use serde::{Deserialize, Serialize};

use crate::text::WholeText;

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Why {
    /// What the trouble is.
    pub trouble: Trouble,
    /// What the system said of it, or a number that goes with it; nobody's translation.
    #[serde(default)]
    pub said: WholeText,
}

/// What the trouble is with a file, a key or a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Trouble {
    /// It is not what Housekey wrote.
    Altered,
    /// Something in Housekey itself went wrong.
    Fault,
    /// The key and the certificate do not belong together.
    ForeignKey,
    /// It belongs to another user.
    ForeignOwner,
    /// It is longer than anything that Housekey writes.
    Large,
    /// It is a link or a special file.
    Link,
    /// There is no home directory.
    NoHome,
    /// Its permissions, which are told, let others in.
    Open,
    /// The system did not let it be: what it said is told.
    System,
}

impl Trouble {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::Altered,
        Self::Fault,
        Self::ForeignKey,
        Self::ForeignOwner,
        Self::Large,
        Self::Link,
        Self::NoHome,
        Self::Open,
        Self::System,
    ];
}

impl Why {
    /// What the system said.
    #[must_use]
    pub fn system(said: &impl std::fmt::Display) -> Self {
        Self::from(Trouble::System).saying(&said.to_string())
    }

    /// The same with what was said of it.
    #[must_use]
    pub fn saying(self, said: &str) -> Self {
        let said = WholeText::new(said);
        Self { said, ..self }
    }
}

impl From<Trouble> for Why {
    fn from(trouble: Trouble) -> Self {
        let said = WholeText::default();
        Self { trouble, said }
    }
}
