//! Every state of every page: for people who see little, who use a keyboard, whose window is
//! narrow, who want nothing to move.

use anyhow::{Result, ensure};
use housekey_tests::gallery::Gallery;

use crate::scene::Stage;

/// What is tried on each stands in `tests/gallery/checks.js`; `cargo xtask gallery` tries it in
/// more widths, colours and languages, and takes pictures.
pub(crate) async fn every_state_is_accessible(stage: Stage) -> Result<()> {
    let report = Gallery::glance()?.tour(stage.lan, &[stage.kind]).await?;
    ensure!(report.is_clean(), "{report}");
    Ok(())
}
