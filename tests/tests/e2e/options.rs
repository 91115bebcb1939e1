//! What a person does on the options page and in the popup, and that it counts.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::Page;
use serde_json::{Value, json};

use crate::scene::{Scene, Stage, ensure_handshakes_only};

/// The deep link of the popup leads to the device; what is written about it stays written.
pub(crate) async fn a_device_is_named_noted_and_told_about(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let browser = &scene.browser;
    open(&scene, "#device=192.168.1.20:443").await?;
    browser.click(".pin-rename").await?;
    browser.fill(".pin-rename-input", "Lamps").await?;
    browser.click(".pin-rename-save").await?;
    browser.element("#notice:not([hidden])").await?;
    browser.click(".pin-note").await?;
    browser.fill(".pin-note-input", "Behind the shelf").await?;
    browser.click(".pin-note-save").await?;
    browser.element(".pin-panel dd.note").await?;
    browser.click(".pin-block").await?;
    browser.click(".pin-unblock").await?;
    browser.element(".pin-block").await?;

    open(&scene, "#device=192.168.1.20:443").await?;
    browser.element(".pin-panel dd.note").await?;
    let said = (
        browser.text(".pin-label").await?,
        browser.text("dd.note").await?,
    );
    ensure!(
        said == ("Lamps".into(), "Behind the shelf".into()),
        "{said:?}"
    );
    browser.click(".pin-history > summary").await?;
    let happened = "const all = [...document.querySelectorAll('.pin-history .happening-what')];
        return all.length === 3 && all.map((it) => it.className.match(/happening-(?!what)(\\w+)/)[1])";
    let happened = browser.until_script("three happenings", happened).await?;
    ensure!(
        happened == json!(["unblock", "block", "approve"]),
        "{happened}"
    );
    browser.screenshot("device").await?;
    let listed = scene.account.housekey(["pins", "list", "--json"])?;
    ensure!(
        listed.contains("Lamps") && listed.contains("Behind the shelf"),
        "{listed}"
    );

    open(&scene, "").await?;
    browser.click(".pin-open").await?;
    browser.click(".pin-move").await?;
    browser.fill(".pin-move-input", "no address").await?;
    browser.click(".pin-move-save").await?;
    browser.element(".pin-error:not([hidden])").await?;
    browser.fill(".pin-move-input", "192.168.1.21").await?;
    browser.click(".pin-move-save").await?;
    browser
        .element("li.pin[data-endpoint='192.168.1.21:443']")
        .await?;
    ensure!(
        !scene.has_pin("192.168.1.20")?,
        "the old address is still trusted"
    );
    Ok(())
}

/// A file brings back what was forgotten, after it has shown what it would change, and then the
/// device opens without a question.
pub(crate) async fn devices_travel_in_a_file(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let browser = &scene.browser;
    open(&scene, "#transfer").await?;
    browser.click("#export").await?;
    let file = downloaded(&scene).await?;
    let export: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    ensure!(export["schema"] == "housekey-devices", "{export}");
    ensure!(
        export["pins"][0]["endpoint"] == "192.168.1.20:443",
        "{export}"
    );

    scene.account.housekey(["pins", "forget", "192.168.1.20"])?;
    open(&scene, "#transfer").await?;
    choose(&scene, "#import-file", &file).await?;
    browser.element("#import-confirm").await?;
    browser.screenshot("plan").await?;
    let steps = browser.text(".plan-lines .plan-add").await?;
    ensure!(steps.contains("192.168.1.20"), "{steps}");
    ensure!(
        !scene.has_pin("192.168.1.20")?,
        "looking at a file changes something"
    );
    browser.click("#import-confirm").await?;
    browser.element("#notice:not([hidden])").await?;
    browser.go(HUE).await?;
    let shows = |page: &Page| page.heading == "Philips Hue bridge";
    browser.until("the bridge's page", shows).await?;

    // What is no export changes nothing and says so.
    fs::write(&file, "{\"schema\":\"another\"}")?;
    open(&scene, "#transfer").await?;
    choose(&scene, "#import-file", &file).await?;
    browser.element("#import-place [role=alert]").await?;
    browser
        .until_script(
            "no way on",
            "return !document.querySelector('#import-confirm')",
        )
        .await
        .map(drop)
}

