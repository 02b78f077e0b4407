//! Programs: one transaction or none, in order, up to the first failure, and every answer heard.

use std::time::Duration;

use futures_util::FutureExt;
use whimbrel_core::backend::{Measure, Measurement};
use whimbrel_core::{
    BackendErrorKind, Halted, HistoryDetail, Observer, Op, OpOutcome, Session, Setting, TransactionState,
};

use super::{Outcome, need};
use crate::bench::{Bench, Heard, run};

const MAKE: Op<'static> = Op::Statement("create table t (id integer primary key, n integer)");
const ADD_ONE: Op<'static> = Op::Statement("insert into t values (1, 10)");
const ADD_TWO: Op<'static> = Op::Statement("insert into t values (2, 20)");
const WRONG: Op<'static> = Op::Statement("insert into no_such_table values (1)");

async fn count(bench: &Bench) -> String {
    bench.value("select count(*) from t").await
}

async fn clean_up(session: &mut dyn Session, halted: &Halted) {
    if halted.transaction == TransactionState::Open {
        run(session, &[Op::Rollback]).await.expect("an open transaction is rolled back");
    }
}

pub(super) async fn commits_what_stands_between_begin_and_commit(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    run(&mut *session, &[Op::Begin, MAKE, ADD_ONE, ADD_TWO, Op::Commit]).await.expect("it goes well");
    assert_eq!(count(bench).await, "2");
    Outcome::Passed
}

pub(super) async fn rolls_back_what_stands_between_begin_and_rollback(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE]).await.expect("a table is made");
    let more = Op::Statement("create table u (id integer)");
    run(&mut *session, &[Op::Begin, ADD_ONE, more, Op::Rollback]).await.expect("it goes well");
    assert_eq!(count(bench).await, "0");
    assert!(!bench.has_table("u").await);
    Outcome::Passed
}

pub(super) async fn may_come_in_pieces(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    run(&mut *session, &[Op::Begin, MAKE, Op::Seal]).await.expect("the first piece");
    run(&mut *session, &[ADD_ONE]).await.expect("the second piece");
    let rows = run(&mut *session, &[Op::Query("select n from t")]).await.expect("the third piece");
    assert!(matches!(&rows[0], OpOutcome::Rows { rows, .. } if rows == &[[Some("10".to_owned())]]));
    run(&mut *session, &[ADD_TWO, Op::Unseal, Op::Commit]).await.expect("the last piece");
    assert_eq!(count(bench).await, "2");
    Outcome::Passed
}

pub(super) async fn runs_each_operation_outside_a_transaction_alone(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    let halted = run(&mut *session, &[MAKE, ADD_ONE, WRONG, ADD_TWO]).await.expect_err("the third fails");
    assert_eq!((halted.at, halted.transaction), (2, TransactionState::None));
    assert_eq!(count(bench).await, "1", "what stood before the failure stays, what stood after it did not run");
    Outcome::Passed
}

pub(super) async fn leaves_no_transaction_around_a_lone_statement(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    // Databases with a VACUUM refuse it in a transaction, also in one that a driver makes of several statements.
    run(&mut *session, &[MAKE, Op::Statement("vacuum"), ADD_ONE, Op::Statement("vacuum")]).await.expect("each alone");
    Outcome::Passed
}

pub(super) async fn stops_at_the_first_failure_and_names_it(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    need!(bench.capabilities().transactional_ddl, "its DDL is not transactional");
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE]).await.expect("a table is made");
    for at in 1..4 {
        let mut program = vec![Op::Begin, ADD_ONE, ADD_TWO, Op::Statement("insert into t values (3, 30)")];
        program[at] = WRONG;
        program.extend([Op::Statement("insert into t values (4, 40)"), Op::Commit]);
        let halted = run(&mut *session, &program).await.expect_err("a statement fails");
        assert_eq!(halted.at, at, "{}", halted.error);
        assert_eq!(halted.error.kind(), BackendErrorKind::Statement, "{}", halted.error);
        assert!(halted.error.message().contains("no_such_table"), "{}", halted.error);
        clean_up(&mut *session, &halted).await;
        assert_eq!(count(bench).await, "0", "nothing of it stays");
    }
    Outcome::Passed
}

