//! PostgreSQL: its tokens, and where its statements end.

use super::error::SplitErrorKind;
use super::lexer::{Cursor, Fault, Kind};

fn starts_word(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn continues_tag(b: u8) -> bool {
    starts_word(b) || b.is_ascii_digit()
}

fn continues_word(b: u8) -> bool {
    continues_tag(b) || b == b'$'
}

fn is_operator(b: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&b)
}

/// Reads the token at the cursor. For a string: whether backslashes escape in it.
pub(super) fn token(cursor: &mut Cursor<'_>, first: u8, conforming: bool) -> Result<(Kind, Option<bool>), Fault> {
    let kind = match first {
        b'\'' => return string(cursor, 0, !conforming),
        b'"' => quoted_name(cursor, 0)?,
        b'$' => dollar(cursor)?,
        b'(' | b')' | b';' | b'\\' => {
            cursor.skip(1);
            match first {
                b'(' => Kind::Open,
                b')' => Kind::Close,
                b';' => Kind::Semicolon,
                _ => Kind::Backslash,
            }
        }
        b'.' if cursor.peek(1).is_some_and(|b| b.is_ascii_digit()) => number(cursor),
        b if b.is_ascii_digit() => number(cursor),
        b if starts_word(b) => return word(cursor, first, conforming),
        b if is_operator(b) => operator(cursor),
        b':' => {
            cursor.skip(if matches!(cursor.peek(1), Some(b':' | b'=')) { 2 } else { 1 });
            Kind::Mark
        }
        _ => {
            cursor.skip(1);
            Kind::Mark
        }
    };
    Ok((kind, None))
}

/// The part after a line end of a string: its escapes are those of the first part.
pub(super) fn continuation(cursor: &mut Cursor<'_>, escapes: bool) -> Result<Kind, Fault> {
    string(cursor, 0, escapes).map(|_| Kind::Continued)
}

fn string(cursor: &mut Cursor<'_>, prefix: usize, escapes: bool) -> Result<(Kind, Option<bool>), Fault> {
    let start = cursor.at;
    cursor.skip(prefix);
    if cursor.skip_quoted(b'\'', escapes) {
        return Ok((Kind::Text, Some(escapes)));
    }
    Err(Fault { kind: SplitErrorKind::UnterminatedString, at: start })
}

fn quoted_name(cursor: &mut Cursor<'_>, prefix: usize) -> Result<Kind, Fault> {
    let start = cursor.at;
    cursor.skip(prefix);
    if cursor.skip_quoted(b'"', false) {
        return Ok(Kind::Quoted);
    }
    Err(Fault { kind: SplitErrorKind::UnterminatedIdentifier, at: start })
}

/// A name, or a literal with a prefix. Backslashes escape in `E'…'` whatever the setting says, never in `B'…'`, `X'…'`
/// and `U&'…'`, and in `N'…'` as in a plain string.
fn word(cursor: &mut Cursor<'_>, first: u8, conforming: bool) -> Result<(Kind, Option<bool>), Fault> {
    match (first.to_ascii_lowercase(), cursor.peek(1), cursor.peek(2)) {
        (b'e', Some(b'\''), _) => return string(cursor, 1, true),
        (b'b' | b'x', Some(b'\''), _) => return string(cursor, 1, false),
        (b'n', Some(b'\''), _) => return string(cursor, 1, !conforming),
        (b'u', Some(b'&'), Some(b'\'')) => return string(cursor, 2, false),
        (b'u', Some(b'&'), Some(b'"')) => return quoted_name(cursor, 2).map(|kind| (kind, None)),
        _ => cursor.skip_while(continues_word),
    }
    Ok((Kind::Word, None))
}

/// `$1`, a dollar-quoted string, or a lone `$`, which the server refuses.
fn dollar(cursor: &mut Cursor<'_>) -> Result<Kind, Fault> {
    let start = cursor.at;
    cursor.skip(1);
    match cursor.peek(0) {
        Some(b) if b.is_ascii_digit() => {
            cursor.skip_while(|b| b.is_ascii_digit());
            return Ok(Kind::Mark);
        }
        Some(b) if starts_word(b) => cursor.skip_while(continues_tag),
        _ => {}
    }
    if cursor.peek(0) != Some(b'$') {
        cursor.at = start + 1;
        return Ok(Kind::Mark);
    }
    cursor.skip(1);
    let delimiter = cursor.text.get(start..cursor.at).unwrap_or_default();
    skip_past(cursor, delimiter).map_err(|()| {
        let tag = delimiter.trim_matches('$').to_owned();
        Fault { kind: SplitErrorKind::UnterminatedDollarQuote { tag }, at: start }
    })?;
    Ok(Kind::Text)
}

