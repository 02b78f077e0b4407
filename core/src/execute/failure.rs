//! From a failed operation to a failed migration.

use crate::backend::Halted;
use crate::error::BackendErrorKind;
use crate::execute::locate::advance;
use crate::execute::{Ready, StepError};
use crate::report::{Aftermath, Cause, FailedMigration, FailedStatement};
use crate::split::Statement;

/// What an operation of a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Begin, and settings before the claim.
    Opening,
    /// The claim.
    Claim,
    /// Recording it in another tool's history.
    Beside,
    /// A statement of the migration, by its index.
    Statement(usize),
    /// Closing the seal: the migration's own text is to blame.
    Unseal,
    /// Measuring.
    Measure,
    /// Recording that it is done.
    Record,
    /// The commit.
    Commit,
}

impl Part {
    fn doing(self, total: usize) -> String {
        match self {
            Self::Opening => "begin".to_owned(),
            Self::Claim => "claim".to_owned(),
            Self::Statement(index) => format!("statement {} of {total}", index + 1),
            Self::Unseal => "end of the migration's statements".to_owned(),
            Self::Measure => "check of foreign keys and rows".to_owned(),
            Self::Beside => "record in the other tool's history".to_owned(),
            Self::Record => "record in the history".to_owned(),
            Self::Commit => "commit".to_owned(),
        }
    }
}

impl Ready<'_> {
    pub(crate) fn failed(
        &self,
        cause: Cause,
        aftermath: Aftermath,
        statement: Option<FailedStatement>,
    ) -> Box<FailedMigration> {
        Box::new(FailedMigration {
            id: self.migration.id.clone(),
            name: self.migration.name.to_string(),
            file: self.migration.file(),
            statement,
            cause,
            aftermath,
        })
    }

    /// A failure at one of the operations.
    pub(crate) fn halted(&self, part: Part, halted: Halted, aftermath: Aftermath) -> StepError {
        let error = halted.error;
        match (error.kind(), part) {
            (BackendErrorKind::AlreadyClaimed, _) => return StepError::AlreadyClaimed,
            (BackendErrorKind::Busy, Part::Opening | Part::Claim) if aftermath == Aftermath::RolledBack => {
                return StepError::Busy(error);
            }
            _ => {}
        }
        let statement = match part {
            Part::Statement(index) => self
                .statements
                .get(index)
                .map(|statement| locate(statement, index, self.statements.len(), error.position())),
            _ => None,
        };
        let cause = Cause::Backend { doing: part.doing(self.statements.len()), error };
        StepError::Failed(self.failed(cause, aftermath, statement))
    }
}

pub(crate) fn locate(statement: &Statement<'_>, index: usize, total: usize, position: Option<u32>) -> FailedStatement {
    let (line, column) = (statement.span.start.line, statement.span.start.column);
    let error_at = position.map(|position| advance(statement.text, line, column, position.saturating_sub(1)));
    FailedStatement { number: index + 1, total, text: statement.text.to_owned(), line, column, error_at }
}
