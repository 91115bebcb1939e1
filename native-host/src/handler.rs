//! What the helper does for the extension: requests in, responses out.

pub(crate) mod approve;
mod checkup;
mod explain;
mod page;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::export::{Export, ImportPlan};
use housekey_core::mark::ListMark;
use housekey_core::pin::Pin;
use housekey_core::protocol::{HelperError, Request, Response, Settings};
use housekey_core::scope::ScopeOptions;
use housekey_core::sealed::Sealed;
use housekey_core::site::Allowance;

pub use self::checkup::check_up;
use self::page::Page;
use crate::authority::{Authority, AuthorityError};
use crate::chain::timestamp;
use crate::gateway::Gateway;
use crate::makers::{MakerError, Makers};
use crate::paths::Paths;
use crate::platform;
use crate::probe::Prober;
use crate::renewal;
use crate::store::{Amendment, ImportRefusal, Moving, Store, block};
use crate::system_proxy;

/// The helper at work for one browser.
pub struct Handler {
    store: Arc<Store>,
    prober: Arc<Prober>,
    gateway: Arc<Gateway>,
    paths: Paths,
}

impl Handler {
    /// Opens the store and the authority, and starts the gateway. Where the browser has `seen` more of
    /// the store than is there, nothing is begun.
    ///
    /// # Errors
    ///
    /// The [`HelperError`] that every request is answered with, as nothing can be done without.
    pub async fn start(paths: &Paths, seen: Option<&ListMark>) -> Result<Self, HelperError> {
        let unusable = |error: &dyn std::error::Error| HelperError {
            code: ErrorCode::AuthorityUnusable,
            detail: error.to_string(),
        };
        // The authority first: where there is none, nothing is installed, and nothing is made.
        let authority = renewed(paths, SystemTime::now())
            .await
            .map_err(|error| unusable(&error))?;
        let store = Arc::new(Store::open(paths)?);
        if let Some(seen) = seen {
            store.hold_to(seen)?;
        }
        let issuer = authority.issuer().clone();
        let prober =
            Arc::new(Prober::new(Arc::clone(&store), Some(issuer)).map_err(|it| unusable(&it))?);
        let scope = ScopeOptions {
            shared_address_space: store.settings()?.shared_address_space,
            local_names: authority.local_names().to_vec(),
        };
        let gateway = Gateway::start(scope, authority, Arc::clone(&prober), Arc::clone(&store))
            .await
            .map_err(|it| unusable(&it))?;
        Ok(Self {
            store,
            prober,
            gateway,
            paths: paths.clone(),
        })
    }

    /// How far the store has come, where that can be read.
    #[must_use]
    pub fn mark(&self) -> Option<ListMark> {
        self.store.mark().ok()
    }

