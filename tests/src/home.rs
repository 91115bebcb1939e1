//! The sample home: which devices stand in it, where, and what they present.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::device::{Behaviour, Device, Model, Nginx, RawDevice};
use crate::lan::Lan;
use crate::pki::{Authority, Identity, Key, Subject};

/// The home with every device switched on.
pub struct Home {
    /// Roots and makers of the certificates below.
    pub authorities: Authorities,
    /// 192.168.1.20, also `hue.local` and fd00::20: its chain ends in a manufacturer's root.
    pub hue: Device,
    /// The same bridge over IPv6.
    pub hue_v6: Device,
    /// 192.168.1.1, also `router.home.arpa`: self-signed, claims to be from Ubiquiti.
    pub router: Device,
    /// 192.168.1.30, also `printer.local`: its company stands in the issuer only.
    pub printer: Device,
    /// 192.168.1.40, also `nas.local`: a verified company, for another name than it is reached by.
    pub nas: Device,
    /// 192.168.1.50: X.509 v1.
    pub v1: Device,
    /// 192.168.1.51: a self-signed leaf with CA:TRUE.
    pub self_signed_ca: Device,
    /// 192.168.1.52: expired.
    pub expired: Device,
    /// 192.168.1.60, also `media.local`: HTTP/2.
    pub media: Device,
    /// 192.168.1.70: behind nginx.
    pub camera: Nginx,
    /// 192.168.1.80: answers, but not with TLS.
    pub garbage: RawDevice,
    /// 192.168.1.81: accepts and stays silent.
    pub silent: RawDevice,
    /// 8.8.8.8 and `public.example`: a site outside, with a certificate that browsers trust.
    pub public: Device,
    /// 8.8.4.4 and `plain.example`: another, without TLS.
    pub public_plain: Device,
    /// 192.168.1.2, plain HTTP: the page a person begins with.
    pub start: Device,
    /// The buttons that were pressed on it.
    pub buttons: UnboundedReceiver<String>,
}

/// Who issues certificates in the sample world.
pub struct Authorities {
    /// `CN=root-bridge, O=Philips Hue`: the manufacturer's own root, known to no browser.
    pub hue: Authority,
    /// `CN=BBL CA, O=BBL Technologies Co., Ltd`: likewise, of a maker of printers.
    pub bbl: Authority,
    /// A public root, which this computer and its browsers trust.
    pub public: Authority,
}

impl Home {
    /// Switches everything on.
    pub async fn start(lan: Lan) -> Result<Self> {
        let _proof_of_the_private_network = lan;
        let authorities = Authorities::generate()?;
        let hue = authorities.hue_bridge(Key::generate()?)?;
        let public = authorities.public_site()?;
        let (pressed, buttons) = mpsc::unbounded_channel();
        let start = Model::plain("A small home", start_page());
        Ok(Self {
            hue: device(HUE, bridge(&hue)).await?,
            hue_v6: device("[fd00::20]:443", bridge(&hue)).await?,
            router: device(
                ROUTER,
                Model::new("Router", router(Key::generate()?)?)
                    .showing("<p>Online for 12 days. 9 devices are connected.</p>"),
            )
            .await?,
            printer: device(
                PRINTER,
                Model::new("3D printer", authorities.printer()?)
                    .showing("<p>Printing: a spare part. 41 minutes left.</p>"),
            )
            .await?,
            nas: device(
                NAS,
                Model::new("Network storage", authorities.nas()?)
                    .showing("<p>2.1 of 8 TB are used. The last backup was this night.</p>"),
            )
            .await?,
            v1: device(V1, Model::new("Old heating controller", x509_v1()?)).await?,
            self_signed_ca: device(SELF_SIGNED_CA, Model::new("Smart plug", plug()?)).await?,
            expired: device(EXPIRED, Model::new("Forgotten camera", expired()?)).await?,
            media: device(MEDIA, Model::new("Media server", media()?).http2()).await?,
            camera: Nginx::start(CAMERA.parse()?, "Door camera", &camera()?).await?,
            garbage: RawDevice::start(GARBAGE.parse()?, Behaviour::Garbage).await?,
            silent: RawDevice::start(SILENT.parse()?, Behaviour::Silent).await?,
            public: device("8.8.8.8:443", Model::new("A public site", public)).await?,
            public_plain: device("8.8.4.4:80", Model::plain("A public site", String::new()))
                .await?,
            start: device(
                "192.168.1.2:80",
                Model {
                    buttons: Some(pressed),
                    ..start
                },
            )
            .await?,
            buttons,
            authorities,
        })
    }
}

