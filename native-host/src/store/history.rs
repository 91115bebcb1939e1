//! The history: what happened to devices, in the order in which it did.
//!
//! It outlives the pins. What was forgotten stays in it, and so does every key that was ever
//! trusted at a host.

use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::history::{Happening, HistoryEntry};
use housekey_core::pin::Pin;
use housekey_core::site::Site;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{Store, StoreError};

impl Store {
    /// Up to `limit` lines before the one of this id, the latest first: those of one endpoint, or
    /// all there are.
    ///
    /// A device that moved takes its lines along. Each still says where it happened.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn history(
        &self,
        endpoint: Option<&Endpoint>,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let before = before.map_or(i64::MAX, i64::from);
        let open = self.lock()?;
        let connection = &open.connection;
        let lines = match endpoint {
            Some(endpoint) => connection
                .prepare_cached(OF_ONE)?
                .query_map(params![before, limit, endpoint.to_string()], Line::read)?
                .collect::<Result<Vec<_>, _>>()?,
            None => connection
                .prepare_cached(OF_ALL)?
                .query_map(params![before, limit], Line::read)?
                .collect::<Result<Vec<_>, _>>()?,
        };
        drop(open);
        lines.into_iter().map(HistoryEntry::try_from).collect()
    }

    /// Whether another key than this was ever trusted at this host.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn knew_another_key(&self, host: &Host, key: SpkiSha256) -> Result<bool, StoreError> {
        knew_another_key(&self.lock()?.connection, host, key)
    }
}

/// As [`Store::knew_another_key`], as a part of a larger change.
pub(super) fn knew_another_key(
    connection: &Connection,
    host: &Host,
    key: SpkiSha256,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM history WHERE host = ?1 AND spki <> ?2 LIMIT 1")?
        .exists([host.to_string(), key.to_string()])?)
}

/// Writes a line about a pin as it is now.
pub(super) fn record(
    connection: &Connection,
    pin: &Pin,
    what: Happening,
    at: Timestamp,
) -> Result<(), StoreError> {
    write(connection, pin, what, "", at)
}

/// Writes a line about a site and the device of a pin.
pub(super) fn record_of_site(
    connection: &Connection,
    pin: &Pin,
    what: Happening,
    site: &Site,
    at: Timestamp,
) -> Result<(), StoreError> {
    write(connection, pin, what, site.as_str(), at)
}

fn write(
    connection: &Connection,
    pin: &Pin,
    what: Happening,
    site: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let endpoint = pin.endpoint.to_string();
    connection
        .prepare_cached(
            "INSERT INTO history (at, endpoint, place, host, spki, what, name, site) \
             VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            at.0,
            endpoint,
            pin.endpoint.host().to_string(),
            pin.spki_sha256.to_string(),
            code(what),
            pin.display_name().as_str(),
            site,
        ])?;
    Ok(())
}

/// Gives the lines of a device that moved to its new place.
pub(super) fn take_along(
    connection: &Connection,
    from: &Endpoint,
    to: &Endpoint,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE history SET place = ?2 WHERE place = ?1",
        [from.to_string(), to.to_string()],
    )?;
    Ok(())
}

/// A line as it stands in the store.
struct Line {
    id: i64,
    at: i64,
    endpoint: String,
    what: String,
    spki: String,
    name: String,
    site: String,
}

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            at: row.get(1)?,
            endpoint: row.get(2)?,
            what: row.get(3)?,
            spki: row.get(4)?,
            name: row.get(5)?,
            site: row.get(6)?,
        })
    }
}

impl TryFrom<Line> for HistoryEntry {
    type Error = StoreError;

    fn try_from(line: Line) -> Result<Self, StoreError> {
        let what = Happening::ALL
            .into_iter()
            .find(|what| code(*what) == line.what);
        Ok(Self {
            id: line.id.try_into().map_err(|_| StoreError::Damaged)?,
            at: Timestamp(line.at),
            endpoint: line.endpoint.parse().map_err(|_| StoreError::Damaged)?,
            what: what.ok_or(StoreError::Damaged)?,
            spki_sha256: line.spki.parse().map_err(|_| StoreError::Damaged)?,
            name: SafeText::from(line.name),
            site: match line.site.as_str() {
                "" => None,
                site => Some(site.parse().map_err(|_| StoreError::Damaged)?),
            },
        })
    }
}

const fn code(what: Happening) -> &'static str {
    match what {
        Happening::AllowSite => "allow_site",
        Happening::Approve => "approve",
        Happening::Block => "block",
        Happening::DisallowSite => "disallow_site",
        Happening::Extend => "extend",
        Happening::Forget => "forget",
        Happening::Import => "import",
        Happening::Move => "move",
        Happening::Renew => "renew",
        Happening::Replace => "replace",
        Happening::Restore => "restore",
        Happening::Rotate => "rotate",
        Happening::Unblock => "unblock",
    }
}

const OF_ALL: &str = "SELECT id, at, endpoint, what, spki, name, site FROM history \
    WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
const OF_ONE: &str = "SELECT id, at, endpoint, what, spki, name, site FROM history \
    WHERE place = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";
