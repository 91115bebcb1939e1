//! The gallery's front page: every picture on one page, for people to look through.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Finding, Gallery, Report, picture};
use crate::browser::Kind;

/// Writes `index.html` and `findings.json`.
///
/// # Errors
///
/// When a file cannot be written.
pub(super) fn write(gallery: &Gallery, kinds: &[Kind], report: &Report, out: &Path) -> Result<()> {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|(finding, places)| serde_json::json!({ "finding": finding, "places": places }))
        .collect();
    let findings = serde_json::to_string_pretty(&findings)?;
    fs::write(out.join("findings.json"), findings + "\n")?;
    let mut html = HEAD.to_owned();
    for state in &gallery.states {
        let path = state.path();
        write!(html, "<section id=\"{0}\"><h2>{0}</h2>", escape(&path))?;
        let here = |(finding, _): &(&Finding, _)| finding.state == path;
        for (finding, places) in report.findings.iter().filter(here) {
            let text = format!(
                "{}: {} ({})",
                finding.check,
                finding.detail,
                places.join(", ")
            );
            write!(html, "<p class=\"finding\">{}</p>", escape(&text))?;
        }
        html.push_str("<div class=\"pictures\">");
        for &kind in kinds {
            for &language in &gallery.languages {
                for screen in gallery.screens(language) {
                    let picture = picture(kind, language, state, screen);
                    let picture = escape(&picture.display().to_string());
                    let class = if screen.width < 600 { "narrow" } else { "wide" };
                    let label = format!(
                        "{kind} {language} {} {}",
                        screen.scheme.name(),
                        screen.width
                    );
                    write!(
                        html,
                        "<a class=\"{class}\" href=\"{picture}\">\
                         <img loading=\"lazy\" alt=\"\" src=\"{picture}\">{label}</a>"
                    )?;
                }
            }
        }
        html.push_str("</div></section>\n");
    }
    fs::write(out.join("index.html"), html)?;
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Every state of every page</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; background: #e9e9ec; color: #222; }
  h2 { margin: 2rem 0 0.5rem; font-size: 1.1rem; }
  .finding { color: #a00; margin: 0.2rem 0; }
  .pictures { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: start; }
  a { color: inherit; font-size: 0.75rem; display: grid; gap: 0.25rem; text-decoration: none; }
  img { inline-size: 100%; max-block-size: 30rem; object-fit: cover; object-position: top;
        border: 1px solid #bbb; }
  .narrow { inline-size: 9rem; }
  .wide { inline-size: 22rem; }
</style>
<h1>Every state of every page</h1>
";
