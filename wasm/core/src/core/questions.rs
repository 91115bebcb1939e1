//! Questions: what a tab is asked or told in place of a device's page, and what people answer.
//!
//! However many tabs want a device, one of them asks; the others wait for its answer.

use serde::{Deserialize, Serialize};

use super::{Approved, Core, Helper, Pending, refuse};
use crate::certificate::Certificate;
use crate::chain::UnverifiedChain;
use crate::decision::Finding;
use crate::effect::{Badge, Effect, PageReply};
use crate::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::event::{AskId, Choice, PromptId, TabId};
use crate::expected::{Comparison, compare};
use crate::fingerprint::{CertificateSha256, SpkiSha256};
use crate::identity::Identity;
use crate::meeting::Meeting;
use crate::protocol::{Approval, Refusal, Request};
use crate::proxy::ProxyHolder;
use crate::text::SafeText;
use crate::time::Timestamp;
use crate::view::{Situation, TrustView};

/// What a tab shows in place of a device's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prompt {
    pub(super) tab_id: TabId,
    /// What the person wanted, and gets after approval.
    pub(super) url: String,
    pub(super) endpoint: Endpoint,
    pub(super) about: About,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum About {
    /// The person said "not now" to this.
    Declined(Refusal),
    /// Another tab asks this.
    Elsewhere(Refusal),
    /// The browser sends it past Housekey.
    LinkLocal,
    /// The gateway is meeting it, which lasts. Until the page has asked how it goes on, it is not
    /// `seen`, and the tab may still tell of the page before.
    Meeting { meeting: Meeting, seen: bool },
    /// The helper cannot be used.
    NoHelper,
    /// Somebody else leads this browser's traffic.
    ProxyTaken(ProxyHolder),
    /// The helper refused, and why: a question, or news.
    Refused(Refusal),
    /// A page led here again and again, and this question waits until the person wants it.
    Repeated(Refusal),
}

impl About {
    /// The helper's refusal, where there is one.
    pub(super) const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Declined(refusal)
            | Self::Elsewhere(refusal)
            | Self::Refused(refusal)
            | Self::Repeated(refusal) => Some(refusal),
            Self::LinkLocal | Self::Meeting { .. } | Self::NoHelper | Self::ProxyTaken(_) => None,
        }
    }

    /// The question that is open, if one is.
    fn question(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) if asks(&refusal.finding) => Some(refusal),
            _ => None,
        }
    }

    /// Whether it waits for the old session to be deleted.
    pub(super) fn is_stale(&self) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.finding == Finding::StaleSession)
    }

    /// Whether it tells how a meeting goes.
    pub(super) const fn is_meeting(&self) -> bool {
        matches!(self, Self::Meeting { .. })
    }

    /// Whether its page may not be there yet, while the tab's navigation is still under way.
    pub(super) const fn is_arriving(&self) -> bool {
        matches!(self, Self::Meeting { seen: false, .. })
    }

    pub(super) const fn badge(&self) -> Badge {
        match self {
            Self::Declined(_) => Badge::Declined,
            Self::Elsewhere(_) | Self::Repeated(_) => Badge::Question,
            Self::Meeting { .. } => Badge::Waiting,
            Self::Refused(refusal) if is_calm(&refusal.finding) => Badge::Question,
            Self::LinkLocal | Self::NoHelper | Self::ProxyTaken(_) | Self::Refused(_) => {
                Badge::Blocked
            }
        }
    }

    /// Only the very same thing comes back under its number: a page that shows one key must never
    /// speak for another.
    fn is_same_as(&self, other: &Self) -> bool {
        match (self.refusal(), other.refusal()) {
            (Some(one), Some(two)) => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && one.finding == two.finding
                    && shown_key(one) == shown_key(two)
            }
            _ => self == other,
        }
    }
}

