//! A person's devices as a list: in an order, and those of them that are looked for.

use std::str::FromStr;

use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Tier;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use serde::Serialize;

/// All devices, and which of them are shown, in which order.
#[derive(Debug, Default)]
pub(super) struct Listing {
    listed: Vec<Listed>,
    /// Every device in the order of `sort`.
    order: Vec<usize>,
    /// Those that match, in that order.
    found: Vec<usize>,
    query: Vec<String>,
    filter: Filter,
    sort: Sort,
    now: Timestamp,
}

/// By what devices are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// The latest decision first.
    Added,
    /// Addresses by number, then names.
    Address,
    /// As the locale sorts names.
    #[default]
    Name,
    /// The one that was met last first.
    Seen,
    /// What needs attention first.
    State,
}

/// Which devices are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Filter {
    /// Each.
    #[default]
    All,
    /// Those that the person blocked.
    Blocked,
    /// Those whose certificate has ended, whether the person extended the trust or not.
    Ended,
    /// Those that nobody vouches for.
    Unverified,
    /// Those that were not met for [`UNSEEN_DAYS`].
    Unseen,
}

/// What there is to say about a device, the most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The person blocked it.
    Blocked,
    /// Its certificate has ended.
    Ended,
    /// Its certificate has ended, and the person trusts its key for some time more.
    Extended,
    /// Nobody vouches for it.
    Unverified,
    /// All is well.
    Trusted,
}

#[derive(Debug)]
struct Listed {
    pin: Pin,
    /// Everything that can be searched for, in lower case.
    text: String,
    /// The place of its name in the locale's order.
    rank: u32,
}

impl Listing {
    /// Begins anew, at this time.
    pub(super) fn clear(&mut self, now: Timestamp) {
        self.listed.clear();
        self.order.clear();
        self.found.clear();
        self.now = now;
    }

    /// Adds devices, which [`Listing::arrange`] puts in their places.
    pub(super) fn extend(&mut self, pins: Vec<Pin>) {
        self.listed.extend(pins.into_iter().map(|pin| Listed {
            text: searchable(&pin),
            pin,
            rank: u32::MAX,
        }));
    }

    /// Chooses what is looked for: every word of the query, wherever it stands.
    pub(super) fn choose(&mut self, query: &str, filter: Filter) {
        self.query = query.split_whitespace().map(str::to_lowercase).collect();
        self.filter = filter;
        self.find();
    }

    /// Takes in which of the names comes first in the locale's order, which next, and so on.
    pub(super) fn rank(&mut self, by_locale: Vec<u32>) {
        for (rank, index) in (0..).zip(by_locale) {
            if let Some(listed) = self.listed.get_mut(index as usize) {
                listed.rank = rank;
            }
        }
    }

