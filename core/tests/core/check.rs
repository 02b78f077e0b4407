//! Looking through the migrations without a database.

use std::time::Duration;

use whimbrel_core::{BackendErrorKind, CodeSource, MigrateError, Migrator, Seed};

use crate::fake::Fake;
use crate::schedule::block_on;

fn checked(fake: &Fake, migrator: &Migrator) -> Result<(), MigrateError> {
    // Nobody answers, and nobody is asked.
    fake.state().down_until = Duration::from_secs(1_000);
    block_on(fake, migrator.check())
}

/// The problems, each as its file and its message.
fn problems(fake: &Fake, migrator: &Migrator) -> Vec<String> {
    match checked(fake, migrator) {
        Err(MigrateError::Load { error, .. }) => {
            error.problems().iter().map(|p| format!("{}: {}", p.file, p.message)).collect()
        }
        other => panic!("it has problems with its files: {other:?}"),
    }
}

#[test]
fn what_a_run_would_apply_is_no_problem() {
    let fake = Fake::new();
    let source = CodeSource::new().sql("1", "a", "a one").sql("2", "b", "-- whimbrel: lock-timeout 1s\nb one");
    let migrator = Migrator::new(fake.clone()).source(source).seed(Seed::text("s", "s one")).role("owner");
    checked(&fake, &migrator).unwrap();
    assert_eq!(fake.operations(), 0);
}

#[test]
fn every_problem_is_told_at_once() {
    let mut fake = Fake::new();
    (fake.capabilities.lock_timeout, fake.capabilities.roles) = (false, false);
    let source = CodeSource::new()
        .sql("1", "a", "a one;\ncommit")
        .sql("2", "b", "-- whimbrel: lock-timeout 1s\nb one")
        .sql("3", "c", "c one;\n'");
    let migrator = Migrator::new(fake.clone()).source(source).seed(Seed::text("s", "begin"));
    let found = problems(&fake, &migrator);
    let files: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
    assert_eq!(files, ["1_a", "2_b", "3_c", "s.sql"], "{found:?}");
    let files = problems(&fake, &migrator.clone().without_seeds()).len();
    assert_eq!(files, 3, "what a run leaves out is not looked at");
}

#[test]
fn what_cannot_be_loaded_is_told_with_the_rest() {
    let fake = Fake::new();
    let migrator = Migrator::new(fake.clone()).source_in("", CodeSource::new().sql("1", "a", "commit"));
    let found = problems(&fake, &migrator.seed(Seed::file("no/such/seed.sql")));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("a namespace has at least one character") && found[1].contains("transaction control"));
    assert!(found[2].contains("cannot be read"));
}

#[test]
fn a_setting_that_the_database_lacks_is_an_error() {
    let mut fake = Fake::new();
    fake.capabilities.roles = false;
    let error = checked(&fake, &Migrator::new(fake.clone()).role("owner")).unwrap_err();
    let MigrateError::Backend { error, .. } = &error else { panic!("{error}") };
    assert_eq!(error.kind(), BackendErrorKind::Unsupported);
}