impl Authorities {
    /// Makes them all.
    pub fn generate() -> Result<Self> {
        let hue = Subject::new().country("NL").organization("Philips Hue");
        let bbl = Subject::new()
            .country("CN")
            .organization("BBL Technologies Co., Ltd");
        let public = Subject::new()
            .country("US")
            .organization("Sample Trust Services");
        Ok(Self {
            hue: Authority::root(&hue.common_name("root-bridge"))?,
            bbl: Authority::root(&bbl.common_name("BBL CA"))?,
            public: Authority::root(&public.common_name("Sample Public Root"))?,
        })
    }

    /// The bridge's identity around this key: no subject alternative name, as the real one.
    pub fn hue_bridge(&self, key: Key) -> Result<Identity> {
        self.hue.issue(&hue_subject(), key)
    }

    /// The same bridge after its certificate was renewed.
    pub fn hue_bridge_renewed(&self, key: Key) -> Result<Identity> {
        self.hue.issue(&hue_subject().renewed(), key)
    }

    /// The same bridge when its certificate has ended.
    pub fn hue_bridge_expired(&self, key: Key) -> Result<Identity> {
        self.hue.issue(&hue_subject().expired(), key)
    }

    /// Another bridge of the same manufacturer.
    pub fn other_hue_bridge(&self, key: Key) -> Result<Identity> {
        let subject = Subject::new().country("NL").organization("Philips Hue");
        self.hue
            .issue(&subject.common_name("001788fffe999999"), key)
    }

    /// A network storage with a verified company, named for the maker's cloud.
    pub fn nas(&self) -> Result<Identity> {
        let subject = Subject::new().country("TW").organization("Synology Inc.");
        let subject = subject.common_name("ds224.synology.example");
        self.public.issue(
            &subject.alternative_name("ds224.synology.example"),
            Key::generate()?,
        )
    }

    /// A certificate that browsers accept as it is, for a local name and address.
    pub fn already_fine(&self, names: &[&str]) -> Result<Identity> {
        let subject = Subject::new()
            .organization("Synology Inc.")
            .common_name(names[0]);
        let subject = names
            .iter()
            .fold(subject, |subject, name| subject.alternative_name(name));
        self.public.issue(&subject, Key::generate()?)
    }

    fn printer(&self) -> Result<Identity> {
        self.bbl.issue(
            &Subject::new().common_name("00M09A123456789"),
            Key::generate()?,
        )
    }

    fn public_site(&self) -> Result<Identity> {
        let subject = Subject::new()
            .organization("A Public Site")
            .common_name("public.example");
        let subject = subject
            .alternative_name("public.example")
            .alternative_name("8.8.8.8");
        self.public.issue(&subject, Key::generate()?)
    }

    /// Writes the roots into this directory, for the programs that are to trust them.
    pub fn write(&self, directory: &Path) -> Result<Roots> {
        let roots = Roots {
            hue: directory.join("philips-hue.pem"),
            bbl: directory.join("bbl.pem"),
            public: directory.join("public.pem"),
        };
        std::fs::write(&roots.hue, self.hue.pem())?;
        std::fs::write(&roots.bbl, self.bbl.pem())?;
        std::fs::write(&roots.public, self.public.pem())?;
        Ok(roots)
    }
}

/// Where the roots lie as PEM files.
pub struct Roots {
    /// The bridge's manufacturer.
    pub hue: PathBuf,
    /// The printer's.
    pub bbl: PathBuf,
    /// The public root.
    pub public: PathBuf,
}

/// A self-signed certificate that claims a famous company around this key.
pub fn router(key: Key) -> Result<Identity> {
    let subject = Subject::new().country("US").organization("Ubiquiti Inc.");
    Identity::self_signed(&subject.common_name("UniFi"), key)
}