pub(super) async fn names_the_statement_that_is_no_sql(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    let wrong = Op::Statement("select 'é', 'über' frm nowhere at all");
    let halted = run(&mut *session, &[Op::Begin, MAKE, ADD_ONE, wrong, ADD_TWO, Op::Commit]).await;
    let halted = halted.expect_err("it is no SQL");
    assert_eq!(halted.at, 3, "{}", halted.error);
    if let Some(position) = halted.error.position() {
        let text = "select 'é', 'über' frm nowhere at all";
        let from = text.chars().skip(position as usize - 1).collect::<String>();
        assert!(["frm", "nowhere", "at"].iter().any(|word| from.starts_with(word)), "it points at `{from}`");
    }
    clean_up(&mut *session, &halted).await;
    assert!(!bench.has_table("t").await || !bench.capabilities().transactional_ddl);
    Outcome::Passed
}

pub(super) async fn a_broken_constraint_is_no_success(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE, ADD_ONE]).await.expect("a row is there");
    let halted = run(&mut *session, &[Op::Begin, ADD_TWO, ADD_ONE, Op::Commit]).await.expect_err("a key stands twice");
    assert_eq!((halted.at, halted.error.kind()), (2, BackendErrorKind::Statement));
    assert!(halted.error.code().is_some(), "the database's code is told");
    clean_up(&mut *session, &halted).await;
    assert_eq!(count(bench).await, "1");
    Outcome::Passed
}

pub(super) async fn goes_on_after_a_failure(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    let halted = run(&mut *session, &[Op::Begin, WRONG, Op::Commit]).await.expect_err("it fails");
    clean_up(&mut *session, &halted).await;
    run(&mut *session, &[Op::Begin, MAKE, ADD_ONE, Op::Commit]).await.expect("the session is as good as new");
    assert_eq!(count(bench).await, "1");
    Outcome::Passed
}

pub(super) async fn a_failure_says_where_the_transaction_stands(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key, n integer)").await;
    let mut session = bench.session().await;
    for program in [&[Op::Begin, ADD_ONE, WRONG, Op::Commit][..], &[Op::Begin, WRONG], &[WRONG]] {
        let halted = run(&mut *session, program).await.expect_err("a statement fails");
        match halted.transaction {
            TransactionState::None => {}
            TransactionState::Open => {
                assert!(program.len() > 1, "nothing was begun");
                run(&mut *session, &[Op::Rollback]).await.expect("an open transaction is rolled back");
            }
            other => panic!("the connection lives, and the transaction is said to be {other:?}"),
        }
        run(&mut *session, &[Op::Begin, Op::Rollback]).await.expect("no transaction is open");
    }
    session.close().await.expect("a session closes");
    assert_eq!(count(bench).await, "0");
    Outcome::Passed
}

pub(super) async fn a_commit_that_is_refused_is_no_success(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    if bench.capabilities().foreign_keys_switch {
        run(&mut *session, &[Op::Set(&Setting::ForeignKeys(true))]).await.expect("foreign keys are enforced");
    }
    let child = "create table child (id integer primary key, \
        parent_id integer references parent (id) deferrable initially deferred)";
    let tables = [Op::Statement("create table parent (id integer primary key)"), Op::Statement(child)];
    need!(run(&mut *session, &tables).await.is_ok(), "the database has no constraint that is checked at the end");
    let orphan = Op::Statement("insert into child values (1, 99)");
    let halted = run(&mut *session, &[Op::Begin, orphan, Op::Commit]).await.expect_err("a parent is missing");
    assert_eq!((halted.at, halted.error.kind()), (2, BackendErrorKind::Statement), "{}", halted.error);
    clean_up(&mut *session, &halted).await;
    session.close().await.expect("a session closes");
    assert_eq!(bench.value("select count(*) from child").await, "0");
    Outcome::Passed
}

