//! Views, over tables that change.

use whimbrel::schema::{Rename, RenamedObject};
use whimbrel_tests::database::TestDatabase;

use super::super::Project;
use crate::on_both;

on_both! {
    views_follow_the_tables_that_they_read
    a_table_gets_the_name_of_a_view
    a_view_gives_a_renamed_column_under_its_new_name
    a_view_of_all_columns_gives_a_new_one_too
    views_are_told_from_columns_of_their_names
    a_view_that_stores_its_rows_follows_with_its_index
}

async fn views_follow_the_tables_that_they_read(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);
             CREATE VIEW big AS SELECT id, a FROM t WHERE a > 1;
             CREATE VIEW biggest AS SELECT id FROM big WHERE a > 10;",
        )
        .await;
    project.run(&["insert into t values (1, 5, 'x'), (2, 50, 'y')"]).await;
    project.accept_data_loss = true;
    project.renames =
        vec![Rename { object: RenamedObject::Column("t".into()), from: "b".to_owned(), to: String::new() }];
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY, a bigint CHECK (a > 0), c text);
             CREATE VIEW big AS SELECT id, a FROM t WHERE a > 1;
             CREATE VIEW biggest AS SELECT id FROM big WHERE a > 20;",
        )
        .await;
    assert_eq!(project.rows("select id from biggest").await, ["2"]);
    assert_eq!(project.rows("select id, a from big order by id").await, ["1 5", "2 50"]);
}

async fn a_table_gets_the_name_of_a_view(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY);
             CREATE VIEW v AS SELECT id FROM t;
             CREATE VIEW w AS SELECT id FROM v;",
        )
        .await;
    project.run(&["insert into t values (1)"]).await;
    project
        .becomes("-- @renamed from t\nCREATE TABLE v (id integer PRIMARY KEY); CREATE VIEW w AS SELECT id FROM v;")
        .await;
    assert_eq!(project.rows("select id from w").await, ["1"]);
}

async fn a_view_gives_a_renamed_column_under_its_new_name(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY, a text);
             CREATE VIEW v AS SELECT id, a FROM t;
             CREATE VIEW w AS SELECT * FROM v;",
        )
        .await;
    project.run(&["insert into t values (1, 'x')"]).await;
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY,
                -- @renamed from a
                b text);
             CREATE VIEW v AS SELECT id, b FROM t;
             CREATE VIEW w AS SELECT * FROM v;",
        )
        .await;
    assert_eq!(project.rows("select b from w").await, ["x"]);
}

async fn a_view_of_all_columns_gives_a_new_one_too(database: TestDatabase) {
    let mut project = Project::new(database);
    let schema = |more: &str| {
        format!("CREATE TABLE t (id integer PRIMARY KEY{more}, z text); CREATE VIEW v AS SELECT * FROM t;")
    };
    project.becomes(&schema("")).await;
    project.run(&["insert into t values (1, 'z')"]).await;
    project.becomes(&schema(", a integer DEFAULT 7")).await;
    assert_eq!(project.rows("select id, a, z from v").await, ["1 7 z"]);
}

async fn views_are_told_from_columns_of_their_names(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE t (id integer PRIMARY KEY, first boolean);
             CREATE VIEW second AS SELECT id, first FROM t;
             CREATE VIEW first AS SELECT id FROM second;",
        )
        .await;
    project.run(&["insert into t (id) values (1)"]).await;
    assert_eq!(project.rows("select id from first").await, ["1"]);
}

async fn a_view_that_stores_its_rows_follows_with_its_index(database: TestDatabase) {
    let is_postgres = database.server().is_some();
    let mut project = Project::new(database);
    let schema = |ty: &str| {
        format!(
            "CREATE TABLE t (id integer PRIMARY KEY, n {ty});
             -- @only postgres
             CREATE INDEX sums_n_idx ON sums (n);
             -- @only postgres
             CREATE MATERIALIZED VIEW sums AS SELECT n, count(*) AS times FROM t GROUP BY n;"
        )
    };
    project.becomes(&schema("integer")).await;
    project.run(&["insert into t values (1, 5), (2, 5)"]).await;
    project.becomes(&schema("bigint")).await;
    if is_postgres {
        assert_eq!(project.rows("select n, times from sums").await, ["5 2"]);
        assert_eq!(project.rows("select indexname from pg_indexes where tablename = 'sums'").await, ["sums_n_idx"]);
    }
}