/// What the page says about a setting is what the gateway does.
pub(crate) async fn settings_that_refuse_really_refuse(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    open(&scene, "#settings").await?;
    browser.click("#setting-unverified-refuse:enabled").await?;
    browser.element("#notice:not([hidden])").await?;
    scene.home.router.clear_record();
    browser.go(ROUTER).await?;
    browser
        .until("the refusal", |page| page.has_view("forbidden"))
        .await?;
    ensure_handshakes_only(&scene.home.router)?;
    let way_on = browser
        .eval("return document.querySelector('#approve') !== null")
        .await?;
    ensure!(way_on == false, "a forbidden device can be approved");

    // The danger is asked about once more, and then called one.
    open(&scene, "#settings").await?;
    browser.click("#setting-clear-on-override:enabled").await?;
    browser.click("#clear-keep").await?;
    let still = "return document.querySelector('#setting-clear-on-override').checked";
    ensure!(
        browser.eval(still).await? == true,
        "one click switches it off"
    );
    browser.click("#setting-clear-on-override").await?;
    browser.click("#clear-off").await?;
    browser.element("#clear-danger:not([hidden])").await?;
    let settings = scene.account.housekey(["settings", "--json"])?;
    let settings: Value = serde_json::from_str(&settings)?;
    ensure!(settings["clearOnOverride"] == false, "{settings}");
    ensure!(settings["refuseUnverified"] == true, "{settings}");

    // And back: the router is asked about again.
    open(&scene, "#settings").await?;
    browser.click("#setting-unverified-ask:enabled").await?;
    browser.element("#notice:not([hidden])").await?;
    scene.ask(ROUTER).await.map(drop)
}

/// A maker that the person takes away vouches for nothing; added by its file, it does again.
pub(crate) async fn makers_are_added_and_removed(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    open(&scene, "#makers").await?;
    let mine = "const mine = [...document.querySelectorAll('.maker')]
        .filter((it) => it.querySelector('.maker-remove') && it.textContent.includes('Philips Hue'));
        mine.forEach((it) => it.querySelector('.maker-remove').id = 'mine');
        return mine.length === 1";
    browser
        .until_script("the maker that was added", mine)
        .await?;
    browser.click("#mine").await?;
    browser
        .click("[data-maker]:has(#mine) .maker-remove-confirm")
        .await?;
    browser.element("#notice:not([hidden])").await?;
    ensure!(browser.eval(mine).await? == false, "it is still there");
    scene.ask(HUE).await?;
    let tier = "return document.querySelector('main').dataset.tier";
    ensure!(
        browser.eval(tier).await? == "unverified",
        "a removed maker vouches"
    );

    open(&scene, "#makers").await?;
    let file = scene.account.directory().join("philips-hue.pem");
    choose(&scene, "#maker-file", &file).await?;
    browser.fill("#maker-name", "Lamps Ltd.").await?;
    browser.click("#maker-add").await?;
    browser
        .element(".maker details[open] .maker-roots li")
        .await?;
    browser.screenshot("maker").await?;
    scene.ask(HUE).await?;
    ensure!(
        browser.eval(tier).await? == "manufacturer",
        "an added maker does not vouch"
    );
    let words = browser.text("main").await?;
    ensure!(words.contains("Lamps Ltd."), "{words}");

    // A device's own certificate is nobody's root.
    open(&scene, "#makers").await?;
    let leaf = scene.account.directory().join("leaf.der");
    let fine = scene.home.authorities.already_fine(&["nas.local"])?;
    fs::write(&leaf, fine.chain().first().context("no leaf")?)?;
    choose(&scene, "#maker-file", &leaf).await?;
    browser.fill("#maker-name", "Nobody").await?;
    browser.click("#maker-add").await?;
    browser
        .element("#maker-unfit:not([hidden])")
        .await
        .map(drop)
}

