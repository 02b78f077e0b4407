//! Failures of a program: to which operation they belong, what they mean there, and what became of the transaction.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use whimbrel_core::backend::{Halted, Op, TransactionState};
use whimbrel_core::{BackendError, BackendErrorKind, quote_identifier};

use super::PostgresSession;
use super::reply::Reply;
use crate::error::{describe, internal_position};
use crate::history::ReadFailure;
use crate::program::{Message, SEAL};

impl PostgresSession {
    /// A message that could not even be handed to the connection.
    pub(super) fn not_sent(&mut self, message: &Message, error: Error) -> Halted {
        self.busy = false;
        let at = message.pieces.first().map_or(0, |piece| piece.op);
        let transaction = if self.open { TransactionState::Lost } else { TransactionState::None };
        self.broken(&error);
        Halted { at, error: self.explain(error), transaction }
    }

    /// Forgets a transaction that went with its connection.
    pub(super) fn broken(&mut self, error: &Error) {
        if error.as_db_error().is_none() {
            (self.open, self.sealed, self.locked) = (false, false, false);
        }
    }

    /// What an error in the answer to a message means for the program.
    pub(super) fn halted(
        &mut self,
        program: &[Op<'_>],
        message: &Message,
        reply: &Reply<'_>,
        error: Error,
        was_open: bool,
    ) -> Halted {
        let by_count = message.piece_after(reply.completions());
        let original = match error.as_db_error().and_then(DbError::position) {
            Some(ErrorPosition::Original(position)) => message.locate(*position),
            Some(ErrorPosition::Internal { .. }) | None => None,
        };
        let index = original.map_or(by_count, |(index, _)| index);
        let at = message.pieces.get(index).map_or(0, |piece| piece.op);
        let op = program.get(at);
        let text = message.piece_text(index);
        let inner = error.as_db_error().and_then(|db| internal_position(db, text));
        let position = original.map(|(_, within)| within).or(inner);

        if error.as_db_error().is_none() && !error.is_closed() {
            self.hang_up();
        }
        let kind = error.as_db_error().zip(op).and_then(|(db, op)| kind_at(db, op));
        let lost = error.as_db_error().is_none();
        let mut explained = match (error.as_db_error(), kind) {
            (Some(db), Some(kind)) => self.reworded(kind, db, op).with_source(error),
            _ => self.explain(error),
        };
        if let (Some(position), Some(Op::Statement(_) | Op::Query(_))) = (position, op) {
            explained = explained.with_position(position);
        }
        let lost = lost || explained.kind() == BackendErrorKind::ConnectionLost;
        let transaction = if lost {
            self.after_loss(program, message)
        } else {
            self.after_error(op, reply.completions(), was_open, &explained)
        };
        Halted { at, error: explained, transaction }
    }

    /// Closes a connection whose two sides no longer agree on what is being said (a `copy` from the client).
    fn hang_up(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }

    /// The server goes on with a message whose sender is gone, so a commit in it may happen still. A message on its own
    /// commits itself.
    fn after_loss(&mut self, program: &[Op<'_>], message: &Message) -> TransactionState {
        (self.open, self.sealed, self.locked) = (false, false, false);
        let commits = message.pieces.iter().any(|piece| matches!(program.get(piece.op), Some(Op::Commit)));
        if commits || message.alone { TransactionState::InDoubt } else { TransactionState::Lost }
    }

    fn after_error(
        &mut self,
        op: Option<&Op<'_>>,
        completions: usize,
        was_open: bool,
        error: &BackendError,
    ) -> TransactionState {
        // A commit that fails has rolled back; where nothing was completed the `begin` was not, either.
        let ended = matches!(op, Some(Op::Commit))
            || (completions == 0 && !was_open)
            || (error.kind() == BackendErrorKind::TransactionEnded && error.code() == Some("25P01"));
        if ended {
            (self.open, self.sealed) = (false, false);
        }
        self.state()
    }

    /// The words of the backend for an error of one of its own statements; the server's stay in the detail.
    fn reworded(&self, kind: BackendErrorKind, db: &DbError, op: Option<&Op<'_>>) -> BackendError {
        use BackendErrorKind as Kind;
        let (message, hint) = match kind {
            Kind::AlreadyClaimed => ("another runner has claimed the migration", None),
            Kind::LostClaim => ("another runner has taken the migration over", None),
            Kind::TransactionEnded => (
                "the migration's text ended the transaction that it ran in",
                Some("take transaction control out of its text, or let it run without a transaction"),
            ),
            Kind::SettingRefused => ("the setting was accepted and did not take effect, or is not possible", None),
            Kind::Permission => return self.permission(db, op),
            Kind::HistoryFormat => return self.foreign_history(db),
            _ => return describe(kind, db),
        };
        let error = BackendError::new(kind, message).with_code(db.code().code()).with_detail(db.message());
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn permission(&self, db: &DbError, op: Option<&Op<'_>>) -> BackendError {
        let table = self.table.qualified();
        let schema = quote_identifier(self.table.schema());
        let hint = match op {
            Some(Op::CreateHistory) => {
                format!(
                    "as its owner: `grant usage, create on schema {schema} to ROLE`; for a new schema `grant create on database`"
                )
            }
            Some(Op::Set(_)) => "as an administrator: `grant THE_ROLE to THE_LOGIN`".to_owned(),
            None => format!("as its owner: `grant usage on schema {schema} to ROLE; grant select on {table} to ROLE`"),
            Some(_) => format!(
                "as its owner: `grant usage on schema {schema} to ROLE; grant select, insert, update, delete on {table} to ROLE`"
            ),
        };
        describe(BackendErrorKind::Permission, db).with_hint(hint)
    }

    fn foreign_history(&self, db: &DbError) -> BackendError {
        let message =
            format!("{} is not a history that this release can read: {}", self.table.qualified(), db.message());
        BackendError::new(BackendErrorKind::HistoryFormat, message)
            .with_code(db.code().code())
            .with_hint("another table may have that name: configure another history table or schema")
    }

    pub(super) fn history_error(&self, error: Error, kind: &ReadFailure) -> BackendError {
        match error.as_db_error() {
            Some(db) if matches!(kind, ReadFailure::Foreign) => self.foreign_history(db).with_source(error),
            Some(db) if db.code() == &SqlState::INSUFFICIENT_PRIVILEGE => self.permission(db, None).with_source(error),
            _ => self.explain(error),
        }
    }

    /// A statement that failed may come after one that ended the transaction: only the seal tells. Going back to it
    /// changes nothing, since the failure has undone everything after it.
    pub(super) async fn look_behind(&mut self, program: &[Op<'_>], halted: Halted) -> Halted {
        let own_text = matches!(program.get(halted.at), Some(Op::Statement(_) | Op::Query(_)));
        if !(own_text && self.sealed && halted.transaction == TransactionState::Open) {
            return halted;
        }
        let Err(error) = self.rows(&format!("rollback to savepoint {SEAL}")).await else { return halted };
        let Some(db) = error.as_db_error() else { return halted };
        let (open, ended) = match *db.code() {
            SqlState::NO_ACTIVE_SQL_TRANSACTION => (false, true),
            SqlState::S_E_INVALID_SPECIFICATION => (true, true),
            _ => (true, false),
        };
        if !ended {
            return halted;
        }
        (self.open, self.sealed) = (open, false);
        let mut ended = self.reworded(BackendErrorKind::TransactionEnded, db, None);
        ended = ended.with_detail(format!("after that this statement failed: {}", halted.error));
        if let Some(position) = halted.error.position() {
            ended = ended.with_position(position);
        }
        Halted { at: halted.at, error: ended.with_source(halted.error), transaction: self.state() }
    }
}

/// What an error of the server means at an operation of the backend; `None`: what it means everywhere.
fn kind_at(db: &DbError, op: &Op<'_>) -> Option<BackendErrorKind> {
    use BackendErrorKind as Kind;
    let code = db.code();
    let own_table = matches!(
        op,
        Op::CreateHistory
            | Op::Claim(_)
            | Op::Checkpoint(_)
            | Op::Finish(_)
            | Op::Fail(_)
            | Op::Record(_)
            | Op::Remove(_)
            | Op::Heartbeat(_)
    );
    match op {
        Op::Claim(_) | Op::Probe if *code == SqlState::DIVISION_BY_ZERO => Some(Kind::AlreadyClaimed),
        Op::Claim(_) | Op::Record(_) if *code == SqlState::UNIQUE_VIOLATION => Some(Kind::AlreadyClaimed),
        Op::Checkpoint(_) | Op::Finish(_) | Op::Fail(_) | Op::Remove(_) | Op::Heartbeat(_)
            if *code == SqlState::DIVISION_BY_ZERO =>
        {
            Some(Kind::LostClaim)
        }
        Op::Unseal if matches!(*code, SqlState::NO_ACTIVE_SQL_TRANSACTION | SqlState::S_E_INVALID_SPECIFICATION) => {
            Some(Kind::TransactionEnded)
        }
        Op::Set(_) if matches!(*code, SqlState::DIVISION_BY_ZERO | SqlState::INVALID_PARAMETER_VALUE) => {
            Some(Kind::SettingRefused)
        }
        Op::Set(_) if *code == SqlState::INSUFFICIENT_PRIVILEGE => Some(Kind::Permission),
        _ if own_table && *code == SqlState::INSUFFICIENT_PRIVILEGE => Some(Kind::Permission),
        _ if own_table && *code == SqlState::UNDEFINED_COLUMN => Some(Kind::HistoryFormat),
        _ => None,
    }
}