    /// Does what is asked.
    ///
    /// # Errors
    ///
    /// The [`HelperError`] for which it was not done; then nothing changed.
    pub async fn handle(&self, request: Request) -> Result<Response, HelperError> {
        let now = SystemTime::now();
        match request {
            Request::AddMaker { file, name, rule } => {
                self.change_makers(|it| it.add(&file.0, &name, rule, self.prober.taken(), now))
            }
            Request::AllowSite { site, endpoint } => {
                if !self.store.allow(&site, &endpoint, timestamp(now))? {
                    return Err(refused(ErrorCode::NotPinned, &endpoint));
                }
                // What this one changes is no news to it, and is to be missed when it goes.
                self.gateway.heed();
                self.sites()
            }
            Request::Annotate { endpoint, note } => {
                self.describe(&endpoint, now, |pin| pin.note = note)
            }
            Request::Approve {
                endpoint,
                spki_sha256,
                approval,
                cleared,
            } => {
                self.approve(&endpoint, spki_sha256, approval, cleared, now)
                    .await
            }
            Request::Block { endpoint, blocked } => self.amend(&endpoint, now, block(blocked)),
            Request::CheckUp => check_up(&self.paths, Some(self.gateway.address().port)).await,
            Request::Cleared { endpoint } => {
                if let Some(profile) = self.gateway.profile() {
                    self.store.session_deleted(&profile, endpoint.host())?;
                }
                self.gateway.settle(&endpoint);
                Ok(Response::Cleared)
            }
            Request::DisallowSite { site, endpoint } => {
                self.store.disallow(&site, &endpoint, timestamp(now))?;
                // A WebSocket that is open was let in by it.
                self.gateway.cut(&endpoint);
                self.sites()
            }
            Request::Explain { endpoint } => Ok(Response::Explained {
                refusal: self.explain(&endpoint, now).await?,
            }),
            Request::Forget { endpoint } => {
                let existed = self.store.forget(&endpoint, timestamp(now))?;
                self.gateway.cut(&endpoint);
                Ok(Response::Forgotten { existed })
            }
            Request::Hello {
                extension,
                profile,
                seen,
            } => {
                tracing::info!(extension, "hello");
                if let Some(seen) = seen {
                    self.store.hold_to(&seen)?;
                }
                self.gateway.serve_profile(profile);
                Ok(Response::Hello {
                    helper: env!("CARGO_PKG_VERSION").to_owned(),
                    gateway: self.gateway.address().clone(),
                    scope: self.gateway.scope(),
                    settings: self.store.settings()?,
                    system_proxy: system_proxy::of_this_session().await,
                    sites: self.store.allowances()?,
                })
            }
            Request::History { endpoint, before } => {
                let lines = Page::SIZE + 1;
                let entries = self.store.history(endpoint.as_ref(), before, lines)?;
                let Page { items, more } = Page::of(entries);
                Ok(Response::History {
                    entries: Sealed::new(&items),
                    more,
                })
            }
            Request::Identify { endpoint } => Ok(Response::Identified {
                pin: self.store.pin(&endpoint)?,
                live: self.gateway.live(&endpoint),
            }),
            Request::Import { export, dry_run } => self.import(export, dry_run, now).await,
            Request::Makers => self.makers(),
            Request::Meet { endpoint } => Ok(Response::Explained {
                refusal: if self.gateway.refuses_stranger(&endpoint).await {
                    self.explain(&endpoint, now).await?
                } else {
                    None
                },
            }),
            Request::Meeting { endpoint, after } => Ok(Response::Meeting {
                meeting: self.gateway.meeting(&endpoint, after).await,
            }),
            Request::Move { from, to } => self.relocate(&from, &to, now),
            Request::Pins { after } => {
                let pins = self.store.pins(after.as_ref(), Page::SIZE + 1)?;
                let Page { items, more } = Page::of(pins);
                Ok(Response::Pins {
                    pins: Sealed::new(&items),
                    more,
                })
            }
            Request::RemoveMaker { id } => self.change_makers(|it| it.remove(&id)),
            Request::Rename { endpoint, label } => {
                self.describe(&endpoint, now, |pin| pin.label = label)
            }
            Request::SetMaker { id, enabled } => {
                self.change_makers(|it| it.set_enabled(&id, enabled))
            }
            Request::Settings { settings } => self.set(settings),
            Request::Sites { known: None } => self.sites(),
            Request::Sites { known: Some(known) } => self.other_sites(known).await,
            Request::TrustMaker {
                endpoint,
                root_sha256,
                name,
            } => self.trust_maker(&endpoint, root_sha256, &name, now).await,
        }
    }

