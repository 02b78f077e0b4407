//! What only Postgres has: rights, schemas, and texts that it writes anew.

use whimbrel::schema::{Baseline, Snapshot, Snapshots, dialect, scratch};
use whimbrel::{Database, DirectorySource, HistoryPlace, MigrateError, Migrator, Sql, SqlSession};
use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::postgres::Role;

use super::{folder, write_snapshots_of};
use crate::{block_on, needs_postgres};

/// A table, a view and a function, whose texts the server writes in its own way.
const FILES: [(&str, &str); 2] = [
    ("0000_notes.sql", "create table notes (id integer primary key, body text not null, at timestamptz default now())"),
    (
        "0001_views.sql",
        "create view recent as select * from notes where at > now() - interval '1 day';\n\
         create function shout(words text) returns text language sql as 'select upper(words)'",
    ),
];

const BY_HAND: [&str; 3] = [
    "create table notes (body text not null, id int4 not null, at timestamp with time zone default (now()), primary key (id))",
    "create or replace function shout(words text) returns text as 'select upper(words)' language sql",
    "create view recent as select id, body, at from notes where at > now() - interval '23 hours'",
];

fn of_url(url: &str, folder: &std::path::Path) -> Migrator {
    let backend = Database::from_url(url).expect("the URL is right").backend;
    Migrator::shared(backend).source(DirectorySource::new(folder))
}

fn plain(migrator: &Migrator, folder: &std::path::Path) -> Baseline {
    let snapshots = Snapshots::of_folder(folder).expect("a folder");
    Baseline::new(migrator.backend()).expect("this build has it").snapshots(snapshots)
}

async fn run(url: &str, statements: &[&str]) {
    let backend = Database::from_url(url).expect("the URL is right").backend;
    let mut sql = SqlSession::connect(&*backend).await.expect("it is let in");
    for statement in statements {
        sql.execute(statement).await.expect(statement);
    }
    sql.close().await.expect("it ends");
}

#[test]
fn views_and_functions_are_compared_as_one_server_writes_them() {
    needs_postgres!();
    block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = folder(&database, &FILES);
        run(database.url(), &BY_HAND).await;
        run(database.url(), &["create table migrations (id serial primary key, name text)"]).await;
        let migrator = of_url(database.url(), &folder);
        let with_scratch = || {
            let scratch = scratch("postgres", Some(database.url())).expect("the URL is right");
            plain(&migrator, &folder).scratch(scratch)
        };
        let error = with_scratch().record(&migrator).await.expect_err("another interval").to_string();
        assert!(error.contains("view recent is") && error.contains("0001_views.sql makes it so"), "{error}");
        let equal = "create view recent as (select id, body, at from notes where at > (now() - '1 day'::interval))";
        run(database.url(), &["drop view recent", equal]).await;
        let found = with_scratch().record(&migrator).await.expect("the server writes both alike");
        let books = "table migrations: it looks like the books of a tool for migrations".to_owned();
        assert_eq!((found.proof.version.as_str(), found.proof.uncompared), ("0001", vec![books]));
    });
}

#[test]
fn a_role_that_may_make_no_database_needs_snapshots() {
    needs_postgres!();
    block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = folder(&database, &super::FILES);
        let on_server = database.server().expect("it is Postgres");
        let role: Role = on_server.server().role("NOSUPERUSER NOCREATEDB").await;
        let grant = format!("grant create, usage on schema public to {}", role.name);
        on_server.connect().await.batch_execute(&grant).await.expect("granted");
        let url = on_server.url_as(&role);
        let by_hand: Vec<&str> = super::BY_HAND[..=2].iter().flat_map(|some| some.iter().copied()).collect();
        run(&url, &by_hand).await;
        let migrator = of_url(&url, &folder);
        let baseline = || {
            let scratch = scratch("postgres", Some(&url)).expect("the URL is right");
            plain(&migrator, &folder).scratch(scratch)
        };
        let error = baseline().record(&migrator).await.expect_err("there is nothing to compare with").to_string();
        assert!(error.contains("permission denied to create database") && error.contains("snapshots"), "{error}");
        assert!(!error.contains(&role.password), "no password in {error}");
        write_snapshots_of(&database, &folder, &super::FILES).await;
        let found = baseline().record(&migrator).await.expect("the snapshots tell");
        assert_eq!((found.proof.version.as_str(), found.recorded.len()), ("0002", 3));
        assert_eq!(migrator.migrate().await.expect("it goes on").applied.len(), 1);
    });
}

