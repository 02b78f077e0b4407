//! Splits a migration's text into statements, and tells what each one is.
//!
//! There is one lexer per dialect and no grammar: a text that the database would accept is never refused, whatever its
//! version. The lexers follow `scan.l` of PostgreSQL and `tokenize.c` of SQLite; statements end where `psql` and
//! `sqlite3_complete()` end them. The time is linear in the length of the text.
//!
//! ```
//! use whimbrel_core::split::{Lexer, split};
//!
//! let sql = "create table t (a text); -- ;\ninsert into t values (';')";
//! let statements = split(Lexer::Sqlite, sql)?;
//! assert_eq!(statements.len(), 2);
//! assert_eq!(statements[1].text, "insert into t values (';')");
//! assert_eq!((statements[1].span.start.line, statements[1].span.start.column), (2, 1));
//! # Ok::<(), whimbrel_core::split::SplitError>(())
//! ```

mod calls;
mod error;
mod lexeme;
mod lexer;
mod meant;
mod phrase;
mod position;
mod postgres;
mod refusal;
mod rules;
mod scan;
mod settings;
mod sqlite;
mod statement;
#[cfg(test)]
mod tests;
mod token_hash;

pub use calls::{Call, calls};
pub use error::{SplitError, SplitErrorKind};
pub use lexeme::{Lexeme, LexemeKind, tokens};
pub use meant::{Meant, as_meant, may_run_otherwise};
pub use position::{Position, Span};
pub use refusal::{Refusal, RefusalKind, Rules, check, check_with};
pub(crate) use rules::Control;
pub use rules::{CopyKind, SEAL_SAVEPOINT};
pub use statement::{Statement, Words};
pub use token_hash::token_hash;

use lexer::{Kind, Token};
use position::Locator;
use scan::{Event, Scanner};

/// How a dialect's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lexer {
    /// PostgreSQL, any version.
    Postgres,
    /// SQLite and libSQL.
    Sqlite,
}

/// What the lexer must know of the session that will run the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitOptions {
    /// Postgres' setting of this name at the start of the text; `on` since version 9.1. A `SET` in the text changes it
    /// for what follows. Without meaning for SQLite.
    pub standard_conforming_strings: bool,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { standard_conforming_strings: true }
    }
}

/// Splits a text into its statements.
///
/// Empty statements and comments give none. A `;` ends a statement unless it is inside a body (`BEGIN ATOMIC`, a SQLite
/// trigger) or, in Postgres, between parentheses (`CREATE RULE`); so does a line comment `--> statement-breakpoint`.
/// The data lines of a `COPY … FROM STDIN` belong to no statement.
///
/// # Errors
///
/// The first place at which the text is no SQL, see [`SplitErrorKind`].
pub fn split(lexer: Lexer, sql: &str) -> Result<Vec<Statement<'_>>, SplitError> {
    split_with(lexer, sql, SplitOptions::default())
}

/// [`split`], for a session whose settings are not the usual ones.
///
/// # Errors
///
/// As [`split`].
pub fn split_with(lexer: Lexer, sql: &str, options: SplitOptions) -> Result<Vec<Statement<'_>>, SplitError> {
    let (statements, faults) = read(lexer, sql, options);
    match faults.into_iter().next() {
        Some((span, kind)) => Err(SplitError { kind, at: span.start }),
        None => Ok(statements),
    }
}

/// All statements and all faults, each in the order of the text.
fn read(lexer: Lexer, sql: &str, options: SplitOptions) -> (Vec<Statement<'_>>, Vec<(Span, SplitErrorKind)>) {
    let mut statements = Vec::new();
    let mut faults = Vec::new();
    let mut locator = Locator::new(sql);
    let mut open: Option<(Token, usize, Words)> = None;
    let mut scanner = Scanner::new(lexer, sql, options.standard_conforming_strings);
    while let Some(event) = scanner.next() {
        match event {
            Event::Token(token) => {
                let (_, end, words) = open.get_or_insert_with(|| (token, 0, Words::default()));
                *end = token.end;
                if token.kind == Kind::Word {
                    words.push(scanner.tokens.text(token));
                }
            }
            Event::End { conforming } => {
                if let Some((first, end, words)) = open.take() {
                    let text = sql.get(first.start..end).unwrap_or_default();
                    let span = locator.span(first.start, end);
                    statements.push(Statement { text, span, words, conforming });
                }
            }
            Event::CopyData { .. } => {}
            Event::Fault { kind, start, end } => faults.push((start, end, kind)),
        }
    }
    (statements, located(sql, faults))
}

/// Adds the first NUL byte, and turns offsets into positions.
fn located(sql: &str, mut faults: Vec<(usize, usize, SplitErrorKind)>) -> Vec<(Span, SplitErrorKind)> {
    if let Some(nul) = sql.bytes().position(|b| b == 0) {
        faults.push((nul, nul + 1, SplitErrorKind::NulByte));
        faults.sort_by_key(|(start, ..)| *start);
    }
    let mut locator = Locator::new(sql);
    let mut spans = Vec::with_capacity(faults.len());
    for (start, end, kind) in faults {
        let start = locator.locate(start);
        // The NUL may be inside a fault that goes to the end of the text.
        spans.push((Span { start, end: locator.clone().locate(end) }, kind));
    }
    spans
}