impl Core {
    /// Shows what the helper refused and why.
    pub(super) fn ask(&mut self, tab_id: TabId, url: String, refusal: Refusal) -> Vec<Effect> {
        let endpoint = refusal.endpoint.clone();
        let about = if !asks(&refusal.finding) {
            About::Refused(refusal)
        } else if self.declined.contains_key(&endpoint) && is_calm(&refusal.finding) {
            About::Declined(refusal)
        } else if self.is_asked_elsewhere(&endpoint, tab_id) {
            About::Elsewhere(refusal)
        } else if self.is_pressed(tab_id, &url, &endpoint) {
            About::Repeated(refusal)
        } else {
            About::Refused(refusal)
        };
        self.show(tab_id, url, endpoint, about)
    }

    /// Shows a page in a tab, or comes back to the one that this tab already shows.
    pub(super) fn show(
        &mut self,
        tab_id: TabId,
        url: String,
        endpoint: Endpoint,
        about: About,
    ) -> Vec<Effect> {
        let same = |(_, prompt): &(&PromptId, &Prompt)| {
            prompt.tab_id == tab_id
                && prompt.endpoint == endpoint
                // What came of a meeting takes its place.
                && (prompt.about.is_meeting() || prompt.about.is_same_as(&about))
        };
        let known = self.prompts.iter().find(same).map(|(id, _)| *id);
        let prompt_id = known.unwrap_or_else(|| {
            self.next_prompt = self.next_prompt.wrapping_add(1);
            PromptId(self.next_prompt)
        });
        let badge = about.badge();
        // A tab shows one page at a time.
        self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
        let prompt = Prompt {
            tab_id,
            url,
            endpoint,
            about,
        };
        self.prompts.insert(prompt_id, prompt);
        vec![
            Effect::ShowPrompt { tab_id, prompt_id },
            Effect::SetBadge { tab_id, badge },
        ]
    }

    /// What the page of a prompt shows.
    pub(super) fn view(
        &self,
        prompt: &Prompt,
        notice: Option<ErrorCode>,
        at: Timestamp,
    ) -> PageReply {
        let refused = |refusal: &Refusal| TrustView::new(refusal, notice, self.clears(refusal));
        let waiting = |refusal: &Refusal, situation: Situation| {
            let view = refused(refusal)?;
            Ok(TrustView {
                waits: Some(view.situation),
                situation,
                ..view
            })
        };
        let bare = |situation| Ok(TrustView::bare(situation, &prompt.endpoint, notice, at));
        let view = match &prompt.about {
            About::Declined(refusal) => waiting(refusal, Situation::Declined),
            About::Elsewhere(refusal) => waiting(refusal, Situation::Elsewhere),
            About::Repeated(refusal) => waiting(refusal, Situation::Repeated),
            About::LinkLocal => bare(Situation::LinkLocal),
            About::Meeting { meeting, .. } => bare(Situation::Meeting).map(|view| TrustView {
                meeting: Some(*meeting),
                ..view
            }),
            About::NoHelper => bare(Situation::NoHelper).map(|view| TrustView {
                helper: Some(self.status()),
                ..view
            }),
            About::ProxyTaken(holder) => bare(Situation::ProxyTaken).map(|view| TrustView {
                proxy: Some(*holder),
                ..view
            }),
            About::Refused(refusal) => refused(refusal),
        };
        let private = self.private.contains(&prompt.tab_id);
        view.map_or(
            PageReply::Error {
                code: ErrorCode::NotMet,
            },
            |view| PageReply::Trust {
                view: TrustView { private, ..view },
            },
        )
    }

    /// Whether a tab is in a private window, as a page in it says.
    pub(super) fn notice_private(&mut self, tab_id: Option<TabId>, private: bool) {
        match tab_id {
            Some(tab_id) if private => drop(self.private.insert(tab_id)),
            Some(tab_id) => drop(self.private.remove(&tab_id)),
            None => {}
        }
    }

    /// A prompt, but only for the tab that it was shown in.
    pub(super) fn prompt_of(&self, prompt_id: PromptId, tab_id: Option<TabId>) -> Option<&Prompt> {
        self.prompts
            .get(&prompt_id)
            .filter(|prompt| Some(prompt.tab_id) == tab_id)
    }

