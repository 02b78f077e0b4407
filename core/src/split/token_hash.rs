//! A hash over what a text says, not over how it is laid out.

use sha2::{Digest, Sha256};

use super::Lexer;
use super::lexer::{Kind, Token};
use super::scan::{Event, Scanner};

/// SHA-256 over the tokens of a text.
///
/// Two texts have the same hash when they differ only in comments, white space, line ends, a byte order mark, empty
/// statements, a `;` after the last statement, or `--> statement-breakpoint` in place of a `;`. Words count in the case
/// they are written in, literals and quoted names as they are, with CRLF read as LF. Every token goes in with its
/// length, so different rows of tokens never hash alike by concatenation. A text that cannot be read to its end counts
/// from that place on as one token.
///
/// Postgres' texts are read with `standard_conforming_strings` on, until the text itself changes it.
#[must_use]
pub fn token_hash(lexer: Lexer, sql: &str) -> [u8; 32] {
    let mut hash = TokenHash::new();
    let mut scanner = Scanner::new(lexer, sql, true);
    while let Some(event) = scanner.next() {
        match event {
            Event::Token(Token { kind: Kind::Semicolon, .. }) | Event::End { .. } => hash.end_statement(),
            Event::Token(token) => hash.add(tag(token.kind), scanner.tokens.text(token)),
            Event::CopyData { start, end } => hash.add(b'd', sql.get(start..end).unwrap_or_default()),
            Event::Fault { start, end, .. } => hash.add(b'f', sql.get(start..end).unwrap_or_default()),
        }
    }
    hash.finish()
}

fn tag(kind: Kind) -> u8 {
    if kind == Kind::Continued { b'c' } else { b't' }
}

/// How many bytes are collected.
const PENDING: usize = 512;

struct TokenHash {
    digest: Sha256,
    /// What the digest is still to be given: it is quicker with more at a time.
    pending: Vec<u8>,
    started: bool,
    ended: bool,
}

impl TokenHash {
    fn new() -> Self {
        let mut pending = Vec::with_capacity(2 * PENDING);
        pending.extend_from_slice(b"whimbrel tokens 1\n");
        Self { digest: Sha256::new(), pending, started: false, ended: false }
    }

    /// Counts only when something follows.
    fn end_statement(&mut self) {
        self.ended = true;
    }

    fn add(&mut self, tag: u8, text: &str) {
        if std::mem::take(&mut self.ended) && self.started {
            self.update(b';', "");
        }
        self.started = true;
        if text.contains("\r\n") {
            self.update(tag, &text.replace("\r\n", "\n"));
        } else {
            self.update(tag, text);
        }
    }

    fn update(&mut self, tag: u8, text: &str) {
        self.pending.push(tag);
        self.pending.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.pending.extend_from_slice(text.as_bytes());
        if self.pending.len() > PENDING {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.digest.update(&self.pending);
        self.pending.clear();
    }

    fn finish(mut self) -> [u8; 32] {
        self.flush();
        self.digest.finalize().into()
    }
}
