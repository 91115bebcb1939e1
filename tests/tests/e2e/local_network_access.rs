//! What browsers keep from pages, Housekey keeps from them too: every way of every kind of page to
//! make a request, with Housekey and without.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::Page;
use housekey_tests::device::{Device, Model};
use serde_json::json;

use crate::scene::{Scene, Stage, ensure_never_direct};

/// Nothing reaches a device that would not reach it without Housekey, and through the gateway a
/// device's page reaches neither this computer's own services nor other devices but as before.
pub(crate) async fn nothing_passes_that_would_not_without_housekey(stage: Stage) -> Result<()> {
    let with = attempts(&stage, true, &Matrix::default()).await?;
    let without = attempts(&stage, false, &with).await?;
    let counts = with.compared_with(&without);
    let notes = with.notes(&without, &counts);
    stage.note(&notes)?;
    let gained = with.reached.difference(&without.reached);
    let gained: Vec<_> = gained.filter(|it| !own(it)).collect();
    ensure!(gained.is_empty(), "gained {gained:?}\n{notes}");
    // More than parity: a device is reached by nobody's requests but its own pages'.
    let foreign: Vec<_> = with.reached.iter().filter(|it| is_foreign(it)).collect();
    ensure!(foreign.is_empty(), "reached a device: {foreign:?}");

    // Both experiments could have worked: the very same attempts pass where they may.
    for way in WAYS {
        let own = format!("own.{way}");
        ensure!(with.reached.contains(&own), "{own} fails anyway\n{notes}");
        let other = format!("device-to-device.{way}");
        ensure!(
            without.reached.contains(&other),
            "without Housekey, {other} fails anyway\n{notes}"
        );
    }
    let fetched = without.reached.iter().find(|it| {
        it.starts_with("public") && it.contains(".fetch") && !it.contains("fetch-later")
    });
    ensure!(
        fetched.is_none(),
        "this browser has no Local Network Access, or it is off: {fetched:?}\n{notes}"
    );
    Ok(())
}

/// Whether this came from a device's own page, which is no experiment: it shows what works.
fn own(vector: &str) -> bool {
    vector.starts_with("own.")
}

/// Whether this came from another page than a device's own to a device.
fn is_foreign(vector: &str) -> bool {
    ["public", "device-to-device.", "device-to-fine-device."]
        .iter()
        .any(|page| vector.starts_with(page))
}

/// What was tried, and what reached where it was meant to go: `PAGE.FROM.WAY`.
#[derive(Default)]
struct Matrix {
    tried: BTreeSet<String>,
    reached: BTreeSet<String>,
    outcomes: Vec<String>,
}

impl Matrix {
    /// How many vectors there are of each result, by page.
    fn compared_with(&self, without: &Self) -> BTreeMap<String, [usize; 4]> {
        let mut counts = BTreeMap::<String, [usize; 4]>::new();
        for vector in self.tried.union(&without.tried).filter(|it| !own(it)) {
            let page = vector.split('.').next().unwrap_or_default();
            let result = match (
                self.reached.contains(vector),
                without.reached.contains(vector),
            ) {
                (false, false) => 0,
                (false, true) => 1,
                (true, true) => 2,
                (true, false) => 3,
            };
            for of in [page, "all"] {
                counts.entry(of.to_owned()).or_default()[result] += 1;
            }
        }
        counts
    }

    fn notes(&self, without: &Self, counts: &BTreeMap<String, [usize; 4]>) -> String {
        let mut notes = String::new();
        for (page, [neither, stopped, both, gained]) in counts {
            notes += &format!(
                "{page}: {neither} blocked with and without, {stopped} blocked only with Housekey, \
                 {both} passed with and without, {gained} passed only with Housekey\n"
            );
        }
        let only = |one: &Self, other: &Self| {
            let only: Vec<_> = one.reached.difference(&other.reached).cloned().collect();
            only.join(" ")
        };
        let of_own = self.tried.iter().filter(|it| own(it));
        let (passed, blocked): (Vec<_>, Vec<_>) = of_own.partition(|it| self.reached.contains(*it));
        notes += &format!(
            "own: {} of a device's own passed, {} were blocked: {blocked:?}\n",
            passed.len(),
            blocked.len()
        );
        notes += &format!("only with: {}\n", only(self, without));
        notes += &format!("only without: {}\n", only(without, self));
        for (name, matrix) in [("with", self), ("without", without)] {
            notes += &format!("{name}: {}\n", matrix.outcomes.join("\n"));
        }
        notes
    }
}

/// A page that tries, and whom it tries to reach.
struct Try {
    name: &'static str,
    page: &'static str,
    heading: &'static str,
    scheme: &'static str,
    target: &'static str,
}

