//! Programs beside those that apply a migration: making the history, asking whether a claim is open, settling what an
//! earlier run left.

use std::time::Duration;

use super::drive_plain;
use crate::backend::{
    Checkpoint, Claim, ClaimMode, Failure, Fenced, Finish, Halted, Op, OpOutcome, Session, Setting, TransactionState,
};
use crate::checksum::Checksum;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::Listeners;
use crate::history::{HistoryRow, MigrationId};
use crate::timestamp::Timestamp;

/// Writes to the history in one transaction, as the role to which it belongs. Where it fails, an open transaction is
/// rolled back.
async fn in_transaction(
    session: &mut dyn Session,
    role: Option<&str>,
    writes: &[Op<'_>],
    listeners: &Listeners,
) -> Result<(), BackendError> {
    let role = role.map(|role| Setting::Role(Some(role.to_owned())));
    let mut program = vec![Op::Begin];
    program.extend(role.as_ref().map(Op::Set));
    program.extend(writes);
    program.push(Op::Commit);
    let Err(halted) = drive_plain(session, &program, listeners).await else { return Ok(()) };
    if halted.transaction == TransactionState::Open {
        let _ = drive_plain(session, &[Op::Rollback], listeners).await;
    }
    Err(halted.error)
}

/// Makes the history table where it is not there.
pub(crate) async fn create_history(
    session: &mut dyn Session,
    role: Option<&str>,
    listeners: &Listeners,
) -> Result<(), BackendError> {
    in_transaction(session, role, &[Op::CreateHistory], listeners).await
}

/// Makes another tool's table, in one transaction.
#[cfg(feature = "other-tools")]
pub(crate) async fn make_beside(
    session: &mut dyn Session,
    role: Option<&str>,
    statements: &[String],
    listeners: &Listeners,
) -> Result<(), BackendError> {
    let writes: Vec<Op<'_>> = statements.iter().map(|statement| Op::Statement(statement)).collect();
    in_transaction(session, role, &writes, listeners).await
}

/// Makes the history table where it is not there, and writes these rows into it: all of that, or nothing.
pub(crate) async fn record(
    session: &mut dyn Session,
    role: Option<&str>,
    rows: &[HistoryRow],
    listeners: &Listeners,
) -> Result<(), BackendError> {
    let mut writes = vec![Op::CreateHistory];
    writes.extend((!rows.is_empty()).then_some(Op::Record(rows)));
    in_transaction(session, role, &writes, listeners).await
}

/// Writes a row anew that is there: all of it, or nothing. Fails where it was claimed meanwhile.
#[cfg(feature = "other-tools")]
pub(crate) async fn record_again(
    session: &mut dyn Session,
    role: Option<&str>,
    row: &HistoryRow,
    listeners: &Listeners,
) -> Result<(), BackendError> {
    let fenced = Fenced { id: &row.id, fence: row.fence };
    let writes = [Op::Remove(&fenced), Op::Record(std::slice::from_ref(row))];
    in_transaction(session, role, &writes, listeners).await
}

/// Fails while a transaction with a claim is open; then says whether the session can be asked again.
pub(crate) async fn probe(session: &mut dyn Session, listeners: &Listeners) -> Result<(), (BackendError, bool)> {
    let asked = drive_plain(session, &[Op::Begin, Op::Probe, Op::Rollback], listeners).await;
    let Err(Halted { error, transaction, .. }) = asked else { return Ok(()) };
    let usable = match transaction {
        TransactionState::Open => drive_plain(session, &[Op::Rollback], listeners).await.is_ok(),
        TransactionState::None => error.kind() != BackendErrorKind::ConnectionLost,
        TransactionState::Lost | TransactionState::InDoubt => false,
    };
    Err((error, usable))
}

/// Takes back a claim of which nothing ran: so nobody has to wait for its end or to judge it.
pub(crate) async fn give_back(
    session: &mut dyn Session,
    id: &MigrationId,
    mode: ClaimMode,
    listeners: &Listeners,
) -> Result<(), Halted> {
    let row = Fenced { id, fence: mode.fence_after() };
    let failure = Failure { row, error: "the answer to its claim was lost, nothing of it ran" };
    let op = if mode == ClaimMode::New { Op::Remove(&row) } else { Op::Fail(&failure) };
    drive_plain(session, &[op], listeners).await.map(|_| ())
}

/// Records once more that a migration is done, where the answer to that was lost.
pub(crate) async fn finish_again(
    session: &mut dyn Session,
    row: Fenced<'_>,
    listeners: &Listeners,
) -> Option<(Timestamp, u64)> {
    let outcomes = drive_plain(session, &[Op::Finish(&Finish { row })], listeners).await;
    outcomes.ok()?.into_iter().find_map(|(_, outcome)| match outcome {
        OpOutcome::Finished { at, duration_ms } => Some((at, duration_ms)),
        _ => None,
    })
}

/// Removes the row of a migration of which nothing is left.
pub(crate) async fn forget(
    session: &mut dyn Session,
    role: Option<&str>,
    row: &Fenced<'_>,
    listeners: &Listeners,
) -> Result<(), BackendError> {
    in_transaction(session, role, &[Op::Remove(row)], listeners).await
}

/// How far a migration that stopped has come, as a person found.
pub(crate) struct Progress<'a> {
    /// Statements that are done.
    pub(crate) done: u32,
    /// Their checksum.
    pub(crate) prefix_checksum: &'a Checksum,
    /// Why it stopped.
    pub(crate) error: &'a str,
    pub(crate) lease: Duration,
}

/// Takes a row over and records its progress: that it is done where all is, else that it stopped there.
pub(crate) async fn record_progress(
    session: &mut dyn Session,
    role: Option<&str>,
    claim: &Claim<'_>,
    progress: &Progress<'_>,
    listeners: &Listeners,
) -> Result<(), BackendError> {
    let row = Fenced { id: claim.id, fence: claim.fence_after() };
    let Progress { done, prefix_checksum, error, lease } = *progress;
    let checkpoint = Checkpoint { row, statements_done: done, prefix_checksum, lease };
    let (failure, finish) = (Failure { row, error }, Finish { row });
    let mut writes = vec![Op::Claim(claim)];
    if done == claim.statements_total {
        writes.push(Op::Finish(&finish));
    } else {
        writes.extend((done > 0).then_some(Op::Checkpoint(&checkpoint)));
        writes.push(Op::Fail(&failure));
    }
    in_transaction(session, role, &writes, listeners).await
}
