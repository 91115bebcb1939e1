//! Sites: whose requests to devices were blocked in a tab, and whom a person lets pass.
//!
//! The rules that block know nothing of pins. So whatever was blocked is looked up, and only where a
//! trusted device was wanted is there anything to allow.

use serde::{Deserialize, Serialize};

use super::{Core, Helper, Pending, refuse};
use crate::effect::{Badge, Effect, PageReply};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::event::{AskId, TabId};
use crate::pin::Pin;
use crate::protocol::Request;
use crate::routing::device_endpoint;
use crate::site::{Allowance, Site};
use crate::view::WantView;

/// A site that wanted a device and did not get through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Want {
    pub(super) site: Site,
    pub(super) endpoint: Endpoint,
}

impl Core {
    /// A request of a page to a device failed.
    pub(super) fn subresource_failed(
        &mut self,
        tab_id: TabId,
        url: &str,
        initiator: Option<&str>,
    ) -> Vec<Effect> {
        let Some(endpoint) = device_endpoint(url, &self.scope) else {
            return Vec::new();
        };
        if !matches!(self.helper, Helper::Ready { .. }) {
            return Vec::new();
        }
        let site = initiator.and_then(Site::of_page);
        let foreign = site.filter(|it| it.is_foreign_to(endpoint.host(), &self.scope));
        let Some(site) = foreign.filter(|it| !self.may_reach(it, &endpoint)) else {
            return self.explain_subresource(tab_id, endpoint);
        };
        let want = Want { site, endpoint };
        let known = self.wants.get(&tab_id);
        let known = known.is_some_and(|it| it.iter().any(|(it, _)| *it == want));
        // A page may try as often as it likes, and is looked into once at a time.
        let asked = |pending: &Pending| matches!(pending, Pending::Want { tab_id: it, .. } if *it == tab_id);
        if known || self.pending.values().any(asked) {
            return Vec::new();
        }
        let request = Request::Identify {
            endpoint: want.endpoint.clone(),
        };
        vec![self.send(request, Pending::Want { tab_id, want })]
    }

    /// Whether what a page wanted is a device that the person trusts.
    pub(super) fn told_of_want(
        &mut self,
        tab_id: TabId,
        want: Want,
        pin: Option<&Pin>,
    ) -> Vec<Effect> {
        let Some(pin) = pin.filter(|it| !it.blocked) else {
            return self.explain_subresource(tab_id, want.endpoint);
        };
        let view = WantView {
            site: want.site.clone(),
            endpoint: want.endpoint.clone(),
            address: want.endpoint.display_name(),
            name: pin.display_name().clone(),
            identity: pin.identity.clone(),
        };
        let wants = self.wants.entry(tab_id).or_default();
        if wants.len() < MAX_WANTS {
            wants.push((want, view));
        }
        let badge = Badge::Attention;
        vec![Effect::SetBadge { tab_id, badge }]
    }

    /// Another page takes a tab, or none. What is still being looked into was of the page before.
    pub(super) fn forget_wants(&mut self, tab_id: TabId) {
        self.wants.remove(&tab_id);
        self.pending.retain(|_, pending| match pending {
            Pending::Subresource { tab_id: it } | Pending::Want { tab_id: it, .. } => *it != tab_id,
            _ => true,
        });
    }

    /// What the popup of a tab says was blocked there. Only secure pages have anything to allow.
    pub(super) fn wants_of(&self, tab_id: TabId, url: &str) -> Vec<WantView> {
        let wants = self
            .wants
            .get(&tab_id)
            .filter(|_| url.starts_with("https:"));
        let wants = wants.into_iter().flatten();
        wants.map(|(_, view)| view.clone()).collect()
    }

    /// A person lets a site reach a device: one that the popup of this tab told them of.
    pub(super) fn allow_site(
        &mut self,
        ask_id: AskId,
        tab_id: TabId,
        site: Site,
        endpoint: Endpoint,
    ) -> Vec<Effect> {
        let want = Want { site, endpoint };
        let told = self.wants.get(&tab_id);
        if !told.is_some_and(|it| it.iter().any(|(it, _)| *it == want)) {
            return vec![refuse(ask_id, ErrorCode::BadMessage)];
        }
        let Want { site, endpoint } = want;
        self.change_sites(ask_id, Request::AllowSite { site, endpoint })
    }

    /// Asks the helper for something about sites, on behalf of a page.
    pub(super) fn change_sites(&mut self, ask_id: AskId, request: Request) -> Vec<Effect> {
        if !matches!(self.helper, Helper::Ready { .. }) {
            return vec![refuse(ask_id, ErrorCode::HelperGone)];
        }
        let ask_id = Some(ask_id);
        vec![self.send(request, Pending::Sites { ask_id })]
    }

    /// The helper said which sites are allowed.
    pub(super) fn told_of_sites(
        &mut self,
        ask_id: Option<AskId>,
        sites: Vec<Allowance>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.allowed != sites {
            self.allowed = sites;
            let allowed = std::mem::take(&mut self.allowed);
            for wants in self.wants.values_mut() {
                wants.retain(|(it, _)| !allowed.iter().any(|to| to.is_for(&it.site, &it.endpoint)));
            }
            self.allowed = allowed;
            effects.extend(self.route_all());
        }
        if let Some(ask_id) = ask_id {
            let sites = self.allowed.clone();
            let reply = PageReply::Sites { sites };
            effects.push(Effect::Answer { ask_id, reply });
        }
        effects.extend(self.follow_sites());
        effects
    }

    /// Hears of it when an allowance ends elsewhere: with its device, by a command, or in another
    /// browser. Where there is none, there is nothing to hear of.
    pub(super) fn follow_sites(&mut self) -> Option<Effect> {
        let follows = Pending::Sites { ask_id: None };
        if self.allowed.is_empty() || self.pending.values().any(|it| *it == follows) {
            return None;
        }
        let known = Some(self.allowed.clone());
        Some(self.send(Request::Sites { known }, follows))
    }

    /// The helper does not say any more what is allowed, so nothing is.
    pub(super) fn lost_sites(&mut self) -> Vec<Effect> {
        self.allowed.clear();
        self.route_all()
    }

    fn may_reach(&self, site: &Site, endpoint: &Endpoint) -> bool {
        self.allowed.iter().any(|it| it.is_for(site, endpoint))
    }

    fn explain_subresource(&mut self, tab_id: TabId, endpoint: Endpoint) -> Vec<Effect> {
        let wanted = Pending::Subresource { tab_id };
        if self.pending.values().any(|pending| *pending == wanted) {
            return Vec::new();
        }
        vec![self.send(Request::Explain { endpoint }, wanted)]
    }
}

/// As many as fit into a popup, and as a person can think about.
const MAX_WANTS: usize = 3;
