//! Programs: transactions, text that controls them, settings, measures, errors and their places.

use whimbrel_backend_sqlite::{SqliteBackend, libsql};
use whimbrel_core::backend::{Measure, Measurement};
use whimbrel_core::{BackendErrorKind, Halted, MigrationBackend, Op, OpOutcome, Session, Setting, TransactionState};

use crate::support::{exec, file, history, migrate, one, run};

#[tokio::test]
async fn a_migration_commits_with_its_row_or_leaves_nothing() {
    let (_directory, _backend, mut session) = file().await;
    migrate(&mut session, "1", &["create table t (a unique)", "insert into t values (1), (2)"]).await.unwrap();
    let halted = migrate(&mut session, "2", &["create table u (a)", "insert into t values (1)"]).await.unwrap_err();
    assert_eq!((halted.at, halted.transaction), (4, TransactionState::Open));
    assert_eq!(halted.error.kind(), BackendErrorKind::Statement);
    assert_eq!(halted.error.code(), Some("SQLITE_CONSTRAINT_UNIQUE (2067)"));
    assert!(std::error::Error::source(&halted.error).is_some());
    assert_eq!(one(&mut session, "select group_concat(name) from sqlite_schema where name in ('t', 'u')").await, "t");
    let rows = history(&mut session).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].statements_done, rows[0].statements_total, rows[0].fence), (3, 3, 1));
    assert!(rows[0].started_at.unwrap() <= rows[0].finished_at.unwrap());
}

/// Every way in which a text may touch the transaction, on connections with and without the handle.
#[tokio::test]
async fn text_cannot_end_its_transaction() {
    let texts: [&[&str]; 8] = [
        &["commit"],
        &["/* x */ End transaction"],
        &["ROLLBACK"],
        &["commit", "begin"],
        &["release whimbrel_seal"],
        &["rollback to WHIMBREL_SEAL"],
        &["begin"],
        &["insert or rollback into t values (1)"],
    ];
    for text in texts {
        let (_directory, _backend, mut session) = file().await;
        exec(&mut session, &["create table t (a unique)", "insert into t values (1)"]).await;
        let mut statements = vec!["create table before_it (a)"];
        statements.extend(text);
        statements.push("create table after_it (a)");
        let halted = migrate(&mut session, "1", &statements).await.unwrap_err();
        let found = one(&mut session, "select count(*) from sqlite_schema where name like '%_it'").await;
        assert_eq!(found, "0", "{text:?}: nothing of the migration is left");
        assert!(history(&mut session).await.unwrap().is_empty(), "{text:?}: no row");
        assert_eq!(halted.at, 4, "{text:?}: stops at the statement itself");
        let expected = if text[0].starts_with("insert") {
            (BackendErrorKind::Statement, TransactionState::None)
        } else {
            (BackendErrorKind::TransactionEnded, TransactionState::Open)
        };
        assert_eq!((halted.error.kind(), halted.transaction), expected, "{text:?}: {}", halted.error);
    }
}

#[tokio::test]
async fn savepoints_of_the_text_are_its_own() {
    let (_directory, _backend, mut session) = file().await;
    let text = ["savepoint s", "create table gone (a)", "rollback to s", "release s", "create table kept (a)"];
    migrate(&mut session, "1", &text).await.unwrap();
    assert_eq!(one(&mut session, "select name from sqlite_schema where name in ('gone', 'kept')").await, "kept");
}

#[tokio::test]
async fn on_a_callers_connection_the_end_is_noticed_after_the_statement() {
    for text in ["commit", "rollback", "end"] {
        let connection = libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
        let mut session = SqliteBackend::from_connection(connection).connect().await.unwrap();
        run(&mut session, &[Op::CreateHistory]).await.unwrap();
        let halted = migrate(&mut session, "1", &["create table a (x)", text, "create table b (x)"]).await.unwrap_err();
        assert_eq!(halted.error.kind(), BackendErrorKind::TransactionEnded);
        assert_eq!((halted.at, halted.transaction), (4, TransactionState::None));
        assert_eq!(one(&mut session, "select count(*) from sqlite_schema where name = 'b'").await, "0");
    }
    let connection = libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
    let mut session = SqliteBackend::from_connection(connection).connect().await.unwrap();
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    let halted = migrate(&mut session, "1", &["release whimbrel_seal"]).await.unwrap_err();
    assert_eq!((halted.at, halted.error.kind()), (4, BackendErrorKind::TransactionEnded), "found by Unseal");
    run(&mut session, &[Op::Rollback]).await.unwrap();
}

