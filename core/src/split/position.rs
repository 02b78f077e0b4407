//! From byte offsets to lines and columns.

/// A place in a text.
///
/// A byte order mark at the start of the text counts as nothing: column 1 is after it. A line ends with LF or CRLF; a
/// CR alone does not end one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Offset in bytes, from 0.
    pub byte: usize,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (Unicode scalar values), from 1.
    pub column: u32,
}

impl Position {
    /// The position of byte `byte` of `text`; the end of the text where `byte` is beyond it.
    ///
    /// Takes time in proportion to `byte`. An offset inside a character is the position of the character after it.
    #[must_use]
    pub fn of(text: &str, byte: usize) -> Self {
        Locator::new(text).locate(byte)
    }
}

/// A piece of a text; its end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// After the last character.
    pub end: Position,
}

/// The length of a byte order mark at the start of `text`, in bytes: 0 or 3.
pub(super) fn bom_len(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

/// Finds the positions of ascending offsets in one pass over a text.
#[derive(Debug, Clone)]
pub(super) struct Locator<'a> {
    bytes: &'a [u8],
    last: Position,
}

impl<'a> Locator<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let start = Position { byte: bom_len(text), line: 1, column: 1 };
        Self { bytes: text.as_bytes(), last: start }
    }

    /// `byte` must not be before the offset of an earlier call; if it is, the earlier position is the answer.
    pub(super) fn locate(&mut self, byte: usize) -> Position {
        let byte = byte.min(self.bytes.len());
        let passed = self.bytes.get(self.last.byte..byte).unwrap_or_default();
        for b in passed {
            match b {
                b'\n' => {
                    self.last.line = self.last.line.saturating_add(1);
                    self.last.column = 1;
                }
                0x80..=0xbf => {} // the inside of a character
                _ => self.last.column = self.last.column.saturating_add(1),
            }
        }
        self.last.byte = self.last.byte.max(byte);
        self.last
    }

    pub(super) fn span(&mut self, start: usize, end: usize) -> Span {
        Span { start: self.locate(start), end: self.locate(end) }
    }
}
