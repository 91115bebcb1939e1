//! Native-messaging manifests: the files that tell a browser where the helper is, and which
//! extension may start it.

use std::fs;
use std::io;
use std::path::Path;

use native_messaging::Scope;
use serde_json::{Value, json};

use crate::browsers::{Family, HOST_NAME, HostPlace};
use crate::extension_id;
use crate::paths::{self, PathsError};

impl HostPlace {
    /// Whether the manifest is there and says exactly what it should.
    #[must_use]
    pub fn is_right(&self, program: &Path) -> bool {
        let written = fs::read(&self.manifest).ok();
        let value = written.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        value == Some(expected(self.family, program))
    }

    /// Writes the manifest.
    ///
    /// # Errors
    ///
    /// [`PathsError::Io`] if it cannot be written, or is not right afterwards.
    pub fn write(&self, program: &Path) -> Result<(), PathsError> {
        let io = |source| PathsError::Io {
            path: self.manifest.clone(),
            source,
        };
        match self.key {
            Some(key) => native_messaging::install(
                HOST_NAME,
                DESCRIPTION,
                program,
                &[chrome_origin()],
                &[extension_id::FIREFOX.into()],
                &[key],
                Scope::User,
            )
            .map_err(io)?,
            None => {
                let directory = self.manifest.parent().unwrap_or(Path::new("/"));
                fs::create_dir_all(directory).map_err(io)?;
                let text = serde_json::to_vec_pretty(&expected(self.family, program));
                let text = text.map_err(|error| io(error.into()))?;
                paths::write_whole(&self.manifest, &text, MANIFEST_MODE)?;
            }
        }
        match self.is_right(program) {
            true => Ok(()),
            false => Err(io(io::Error::other("it did not keep what was written"))),
        }
    }
}

/// The origin that Chrome and its relatives give on the command line, and that manifests name.
#[must_use]
pub fn chrome_origin() -> String {
    format!("chrome-extension://{}/", extension_id::CHROME)
}

fn expected(family: Family, program: &Path) -> Value {
    let mut manifest = json!({
        "name": HOST_NAME,
        "description": DESCRIPTION,
        "path": program,
        "type": "stdio",
    });
    match family {
        Family::Chromium => manifest["allowed_origins"] = json!([chrome_origin()]),
        Family::Firefox => manifest["allowed_extensions"] = json!([extension_id::FIREFOX]),
    }
    manifest
}

const DESCRIPTION: &str = "Housekey speaks TLS to the devices of your home";
const MANIFEST_MODE: u32 = 0o644;