    /// A person answered.
    pub(super) fn decided(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
        choice: &Choice,
        at: Timestamp,
    ) -> Vec<Effect> {
        let Some(prompt) = self.prompt_of(prompt_id, tab_id).cloned() else {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        };
        match (choice, &prompt.about) {
            (
                Choice::AnswerHere,
                About::Declined(refusal) | About::Elsewhere(refusal) | About::Repeated(refusal),
            ) => self.answer_here(ask_id, prompt_id, &prompt, refusal.clone(), at),
            (Choice::LeaveToBrowser, About::LinkLocal | About::ProxyTaken(_)) => {
                self.left_alone.insert(prompt.endpoint);
                self.go(ask_id, prompt_id, prompt.url)
            }
            (Choice::Retry, _) => self.go(ask_id, prompt_id, prompt.url),
            (Choice::Stop, _) => self.stop(ask_id, prompt_id, prompt),
            (Choice::Approve { .. } | Choice::Replace { .. }, About::Refused(refusal)) => {
                self.approve(ask_id, prompt_id, &prompt, refusal, choice, at)
            }
            // A choice that this page does not offer was not made by a person at it.
            _ => {
                let reply = self.view(&prompt, Some(ErrorCode::BadMessage), at);
                vec![Effect::Answer { ask_id, reply }]
            }
        }
    }

    /// The helper pinned the key that a question was about: whoever waits for it can go on.
    pub(super) fn approved(&mut self, ask_id: AskId, prompt_id: PromptId) -> Vec<Effect> {
        let Some(prompt) = self.prompts.remove(&prompt_id) else {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        };
        self.declined.remove(&prompt.endpoint);
        let reply = PageReply::Go { url: prompt.url };
        let mut effects = vec![Effect::Answer { ask_id, reply }];
        effects.extend(self.leave_prompts(|waiting| waiting.endpoint == prompt.endpoint));
        effects
    }

    /// Leads tabs from pages that nobody has to answer any more to what they wanted.
    pub(super) fn leave_prompts(&mut self, done: impl Fn(&Prompt) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        let left = &mut self.left;
        self.prompts.retain(|prompt_id, prompt| {
            let leaves = done(prompt);
            if leaves {
                left.insert(prompt.tab_id, (*prompt_id, prompt.url.clone()));
                effects.push(Effect::LeavePrompt {
                    tab_id: prompt.tab_id,
                    prompt_id: *prompt_id,
                    url: prompt.url.clone(),
                });
            }
            !leaves
        });
        effects
    }

    /// What to say to a page whose prompt is none any more. One that came when its tab was about to be
    /// led away goes there by itself.
    pub(super) fn unknown(&self, prompt_id: PromptId, tab_id: Option<TabId>) -> PageReply {
        let left = tab_id.and_then(|tab_id| self.left.get(&tab_id));
        match left.filter(|(left, _)| *left == prompt_id) {
            Some((_, url)) => PageReply::Go { url: url.clone() },
            None => PageReply::Error {
                code: ErrorCode::UnknownPrompt,
            },
        }
    }

    /// The device showed another key than the one that the person was asked about.
    pub(super) fn refreshed(
        &mut self,
        ask_id: AskId,
        id: PromptId,
        refusal: Option<Refusal>,
    ) -> Effect {
        if let (Some(prompt), Some(refusal)) = (self.prompts.get_mut(&id), refusal) {
            let at = refusal.at;
            prompt.about = About::Refused(refusal);
            if let Some(prompt) = self.prompts.get(&id) {
                let reply = self.view(prompt, Some(ErrorCode::KeyChanged), at);
                return Effect::Answer { ask_id, reply };
            }
        }
        refuse(ask_id, ErrorCode::KeyChanged)
    }

    /// Compares what a person typed with what the device of their question presented.
    pub(super) fn compare(
        &self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
        typed: &str,
    ) -> Effect {
        let presented = self
            .prompt_of(prompt_id, tab_id)
            .and_then(|prompt| presented(prompt.about.refusal()?));
        let Some((leaf, identity)) = presented else {
            return refuse(ask_id, ErrorCode::UnknownPrompt);
        };
        let comparison: Comparison = compare(typed, &leaf, &identity);
        let reply = PageReply::Compared { comparison };
        Effect::Answer { ask_id, reply }
    }

