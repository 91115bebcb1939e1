//! What holds for every input, also for those that nobody thought of.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::net::{IpAddr, Ipv4Addr};

use housekey_core::certificate::Certificate;
use housekey_core::core::Core;
use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::protocol::ToHelper;
use housekey_core::scope::{Scope, ScopeOptions};
use housekey_core::text::SafeText;
use proptest::prelude::*;

proptest! {
    /// A pin that is kept under one spelling is found under every other.
    #[test]
    fn an_endpoint_is_its_own_canonical_form(text in "\\PC{0,40}") {
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            let canonical = endpoint.to_string();
            prop_assert_eq!(canonical.parse::<Endpoint>(), Ok(endpoint.clone()));
            prop_assert_eq!(Endpoint::from_url(&format!("{}/", endpoint.origin())), Ok(endpoint));
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address(address in any::<u32>()) {
        let expected = Host::Ip(IpAddr::V4(Ipv4Addr::from(address)));
        for spelling in [
            format!("{address}"),
            format!("{address:#x}"),
            format!("0{address:o}"),
            format!("{}", Ipv4Addr::from(address)),
            format!("[::ffff:{}]", Ipv4Addr::from(address)),
        ] {
            let host: Result<Host, _> = spelling.parse();
            prop_assert_eq!(host.as_ref(), Ok(&expected), "{}", spelling);
        }
    }

    /// The standard library's idea of a private address is the same as Housekey's.
    #[test]
    fn no_global_ipv4_address_is_a_device(address in any::<u32>()) {
        let address = Ipv4Addr::from(address);
        let is_device = ScopeOptions::default().is_device_address(IpAddr::V4(address));
        let metadata = Ipv4Addr::new(169, 254, 169, 254);
        prop_assert_eq!(
            is_device,
            address.is_private() || (address.is_link_local() && address != metadata)
        );
        let scope = Scope::of_ip(IpAddr::V4(address));
        prop_assert_eq!(address.is_loopback(), scope == Scope::Loopback);
    }

    #[test]
    fn safe_text_is_visible_bounded_and_stays_as_it_is(text in any::<String>()) {
        let safe = SafeText::new(&text);
        prop_assert!(safe.as_str().chars().all(|c| !c.is_control()));
        prop_assert!(safe.as_str().chars().count() <= 10 * SafeText::MAX_CHARS + 1);
        prop_assert_eq!(SafeText::from(String::from(safe.clone())), safe);
    }

    #[test]
    fn no_bytes_make_the_certificate_reader_panic(
        bytes in any::<Vec<u8>>(),
        at in any::<prop::sample::Index>(),
    ) {
        let _ = Certificate::from_der(&bytes);
        // Bytes that are almost a certificate go deeper than noise does.
        let mut almost = include_bytes!("../../wasm/core/tests/certificates/bridge.der").to_vec();
        let at = at.index(almost.len());
        let end = (at + bytes.len()).min(almost.len());
        almost[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = Certificate::from_der(&almost);
    }

    #[test]
    fn no_message_makes_the_helper_panic(text in any::<String>(), id in any::<u32>()) {
        prop_assert!(ToHelper::read(&text).is_err());
        let odd = format!(r#"{{"protocol":1,"id":{id},"request":{text:?}}}"#);
        if let Err(answer) = ToHelper::read(&odd) {
            prop_assert!(answer.id.is_none_or(|said| said == id));
        }
    }

    #[test]
    fn no_snapshot_makes_the_core_panic(text in any::<String>()) {
        prop_assert!(Core::restore(&text).is_none());
    }
}
