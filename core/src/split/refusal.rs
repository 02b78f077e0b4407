//! What a migration's text must not hold.

use std::fmt;

use super::error::SplitErrorKind;
use super::position::{Position, Span};
use super::rules::CopyKind;
use super::{Lexer, SplitOptions, Statement, read};

/// What a text is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// It runs inside a transaction that core begins and ends.
    pub transactional: bool,
}

/// Why a piece of a migration's text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The text cannot be split there, or has something that is no SQL.
    Text(SplitErrorKind),
    /// `COPY … FROM STDIN`
    CopyFromStdin,
    /// `COPY … TO STDOUT`
    CopyToStdout,
    /// A statement that begins or ends a transaction, in a transactional migration.
    TransactionControl,
    /// A statement that fails or does nothing inside a transaction, in a transactional migration; with its name.
    RunsOutsideTransaction(&'static str),
}

/// A piece of a migration's text that is refused before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it begins.
    pub at: Position,
    /// Where it ends, exclusive.
    pub end: Position,
    /// Why.
    pub kind: RefusalKind,
    lexer: Lexer,
}

impl Refusal {
    fn new(lexer: Lexer, span: Span, kind: RefusalKind) -> Self {
        Self { at: span.start, end: span.end, kind, lexer }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.kind {
            RefusalKind::Text(kind) => kind.to_string(),
            RefusalKind::CopyFromStdin => "COPY FROM STDIN needs data that a migration cannot send".to_owned(),
            RefusalKind::CopyToStdout => "COPY TO STDOUT sends data that a migration does not read".to_owned(),
            RefusalKind::TransactionControl => "transaction control in a transactional migration".to_owned(),
            RefusalKind::RunsOutsideTransaction(label) => {
                format!("{label} does not work inside a transaction")
            }
        }
    }

    /// What is to be done about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match (&self.kind, self.lexer) {
            (RefusalKind::Text(kind), _) => kind.hint(),
            (RefusalKind::CopyFromStdin, _) => {
                "write the rows as INSERT … VALUES, or load them with COPY … FROM 'file'"
            }
            (RefusalKind::CopyToStdout, _) => "remove it, or write to a file on the server with COPY … TO 'file'",
            (RefusalKind::TransactionControl, _) => {
                "remove it: the migration already runs in a transaction; to control it yourself, put \
                 `-- whimbrel: no-transaction` at the top of the file"
            }
            (RefusalKind::RunsOutsideTransaction("PRAGMA foreign_keys = …"), Lexer::Sqlite) => {
                "put `-- whimbrel: foreign-keys off` at the top of the file instead: the runner turns them off before \
                 the transaction, checks the references, and turns them on again"
            }
            (RefusalKind::RunsOutsideTransaction(_), _) => "put `-- whimbrel: no-transaction` at the top of the file",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message(), self.at.line, self.at.column)
    }
}

impl std::error::Error for Refusal {}

/// Splits a migration's text and looks for what it must not hold.
///
/// # Errors
///
/// Everything that is refused, in the order of the text. After something unterminated the text cannot be read on.
pub fn check(lexer: Lexer, sql: &str, rules: Rules) -> Result<Vec<Statement<'_>>, Vec<Refusal>> {
    check_with(lexer, sql, rules, SplitOptions::default())
}

/// [`check`], for a session whose settings are not the usual ones.
///
/// # Errors
///
/// As [`check`].
pub fn check_with(
    lexer: Lexer,
    sql: &str,
    rules: Rules,
    options: SplitOptions,
) -> Result<Vec<Statement<'_>>, Vec<Refusal>> {
    let (statements, faults) = read(lexer, sql, options);
    let faults = faults.into_iter().map(|(span, kind)| Refusal::new(lexer, span, RefusalKind::Text(kind)));
    let mut refusals: Vec<Refusal> = faults.collect();
    for statement in &statements {
        if let Some(kind) = refuse(lexer, statement, rules) {
            refusals.push(Refusal::new(lexer, statement.span, kind));
        }
    }
    if refusals.is_empty() {
        return Ok(statements);
    }
    refusals.sort_by_key(|refusal| refusal.at.byte);
    Err(refusals)
}

fn refuse(lexer: Lexer, statement: &Statement<'_>, rules: Rules) -> Option<RefusalKind> {
    let copy = if lexer == Lexer::Postgres { statement.copies() } else { None };
    match copy {
        Some(CopyKind::FromStdin) => return Some(RefusalKind::CopyFromStdin),
        Some(CopyKind::ToStdout) => return Some(RefusalKind::CopyToStdout),
        None => {}
    }
    if !rules.transactional {
        return None;
    }
    if statement.is_transaction_control(lexer) {
        return Some(RefusalKind::TransactionControl);
    }
    statement.refuses_transaction(lexer).map(RefusalKind::RunsOutsideTransaction)
}
