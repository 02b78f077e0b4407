//! SQLite: its tokens, and where its statements end.

use super::error::SplitErrorKind;
use super::lexer::{Cursor, Fault, Kind};

fn continues_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

/// Reads the token at the cursor.
pub(super) fn token(cursor: &mut Cursor<'_>, first: u8) -> Result<Kind, Fault> {
    let next = cursor.peek(1);
    let kind = match (first, next) {
        (b'\'', _) => return quoted(cursor, 0, b'\'', Kind::Text),
        (b'x' | b'X', Some(b'\'')) => return quoted(cursor, 1, b'\'', Kind::Text),
        (b'"' | b'`', _) => return quoted(cursor, 0, first, Kind::Quoted),
        (b'[', _) => return bracketed(cursor),
        (b'(', _) => single(cursor, Kind::Open),
        (b')', _) => single(cursor, Kind::Close),
        (b';', _) => single(cursor, Kind::Semicolon),
        (b'.', Some(b'0'..=b'9')) => number(cursor),
        (b'0'..=b'9', _) => number(cursor),
        (b'?', _) => {
            cursor.skip(1);
            cursor.skip_while(|b| b.is_ascii_digit());
            Kind::Mark
        }
        (b':' | b'@' | b'#' | b'$', _) => {
            cursor.skip(1);
            cursor.skip_while(continues_word);
            Kind::Mark
        }
        _ if continues_word(first) => {
            cursor.skip_while(continues_word);
            Kind::Word
        }
        _ => operator(cursor, first, next),
    };
    Ok(kind)
}

fn single(cursor: &mut Cursor<'_>, kind: Kind) -> Kind {
    cursor.skip(1);
    kind
}

fn quoted(cursor: &mut Cursor<'_>, prefix: usize, quote: u8, kind: Kind) -> Result<Kind, Fault> {
    let start = cursor.at;
    cursor.skip(prefix);
    if cursor.skip_quoted(quote, false) {
        return Ok(kind);
    }
    let kind = match kind {
        Kind::Text => SplitErrorKind::UnterminatedString,
        _ => SplitErrorKind::UnterminatedIdentifier,
    };
    Err(Fault { kind, at: start })
}

/// `[name]`: no character escapes in it.
fn bracketed(cursor: &mut Cursor<'_>) -> Result<Kind, Fault> {
    let start = cursor.at;
    cursor.skip_while(|b| b != b']');
    if cursor.peek(0).is_none() {
        return Err(Fault { kind: SplitErrorKind::UnterminatedIdentifier, at: start });
    }
    Ok(single(cursor, Kind::Quoted))
}

/// With whatever letters stick to it: SQLite refuses those, and they are no word of their own.
fn number(cursor: &mut Cursor<'_>) -> Kind {
    let part = |b: u8| continues_word(b) || b == b'.';
    cursor.skip_while(part);
    let signed = matches!(cursor.peek(0), Some(b'+' | b'-')) && cursor.peek(1).is_some_and(|b| b.is_ascii_digit());
    let before = cursor.at.checked_sub(1).and_then(|at| cursor.text.as_bytes().get(at));
    if signed && matches!(before, Some(b'e' | b'E')) {
        cursor.skip(1);
        cursor.skip_while(part);
    }
    Kind::Number
}

fn operator(cursor: &mut Cursor<'_>, first: u8, next: Option<u8>) -> Kind {
    let length = match (first, next) {
        (b'-', Some(b'>')) if cursor.peek(2) == Some(b'>') => 3,
        (b'-', Some(b'>')) | (b'|', Some(b'|')) | (b'!', Some(b'=')) | (b'=', Some(b'=')) => 2,
        (b'<', Some(b'<' | b'=' | b'>')) | (b'>', Some(b'>' | b'=')) => 2,
        _ => 1,
    };
    cursor.skip(length);
    Kind::Mark
}

/// Where a `;` ends a statement, by the rule of `sqlite3_complete()`: after `CREATE [TEMP | TEMPORARY] TRIGGER`
/// (perhaps behind `EXPLAIN`) only in `; END ;`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    /// Nothing of the statement was read.
    #[default]
    Start,
    /// `EXPLAIN …`
    Explain,
    /// `CREATE [TEMP]`
    Create,
    /// Any statement but a trigger.
    Plain,
    /// In a trigger.
    Trigger,
    /// In a trigger, after a `;`.
    Gap,
    /// In a trigger, after `; END`.
    End,
}

impl Nesting {
    /// Follows a token of the statement, or a `;` that did not end it.
    pub(super) fn follow(&mut self, kind: Kind, text: &str) {
        let word = |expected: &str| kind == Kind::Word && text.eq_ignore_ascii_case(expected);
        *self = match *self {
            Self::Plain => Self::Plain,
            Self::Start if word("explain") => Self::Explain,
            Self::Start | Self::Explain if word("create") => Self::Create,
            Self::Explain if !["explain", "temp", "temporary", "trigger", "end"].iter().any(|text| word(text)) => {
                Self::Explain
            }
            Self::Create if word("temp") || word("temporary") => Self::Create,
            Self::Create if word("trigger") => Self::Trigger,
            Self::Start | Self::Explain | Self::Create => Self::Plain,
            _ if kind == Kind::Semicolon => Self::Gap,
            Self::Gap if word("end") => Self::End,
            Self::Trigger | Self::Gap | Self::End => Self::Trigger,
        };
    }

    pub(super) fn at_rest(self) -> bool {
        !matches!(self, Self::Trigger | Self::Gap)
    }
}