    /// What devices are called, to be put into the locale's order.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.listed.iter().map(|it| it.pin.display_name());
        names.map(SafeText::to_string).collect()
    }

    /// Puts all devices in order.
    pub(super) fn arrange(&mut self, sort: Sort) {
        self.sort = sort;
        self.order = (0..self.listed.len()).collect();
        let (listed, now) = (&self.listed, self.now);
        let key = |index: &usize| {
            let Listed { pin, rank, .. } = &listed[*index];
            let (first, state) = match sort {
                Sort::Added => (-pin.first_seen.0, None),
                Sort::Seen => (-pin.last_seen.0, None),
                Sort::State => (0, Some(State::of(pin, now))),
                Sort::Address | Sort::Name => (0, None),
            };
            (first, state, *rank)
        };
        if sort == Sort::Address {
            self.order
                .sort_by(|a, b| listed[*a].pin.endpoint.cmp(&listed[*b].pin.endpoint));
        } else {
            self.order.sort_by_cached_key(key);
        }
        self.find();
    }

    /// How devices are sorted now.
    pub(super) const fn sort(&self) -> Sort {
        self.sort
    }

    /// How many devices there are.
    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    /// How many of them are shown.
    pub(super) fn found(&self) -> usize {
        self.found.len()
    }

    /// The device at this place of those that are shown.
    pub(super) fn at(&self, place: usize) -> Option<&Pin> {
        let index = *self.found.get(place)?;
        Some(&self.listed.get(index)?.pin)
    }

    /// The place of a device among those that are shown.
    pub(super) fn place(&self, endpoint: &Endpoint) -> Option<usize> {
        let is_it = |index: &usize| self.listed[*index].pin.endpoint == *endpoint;
        self.found.iter().position(is_it)
    }

    /// The device at an endpoint, shown or not.
    pub(super) fn pin(&self, endpoint: &Endpoint) -> Option<&Pin> {
        let mut pins = self.listed.iter().map(|listed| &listed.pin);
        pins.find(|pin| pin.endpoint == *endpoint)
    }

    /// Everything, in the order of endpoints, as files hold it.
    pub(super) fn pins(&self) -> Vec<Pin> {
        let mut pins: Vec<Pin> = self.listed.iter().map(|it| it.pin.clone()).collect();
        pins.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        pins
    }

    /// Changes a device, which stays in its place until all are arranged anew.
    pub(super) fn change(&mut self, endpoint: &Endpoint, change: impl FnOnce(&mut Pin)) {
        let mut listed = self.listed.iter_mut();
        if let Some(listed) = listed.find(|it| it.pin.endpoint == *endpoint) {
            change(&mut listed.pin);
            listed.text = searchable(&listed.pin);
        }
    }

    /// Takes a device out.
    pub(super) fn remove(&mut self, endpoint: &Endpoint) {
        let Some(gone) = (self.listed.iter()).position(|it| it.pin.endpoint == *endpoint) else {
            return;
        };
        self.listed.remove(gone);
        for indexes in [&mut self.order, &mut self.found] {
            indexes.retain(|index| *index != gone);
            for index in indexes.iter_mut().filter(|index| **index > gone) {
                *index -= 1;
            }
        }
    }

    /// What there is to say about a device of this list.
    pub(super) fn state(&self, pin: &Pin) -> State {
        State::of(pin, self.now)
    }

    fn find(&mut self) {
        let fits = |index: &&usize| {
            let Listed { pin, text, .. } = &self.listed[**index];
            self.filter.fits(pin, self.now) && self.query.iter().all(|word| text.contains(word))
        };
        self.found = self.order.iter().filter(fits).copied().collect();
    }
}

impl State {
    /// The most pressing of all that there is to say.
    fn of(pin: &Pin, now: Timestamp) -> Self {
        let extended = pin.extended_until.is_some_and(|until| now <= until);
        match pin {
            _ if pin.blocked => Self::Blocked,
            _ if now > pin.not_after && extended => Self::Extended,
            _ if now > pin.not_after => Self::Ended,
            _ if pin.identity.tier == Tier::Unverified => Self::Unverified,
            _ => Self::Trusted,
        }
    }
}

impl Filter {
    fn fits(self, pin: &Pin, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Blocked => pin.blocked,
            Self::Ended => now > pin.not_after,
            Self::Unverified => pin.identity.tier == Tier::Unverified,
            Self::Unseen => now.0.saturating_sub(pin.last_seen.0) > UNSEEN_DAYS * DAY,
        }
    }
}

/// A value of the page's list of choices that it does not have.
#[derive(Debug)]
pub(super) struct UnknownChoice;

impl FromStr for Sort {
    type Err = UnknownChoice;

    fn from_str(value: &str) -> Result<Self, UnknownChoice> {
        Ok(match value {
            "added" => Self::Added,
            "address" => Self::Address,
            "name" => Self::Name,
            "seen" => Self::Seen,
            "state" => Self::State,
            _ => return Err(UnknownChoice),
        })
    }
}

impl FromStr for Filter {
    type Err = UnknownChoice;

    fn from_str(value: &str) -> Result<Self, UnknownChoice> {
        Ok(match value {
            "all" => Self::All,
            "blocked" => Self::Blocked,
            "ended" => Self::Ended,
            "unverified" => Self::Unverified,
            "unseen" => Self::Unseen,
            _ => return Err(UnknownChoice),
        })
    }
}

fn searchable(pin: &Pin) -> String {
    let identity = &pin.identity;
    let texts = [&pin.label, &identity.name, &identity.issued_by];
    let more = [&identity.verified_by, &identity.device_id];
    let more = more.into_iter().flatten();
    let texts = texts.into_iter().chain(more).map(SafeText::as_str);
    let address = pin.endpoint.to_string();
    // Line by line: no word reaches from one text into the next.
    let all: Vec<&str> = texts.chain([pin.note.as_str(), &address]).collect();
    all.join("\n").to_lowercase()
}

/// For how long a device was not met before it counts as one that nobody misses.
const UNSEEN_DAYS: i64 = 90;
const DAY: i64 = 86_400;

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
