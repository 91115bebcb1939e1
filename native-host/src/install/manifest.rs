//! Native-messaging manifests: the files that tell a browser where the helper is, and which
//! extension may start it.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::browsers::{Family, HOST_NAME, Place};
use crate::extension_id;
use crate::paths::{self, PathsError, io_error};
use crate::platform::Platform;

impl Place {
    /// Whether the manifest is there, says exactly what it should, nobody else can change it, and
    /// the browser looks at it.
    #[must_use]
    pub fn is_right(&self, platform: &dyn Platform, program: &Path) -> bool {
        self.says_what_it_should(program)
            && !self.is_open_to_others(platform)
            && platform.is_pointed_at(self).unwrap_or(false)
    }

    /// Whether other users may change the manifest, and with it which program is started.
    #[must_use]
    pub fn is_open_to_others(&self, platform: &dyn Platform) -> bool {
        let others = platform.others(&self.manifest);
        others.is_some_and(|others| others.write)
    }

    fn says_what_it_should(&self, program: &Path) -> bool {
        let written = fs::read(&self.manifest).ok();
        let value = written.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        value == Some(expected(self.family, program))
    }

    /// Writes the manifest, and makes the browser look at it.
    ///
    /// # Errors
    ///
    /// [`PathsError::Io`] if it cannot be written, or is not right afterwards.
    pub fn register(&self, platform: &dyn Platform, program: &Path) -> Result<(), PathsError> {
        let io = |source| io_error(&self.manifest, source);
        let directory = self.manifest.parent().unwrap_or(&self.manifest);
        fs::create_dir_all(directory).map_err(io)?;
        let text = serde_json::to_vec_pretty(&expected(self.family, program));
        let text = text.map_err(|error| io(error.into()))?;
        paths::write_whole(&self.manifest, &text, MANIFEST_MODE)?;
        platform.point_at(self).map_err(io)?;
        match self.is_right(platform, program) {
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