/// The popup tells who the active tab's device is, and leads on from there.
pub(crate) async fn the_popup_tells_the_tabs_state(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    let tab = browser.driver().window().await?;
    scene.ask(HUE).await?;
    browser.new_tab().await?;
    let popup = browser.driver().window().await?;
    look(&scene, "question").await?;

    browser.driver().switch_to_window(tab.clone()).await?;
    browser.click("#stop").await?;
    let away = |page: &Page| page.href == "about:blank";
    browser.until("an empty page", away).await?;
    browser.driver().switch_to_window(popup.clone()).await?;
    // The tab is at another page now, so what was put off is one of several.
    look(&scene, "no-device").await?;
    browser.click(".others button").await?;
    browser.driver().switch_to_window(tab.clone()).await?;
    browser
        .until("the question once more", |page| {
            page.has_view("first-connect")
        })
        .await?;
    scene.approve(HUE).await?;
    browser.new_tab().await?;
    look(&scene, "trusted").await?;
    ensure!(browser.text("#address").await? == "192.168.1.20");
    browser.screenshot("popup").await?;
    let link = "return document.querySelector('a.show').href";
    let link = browser.eval(link).await?;
    ensure!(
        link.as_str()
            .is_some_and(|it| it.ends_with("options.html#device=192.168.1.20:443")),
        "{link}"
    );
    browser.click("#block").await?;
    browser.element("main[data-state=blocked]").await?;
    browser.driver().switch_to_window(tab).await?;
    browser.go(HUE).await?;
    browser
        .until("the refusal", |page| page.has_view("blocked"))
        .await
        .map(drop)
}

/// A list of thousands opens and answers at once, is small in the document, and loses nobody who
/// walks through it by keyboard.
pub(crate) async fn thousands_of_devices(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    let file = scene.account.directory().join("many.json");
    fs::write(&file, serde_json::to_string(&many())?)?;
    open(&scene, "#transfer").await?;
    let start = Instant::now();
    choose(&scene, "#import-file", &file).await?;
    browser.element("#import-confirm").await?;
    let planned = start.elapsed();
    browser.click("#import-confirm").await?;
    browser.element("#notice:not([hidden])").await?;
    let imported = start.elapsed();

    browser.go("about:blank").await?;
    browser.go(&page(&scene, "")?).await?;
    let first = moment_when(&scene, "list?.querySelector('li')", start).await?;
    let all = moment_when(
        &scene,
        "list?.ariaBusy !== 'true' && list?.querySelector('li')",
        start,
    );
    let all = all.await?;
    let count = browser.text("#count-place").await?;
    // Each several times, the quickest of which is what the page itself takes: other programs on
    // this computer only ever add to it.
    let figures = "
        const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const say = async (id, kind, values) => {
            const field = document.getElementById(id);
            let best = { script: Infinity, painted: Infinity };
            for (let round = 0; round < 5; round += 1) {
                for (const value of values) {
                    field.value = value;
                    const before = performance.now();
                    field.dispatchEvent(new Event(kind, { bubbles: true }));
                    const script = performance.now() - before;
                    await painted();
                    const whole = performance.now() - before;
                    if (value === values[0] && whole < best.painted) {
                        best = { script, painted: whole };
                    }
                }
            }
            return best;
        };";
    let search = "
        const search = await say('search', 'input', ['lamp 77 10.0', 'lamp 77 10']);
        const found = document.querySelector('#count-place').textContent.trim();
        const none = await say('search', 'input', ['', 'lamp']);
        await say('search', 'input', ['']);
        return { search, found, none };";
    let search = browser.eval_async(&format!("{figures}{search}")).await?;
    let others = "
        const filter = await say('filter', 'change', ['ended', 'all']);
        const sort = await say('sort', 'change', ['seen', 'name']);
        window.scrollTo(0, document.documentElement.scrollHeight / 2);
        await painted();
        const rows = document.querySelectorAll('li.pin').length;
        const elements = document.querySelectorAll('*').length;
        const inView = [...document.querySelectorAll('li.pin')].some((row) => {
            const { top, bottom } = row.getBoundingClientRect();
            return top < innerHeight / 2 && bottom >= innerHeight / 2;
        });
        return { filter, sort, rows, elements, inView };";
    let figures = browser.eval_async(&format!("{figures}{others}")).await?;
    scene.note(&format!(
        "import planned after {planned:?}, done after {imported:?}; first rows {first} ms and all \
         devices {all} ms after the page's beginning; {search}; {figures}"
    ))?;
    ensure!(count.contains("10,000"), "{count}");
    ensure!(
        search["found"] != "10,000 devices",
        "searching finds everything: {search}"
    );
    let rows = figures["rows"].as_u64();
    ensure!(rows.is_some_and(|rows| rows < 100), "{figures}");
    ensure!(
        figures["inView"] == true,
        "scrolling leads to nothing: {figures}"
    );
    // What takes longer is seen to take time.
    let script = search["search"]["script"].as_f64();
    ensure!(script.is_some_and(|millis| millis < 300.0), "{search}");

    walk_by_keyboard(&scene).await?;
    browser.screenshot("many").await
}

