//! How a stranger's text is shown: every character visible, and not too many of them.

use std::fmt::Write as _;
use std::iter;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What was read of a stranger's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A byte that is no character.
    Byte(u8),
    /// A character.
    Char(char),
    /// A character that its encoding does not allow, or not for sure.
    Doubtful(char),
}

/// A text in NFC in which every character is visible, at most `max` characters long, and one more
/// `…` where it was longer.
pub(super) fn shown(pieces: impl Iterator<Item = Piece>, max: usize) -> String {
    let (mut text, is_cut) = shape(pieces, max);
    if is_cut {
        text.push('…');
    }
    text
}

/// Whether [`shown`] would give back the same text, which may be one that was cut.
pub(super) fn is_shown(text: &str, max: usize) -> bool {
    let body = text.strip_suffix('…').unwrap_or(text);
    let (again, is_cut) = shape(body.chars().map(Piece::Char), max);
    !is_cut && again == body
}

/// Whether nobody sees this character.
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(Sight::of(c), Sight::Hidden)
}

fn shape(pieces: impl Iterator<Item = Piece>, max: usize) -> (String, bool) {
    let mut shape = Shape::new(max);
    // Neither the normaliser nor a run of characters may grow with what a stranger sends.
    let mut pieces = pieces.fuse();
    let mut bounded = pieces.by_ref().take(max.saturating_mul(INPUT_PER_CHAR));
    let mut run = String::new();
    loop {
        let piece = bounded.next();
        if let Some(Piece::Char(c)) = piece {
            run.push(c);
            continue;
        }
        let composer = ComposingNormalizerBorrowed::new_nfc();
        composer
            .normalize_iter(run.drain(..))
            .for_each(|c| shape.char(c));
        match piece {
            Some(Piece::Byte(byte)) => shape.escape(format_args!("0x{byte:02X}")),
            Some(Piece::Doubtful(c)) => shape.doubtful(c),
            Some(Piece::Char(_)) | None => break,
        }
    }
    let is_cut = shape.is_cut || pieces.next().is_some();
    (shape.text, is_cut)
}

/// A text in the making.
struct Shape {
    text: String,
    /// How many more characters there is room for.
    room: usize,
    is_cut: bool,
    /// Spaces that are not written yet: those at the end never are.
    spaces: usize,
    /// The marks on the last letter; none where there is no letter that a mark could stand on.
    marks: Option<usize>,
    last: char,
}

impl Shape {
    fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            room: max,
            is_cut: false,
            spaces: 0,
            marks: None,
            last: ' ',
        }
    }

    fn char(&mut self, c: char) {
        if c == ' ' {
            self.spaces += usize::from(!self.text.is_empty());
            return;
        }
        self.write_spaces();
        match (Sight::of(c), self.marks) {
            (Sight::Visible, _) => {
                self.push(c);
                self.marks = Some(0);
            }
            // UTS 39 section 5.4: no mark twice in a row, and not more than four.
            (Sight::Mark, Some(marks)) if marks < MAX_MARKS && c != self.last => {
                self.push(c);
                self.marks = Some(marks + 1);
            }
            (Sight::Mark | Sight::Hidden, _) => self.escape(code_point(c)),
        }
    }

    fn doubtful(&mut self, c: char) {
        let composer = ComposingNormalizerBorrowed::new_nfc();
        let is_composed = composer.normalize_iter(iter::once(c)).eq([c]);
        if is_composed && matches!(Sight::of(c), Sight::Visible) {
            self.escape(format_args!("{c}?"));
        } else {
            self.escape(code_point(c));
        }
    }

    fn write_spaces(&mut self) {
        if self.spaces > 0 {
            self.push(' ');
            self.marks = None;
        }
        for _ in 1..std::mem::take(&mut self.spaces) {
            self.escape(code_point(' '));
        }
    }

    fn escape(&mut self, what: impl std::fmt::Display) {
        self.write_spaces();
        let start = self.text.len();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "⟨{what}⟩");
        let chars = self.text[start..].chars().count();
        self.marks = None;
        if self.is_cut || chars > self.room {
            self.cut(start);
        } else {
            self.room -= chars;
        }
    }

    fn push(&mut self, c: char) {
        if self.is_cut || self.room == 0 {
            self.cut(self.text.len());
        } else {
            self.text.push(c);
            self.last = c;
            self.room -= 1;
        }
    }

    fn cut(&mut self, end: usize) {
        self.is_cut = true;
        self.text
            .truncate(self.text[..end].trim_end_matches(' ').len());
    }
}

fn code_point(c: char) -> impl std::fmt::Display {
    format!("U+{:04X}", u32::from(c))
}

/// What a person sees of a character.
#[derive(Clone, Copy)]
enum Sight {
    /// Nothing, or nothing that tells it from another.
    Hidden,
    /// Something on the character before it.
    Mark,
    /// The character.
    Visible,
}

impl Sight {
    /// By the Unicode properties that `url` brings the tables of.
    fn of(c: char) -> Self {
        if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) {
            return Self::Hidden;
        }
        match CodePointMapData::<GeneralCategory>::new().get(c) {
            GeneralCategory::SpaceSeparator if c == ' ' => Self::Visible,
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned => Self::Hidden,
            GeneralCategory::EnclosingMark | GeneralCategory::NonspacingMark => Self::Mark,
            _ if BLANK.contains(&c) => Self::Hidden,
            _ => Self::Visible,
        }
    }
}

/// No blanks and no fillers by their properties, but nobody sees them: an empty Braille cell, and
/// what stands for an object or a character that is not there.
const BLANK: [char; 3] = ['\u{2800}', '\u{fffc}', '\u{fffd}'];
/// UTS 39 section 5.4.
const MAX_MARKS: usize = 4;
/// At most this many characters become one in NFC, twice over.
const INPUT_PER_CHAR: usize = 8;
