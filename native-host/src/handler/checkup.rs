//! Checkups for the options page.

use std::time::SystemTime;

use housekey_core::error::ErrorCode;
use housekey_core::protocol::{HelperError, Response};
use housekey_core::sealed::Sealed;

use crate::doctor::{Looker, examine};
use crate::paths::Paths;
use crate::platform;

/// Checks every link, and the gateway at this port if there is one.
///
/// It needs no store and no authority, for it is asked for when those are broken.
///
/// # Errors
///
/// If the checkup itself breaks off.
pub async fn check_up(paths: &Paths, port: Option<u16>) -> Result<Response, HelperError> {
    let paths = paths.clone();
    let looker = Looker::Helper(port);
    let examine = move || examine(&*platform::this(), &paths, looker, SystemTime::now());
    let checkup = tokio::task::spawn_blocking(examine).await;
    let checkup = checkup.map_err(|error| HelperError {
        code: ErrorCode::BrowserRefused,
        detail: error.to_string(),
    })?;
    Ok(Response::CheckedUp {
        checkup: Sealed::new(&checkup),
    })
}
