//! The gallery's extension: Housekey as it ships, but with another background, which answers its
//! pages from the states.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Language, State};
use crate::browser::{Kind, copy_extension, workspace};

/// Writes the extension for a browser to a directory of its own.
///
/// # Errors
///
/// When the product is not built, or a file cannot be written.
pub(super) fn write(
    kind: Kind,
    language: Language,
    states: &[State],
    directory: &Path,
) -> Result<()> {
    copy_extension(kind, directory)?;

    let background = workspace().join("tests/gallery/background.js");
    fs::copy(&background, directory.join("background.js"))
        .with_context(|| background.display().to_string())?;
    let states: Vec<Value> = states.iter().map(State::to_json).collect();
    let states = format!("export default {};\n", serde_json::to_string(&states)?);
    fs::write(directory.join("gallery-states.js"), states)?;

    // The browser speaks English: whatever the language is, it stands where English stood.
    let locales = directory.join("_locales");
    let messages = fs::read(locales.join(language.locale()).join("messages.json"))?;
    fs::remove_dir_all(&locales)?;
    fs::create_dir_all(locales.join("en"))?;
    let messages = language.messages(&messages)?;
    Ok(fs::write(locales.join("en/messages.json"), messages)?)
}
