//! Sites that may reach devices: what the person allowed in a popup, with a way to take it back.

use std::cell::RefCell;
use std::rc::Rc;

use housekey_core::effect::PageReply;
use housekey_core::event::PageRequest;
use housekey_core::site::Allowance;
use web_sys::Element;

use super::super::PageHost;
use super::super::dom::{self, Result};
use super::super::text::Values;
use super::notice::{done, refused};

/// The sites, as the helper last said.
pub(super) struct Sites {
    host: PageHost,
    known: RefCell<Vec<Allowance>>,
}

impl Sites {
    /// No sites yet.
    pub(super) fn new(host: &PageHost) -> Self {
        Self {
            host: host.clone(),
            known: RefCell::default(),
        }
    }

    /// Hears what the person does with them.
    pub(super) fn listen(self: &Rc<Self>) -> Result<()> {
        let list: Element = dom::element("sites")?;
        let sites = Rc::clone(self);
        dom::listen(&list, "click", move |event| {
            if let Some((action, button)) = dom::action(&event) {
                let index = button.get_attribute("data-index");
                let index = index.and_then(|it| it.parse::<usize>().ok());
                let known = index.and_then(|it| sites.known.borrow().get(it).cloned());
                if let ("site-remove", Some(allowance)) = (action.as_str(), known) {
                    let sites = Rc::clone(&sites);
                    dom::spawn(async move { sites.remove(allowance).await });
                }
            }
        })
    }

    /// Asks the helper for all of them.
    pub(super) async fn load(&self) -> Result<()> {
        let reply = self.host.ask(&PageRequest::Sites).await?;
        self.take(reply).map(drop)
    }

    async fn remove(&self, allowance: Allowance) -> Result<()> {
        let site = allowance.site.to_string();
        let request = PageRequest::DisallowSite {
            site: allowance.site,
            endpoint: allowance.endpoint,
        };
        let reply = self.host.ask(&request).await?;
        if self.take(reply)? {
            dom::focus(&dom::element("sites-title")?);
            done(&self.host, "notice_site_removed", &site)?;
        }
        Ok(())
    }

    /// Shows the sites of an answer; says whether it was one.
    fn take(&self, reply: PageReply) -> Result<bool> {
        let PageReply::Sites { sites } = reply else {
            refused(&self.host, &reply)?;
            return Ok(false);
        };
        let list: Element = dom::element("sites")?;
        list.replace_children_with_node_0();
        for (index, allowance) in sites.iter().enumerate() {
            let mut values = Values::default();
            values.set("site", allowance.site.as_str());
            values.set("address", allowance.endpoint.display_name());
            values.set("claim", allowance.name.as_str());
            values.set("since", self.host.date(allowance.since));
            let item = dom::instance("site", &self.host, &values)?;
            if let Some(button) = dom::part::<Element>(&item, "button")? {
                button.set_attribute("data-index", &index.to_string())?;
            }
            list.append_child(&item)?;
        }
        dom::show(&list, !sites.is_empty())?;
        dom::show(&dom::element("sites-none")?, sites.is_empty())?;
        self.known.replace(sites);
        Ok(true)
    }
}
