//! Sessions: which browser profile may still hold what an earlier device of a host left in it.

use housekey_core::endpoint::Host;
use housekey_core::profile::ProfileId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Store, StoreError, first};

impl Store {
    /// Writes down that a host goes over from one device to another. From then on every profile
    /// holds a stale session, except the one in which the person decided it and which has deleted
    /// its own already.
    ///
    /// It is done before the new key is pinned: a profile that connects in between is stale and
    /// waits, and where pinning fails afterwards, nothing is lost but a session.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn hand_over(&self, host: &Host, by: Option<&ProfileId>) -> Result<(), StoreError> {
        self.change(|connection| hand_over(connection, host, by))
    }

    /// Writes down that a profile has deleted whatever earlier devices of a host left in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn session_deleted(&self, profile: &ProfileId, host: &Host) -> Result<(), StoreError> {
        self.change(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO cleared (profile, host, handover)
                    SELECT ?1, ?2, max(id) FROM handover WHERE host = ?2 HAVING max(id) NOT NULL",
                [profile.to_string(), host.to_string()],
            )?;
            Ok(())
        })
    }

    /// Whether a profile may still hold the session of an earlier device of a host. A profile that
    /// was never heard of may: its extension can have been removed and installed again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn has_stale_session(&self, profile: &ProfileId, host: &Host) -> Result<bool, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let stale: Option<i32> = connection
            .prepare_cached(
                "SELECT 1 FROM handover WHERE host = ?2 AND id > coalesce(
                    (SELECT handover FROM cleared WHERE profile = ?1 AND host = ?2), 0) LIMIT 1",
            )?
            .query_row([profile.to_string(), host.to_string()], first)
            .optional()?;
        Ok(stale.is_some())
    }
}

/// As [`Store::hand_over`], as a part of a larger change.
pub(super) fn hand_over(
    connection: &Connection,
    host: &Host,
    by: Option<&ProfileId>,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO handover (host) VALUES (?1)",
        [host.to_string()],
    )?;
    let handover = connection.last_insert_rowid();
    if let Some(profile) = by {
        connection.execute(
            "INSERT OR REPLACE INTO cleared (profile, host, handover) VALUES (?1, ?2, ?3)",
            params![profile.to_string(), host.to_string(), handover],
        )?;
    }
    Ok(())
}
