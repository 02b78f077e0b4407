//! Tokens: what the lexers of both dialects share.

use super::error::SplitErrorKind;
use super::{Lexer, postgres, sqlite};

/// What a token is. Only as fine as statements, their kinds and the token hash need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name.
    Quoted,
    /// A string or blob literal, with its prefix.
    Text,
    /// A literal that goes on after a line end (`'a'⏎'b'` is one string in Postgres).
    Continued,
    /// A number.
    Number,
    /// An operator, a parameter, punctuation, or what no lexer knows.
    Mark,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semicolon,
    /// A line `--> statement-breakpoint`.
    Breakpoint,
    /// A breakpoint with something behind it on its line.
    CrowdedBreakpoint,
    /// A backslash outside of literals (Postgres).
    Backslash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    /// Exclusive.
    pub(super) end: usize,
}

/// The text cannot be read from `at` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: SplitErrorKind,
    pub(super) at: usize,
}

/// A reading place in a text.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Postgres: up to here each `+` and `-` is known to be an operator of its own.
    pub(super) signs_end: usize,
    /// Looks at a byte, counted to prove that the time is linear.
    #[cfg(test)]
    pub(super) visits: std::cell::Cell<u64>,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            signs_end: 0,
            #[cfg(test)]
            visits: std::cell::Cell::new(0),
        }
    }

    #[cfg(test)]
    pub(super) fn visited(&self, bytes: usize) {
        self.visits.set(self.visits.get() + bytes as u64);
    }

    #[cfg(not(test))]
    #[inline(always)]
    pub(super) fn visited(&self, _bytes: usize) {}

    #[inline]
    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.visited(1);
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Steps over `bytes`, at most to the end.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
    }

    #[inline]
    pub(super) fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&b| !keep(b)).unwrap_or(rest.len());
        self.visited(length + 1);
        self.at += length;
    }

    /// Steps over `word` if the text goes on with it.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let alike = rest.iter().zip(word.as_bytes()).take_while(|(is, expected)| is == expected).count();
        self.visited(alike + 1);
        let found = alike == word.len();
        if found {
            self.at += alike;
        }
        found
    }

    /// Steps over a quoted piece, from its opening quote. A doubled `close` is part of it; with `escapes`, a backslash
    /// hides the character after it. Tells whether it ended.
    pub(super) fn skip_quoted(&mut self, close: u8, escapes: bool) -> bool {
        self.skip(1);
        loop {
            self.skip_while(|b| b != close && !(escapes && b == b'\\'));
            match self.peek(0) {
                None => return false,
                Some(b) if b != close => self.skip(2),
                Some(_) => {
                    self.skip(1);
                    if self.peek(0) != Some(close) {
                        return true;
                    }
                    self.skip(1);
                }
            }
        }
    }

    /// Steps over the rest of the line, not over its end.
    pub(super) fn skip_line(&mut self) {
        self.skip_while(|b| b != b'\n');
    }

    /// Steps over a block comment, from its `/*`. Tells whether it ended.
    fn skip_block_comment(&mut self, nested: bool) -> bool {
        self.skip(2);
        let mut depth = 1_usize;
        while depth > 0 {
            self.skip_while(|b| b != b'*' && b != b'/');
            match (self.peek(0), self.peek(1)) {
                (None, _) => return false,
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.skip(2);
                }
                (Some(b'/'), Some(b'*')) if nested => {
                    depth += 1;
                    self.skip(2);
                }
                _ => self.skip(1),
            }
        }
        true
    }
}

/// The tokens of a text, without white space and comments.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) cursor: Cursor<'a>,
    lexer: Lexer,
    /// Postgres: `standard_conforming_strings` for the literals to come.
    pub(super) conforming: bool,
    /// Postgres: the token before was a string; whether backslashes escape in it.
    string_before: Option<bool>,
}

const BREAKPOINT: &str = "--> statement-breakpoint";