    /// Lets the root vouch for devices that a question's device sent along.
    pub(super) fn trust_maker(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        tab_id: Option<TabId>,
        root_sha256: CertificateSha256,
        name: SafeText,
    ) -> Effect {
        let Some(prompt) = self.prompt_of(prompt_id, tab_id) else {
            return refuse(ask_id, ErrorCode::UnknownPrompt);
        };
        let offer = prompt
            .about
            .question()
            .and_then(|it| it.maker_offer.as_ref());
        if offer.is_none_or(|offer| offer.root_sha256 != root_sha256) {
            return refuse(ask_id, ErrorCode::BadMessage);
        }
        if !matches!(self.helper, Helper::Ready { .. }) {
            return refuse(ask_id, ErrorCode::HelperGone);
        }
        let request = Request::TrustMaker {
            endpoint: prompt.endpoint.clone(),
            root_sha256,
            name,
        };
        self.send(request, Pending::TrustMaker { ask_id, prompt_id })
    }

    /// Takes back a "not now".
    pub(super) fn ask_again(
        &mut self,
        ask_id: AskId,
        endpoint: &Endpoint,
        tab_id: TabId,
    ) -> Vec<Effect> {
        let Some(url) = self.declined.remove(endpoint) else {
            return vec![refuse(ask_id, ErrorCode::UnknownPrompt)];
        };
        self.prompts.retain(|_, prompt| prompt.tab_id != tab_id);
        let reply = PageReply::Done;
        vec![
            Effect::Open { tab_id, url },
            Effect::Answer { ask_id, reply },
        ]
    }

    fn is_asked_elsewhere(&self, endpoint: &Endpoint, tab_id: TabId) -> bool {
        self.prompts.values().any(|prompt| {
            prompt.tab_id != tab_id
                && prompt.endpoint == *endpoint
                && prompt.about.question().is_some()
        })
    }

    fn answer_here(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        here: &Prompt,
        refusal: Refusal,
        at: Timestamp,
    ) -> Vec<Effect> {
        self.declined.remove(&here.endpoint);
        for prompt in self.prompts.values_mut() {
            let theirs = prompt.about.question().cloned();
            if let (true, Some(question)) = (prompt.endpoint == here.endpoint, theirs) {
                prompt.about = About::Elsewhere(question);
            }
        }
        let about = About::Refused(refusal);
        let badge = about.badge();
        let prompt = Prompt {
            about,
            ..here.clone()
        };
        let reply = self.view(&prompt, None, at);
        let tab_id = prompt.tab_id;
        self.prompts.insert(prompt_id, prompt);
        vec![
            Effect::Answer { ask_id, reply },
            Effect::SetBadge { tab_id, badge },
        ]
    }

    fn stop(&mut self, ask_id: AskId, prompt_id: PromptId, prompt: Prompt) -> Vec<Effect> {
        self.prompts.remove(&prompt_id);
        if let Some(question) = prompt.about.question() {
            if is_calm(&question.finding) {
                self.declined.insert(prompt.endpoint.clone(), prompt.url);
                for waiting in self.prompts.values_mut() {
                    if waiting.endpoint == prompt.endpoint {
                        if let About::Elsewhere(refusal) = &waiting.about {
                            waiting.about = About::Declined(refusal.clone());
                        }
                    }
                }
            }
        }
        let reply = PageReply::Done;
        vec![Effect::Answer { ask_id, reply }]
    }

    pub(super) fn go(&mut self, ask_id: AskId, prompt_id: PromptId, url: String) -> Vec<Effect> {
        self.prompts.remove(&prompt_id);
        let reply = PageReply::Go { url };
        vec![Effect::Answer { ask_id, reply }]
    }

