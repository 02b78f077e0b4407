//! Postgres schemas, other projects' above all: read, written and read again they are the same, and lead to their next state.

use std::path::{Path, PathBuf};

use whimbrel::schema::change::apply_all;
use whimbrel_tests::postgres::{self, Database};

use super::server::{Fills, build, equal, introspected, lowered, query, run, steps, written};
use crate::corpora::{corpora, fixtures};

/// A database that a dump has made.
async fn loaded(dump: &Path) -> Database {
    let database = postgres::fresh_database().await;
    let sql = std::fs::read_to_string(dump).expect("the dump is there");
    // Servers before 17 do not know it.
    let sql: String = sql.split_inclusive('\n').filter(|line| !line.starts_with("SET transaction_timeout")).collect();
    let loaded = database.connect().await.batch_execute(&sql).await;
    loaded.unwrap_or_else(|error| panic!("{}: {error:?}", dump.display()));
    database
}

#[test]
fn schemas_of_other_projects_come_back_as_they_are() {
    crate::needs_postgres!();
    let Some(folders) = corpora("postgres") else { return };
    crate::block_on(async {
        let (mut left, mut wrong) = (0, Vec::new());
        for folder in &folders {
            let name = folder.file_name().expect("it has a name").to_string_lossy();
            let database = loaded(&folder.join("expected.sql")).await;
            let read = introspected(&database).await;
            let schema = &read.schema;
            println!(
                "{name}: {} tables, {} views, {} natives",
                schema.tables.len(),
                schema.views.len(),
                schema.natives.len()
            );
            read.uncompared.iter().for_each(|what| println!("{name}: not compared: {what}"));
            left += read.uncompared.len();
            let copy = postgres::fresh_database().await;
            let made = async {
                build(&copy.connect().await, schema).await?;
                equal(schema, &introspected(&copy).await.schema)
            };
            wrong.extend(made.await.err().map(|why| format!("{name}: {why}")));
        }
        println!("{} folders, {left} objects not compared", folders.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        assert!(folders.len() > 10, "{}", folders.len());
        assert_eq!(left, 0, "every object has its place in the model");
    });
}

fn pairs() -> Option<PathBuf> {
    corpora("postgres")?;
    Some(fixtures().join("diffpairs"))
}

/// One row for every table, with a value in every column that asks for one.
async fn one_row_each(database: &Database) {
    let client = database.connect().await;
    let mut sql = String::from("SET session_replication_role = replica;");
    for table in &introspected(database).await.schema.tables {
        let mut named = Vec::new();
        let mut values = Vec::new();
        for column in table.columns.iter().filter(|it| it.not_null && it.default.is_none() && !it.fills_itself()) {
            let ty = format!("{:?}", column.ty);
            named.push(format!("\"{}\"", column.name));
            values.push(match &*ty {
                ty if ty.contains("boolean") => "true",
                ty if ty.contains("time") || ty.contains("date") => "'2024-01-02'",
                ty if ty.contains("json") => "'{}'",
                ty if ty.contains("[]") => "'{}'",
                _ => "'1'",
            });
        }
        let name = table.name.quoted();
        sql.push_str(&match named.is_empty() {
            true => format!("INSERT INTO {name} DEFAULT VALUES;"),
            false => format!("INSERT INTO {name} ({}) VALUES ({});", named.join(", "), values.join(", ")),
        });
    }
    client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
}

/// From one state of a real project to its next one, with a row in every table.
async fn pair(folder: &Path, fills: &Fills) -> (Database, Vec<String>) {
    let database = loaded(&folder.join("old.sql")).await;
    let target = introspected(&loaded(&folder.join("new.sql")).await).await.schema;
    one_row_each(&database).await;
    let before = introspected(&database).await.schema;
    let (changes, _) = steps(&before, &target, &[]).expect("nothing is wrong");
    apply_all(before.clone(), &changes).expect("the steps can be taken");
    let script = written(&before, &target, &changes, fills).expect("it can be written");
    run(&database.connect().await, &script).await.unwrap_or_else(|why| panic!("{why}"));
    let after = introspected(&database).await.schema;
    equal(&target, &after).unwrap_or_else(|why| panic!("{why}"));
    for table in &after.tables {
        let rows = query(&database.connect().await, &format!("SELECT 1 FROM {}", table.name.quoted())).await;
        assert_eq!(rows.expect("it can be read").len(), 1, "{}", table.name);
    }
    (database, script.losses.into_iter().map(|loss| loss.object).collect())
}

#[test]
fn a_boolean_of_a_project_becomes_an_enum_and_its_rows_stay() {
    crate::needs_postgres!();
    let Some(folder) = pairs() else { return };
    crate::block_on(async {
        let fill = "CASE WHEN build_status THEN 'success'::build_status ELSE 'failure'::build_status END";
        let fills = Fills::from([(("builds".into(), "build_status".to_owned()), fill.to_owned())]);
        let (database, losses) = pair(&folder.join("pg-bool-to-enum"), &fills).await;
        assert!(losses.is_empty(), "{losses:?}");
        let rows = query(&database.connect().await, "SELECT build_status FROM builds").await;
        assert_eq!(rows, Ok(vec![vec![Some("success".to_owned())]]));
    });
}

#[test]
fn a_column_of_a_project_is_replaced_and_the_loss_is_told() {
    crate::needs_postgres!();
    let Some(folder) = pairs() else { return };
    crate::block_on(async {
        let column = ("pull_request".into(), "delegated_permission".to_owned());
        let fills = Fills::from([(column, "CASE WHEN delegated THEN 'review' END".to_owned())]);
        let (database, losses) = pair(&folder.join("pg-column-replaced"), &fills).await;
        assert_eq!(losses, ["column pull_request.delegated"]);
        let rows = query(&database.connect().await, "SELECT delegated_permission FROM pull_request").await;
        assert_eq!(rows, Ok(vec![vec![None]]), "`delegated` was false");
    });
}

#[test]
fn constraints_that_say_the_same_are_all_there() {
    crate::needs_postgres!();
    let text = "CREATE TABLE twins (
        id integer PRIMARY KEY UNIQUE,
        code text CONSTRAINT twins_code UNIQUE,
        mark text UNIQUE DEFERRABLE,
        CONSTRAINT twins_again UNIQUE (code),
        CONSTRAINT twins_mark UNIQUE (mark)
    );";
    crate::block_on(async {
        let (_, lowered) = lowered("the table", text).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(lowered.tables[0].uniques.len(), 5);
        let database = postgres::fresh_database().await;
        build(&database.connect().await, &lowered).await.unwrap_or_else(|why| panic!("{why}"));
        equal(&lowered, &introspected(&database).await.schema).unwrap_or_else(|why| panic!("{why}"));
    });
}
