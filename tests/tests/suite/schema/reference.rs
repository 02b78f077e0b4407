//! The reference application: its folders lead to its schema file.

use whimbrel::postgres::PostgresBackend;
use whimbrel::schema::generate::{Scratch, Target, checked};
use whimbrel::schema::read::read;
use whimbrel::schema::{MemoryScratch, ServerScratch, dialect};
use whimbrel_tests::postgres;

use crate::{block_on, root};

#[test]
fn its_folders_snapshots_and_schema_agree_on_both_dialects() {
    block_on(async {
        let text = std::fs::read_to_string(root().join("schema.sql")).expect("the schema is there");
        let document = read("schema.sql", &text).expect("it can be read");
        let server = match postgres::requested() {
            true => Some(postgres::fresh_database().await),
            false => None,
        };
        let on_server =
            server.as_ref().map(|it| ServerScratch::on(PostgresBackend::from_url(&it.url()).expect("a URL")));
        let target = |name: &str, folder: &str, scratch| {
            let (schema, storage) = document.for_dialect(name);
            Target {
                name: name.to_owned(),
                folder: root().join(folder),
                format: None,
                dialect: dialect(name).expect("this build has both"),
                schema,
                storage,
                renames: Vec::new(),
                scratch,
            }
        };
        let memory = MemoryScratch::new();
        let targets = [
            target("sqlite", "migrations-sqlite", Some(&memory as &dyn Scratch)),
            target("postgres", "migrations-pg", on_server.as_ref().map(|it| it as &dyn Scratch)),
        ];
        let found = checked(&targets).await;
        let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{problems:#?}");
        match server {
            Some(_) => assert!(found.not_replayed.is_empty()),
            None => println!("the Postgres folder was not replayed: SQLite alone was asked for"),
        }
    });
}
