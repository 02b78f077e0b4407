//! The settings that migrations run under where several share a transaction.

use std::time::Duration;

use whimbrel_core::{Aftermath, BackendErrorKind, CodeSource, MigrateErrorKind, Migrator, TransactionMode};

use crate::fake::{Fake, Fault};
use crate::schedule::block_on;

fn source(headers: &[&str]) -> CodeSource {
    headers
        .iter()
        .zip(1..)
        .fold(CodeSource::new(), |source, (header, n)| source.sql(&n.to_string(), "m", format!("{header}\nm {n}")))
}

fn all(fake: &Fake, headers: &[&str]) -> Migrator {
    Migrator::new(fake.clone()).source(source(headers)).transaction(TransactionMode::All)
}

/// What is set and what runs, in order, from the first migration on.
fn steps(fake: &Fake) -> Vec<String> {
    let log = fake.take_log().split_off(3);
    log.into_iter()
        .filter(|op| ["Set", "m ", "Begin", "Commit", "Rollback"].iter().any(|word| op.starts_with(word)))
        .collect()
}

const LOCK: &str = "-- whimbrel: lock-timeout 5s";
const BOTH: &str = "-- whimbrel: lock-timeout 7s\n-- whimbrel: statement-timeout 9s";

#[test]
fn a_directive_ends_with_its_migration() {
    let fake = Fake::new();
    block_on(&fake, all(&fake, &["", LOCK, BOTH, "", "", LOCK]).migrate()).unwrap();
    let expected = [
        // What was there before, asked in a transaction of its own.
        "Begin",
        "Set LockTimeout(5s)",
        "Set StatementTimeout(9s)",
        "Rollback",
        "Begin",
        "m 1",
        "Set LockTimeout(5s)",
        "m 2",
        "Set LockTimeout(7s)",
        "Set StatementTimeout(9s)",
        "m 3",
        "Set LockTimeout(0ns)",
        "Set StatementTimeout(0ns)",
        "m 4",
        "m 5",
        "Set LockTimeout(5s)",
        "m 6",
        "Commit",
    ];
    assert_eq!(steps(&fake), expected);
}

#[test]
fn nothing_is_asked_where_nothing_outlasts_its_migration() {
    for headers in [&["", "", LOCK][..], &[LOCK, LOCK], &["", ""]] {
        let fake = Fake::new();
        block_on(&fake, all(&fake, headers).migrate()).unwrap();
        let steps = steps(&fake);
        assert_eq!(steps.iter().filter(|step| *step == "Begin").count(), 1, "{headers:?}: {steps:?}");
    }
}

#[test]
fn a_setting_of_the_run_is_what_a_directive_goes_back_to() {
    let fake = Fake::new();
    let run = all(&fake, &[LOCK, "", LOCK]).lock_timeout(Duration::from_secs(2));
    block_on(&fake, run.migrate()).unwrap();
    let expected =
        ["Begin", "Set LockTimeout(5s)", "m 1", "Set LockTimeout(2s)", "m 2", "Set LockTimeout(5s)", "m 3", "Commit"];
    assert_eq!(steps(&fake), expected);
}

#[test]
fn a_failure_to_ask_leaves_nothing_behind() {
    // The history takes three; then Begin, Set and Rollback of the question.
    for at in 3..6 {
        for fault in [Fault::Refused(BackendErrorKind::Statement), Fault::LostBefore] {
            let fake = Fake::new();
            fake.fault(at, fault);
            let error = block_on(&fake, all(&fake, &[LOCK, ""]).migrate()).unwrap_err();
            assert_eq!(error.kind(), MigrateErrorKind::RolledBack, "{at} {fault:?}: {error}");
            assert_eq!((fake.effects().len(), error.report().applied.len(), error.report().planned), (0, 0, 2));
            assert_eq!(block_on(&fake, all(&fake, &[LOCK, ""]).migrate()).unwrap().applied.len(), 2);
        }
    }
}

#[test]
fn what_a_text_sets_goes_back_before_the_commit_where_the_session_is_shared() {
    let fake = Fake::new();
    fake.state().shared = true;
    block_on(&fake, all(&fake, &["", "pragma case_sensitive_like = on;"]).migrate()).unwrap();
    let expected = ["Begin", "m 1", "m 2", "Set Reset", "Commit"];
    assert_eq!(steps(&fake), expected);
}

#[test]
fn nothing_is_set_outside_a_transaction_where_the_session_is_shared() {
    let alone = "-- whimbrel: no-transaction\n";
    for header in [format!("{alone}{LOCK}"), format!("{alone}pragma case_sensitive_like = on;")] {
        let fake = Fake::new();
        fake.state().shared = true;
        let migrator = Migrator::new(fake.clone()).source(source(&[&header]));
        let error = block_on(&fake, migrator.migrate()).unwrap_err();
        assert_eq!(error.kind(), MigrateErrorKind::RolledBack, "{error}");
        let failed = error.failed().unwrap();
        assert_eq!(failed.aftermath, Aftermath::RolledBack);
        let cause = failed.cause.backend().unwrap();
        assert_eq!(cause.kind(), BackendErrorKind::Unsupported);
        assert!(cause.hint().unwrap().contains("the server itself"), "{cause}");
        let log = fake.take_log();
        assert!(!log.iter().any(|op| op.starts_with("Claim") || op.starts_with("Set")), "{log:?}");
        // With nothing to set it is no trouble.
        block_on(&fake, Migrator::new(fake.clone()).source(source(&[alone])).migrate()).unwrap();
    }
}
