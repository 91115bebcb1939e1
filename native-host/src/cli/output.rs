//! What the commands print, and what they ask.

use std::env;
use std::io::{self, BufRead as _, BufReader, IsTerminal, Read as _, Write};
use std::pin::pin;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

/// Prints something that is right or was done.
pub(super) fn good(text: impl std::fmt::Display) {
    print(&format!("{} {text}", paint("✓", GREEN)));
}

/// Prints something that is wrong or failed, and what to do about it.
pub(super) fn bad(text: impl std::fmt::Display, fix: Option<&str>) {
    print(&format!("{} {text}", paint("✗", RED)));
    if let Some(fix) = fix {
        print(&format!("  → {fix}"));
    }
}

/// Prints something that a person should know.
pub(super) fn remark(text: impl std::fmt::Display) {
    print(&format!("{} {text}", paint("!", YELLOW)));
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Bad,
    Good,
    Open,
}

/// Prints how one thing is, below a title that the next ones may leave out, and what to do.
pub(super) fn row(title: &str, mark: Mark, text: &str, fix: Option<&str>) {
    let mark = match mark {
        Mark::Bad => paint("✗", RED),
        Mark::Good => paint("✓", GREEN),
        Mark::Open => paint("!", YELLOW),
    };
    let width = width().saturating_sub(INDENT);
    let mut lines = wrap(text, width).into_iter();
    let first = lines.next().unwrap_or_default();
    let title = paint(&format!("{title:<TITLE_WIDTH$}"), BOLD);
    print(&format!("{title}  {mark} {first}"));
    let fix = fix.iter().flat_map(|fix| {
        let lines = wrap(fix, width.saturating_sub(2)).into_iter().enumerate();
        lines.map(|(number, line)| format!("{} {line}", if number == 0 { "→" } else { " " }))
    });
    for line in lines.chain(fix) {
        print(&format!("{:INDENT$}{line}", ""));
    }
}

/// How many characters a line has: those of the terminal, but no more than can be read with ease.
/// Whoever is no terminal breaks lines as it likes.
fn width() -> usize {
    match terminal_size_of(io::stdout()) {
        Some((Width(width), _)) if width > 0 => usize::from(width).clamp(40, MAX_WIDTH),
        _ => usize::MAX,
    }
}

/// Breaks a text into lines between its words. A word that is longer than a line stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Prints a line.
///
/// Whoever reads may have gone away, as `head` does; that is nobody's failure.
pub(super) fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Prints a table of names and values.
pub(super) fn table(rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        print(&format!("  {name:width$}  {value}"));
    }
}

/// Prints JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Asks a question that only a plain yes answers.
///
/// # Errors
///
/// If nobody is there to be asked.
pub(super) fn ask(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("your consent is needed; run this in a terminal, or give it with --yes");
    }
    let mut stdout = io::stdout();
    write!(stdout, "{question} [y/N] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line, which is more than a yes.
///
/// # Errors
///
/// If nobody is there to be asked: `otherwise` says what to do then.
pub(super) fn answer(question: &str, otherwise: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to be asked; {otherwise}");
    }
    let mut stdout = io::stdout();
    write!(stdout, "{question}")?;
    stdout.flush()?;
    let mut answer = String::new();
    BufReader::new(io::stdin().take(MAX_ANSWER_BYTES)).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Waits, and says so to a person for whom it lasts: once a second, in one line that goes again.
pub(super) async fn patiently<T>(what: String, doing: impl Future<Output = T>) -> T {
    let mut doing = pin!(doing);
    if !is_watched() {
        return doing.await;
    }
    let began = Instant::now();
    let mut told = false;
    loop {
        tokio::select! {
            biased;
            done = &mut doing => {
                if told {
                    eprint!("{ERASE_LINE}");
                }
                return done;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                eprint!("{ERASE_LINE}… {what} ({} s)", began.elapsed().as_secs());
                told = true;
            }
        }
    }
}

/// The same around something that blocks, and neither prints nor asks.
pub(super) fn meanwhile<T>(what: &str, doing: impl FnOnce() -> T) -> T {
    if !is_watched() {
        return doing();
    }
    thread::scope(|scope| {
        let (working, ended) = mpsc::channel();
        scope.spawn(move || tell_until(&ended, what, Duration::from_secs(1), &mut io::stderr()));
        let done = doing();
        drop(working);
        done
    })
}

/// Tells at every interval how long it lasts, until the other end of the channel is gone.
fn tell_until(ended: &Receiver<()>, what: &str, every: Duration, person: &mut impl Write) {
    let began = Instant::now();
    let mut told = false;
    // Nobody to tell is nobody's failure.
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let seconds = began.elapsed().as_secs();
        let _ = write!(person, "{ERASE_LINE}… {what} ({seconds} s)");
        let _ = person.flush();
        told = true;
    }
    if told {
        let _ = write!(person, "{ERASE_LINE}");
        let _ = person.flush();
    }
}

/// Whether a person sees lines come and go.
fn is_watched() -> bool {
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    !dumb && io::stderr().is_terminal()
}

/// Colours on a terminal only (<https://no-color.org>).
fn paint(text: &str, colour: &str) -> String {
    let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    match wanted && io::stdout().is_terminal() {
        true => format!("{colour}{text}\x1b[0m"),
        false => text.into(),
    }
}

/// As wide as the longest title.
const TITLE_WIDTH: usize = 15;
/// Where the text of a row begins.
const INDENT: usize = TITLE_WIDTH + 4;
const MAX_WIDTH: usize = 100;
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
/// Back to the beginning of a line that is empty then.
const ERASE_LINE: &str = "\r\x1b[K";
/// Far more than the longest fingerprint.
const MAX_ANSWER_BYTES: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    /// A person who sees the end come after the second line.
    #[derive(Default)]
    struct Person {
        working: Option<mpsc::Sender<()>>,
        seen: String,
    }

    impl Write for Person {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.seen += &String::from_utf8_lossy(bytes);
            if self.seen.matches('…').count() == 2 {
                self.working = None;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_lasts_is_told_until_it_ends_and_leaves_no_line() {
        let (working, ended) = mpsc::channel();
        let mut person = Person {
            working: Some(working),
            seen: String::new(),
        };
        tell_until(&ended, "looking", Duration::from_millis(1), &mut person);
        assert_eq!(person.seen.matches("… looking (0 s)").count(), 2);
        assert!(person.seen.ends_with(ERASE_LINE));

        // What is done at once is not told at all.
        let (working, ended) = mpsc::channel();
        drop(working);
        let mut person = Person::default();
        tell_until(&ended, "looking", Duration::from_secs(60), &mut person);
        assert_eq!(person.seen, "");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrap("a /very/long/path b", 6),
            ["a", "/very/long/path", "b"]
        );
        assert_eq!(wrap("", 6), [""]);
        assert_eq!(wrap("ü ü ü", 3), ["ü ü", "ü"]);
    }
}
