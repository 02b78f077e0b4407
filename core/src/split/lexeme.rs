//! The tokens of a text, for those who read more in it than statements.

use super::error::SplitError;
use super::lexer::{Fault, Kind, Tokens};
use super::position::Position;
use super::{Lexer, SplitErrorKind};

/// A token: a piece of a text without white space and comments around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexeme<'a> {
    /// What it is.
    pub kind: LexemeKind,
    /// Its text, quotes and prefixes included.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub start: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LexemeKind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name.
    Quoted,
    /// A string, bit or blob literal with its prefix.
    Text,
    /// A string literal that continues the one before it (Postgres: `'a'`, a line end, `'b'`).
    Continued,
    /// A number without a sign.
    Number,
    /// An operator, a parameter or punctuation, parentheses and semicolons among it.
    Mark,
}

/// The tokens of a text, in order. In Postgres, backslashes are read as `standard_conforming_strings = on` has it; a line
/// `--> statement-breakpoint` counts as a semicolon.
///
/// # Errors
///
/// The first place at which the text is no SQL.
pub fn tokens(lexer: Lexer, text: &str) -> Result<Vec<Lexeme<'_>>, SplitError> {
    let fault = |kind, at| SplitError { kind, at: Position::of(text, at) };
    if let Some(at) = text.find('\0') {
        return Err(fault(SplitErrorKind::NulByte, at));
    }
    let mut read = Tokens::new(lexer, text, true);
    let mut found = Vec::new();
    while let Some(token) = read.next().map_err(|Fault { kind, at }| fault(kind, at))? {
        let text = if token.kind == Kind::Breakpoint { ";" } else { read.text(token) };
        found.push(Lexeme { kind: lexeme_kind(token.kind), text, start: token.start });
    }
    Ok(found)
}

fn lexeme_kind(kind: Kind) -> LexemeKind {
    match kind {
        Kind::Word => LexemeKind::Word,
        Kind::Quoted => LexemeKind::Quoted,
        Kind::Text => LexemeKind::Text,
        Kind::Continued => LexemeKind::Continued,
        Kind::Number => LexemeKind::Number,
        _ => LexemeKind::Mark,
    }
}