/// Linear, because a delimiter has no `$` inside: what fails to match is never longer than the way to the next `$`.
fn skip_past(cursor: &mut Cursor<'_>, delimiter: &str) -> Result<(), ()> {
    loop {
        cursor.skip_while(|b| b != b'$');
        if cursor.eat(delimiter) {
            return Ok(());
        }
        if cursor.peek(0).is_none() {
            return Err(());
        }
        cursor.skip(1);
    }
}

fn number(cursor: &mut Cursor<'_>) -> Kind {
    let digits = |b: u8| b.is_ascii_digit() || b == b'_';
    let hex = |b: u8| b.is_ascii_hexdigit() || b == b'_';
    let based = cursor.peek(0) == Some(b'0') && cursor.peek(1).is_some_and(|b| b"xXoObB".contains(&b));
    if based && cursor.peek(2).is_some_and(hex) {
        cursor.skip(2);
        cursor.skip_while(hex);
        return Kind::Number;
    }
    cursor.skip_while(digits);
    if cursor.peek(0) == Some(b'.') && cursor.peek(1) != Some(b'.') {
        cursor.skip(1);
        cursor.skip_while(digits);
    }
    if matches!(cursor.peek(0), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(cursor.peek(1), Some(b'+' | b'-')));
        if cursor.peek(1 + sign).is_some_and(|b| b.is_ascii_digit()) {
            cursor.skip(1 + sign);
            cursor.skip_while(digits);
        }
    }
    Kind::Number
}

/// The longest run of operator characters that holds no comment. Unless it has one of `~!@#%^&|` or `` ` `` or `?`, it
/// does not end in `+` or `-`, so that `=-1` is two tokens.
fn operator(cursor: &mut Cursor<'_>) -> Kind {
    let start = cursor.at;
    if start < cursor.signs_end {
        cursor.skip(1);
        return Kind::Mark;
    }
    let mut special = false;
    while let Some(b) = cursor.peek(0).filter(|&b| is_operator(b)) {
        let comment = matches!((b, cursor.peek(1)), (b'-', Some(b'-')) | (b'/', Some(b'*')));
        if comment && cursor.at > start {
            break;
        }
        special |= b"~!@#%^&|`?".contains(&b);
        cursor.skip(1);
    }
    let run = cursor.text.get(start..cursor.at).unwrap_or_default();
    if !special {
        cursor.signs_end = cursor.at;
        cursor.at = start + run.trim_end_matches(['+', '-']).len().max(1);
    }
    Kind::Mark
}

/// Where a `;` ends a statement: not between parentheses (`CREATE RULE … DO (a; b)`), not in a `BEGIN ATOMIC` body.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    parens: usize,
    bodies: usize,
    head: Head,
    before: Before,
}

/// How far the statement reads `CREATE [OR REPLACE] {FUNCTION | PROCEDURE}`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Head {
    #[default]
    Start,
    Create,
    Or,
    Replace,
    Routine,
    Other,
}

/// The token before, where it matters for a body's start and end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    Begin,
    /// `ATOMIC` of a body's start, or a `;` in it: only here can `END` close the body. So a `CASE … END`, a column
    /// called `"end"` or `AS end` never does.
    Gap,
}

impl Nesting {
    /// Follows a token of the statement, or a `;` that did not end it.
    pub(super) fn follow(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Open => self.parens += 1,
            Kind::Close => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
        self.head = self.head.after(kind, text);
        if self.head != Head::Routine || self.parens > 0 {
            return;
        }
        let word = |expected: &str| kind == Kind::Word && text.eq_ignore_ascii_case(expected);
        self.before = match self.before {
            _ if kind == Kind::Semicolon => Before::Gap,
            Before::Begin if word("atomic") => {
                self.bodies += 1;
                Before::Gap
            }
            Before::Gap if self.bodies > 0 && word("end") => {
                self.bodies -= 1;
                Before::Other
            }
            _ if word("begin") => Before::Begin,
            _ => Before::Other,
        };
    }

    pub(super) fn at_rest(&self) -> bool {
        self.parens == 0 && self.bodies == 0
    }
}

impl Head {
    fn after(self, kind: Kind, text: &str) -> Self {
        if matches!(self, Self::Routine | Self::Other) {
            return self;
        }
        let word = |expected: &str| kind == Kind::Word && text.eq_ignore_ascii_case(expected);
        match self {
            Self::Start if word("create") => Self::Create,
            Self::Create if word("or") => Self::Or,
            Self::Or if word("replace") => Self::Replace,
            Self::Create | Self::Replace if word("function") || word("procedure") => Self::Routine,
            _ => Self::Other,
        }
    }
}
