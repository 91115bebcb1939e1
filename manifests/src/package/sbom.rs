//! The list of everything that is built in: CycloneDX 1.5, as JSON.
//!
//! <https://cyclonedx.org/docs/1.5/json/>

use anyhow::Result;
use serde_json::{Value, json};

use super::date::SourceDate;
use super::libraries::{EXTENSION, HELPER, Key, Libraries, Library};
use crate::workspace::Workspace;

/// The bill of materials of helper and extension. It has no serial number, which would be another
/// one each time.
///
/// # Errors
///
/// When the date is beyond what can be written.
pub(crate) fn write(libraries: &Libraries, date: SourceDate, compiler: &str) -> Result<String> {
    let components: Vec<Value> = libraries.iter().map(component).collect();
    let dependencies = libraries.iter().map(|(key, library)| {
        let needs: Vec<_> = library.needs.iter().map(reference).collect();
        json!({ "ref": reference(key), "dependsOn": needs })
    });
    let products: Vec<_> = libraries
        .iter()
        .filter(|((name, _), _)| [HELPER, EXTENSION].contains(&name.as_str()))
        .map(|(key, _)| reference(key))
        .collect();
    let whole = json!([{ "ref": WHOLE, "dependsOn": products }]);
    let whole = whole.as_array().cloned().unwrap_or_default();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": date.rfc3339()?,
            "tools": { "components": [
                { "type": "application", "name": "rustc", "version": compiler },
            ] },
            "component": {
                "type": "application",
                "bom-ref": WHOLE,
                "name": "Housekey",
                "version": Workspace::VERSION,
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
            },
        },
        "components": components,
        "dependencies": whole.into_iter().chain(dependencies).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

fn component((key, library): (&Key, &Library)) -> Value {
    let (name, version) = key;
    let is_in: Vec<_> = library
        .is_in
        .iter()
        .map(|product| json!({ "name": "housekey:in", "value": product }))
        .collect();
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(key),
        "name": name,
        "version": version,
        "licenses": [{ "expression": library.licence }],
        "properties": is_in,
    });
    if let Some(checksum) = &library.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        component["purl"] = format!("pkg:cargo/{name}@{version}").into();
    }
    if let Some(repository) = &library.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

fn reference((name, version): &Key) -> String {
    format!("{name}@{version}")
}

const WHOLE: &str = "housekey";
