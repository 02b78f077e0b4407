//! The history table: created by many at once, read without a trace, read back as it was written.

use whimbrel_core::{HistoryRow, RowState, Timestamp};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_create_it_at_the_same_moment() {
    needs_postgres!();
    for schema in ["public", "o\"p's \\ ü"] {
        let database = fresh_database().await;
        let backend =
            PostgresBackend::from_url(&database.url()).unwrap().history_schema(schema).history_table("h'\"$$");
        for _ in 0..5 {
            let mut sessions = Vec::new();
            for _ in 0..8 {
                sessions.push(backend.connect().await.unwrap());
            }
            let runs: Vec<_> = sessions
                .into_iter()
                .map(|mut session| {
                    tokio::spawn(async move { session.run(&[Op::CreateHistory], &mut Heard::default()).await })
                })
                .collect();
            for run in runs {
                run.await.unwrap().unwrap();
            }
            let mut session = backend.connect().await.unwrap();
            assert_eq!(session.history(HistoryDetail::Full).await.unwrap().map(|rows| rows.len()), Some(0));
            let client = database.connect().await;
            client.batch_execute(&format!("drop table {}", quoted(schema, "h'\"$$"))).await.unwrap();
        }
    }
}

fn quoted(schema: &str, table: &str) -> String {
    format!("{}.{}", whimbrel_core::quote_identifier(schema), whimbrel_core::quote_identifier(table))
}

#[tokio::test]
async fn reading_what_is_not_there_creates_nothing() {
    needs_postgres!();
    let mut bench = Bench::without_history().await;
    assert!(bench.session.history(HistoryDetail::Check).await.unwrap().is_none());
    let backend = PostgresBackend::from_url(&bench.database.url()).unwrap().history_schema("nowhere");
    let mut session = backend.connect().await.unwrap();
    assert!(session.history(HistoryDetail::Full).await.unwrap().is_none());
    assert_eq!(bench.one("select count(*) from pg_tables where schemaname = 'public'").await.as_deref(), Some("0"));
    assert_eq!(bench.one("select to_regnamespace('nowhere')").await, None);
}

#[tokio::test]
async fn another_table_of_that_name_is_not_taken_for_a_history() {
    needs_postgres!();
    let mut bench = Bench::without_history().await;
    bench.client.batch_execute("create table whimbrel_history (id int)").await.unwrap();
    let error = bench.session.history(HistoryDetail::Check).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::HistoryFormat);
    assert!(error.hint().is_some());
    let halted = bench.halts(&transaction(version("1"), &["create table t (a int)"])).await;
    assert_eq!(halted.error.kind(), BackendErrorKind::HistoryFormat);
}

#[tokio::test]
async fn rows_read_back_as_they_were_written() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let rows = [
        row(MigrationKey::Version("0012".parse().unwrap()), RowState::Applied),
        row(MigrationKey::Repeatable("it's \\ ü".into()), RowState::Failed),
        row(MigrationKey::Seed("seed".into()), RowState::Running),
    ];
    bench.run(&[Op::Record(&rows)]).await.unwrap();
    let read = bench.session.history(HistoryDetail::Full).await.unwrap().unwrap();
    assert_eq!(read.len(), 3);
    for wanted in &rows {
        let found = read.iter().find(|row| row.id == wanted.id).unwrap();
        let left = found.lease_left.map(|left| left.as_secs());
        assert!(left == wanted.lease_left.map(|left| left.as_secs()) || left == Some(59), "{left:?}");
        let mut same = found.clone();
        same.lease_left = wanted.lease_left;
        assert_eq!(format!("{same:?}"), format!("{wanted:?}"));
    }
    // The check leaves out of an applied row what planning does not need.
    let check = bench.session.history(HistoryDetail::Check).await.unwrap().unwrap();
    let of = |state| check.iter().find(|row| row.state == state).unwrap();
    assert_eq!((of(RowState::Applied).token_checksum.clone(), &*of(RowState::Applied).run_by), (None, ""));
    assert_eq!((of(RowState::Failed).error.as_deref(), &*of(RowState::Failed).run_by), (Some("bro'ken"), "me"));
    // All or none.
    let again = [row(MigrationKey::Seed("new".into()), RowState::Applied), rows[0].clone()];
    assert_eq!(bench.halts(&[Op::Record(&again)]).await.error.kind(), BackendErrorKind::AlreadyClaimed);
    assert_eq!(bench.one("select count(*) from whimbrel_history").await.as_deref(), Some("3"));
    bench.run(&[Op::Record(&[])]).await.unwrap();
}