#[test]
fn tables_count_where_the_search_path_leads() {
    needs_postgres!();
    block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = folder(&database, &super::FILES);
        run(database.url(), &["create schema app", "create schema other", "create table other.users (id integer)"])
            .await;
        let url = format!("{}?options=-csearch_path%3Dapp", database.url());
        let place = HistoryPlace { table: Some("books".to_owned()), schema: Some("ops".to_owned()) };
        let backend = Database::from_url_with(&url, &place).expect("the URL is right").backend;
        let migrator = Migrator::shared(backend).source(DirectorySource::new(&folder));
        run(&url, super::BY_HAND[0]).await;
        let refused = match migrator.migrate().await.expect_err("there is a table in app") {
            MigrateError::Plan { error, .. } => error.to_string(),
            other => panic!("{other}"),
        };
        assert!(refused.contains("the database has tables (users) and no history"), "{refused}");
        let scratch = scratch("postgres", Some(database.url())).expect("the URL is right");
        let found = plain(&migrator, &folder).scratch(scratch).record(&migrator).await.expect("it is at 0000");
        assert_eq!(found.proof.version.as_str(), "0000");
        assert!(found.proof.uncompared.contains(&"the schema other: no migration names it".to_owned()), "{found:?}");
        assert_eq!(migrator.migrate().await.expect("it goes on").applied.len(), 3);
        assert_eq!(database.column("select count(*) from ops.books").await, ["4"]);
    });
}

#[test]
fn a_snapshot_that_was_written_is_compared_as_the_server_writes_it() {
    needs_postgres!();
    block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = folder(&database, &FILES);
        let equal =
            "create view recent as select n.id, n.body, n.at from notes n where n.at > (now() - '1 day'::interval)";
        run(database.url(), &[FILES[0].1, BY_HAND[1], equal]).await;
        let engine = dialect("postgres").expect("this build has it");
        let text = "CREATE TABLE notes (id integer PRIMARY KEY, body text NOT NULL, at timestamptz DEFAULT now());\n\
                    CREATE VIEW recent AS SELECT id, body, at FROM notes WHERE at > now() - interval '1 day';\n\
                    -- @only postgres\n\
                    CREATE FUNCTION shout(words text) RETURNS text LANGUAGE sql AS 'select upper(words)';\n";
        let document = whimbrel::schema::read::read("schema.sql", text).expect("it is portable");
        let (schema, storage) = document.for_dialect("postgres");
        let schema = engine.lower(&schema, &storage).expect("it can be");
        std::fs::create_dir_all(folder.join("meta")).expect("a folder");
        let snapshot = Snapshot::new("postgres", "0001", "views", schema);
        std::fs::write(folder.join("meta/0001_snapshot.json"), snapshot.to_json()).expect("a file");
        let migrator = of_url(database.url(), &folder);
        let asked = || plain(&migrator, &folder).at("1".parse().expect("a version"));
        let scratch = scratch("postgres", Some(database.url())).expect("the URL is right");
        run(database.url(), &["create view more as select 1 as one"]).await;
        let error = asked().scratch(scratch).record(&migrator).await.expect_err("one view more").to_string();
        assert!(error.contains("view more is there and not expected"), "{error}");
        run(database.url(), &["drop view more"]).await;
        let found = asked().record(&migrator).await.expect("without a scratch database");
        assert!(found.proof.uncompared.iter().any(|line| line.contains("view recent")), "{found:?}");
    });
}
