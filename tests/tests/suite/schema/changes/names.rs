//! Names that change: renamed, swapped, moved up in a row.

use whimbrel::schema::{Rename, RenamedObject};
use whimbrel_tests::database::TestDatabase;

use super::super::Project;
use crate::on_both;

on_both! {
    a_rename_with_a_change_keeps_the_values
    renames_are_asked_for_and_told_in_the_file
    names_are_swapped_once
    names_are_swapped_and_values_are_given
    names_move_up_in_a_row
    constraints_and_indexes_keep_up_with_names_that_move
}

async fn a_rename_with_a_change_keeps_the_values(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE t (id integer PRIMARY KEY, old_name text, n integer);").await;
    project.run(&["insert into t values (1, 'precious', 5)"]).await;
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY,
                -- @renamed from old_name
                new_name text NOT NULL DEFAULT '', n bigint CHECK (n > 0), extra text);",
        )
        .await;
    assert_eq!(project.rows("select id, new_name, n, extra from t").await, ["1 precious 5 NULL"]);
    project
        .becomes(
            "-- @renamed from t
             CREATE TABLE things (id integer PRIMARY KEY,
                new_name text NOT NULL DEFAULT '', n bigint CHECK (n > 1), extra text);",
        )
        .await;
    assert_eq!(project.rows("select id, new_name, n, extra from things").await, ["1 precious 5 NULL"]);
}

async fn renames_are_asked_for_and_told_in_the_file(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE t (id integer PRIMARY KEY, a text);").await;
    project.run(&["insert into t values (1, 'kept')"]).await;
    let renamed = "CREATE TABLE t (id integer PRIMARY KEY, b text);";
    assert!(project.refused(renamed).await.contains("is it a rename?"));
    let object = RenamedObject::Column("t".into());
    project.renames = vec![Rename { object, from: "a".to_owned(), to: "b".to_owned() }];
    project.becomes(renamed).await;
    assert_eq!(project.rows("select id, b from t").await, ["1 kept"]);
}

async fn names_are_swapped_once(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE one (id integer PRIMARY KEY, a text, b text);
             CREATE TABLE two (id integer PRIMARY KEY, one_id integer REFERENCES one);",
        )
        .await;
    project.run(&["insert into one values (1, 'a', 'b')", "insert into two values (2, 1)"]).await;
    let swapped = "-- @renamed from two
         CREATE TABLE one (id integer PRIMARY KEY, one_id integer REFERENCES two);
         -- @renamed from one
         CREATE TABLE two (id integer PRIMARY KEY,
            -- @renamed from b
            a text,
            -- @renamed from a
            b text);";
    project.becomes(swapped).await;
    assert_eq!(project.rows("select id, a, b from two").await, ["1 b a"]);
    assert_eq!(project.rows("select id, one_id from one").await, ["2 1"]);
    // The notes stand in the file still, and nothing is swapped back with the next change.
    project.becomes(&swapped.replace("b text)", "b text, c text)")).await;
    assert_eq!(project.rows("select id, a, b, c from two").await, ["1 b a NULL"]);
    assert_eq!(project.rows("select id, one_id from one").await, ["2 1"]);
}

async fn names_are_swapped_and_values_are_given(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE t (id integer PRIMARY KEY, a text, b text);").await;
    project.run(&["insert into t values (1, 'old a', null), (2, null, 'old b')"]).await;
    // The names in an expression are those from before the renames.
    project.fill("t", "a", "coalesce(b, 'no b, but ' || a)");
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY,
                -- @renamed from b
                a text NOT NULL,
                -- @renamed from a
                b text);",
        )
        .await;
    let rows = project.rows("select id, a, b from t order by id").await;
    assert_eq!(rows, ["1 no b, but old a old a", "2 old b NULL"]);
}

async fn names_move_up_in_a_row(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE t (id integer PRIMARY KEY, a text, b text);").await;
    project.run(&["insert into t values (1, 'first', 'second')"]).await;
    let moved = "CREATE TABLE t (id integer PRIMARY KEY, a integer,
            -- @renamed from a
            b text,
            -- @renamed from b
            c text);";
    project.becomes(moved).await;
    assert_eq!(project.rows("select id, a, b, c from t").await, ["1 NULL first second"]);
}

async fn constraints_and_indexes_keep_up_with_names_that_move(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = |name: &str, column: &str| {
        format!(
            "CREATE TABLE {name} (id integer, {column} text, PRIMARY KEY (id), UNIQUE ({column}));
             CREATE INDEX {name}_idx ON {name} ({column}, id);\n"
        )
    };
    project.becomes(&(table("users", "name") + &table("people", "title"))).await;
    project.run(&["insert into users values (1, 'u')", "insert into people values (2, 'p')"]).await;
    let index =
        |was: &str, table: String| table.replace("CREATE INDEX", &format!("-- @renamed from {was}_idx\nCREATE INDEX"));
    let moved = format!(
        "-- @renamed from users\n{}-- @renamed from people\n{}",
        index("users", table("members", "name")),
        index("people", table("users", "title"))
    );
    project.becomes(&moved).await;
    assert_eq!(project.rows("select id, name from members").await, ["1 u"]);
    assert_eq!(project.rows("select id, title from users").await, ["2 p"]);
}