fn row(key: MigrationKey, state: RowState) -> HistoryRow {
    let name = match &key {
        MigrationKey::Version(_) => "it's \\ ü".into(),
        MigrationKey::Repeatable(name) | MigrationKey::Seed(name) => name.clone(),
    };
    HistoryRow {
        id: MigrationId { namespace: "lib's".into(), key },
        name,
        checksum: Checksum::of_text("a"),
        token_checksum: Some(Checksum::of_text("b")),
        state,
        statements_done: 2,
        statements_total: 3,
        prefix_checksum: (state != RowState::Applied).then(|| Checksum::of_text("c")),
        fence: 9_000_000_000,
        lease_left: (state == RowState::Running).then_some(Duration::from_secs(60)),
        started_at: Some(Timestamp::from_microseconds(1_795_363_115_854_123)),
        finished_at: Some(Timestamp::from_microseconds(-1)),
        duration_ms: Some(1234),
        origin: "adopted:other".into(),
        tool_version: "0.1.0".into(),
        run_by: "me".into(),
        error: (state == RowState::Failed).then(|| "bro'ken".into()),
    }
}

#[tokio::test]
async fn a_migrations_settings_do_not_reach_the_history() {
    needs_postgres!();
    let mut bench = Bench::new().await;
    let id = version("1");
    let statements = [
        "set local standard_conforming_strings = off",
        "set local search_path = nowhere",
        "set local datestyle = 'SQL, DMY'",
        "set local intervalstyle = 'sql_standard'",
        "set local timezone = 'Asia/Kathmandu'",
        "set local quote_all_identifiers = on",
    ];
    bench.run(&transaction(id, &statements)).await.unwrap();
    // The same for a session, with rows whose texts need care.
    for statement in
        ["set standard_conforming_strings = off", "set search_path = nowhere", "set datestyle = 'SQL, DMY'"]
    {
        bench.run(&[Op::Statement(statement)]).await.unwrap();
    }
    bench.run(&[Op::Record(&[row(MigrationKey::Seed("a\\'b".into()), RowState::Applied)])]).await.unwrap();
    let read = bench.session.history(HistoryDetail::Full).await.unwrap().unwrap();
    assert!(read.iter().any(|row| row.id.key == MigrationKey::Seed("a\\'b".into()) && &*row.id.namespace == "lib's"));
}

#[tokio::test]
async fn missing_rights_are_named() {
    needs_postgres!();
    let bench = Bench::new().await;
    let role = bench.database.server().role("").await;
    let backend = PostgresBackend::from_url(&bench.database.url_as(&role)).unwrap();
    let mut session = backend.connect().await.unwrap();
    let error = session.history(HistoryDetail::Check).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (BackendErrorKind::Permission, Some("42501")));
    assert!(error.hint().unwrap().contains("grant select"), "{:?}", error.hint());
    bench.client.batch_execute(&format!("grant select on whimbrel_history to {}", role.name)).await.unwrap();
    assert!(session.history(HistoryDetail::Check).await.unwrap().is_some());
    let halted = session.run(&[claim(version("1"))], &mut Heard::default()).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::Permission);
    bench.client.batch_execute("revoke create on schema public from public").await.unwrap();
    let other = backend.clone().history_table("other");
    let mut session = other.connect().await.unwrap();
    let halted = session.run(&[Op::CreateHistory], &mut Heard::default()).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::Permission);
    assert!(halted.error.hint().unwrap().contains("grant usage, create on schema"), "{:?}", halted.error.hint());
    // An existing table needs no right to create.
    session = backend.connect().await.unwrap();
    session.run(&[Op::CreateHistory], &mut Heard::default()).await.unwrap();
}
