//! Taking devices along: into a file, and out of one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::export::{Export, ImportError, ImportPlan};
use housekey_core::protocol::Request;
use js_sys::{Array, Date};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Element, File, HtmlElement, HtmlInputElement, Url};

use super::super::dom::{self, Result};
use super::super::text::{Values, code, now, plural, tell_name};
use super::super::{PageHost, opened};
use super::devices::Devices;
use super::notice::{done, refused};

/// Export and import.
pub(super) struct Transfer {
    host: PageHost,
    devices: Rc<Devices>,
    /// What was read, and is not taken over yet.
    read: RefCell<Option<Export>>,
}

impl Transfer {
    /// Of these devices.
    pub(super) fn new(host: &PageHost, devices: &Rc<Devices>) -> Self {
        Self {
            host: host.clone(),
            devices: Rc::clone(devices),
            read: RefCell::default(),
        }
    }

    /// Hears what the person wants.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let view: Element = dom::element("view-transfer")?;
        let transfer = Rc::clone(self);
        dom::listen(&view, "click", move |event| {
            if let Some((action, _)) = dom::action(&event) {
                let transfer = Rc::clone(&transfer);
                dom::spawn(async move { transfer.act(&action).await });
            }
        })?;
        let transfer = Rc::clone(self);
        let file: HtmlInputElement = dom::element("import-file")?;
        let chosen = file.clone();
        dom::listen(&file, "change", move |_| {
            if let Some(file) = chosen.files().and_then(|files| files.get(0)) {
                let transfer = Rc::clone(&transfer);
                dom::spawn(async move { transfer.look(&file).await });
            }
        })
    }

    async fn act(&self, action: &str) -> Result<()> {
        match action {
            "export" => self.export().await,
            "import" => self.import().await,
            "import-cancel" => {
                self.put_away()?;
                dom::focus(&dom::element("import-file")?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn export(&self) -> Result<()> {
        // The list on the page may be older than what another browser or a command did since.
        if !self.devices.load().await? {
            return Ok(());
        }
        let export = Export::new(self.devices.pins(), now());
        let json = serde_json::to_string_pretty(&export).map_err(JsError::from)?;
        let kind = BlobPropertyBag::new();
        kind.set_type("application/json");
        let parts = Array::of1(&JsValue::from(json));
        let blob = Blob::new_with_str_sequence_and_options(&parts, &kind)?;
        let address = Url::create_object_url_with_blob(&blob)?;
        let link = dom::document()?.create_element("a")?;
        link.set_attribute("href", &address)?;
        link.set_attribute("download", &format!("housekey-devices-{}.json", today()))?;
        link.unchecked_into::<HtmlElement>().click();
        done(&self.host, "notice_exported", "")?;
        // The browser reads it after this.
        dom::sleep(KEPT_MILLIS).await?;
        Url::revoke_object_url(&address)
    }

    /// Reads a file, and shows what it would change.
    async fn look(&self, file: &File) -> Result<()> {
        self.read.replace(None);
        let export = match read(file).await? {
            Ok(export) => export,
            Err(error) => return self.tell_error(error),
        };
        let request = Request::Import {
            export,
            dry_run: true,
        };
        let reply = self.host.ask(&request).await?;
        let plan = match planned(reply) {
            Ok(plan) => plan,
            Err(reply) => {
                self.put_away()?;
                return refused(&self.host, &reply);
            }
        };
        if let Request::Import { export, .. } = request {
            self.show(&plan, &export)?;
            self.read.replace(Some(export));
        }
        Ok(())
    }

    async fn import(&self) -> Result<()> {
        let Some(export) = self.read.take() else {
            return Ok(());
        };
        let request = Request::Import {
            export,
            dry_run: false,
        };
        let reply = self.host.ask(&request).await?;
        self.put_away()?;
        dom::focus(&dom::element("import-file")?);
        let plan = match planned(reply) {
            Ok(plan) => plan,
            Err(reply) => return refused(&self.host, &reply),
        };
        let changed = plan.added as usize + plan.completed as usize;
        let key = match changed {
            1 => "notice_imported_one",
            _ => "notice_imported_many",
        };
        done(&self.host, key, &self.host.number(changed))?;
        self.devices.load().await.map(drop)
    }

    fn show(&self, plan: &ImportPlan, export: &Export) -> Result<()> {
        let mut values = Values::default();
        values.set("made", self.host.date(export.exported_at));
        let changes = plan.added as usize + plan.completed as usize;
        values.flag("changes", changes > 0);
        values.flag("nothing", changes == 0);
        values.set(
            "way_out",
            if changes > 0 { "cancel" } else { "notice_hide" },
        );
        values.set("all", self.host.number(export.pins.len()));
        values.set("all_number", plural(export.pins.len()));
        for (name, number, count) in [
            ("added", "added_number", plan.added),
            ("completed", "completed_number", plan.completed),
            ("left_out", "left_out_number", plan.left_out),
            ("unchanged", "unchanged_number", plan.unchanged),
        ] {
            if count > 0 {
                values.set(name, self.host.number(count as usize));
                values.set(number, plural(count as usize));
            }
        }
        let lines = plan.added + plan.completed + plan.left_out;
        let hidden = (lines as usize).saturating_sub(plan.lines.len());
        if hidden > 0 {
            values.set("hidden", self.host.number(hidden));
        }
        let preview = dom::instance("import-plan", &self.host, &values)?;
        if let Some(list) = dom::part::<Element>(&preview, ".plan-lines")? {
            let pins = export.pins.iter().map(|pin| (&pin.endpoint, pin));
            let pins: BTreeMap<_, _> = pins.collect();
            for line in &plan.lines {
                let mut values = Values::default();
                values.set("step", code(&line.step));
                // As the list is going to call it.
                match pins.get(&line.endpoint) {
                    Some(pin) => tell_name(&mut values, &line.name, &pin.identity, &self.host),
                    None => values.set("claim", line.name.as_str()),
                }
                values.set("address", line.endpoint.display_name());
                let line = dom::instance("import-line", &self.host, &values)?;
                list.append_child(&line)?;
            }
            dom::show(&list, !plan.lines.is_empty())?;
        }
        self.put(&preview)
    }

    fn tell_error(&self, error: ImportError) -> Result<()> {
        let mut values = Values::default();
        values.set("error", code(&error));
        self.put(&dom::instance("import-error", &self.host, &values)?)
    }

    fn put(&self, content: &Element) -> Result<()> {
        dom::element::<Element>("import-place")?.replace_children_with_node_1(content);
        if let Some(heading) = dom::part::<Element>(content, "h3")? {
            dom::focus(&heading);
        }
        Ok(())
    }

    fn put_away(&self) -> Result<()> {
        self.read.replace(None);
        // The same file can be chosen once more.
        dom::element::<HtmlInputElement>("import-file")?.set_value("");
        dom::element::<Element>("import-place")?.replace_children_with_node_0();
        Ok(())
    }
}

/// What an import changes, or what the helper said in place of that.
fn planned(reply: PageReply) -> Result<ImportPlan, PageReply> {
    match reply {
        PageReply::Imported { plan } => opened(plan),
        other => Err(other),
    }
}

/// Looks at the size before the content.
async fn read(file: &File) -> Result<Result<Export, ImportError>> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    if file.size() > Export::MAX_BYTES as f64 {
        return Ok(Err(ImportError::TooLarge));
    }
    let text = JsFuture::from(file.text()).await?;
    Ok(Export::read(&text.as_string().unwrap_or_default()))
}

/// The day here, as files are named.
fn today() -> String {
    let today = Date::new_0();
    let (year, month, day) = (
        today.get_full_year(),
        today.get_month() + 1,
        today.get_date(),
    );
    format!("{year:04}-{month:02}-{day:02}")
}

const KEPT_MILLIS: i32 = 60_000;
