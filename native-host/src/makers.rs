//! Makers: manufacturers whose own roots vouch for their devices, from the directory that comes with
//! Housekey and from the person.
//!
//! A maker's root makes a chain a manufacturer's and nothing more, and only at private addresses:
//! it is never among the roots that a browser or a company's name rests on.

pub mod directory;
mod error;
mod root;

use std::time::SystemTime;

use housekey_core::certificate::Certificate;
use housekey_core::chain::{ChainVerdict, Der, Observation};
use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::maker::{
    DeviceIdRule, Maker, MakerId, MakerRoot, MakerSource, NameRule, roots_in,
};
use housekey_core::text::SafeText;
use rustls_pki_types::CertificateDer;

use self::directory::Entry;
pub use self::error::MakerError;
use crate::chain::{Roots, timestamp};
use crate::store::{AddedMaker, Store, StoreError};

/// The makers of a user.
#[derive(Clone, Copy)]
pub struct Makers<'m> {
    store: &'m Store,
    directory: &'m [Entry],
}

/// A maker as chain validation needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Which maker.
    pub id: MakerId,
    /// What it is called.
    pub name: SafeText,
    /// What must hold of its devices' certificates.
    pub rule: NameRule,
    /// Its roots.
    pub roots: Vec<CertificateDer<'static>>,
}

/// What no person's maker may be: a root of this computer, or Housekey's own authority.
#[derive(Clone, Copy)]
pub struct Taken<'t> {
    /// The roots of this computer.
    pub roots: &'t Roots,
    /// The local authority's issuing certificate, if there is one.
    pub own_issuer: Option<&'t CertificateDer<'static>>,
}

impl<'m> Makers<'m> {
    /// The makers of this store and of the directory that comes with Housekey.
    ///
    /// # Errors
    ///
    /// [`StoreError::Directory`] where this Housekey was built with a damaged one.
    pub fn of(store: &'m Store) -> Result<Self, StoreError> {
        Ok(Self::with_directory(store, directory::compiled_in()?))
    }

    /// The makers of this store and of another directory.
    #[must_use]
    pub const fn with_directory(store: &'m Store, directory: &'m [Entry]) -> Self {
        Self { store, directory }
    }

