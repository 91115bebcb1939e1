//! Notes: what a person writes about a device.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::SafeText;

/// Some lines of text, each as harmless as a [`SafeText`], at most [`Note::MAX_LINES`] of them.
///
/// A person writes it, but it also comes out of files that others wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct Note(String);

impl Note {
    /// The most lines that a note has; what a line cannot hold goes on in the next.
    pub const MAX_LINES: usize = 20;

    /// Makes a text harmless.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut lines = Vec::new();
        for line in text.lines().map(str::trim_end).take(Self::MAX_LINES) {
            let chars: Vec<char> = line.chars().take(MAX_CHARS).collect();
            if chars.is_empty() {
                lines.push(String::new());
            }
            for part in chars.chunks(SafeText::MAX_CHARS) {
                let part: String = part.iter().collect();
                lines.push(SafeText::from(part).as_str().to_owned());
            }
        }
        lines.truncate(Self::MAX_LINES);
        Self(lines.join("\n").trim_end().to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0
    }
}

/// What is read of a line, in characters.
const MAX_CHARS: usize = SafeText::MAX_CHARS * Note::MAX_LINES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_keeps_its_lines_and_nothing_that_hides() {
        let note = Note::new("Bought in May.  \n\nThe label\u{202e} is on the back.\n\n");
        assert_eq!(
            note.as_str(),
            "Bought in May.\n\nThe label⟨U+202E⟩ is on the back."
        );
        assert_eq!(Note::new(note.as_str()), note);
    }

    #[test]
    fn a_note_is_bounded() {
        let note = Note::new(&"x".repeat(1_000_000));
        assert_eq!(note.as_str().lines().count(), Note::MAX_LINES);
        assert!(note.as_str().len() <= (SafeText::MAX_CHARS + 1) * Note::MAX_LINES);
        assert_eq!(
            Note::new(&"x\n".repeat(1_000)).as_str().lines().count(),
            Note::MAX_LINES
        );
        assert_eq!(Note::from(String::from(note.clone())), note);
    }
}