pub(super) async fn a_commit_without_an_answer_is_in_doubt(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key, n integer)").await;
    let Some((line, client)) = bench.line().await else {
        return Outcome::Skipped("there is no connection to lose");
    };
    let mut session = client.connect().await.expect("a client is let in");
    run(&mut *session, &[Op::Begin, ADD_ONE]).await.expect("a transaction is open");
    line.lose_answers();
    let halted = run(&mut *session, &[Op::Commit]).await.expect_err("its answer is lost");
    assert_eq!(halted.error.kind(), BackendErrorKind::ConnectionLost, "{}", halted.error);
    drop(session);
    assert!(becomes(bench, "1").await, "what was sent was to arrive");
    assert_eq!(halted.transaction, TransactionState::InDoubt, "it was committed");
    Outcome::Passed
}

/// Whether the table soon has so many rows.
async fn becomes(bench: &Bench, rows: &str) -> bool {
    for _ in 0..100 {
        if count(bench).await == rows {
            return true;
        }
        bench.client().clock().sleep(Duration::from_millis(20)).await;
    }
    false
}

pub(super) async fn a_connection_lost_before_the_commit_is_no_doubt(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key, n integer)").await;
    let Some((line, client)) = bench.line().await else {
        return Outcome::Skipped("there is no connection to lose");
    };
    let mut session = client.connect().await.expect("a client is let in");
    run(&mut *session, &[Op::Begin, ADD_ONE]).await.expect("a transaction is open");
    line.cut();
    let halted = run(&mut *session, &[ADD_TWO]).await.expect_err("the connection is gone");
    assert_eq!(halted.error.kind(), BackendErrorKind::ConnectionLost, "{}", halted.error);
    assert_eq!(halted.transaction, TransactionState::Lost);
    drop(session);
    writes_soon(bench).await;
    assert_eq!(count(bench).await, "1", "the database rolled back what the first session had done");
    Outcome::Passed
}

pub(super) async fn rollback_succeeds_where_no_transaction_is_open(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    run(&mut *session, &[Op::Rollback, Op::Rollback]).await.expect("there is nothing to roll back");
    run(&mut *session, &[Op::Begin, Op::Commit]).await.expect("an empty transaction commits");
    Outcome::Passed
}

/// The text ends the transaction that core began: that is found out, and nothing later stays.
async fn exposes(bench: &Bench, text: &[&'static str]) {
    let mut session = bench.session().await;
    let mut program = vec![Op::Begin, Op::Seal, MAKE];
    program.extend(text.iter().copied().map(Op::Statement));
    program.extend([Op::Statement("create table later (id integer)"), Op::Unseal, Op::Commit]);
    let halted = run(&mut *session, &program).await.expect_err("the text ended the transaction");
    assert_eq!(halted.error.kind(), BackendErrorKind::TransactionEnded, "{}", halted.error);
    clean_up(&mut *session, &halted).await;
    drop(session);
    assert!(!bench.has_table("later").await, "what stands after {text:?} must not stay");
}

pub(super) async fn unseal_exposes_a_commit(bench: &Bench) -> Outcome {
    exposes(bench, &["commit"]).await;
    Outcome::Passed
}

pub(super) async fn unseal_exposes_a_rollback(bench: &Bench) -> Outcome {
    exposes(bench, &["rollback"]).await;
    Outcome::Passed
}

pub(super) async fn unseal_exposes_a_commit_and_a_begin(bench: &Bench) -> Outcome {
    exposes(bench, &["commit", "begin"]).await;
    Outcome::Passed
}

pub(super) async fn a_query_gives_rows_as_text(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE, ADD_ONE, Op::Statement("insert into t values (2, null)")]).await.expect("rows");
    let sql = "select n as number, 'it''s é' as words from t order by id";
    let answers = run(&mut *session, &[Op::Query(sql)]).await.expect("it can be asked");
    let OpOutcome::Rows { columns, rows } = &answers[0] else { panic!("a query answers with rows") };
    assert_eq!(columns, &["number", "words"]);
    let text = Some("it's é".to_owned());
    assert_eq!(rows, &[[Some("10".to_owned()), text.clone()], [None, text]]);
    let answers = run(&mut *session, &[Op::Query("select n from t where id > 5")]).await.expect("it can be asked");
    assert!(matches!(&answers[0], OpOutcome::Rows { rows, .. } if rows.is_empty()));
    Outcome::Passed
}

