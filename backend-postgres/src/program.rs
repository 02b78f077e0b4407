//! Programs as messages: which operations go together, what text they are, and which of them an error belongs to.

use whimbrel_core::backend::Measure;
use whimbrel_core::{BackendError, BackendErrorKind, Op, Setting};

use crate::history::HistoryTable;
use crate::sql::{literal, milliseconds, timeout_text};

/// The savepoint around a migration's own text.
pub(crate) const SEAL: &str = "whimbrel_seal";

/// The next thing to do for a program.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Send this text.
    Send(Message),
    /// Count rows, which takes two messages.
    Count {
        /// The operation.
        op: usize,
        /// The tables.
        tables: &'a [String],
    },
    /// Stop here without asking the server.
    Refuse {
        /// The operation.
        op: usize,
        /// Why.
        error: BackendError,
    },
}

/// One simple-query message: one round trip.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// What is sent.
    pub(crate) text: String,
    /// The operations in it, in order.
    pub(crate) pieces: Vec<Piece>,
    /// Whether it was sent outside a transaction, so that it commits itself.
    pub(crate) alone: bool,
}

/// One operation in a message.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Its index in the program.
    pub(crate) op: usize,
    /// Where its text starts in the message, in bytes.
    start: usize,
    /// The length of its text in bytes.
    length: usize,
    /// How many completions it makes.
    pub(crate) completions: usize,
    /// What it answers.
    pub(crate) answer: Answer,
}

/// What is made of an operation's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Done,
    /// How many rows it changed.
    Affected,
    /// The role before, in the first column.
    Role,
    /// The lock timeout before, in the first column.
    LockTimeout,
    /// The statement timeout before, in the first column.
    StatementTimeout,
    /// [`Setting::Reset`].
    Reset,
    /// Moment and duration in the second and third column.
    Finished,
    /// All rows.
    Rows,
}

struct Rendered {
    statements: Vec<String>,
    answer: Answer,
}

impl Rendered {
    fn one(statement: impl Into<String>, answer: Answer) -> Self {
        Self { statements: vec![statement.into()], answer }
    }
}

impl Message {
    fn push(&mut self, op: usize, rendered: &Rendered) {
        if !self.text.is_empty() {
            // On a line of its own: the statement before may end in a line comment.
            self.text.push_str("\n;\n");
        }
        let start = self.text.len();
        self.text.push_str(&rendered.statements.join("\n;\n"));
        let length = self.text.len() - start;
        self.pieces.push(Piece { op, start, length, completions: rendered.statements.len(), answer: rendered.answer });
    }

    /// The piece at a position in characters from 1, and the position within it.
    pub(crate) fn locate(&self, position: u32) -> Option<(usize, u32)> {
        let skip = usize::try_from(position).ok()?.checked_sub(1)?;
        let byte = match self.text.char_indices().nth(skip) {
            Some((byte, _)) => byte,
            None => self.text.len(),
        };
        let index = self.pieces.iter().rposition(|piece| piece.start <= byte)?;
        let piece = &self.pieces[index];
        // An error at the end of the input points behind the last character: at the separator.
        let end = piece.start + byte.saturating_sub(piece.start).min(piece.length);
        let within = self.text[piece.start..end].chars().count();
        Some((index, u32::try_from(within).ok()?.saturating_add(1)))
    }

    /// The text of one piece.
    pub(crate) fn piece_text(&self, index: usize) -> &str {
        self.pieces.get(index).map_or("", |piece| &self.text[piece.start..piece.start + piece.length])
    }

    /// The piece that is under way after so many completions; the last one where there were too many.
    pub(crate) fn piece_after(&self, completions: usize) -> usize {
        let mut rest = completions;
        for (index, piece) in self.pieces.iter().enumerate() {
            match rest.checked_sub(piece.completions) {
                Some(left) => rest = left,
                None => return index,
            }
        }
        self.pieces.len().saturating_sub(1)
    }
}

/// What a program runs in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circle {
    /// A transaction is open.
    pub(crate) open: bool,
    /// The server's session serves other clients too, between transactions.
    pub(crate) shared: bool,
}

/// Cuts a program into steps.
pub(crate) fn plan<'a>(program: &[Op<'a>], circle: Circle, table: &HistoryTable) -> Vec<Step<'a>> {
    let Circle { mut open, shared } = circle;
    let mut steps = Vec::new();
    let mut message = Message::default();
    let flush = |message: &mut Message, steps: &mut Vec<Step<'a>>| {
        if !message.pieces.is_empty() {
            steps.push(Step::Send(std::mem::take(message)));
        }
    };
    for (index, op) in program.iter().enumerate() {
        if let Op::Measure(Measure::RowCounts(tables)) = op {
            flush(&mut message, &mut steps);
            steps.push(Step::Count { op: index, tables });
            continue;
        }
        let rendered = match op {
            Op::Set(_) if shared && !open => Err(reaches_others()),
            op => render(op, open, table),
        };
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(error) => {
                flush(&mut message, &mut steps);
                steps.push(Step::Refuse { op: index, error });
                return steps;
            }
        };
        open = match op {
            Op::Begin => true,
            Op::Commit | Op::Rollback => {
                message.push(index, &rendered);
                message.alone = false;
                flush(&mut message, &mut steps);
                open = false;
                continue;
            }
            _ => open,
        };
        message.push(index, &rendered);
        if !open {
            message.alone = true;
            flush(&mut message, &mut steps);
        } else if changes_lexing(op) {
            flush(&mut message, &mut steps);
        }
    }
    flush(&mut message, &mut steps);
    steps
}

