//! Sites that a person takes from the extension, and gives back.

use anyhow::{Result, ensure};
use housekey_tests::browser::{Browser, Page};
use serde_json::{Value, json};

use crate::scene::Stage;

/// Runs the body of an asynchronous function in Firefox itself, as its list of extensions does.
async fn in_firefox(browser: &Browser, body: &str) -> Result<Value> {
    browser
        .in_chrome(&format!(
            "const {{ ExtensionPermissions }} = ChromeUtils.importESModule(
            'resource://gre/modules/ExtensionPermissions.sys.mjs');
        const policy = WebExtensionPolicy.getByID('housekey@housekey.app');
        const sites = {{ permissions: [], origins: ['https://*/*', 'wss://*/*'] }};
        {body}"
        ))
        .await
}

pub(crate) async fn devices_are_closed_until_it_is_given_back(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    scene.approve("https://192.168.1.20/").await?;
    let taken =
        "await ExtensionPermissions.remove(policy.id, sites, policy.extension); return true;";
    ensure!(in_firefox(browser, taken).await? == json!(true));
    // It asks by itself.
    let page = browser.extension_page("pages/access/access.html")?;
    browser.find_tab(&page).await?;
    let refused = "return document.querySelector('main').dataset.state === 'refused'";
    browser.until_script("the page that asks", refused).await?;
    browser.screenshot("refused").await?;

    scene.home.hue.clear_record();
    browser.new_tab().await?;
    // Firefox shows nothing in place of what is blocked, and goes on where it was.
    browser.go("https://192.168.1.20/").await?;
    browser.new_tab().await?;
    browser.go("https://public.example/").await?;
    let is_there = |page: &Page| page.heading == "A public site";
    browser.until("a public site", is_there).await?;
    ensure!(
        scene.home.hue.record().connections == 0,
        "the browser went there by itself"
    );
    browser.find_tab(&page).await?;
    // A person would be asked by Firefox itself, in a window that WebDriver cannot reach.
    let silent = "Services.prefs.setBoolPref('extensions.webextOptionalPermissionPrompts', false);
        return true;";
    ensure!(in_firefox(browser, silent).await? == json!(true));
    browser.click("#grant").await?;
    let granted = "return document.querySelector('main').dataset.state === 'granted'";
    browser.until_script("access to be given", granted).await?;
    browser.screenshot("granted").await?;
    browser.go("https://192.168.1.20/").await?;
    let opens = |page: &Page| page.href == "https://192.168.1.20/" && !page.is_error();
    browser.until("the device", opens).await.map(drop)
}