pub(super) async fn a_statement_may_give_rows(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    let ask = Op::Statement("select n from t");
    run(&mut *session, &[Op::Begin, MAKE, ADD_ONE, ask, ADD_TWO, ask, Op::Commit]).await.expect("they are thrown away");
    assert_eq!(count(bench).await, "2");
    Outcome::Passed
}

pub(super) async fn a_statement_may_end_in_a_comment(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection, and the case looks beside it");
    let mut session = bench.session().await;
    let make = Op::Statement("create table t (id integer, n integer) -- no end;");
    let add = Op::Statement("-- before\ninsert into t values (1, /* ; */ 10) /* after */");
    run(&mut *session, &[Op::Begin, make, add, ADD_TWO, Op::Commit]).await.expect("comments end with their statement");
    assert_eq!(count(bench).await, "2");
    Outcome::Passed
}

pub(super) async fn a_statement_counts_what_it_changed(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    let copy = Op::Statement("insert into t select id + 2, n from t");
    let (update, delete) = (Op::Statement("update t set n = 5"), Op::Statement("delete from t where id > 3"));
    let program = [Op::Begin, MAKE, ADD_ONE, ADD_TWO, copy, update, delete, delete, Op::Commit];
    let answers = run(&mut *session, &program).await.expect("it goes well");
    for (answer, changed) in answers[2..8].iter().zip([1, 1, 2, 4, 1, 0]) {
        // Where the database does not tell, it says no number.
        assert!(matches!(answer, OpOutcome::Done) || *answer == OpOutcome::Affected(changed), "{changed}: {answer:?}");
    }
    Outcome::Passed
}

pub(super) async fn measures_rows_of_tables(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE, ADD_ONE, Op::Statement("create table \"a \"\"b\"\" ü\" (id integer)")])
        .await
        .expect("made");
    let measure = Measure::RowCounts(vec!["t".into(), "no_such_table".into(), "a \"b\" ü".into()]);
    let answers = run(&mut *session, &[Op::Begin, Op::Measure(&measure), Op::Commit]).await.expect("measured");
    assert_eq!(answers[1], OpOutcome::Measured(Measurement::RowCounts(vec![Some(1), None, Some(0)])));
    Outcome::Passed
}

pub(super) async fn the_observer_hears_each_operation(bench: &Bench) -> Outcome {
    struct Order(Vec<usize>);
    impl Observer for Order {
        fn done(&mut self, index: usize, _: OpOutcome) {
            self.0.push(index);
        }
        fn notice(&mut self, _: whimbrel_core::Notice) {}
    }
    let mut session = bench.session().await;
    let mut order = Order(Vec::new());
    let program = [Op::Begin, Op::Seal, MAKE, ADD_ONE, Op::Query("select 1"), Op::Unseal, Op::Commit, ADD_TWO];
    session.run(&program, &mut order).await.expect("it goes well");
    assert_eq!(order.0, (0..program.len()).collect::<Vec<_>>());
    Outcome::Passed
}

pub(super) async fn an_empty_program_does_nothing(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    assert!(run(&mut *session, &[]).await.expect("there is nothing to do").is_empty());
    Outcome::Passed
}

pub(super) async fn writes_no_history_by_itself(bench: &Bench) -> Outcome {
    let mut session = bench.session().await;
    run(&mut *session, &[MAKE]).await.expect("it goes well");
    run(&mut *session, &[Op::Begin, Op::Seal, ADD_ONE, Op::Unseal, Op::Commit]).await.expect("it goes well");
    let halted = run(&mut *session, &[Op::Begin, WRONG, Op::Commit]).await.expect_err("it fails");
    clean_up(&mut *session, &halted).await;
    assert!(
        session.history(HistoryDetail::Full).await.expect("it can be read").is_none(),
        "nobody asked for a history"
    );
    super::history::create(&mut *session).await;
    run(&mut *session, &[Op::Begin, Op::Seal, ADD_TWO, Op::Unseal, Op::Commit]).await.expect("it goes well");
    let rows = session.history(HistoryDetail::Full).await.expect("it can be read").expect("it is there");
    assert!(rows.is_empty(), "nobody asked for a row: {rows:?}");
    Outcome::Passed
}

