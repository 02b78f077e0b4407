//! Where the database is: missing files, foreign files, memory, the caller's connections, administration.

use std::fs;
use std::time::Duration;

use whimbrel_backend_sqlite::{SqliteBackend, libsql};
use whimbrel_core::{BackendErrorKind, Checksum, DatabaseAdmin, HistoryDetail, MigrationBackend, Op, Setting};

use crate::support::{exec, file, history, migrate, one, run};

#[tokio::test]
async fn reading_makes_nothing_and_writing_makes_the_directory_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/app.db");
    let backend = SqliteBackend::open(&path);
    let mut session = backend.connect().await.unwrap();
    assert!(history(&mut session).await.is_none());
    run(&mut session, &[Op::Rollback]).await.unwrap();
    assert_eq!(one(&mut session, "select count(*) from sqlite_schema").await, "0");
    assert!(!backend.exists().await.unwrap());
    assert_eq!(backend.contents().await.unwrap(), vec![]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was made");
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    assert!(path.is_file());
    assert_eq!(history(&mut session).await.unwrap().len(), 0);
}

#[tokio::test]
async fn modes_of_the_url_hold() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b.db");
    let url = |mode: &str| format!("sqlite:{}?mode={mode}", path.display().to_string().replace(' ', "%20"));
    for mode in ["ro", "rw"] {
        let error = SqliteBackend::from_url(&url(mode)).unwrap().connect().await.err().unwrap();
        assert_eq!(error.kind(), BackendErrorKind::NoSuchDatabase, "{error}");
    }
    let mut session = SqliteBackend::from_url(&url("rwc")).unwrap().connect().await.unwrap();
    exec(&mut session, &["create table t (a)"]).await;
    let mut reader = SqliteBackend::from_url(&url("ro")).unwrap().connect().await.unwrap();
    let halted = run(&mut reader, &[Op::Statement("insert into t values (1)")]).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::ReadOnly, "{}", halted.error);
    assert_eq!(one(&mut reader, "select count(*) from t").await, "0");
}

#[tokio::test]
async fn what_is_no_database_is_said_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    fs::write(&path, "not a database, but long enough to have a header of the size that is read. ".repeat(9)).unwrap();
    let backend = SqliteBackend::open(&path);
    let error = backend.connect().await.unwrap().history(HistoryDetail::Check).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Config);
    assert_eq!(error.code(), Some("SQLITE_NOTADB (26)"));
    assert_eq!(backend.drop().await.unwrap_err().kind(), BackendErrorKind::Config);
    assert!(path.exists());
    let error = SqliteBackend::open(directory.path()).connect().await.err().unwrap();
    assert_eq!(error.kind(), BackendErrorKind::Config, "{error}");
    assert!(error.message().contains("is a directory"));
    let below = SqliteBackend::open(path.join("app.db"));
    let error = below.connect().await.err().unwrap();
    assert_eq!(error.kind(), BackendErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn memory_is_one_database_for_all_sessions() {
    let backend = SqliteBackend::memory();
    let mut first = backend.connect().await.unwrap();
    run(&mut first, &[Op::CreateHistory]).await.unwrap();
    migrate(&mut first, "1", &["create table t (a)"]).await.unwrap();
    first.close().await.unwrap();
    let mut second = backend.clone().connect().await.unwrap();
    assert_eq!(history(&mut second).await.unwrap().len(), 1);
    assert!(!backend.capabilities().second_session);
    assert_eq!(backend.contents().await.unwrap(), [("t".to_owned(), 0)]);
    assert!(backend.drop().await.unwrap());
    assert!(history(&mut second).await.is_none());
}

#[tokio::test]
async fn a_callers_connection_in_memory_is_migrated_and_left_as_it_was() {
    let database = libsql::Builder::new_local(":memory:").build().await.unwrap();
    let connection = database.connect().unwrap();
    connection.busy_timeout(Duration::from_millis(4321)).unwrap();
    connection.query("pragma recursive_triggers = on", ()).await.unwrap().next().await.unwrap();
    let backend = SqliteBackend::from_connection(connection.clone());
    let mut session = backend.connect().await.unwrap();
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    run(&mut session, &[Op::Set(&Setting::ForeignKeys(false))]).await.unwrap();
    exec(&mut session, &["pragma recursive_triggers = off", "pragma legacy_alter_table = on"]).await;
    migrate(&mut session, "1", &["create table t (a)", "insert into t values (1)"]).await.unwrap();
    run(&mut session, &[Op::Begin, Op::Statement("insert into t values (2)")]).await.unwrap();
    drop(session);
    assert!(connection.is_autocommit(), "out of the transaction that was open");
    let state = "select (select count(*) from t) || ',' || (select * from pragma_foreign_keys) || ',' || \
                 (select * from pragma_recursive_triggers) || ',' || (select * from pragma_legacy_alter_table) || ',' || \
                 (select * from pragma_busy_timeout)";
    let row = connection.query(state, ()).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(row.get_str(0).unwrap(), "1,1,1,0,4321");
}

#[tokio::test]
async fn a_callers_open_transaction_is_refused_and_kept() {
    let connection = libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
    let backend = SqliteBackend::from_connection(connection.clone());
    let mut early = backend.connect().await.unwrap();
    connection.execute("begin", ()).await.unwrap();
    for error in [backend.connect().await.err().unwrap(), early.history(HistoryDetail::Check).await.unwrap_err()] {
        assert_eq!(error.kind(), BackendErrorKind::Config);
        assert!(error.message().contains("a transaction is open"));
    }
    assert!(!connection.is_autocommit());
}

#[tokio::test]
async fn a_callers_database_in_memory_is_refused_unless_it_is_shared() {
    let private = libsql::Builder::new_local(":memory:").build().await.unwrap();
    let error = SqliteBackend::from_database(private).connect().await.err().unwrap();
    assert_eq!(error.kind(), BackendErrorKind::Config);
    assert!(error.hint().unwrap().contains("from_connection"));
    let shared = libsql::Builder::new_local("file:whimbrel_shared?mode=memory&cache=shared").build().await.unwrap();
    let keep = shared.connect().unwrap();
    let mut session = SqliteBackend::from_database(shared).connect().await.unwrap();
    exec(&mut session, &["create table seen (a)"]).await;
    assert!(keep.query("select * from seen", ()).await.is_ok());
}

#[tokio::test]
async fn something_else_of_the_historys_name_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(directory.path().join("app.db"));
    let mut session = backend.connect().await.unwrap();
    exec(&mut session, &["create table whimbrel_history (id, note)", "create view \"odd \"\" name\" as select 1"])
        .await;
    let error = session.history(HistoryDetail::Check).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::HistoryFormat, "{error}");
    assert!(error.message().contains("`fence`") && error.message().contains("whimbrel_history"), "{error}");
    let mut session = backend.clone().history_table("odd \" name").connect().await.unwrap();
    let error = session.history(HistoryDetail::Check).await.unwrap_err();
    assert!(error.message().contains("it is a view"), "{error}");
    let mut session = backend.history_table("other \" name").connect().await.unwrap();
    run(&mut session, &[Op::CreateHistory, Op::CreateHistory]).await.unwrap();
    migrate(&mut session, "1", &[]).await.unwrap();
    assert_eq!(history(&mut session).await.unwrap().len(), 1);
}