    fn approve(
        &mut self,
        ask_id: AskId,
        prompt_id: PromptId,
        prompt: &Prompt,
        refusal: &Refusal,
        choice: &Choice,
        at: Timestamp,
    ) -> Vec<Effect> {
        let again = |code| {
            let reply = self.view(prompt, Some(code), at);
            vec![Effect::Answer { ask_id, reply }]
        };
        let Some(approval) = approval(refusal, choice) else {
            return again(ErrorCode::BadMessage);
        };
        // The approval is bound to the key that the person sees.
        let Some(spki_sha256) = shown_key(refusal) else {
            return again(ErrorCode::NotMet);
        };
        if choice.key() != Some(spki_sha256) {
            return again(ErrorCode::KeyChanged);
        }
        if !matches!(self.helper, Helper::Ready { .. }) {
            return again(ErrorCode::HelperGone);
        }
        // The old device's session goes before the new key is trusted, and if it cannot be
        // deleted, the key is not trusted: there is no moment at which the one meets the other.
        let mut effects = Vec::new();
        let cleared = self.clears(refusal);
        if cleared {
            effects.extend(clear_site_data(Some(ask_id), &refusal.endpoint));
        }
        let approved = Approved {
            endpoint: refusal.endpoint.clone(),
            spki_sha256,
            approval,
        };
        let decided = Pending::Decide {
            ask_id,
            prompt_id,
            simpler: cleared.then(|| approved.clone()),
        };
        effects.push(self.send(approved.request(cleared), decided));
        effects
    }

    /// Whether the old device's data goes before this one is trusted. The setting is about going
    /// on past a warning; where there is none, nobody would know that the old session remains.
    fn clears(&self, refusal: &Refusal) -> bool {
        let wanted = match &self.helper {
            Helper::Ready { settings, .. } => settings.clear_on_override,
            Helper::Absent { .. } | Helper::Starting { .. } => true,
        };
        refusal.other_device_before && (wanted || refusal.finding != Finding::Changed)
    }
}

pub(super) fn clear_site_data(
    ask_id: Option<AskId>,
    endpoint: &Endpoint,
) -> impl Iterator<Item = Effect> {
    let sites = endpoint.sites().into_iter();
    sites.map(move |(origin, hostname)| Effect::ClearSiteData {
        ask_id,
        origin,
        hostname,
    })
}

/// The question that this choice answers, if it does.
fn approval(refusal: &Refusal, choice: &Choice) -> Option<Approval> {
    match (&refusal.finding, choice) {
        (Finding::Stranger, Choice::Approve { .. }) => Some(Approval::First),
        (Finding::Moved { .. }, Choice::Approve { .. }) => Some(Approval::Moved),
        (Finding::Rotated, Choice::Approve { .. }) => Some(Approval::Rotated),
        (Finding::Expired, Choice::Approve { .. }) => Some(Approval::Extend),
        (Finding::Changed, Choice::Replace { typed_address, .. })
            if typed_address.trim().parse().as_ref() == Ok(&refusal.endpoint) =>
        {
            Some(Approval::Replace)
        }
        _ => None,
    }
}

/// Whether a person can answer it.
const fn asks(finding: &Finding) -> bool {
    is_calm(finding) || matches!(finding, Finding::Changed)
}

/// Whether it is a question without a warning. "Not now" to such a one is remembered; a warning is
/// shown each time.
const fn is_calm(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Expired | Finding::Moved { .. } | Finding::Rotated | Finding::Stranger
    )
}

/// The key that a question is about.
fn shown_key(refusal: &Refusal) -> Option<SpkiSha256> {
    refusal.observation.as_ref()?.leaf_key()
}

/// What the device of a question presented, and who it says it is.
fn presented(refusal: &Refusal) -> Option<(Certificate, Identity)> {
    let observation = refusal.observation.as_ref()?;
    let chain = UnverifiedChain::new(observation.chain.clone()).ok()?;
    let identity = Identity::of_or_claimed(chain.leaf(), &observation.verdict, refusal.at);
    Some((chain.leaf().clone(), identity))
}
