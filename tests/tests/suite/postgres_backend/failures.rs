//! Which operation failed, where in it, and what became of the transaction.

use super::*;

#[tokio::test]
async fn a_runtime_error_has_its_statement() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let id = version("1");
    let halted = bench.halts(&transaction(id, &["create table t (a int)", "select 1/0", "select 2"])).await;
    assert_eq!((halted.at, halted.error.kind()), (FIRST + 1, BackendErrorKind::Statement));
    assert_eq!((halted.error.code(), halted.error.position()), (Some("22012"), None));
    assert_eq!(halted.transaction, TransactionState::Open);
    let heard = bench.run(&[Op::Rollback]).await.unwrap();
    assert_eq!(heard.done, [(0, OpOutcome::Done)]);
    assert_eq!(bench.state(id).await, None);
    assert_eq!(bench.one("select to_regclass('t')").await, None);
}

#[tokio::test]
async fn a_position_counts_the_characters_of_its_statement() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let statements = ["-- é ünï 🎉\nselect 'é🎉'", "select\n  'ü',\n  nope\nfrom pg_class", "select 2"];
    let halted = bench.halts(&transaction(version("1"), &statements)).await;
    assert_eq!((halted.at, halted.error.code()), (FIRST + 1, Some("42703")));
    assert_eq!(halted.error.position(), Some(17));
    bench.run(&[Op::Rollback]).await.unwrap();
    // The same outside a transaction.
    let halted = bench.halts(&[Op::Statement("select 'é', nope")]).await;
    assert_eq!((halted.at, halted.error.position(), halted.transaction), (0, Some(13), TransactionState::None));
}

#[tokio::test]
async fn after_a_syntax_error_nothing_ran() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let program = transaction(version("1"), &["create table t (a int)", "selec\n  1", "select 2"]);
    let halted = bench.halts(&program).await;
    assert_eq!((halted.at, halted.error.code(), halted.error.position()), (FIRST + 1, Some("42601"), Some(1)));
    assert_eq!(halted.transaction, TransactionState::None);
    // An end that comes too soon is seen at the separator, and belongs to the statement before it.
    let halted = bench.halts(&transaction(version("1"), &["select (1", "select 2"])).await;
    assert_eq!((halted.at, halted.error.code(), halted.error.position()), (FIRST, Some("42601"), Some(10)));
    // A transaction that was begun before fails with it.
    bench.run(&[Op::Begin, claim(version("1")), Op::Seal]).await.unwrap();
    let halted = bench.halts(&[Op::Statement("select 1"), Op::Statement("selec")]).await;
    assert_eq!((halted.at, halted.transaction), (1, TransactionState::Open));
    bench.run(&[Op::Rollback]).await.unwrap();
    bench.run(&transaction(version("1"), &["select 1 -- and no semicolon", "/* a */ select 2;"])).await.unwrap();
}

#[tokio::test]
async fn a_text_that_ends_its_transaction_is_found_out() {
    needs_postgres!();
    for (number, statements, at, kind, code, committed) in [
        (
            1,
            &["create table t (a int)", "commit", "create table u (a int)"][..],
            6,
            BackendErrorKind::TransactionEnded,
            "25P01",
            true,
        ),
        (
            2,
            &["create table t (a int)", "commit", "begin", "create table u (a int)"],
            7,
            BackendErrorKind::TransactionEnded,
            "3B001",
            true,
        ),
        (
            3,
            &["create table t (a int)", "rollback", "create table u (a int)"],
            6,
            BackendErrorKind::TransactionEnded,
            "25P01",
            false,
        ),
        (4, &["create table t (a int)", "commit", "select 1/0"], 5, BackendErrorKind::TransactionEnded, "25P01", true),
        (
            5,
            &["create table t (a int)", "commit", "begin", "select 1/0"],
            6,
            BackendErrorKind::TransactionEnded,
            "3B001",
            true,
        ),
        (6, &["do $$ begin create table t (a int); commit; end $$"], 3, BackendErrorKind::Statement, "2D000", false),
    ] {
        let mut bench = Bench::new().await;
        let id = version("1");
        let halted = bench.halts(&transaction(id, statements)).await;
        assert_eq!((halted.at, halted.error.kind(), halted.error.code()), (at, kind, Some(code)), "case {number}");
        bench.run(&[Op::Rollback]).await.unwrap();
        let left =
            (bench.state(id).await.as_deref() == Some("running"), bench.one("select to_regclass('t')").await.is_some());
        assert_eq!(left, (committed, committed), "case {number}");
        assert_eq!(bench.one("select to_regclass('u')").await, None, "case {number}");
    }
}

#[tokio::test]
async fn a_failing_commit_has_rolled_back() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let id = version("1");
    let program = transaction(
        id,
        &[
            "create table par (id int primary key)",
            "create table ch (p int references par deferrable initially deferred)",
            "insert into ch values (77)",
        ],
    );
    let halted = bench.halts(&program).await;
    assert!(matches!(program[halted.at], Op::Commit));
    assert_eq!((halted.error.code(), halted.transaction), (Some("23503"), TransactionState::None));
    assert_eq!(bench.state(id).await, None);
    bench.run(&transaction(id, &["select 1"])).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_is_several_is_said_aloud() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let halted = bench.halts(&transaction(version("1"), &["select 1; select 2"])).await;
    assert_eq!(halted.error.kind(), BackendErrorKind::Internal);
    assert!(halted.error.message().contains("completed 9 statements where 8 were sent"), "{}", halted.error.message());
}

