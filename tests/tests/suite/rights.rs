//! Few rights: reading needs no more than to read, and a run says what it lacks, with nothing half done.

use whimbrel::sqlite::SqliteBackend;
use whimbrel::{BackendErrorKind, CodeSource, MigrateError, Migrator};
use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::postgres::Role;

fn source() -> CodeSource {
    CodeSource::new().sql("1", "boards", "create table boards (id integer)")
}

fn more() -> CodeSource {
    source().sql("2", "users", "create table users (id integer)")
}

fn kind(error: &MigrateError) -> Option<BackendErrorKind> {
    match error {
        MigrateError::Backend { error, .. } | MigrateError::Connect { error, .. } => Some(error.kind()),
        other => other.failed()?.cause.backend().map(whimbrel::BackendError::kind),
    }
}

async fn with_role(attributes: &str) -> (TestDatabase, Role) {
    let database = TestDatabase::postgres().await;
    let on_server = database.server().expect("it is Postgres");
    let role = on_server.server().role(attributes).await;
    on_server.connect().await.batch_execute("revoke create on schema public from public").await.expect("revoked");
    (database, role)
}

fn migrator_as(database: &TestDatabase, role: &Role) -> Migrator {
    let url = database.server().expect("it is Postgres").url_as(role);
    Migrator::shared(whimbrel::Database::from_url(&url).expect("the URL is right").backend)
}

#[test]
fn a_postgres_role_that_can_only_read() {
    crate::needs_postgres!();
    crate::block_on(async {
        let (database, role) = with_role("NOSUPERUSER").await;
        let as_role = || migrator_as(&database, &role);
        let status = as_role().source(source()).status().await.expect("an empty database can be read");
        assert_eq!(status.pending(), 1);
        let error = as_role().source(source()).migrate().await.expect_err("it may not create");
        assert_eq!(kind(&error), Some(BackendErrorKind::Permission), "{error}");
        assert!(!error.to_string().contains(&role.password), "no password in {error}");
        assert!(database.tables().await.is_empty(), "nothing was created");

        database.migrator().source(source()).migrate().await.expect("the owner migrates");
        let grant = format!("grant select on whimbrel_history to {}", role.name);
        database.server().expect("it is Postgres").connect().await.batch_execute(&grant).await.expect("granted");
        let report = as_role().source(source()).migrate().await.expect("nothing is pending: no right is needed");
        assert!(report.applied.is_empty());
        assert_eq!(as_role().source(more()).status().await.expect("it can be read").pending(), 1);
        let error = as_role().source(more()).migrate().await.expect_err("it may not create");
        assert_eq!(kind(&error), Some(BackendErrorKind::Permission), "{error}");
        assert_eq!(database.tables().await, ["boards", "whimbrel_history"]);
        assert_eq!(database.column("select count(*) from whimbrel_history").await, ["1"]);
    });
}

#[test]
fn a_postgres_role_that_may_not_see_the_history() {
    crate::needs_postgres!();
    crate::block_on(async {
        let (database, role) = with_role("NOSUPERUSER").await;
        database.migrator().source(source()).migrate().await.expect("the owner migrates");
        let error = migrator_as(&database, &role).source(source()).status().await.expect_err("it may not look");
        assert_eq!(kind(&error), Some(BackendErrorKind::Permission), "{error}");
        assert!(error.to_string().contains("hint"), "it says what to do: {error}");
    });
}

#[test]
fn everything_belongs_to_the_postgres_role_that_was_set() {
    crate::needs_postgres!();
    crate::block_on(async {
        let (database, role) = with_role("NOSUPERUSER").await;
        let grant = format!("grant create, usage on schema public to {}", role.name);
        database.server().expect("it is Postgres").connect().await.batch_execute(&grant).await.expect("granted");
        database.migrator().source(more()).role(&role.name).migrate().await.expect("it becomes the role");
        let owners = "select distinct tableowner::text from pg_tables where schemaname = 'public'";
        assert_eq!(database.column(owners).await, std::slice::from_ref(&role.name));
        assert_eq!(database.tables().await.len(), 3);
    });
}

#[test]
fn a_sqlite_file_that_is_opened_for_reading() {
    crate::block_on(async {
        let database = TestDatabase::sqlite();
        database.migrator().source(source()).migrate().await.expect("it goes well");
        let reader = || Migrator::new(SqliteBackend::open(database.file()).read_only());
        assert!(reader().source(source()).migrate().await.expect("nothing is pending").applied.is_empty());
        assert_eq!(reader().source(more()).status().await.expect("it can be read").pending(), 1);
        let error = reader().source(more()).migrate().await.expect_err("it may not write");
        assert_eq!(kind(&error), Some(BackendErrorKind::ReadOnly), "{error}");
        assert_eq!(database.tables().await, ["boards", "whimbrel_history"]);
    });
}

#[test]
fn the_status_of_a_sqlite_file_that_is_not_there_makes_nothing() {
    crate::block_on(async {
        let folder = whimbrel_tests::subjects::folder();
        let file = folder.path().join("deep").join("app.db");
        let migrator = Migrator::new(SqliteBackend::open(&file)).source(source());
        assert_eq!(migrator.status().await.expect("it is empty").pending(), 1);
        assert_eq!(migrator.plan().await.expect("it is empty").steps.len(), 1);
        assert_eq!(std::fs::read_dir(folder.path()).expect("it can be read").count(), 0, "neither file nor folder");
        migrator.migrate().await.expect("a run makes both");
        assert!(file.exists());
    });
}
