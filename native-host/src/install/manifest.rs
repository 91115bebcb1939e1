//! Native-messaging manifests: the files that tell a browser where the helper is, and which
//! extension may start it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use native_messaging::Scope;
use serde_json::{Value, json};

use crate::browsers::{Family, HOST_NAME, HostPlace};
use crate::extension_id;
use crate::paths::{self, PathsError};

impl HostPlace {
    /// Whether the manifest is there, says exactly what it should, and nobody else can change it.
    #[must_use]
    pub fn is_right(&self, program: &Path) -> bool {
        !self.is_open_to_others() && self.says_what_it_should(program)
    }

    /// Whether other users may change the manifest, and with it which program is started.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        fs::metadata(&self.manifest)
            .is_ok_and(|metadata| metadata.permissions().mode() & WRITABLE_BY_OTHERS != 0)
    }

    fn says_what_it_should(&self, program: &Path) -> bool {
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
        if self.is_open_to_others() {
            let permissions = fs::Permissions::from_mode(MANIFEST_MODE);
            fs::set_permissions(&self.manifest, permissions).map_err(io)?;
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
const WRITABLE_BY_OTHERS: u32 = 0o022;