/// Outside of core's transaction a text may have its own: `VACUUM` begins one inside, and files are run as they are.
#[tokio::test]
async fn alone_a_text_may_begin_and_end_a_transaction_of_its_own() {
    let (_directory, _backend, mut session) = file().await;
    run(&mut session, &["begin", "create table c (x)", "commit", "vacuum"].map(Op::Statement)).await.unwrap();
    assert_eq!(one(&mut session, "select count(*) from sqlite_schema where name = 'c'").await, "1");
    run(&mut session, &["begin", "create table d (x)"].map(Op::Statement)).await.unwrap();
    run(&mut session, &[Op::Rollback]).await.unwrap();
    assert_eq!(one(&mut session, "select count(*) from sqlite_schema where name = 'd'").await, "0");
}

async fn failure(session: &mut Box<dyn Session>, sql: &str) -> Halted {
    run(session, &[Op::Statement(sql)]).await.unwrap_err()
}

#[tokio::test]
async fn double_quoted_names_are_never_strings() {
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["create table t (a)"]).await;
    for sql in ["select \"no_such\"", "create index i on t (\"nope\")", "create table u (a check (a <> \"nope\"))"] {
        let halted = failure(&mut session, sql).await;
        assert_eq!(halted.error.kind(), BackendErrorKind::Statement, "{sql}");
        assert!(halted.error.message().contains("no such column"), "{sql}: {}", halted.error);
    }
    let mut memory = SqliteBackend::memory().connect().await.unwrap();
    failure(&mut memory, "select \"no_such\"").await;
}

#[tokio::test]
async fn errors_have_their_place_in_characters() {
    let (_directory, _backend, mut session) = file().await;
    let mut guest = SqliteBackend::from_connection(
        libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap(),
    )
    .connect()
    .await
    .unwrap();
    for session in [&mut session, &mut guest] {
        for (sql, word) in [
            ("select 'äöü🦀', 1 frm t where", "t"),
            ("-- größer\nselect wrong_name", "wrong_name"),
            ("insert into nope values ('ß')", "nope"),
        ] {
            let halted = failure(session, sql).await;
            let position = usize::try_from(halted.error.position().unwrap()).unwrap();
            let rest: String = sql.chars().skip(position - 1).collect();
            assert!(rest.starts_with(word), "{sql}: {} at {position}", halted.error);
        }
        assert_eq!(failure(session, "select ?1").await.error.kind(), BackendErrorKind::Statement);
        assert!(failure(session, "select 1;\0 select 2").await.error.message().contains("NUL"));
    }
}

#[tokio::test]
async fn a_second_statement_is_not_forgotten() {
    let (_directory, _backend, mut session) = file().await;
    let halted = failure(&mut session, "create table a (x); create table b (x)").await;
    assert_eq!(halted.error.position(), Some(20));
    assert_eq!(one(&mut session, "select count(*) from sqlite_schema where name in ('a', 'b')").await, "0");
    exec(
        &mut session,
        &[
            "create table a (x); -- end; really\n;",
            "create trigger r after insert on a begin insert into a select 1 where 0; delete from a where x = 2; end;",
            "insert into a values ('x;y')",
        ],
    )
    .await;
}

#[tokio::test]
async fn rows_are_written_as_sqlite_writes_them() {
    let (_directory, _backend, mut session) = file().await;
    let sql = "select null as a, 7 as b, 0.1 + 0.2 as c, 'x' as d, x'00ff' as e, 1e20 as f, 2.0 as g";
    let outcome = run(&mut session, &[Op::Query(sql)]).await.unwrap();
    let [OpOutcome::Rows { columns, rows }] = outcome.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(columns.join(""), "abcdefg");
    let halted = run(&mut session, &[Op::Query("select cast(x'ff' as text) as odd")]).await.unwrap_err();
    assert_eq!(halted.error.message(), "a text in the column `odd` is not UTF-8");
    exec(&mut session, &["select cast(x'ff' as text)"]).await;
    let row: Vec<_> = rows[0].iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
    assert_eq!(row, ["NULL", "7", "0.3", "x", "X'00FF'", "1.0e+20", "2.0"]);
}

#[tokio::test]
async fn reals_are_written_as_sqlite_casts_them() {
    let (_directory, _backend, mut session) = file().await;
    for real in [
        "0.0",
        "-1.5",
        "1e-5",
        "123456789012345.0",
        "1234567890123456.0",
        "0.0001",
        "3.14159265358979",
        "1e300",
        "9e999",
        "-2e-10",
    ] {
        let sql = format!("select {real} as r union all select cast({real} as text)");
        let answer = one(&mut session, &sql).await;
        let (ours, theirs) = answer.split_once(',').unwrap();
        assert_eq!(ours, theirs, "{real}");
    }
}

