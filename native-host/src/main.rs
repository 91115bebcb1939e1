//! One program with two faces: browsers start it to talk with the extension, people to be helped.

use std::env;
use std::process::ExitCode;

use housekey::{cli, messaging};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match cli::browser_origin(&arguments) {
        Some(origin) => match messaging::run(origin) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("housekey: {error}");
                ExitCode::FAILURE
            }
        },
        None => cli::run(),
    }
}