/// How many milliseconds after its beginning the options page satisfied a condition about its list.
async fn moment_when(scene: &Scene, condition: &str, start: Instant) -> Result<f64> {
    let script = format!(
        "const wanted = () => {{
            const list = document.querySelector('#pins');
            return {condition};
        }};
        while (!wanted()) await new Promise((done) => requestAnimationFrame(done));
        return performance.now();"
    );
    loop {
        // The page before this one takes the script with it, and one look has its limit.
        let moment = scene.browser.eval_async(&script).await;
        if let Some(moment) = moment.ok().and_then(|it| it.as_f64()) {
            return Ok(moment);
        }
        ensure!(
            start.elapsed() < Duration::from_secs(90),
            "the list does not open: {condition}"
        );
    }
}

/// Through the list by its keys; where the keyboard is, is always a row.
async fn walk_by_keyboard(scene: &Scene) -> Result<()> {
    use thirtyfour::Key;
    let browser = &scene.browser;
    browser
        .eval("window.scrollTo(0, 0); document.querySelector('#filter').focus()")
        .await?;
    let at = "const row = document.activeElement.closest('li.pin');
        const box = row?.getBoundingClientRect();
        return row && box.top >= 0 && box.bottom <= innerHeight
            ? `${row.ariaPosInSet ?? row.getAttribute('aria-posinset')}` : null";
    let body = browser.driver().active_element().await?;
    body.send_keys(Key::Tab + "").await?;
    for (key, place) in [
        (None, "1"),
        (Some(Key::Down), "2"),
        (Some(Key::End), "10000"),
        (Some(Key::Up), "9999"),
        (Some(Key::Home), "1"),
    ] {
        if let Some(key) = key {
            browser
                .driver()
                .active_element()
                .await?
                .send_keys(key + "")
                .await?;
        }
        let seen = browser.until_script("the focus in view", at).await?;
        ensure!(seen == place, "the keyboard is at {seen}, not {place}");
    }
    // Out of the window by the mouse's wheel, the row with the focus stays.
    browser.eval("window.scrollTo(0, 300_000)").await?;
    let kept = "return scrollY > 200_000 && document.activeElement.closest('li.pin')
        ?.getAttribute('aria-posinset')";
    let kept = browser.until_script("the focus out of view", kept).await?;
    ensure!(kept == "1", "the focus is lost: {kept}");
    let active = browser.driver().active_element().await?;
    active.send_keys(Key::PageDown + "").await?;
    let seen = browser.until_script("the focus in view", at).await?;
    ensure!(
        seen.as_str()
            .and_then(|it| it.parse::<u32>().ok())
            .is_some_and(|it| (5..60).contains(&it)),
        "a page further is {seen}"
    );
    let active = browser.driver().active_element().await?;
    active.send_keys(Key::Enter + "").await?;
    browser.element("li.pin .pin-panel").await?;
    let active = browser.driver().active_element().await?;
    active.send_keys(Key::Escape + "").await?;
    let closed = "return !document.querySelector('.pin-panel')";
    browser.until_script("the row to close", closed).await?;
    let seen_after = browser.until_script("the focus in view", at).await?;
    ensure!(seen_after == seen, "closing a row leads the keyboard away");
    Ok(())
}

async fn open(scene: &Scene, hash: &str) -> Result<()> {
    // Another part of the same address would not load the page anew.
    scene.browser.go("about:blank").await?;
    scene.browser.go(&page(scene, hash)?).await?;
    let ready = "return document.querySelector('#status')?.dataset.status === 'ok'";
    let ready = scene.browser.until_script("the options page", ready);
    ready.await.map(drop)
}