#[tokio::test]
async fn damaged_rows_are_errors_and_not_panics() {
    let (_directory, _backend, mut session) = file().await;
    migrate(&mut session, "1", &[]).await.unwrap();
    for (set, part) in [
        ("state = 'odd'", "`odd`"),
        ("format = 99", "format 99"),
        ("statements_done = 'many'", "`statements_done`"),
        ("started_at = 'yesterday'", "`yesterday`"),
        ("version = x'00ff'", "`version`"),
        ("statements_total = -4", "`-4`"),
        ("name = cast(x'ff' as text)", "`name`"),
    ] {
        let update = format!("update whimbrel_history set {set}");
        run(&mut session, &[Op::Begin, Op::Statement(&update)]).await.unwrap();
        let error = session.history(HistoryDetail::Full).await.unwrap_err();
        assert_eq!(error.kind(), BackendErrorKind::HistoryFormat, "{set}: {error}");
        assert!(error.message().contains(part), "{set}: {error}");
        run(&mut session, &[Op::Rollback]).await.unwrap();
    }
    exec(&mut session, &["update whimbrel_history set checksum = 'v9:odd', lease_until = 'never'"]).await;
    assert_eq!(history(&mut session).await.unwrap()[0].checksum, Checksum::parse("v9:odd"));
}

#[tokio::test]
async fn administration_makes_tells_and_removes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/app.db");
    let backend = SqliteBackend::open(&path);
    assert!(!backend.drop().await.unwrap());
    assert!(backend.create().await.unwrap());
    assert!(!backend.create().await.unwrap());
    assert!(fs::metadata(&path).unwrap().len() > 0);
    let mut session = backend.connect().await.unwrap();
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    exec(
        &mut session,
        &["pragma journal_mode = wal", "create table sqlitely (a)", "insert into sqlitely values (1), (2)"],
    )
    .await;
    assert_eq!(backend.contents().await.unwrap(), [("sqlitely".to_owned(), 2)]);
    run(&mut session, &[Op::Begin]).await.unwrap();
    assert_eq!(backend.drop().await.unwrap_err().kind(), BackendErrorKind::Busy);
    assert!(path.exists());
    run(&mut session, &[Op::Rollback]).await.unwrap();
    assert!(backend.drop().await.unwrap());
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0, "no -wal, no -shm");
}

#[test]
fn nothing_secret_is_shown() {
    let url = "libsql://host.example?authToken=s3cret";
    match SqliteBackend::from_url(url) {
        Ok(backend) => assert!(!format!("{backend:?} {}", backend.database()).contains("s3cret")),
        Err(error) => assert!(!format!("{error:?} {error}").contains("s3cret")),
    }
}
