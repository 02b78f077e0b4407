//! Values of enums: they come, go and get other names, and so do the rows that hold them.

use whimbrel::schema::{Rename, RenamedObject};
use whimbrel_tests::database::TestDatabase;

use super::super::Project;
use crate::on_both;

on_both! {
    an_enum_gets_a_value_that_is_used_at_once
    a_value_of_an_enum_is_renamed_in_the_rows
    an_enum_loses_a_value_under_all_that_names_it
    a_renamed_value_is_carried_into_checks_and_indexes
    values_move_up_in_a_row
}

async fn an_enum_gets_a_value_that_is_used_at_once(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TYPE mood AS ENUM ('sad', 'ok');
             CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL DEFAULT 'ok');",
        )
        .await;
    project.run(&["insert into people (id) values (1)", "insert into people values (2, 'sad')"]).await;
    project
        .becomes(
            "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
             CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL DEFAULT 'happy');",
        )
        .await;
    project.run(&["insert into people (id) values (3)"]).await;
    assert_eq!(project.rows("select id, mood from people order by id").await, ["1 ok", "2 sad", "3 happy"]);
    assert!(project.database.transact(&["insert into people values (4, 'angry')"]).await.is_err());
}

async fn a_value_of_an_enum_is_renamed_in_the_rows(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = "CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL DEFAULT 'sad', other mood);";
    project.becomes(&format!("CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'new'); {table}")).await;
    project.run(&["insert into people values (1, 'it''s ok', null), (2, 'sad', 'it''s ok')"]).await;
    let renamed = format!("CREATE TYPE mood AS ENUM ('sad',\n-- @renamed from it's ok\n'fine', 'new'); {table}");
    project.becomes(&renamed).await;
    assert_eq!(project.rows("select id, mood, other from people order by id").await, ["1 fine NULL", "2 sad fine"]);
    assert!(project.database.transact(&["insert into people values (3, 'it''s ok', null)"]).await.is_err());
    let more = renamed.replace("other mood", "other mood, note text");
    project.becomes(&more).await;
}

async fn an_enum_loses_a_value_under_all_that_names_it(database: TestDatabase) {
    let mut project = Project::new(database);
    let schema = |values: &str, default: &str, check: &str, index: &str| {
        format!(
            "CREATE TYPE mood AS ENUM ({values});
             CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL DEFAULT '{default}', other mood,
                calm boolean GENERATED ALWAYS AS (mood = 'ok') STORED, CHECK (mood <> '{check}' OR other IS NULL));
             CREATE INDEX moods ON people (id) WHERE mood = '{index}';
             CREATE INDEX all_moods ON people (mood);
             CREATE VIEW happy AS SELECT id, mood FROM people WHERE mood = 'ok';
             CREATE VIEW happier AS SELECT id FROM happy;"
        )
    };
    project.becomes(&schema("'sad', 'ok', 'gone'", "gone", "gone", "gone")).await;
    project.run(&["insert into people (id, mood, other) values (1, 'ok', 'sad')"]).await;
    project.renames =
        vec![Rename { object: RenamedObject::EnumValue("mood".into()), from: "gone".to_owned(), to: String::new() }];
    project.becomes(&schema("'ok', 'new', 'sad'", "new", "sad", "new")).await;
    assert_eq!(project.rows("select id, mood, other from people").await, ["1 ok sad"]);
    assert_eq!(project.rows("select id from happier").await, ["1"]);
    assert!(project.database.transact(&["insert into people values (2, 'sad', 'ok')"]).await.is_err());
}

async fn a_renamed_value_is_carried_into_checks_and_indexes(database: TestDatabase) {
    let mut project = Project::new(database);
    let schema = |value: &str| {
        format!(
            "CREATE TYPE mood AS ENUM ({value}, 'ok');
             CREATE TABLE people (id integer PRIMARY KEY, mood mood NOT NULL DEFAULT {plain}, note text DEFAULT 'sad',
                CHECK (mood IN ({plain}, 'ok') OR note <> 'sad'));
             CREATE INDEX moods ON people (id) WHERE mood = {plain};
             CREATE VIEW v AS SELECT id FROM people WHERE mood = {plain} AND note = 'sad';",
            plain = value.rsplit('\n').next().unwrap_or(value)
        )
    };
    project.becomes(&schema("'sad'")).await;
    project.run(&["insert into people (id) values (1), (2)", "update people set mood = 'ok' where id = 2"]).await;
    project.becomes(&schema("-- @renamed from sad\n'blue'")).await;
    assert_eq!(project.rows("select id, mood, note from people order by id").await, ["1 blue sad", "2 ok sad"]);
    assert_eq!(project.rows("select id from v").await, ["1"]);
}

async fn values_move_up_in_a_row(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = "CREATE TABLE t (id integer PRIMARY KEY, size size);";
    project.becomes(&format!("CREATE TYPE size AS ENUM ('small', 'big'); {table}")).await;
    project.run(&["insert into t values (1, 'small'), (2, 'big')"]).await;
    let moved = "CREATE TYPE size AS ENUM (
            -- @renamed from small
            'big',
            -- @renamed from big
            'huge');";
    project.becomes(&format!("{moved} {table}")).await;
    assert_eq!(project.rows("select id, size from t order by id").await, ["1 big", "2 huge"]);
    project.becomes(&format!("{moved} {}", table.replace("size size", "size size, more text"))).await;
    assert_eq!(project.rows("select id, size from t order by id").await, ["1 big", "2 huge"]);
}
