//! The trust page: a question about one device, and the way of the answer to the core.

mod details;
mod expectation;
mod gates;
mod meeting;
mod reply;
mod telling;
mod troubles;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use housekey_core::error::ErrorCode;
use housekey_core::event::{Choice, PageRequest, PromptId};
use housekey_core::text::SafeText;
use housekey_core::view::{Situation, TrustView};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlButtonElement, KeyboardEvent};

use self::expectation::Expectation;
use self::gates::typed;
use self::reply::Reply;
use self::telling::Teller;
use super::dom::{self, Result};
use super::text::{Values, code};
use super::{PageHost, read};

struct TrustPage {
    host: PageHost,
    prompt_id: PromptId,
    main: Element,
    /// What is shown, as long as there is a question.
    view: RefCell<Option<TrustView>>,
    /// What the person expects, and whether it fits.
    expectation: Expectation,
    armed: Cell<bool>,
    /// Counts how often the buttons were disarmed, so that a timer arms only what it was started for.
    disarmed: Cell<u32>,
    /// Counts what was shown, so that only the last of it is kept up to date.
    shown: Cell<u32>,
}

/// Runs the trust page for the prompt of this number. What that is about was asked for while this
/// module was still being loaded.
///
/// # Errors
///
/// Where the page's HTML lacks something.
#[wasm_bindgen]
pub async fn start_trust_page(host: PageHost, prompt_id: u32, reply: Promise) -> Result<()> {
    dom::localise(&host)?;
    let page = Rc::new(TrustPage {
        prompt_id: PromptId(prompt_id),
        main: dom::element("main")?,
        view: RefCell::default(),
        expectation: Expectation::default(),
        armed: Cell::default(),
        disarmed: Cell::default(),
        shown: Cell::default(),
        host,
    });
    page.listen()?;
    let reply = JsFuture::from(reply).await?;
    page.take(read(&reply)?)
}