    /// Changes a pin by the person's decision, which ends the connections that began before it.
    fn amend(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
        amend: impl FnOnce(&mut Pin) -> Option<Amendment>,
    ) -> Result<Response, HelperError> {
        let amended = self.store.amend(endpoint, timestamp(now), amend)?;
        let pin = amended.ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))?;
        self.gateway.cut(endpoint);
        Ok(Response::Pinned { pin })
    }

    /// Changes what the person says about a pin, which is no matter of any connection.
    fn describe(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
        describe: impl FnOnce(&mut Pin),
    ) -> Result<Response, HelperError> {
        let described = self.store.amend(endpoint, timestamp(now), |pin| {
            describe(pin);
            Some(Amendment::Silent)
        })?;
        let pin = described.ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))?;
        Ok(Response::Pinned { pin })
    }

    fn relocate(
        &self,
        from: &Endpoint,
        to: &Endpoint,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        if !self.gateway.scope().is_device(to.host()) {
            return Err(refused(ErrorCode::NotPrivate, to));
        }
        match self.store.relocate(from, to, timestamp(now))? {
            Moving::Absent => Err(refused(ErrorCode::NotPinned, from)),
            Moving::Done(pin) => {
                self.gateway.cut(from);
                self.gateway.cut(to);
                Ok(Response::Pinned { pin })
            }
            Moving::Taken => Err(refused(ErrorCode::AlreadyPinned, to)),
        }
    }

    /// Thousands of devices take a while, in which connections pass on.
    async fn import(
        &self,
        export: Export,
        dry_run: bool,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let (store, scope) = (Arc::clone(&self.store), self.gateway.scope());
        let import = move || store.import(&export, &scope, timestamp(now), dry_run);
        let imported = tokio::task::spawn_blocking(import).await;
        let imported = imported.map_err(|error| HelperError {
            code: ErrorCode::StoreUnusable,
            detail: error.to_string(),
        })?;
        let mut plan: ImportPlan = imported?;
        plan.lines = Page::with_at_most(ImportPlan::MAX_LINES, plan.lines).items;
        self.gateway.heed();
        Ok(Response::Imported {
            plan: Sealed::new(&plan),
        })
    }

    fn set(&self, settings: Settings) -> Result<Response, HelperError> {
        self.store.set_settings(&settings)?;
        let scope = ScopeOptions {
            shared_address_space: settings.shared_address_space,
            ..self.gateway.scope()
        };
        self.gateway.set_scope(scope.clone());
        Ok(Response::Changed { settings, scope })
    }

    fn sites(&self) -> Result<Response, HelperError> {
        let sites = self.store.allowances()?;
        Ok(Response::Sites { sites })
    }

    /// Waits until other sites are allowed than these. Nobody asks where there are none, so where
    /// nothing is allowed, nothing wakes up.
    async fn other_sites(&self, known: Vec<Allowance>) -> Result<Response, HelperError> {
        loop {
            let sites = self.store.allowances()?;
            if sites != known {
                return Ok(Response::Sites { sites });
            }
            tokio::time::sleep(SITES_INTERVAL).await;
        }
    }

    fn makers(&self) -> Result<Response, HelperError> {
        let makers = Makers::of(&self.store)?.list()?;
        Ok(Response::Makers {
            makers: Sealed::new(&makers),
        })
    }

    fn change_makers<T>(
        &self,
        change: impl FnOnce(Makers<'_>) -> Result<T, MakerError>,
    ) -> Result<Response, HelperError> {
        change(Makers::of(&self.store)?)?;
        self.makers()
    }
}

/// The local authority, after whatever its renewal needs.
async fn renewed(paths: &Paths, now: SystemTime) -> Result<Authority, AuthorityError> {
    let authority = Authority::load(paths, now);
    let is_due = match &authority {
        Ok(authority) => renewal::is_due(paths, authority, now),
        Err(error) => matches!(error, AuthorityError::Expired),
    };
    if !is_due {
        return authority;
    }
    let theirs = paths.clone();
    let renewed =
        tokio::task::spawn_blocking(move || renewal::renew(&*platform::this(), &theirs, now));
    let renewed = renewed.await;
    match renewed {
        Ok(Ok(renewal)) => tracing::info!(?renewal, "the authority's renewal"),
        Ok(Err(error)) => tracing::warn!(error = format!("{error:#}"), "no renewal"),
        Err(error) => tracing::error!(%error, "no renewal"),
    }
    Authority::load(paths, now)
}

impl From<ImportRefusal> for HelperError {
    fn from(refusal: ImportRefusal) -> Self {
        match refusal {
            ImportRefusal::Store(error) => error.into(),
            // The extension read the file before it sent it, and would have said so to the person.
            file => Self {
                code: ErrorCode::BadMessage,
                detail: file.to_string(),
            },
        }
    }
}

fn refused(code: ErrorCode, endpoint: &Endpoint) -> HelperError {
    HelperError {
        code,
        detail: endpoint.to_string(),
    }
}

/// As long as an allowance may outlive its end elsewhere.
const SITES_INTERVAL: Duration = Duration::from_secs(1);
/// Devices at home answer in milliseconds; a person waits for this.
const MOMENT: Duration = Duration::from_millis(1_500);