#[tokio::test]
async fn foreign_keys_switch_outside_only() {
    let (_directory, _backend, mut session) = file().await;
    exec(
        &mut session,
        &[
            "create table p (id integer primary key)",
            "create table c (p references p (id) on delete cascade)",
            "insert into p values (1)",
            "insert into c values (1)",
        ],
    )
    .await;
    let off = Setting::ForeignKeys(false);
    let (delete, check) = (Op::Statement("delete from p"), Op::Measure(&Measure::ForeignKeyViolations));
    let outcome = run(&mut session, &[Op::Set(&off), Op::Begin, delete, check, Op::Commit]).await.unwrap();
    assert_eq!(outcome[0], OpOutcome::Previous(Setting::ForeignKeys(true)));
    assert_eq!(outcome[2], OpOutcome::Affected(1));
    let lines = vec!["c row 1 refers to missing p".to_owned()];
    assert_eq!(outcome[3], OpOutcome::Measured(Measurement::ForeignKeyViolations(lines)));
    let on = Setting::ForeignKeys(true);
    let halted = run(&mut session, &[Op::Begin, Op::Set(&on)]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::SettingRefused);
    let outcome = run(&mut session, &[Op::Rollback, Op::Set(&on)]).await.unwrap();
    assert_eq!(outcome[1], OpOutcome::Previous(off));
    for setting in [
        Setting::Role(None),
        Setting::LockTimeout(std::time::Duration::ZERO),
        Setting::StatementTimeout(std::time::Duration::ZERO),
    ] {
        let halted = run(&mut session, &[Op::Set(&setting)]).await.unwrap_err();
        assert_eq!(halted.error.kind(), BackendErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn reset_undoes_what_a_text_set() {
    let (_directory, backend, mut session) = file().await;
    let state = "select group_concat(v) from (select * from pragma_foreign_keys union all select * from pragma_synchronous union all \
                 select * from pragma_query_only union all select * from pragma_locking_mode union all select * from pragma_busy_timeout \
                 union all select count(*) from temp.sqlite_schema union all select count(*) from pragma_database_list where name = 'o' \
                 union all select 'A' like 'a')"
        .replace("select * from pragma_foreign_keys", "select foreign_keys as v from pragma_foreign_keys");
    let before = one(&mut session, &state).await;
    exec(
        &mut session,
        &[
            "pragma foreign_keys = off",
            "pragma synchronous = off",
            "pragma locking_mode = exclusive",
            "pragma busy_timeout = 5",
            "pragma case_sensitive_like = on",
            "create temp table t (a)",
            "create temp view v as select * from t",
            "attach ':memory:' as o",
            "pragma query_only = on",
        ],
    )
    .await;
    assert_ne!(one(&mut session, &state).await, before);
    run(&mut session, &[Op::Set(&Setting::Reset)]).await.unwrap();
    assert_eq!(one(&mut session, &state).await, before);
    exec(&mut session, &["create table still_writable (a)"]).await;
    let mut other = backend.connect().await.unwrap();
    exec(&mut other, &["create table not_locked_out (a)"]).await;
}

#[tokio::test]
async fn measures_count() {
    let (_directory, _backend, mut session) = file().await;
    exec(
        &mut session,
        &[
            "create table \"odd \"\" name\" (a)",
            "insert into \"odd \"\" name\" values (1), (2)",
            "create table bare (id)",
            "create table mismatch (a references bare (id))",
            "create table keyless (a primary key references nowhere (id)) without rowid",
            "pragma foreign_keys = off",
            "insert into mismatch values (1)",
            "insert into keyless values (1)",
        ],
    )
    .await;
    let tables = Measure::RowCounts(vec!["odd \" name".into(), "none".into(), "MISMATCH".into()]);
    let outcome =
        run(&mut session, &[Op::Measure(&tables), Op::Measure(&Measure::ForeignKeyViolations)]).await.unwrap();
    assert_eq!(outcome[0], OpOutcome::Measured(Measurement::RowCounts(vec![Some(2), None, Some(1)])));
    let OpOutcome::Measured(Measurement::ForeignKeyViolations(lines)) = &outcome[1] else { panic!("{outcome:?}") };
    assert_eq!(lines[0], "a row of keyless refers to missing nowhere");
    assert!(lines[1].starts_with("mismatch: foreign key mismatch"), "{lines:?}");
}

#[tokio::test]
async fn a_comment_alone_is_no_error() {
    let (_directory, _backend, mut session) = file().await;
    exec(&mut session, &["-- nothing", ""]).await;
}
