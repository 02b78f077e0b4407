//! Reading the answer to a message: which operations are done, and what they answer.

use std::mem;

use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};
use whimbrel_core::backend::TextRow;
use whimbrel_core::{BackendError, BackendErrorKind, Halted, OpOutcome, Setting, Timestamp, TransactionState};

use crate::program::{Answer, Message};
use crate::sql::read_timeout;

/// The answer to a message, as far as it has come.
pub(crate) struct Reply<'a> {
    message: &'a Message,
    /// Completions in all.
    completions: usize,
    /// The piece under way.
    piece: usize,
    /// Its completions.
    in_piece: usize,
    changed: u64,
    columns: Vec<String>,
    rows: Vec<TextRow>,
    /// The first operation whose answer was not what it must be.
    odd: Option<usize>,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(message: &'a Message) -> Self {
        Self {
            message,
            completions: 0,
            piece: 0,
            in_piece: 0,
            changed: 0,
            columns: Vec::new(),
            rows: Vec::new(),
            odd: None,
        }
    }

    /// How many statements were completed.
    pub(crate) fn completions(&self) -> usize {
        self.completions
    }

    /// Whether every operation was answered.
    pub(crate) fn is_complete(&self) -> bool {
        self.piece >= self.message.pieces.len()
    }

    /// Takes the next part; an operation that it completes comes back with its answer.
    pub(crate) fn take(&mut self, item: SimpleQueryMessage) -> Option<(usize, OpOutcome)> {
        let piece = self.message.pieces.get(self.piece);
        match item {
            SimpleQueryMessage::RowDescription(columns) if piece.is_some_and(|piece| piece.answer == Answer::Rows) => {
                self.columns = columns.iter().map(|column| column.name().to_owned()).collect();
                None
            }
            SimpleQueryMessage::Row(row) => {
                if piece.is_some_and(|piece| !matches!(piece.answer, Answer::Done | Answer::Affected | Answer::Reset)) {
                    self.rows.push(text_row(&row));
                }
                None
            }
            SimpleQueryMessage::CommandComplete(changed) => self.complete(changed),
            _ => None,
        }
    }

    fn complete(&mut self, changed: u64) -> Option<(usize, OpOutcome)> {
        self.completions += 1;
        let piece = self.message.pieces.get(self.piece)?;
        self.in_piece += 1;
        self.changed = changed;
        if self.in_piece < piece.completions {
            return None;
        }
        let outcome = self.outcome(piece.answer).unwrap_or_else(|| {
            self.odd.get_or_insert(piece.op);
            OpOutcome::Done
        });
        self.piece += 1;
        self.in_piece = 0;
        self.columns.clear();
        self.rows.clear();
        Some((piece.op, outcome))
    }

    fn outcome(&mut self, answer: Answer) -> Option<OpOutcome> {
        let number = |index: usize| self.cell(index)?.parse::<i64>().ok();
        Some(match answer {
            Answer::Done => OpOutcome::Done,
            Answer::Affected => OpOutcome::Affected(self.changed),
            Answer::Reset => OpOutcome::Previous(Setting::Reset),
            Answer::Role => {
                let role = self.cell(0)?;
                OpOutcome::Previous(Setting::Role((role != "none").then(|| role.to_owned())))
            }
            Answer::LockTimeout => OpOutcome::Previous(Setting::LockTimeout(read_timeout(self.cell(0)?)?)),
            Answer::StatementTimeout => OpOutcome::Previous(Setting::StatementTimeout(read_timeout(self.cell(0)?)?)),
            Answer::Finished => OpOutcome::Finished {
                at: Timestamp::from_microseconds(number(1)?),
                // A row that was claimed by hand has no start.
                duration_ms: number(2).and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0),
            },
            Answer::Rows => OpOutcome::Rows { columns: mem::take(&mut self.columns), rows: mem::take(&mut self.rows) },
        })
    }

    fn cell(&self, index: usize) -> Option<&str> {
        self.rows.first()?.get(index)?.as_deref()
    }

    /// Says so where the answer, which ended without an error, is not what the program makes.
    pub(crate) fn oddity(&self, message: &Message, transaction: TransactionState) -> Result<(), Halted> {
        let expected: usize = message.pieces.iter().map(|piece| piece.completions).sum();
        let last = message.pieces.last().map_or(0, |piece| piece.op);
        let (at, text) = match self.odd {
            None if self.completions == expected => return Ok(()),
            Some(op) if self.completions == expected => {
                (op, "the server answered an operation of the backend with something else".to_owned())
            }
            _ => {
                let text = format!(
                    "the server completed {} statements where {expected} were sent: one of them was several, or none",
                    self.completions
                );
                (message.pieces.get(self.piece).map_or(last, |piece| piece.op), text)
            }
        };
        let error = BackendError::new(BackendErrorKind::Internal, text)
            .with_hint("what was sent has run; compare the database with the migration before you go on");
        Err(Halted { at, error, transaction })
    }
}

fn text_row(row: &SimpleQueryRow) -> TextRow {
    (0..row.len()).map(|index| row.try_get(index).ok().flatten().map(str::to_owned)).collect()
}
