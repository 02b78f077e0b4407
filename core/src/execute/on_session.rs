//! SQL for hooks and for migrations written in Rust.

use async_trait::async_trait;

use super::drive;
use crate::backend::{Notice, Observer, Op, OpOutcome, Session, TextRow, TransactionState};
use crate::cancel::CancelToken;
use crate::dialect::Dialect;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::{Event, Listeners};
use crate::sql::Sql;

/// The session, with nothing of it but statements.
pub(crate) struct OnSession<'a> {
    pub(crate) session: &'a mut dyn Session,
    pub(crate) dialect: &'static Dialect,
    pub(crate) listeners: &'a Listeners,
    /// The last program's end, where it failed.
    pub(crate) halted: Option<TransactionState>,
    /// Within a migration's transaction: what stops it.
    pub(crate) stops: Option<&'a CancelToken>,
}

struct Answer<'a> {
    outcome: Option<OpOutcome>,
    listeners: &'a Listeners,
}

impl Observer for Answer<'_> {
    fn done(&mut self, _: usize, outcome: OpOutcome) {
        self.outcome = Some(outcome);
    }

    fn notice(&mut self, notice: Notice) {
        self.listeners.tell(&Event::Notice(&notice));
    }
}

impl OnSession<'_> {
    async fn one(&mut self, op: Op<'_>, sql: &str) -> Result<Option<OpOutcome>, BackendError> {
        single_statement(self.dialect, sql)?;
        let mut answer = Answer { outcome: None, listeners: self.listeners };
        let result = match self.stops {
            None => self.session.run(&[op], &mut answer).await,
            Some(cancel) => {
                self.check_transaction(cancel)?;
                drive(self.session, &[op], &mut answer, cancel).await
            }
        };
        match result {
            Ok(()) => Ok(answer.outcome),
            Err(halted) => {
                self.halted = Some(halted.transaction);
                Err(halted.error)
            }
        }
    }

    /// Code that goes on after an error must not run statements outside of the transaction that the error ended.
    fn check_transaction(&self, cancel: &CancelToken) -> Result<(), BackendError> {
        if self.halted.is_some_and(|state| state != TransactionState::Open) {
            return Err(transaction_ended());
        }
        if cancel.is_cancelled() {
            return Err(BackendError::new(BackendErrorKind::Interrupted, "the run was cancelled"));
        }
        Ok(())
    }
}

pub(crate) fn transaction_ended() -> BackendError {
    BackendError::new(BackendErrorKind::TransactionEnded, "an earlier error ended the transaction")
        .with_hint("let the migration end with the first error of the database")
}

fn single_statement(dialect: &Dialect, sql: &str) -> Result<(), BackendError> {
    let unsupported = |message: String| Err(BackendError::new(BackendErrorKind::Unsupported, message));
    match crate::split::split(dialect.lexer, sql) {
        Err(error) => unsupported(error.to_string()),
        Ok(statements) if statements.len() != 1 => {
            let message = format!("the text holds {} statements, one is wanted", statements.len());
            unsupported(message).map_err(|error: BackendError| error.with_hint("call it once for each statement"))
        }
        Ok(statements) if statements[0].is_transaction_control(dialect.lexer) => {
            unsupported(format!("`{}` controls the transaction, which belongs to the run", statements[0].text))
        }
        Ok(_) => Ok(()),
    }
}

#[async_trait]
impl Sql for OnSession<'_> {
    async fn execute(&mut self, sql: &str) -> Result<u64, BackendError> {
        match self.one(Op::Statement(sql), sql).await? {
            Some(OpOutcome::Affected(rows)) => Ok(rows),
            _ => Ok(0),
        }
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>, BackendError> {
        match self.one(Op::Query(sql), sql).await? {
            Some(OpOutcome::Rows { rows, .. }) => Ok(rows),
            _ => Ok(Vec::new()),
        }
    }
}
