//! Sites that may reach devices: kept, and ended with the trust that they rest on.

use housekey::store::{Happening, Moving, Store, block};
use housekey_core::site::{Allowance, Site};

use crate::{NOW, home, pin, what};

fn pairs(store: &Store) -> Vec<String> {
    let pair = |it: Allowance| format!("{} {}", it.site, it.endpoint);
    store.allowances().unwrap().into_iter().map(pair).collect()
}

fn site(name: &str) -> Site {
    name.parse().unwrap()
}

#[test]
fn what_is_allowed_is_kept_and_stands_in_the_history() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    let cameras = site("cameras.example");
    for _ in 0..2 {
        assert!(store.allow(&cameras, &bridge.endpoint, NOW).unwrap());
    }
    assert_eq!(
        pairs(&Store::open(&paths).unwrap()),
        ["cameras.example 192.168.1.20:443"]
    );
    assert!(store.disallow(&cameras, &bridge.endpoint, NOW).unwrap());
    assert!(!store.disallow(&cameras, &bridge.endpoint, NOW).unwrap());
    assert!(pairs(&store).is_empty());
    assert_eq!(
        what(&store),
        [
            Happening::DisallowSite,
            Happening::AllowSite,
            Happening::Approve
        ]
    );
    let lines = store.history(None, None, 9).unwrap();
    let sites: Vec<_> = lines.into_iter().map(|line| line.site).collect();
    assert_eq!(sites, [Some(cameras.clone()), Some(cameras), None]);
}

#[test]
fn nothing_is_allowed_without_a_trusted_device() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let mut bridge = pin("192.168.1.20", 1);
    let cameras = site("cameras.example");
    assert!(!store.allow(&cameras, &bridge.endpoint, NOW).unwrap());
    bridge.blocked = true;
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    assert!(!store.allow(&cameras, &bridge.endpoint, NOW).unwrap());
    assert!(pairs(&store).is_empty());
    // Nor more than a person can look after.
    bridge.blocked = false;
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    for number in 0..Allowance::MOST {
        let one = site(&format!("site-{number}.example"));
        assert!(store.allow(&one, &bridge.endpoint, NOW).unwrap());
    }
    assert!(!store.allow(&cameras, &bridge.endpoint, NOW).unwrap());
}

/// Each ends it, and nothing brings it back.
#[test]
fn an_allowance_ends_with_the_trust_in_the_key() {
    let cameras = site("cameras.example");
    type End = fn(&Store);
    let ends: [(&str, End); 4] = [
        ("forgotten", |store| {
            assert!(store.forget(&pin("192.168.1.20", 1).endpoint, NOW).unwrap());
        }),
        ("blocked", |store| {
            let endpoint = pin("192.168.1.20", 1).endpoint;
            store.amend(&endpoint, NOW, block(true)).unwrap();
            store.amend(&endpoint, NOW, block(false)).unwrap();
        }),
        ("replaced", |store| {
            let other = pin("192.168.1.20", 2);
            store.put(&other, Happening::Replace, NOW).unwrap();
        }),
        ("moved", |store| {
            let (from, to) = (
                pin("192.168.1.20", 1).endpoint,
                pin("192.168.1.21", 1).endpoint,
            );
            let moved = store.relocate(&from, &to, NOW).unwrap();
            assert!(matches!(moved, Moving::Done(_)));
        }),
    ];
    for (how, end) in ends {
        let (_directory, paths) = home();
        let store = Store::open(&paths).unwrap();
        let (bridge, router) = (pin("192.168.1.20", 1), pin("192.168.1.1", 3));
        for one in [&bridge, &router] {
            store.put(one, Happening::Approve, NOW).unwrap();
            assert!(store.allow(&cameras, &one.endpoint, NOW).unwrap());
        }
        // What happens to the same key on its way changes nothing.
        store.put(&bridge, Happening::Renew, NOW).unwrap();
        assert_eq!(pairs(&store).len(), 2);
        end(&store);
        assert_eq!(pairs(&store), ["cameras.example 192.168.1.1:443"], "{how}");
        store.put(&bridge, Happening::Approve, NOW).unwrap();
        assert_eq!(pairs(&store).len(), 1, "{how}, and back");
    }
}
