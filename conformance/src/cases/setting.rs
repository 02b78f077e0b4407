//! Settings: read back, put back, and refused where there are none.

use std::time::Duration;

use futures_util::future::join;
use whimbrel_core::backend::{Measure, Measurement};
use whimbrel_core::{BackendErrorKind, Op, OpOutcome, Session, Setting, TransactionState};

use super::{Outcome, need};
use crate::bench::{Bench, run};

async fn set(session: &mut dyn Session, setting: Setting) -> Setting {
    let mut answers = run(session, &[Op::Set(&setting)]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    match answers.remove(0) {
        OpOutcome::Previous(previous) => previous,
        other => panic!("a setting was answered with {other:?}"),
    }
}

/// Sets it in a transaction and outside, and follows what it was before.
async fn follow(bench: &Bench, make: fn(Duration) -> Setting) {
    let (five, seven) = (make(Duration::from_secs(5)), make(Duration::from_millis(7_250)));
    let mut session = bench.session().await;
    let first = set(&mut *session, five.clone()).await;
    assert_ne!(first, five);
    assert_eq!(set(&mut *session, seven.clone()).await, five, "outside a transaction it stays");
    for end in [Op::Commit, Op::Rollback] {
        let answers = run(&mut *session, &[Op::Begin, Op::Set(&five), Op::Set(&five), end]).await.expect("it is set");
        assert_eq!(answers[1..3], [OpOutcome::Previous(seven.clone()), OpOutcome::Previous(five.clone())]);
        assert_eq!(set(&mut *session, seven.clone()).await, seven, "in a transaction it ends with it");
    }
    let never = make(Duration::ZERO);
    assert_eq!(set(&mut *session, never.clone()).await, seven);
    assert_eq!(set(&mut *session, first.clone()).await, never, "zero is for ever, and reads back as zero");
    assert_eq!(set(&mut *session, first.clone()).await, first, "it went back to what it was");
}

pub(super) async fn a_lock_timeout_is_read_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().lock_timeout, "there is no lock timeout");
    follow(bench, Setting::LockTimeout).await;
    Outcome::Passed
}

pub(super) async fn a_statement_timeout_is_read_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().statement_timeout, "there is no statement timeout");
    follow(bench, Setting::StatementTimeout).await;
    Outcome::Passed
}

pub(super) async fn a_statement_timeout_stops_a_statement(bench: &Bench) -> Outcome {
    need!(bench.capabilities().statement_timeout, "there is no statement timeout");
    let mut session = bench.session().await;
    let limit = Setting::StatementTimeout(Duration::from_millis(200));
    let program = [Op::Begin, Op::Set(&limit), Op::Statement(bench.snippets().slow), Op::Commit];
    let halted = run(&mut *session, &program).await.expect_err("it takes too long");
    assert_eq!(halted.at, 2, "{}", halted.error);
    assert_ne!(halted.error.kind(), BackendErrorKind::Interrupted, "nobody interrupted it");
    Outcome::Passed
}

pub(super) async fn a_lock_timeout_ends_a_wait(bench: &Bench) -> Outcome {
    need!(bench.capabilities().lock_timeout, "there is no lock timeout");
    need!(bench.capabilities().second_session, "there is but one connection");
    bench.execute("create table t (id integer)").await;
    let (mut holder, mut waiter) = (bench.session().await, bench.session().await);
    run(&mut *holder, &[Op::Begin, Op::Statement("drop table t")]).await.expect("its lock is taken");
    let limit = Setting::LockTimeout(Duration::from_millis(300));
    let program = [Op::Begin, Op::Set(&limit), Op::Statement("insert into t values (1)"), Op::Commit];
    let client = bench.client();
    let release = async {
        client.clock().sleep(Duration::from_secs(4)).await;
        run(&mut *holder, &[Op::Rollback]).await.expect("it is rolled back");
    };
    let (ended, ()) = join(run(&mut *waiter, &program), release).await;
    let halted = ended.expect_err("the lock was held for longer");
    assert_eq!(halted.error.kind(), BackendErrorKind::Busy, "{}", halted.error);
    Outcome::Passed
}

pub(super) async fn a_role_is_read_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().roles, "there are no roles");
    let (role, none) = (Setting::Role(Some(bench.value("select current_user").await)), Setting::Role(None));
    let mut session = bench.session().await;
    assert_eq!(set(&mut *session, role.clone()).await, none, "nobody has set one");
    assert_eq!(set(&mut *session, none.clone()).await, role, "outside a transaction it stays");
    for end in [Op::Commit, Op::Rollback] {
        let program = [Op::Begin, Op::Set(&role), Op::Set(&role), end];
        let answers = run(&mut *session, &program).await.expect("it is set");
        assert_eq!(answers[1..3], [OpOutcome::Previous(none.clone()), OpOutcome::Previous(role.clone())]);
        assert_eq!(set(&mut *session, none.clone()).await, none, "in a transaction it ends with it");
    }
    Outcome::Passed
}

