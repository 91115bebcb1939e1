//! Makers in the store: those that the person added, and which of the directory are switched off.

use std::collections::{BTreeMap, BTreeSet};

use housekey_core::chain::Der;
use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::maker::{DeviceIdRule, MakerId};
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use rusqlite::{Row, params};

use super::{Store, StoreError, first, from_json, to_json};

/// A manufacturer's own root that the person added. It vouches for devices and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedMaker {
    /// What the person calls it.
    pub name: SafeText,
    /// Where its certificates hold the device identifier.
    pub device_id: DeviceIdRule,
    /// The root.
    pub root: Der,
    /// When it was added; unknown for what an older Housekey took in.
    pub added: Option<Timestamp>,
    /// Whether it vouches for devices.
    pub enabled: bool,
}

impl AddedMaker {
    /// Which maker it is.
    #[must_use]
    pub fn id(&self) -> MakerId {
        MakerId::added(&CertificateSha256::of(&self.root.0))
    }
}

impl Store {
    /// The makers that the person added, in the order in which that happened.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn added_makers(&self) -> Result<Vec<AddedMaker>, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query = connection.prepare_cached(
            "SELECT name, device_id, root, added, enabled FROM maker ORDER BY id",
        )?;
        query
            .query_map([], read_maker)?
            .map(|maker| maker?)
            .collect()
    }

    /// Adds a maker.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written, also because its root is there already;
    /// then nothing changed.
    pub fn add_maker(&self, maker: &AddedMaker) -> Result<(), StoreError> {
        let rule = to_json(&maker.device_id)?;
        self.change(|connection| {
            connection.execute(
                "INSERT INTO maker (name, device_id, root, added, enabled)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    maker.name.as_str(),
                    rule,
                    maker.root.0,
                    maker.added.map(|at| at.0),
                    maker.enabled,
                ],
            )?;
            Ok(())
        })
    }

    /// Removes the maker with this root, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn remove_maker(&self, root: &Der) -> Result<bool, StoreError> {
        self.change(|connection| {
            let removed = connection.execute("DELETE FROM maker WHERE root = ?1", [&root.0])?;
            Ok(removed > 0)
        })
    }

    /// Lets the maker with this root vouch for devices or not, and says whether there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn enable_added(&self, root: &Der, enabled: bool) -> Result<bool, StoreError> {
        self.change(|connection| {
            let changed = connection.execute(
                "UPDATE maker SET enabled = ?2 WHERE root = ?1",
                params![root.0, enabled],
            )?;
            Ok(changed > 0)
        })
    }

    /// The makers of the directory that the person switched off.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn makers_off(&self) -> Result<BTreeSet<String>, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query = connection.prepare_cached("SELECT id FROM maker_off")?;
        Ok(query.query_map([], first)?.collect::<Result<_, _>>()?)
    }

    /// Remembers whether a maker of the directory vouches for devices.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn enable_listed(&self, id: &MakerId, enabled: bool) -> Result<(), StoreError> {
        let sql = if enabled {
            "DELETE FROM maker_off WHERE id = ?1"
        } else {
            "INSERT OR IGNORE INTO maker_off (id) VALUES (?1)"
        };
        self.change(|connection| {
            connection.execute(sql, [id.as_str()])?;
            Ok(())
        })
    }

    /// How many pins rest on each maker.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins_by_maker(&self) -> Result<BTreeMap<String, u32>, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query = connection.prepare_cached(
            "SELECT body ->> '$.identity.maker' AS maker, count(*) FROM pin
             WHERE maker IS NOT NULL GROUP BY maker",
        )?;
        let count = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(query.query_map([], count)?.collect::<Result<_, _>>()?)
    }

    /// Where the pins are that rest on a maker, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins_of_maker(&self, id: &MakerId, limit: u32) -> Result<Vec<Endpoint>, StoreError> {
        let open = self.lock()?;
        let connection = &open.connection;
        let mut query = connection.prepare_cached(
            "SELECT endpoint FROM pin WHERE body ->> '$.identity.maker' = ?1
             ORDER BY endpoint LIMIT ?2",
        )?;
        query
            .query_map(params![id.as_str(), limit], first::<String>)?
            .map(|endpoint| endpoint?.parse().map_err(|_| StoreError::Damaged))
            .collect()
    }
}

fn read_maker(row: &Row<'_>) -> rusqlite::Result<Result<AddedMaker, StoreError>> {
    let (name, rule): (String, String) = (row.get(0)?, row.get(1)?);
    let (root, added, enabled) = (Der(row.get(2)?), row.get(3)?, row.get(4)?);
    Ok(from_json(&rule).map(|device_id| AddedMaker {
        name: SafeText::new(&name),
        device_id,
        root,
        added: Option::map(added, Timestamp),
        enabled,
    }))
}