/// Every page tries every way.
///
/// Browsers put some ways off until the page is idle (a prefetch in Firefox), so that a busy
/// machine may come to one and not to the other; what is `expected` is therefore tried again.
async fn attempts(stage: &Stage, with_housekey: bool, expected: &Matrix) -> Result<Matrix> {
    let scene = if with_housekey {
        stage.scene().await?
    } else {
        stage.control().await?
    };
    let service = Model::plain("A service of this computer", String::new());
    let service = Device::start(LOOPBACK.parse()?, service).await?;
    let fine = |names: &[&str]| scene.home.authorities.already_fine(names);
    scene
        .home
        .nas
        .present(&fine(&["192.168.1.40", "nas.local"])?)?;
    if with_housekey {
        scene.approve("https://192.168.1.20/").await?;
        scene.approve("https://192.168.1.60/").await?;
    } else {
        // Devices that the browser accepts, so that nothing but the browser's own rules is between
        // them and a page.
        scene.home.hue.present(&fine(&["192.168.1.20"])?)?;
        scene.home.media.present(&fine(&["192.168.1.60"])?)?;
    }
    let mut matrix = Matrix::default();
    for _ in 0..TRIES {
        // Its own page needs no control: it proves that the attempts work.
        for attempt in PAGES.iter().filter(|it| with_housekey || it.name != "own") {
            let device = match attempt.target {
                LOOPBACK => &service,
                "192.168.1.40" => &scene.home.nas,
                _ => &scene.home.hue,
            };
            matrix.add(&scene, attempt, device).await?;
        }
        let missed = expected.reached.difference(&matrix.reached);
        if missed.filter(|it| !own(it)).count() == 0 {
            break;
        }
    }
    if with_housekey {
        ensure_ways_that_stay_open(&scene).await?;
    }
    Ok(matrix)
}

impl Matrix {
    async fn add(&mut self, scene: &Scene, attempt: &Try, device: &Device) -> Result<()> {
        scene.browser.go(attempt.page).await?;
        let shows = |page: &Page| page.heading == attempt.heading;
        scene.browser.until(attempt.page, shows).await?;
        let script = VECTORS
            .replace("PAGE", &json!(attempt.name).to_string())
            .replace("SCHEME", &json!(attempt.scheme).to_string())
            .replace("HOST", &json!(attempt.target).to_string());
        let outcome = scene.browser.eval_as_page(&script).await?;
        let outcome = outcome.as_object().context("no outcome")?;
        self.outcomes.push(format!("{}: {outcome:?}", attempt.name));
        let there = outcome
            .iter()
            .filter(|(vector, result)| vector.contains('.') && *result != "absent");
        self.tried.extend(there.map(|(vector, _)| vector.clone()));
        // One that came too late for its own page still says where it is from.
        let requests = device.record().requests;
        let ways = requests
            .iter()
            .filter(|it| !it.path.starts_with("/redirect"));
        let reached = ways.filter_map(|it| it.path.split_once('?'));
        let reached = reached.map(|(_, vector)| vector.trim_end_matches('=').to_owned());
        self.reached.extend(reached);
        Ok(())
    }
}

/// Following a link stays possible: that is a navigation, and the person sees it.
async fn ensure_ways_that_stay_open(scene: &Scene) -> Result<()> {
    scene.browser.go("https://public.example/").await?;
    let shows = |page: &Page| page.heading == "A public site";
    scene.browser.until("the public page", shows).await?;
    let follow = "location.href = 'https://192.168.1.20/'";
    scene.browser.eval(follow).await?;
    let there = |page: &Page| page.heading == "Philips Hue bridge";
    scene.browser.until("the bridge's page", there).await?;
    ensure_never_direct(&scene.home.hue)
}

const PAGES: [Try; 7] = [
    Try {
        name: "public-http",
        page: "http://8.8.4.4/",
        heading: "A public site",
        scheme: "https",
        target: "192.168.1.20",
    },
    Try {
        name: "public-https",
        page: "https://public.example/",
        heading: "A public site",
        scheme: "https",
        target: "192.168.1.20",
    },
    Try {
        name: "public-to-fine-device",
        page: "https://public.example/",
        heading: "A public site",
        scheme: "https",
        target: "192.168.1.40",
    },
    Try {
        name: "device-to-device",
        page: "https://192.168.1.60/",
        heading: "Media server",
        scheme: "https",
        target: "192.168.1.20",
    },
    Try {
        name: "device-to-fine-device",
        page: "https://192.168.1.60/",
        heading: "Media server",
        scheme: "https",
        target: "192.168.1.40",
    },
    Try {
        name: "device-to-loopback",
        page: "https://192.168.1.60/",
        heading: "Media server",
        scheme: "http",
        target: LOOPBACK,
    },
    Try {
        name: "own",
        page: "https://192.168.1.20/",
        heading: "Philips Hue bridge",
        scheme: "https",
        target: "192.168.1.20",
    },
];

/// What works from a page to where it may go, in every browser, and so proves that a failure
/// elsewhere is a refusal.
const WAYS: [&str; 25] = [
    "page.fetch",
    "page.fetch-post",
    "page.no-cors",
    "page.xhr",
    "page.image",
    "page.script",
    "page.style",
    "page.font",
    "page.video",
    "page.frame",
    "page.form-get",
    "page.form-post",
    "page.socket",
    "page.events",
    "page.beacon",
    "page.redirect",
    "page.image-of-redirect",
    "page.frame-of-redirect",
    "worker.fetch",
    "worker.socket",
    "worker.redirect",
    "shared-worker.fetch",
    "service-worker.fetch",
    "service-worker.socket",
    "service-worker.redirect",
];

/// How often what was reached with Housekey is tried without it, before it counts as gained.
const TRIES: u8 = 4;
const LOOPBACK: &str = "127.0.0.1:8088";
const VECTORS: &str = include_str!("vectors.js");
