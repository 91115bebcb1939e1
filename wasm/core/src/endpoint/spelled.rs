//! Reading addresses in every spelling that a browser takes.

use std::net::IpAddr;

use url::Url;

use super::{EndpointError, Host, Place};

/// Reads a URL as the [WHATWG URL Standard](https://url.spec.whatwg.org/) says.
pub(super) fn read(url: &str) -> Result<Place, EndpointError> {
    let url = Url::parse(url).map_err(|error| match error {
        url::ParseError::InvalidPort => EndpointError::Port,
        _ => EndpointError::Host,
    })?;
    Ok(Place {
        scheme: url.scheme().to_owned(),
        host: url.host().map(|host| match host {
            url::Host::Ipv4(address) => Host::Ip(IpAddr::V4(address)),
            url::Host::Ipv6(address) => Host::Ip(IpAddr::V6(address)),
            url::Host::Domain(name) => Host::Name(name.to_owned()),
        }),
        port: url.port_or_known_default(),
    })
}