pub(super) async fn a_role_that_is_not_there_is_refused(bench: &Bench) -> Outcome {
    need!(bench.capabilities().roles, "there are no roles");
    let mut session = bench.session().await;
    let nobody = Setting::Role(Some("no such 'role' \"at\" all".to_owned()));
    let halted = run(&mut *session, &[Op::Set(&nobody)]).await.expect_err("there is no such role");
    let kinds = [BackendErrorKind::SettingRefused, BackendErrorKind::Permission];
    assert!(kinds.contains(&halted.error.kind()), "{:?}: {}", halted.error.kind(), halted.error);
    assert_eq!(set(&mut *session, Setting::Role(None)).await, Setting::Role(None), "it stayed what it was");
    Outcome::Passed
}

pub(super) async fn reset_undoes_what_a_text_has_set(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    assert_eq!(set(&mut *session, Setting::Reset).await, Setting::Reset);
    if bench.capabilities().lock_timeout {
        let first = set(&mut *session, Setting::LockTimeout(Duration::from_secs(9))).await;
        set(&mut *session, Setting::Reset).await;
        assert_eq!(set(&mut *session, first.clone()).await, first);
    }
    if bench.capabilities().foreign_keys_switch {
        let first = set(&mut *session, Setting::ForeignKeys(false)).await;
        set(&mut *session, Setting::Reset).await;
        assert_eq!(set(&mut *session, first.clone()).await, first);
    }
    run(&mut *session, &[Op::Begin, Op::Statement("create table t (id integer)"), Op::Commit]).await.expect("it runs");
    Outcome::Passed
}

pub(super) async fn what_the_database_lacks_is_refused(bench: &Bench) -> Outcome {
    let has = bench.capabilities();
    let second = Duration::from_secs(1);
    for (has, setting) in [
        (has.roles, Setting::Role(Some("someone".to_owned()))),
        (has.lock_timeout, Setting::LockTimeout(second)),
        (has.statement_timeout, Setting::StatementTimeout(second)),
        (has.foreign_keys_switch, Setting::ForeignKeys(false)),
    ] {
        if has {
            continue;
        }
        let mut session = bench.session().await;
        let halted = run(&mut *session, &[Op::Set(&setting)]).await.expect_err("it has no such setting");
        assert_eq!(halted.error.kind(), BackendErrorKind::Unsupported, "{setting:?}: {}", halted.error);
    }
    Outcome::Passed
}

pub(super) async fn foreign_keys_are_switched_and_read_back(bench: &Bench) -> Outcome {
    need!(bench.capabilities().foreign_keys_switch, "foreign keys cannot be switched");
    let mut session = bench.session().await;
    for statement in [
        "create table parent (id integer primary key)",
        "create table child (id integer primary key, parent_id integer references parent (id))",
    ] {
        run(&mut *session, &[Op::Statement(statement)]).await.expect("a table is made");
    }
    let orphan = Op::Statement("insert into child values (1, 99)");
    set(&mut *session, Setting::ForeignKeys(true)).await;
    let halted = run(&mut *session, &[Op::Begin, orphan, Op::Commit]).await.expect_err("the keys are enforced");
    if halted.transaction == TransactionState::Open {
        run(&mut *session, &[Op::Rollback]).await.expect("it is rolled back");
    }
    assert_eq!(set(&mut *session, Setting::ForeignKeys(false)).await, Setting::ForeignKeys(true));
    let measure = Op::Measure(&Measure::ForeignKeyViolations);
    let answers = run(&mut *session, &[Op::Begin, measure, orphan, measure, Op::Commit]).await.expect("not enforced");
    let violations = |answer: &OpOutcome| match answer {
        OpOutcome::Measured(Measurement::ForeignKeyViolations(rows)) => rows.clone(),
        other => panic!("a measure was answered with {other:?}"),
    };
    assert!(violations(&answers[1]).is_empty());
    let found = violations(&answers[3]);
    assert!(found.len() == 1 && found[0].contains("child") && found[0].contains("parent"), "{found:?}");
    assert_eq!(set(&mut *session, Setting::ForeignKeys(true)).await, Setting::ForeignKeys(false));
    Outcome::Passed
}
