//! Sites that the person lets reach a device.
//!
//! An allowance belongs to the key that was pinned when it was given: whatever ends the trust in
//! that key at that endpoint (forgetting, blocking, moving, another key) ends it, and it does not
//! come back with the key.

use housekey_core::endpoint::Endpoint;
use housekey_core::history::Happening;
use housekey_core::pin::Pin;
use housekey_core::site::{Allowance, Site};
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::history::record_of_site;
use super::pins::pin_at;
use super::{Store, StoreError};

impl Store {
    /// Every allowance, by site and endpoint.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn allowances(&self) -> Result<Vec<Allowance>, StoreError> {
        let lines = {
            let open = self.lock()?;
            let mut query = open.connection.prepare_cached(ALL)?;
            let lines = query.query_map([], Line::read)?;
            lines.collect::<Result<Vec<_>, _>>()?
        };
        lines.into_iter().map(Allowance::try_from).collect()
    }

    /// Lets a site reach a device. Returns whether there is a pin that is not blocked, and room for
    /// one more; without, nothing changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read or written; then nothing changed.
    pub fn allow(
        &self,
        site: &Site,
        endpoint: &Endpoint,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(|connection| {
            let Some(pin) = pin_at(connection, endpoint)?.filter(|pin| !pin.blocked) else {
                return Ok(false);
            };
            let count = "SELECT count(*) FROM allowance";
            let count: u32 = connection.query_row(count, [], super::first)?;
            if count as usize >= Allowance::MOST {
                return Ok(false);
            }
            let added = connection.execute(
                "INSERT OR IGNORE INTO allowance (site, endpoint, spki, at) VALUES (?1, ?2, ?3, ?4)",
                params![
                    site.as_str(),
                    endpoint.to_string(),
                    pin.spki_sha256.to_string(),
                    at.0
                ],
            )?;
            if added > 0 {
                record_of_site(connection, &pin, Happening::AllowSite, site, at)?;
            }
            Ok(true)
        })
    }

    /// Takes an allowance back, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn disallow(
        &self,
        site: &Site,
        endpoint: &Endpoint,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(|connection| {
            let removed = connection.execute(
                "DELETE FROM allowance WHERE site = ?1 AND endpoint = ?2",
                [site.as_str(), &endpoint.to_string()],
            )?;
            if let (1.., Some(pin)) = (removed, pin_at(connection, endpoint)?) {
                record_of_site(connection, &pin, Happening::DisallowSite, site, at)?;
            }
            Ok(removed > 0)
        })
    }
}

/// Ends what was allowed for another key than this pin's, and everything where it is blocked.
pub(super) fn end_allowances(connection: &Connection, pin: &Pin) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM allowance WHERE endpoint = ?1 AND (spki <> ?2 OR ?3)")?
        .execute(params![
            pin.endpoint.to_string(),
            pin.spki_sha256.to_string(),
            pin.blocked
        ])?;
    Ok(())
}

/// Ends everything that was allowed at an endpoint.
pub(super) fn end_all_allowances(
    connection: &Connection,
    endpoint: &Endpoint,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM allowance WHERE endpoint = ?1")?
        .execute([endpoint.to_string()])?;
    Ok(())
}

/// An allowance as it stands in the store.
struct Line {
    site: String,
    endpoint: String,
    at: i64,
    pin: String,
}

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            site: row.get(0)?,
            endpoint: row.get(1)?,
            at: row.get(2)?,
            pin: row.get(3)?,
        })
    }
}

impl TryFrom<Line> for Allowance {
    type Error = StoreError;

    fn try_from(line: Line) -> Result<Self, StoreError> {
        let pin: Pin = super::from_json(&line.pin)?;
        let name: SafeText = pin.display_name().clone();
        Ok(Self {
            site: line.site.parse().map_err(|_| StoreError::Damaged)?,
            endpoint: line.endpoint.parse().map_err(|_| StoreError::Damaged)?,
            since: Timestamp(line.at),
            name,
        })
    }
}

/// Whatever the rows say, nothing is allowed where the key is not pinned.
const ALL: &str = "SELECT site, endpoint, at, body FROM allowance JOIN pin USING (endpoint, spki) \
    ORDER BY site, endpoint";
