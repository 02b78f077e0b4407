//! The code that the guide shows does what the guide says.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod testing;

use example_program::{code, connections, hooks, running};
use whimbrel::sqlite::{SqliteBackend, libsql};
use whimbrel::{CancelToken, MigrateError, MigrateErrorKind, Migrator, embed_migrations};

async fn memory() -> libsql::Connection {
    libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap()
}

async fn texts(connection: &libsql::Connection, sql: &str) -> Vec<String> {
    let mut rows = connection.query(sql, ()).await.unwrap();
    let mut texts = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        texts.push(row.get(0).unwrap());
    }
    texts
}

fn over(connection: &libsql::Connection) -> Migrator {
    Migrator::new(SqliteBackend::from_connection(connection.clone()))
}

#[tokio::test]
async fn a_connection_of_the_program_is_migrated_and_stays_usable() {
    let connection = memory().await;
    assert_eq!(connections::by_connection(&connection).await.unwrap().applied.len(), 1);
    assert_eq!(connections::by_connection(&connection).await.unwrap().applied.len(), 0);
    assert_eq!(texts(&connection, "SELECT name FROM whimbrel_history").await, ["people"]);
}

#[tokio::test]
async fn a_database_of_the_program_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let database = libsql::Builder::new_local(&path).build().await.unwrap();
    let migrator = connections::by_database(database).source(embed_migrations!("migrations"));
    assert_eq!(migrator.migrate().await.unwrap().applied.len(), 1);
    // By its URL it is the same database.
    let url = format!("sqlite:{}", path.display());
    assert!(connections::by_url(&url).unwrap().status().await.unwrap().up_to_date);
}

#[test]
fn urls_and_configurations_name_the_database_without_their_secrets() {
    let migrator = connections::by_url("postgres://app:s3cret@db.example/shop").unwrap();
    assert_eq!(migrator.backend().database(), "db.example:5432/shop");
    let mut config = whimbrel::postgres::tokio_postgres::Config::new();
    config.host("db.example").user("app").password("s3cret").dbname("shop");
    let migrator = connections::by_config(&config).unwrap();
    assert_eq!(migrator.backend().database(), "db.example:5432/shop");
    assert!(!format!("{migrator:?}").contains("s3cret"));
}

#[tokio::test]
async fn hooks_see_each_migration_and_can_refuse() {
    let connection = memory().await;
    let refused = over(&connection).source(embed_migrations!("migrations")).hooks(hooks::Careful { at_most: 0 });
    let error = refused.migrate().await.unwrap_err();
    assert!(matches!(error, MigrateError::Hook { hook: "before_run", .. }), "{error}");
    let allowed = over(&connection).source(embed_migrations!("migrations")).hooks(hooks::Careful { at_most: 9 });
    allowed.migrate().await.unwrap();
    assert_eq!(texts(&connection, "SELECT note FROM releases").await, ["people"]);
}

#[tokio::test]
async fn a_rust_migration_runs_after_the_files_before_it() {
    let connection = memory().await;
    connections::by_connection(&connection).await.unwrap();
    connection.execute("INSERT INTO people (name) VALUES ('Ada Lovelace'), ('O''Neill')", ()).await.unwrap();
    assert_eq!(code::with_code(over(&connection)).migrate().await.unwrap().applied.len(), 1);
    assert_eq!(texts(&connection, "SELECT initials FROM people ORDER BY id").await, ["AL", "O"]);
}

#[test]
fn a_program_without_async_migrates_too() {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("new/app.db"));
    let migrator = Migrator::new(backend).source(embed_migrations!("migrations"));
    assert_eq!(running::blocking(&migrator).unwrap(), 1);
    assert_eq!(running::blocking(&migrator).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_can_be_spawned_watched_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("app.db"));
    let migrator = Migrator::new(backend).source(embed_migrations!("migrations"));
    let migrator = running::with_log(running::for_rolling_deploys(migrator));

    let cancelled = CancelToken::new();
    cancelled.cancel();
    let error = migrator.clone().cancel(cancelled).migrate().await.unwrap_err();
    assert_eq!(error.kind(), MigrateErrorKind::Cancelled);

    let report = tokio::spawn(running::until_interrupted(migrator)).await.unwrap().unwrap();
    assert_eq!(report.applied.len(), 1);
}

#[tokio::test]
async fn a_failed_migration_was_rolled_back_and_the_advice_says_so() {
    let connection = memory().await;
    let source = whimbrel::CodeSource::new().sql("0000", "wrong", "CREATE TABLE a (id integer);\nSELEC 1;");
    let error = over(&connection).source(source).migrate().await.unwrap_err();
    assert!(running::advice(&error).starts_with("nothing of the failed migration is left"));
    assert_eq!(error.failed().unwrap().statement.as_ref().unwrap().line, 2);
}

#[tokio::test]
async fn a_backup_is_there_whether_or_not_the_run_goes_well() {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("app.db"));
    let migrator = Migrator::new(backend).source(embed_migrations!("migrations"));
    assert_eq!(running::with_backup(migrator.clone()).await.unwrap().backup, None, "there was nothing to copy");
    let more = whimbrel::CodeSource::new().sql("0001", "wrong", "SELEC 1;");
    let error = running::with_backup(migrator.source(more)).await.unwrap_err();
    assert!(error.report().backup.as_ref().unwrap().file.is_file());
}