/// An impostor: the bridge's exact words, signed by nobody but itself.
pub fn impostor(key: Key) -> Result<Identity> {
    Identity::self_signed(&hue_subject(), key)
}

fn hue_subject() -> Subject {
    Subject::new()
        .country("NL")
        .organization("Philips Hue")
        .common_name("001788fffe405c5e")
}

fn x509_v1() -> Result<Identity> {
    let subject = Subject::new()
        .organization("Buderus")
        .common_name("heating");
    Identity::x509_v1(&subject, Key::generate()?)
}

fn plug() -> Result<Identity> {
    let subject = Subject::new()
        .organization("Shelly")
        .common_name("plug-7c87ce");
    Identity::self_signed(&subject.claims_authority(), Key::generate()?)
}

fn expired() -> Result<Identity> {
    let subject = Subject::new().organization("Foscam").common_name("camera");
    Identity::self_signed(&subject.expired(), Key::generate()?)
}

fn media() -> Result<Identity> {
    Identity::self_signed(
        &Subject::new().common_name("media server"),
        Key::generate()?,
    )
}

fn camera() -> Result<Identity> {
    let subject = Subject::new()
        .organization("Reolink")
        .common_name("door camera");
    Identity::self_signed(&subject, Key::generate()?)
}

fn bridge(identity: &Identity) -> Model {
    Model::new("Philips Hue bridge", identity.clone()).showing(
        "<p>Three lamps are on.</p>
<ul><li>Kitchen, 80 %</li><li>Hall, 20 %</li><li>Balcony, warm</li></ul>",
    )
}

async fn device(address: &str, model: Model) -> Result<Device> {
    Device::start(address.parse::<SocketAddr>()?, model).await
}

fn start_page() -> String {
    let devices: String = [
        (
            HUE,
            "Philips Hue bridge",
            "its chain ends in the manufacturer's root",
        ),
        (ROUTER, "Router", "self-signed, claims to be from Ubiquiti"),
        (
            PRINTER,
            "3D printer",
            "its company stands in the issuer only",
        ),
        (NAS, "Network storage", "a verified company"),
        (V1, "Old heating controller", "X.509 v1"),
        (SELF_SIGNED_CA, "Smart plug", "self-signed, CA:TRUE"),
        (EXPIRED, "Forgotten camera", "its certificate has expired"),
        (MEDIA, "Media server", "HTTP/2"),
        (CAMERA, "Door camera", "behind nginx"),
    ]
    .iter()
    .map(|(address, name, note)| {
        let host = address.trim_end_matches(":443");
        format!("<li><a href=\"https://{host}/\">{name}</a> at {host}: {note}</li>\n")
    })
    .collect();
    format!(
        "<p>These devices are switched on. Visit one:</p>
<ul>
{devices}</ul>
<p>Then do something to them, and visit again:</p>
<form method=post>
<button formaction=/press?hue-new-key>Reset the bridge: it makes itself a new key</button>
<button formaction=/press?hue-impostor>Put an impostor in the bridge's place</button>
<button formaction=/press?router-new-key>Put another router at 192.168.1.1</button>
</form>
"
    )
}

/// The Hue bridge.
pub const HUE: &str = "192.168.1.20:443";
/// The router.
pub const ROUTER: &str = "192.168.1.1:443";
/// The printer.
pub const PRINTER: &str = "192.168.1.30:443";
/// The network storage.
pub const NAS: &str = "192.168.1.40:443";
/// The device with an X.509 v1 certificate.
pub const V1: &str = "192.168.1.50:443";
/// The device with a self-signed CA:TRUE leaf.
pub const SELF_SIGNED_CA: &str = "192.168.1.51:443";
/// The device whose certificate has expired.
pub const EXPIRED: &str = "192.168.1.52:443";
/// The device with HTTP/2.
pub const MEDIA: &str = "192.168.1.60:443";
/// The device behind nginx.
pub const CAMERA: &str = "192.168.1.70:443";
/// The device that is no TLS server.
pub const GARBAGE: &str = "192.168.1.80:443";
/// The device that never answers.
pub const SILENT: &str = "192.168.1.81:443";