impl TrustPage {
    fn listen(self: &Rc<Self>) -> Result<()> {
        let page = Rc::clone(self);
        dom::listen(&self.main, "click", move |event| {
            if let Some((action, button)) = dom::action(&event) {
                let page = Rc::clone(&page);
                dom::spawn(async move { page.act(&action, &button).await });
            }
        })?;
        // Who types quickly ends with Enter. What takes deliberation takes a click or the space bar.
        dom::listen(&self.main, "keydown", |event| {
            let pressed = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key);
            let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
            let deliberate = target.is_some_and(|it| it.has_attribute("data-deliberate"));
            if deliberate && pressed.as_deref() == Some("Enter") {
                event.prevent_default();
            }
        })?;
        let page = Rc::clone(self);
        dom::listen(&self.main, "input", move |event| {
            let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
            if target.is_some_and(|it| it.id() == expectation::FIELD) {
                let page = Rc::clone(&page);
                dom::spawn(async move { page.compare().await });
            }
            dom::log(page.open_gates());
        })?;
        // What was hidden until now cannot have been read yet.
        let page = Rc::clone(self);
        let document = dom::document()?;
        dom::listen(&dom::document()?, "visibilitychange", move |_| {
            dom::log(page.arm_soon());
            // A page that is left is hidden first, and the next one's question comes before its own.
            if !document.hidden() {
                let page = Rc::clone(&page);
                dom::spawn(async move { page.look_again().await });
            }
        })
    }

    /// What this page is about, as the core knows it now.
    fn question(&self) -> PageRequest {
        PageRequest::Trust {
            prompt_id: self.prompt_id,
        }
    }

    async fn ask(&self, request: &PageRequest) -> Result<Reply> {
        self.host.ask_for(request).await
    }

    async fn act(self: Rc<Self>, action: &str, button: &HtmlButtonElement) -> Result<()> {
        if action == "stop" {
            return self.stop().await;
        }
        // A disabled button sends no click, whoever makes it; this page does not rely on it.
        if !self.is_open(button)? {
            return Ok(());
        }
        let Some(request) = self.request(action)? else {
            return Ok(());
        };
        self.armed.set(false);
        self.open_gates()?;
        self.main.set_attribute(BUSY, "true")?;
        let reply = self.ask(&request).await;
        self.main.remove_attribute(BUSY)?;
        self.take(reply?)
    }

    /// What a button asks of the core.
    fn request(&self, action: &str) -> Result<Option<PageRequest>> {
        let view = self.view.borrow();
        // A decision names the key that this page shows, so that it cannot be taken for one about
        // a key that came meanwhile.
        let key = view.as_ref().and_then(|view| view.key);
        let offer = view.as_ref().and_then(|view| view.maker_offer.as_ref());
        let choice = match (action, key, offer) {
            ("answer-here", ..) => Choice::AnswerHere,
            ("approve", Some(key), _) => Choice::Approve { key },
            ("leave-to-browser", ..) => Choice::LeaveToBrowser,
            ("replace", Some(key), _) => Choice::Replace {
                key,
                typed_address: typed("replace-address")?,
            },
            ("retry", ..) => Choice::Retry,
            ("trust-maker", _, Some(offer)) => {
                return Ok(Some(PageRequest::TrustMaker {
                    prompt_id: self.prompt_id,
                    root_sha256: offer.root_sha256,
                    name: SafeText::new(&typed("maker-name")?),
                }));
            }
            _ => return Ok(None),
        };
        Ok(Some(PageRequest::Decide {
            prompt_id: self.prompt_id,
            choice,
        }))
    }

    /// Tells the core, and leaves whatever it says: nobody is kept on a warning.
    async fn stop(&self) -> Result<()> {
        self.armed.set(false);
        self.open_gates()?;
        let request = PageRequest::Decide {
            prompt_id: self.prompt_id,
            choice: Choice::Stop,
        };
        if let Err(error) = self.ask(&request).await {
            web_sys::console::error_1(&error);
        }
        // An empty page: going back could lead to this very device, and so to this question.
        dom::window()?.location().replace("about:blank")
    }

    /// Lets the core compare what the person typed, once they pause.
    async fn compare(self: Rc<Self>) -> Result<()> {
        let Some(typed) = self.expectation.begin()? else {
            return self.open_gates();
        };
        self.open_gates()?;
        dom::sleep(expectation::PAUSE_MILLIS).await?;
        if !self.expectation.is_still(&typed)? {
            return Ok(());
        }
        let request = PageRequest::Compare {
            prompt_id: self.prompt_id,
            typed: typed.clone(),
        };
        let reply = self.ask(&request).await?;
        if !self.expectation.is_still(&typed)? {
            return Ok(());
        }
        match reply {
            Reply::Compared { comparison } => {
                self.expectation.end(&self.host, &comparison)?;
                self.open_gates()
            }
            Reply::Error {
                code: ErrorCode::UnknownPrompt,
            } => self.show_gone(None),
            // It says nothing about the key: what asks for trust stays closed.
            _ => Ok(()),
        }
    }

    fn take(self: &Rc<Self>, reply: Reply) -> Result<()> {
        match reply {
            // Back must not lead to a question that was answered.
            Reply::Go { url } => dom::window()?.location().replace(&url),
            Reply::Trust { view } => self.show(view),
            Reply::Error {
                code: ErrorCode::UnknownPrompt,
            } => self.show_gone(None),
            Reply::Error { code } => self.show_error(code),
            Reply::Compared { .. } | Reply::Done | Reply::Other => {
                self.show_error(ErrorCode::BadMessage)
            }
        }
    }

    fn show(self: &Rc<Self>, view: TrustView) -> Result<()> {
        let values = Teller::new(&self.host).values(&view);
        self.render(&code(&view.situation), &values)?;
        details::show_chain(&self.host, &view)?;
        if let Some(identity) = telling::shown_identity(&view) {
            details::show_other_names(&self.host, identity)?;
        }
        let changes = matches!(view.situation, Situation::Elsewhere | Situation::NoHelper);
        if let (Some(meeting), None) = (view.meeting, view.notice) {
            self.follow(view.address.clone(), meeting, view.at)?;
        }
        self.view.replace(Some(view));
        self.arm_soon()?;
        if changes {
            let (page, shown) = (Rc::clone(self), self.shown.get());
            dom::spawn(async move { page.keep_up(shown).await });
        }
        Ok(())
    }

    /// Shows how things are as they change. When nothing is in the way any more, the background leads
    /// the tab on.
    async fn keep_up(self: Rc<Self>, shown: u32) -> Result<()> {
        while self.shown.get() == shown {
            dom::sleep(LOOK_MILLIS).await?;
            if self.shown.get() == shown {
                Rc::clone(&self).look_again().await?;
            }
        }
        Ok(())
    }

    /// Shows what this page is about now, if it became something else: another tab may have taken
    /// its question over, or answered it.
    async fn look_again(self: Rc<Self>) -> Result<()> {
        let shown = self.shown.get();
        let reply = self.ask(&self.question()).await?;
        let Reply::Trust { view } = reply else {
            return Ok(());
        };
        let essence = |view: &TrustView| (view.situation, view.helper);
        let now = essence(&view);
        let is_news = (self.view.borrow().as_ref()).is_some_and(|view| essence(view) != now);
        if is_news && self.shown.get() == shown && !self.main.has_attribute(BUSY) {
            self.show(view)?;
        }
        Ok(())
    }

    /// Says what went wrong, beside the question if there is one.
    fn show_error(self: &Rc<Self>, error: ErrorCode) -> Result<()> {
        match self.view.take() {
            Some(view) => self.show(TrustView {
                notice: Some(error),
                ..view
            }),
            None => self.show_gone(Some(error)),
        }
    }

    fn show_gone(self: &Rc<Self>, notice: Option<ErrorCode>) -> Result<()> {
        self.view.take();
        let mut values = Values::default();
        values.set_some("notice", notice.map(|notice| code(&notice)));
        self.render("gone", &values)
    }

    fn render(&self, view: &str, values: &Values) -> Result<()> {
        let content = dom::instance(&format!("view-{view}"), &self.host, values)?;
        self.main.replace_children_with_node_1(&content);
        self.main
            .set_attribute("data-tier", values.get("tier").unwrap_or_default())?;
        self.main.set_attribute("data-view", view)?;
        self.expectation.forget();
        self.shown.set(self.shown.get().wrapping_add(1));
        dom::entitle(&self.host)?;
        // The heading is read first, and no button is a key press away.
        dom::focus(&dom::element("title")?);
        Ok(())
    }

    /// Arms the buttons in a moment: who is about to click or type elsewhere sees the page first.
    fn arm_soon(self: &Rc<Self>) -> Result<()> {
        self.armed.set(false);
        self.open_gates()?;
        let disarmed = self.disarmed.get().wrapping_add(1);
        self.disarmed.set(disarmed);
        let page = Rc::clone(self);
        dom::spawn(async move {
            dom::sleep(ARMING_MILLIS).await?;
            if page.disarmed.get() == disarmed {
                page.armed.set(true);
                page.open_gates()?;
            }
            Ok(())
        });
        Ok(())
    }

    /// Enables what may be pressed now. What it leads to is the core's decision all the same.
    fn open_gates(&self) -> Result<()> {
        let armed = self.armed.get();
        self.main
            .set_attribute("data-armed", if armed { "true" } else { "false" })?;
        for button in dom::all::<HtmlButtonElement>(&self.main, "button[data-arms]")? {
            button.set_disabled(!self.is_open(&button)?);
        }
        Ok(())
    }

    /// Whether a button may be pressed now.
    fn is_open(&self, button: &HtmlButtonElement) -> Result<bool> {
        let view = self.view.borrow();
        Ok(self.armed.get() && gates::is_open(&button.id(), view.as_ref(), &self.expectation)?)
    }
}

const BUSY: &str = "aria-busy";
/// Longer than a double click, shorter than reading the heading.
const ARMING_MILLIS: i32 = 600;
const LOOK_MILLIS: i32 = 1_500;