#[tokio::test]
async fn rules_and_rows_make_one_completion_each() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let setup = "create table par (id int); create table r (a int); \
        create rule i as on insert to r do instead nothing; \
        create rule u as on update to r do also (insert into par values (1); insert into par values (2))";
    bench.client.batch_execute(setup).await.unwrap();
    let statements = [
        "insert into r values (1)",
        "update r set a = 1",
        "select generate_series(1, 5)",
        "insert into par values (3), (4)",
    ];
    let heard = bench.run(&transaction(version("1"), &statements)).await.unwrap();
    assert_eq!(heard.done.len(), 10);
    assert_eq!(heard.done[FIRST + 3], (FIRST + 3, OpOutcome::Affected(2)));
}

#[tokio::test]
async fn an_inner_query_leads_to_its_place_in_the_text() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let text = "do $$ begin -- ü\n execute 'select 1'; create table t (a nonsense); end $$";
    let halted = bench.halts(&transaction(version("1"), &[text])).await;
    assert_eq!((halted.at, halted.error.code()), (FIRST, Some("42704")));
    let context = halted.error.context().unwrap();
    assert!(context.contains("inline_code_block") && context.contains("create table t (a nonsense)"), "{context}");
    let expected = text[..text.find("nonsense").unwrap()].chars().count() + 1;
    assert_eq!(halted.error.position(), Some(u32::try_from(expected).unwrap()));
}

#[tokio::test]
async fn codes_become_kinds() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    bench.client.batch_execute("create type mood as enum ('sad'); create table t (a int)").await.unwrap();
    for (statements, at, kind, code) in [
        (&["alter type mood add value 'ok'", "select 'ok'::mood"][..], 1, BackendErrorKind::Statement, "55P04"),
        (&["create index concurrently on t (a)"], 0, BackendErrorKind::Statement, "25001"),
        (&["set local transaction_read_only = on", "create table u (a int)"], 1, BackendErrorKind::ReadOnly, "25006"),
        (&["set local statement_timeout = 50", "select pg_sleep(5)"], 1, BackendErrorKind::Statement, "57014"),
        (&["do $$ begin raise exception 'no' using errcode = '40001'; end $$"], 0, BackendErrorKind::Conflict, "40001"),
    ] {
        let halted = bench.halts(&transaction(version("1"), statements)).await;
        assert_eq!((halted.at, halted.error.kind(), halted.error.code()), (FIRST + at, kind, Some(code)));
        assert!(code == "40001" || halted.error.hint().is_some(), "{code}");
        bench.run(&[Op::Rollback]).await.unwrap();
    }
    let blocker = bench.database.connect().await;
    blocker.batch_execute("begin; lock table t").await.unwrap();
    let halted =
        bench.halts(&transaction(version("1"), &["set local lock_timeout = 50", "alter table t add b int"])).await;
    assert_eq!((halted.error.kind(), halted.error.code()), (BackendErrorKind::Busy, Some("55P03")));
}

#[tokio::test]
async fn alone_a_statement_may_be_one_that_wants_no_transaction() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let program = [
        Op::Statement("create table t (a int)"),
        Op::Statement("create index concurrently t_a on t (a)"),
        Op::Statement("vacuum t"),
    ];
    assert_eq!(bench.run(&program).await.unwrap().done.len(), 3);
    assert_eq!(
        bench.one("select indisvalid from pg_index where indexrelid = 't_a'::regclass").await.as_deref(),
        Some("t")
    );
}

#[tokio::test]
async fn a_copy_with_the_client_ends_the_session_and_not_the_program() {
    needs_postgres!();
    for text in ["copy t from stdin", "copy t to stdout"] {
        let mut bench = Bench::new().await;
        let program = transaction(version("1"), &["create table t (a int)", text, "select 1"]);
        let halted = tokio::time::timeout(Duration::from_secs(10), bench.halts(&program)).await.unwrap();
        assert_eq!(halted.transaction, TransactionState::InDoubt, "{text}: {}", halted.error);
        let again = bench.halts(&[Op::Statement("select 1")]).await;
        assert_eq!(again.error.kind(), BackendErrorKind::ConnectionLost, "{text}");
    }
}

#[tokio::test]
async fn a_lost_connection_is_in_doubt_only_where_a_commit_was_sent() {
    needs_postgres!();
    for with_commit in [true, false] {
        let mut bench = Bench::new().await;
        let pid = pid_of(&mut bench).await;
        let mut program = transaction(version("1"), &["select pg_sleep(20)"]);
        if !with_commit {
            program.truncate(FIRST + 1);
        }
        let client = bench.database.connect().await;
        let kill = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            first(&client, &format!("select pg_terminate_backend({pid})")).await
        });
        let halted = bench.halts(&program).await;
        assert_eq!(halted.error.kind(), BackendErrorKind::ConnectionLost);
        let expected = if with_commit { TransactionState::InDoubt } else { TransactionState::Lost };
        assert_eq!((halted.at, halted.transaction), (FIRST, expected));
        kill.await.unwrap();
        let halted = bench.halts(&[Op::Statement("select 1")]).await;
        assert_eq!(halted.error.kind(), BackendErrorKind::ConnectionLost);
        assert_eq!(bench.state(version("1")).await, None);
    }
}

pub(super) async fn pid_of(bench: &mut Bench) -> String {
    let heard = bench.run(&[Op::Query("select pg_backend_pid()")]).await.unwrap();
    match &heard.done[0].1 {
        OpOutcome::Rows { rows, .. } => rows[0][0].clone().unwrap(),
        other => unreachable!("{other:?}"),
    }
}
