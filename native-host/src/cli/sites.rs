//! `housekey sites`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use housekey_core::endpoint::Endpoint;
use housekey_core::site::Site;

use super::{JsonArgument, now, output, words};
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum SitesCommand {
    /// List them
    List(JsonArgument),
    /// Let a site reach a device no longer
    Forget {
        /// The site, such as cameras.example
        site: Site,
        /// The device
        #[arg(value_name = "HOST[:PORT]")]
        endpoint: Endpoint,
    },
}

pub(super) fn run(paths: &Paths, command: SitesCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    match command {
        SitesCommand::List(JsonArgument { json }) => {
            let sites = store.allowances()?;
            if json {
                output::json(&sites)?;
                return Ok(ExitCode::SUCCESS);
            }
            if sites.is_empty() {
                output::print("No site may reach a device.");
            }
            for it in sites {
                let (address, since) = (it.endpoint.display_name(), words::date(it.since));
                let site = it.site;
                output::print(&format!(
                    "{site}  may reach  {address}  “{}”  since {since}",
                    it.name
                ));
            }
        }
        SitesCommand::Forget { site, endpoint } => {
            if !store.disallow(&site, &endpoint, now())? {
                bail!(
                    "{site} may not reach {} anyway; `housekey sites list` shows what may",
                    endpoint.display_name()
                );
            }
            let address = endpoint.display_name();
            output::good(format!("{site} may not reach {address} any more"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
