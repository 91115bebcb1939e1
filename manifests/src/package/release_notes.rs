//! What changed in this version, cut from `CHANGELOG.md`.

use anyhow::{Result, ensure};

/// The section of a version, after that of what is not released yet: who packs in between hands
/// both out.
///
/// # Errors
///
/// When the version has no section.
pub(crate) fn cut(changelog: &str, version: &str) -> Result<String> {
    let section = |name: &str| -> Option<String> {
        let mut lines = changelog.lines();
        let head = format!("## [{name}]");
        lines.find(|line| line.starts_with(&head))?;
        let body: Vec<_> = lines.take_while(|line| !line.starts_with("## ")).collect();
        let body = body.join("\n").trim().to_owned();
        (!body.is_empty()).then_some(body)
    };
    let mut notes = format!("# Housekey {version}\n");
    if let Some(unreleased) = section("Unreleased") {
        notes = format!("{notes}\n## After {version}\n\n{unreleased}\n\n## In {version}\n");
    }
    let released = section(version);
    ensure!(
        released.is_some(),
        "CHANGELOG.md has nothing about {version}"
    );
    Ok(format!("{notes}\n{}\n", released.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_are_those_of_the_version() {
        let changelog = "# Changelog\n\nText.\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n\
                         ### Added\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n";
        assert_eq!(
            cut(changelog, "0.2.0").unwrap(),
            "# Housekey 0.2.0\n\n### Added\n\n- New.\n"
        );
        assert!(cut(changelog, "0.3.0").is_err());
        let more = changelog.replace("[Unreleased]\n", "[Unreleased]\n\n- Newer.\n");
        assert_eq!(
            cut(&more, "0.1.0").unwrap(),
            "# Housekey 0.1.0\n\n## After 0.1.0\n\n- Newer.\n\n## In 0.1.0\n\n- Old.\n"
        );
    }

    #[test]
    fn this_version_has_notes() {
        cut(
            include_str!("../../../CHANGELOG.md"),
            crate::workspace::Workspace::VERSION,
        )
        .unwrap();
    }
}
