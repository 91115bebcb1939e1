//! The gallery: pictures of every state of every page, and whether they hold what they must.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use housekey_tests::browser::Kind;
use housekey_tests::gallery::{Gallery, Language, Scheme};
use housekey_tests::lan::Lan;

/// Take a picture of every state of every page, and try what must hold on each.
#[derive(Parser)]
#[command(name = "gallery")]
struct Arguments {
    /// Where the pictures go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only states whose name, such as trust/changed, contains this
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Only in this browser
    #[arg(long, value_enum)]
    browser: Vec<Kind>,
    /// Only in this language
    #[arg(long, value_enum)]
    language: Vec<Language>,
    /// Only in these colours
    #[arg(long, value_enum)]
    scheme: Vec<Scheme>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let lan = Lan::enter()?;
    let mut gallery = Gallery::whole(&arguments.out)?;
    if let Some(pattern) = &arguments.only {
        gallery = gallery.only(pattern);
    }
    if !arguments.language.is_empty() {
        gallery.languages = arguments.language;
    }
    if !arguments.scheme.is_empty() {
        gallery.schemes = arguments.scheme;
    }
    let kinds = match arguments.browser.as_slice() {
        [] => &[Kind::Chromium, Kind::Firefox],
        some => some,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(gallery.tour(lan, kinds))?;
    println!("{report}");
    println!("{}", arguments.out.join("index.html").display());
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