fn page(scene: &Scene, hash: &str) -> Result<String> {
    let page = scene.browser.extension_page("pages/options/options.html")?;
    Ok(format!("{page}{hash}"))
}

async fn choose(scene: &Scene, css: &str, file: &std::path::Path) -> Result<()> {
    let field = scene.browser.element(css).await?;
    Ok(field
        .send_keys(file.to_str().context("a path of ours is text")?)
        .await?)
}

/// Shows the popup in this tab, about the tab before it.
pub(crate) async fn look(scene: &Scene, state: &str) -> Result<()> {
    let browser = &scene.browser;
    let popup = browser.extension_page("pages/popup/popup.html")?;
    browser.go(&popup).await?;
    browser.element("main:not([data-state=loading])").await?;
    // Firefox shows scripts of WebDriver the page as it would be without scripts of its own.
    let first = "const page = window.wrappedJSObject ?? window;
        const { tabs } = page.browser ?? page.chrome;
        const options = (text) => page.JSON.parse(text);
        const [first] = await tabs.query(options('{\"index\":0,\"currentWindow\":true}'));
        await tabs.update(first.id, options('{\"active\":true}'));
        return true";
    // In Firefox a script can end without an answer, or with an error, where its tab goes to the
    // background before it has ended. Asked again there, it answers.
    let mut done = json!(null);
    for _ in 0..SWITCHES {
        if let Ok(answer) = browser.eval_async(first).await {
            done = answer;
        }
        if done == true {
            break;
        }
    }
    ensure!(done == true, "the other tab does not become active: {done}");
    browser.go(&popup).await?;
    browser
        .element(&format!("main[data-state={state}]"))
        .await
        .map(drop)
}

/// How often another tab is asked to become active.
const SWITCHES: u8 = 5;

/// The file that the browser saved, once it is whole.
async fn downloaded(scene: &Scene) -> Result<PathBuf> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let home = scene.account.directory();
        for place in [home.join("Downloads"), home.to_owned(), home.join("tmp")] {
            let Ok(files) = fs::read_dir(place) else {
                continue;
            };
            for file in files {
                let path = file?.path();
                let name = path
                    .file_name()
                    .and_then(|it| it.to_str())
                    .unwrap_or_default();
                let whole = fs::read_to_string(&path).is_ok_and(|it| it.ends_with('}'));
                if name.starts_with("housekey-devices-") && name.ends_with(".json") && whole {
                    return Ok(path);
                }
            }
        }
        ensure!(
            Instant::now() < deadline,
            "the browser saved no file\n{}",
            scene.browser.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A file with as many devices as no home has.
fn many() -> Value {
    let pins: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let (verified, ended) = (number % 3 != 0, number % 50 == 0);
            json!({
                "endpoint": format!("10.{}.{}.{}:443", number / 62_500, number / 250 % 250, number % 250 + 1),
                "spkiSha256": format!("{number:064x}"),
                "leafSha256": "22".repeat(32),
                "identity": {
                    "tier": if verified { "manufacturer" } else { "unverified" },
                    "name": "Philips Hue",
                    "verifiedBy": verified.then_some("Philips Hue"),
                    "issuedBy": "Philips Hue",
                    "deviceId": format!("001788fffe{number:06x}"),
                    "oddities": [],
                },
                "label": format!("Lamp {}", number * 7 % 10_000),
                "note": "In a hotel of ten thousand lamps.",
                "serial": format!("{number:02x}"),
                "notBefore": 1_500_000_000,
                "notAfter": if ended { 1_600_000_000_u64 } else { 4_900_000_000 },
                "firstSeen": 1_550_000_000 + number,
                "lastSeen": 1_560_000_000 + number,
                "blocked": false,
                "extendedUntil": null,
            })
        })
        .collect();
    json!({ "schema": "housekey-devices", "version": 1, "exportedAt": 1_800_000_000, "pins": pins })
}

const HUE: &str = "https://192.168.1.20/";
const ROUTER: &str = "https://192.168.1.1/";