fn reaches_others() -> BackendError {
    let message = "behind a connection pooler a setting outside a transaction would reach other clients";
    BackendError::new(BackendErrorKind::Unsupported, message).with_hint("connect to the server itself")
}

/// The server reads a whole message before it runs any of it, so how strings are read can only change for the next one.
fn changes_lexing(op: &Op<'_>) -> bool {
    const SETTING: &str = "standard_conforming_strings";
    const LONGEST: usize = 4096;
    let (Op::Statement(text) | Op::Query(text)) = op else { return false };
    text.len() <= LONGEST && text.to_ascii_lowercase().contains(SETTING)
}

fn render(op: &Op<'_>, open: bool, table: &HistoryTable) -> Result<Rendered, BackendError> {
    Ok(match op {
        Op::Begin => Rendered::one("begin isolation level read committed", Answer::Done),
        Op::Seal => Rendered::one(format!("savepoint {SEAL}"), Answer::Done),
        Op::Unseal => Rendered::one(format!("release savepoint {SEAL}"), Answer::Done),
        Op::Commit => Rendered::one("commit", Answer::Done),
        Op::Rollback => Rendered::one("rollback", Answer::Done),
        Op::Set(setting) => set(setting, open)?,
        Op::CreateHistory => Rendered::one(table.create(), Answer::Done),
        Op::Claim(claim) => Rendered { statements: vec![table.probe(), table.claim(claim)], answer: Answer::Done },
        Op::Probe => Rendered::one(table.probe(), Answer::Done),
        Op::Checkpoint(checkpoint) => Rendered::one(table.checkpoint(checkpoint), Answer::Done),
        Op::Finish(finish) => Rendered::one(table.finish(finish), Answer::Finished),
        Op::Fail(failure) => Rendered::one(table.fail(failure), Answer::Done),
        Op::Record(rows) => Rendered::one(table.record(rows), Answer::Done),
        Op::Remove(row) => Rendered::one(table.remove(row), Answer::Done),
        Op::Heartbeat(heartbeat) => Rendered::one(table.heartbeat(heartbeat), Answer::Done),
        Op::Statement(text) => Rendered::one(own_text(text)?, Answer::Affected),
        Op::Query(text) => Rendered::one(own_text(text)?, Answer::Rows),
        Op::Measure(_) => {
            let message = "postgres keeps no foreign key that could be broken, so there is nothing to measure";
            return Err(BackendError::new(BackendErrorKind::Unsupported, message));
        }
    })
}

fn own_text(text: &str) -> Result<&str, BackendError> {
    match text.split_once('\0') {
        None => Ok(text),
        Some((before, _)) => {
            let position = u32::try_from(before.chars().count()).unwrap_or(u32::MAX).saturating_add(1);
            Err(BackendError::new(BackendErrorKind::Statement, "the statement holds a NUL character")
                .with_position(position))
        }
    }
}

/// A setting is read, set and compared in one statement, so a value that did not take fails on the server.
fn set(setting: &Setting, local: bool) -> Result<Rendered, BackendError> {
    let statement = |name: &str, value: &str, expected: &str| {
        format!(
            "select pg_catalog.current_setting('{name}'), \
             1/(pg_catalog.set_config('{name}', {}, {local}) = {})::int4",
            literal(value),
            literal(expected),
        )
    };
    let timeout = |name: &str, duration: &std::time::Duration| {
        let ms = milliseconds(*duration);
        statement(name, &format!("{ms}ms"), &timeout_text(ms))
    };
    Ok(match setting {
        Setting::Role(role) => {
            let role = role.as_deref().unwrap_or("none");
            Rendered::one(statement("role", role, role), Answer::Role)
        }
        Setting::LockTimeout(duration) => Rendered::one(timeout("lock_timeout", duration), Answer::LockTimeout),
        Setting::StatementTimeout(duration) => {
            Rendered::one(timeout("statement_timeout", duration), Answer::StatementTimeout)
        }
        Setting::ForeignKeys(_) => {
            let message = "postgres has no switch for foreign keys";
            return Err(BackendError::new(BackendErrorKind::Unsupported, message)
                .with_hint("drop and re-create the constraints in the migration, or make them deferrable"));
        }
        Setting::Reset => {
            Rendered { statements: RESET.iter().map(|text| (*text).to_owned()).collect(), answer: Answer::Reset }
        }
    })
}

/// Back to what the session was after connecting. Not the advisory locks: one of them is the run's.
const RESET: [&str; 7] = [
    "set session authorization default",
    "reset role",
    "reset all",
    "close all",
    "deallocate all",
    "unlisten *",
    "discard temp",
];

#[cfg(test)]
mod tests;
