//! Rules: which requests no page may cause.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{IPV4_REGEX, IPV6_REGEX, SHARED_REGEX};
use crate::endpoint::Host;
use crate::scope::{LOCAL_SUFFIXES, ScopeOptions};
use crate::site::Allowance;

/// A `declarativeNetRequest` rule, as browsers take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Rule {
    /// Number of the rule, from 1.
    pub id: u32,
    /// Of the rules that a request meets, those of the highest priority count.
    pub priority: u32,
    /// What happens to it.
    pub action: RuleAction,
    /// Which requests it is about.
    pub condition: RuleCondition,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum RuleAction {
    /// Lets the request pass.
    Allow,
    /// Ends it.
    Block,
    /// Turns `http:` into `https:`.
    UpgradeScheme,
}

/// Which requests a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct RuleCondition {
    /// Those whose URL matches this (RE2 in Chrome, ECMAScript in Firefox).
    ///
    /// Chrome refuses all rules where one's expression takes more than two kilobytes when it is
    /// compiled, so no name stands in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_filter: Option<String>,
    /// Those to these hosts, or to names below them. A name that ends in a dot is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_domains: Option<Vec<String>>,
    /// Those whose URL begins with what follows a `|` here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_filter: Option<String>,
    /// Those between two sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_type: Option<DomainType>,
    /// Those of pages at these hosts, or at names below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator_domains: Option<Vec<String>>,
    /// Those of pages anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_initiator_domains: Option<Vec<String>>,
    /// Those of these types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_types: Option<Vec<ResourceType>>,
    /// Those of every other type there is, and every type to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_resource_types: Option<Vec<ResourceType>>,
}

/// Between whom a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum DomainType {
    /// Two sites.
    ThirdParty,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ResourceType {
    /// A top-level page.
    MainFrame,
    /// A page in a frame.
    SubFrame,
}

/// Rules with their numbers.
pub(super) fn numbered(rules: impl Iterator<Item = (u32, RuleAction, RuleCondition)>) -> Vec<Rule> {
    let rules = (1..).zip(rules);
    let rules = rules.map(|(id, (priority, action, condition))| Rule {
        id,
        priority,
        action,
        condition,
    });
    rules.collect()
}

/// Rules that give back what Local Network Access loses behind a proxy on loopback:
/// no page makes a request to a device but the device's own pages.
/// Navigations stay, as they do in Local Network Access.
///
/// These are the conditions of rules that block. Requests to a device from another site meet one,
/// of every type but the top-level document. Where a person added a name, pages at that name and
/// below are at home, but a public page of the same site is not.
#[must_use]
pub fn block_rules(scope: &ScopeOptions) -> Vec<RuleCondition> {
    let addresses = if scope.shared_address_space {
        [IPV4_REGEX, SHARED_REGEX, IPV6_REGEX].as_slice()
    } else {
        [IPV4_REGEX, IPV6_REGEX].as_slice()
    };
    let names = LOCAL_SUFFIXES
        .iter()
        .map(|suffix| format!(r"[^/:]+\.{}\.?", suffix.replace('.', r"\.")));
    let hosts = addresses.iter().map(|regex| (*regex).to_owned());
    // A user name in front of the host changes nothing about where a request goes.
    let others = hosts.chain(names).map(|host| RuleCondition {
        domain_type: Some(DomainType::ThirdParty),
        ..but_pages(&format!("^(?:https|wss)://(?:[^/@]*@)?{host}[:/]"))
    });
    let added = scope.local_names.iter().map(|name| RuleCondition {
        excluded_initiator_domains: Some(vec![name.clone()]),
        request_domains: Some(Host::Name(name.clone()).spellings()),
        ..but_pages("^(?:https|wss)://")
    });
    others.chain(added).collect()
}

fn but_pages(regex: &str) -> RuleCondition {
    RuleCondition {
        regex_filter: Some(regex.to_owned()),
        excluded_resource_types: Some(vec![ResourceType::MainFrame]),
        ..RuleCondition::default()
    }
}

/// Rules for the sites that a person lets reach a device: exactly that endpoint, and only that site
/// with the names below it, which is as narrow as browsers can tell initiators apart.
///
/// They cannot tell `http:` from `https:` there. So that nobody on the way can write pages of an
/// allowed site, its pages are asked for by `https:` only.
pub(super) fn site_rules(allowed: &[Allowance]) -> Vec<(u32, RuleAction, RuleCondition)> {
    let pairs = allowed.iter().flat_map(|it| {
        let origin = it.endpoint.origin();
        let socket = origin.replacen("https:", "wss:", 1);
        // An asterisk may be part of a name, and would be anything here.
        let places = [origin, socket].into_iter().filter(|it| !it.contains('*'));
        places.map(|place| {
            let condition = RuleCondition {
                url_filter: Some(format!("|{place}/")),
                initiator_domains: Some(vec![it.site.to_string()]),
                excluded_resource_types: Some(vec![ResourceType::MainFrame]),
                ..RuleCondition::default()
            };
            (ALLOWS, RuleAction::Allow, condition)
        })
    });
    let sites: BTreeSet<_> = allowed.iter().map(|it| &it.site).collect();
    let secure = sites.into_iter().map(|site| {
        let condition = RuleCondition {
            request_domains: Some(site.spellings()),
            url_filter: Some("|http:".to_owned()),
            resource_types: Some(vec![ResourceType::MainFrame, ResourceType::SubFrame]),
            ..RuleCondition::default()
        };
        (UPGRADES, RuleAction::UpgradeScheme, condition)
    });
    pairs.chain(secure).collect()
}

