//! Operations without what they carry, to compare and print.

use whimbrel_core::Op;

/// An operation without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are those of `Op`")]
pub enum OpKind {
    Begin,
    Seal,
    Unseal,
    Commit,
    Rollback,
    Set,
    CreateHistory,
    Claim,
    Probe,
    Checkpoint,
    Finish,
    Fail,
    Record,
    Remove,
    Heartbeat,
    Statement,
    Query,
    Measure,
}

impl OpKind {
    /// The kind of an operation.
    #[must_use]
    pub fn of(op: &Op<'_>) -> Self {
        match op {
            Op::Begin => Self::Begin,
            Op::Seal => Self::Seal,
            Op::Unseal => Self::Unseal,
            Op::Commit => Self::Commit,
            Op::Rollback => Self::Rollback,
            Op::Set(_) => Self::Set,
            Op::CreateHistory => Self::CreateHistory,
            Op::Claim(_) => Self::Claim,
            Op::Probe => Self::Probe,
            Op::Checkpoint(_) => Self::Checkpoint,
            Op::Finish(_) => Self::Finish,
            Op::Fail(_) => Self::Fail,
            Op::Record(_) => Self::Record,
            Op::Remove(_) => Self::Remove,
            Op::Heartbeat(_) => Self::Heartbeat,
            Op::Statement(_) => Self::Statement,
            Op::Query(_) => Self::Query,
            Op::Measure(_) => Self::Measure,
        }
    }

    /// The kinds of a program.
    #[must_use]
    pub fn of_all(program: &[Op<'_>]) -> Vec<Self> {
        program.iter().map(Self::of).collect()
    }
}
