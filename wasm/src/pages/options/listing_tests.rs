#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

/// A device of which only some things are remarkable.
fn pin(endpoint: &str, remarkable: serde_json::Value) -> Pin {
    let mut pin = json!({
        "endpoint": endpoint,
        "spkiSha256": "11".repeat(32),
        "leafSha256": "22".repeat(32),
        "identity": {
            "tier": "manufacturer", "name": "Philips Hue", "verifiedBy": "Philips Hue",
            "issuedBy": "Philips Hue", "deviceId": "001788fffe405c5e", "oddities": [],
        },
        "label": "", "note": "", "serial": "01", "notBefore": 0, "notAfter": NOW + 1,
        "firstSeen": NOW - 100, "lastSeen": NOW - 10, "blocked": false, "extendedUntil": null,
    });
    for (name, value) in remarkable.as_object().unwrap() {
        pin[name] = value.clone();
    }
    serde_json::from_value(pin).unwrap()
}

fn unverified() -> serde_json::Value {
    json!({ "tier": "unverified", "name": "Ubiquiti Inc.", "verifiedBy": null,
        "issuedBy": "Ubiquiti Inc.", "deviceId": null, "oddities": [] })
}

fn home() -> Listing {
    let mut listing = Listing::default();
    listing.clear(Timestamp(NOW));
    listing.extend(vec![
        pin(
            "192.168.1.20",
            json!({ "label": "Äther", "note": "Im Regal\nlinks" }),
        ),
        pin(
            "192.168.1.3",
            json!({ "label": "Zaun", "blocked": true, "firstSeen": NOW - 5 }),
        ),
        pin(
            "10.0.0.9",
            json!({ "identity": unverified(), "lastSeen": NOW - 91 * 86_400 }),
        ),
        pin("nas.local", json!({ "label": "NAS", "notAfter": NOW - 1 })),
        pin(
            "cam.local:8443",
            json!({ "label": "Cam", "notAfter": NOW - 1, "extendedUntil": NOW + 1 }),
        ),
    ]);
    arrange(&mut listing, Sort::Name);
    listing
}

/// Not the locale's order, but one that differs from that of bytes.
fn arrange(listing: &mut Listing, sort: Sort) {
    let fold = |name: &String| name.to_lowercase().replace('ä', "a");
    let names = listing.names();
    let mut order: Vec<u32> = (0..).take(names.len()).collect();
    order.sort_by_key(|index| fold(&names[*index as usize]));
    listing.rank(order);
    listing.arrange(sort);
}

fn shown(listing: &Listing) -> Vec<String> {
    let pins = (0..listing.found()).filter_map(|place| listing.at(place));
    pins.map(|pin| pin.endpoint.display_name()).collect()
}

#[test]
fn devices_stand_in_the_chosen_order() {
    let mut listing = home();
    for (sort, order) in [
        (
            Sort::Name,
            [
                "192.168.1.20",
                "cam.local:8443",
                "nas.local",
                "10.0.0.9",
                "192.168.1.3",
            ],
        ),
        (
            Sort::Address,
            [
                "10.0.0.9",
                "192.168.1.3",
                "192.168.1.20",
                "cam.local:8443",
                "nas.local",
            ],
        ),
        (
            Sort::State,
            [
                "192.168.1.3",
                "nas.local",
                "cam.local:8443",
                "10.0.0.9",
                "192.168.1.20",
            ],
        ),
        (
            Sort::Added,
            [
                "192.168.1.3",
                "192.168.1.20",
                "cam.local:8443",
                "nas.local",
                "10.0.0.9",
            ],
        ),
        (
            Sort::Seen,
            [
                "192.168.1.20",
                "cam.local:8443",
                "nas.local",
                "192.168.1.3",
                "10.0.0.9",
            ],
        ),
    ] {
        arrange(&mut listing, sort);
        assert_eq!(shown(&listing), order, "{sort:?}");
    }
}

#[test]
fn devices_are_found_by_every_word_about_them() {
    let mut listing = home();
    for (query, found) in [
        ("", 5),
        ("  ÄTHER ", 1),
        ("regal", 1),
        ("philips 192.168", 2),
        ("ubiquiti", 1),
        ("5c5e", 4),
        (":8443", 1),
        ("regallinks", 0),
        ("nowhere", 0),
    ] {
        listing.choose(query, Filter::All);
        assert_eq!(listing.found(), found, "{query}");
    }
}

#[test]
fn filters_show_what_needs_attention() {
    let mut listing = home();
    for (filter, found) in [
        (Filter::Blocked, vec!["192.168.1.3"]),
        (Filter::Ended, vec!["cam.local:8443", "nas.local"]),
        (Filter::Unverified, vec!["10.0.0.9"]),
        (Filter::Unseen, vec!["10.0.0.9"]),
    ] {
        listing.choose("", filter);
        assert_eq!(shown(&listing), found, "{filter:?}");
    }
    listing.choose("nas", Filter::Blocked);
    assert_eq!(listing.found(), 0);
}

#[test]
fn a_list_stays_whole_when_a_device_goes() {
    let mut listing = home();
    let nas: Endpoint = "nas.local".parse().unwrap();
    listing.choose("local", Filter::All);
    listing.remove(&nas);
    listing.remove(&nas);
    assert_eq!(shown(&listing), ["cam.local:8443"]);
    assert_eq!((listing.len(), listing.pins().len()), (4, 4));
    assert_eq!(listing.place(&nas), None);
    listing.choose("", Filter::All);
    assert_eq!(
        shown(&listing),
        ["192.168.1.20", "cam.local:8443", "10.0.0.9", "192.168.1.3"]
    );
}

#[test]
fn a_change_is_found_by_its_new_words() {
    let mut listing = home();
    let hue: Endpoint = "192.168.1.20".parse().unwrap();
    listing.change(&hue, |pin| pin.label = SafeText::new("Attic"));
    listing.choose("attic", Filter::All);
    assert_eq!(shown(&listing), ["192.168.1.20"]);
    listing.choose("äther", Filter::All);
    assert_eq!(listing.found(), 0);
}

#[test]
fn the_last_second_of_a_certificate_still_counts() {
    let mut device = pin("nas.local", json!({ "notAfter": NOW }));
    assert_eq!(State::of(&device, Timestamp(NOW)), State::Trusted);
    assert_eq!(State::of(&device, Timestamp(NOW + 1)), State::Ended);
    device.extended_until = Some(Timestamp(NOW + 1));
    assert_eq!(State::of(&device, Timestamp(NOW + 1)), State::Extended);
    assert_eq!(State::of(&device, Timestamp(NOW + 2)), State::Ended);
}