pub(super) async fn a_dropped_session_rolls_back(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key, n integer)").await;
    let mut session = bench.session().await;
    run(&mut *session, &[Op::Begin, ADD_ONE]).await.expect("a transaction is open");
    drop(session);
    writes_soon(bench).await;
    assert_eq!(count(bench).await, "1", "only the second insert of the key went through");
    Outcome::Passed
}

/// Another client can insert the same key, once the database noticed that the first is gone.
async fn writes_soon(bench: &Bench) {
    let client = bench.client();
    let until = client.clock().now() + Duration::from_secs(5);
    while client.clock().now() < until {
        let mut session = client.connect().await.expect("a client is let in");
        match run(&mut *session, &[Op::Begin, ADD_ONE, Op::Commit]).await {
            Ok(_) => return,
            Err(halted) => {
                assert_eq!(halted.error.kind(), BackendErrorKind::Busy, "{}", halted.error);
                clean_up(&mut *session, &halted).await;
            }
        }
        client.clock().sleep(Duration::from_millis(20)).await;
    }
    panic!("the transaction outlived its session by 5 s");
}

pub(super) async fn a_dropped_program_leaves_nothing_half_done(bench: &Bench) -> Outcome {
    bench.execute("create table t (id integer primary key, n integer)").await;
    let clock = bench.client();
    for polls in 0..6_u32 {
        let mut session = bench.session().await;
        {
            let mut heard = Heard::default();
            let program = [Op::Begin, ADD_ONE, ADD_TWO, Op::Rollback];
            let mut running = Box::pin(session.run(&program, &mut heard));
            for _ in 0..polls {
                if (&mut running).now_or_never().is_some() {
                    break;
                }
                clock.clock().sleep(Duration::from_millis(1)).await;
            }
        }
        drop(session);
        assert_eq!(count(bench).await, "0");
    }
    writes_soon(bench).await;
    Outcome::Passed
}

pub(super) async fn a_transaction_that_began_can_write(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection");
    bench.execute("create table t (id integer primary key, n integer)").await;
    let (mut one, mut two) = (bench.session().await, bench.session().await);
    run(&mut *one, &[Op::Begin]).await.expect("a transaction is open");
    let second = run(&mut *two, &[Op::Begin, Op::Query("select count(*) from t")]).await;
    run(&mut *one, &[ADD_ONE, Op::Commit]).await.expect("what began can write and commit");
    match second {
        Ok(_) => drop(run(&mut *two, &[ADD_TWO, Op::Commit]).await.expect("what began can write after others did")),
        Err(halted) => assert_eq!((halted.at, halted.error.kind()), (0, BackendErrorKind::Busy), "{}", halted.error),
    }
    Outcome::Passed
}

pub(super) async fn a_writer_does_not_wait_long_for_another(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection");
    bench.execute("create table t (id integer primary key, n integer)").await;
    let mut holder = bench.session().await;
    run(&mut *holder, &[Op::Begin, ADD_ONE]).await.expect("a transaction is open");
    let client = bench.client();
    let mut other = client.connect().await.expect("a client is let in");
    let before = client.clock().now();
    let begun = run(&mut *other, &[Op::Begin]).await;
    let waited = client.clock().now().saturating_sub(before);
    assert!(waited < Duration::from_secs(5), "it waited for {waited:?}");
    match begun {
        Ok(_) => drop(run(&mut *other, &[Op::Rollback]).await.expect("it is rolled back")),
        Err(halted) => assert_eq!(halted.error.kind(), BackendErrorKind::Busy, "{}", halted.error),
    }
    run(&mut *holder, &[Op::Commit]).await.expect("it commits");
    Outcome::Passed
}
