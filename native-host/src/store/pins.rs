//! The pins, and every way to change one.

use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::history::Happening;
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::history::{knew_another_key, record, take_along};
use super::sessions::hand_over;
use super::sites::{end_all_allowances, end_allowances};
use super::{Store, StoreError, first, from_json, to_json};

/// How a pin was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// By something that stands in the history.
    Recorded(Happening),
    /// By nobody's decision: when it was last met, or what it is called.
    Silent,
}

/// What became of a pin that was to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moving {
    /// There is no pin where it was.
    Absent,
    /// It is there now.
    Done(Pin),
    /// Another one is where it was to go; nothing changed.
    Taken,
}

impl Store {
    /// The pin at an endpoint.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn pin(&self, endpoint: &Endpoint) -> Result<Option<Pin>, StoreError> {
        pin_at(&self.lock()?.connection, endpoint)
    }

    /// The pins of all endpoints that hold this key, at most ten.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins_of_key(&self, key: SpkiSha256) -> Result<Vec<Pin>, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query =
            connection.prepare_cached("SELECT body FROM pin WHERE spki = ?1 LIMIT 10")?;
        query
            .query_map([key.to_string()], read_pin)?
            .map(|pin| pin?)
            .collect()
    }

    /// Up to `limit` pins after this endpoint, in the order of their endpoints.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins(&self, after: Option<&Endpoint>, limit: u32) -> Result<Vec<Pin>, StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query = connection.prepare_cached(
            "SELECT body FROM pin WHERE endpoint > ?1 ORDER BY endpoint LIMIT ?2",
        )?;
        query
            .query_map(params![after, limit], read_pin)?
            .map(|pin| pin?)
            .collect()
    }

    /// How many pins there are.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn count(&self) -> Result<u32, StoreError> {
        Ok(self
            .lock()?
            .connection
            .prepare_cached("SELECT count(*) FROM pin")?
            .query_row([], first)?)
    }

    /// Writes a pin in place of whatever stood at its endpoint, and why.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn put(&self, pin: &Pin, what: Happening, at: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            write_pin(connection, pin)?;
            record(connection, pin, what, at)
        })
    }

    /// Writes a pin that came from another endpoint, whose pin goes and whose history comes along.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn put_moved(&self, pin: &Pin, from: &Endpoint, at: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| move_pin(connection, pin, from, at))
    }

    /// Moves a pin to an endpoint that has none, with all that is written about it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read or written; then nothing changed.
    pub fn relocate(
        &self,
        from: &Endpoint,
        to: &Endpoint,
        at: Timestamp,
    ) -> Result<Moving, StoreError> {
        self.change(|connection| {
            let Some(mut pin) = pin_at(connection, from)? else {
                return Ok(Moving::Absent);
            };
            if pin_at(connection, to)?.is_some() {
                return Ok(Moving::Taken);
            }
            pin.endpoint = to.clone();
            settle_in(connection, &pin)?;
            move_pin(connection, &pin, from, at)?;
            Ok(Moving::Done(pin))
        })
    }

    /// Changes the pin at an endpoint as it stands in the store at this very moment.
    ///
    /// Whoever read a pin before may hold one that a person has meanwhile blocked, replaced or
    /// forgotten; writing that one back would undo the decision.
    /// `amend` returns what to write into the history, or `None` to leave the pin as it is;
    /// [`Amendment::Silent`] changes it without a line in the history.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read or written; then nothing changed.
    pub fn amend(
        &self,
        endpoint: &Endpoint,
        at: Timestamp,
        amend: impl FnOnce(&mut Pin) -> Option<Amendment>,
    ) -> Result<Option<Pin>, StoreError> {
        self.change(|connection| {
            let Some(mut pin) = pin_at(connection, endpoint)? else {
                return Ok(None);
            };
            let Some(amendment) = amend(&mut pin) else {
                return Ok(Some(pin));
            };
            write_pin(connection, &pin)?;
            if let Amendment::Recorded(what) = amendment {
                record(connection, &pin, what, at)?;
            }
            Ok(Some(pin))
        })
    }

    /// Removes the pin at an endpoint, and says whether there was one. Its history stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn forget(&self, endpoint: &Endpoint, at: Timestamp) -> Result<bool, StoreError> {
        self.change(|connection| {
            let Some(pin) = pin_at(connection, endpoint)? else {
                return Ok(false);
            };
            delete_pin(connection, endpoint)?;
            record(connection, &pin, Happening::Forget, at)?;
            Ok(true)
        })
    }
}

/// The amendment that blocks a pin or un-blocks it. What is so already is left alone.
pub fn block(blocked: bool) -> impl FnOnce(&mut Pin) -> Option<Amendment> {
    move |pin| {
        if pin.blocked == blocked {
            return None;
        }
        pin.blocked = blocked;
        Some(Amendment::Recorded(if blocked {
            Happening::Block
        } else {
            Happening::Unblock
        }))
    }
}

pub(super) fn pin_at(
    connection: &Connection,
    endpoint: &Endpoint,
) -> Result<Option<Pin>, StoreError> {
    connection
        .prepare_cached("SELECT body FROM pin WHERE endpoint = ?1")?
        .query_row([endpoint.to_string()], read_pin)
        .optional()?
        .transpose()
}

/// Every pin.
pub(super) fn all_pins(connection: &Connection) -> Result<Vec<Pin>, StoreError> {
    connection
        .prepare("SELECT body FROM pin ORDER BY endpoint")?
        .query_map([], read_pin)?
        .map(|pin| pin?)
        .collect()
}

pub(super) fn write_pin(connection: &Connection, pin: &Pin) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO pin (endpoint, spki, body) VALUES (?1, ?2, ?3)")?
        .execute([
            pin.endpoint.to_string(),
            pin.spki_sha256.to_string(),
            to_json(pin)?,
        ])?;
    end_allowances(connection, pin)
}

/// Sees to it that a device which comes to a host without a browser's question receives no session
/// of another device that was there.
pub(super) fn settle_in(connection: &Connection, pin: &Pin) -> Result<(), StoreError> {
    let host = pin.endpoint.host();
    if knew_another_key(connection, host, pin.spki_sha256)? {
        hand_over(connection, host, None)?;
    }
    Ok(())
}

fn move_pin(
    connection: &Connection,
    pin: &Pin,
    from: &Endpoint,
    at: Timestamp,
) -> Result<(), StoreError> {
    delete_pin(connection, from)?;
    write_pin(connection, pin)?;
    take_along(connection, from, &pin.endpoint)?;
    record(connection, pin, Happening::Move, at)
}

fn delete_pin(connection: &Connection, endpoint: &Endpoint) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM pin WHERE endpoint = ?1",
        [endpoint.to_string()],
    )?;
    end_all_allowances(connection, endpoint)
}

fn read_pin(row: &Row<'_>) -> rusqlite::Result<Result<Pin, StoreError>> {
    let body: String = row.get(0)?;
    Ok(from_json(&body))
}