/// What a person allowed counts more than what is blocked, and nothing more than a page's safe way.
pub(super) const BLOCKS: u32 = 1;
const ALLOWS: u32 = 2;
const UPGRADES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::super::Routing;
    use super::*;
    use crate::proxy::SystemProxy;

    #[test]
    fn an_added_name_has_its_rule() {
        let scope = ScopeOptions {
            local_names: vec!["fritz.box".into()],
            shared_address_space: true,
        };
        let rules = Routing::new(1, &scope, &SystemProxy::default(), &[]).rules;
        let last = rules.last().unwrap();
        let both = Some(vec!["fritz.box".to_owned(), "fritz.box.".to_owned()]);
        assert_eq!(last.condition.request_domains, both);
        let secure = last.condition.regex_filter.as_deref();
        assert_eq!(secure, Some("^(?:https|wss)://"));
        // Pages at home are no strangers there, whatever else is of the same site.
        let home = Some(vec!["fritz.box".to_owned()]);
        assert_eq!(last.condition.excluded_initiator_domains, home);
        assert_eq!(last.condition.domain_type, None);
        assert_eq!(
            rules.iter().map(|rule| rule.id).collect::<Vec<_>>(),
            (1..=8).collect::<Vec<_>>()
        );
        let blocks = |rule: &Rule| rule.action == RuleAction::Block && rule.priority == BLOCKS;
        assert!(rules.iter().all(blocks));
    }

    #[test]
    fn no_name_stands_in_an_expression() {
        let names = ["a(b*$+{c}.example", &"long.".repeat(40)].map(str::to_owned);
        let scope = ScopeOptions {
            local_names: names.to_vec(),
            ..Default::default()
        };
        let mut allowed = Vec::new();
        for name in &names {
            let (endpoint, site) = (name.parse().unwrap(), name.parse().unwrap());
            let (since, name) = (crate::time::Timestamp(0), crate::text::SafeText::default());
            allowed.push(Allowance {
                site,
                endpoint,
                since,
                name,
            });
        }
        let with = Routing::new(1, &scope, &SystemProxy::default(), &allowed);
        let without = Routing::new(1, &ScopeOptions::default(), &SystemProxy::default(), &[]);
        let expressions = |routing: &Routing| {
            let rules = routing.rules.iter();
            let all = rules.filter_map(|rule| rule.condition.regex_filter.clone());
            all.collect::<BTreeSet<_>>()
        };
        let mut expected = expressions(&without);
        expected.insert("^(?:https|wss)://".to_owned());
        assert_eq!(expressions(&with), expected);
        // Where an asterisk would stand for any name, there is no rule that lets anybody in.
        let filters = with
            .rules
            .iter()
            .filter_map(|it| it.condition.url_filter.as_deref());
        assert!(filters.clone().all(|it| !it.contains('*')));
        assert_eq!(filters.filter(|it| it.contains("long")).count(), 2);
    }

    #[test]
    fn an_allowed_site_reaches_one_endpoint_and_no_more() {
        let allowance = |site: &str, endpoint: &str| Allowance {
            site: site.parse().unwrap(),
            endpoint: endpoint.parse().unwrap(),
            since: crate::time::Timestamp(0),
            name: crate::text::SafeText::default(),
        };
        let allowed = [
            allowance("cameras.example", "192.168.1.20"),
            allowance("cameras.example", "nas.local:8443"),
            allowance("192.168.1.60", "[fd00::20]"),
        ];
        let rules = site_rules(&allowed);
        let allows = |(priority, action, condition): &(u32, RuleAction, RuleCondition)| {
            (*priority == ALLOWS && *action == RuleAction::Allow).then(|| {
                let initiators = condition.initiator_domains.clone().unwrap();
                (initiators.join(" "), condition.url_filter.clone().unwrap())
            })
        };
        let pairs: Vec<_> = rules.iter().filter_map(allows).collect();
        let expected = [
            ("cameras.example", "|https://192.168.1.20/"),
            ("cameras.example", "|wss://192.168.1.20/"),
            ("cameras.example", "|https://nas.local:8443/"),
            ("cameras.example", "|wss://nas.local:8443/"),
            ("192.168.1.60", "|https://[fd00::20]/"),
            ("192.168.1.60", "|wss://[fd00::20]/"),
        ];
        let expected = expected.map(|(site, filter)| (site.to_owned(), filter.to_owned()));
        assert_eq!(pairs, expected);
        // Each site once.
        let secure = rules.iter().filter(|it| it.1 == RuleAction::UpgradeScheme);
        let secure = secure.map(|it| it.2.request_domains.clone().unwrap().join(" "));
        let secure: Vec<_> = secure.collect();
        assert_eq!(secure, ["192.168.1.60", "cameras.example cameras.example."]);
    }
}