impl<'a> Tokens<'a> {
    pub(super) fn new(lexer: Lexer, text: &'a str, conforming: bool) -> Self {
        Self { cursor: Cursor::new(text), lexer, conforming, string_before: None }
    }

    /// The next token; `None` at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Fault> {
        let mut new_line = false;
        loop {
            let start = self.cursor.at;
            let Some(first) = self.cursor.peek(0) else {
                return Ok(None);
            };
            if self.is_space(first) {
                new_line |= matches!(first, b'\n' | b'\r');
                self.cursor.skip(1);
            } else if first == b'-' && self.cursor.peek(1) == Some(b'-') {
                if let Some(kind) = self.skip_line_comment() {
                    self.string_before = None;
                    return Ok(Some(Token { kind, start, end: self.cursor.at }));
                }
            } else if first == b'/' && self.starts_block_comment() {
                self.string_before = None;
                self.skip_block_comment(start)?;
            } else if first == 0xef && self.lexer == Lexer::Sqlite && self.cursor.eat("\u{feff}") {
                // SQLite reads a byte order mark between tokens as white space.
            } else {
                return self.token(first, new_line).map(Some);
            }
        }
    }

    fn token(&mut self, first: u8, new_line: bool) -> Result<Token, Fault> {
        let start = self.cursor.at;
        let continued = self.string_before.take().filter(|_| new_line && first == b'\'');
        let kind = match self.lexer {
            Lexer::Sqlite => sqlite::token(&mut self.cursor, first)?,
            Lexer::Postgres => {
                let (kind, escapes) = match continued {
                    Some(escapes) => (postgres::continuation(&mut self.cursor, escapes)?, Some(escapes)),
                    None => postgres::token(&mut self.cursor, first, self.conforming)?,
                };
                self.string_before = escapes;
                kind
            }
        };
        Ok(Token { kind, start, end: self.cursor.at })
    }

    fn is_space(&self, b: u8) -> bool {
        match b {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => true,
            0x0b => self.lexer == Lexer::Postgres,
            _ => false,
        }
    }

    /// SQLite reads `/*` at the very end of the text as two operators.
    fn starts_block_comment(&self) -> bool {
        self.cursor.peek(1) == Some(b'*') && (self.lexer == Lexer::Postgres || self.cursor.peek(2).is_some())
    }

    /// Postgres nests block comments; in SQLite one that is not closed goes to the end of the text.
    fn skip_block_comment(&mut self, start: usize) -> Result<(), Fault> {
        let ended = self.cursor.skip_block_comment(self.lexer == Lexer::Postgres);
        if ended || self.lexer == Lexer::Sqlite {
            return Ok(());
        }
        Err(Fault { kind: SplitErrorKind::UnterminatedComment, at: start })
    }

    /// A CR alone ends a line comment in Postgres, but not in SQLite.
    fn skip_line_comment(&mut self) -> Option<Kind> {
        let start = self.cursor.at;
        let marker = self.cursor.eat(BREAKPOINT);
        let after = self.cursor.at;
        match self.lexer {
            Lexer::Postgres => self.cursor.skip_while(|b| !matches!(b, b'\n' | b'\r')),
            Lexer::Sqlite => self.cursor.skip_line(),
        }
        if !marker {
            return None;
        }
        let line = self.cursor.text.get(start..self.cursor.at)?;
        let behind = line.get(after - start..)?.trim();
        if behind.is_empty() || behind.starts_with("--") {
            return Some(Kind::Breakpoint);
        }
        // `--> statement-breakpoints` is a comment like any other.
        line.get(after - start..)?.starts_with([' ', '\t', ';', '/']).then_some(Kind::CrowdedBreakpoint)
    }

    /// The source text of a token.
    pub(super) fn text(&self, token: Token) -> &'a str {
        self.cursor.text.get(token.start..token.end).unwrap_or_default()
    }
}