    /// Those whose roots vouch for devices.
    ///
    /// The person's come first, so that a pin which rests on one goes on doing so when a later
    /// directory brings the same root.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn vouchers(&self) -> Result<Vec<Voucher>, StoreError> {
        let off = self.store.makers_off()?;
        let added = self.store.added_makers()?.into_iter();
        let added = added.filter(|maker| maker.enabled).map(Voucher::from);
        let listed = self.directory.iter();
        let listed = listed.filter(|entry| !off.contains(entry.id.as_str()));
        Ok(added.chain(listed.map(Voucher::from)).collect())
    }

    /// All of them, those of the directory first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn list(&self) -> Result<Vec<Maker>, StoreError> {
        let (off, pins) = (self.store.makers_off()?, self.store.pins_by_maker()?);
        let pins = |id: &MakerId| pins.get(id.as_str()).copied().unwrap_or(0);
        let listed = self.directory.iter().map(|entry| Maker {
            id: entry.id.clone(),
            name: entry.name.clone(),
            enabled: !off.contains(entry.id.as_str()),
            source: MakerSource::Directory {
                provenance: entry.provenance.clone(),
                note: entry.note.clone(),
            },
            rule: entry.rule.clone(),
            roots: entry.roots.iter().filter_map(facts).collect(),
            pins: pins(&entry.id),
        });
        let added = self.store.added_makers()?.into_iter().map(|maker| Maker {
            id: maker.id(),
            pins: pins(&maker.id()),
            name: maker.name,
            enabled: maker.enabled,
            source: MakerSource::Person { added: maker.added },
            rule: NameRule::with_device_id(maker.device_id),
            roots: facts(&maker.root.0.into()).into_iter().collect(),
        });
        Ok(listed.chain(added).collect())
    }

    /// One of them, and the endpoints whose pins rest on it, at most [`MAX_ENDPOINTS`].
    ///
    /// # Errors
    ///
    /// [`MakerError::Unknown`] where there is none, and [`MakerError::Store`].
    pub fn inspect(&self, id: &MakerId) -> Result<(Maker, Vec<Endpoint>), MakerError> {
        let maker = self.list()?.into_iter().find(|maker| maker.id == *id);
        let maker = maker.ok_or_else(|| MakerError::Unknown(id.clone()))?;
        Ok((maker, self.store.pins_of_maker(id, MAX_ENDPOINTS)?))
    }

    /// Adds a maker whose root is in this file, in PEM or DER.
    ///
    /// # Errors
    ///
    /// [`MakerError`], by cause; then nothing changed.
    pub fn add(
        &self,
        file: &[u8],
        name: &SafeText,
        device_id: DeviceIdRule,
        taken: Taken<'_>,
        now: SystemTime,
    ) -> Result<MakerId, MakerError> {
        let root = root::read(file)?;
        self.add_root(&root, name, device_id, taken, now)
    }

    /// The roots that a device sent with its leaf and that could be added, the likeliest first:
    /// with any of them, this very chain would be a manufacturer's.
    ///
    /// None for a chain that somebody vouches for already, and none that the person switched off.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the makers cannot be read.
    pub fn offers(
        &self,
        observation: &Observation,
        taken: Taken<'_>,
        now: SystemTime,
    ) -> Result<Vec<Certificate>, StoreError> {
        if observation.verdict != ChainVerdict::UnknownIssuer {
            return Ok(Vec::new());
        }
        let mut offers = Vec::new();
        for (der, root) in roots_in(&observation.chain, timestamp(now)) {
            match self.check_new(der, &root, taken) {
                Ok(()) if Roots::would_verify(&observation.chain, der, now) => {
                    offers.push(root);
                }
                Err(MakerError::Store(error)) => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(offers)
    }

    /// Adds the maker whose root a device sent along, exactly the one that the person was shown.
    ///
    /// # Errors
    ///
    /// [`MakerError::NotOffered`] where the device did not send it, or its chain would not end in
    /// it, and as [`Makers::add`]; then nothing changed.
    pub fn trust(
        &self,
        observation: &Observation,
        shown: CertificateSha256,
        name: &SafeText,
        taken: Taken<'_>,
        now: SystemTime,
    ) -> Result<MakerId, MakerError> {
        let offers = self.offers(observation, taken, now)?;
        if !offers.iter().any(|root| root.sha256 == shown) {
            return Err(MakerError::NotOffered);
        }
        let mut sent = observation.chain.iter();
        let root = sent.find(|der| CertificateSha256::of(&der.0) == shown);
        let root = root.ok_or(MakerError::NotOffered)?;
        self.add_root(root, name, DeviceIdRule::default(), taken, now)
    }

    /// Lets a maker vouch for devices or not. Pins stay as they are; only the next new key is judged
    /// by what is switched on then.
    ///
    /// # Errors
    ///
    /// [`MakerError::Unknown`] where there is none, and [`MakerError::Store`].
    pub fn set_enabled(&self, id: &MakerId, enabled: bool) -> Result<(), MakerError> {
        if let Some(maker) = self.added(id)? {
            self.store.enable_added(&maker.root, enabled)?;
        } else if self.directory.iter().any(|entry| entry.id == *id) {
            self.store.enable_listed(id, enabled)?;
        } else {
            return Err(MakerError::Unknown(id.clone()));
        }
        Ok(())
    }

    /// Removes a maker that the person added. Pins stay, as with [`Makers::set_enabled`].
    ///
    /// # Errors
    ///
    /// [`MakerError::Listed`] for one of the directory, [`MakerError::Unknown`] where there is none,
    /// and [`MakerError::Store`].
    pub fn remove(&self, id: &MakerId) -> Result<(), MakerError> {
        if self.directory.iter().any(|entry| entry.id == *id) {
            return Err(MakerError::Listed(id.clone()));
        }
        let maker = self.added(id)?;
        let maker = maker.ok_or_else(|| MakerError::Unknown(id.clone()))?;
        self.store.remove_maker(&maker.root)?;
        Ok(())
    }

    fn added(&self, id: &MakerId) -> Result<Option<AddedMaker>, StoreError> {
        let added = self.store.added_makers()?;
        Ok(added.into_iter().find(|maker| maker.id() == *id))
    }

    fn add_root(
        &self,
        der: &Der,
        name: &SafeText,
        device_id: DeviceIdRule,
        taken: Taken<'_>,
        now: SystemTime,
    ) -> Result<MakerId, MakerError> {
        if name.is_empty() {
            return Err(MakerError::NoName);
        }
        let root = root::check(der, timestamp(now))?;
        self.check_new(der, &root, taken)?;
        if self.store.added_makers()?.len() >= MAX_ADDED {
            return Err(MakerError::TooMany);
        }
        let maker = AddedMaker {
            name: name.clone(),
            device_id,
            root: der.clone(),
            added: Some(timestamp(now)),
            enabled: true,
        };
        self.store.add_maker(&maker)?;
        Ok(maker.id())
    }

    /// A root is taken by its key, whatever certificate that comes in: another certificate of a key
    /// that this computer trusts would turn the whole web into one manufacturer's devices.
    fn check_new(&self, der: &Der, root: &Certificate, taken: Taken<'_>) -> Result<(), MakerError> {
        if taken.roots.hold_key_of(der) {
            return Err(MakerError::SystemRoot);
        }
        if taken.own_issuer.is_some_and(|own| is_own(root, own)) {
            return Err(MakerError::OwnAuthority);
        }
        let added = self.store.added_makers()?.into_iter().map(Voucher::from);
        let mut known = self.directory.iter().map(Voucher::from).chain(added);
        let has_key = |known: &CertificateDer<'_>| {
            Certificate::from_der(known).is_ok_and(|known| known.spki_sha256 == root.spki_sha256)
        };
        match known.find(|known| known.roots.iter().any(has_key)) {
            Some(Voucher { id, name, .. }) => Err(MakerError::Known { id, name }),
            None => Ok(()),
        }
    }
}

impl From<&Entry> for Voucher {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.clone(),
            name: entry.name.clone(),
            rule: entry.rule.clone(),
            roots: entry.roots.clone(),
        }
    }
}

impl From<AddedMaker> for Voucher {
    fn from(maker: AddedMaker) -> Self {
        Self {
            id: maker.id(),
            name: maker.name,
            rule: NameRule::with_device_id(maker.device_id),
            roots: vec![maker.root.0.into()],
        }
    }
}

/// Every root was read before it came here; one that cannot be any more is not shown.
fn facts(root: &CertificateDer<'_>) -> Option<MakerRoot> {
    let root = Certificate::from_der(root).ok()?;
    Some(MakerRoot::new(&root))
}

/// Whether a root belongs to the local authority: its issuing certificate, or the root above it,
/// whose name holds random digits of this installation.
fn is_own(root: &Certificate, issuer: &CertificateDer<'_>) -> bool {
    Certificate::from_der(issuer).is_ok_and(|own| {
        root.spki_sha256 == own.spki_sha256
            || root.subject == own.subject
            || root.subject == own.issuer
    })
}

/// Each is tried against every chain, and a home has devices of a few makers.
const MAX_ADDED: usize = 100;
/// So many endpoints are named; how many there are is said anyway.
pub const MAX_ENDPOINTS: u32 = 100;
