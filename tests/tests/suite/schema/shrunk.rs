//! What random schemas shrank to: each was wrong once.

use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::postgres::fresh_database;

use super::Project;
use super::server::{Fills, build, equal, introspected, lowered, run, steps, written};

/// Goes from one schema to another on a server, and finds the second there.
async fn becomes(before: &str, after: &str) {
    let lowered = |what: &str, sql: &str| lowered(what, sql).unwrap_or_else(|why| panic!("{why}")).1;
    let (before, after) = (lowered("the first", before), lowered("the second", after));
    let database = fresh_database().await;
    let client = database.connect().await;
    build(&client, &before).await.unwrap_or_else(|why| panic!("{why}"));
    let (changes, _) = steps(&before, &after, &[]).expect("nothing is asked");
    let script = written(&before, &after, &changes, &Fills::new()).expect("it can be written");
    run(&client, &script).await.unwrap_or_else(|why| panic!("{why}"));
    equal(&after, &introspected(&database).await.schema).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn a_computed_column_keeps_its_values_while_the_enum_that_it_reads_is_written_anew() {
    crate::needs_postgres!();
    let with = |values: &str, computed: &str| {
        format!("CREATE TYPE mood AS ENUM ({values});\nCREATE TABLE noted (b mood, a boolean{computed});\n")
    };
    let before = with("'a', 'users', 'new'", " GENERATED ALWAYS AS (b IS NULL) STORED");
    crate::block_on(becomes(&before, &with("'a', 'new'", "")));
}

#[test]
fn a_computed_column_goes_while_the_enum_that_it_reads_is_written_anew() {
    crate::needs_postgres!();
    let rest = |computed: &str, indexed: &str| {
        format!(
            "CREATE TABLE noted (b mood, a boolean GENERATED ALWAYS AS (b IS NULL) STORED{computed});\n\
             CREATE INDEX noted_a ON noted (a);\n{indexed}"
        )
    };
    let before = rest(", c boolean GENERATED ALWAYS AS (b IS NOT NULL) STORED", "CREATE INDEX noted_c ON noted (c);");
    crate::block_on(async {
        becomes(
            &format!("CREATE TYPE mood AS ENUM ('a', 'users', 'new');\n{before}"),
            &format!("CREATE TYPE mood AS ENUM ('users', 'a', 'new');\n{}", rest("", "")),
        )
        .await;
    });
}

crate::on_both! {
    values_are_renamed_while_their_column_is
}

async fn values_are_renamed_while_their_column_is(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TYPE mood AS ENUM ('sad', 'ok');
             CREATE TABLE people (one mood, other mood);",
        )
        .await;
    project.run(&["insert into people values ('sad', 'ok')"]).await;
    project
        .becomes(
            "CREATE TYPE mood AS ENUM (
                -- @renamed from sad
                'blue', 'ok');
             -- @renamed from people
             CREATE TABLE persons (
                -- @renamed from other
                one mood,
                -- @renamed from one
                another mood);",
        )
        .await;
    assert_eq!(project.rows("select one, another from persons").await, ["ok blue"]);
}
