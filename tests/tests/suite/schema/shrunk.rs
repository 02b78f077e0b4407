//! What random schemas shrank to: each was wrong once.

use whimbrel::schema::pull;
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
    a_new_column_takes_the_name_of_one_that_gets_another
    values_are_renamed_in_a_column_that_gets_a_default_for_null
    tables_swap_names_beside_one_like_that_in_between
    a_fill_is_for_rows_without_a_value
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

async fn a_new_column_takes_the_name_of_one_that_gets_another(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE people (note bigint);").await;
    project.run(&["insert into people values (7)"]).await;
    project
        .becomes(
            "CREATE TYPE mood AS ENUM (
                -- @renamed from sad
                'blue', 'ok');
             CREATE TABLE people (
                -- @renamed from note
                value bigint,
                note mood);",
        )
        .await;
    assert_eq!(project.rows("select value, note from people").await, ["7 NULL"]);
}

async fn values_are_renamed_in_a_column_that_gets_a_default_for_null(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE people (id integer, mood mood, more mood);")
        .await;
    project.run(&["insert into people values (1, 'sad', 'ok'), (2, null, null)"]).await;
    project.fill("people", "more", "'ok'");
    project
        .becomes(
            "CREATE TYPE mood AS ENUM (
                -- @renamed from sad
                'blue', 'ok', 'new');
             CREATE TABLE people (id integer, mood mood NOT NULL DEFAULT 'new', more mood NOT NULL);",
        )
        .await;
    assert_eq!(project.rows("select id, mood, more from people order by id").await, ["1 blue ok", "2 new ok"]);
}

async fn tables_swap_names_beside_one_like_that_in_between(database: TestDatabase) {
    let mut project = Project::new(database);
    let tables =
        "-- @renamed from one\nCREATE TABLE other (b text);\n-- @renamed from other\nCREATE TABLE one (b text);";
    let view = "CREATE TABLE log (a text); CREATE VIEW one_new AS SELECT a FROM log;";
    project.becomes(&format!("CREATE TABLE one (b text); CREATE TABLE other (b text); {view}")).await;
    project.run(&["insert into one values ('first')", "insert into other values ('second')"]).await;
    project.becomes(&format!("{tables} {view}")).await;
    assert_eq!(project.rows("select one.b, other.b from one, other").await, ["second first"]);
}

#[test]
fn values_are_renamed_while_the_checks_that_tell_them_come_and_go() {
    crate::block_on(async {
        let mut project = Project::new(TestDatabase::sqlite());
        let schema = |value: &str, checks: &str| {
            format!(
                "CREATE TYPE mood AS ENUM ({value}, 'ok');\n-- @sqlite checks = {checks}\nCREATE TABLE people (mood mood);"
            )
        };
        project.becomes(&schema("'sad'", "none")).await;
        project.run(&["insert into people values ('sad'), ('ok')"]).await;
        project.becomes(&schema("-- @renamed from sad\n'blue'", "all")).await;
        assert_eq!(project.rows("select mood from people").await, ["blue", "ok"]);
        project.becomes(&schema("-- @renamed from blue\n'down'", "none")).await;
        assert_eq!(project.rows("select mood from people").await, ["down", "ok"]);
    });
}

#[test]
fn what_is_written_in_the_sql_of_one_dialect_is_all_pulled() {
    crate::block_on(async {
        let mut project = Project::new(TestDatabase::sqlite());
        project
            .becomes(
                "CREATE TABLE users (\"at\" timestamptz DEFAULT now(), PRIMARY KEY (\"at\"));
                 CREATE TABLE \"a b\" (\"at\" timestamptz REFERENCES users, note text);
                 CREATE INDEX notes ON \"a b\" (note);
                 CREATE VIEW noted AS SELECT note FROM \"a b\";",
            )
            .await;
        let pulled = pull(project.dialect(), &project.live().await);
        assert_eq!(pulled.unwritten, Vec::<String>::new(), "{}", pulled.text);
    });
}

/// Values that are there stay, whatever the fill speaks of.
async fn a_fill_is_for_rows_without_a_value(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL);
             CREATE TABLE accounts (id integer PRIMARY KEY, email text, kind text, of integer NOT NULL);",
        )
        .await;
    project.run(&["insert into users values (1, 'of@user')"]).await;
    project.run(&["insert into accounts values (1, 'mine', 'k', 1), (2, null, null, 1)"]).await;
    project.fill("accounts", "email", "(select u.email from users u where u.id = accounts.of)");
    project.fill("accounts", "kind", "'kind'");
    project
        .becomes(
            "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL);
             CREATE TABLE accounts (id integer PRIMARY KEY, email text NOT NULL, kind text NOT NULL DEFAULT 'd',
                of integer NOT NULL);",
        )
        .await;
    let rows = project.rows("select id, email, kind from accounts order by id").await;
    assert_eq!(rows, ["1 mine k", "2 of@user kind"]);
}

#[test]
fn numbers_that_would_be_read_in_another_unit_are_refused() {
    crate::block_on(async {
        let mut project = Project::new(TestDatabase::sqlite());
        let of = |unit: &str, column: &str| {
            format!("-- @sqlite timestamps = {unit}\nCREATE TABLE people (id integer, {column} timestamptz);")
        };
        let milliseconds = of("integer-ms", "born");
        project.becomes(&milliseconds).await;
        project.run(&["insert into people values (1, 1700000000000)"]).await;
        let why = project.refused(&of("integer-s", "born")).await;
        assert!(why.contains("born: its values are stored as integer-ms, and would be read as integer-s"), "{why}");
        let why = project.refused(&of("integer-s", "\n-- @renamed from born\nbirth")).await;
        assert!(why.contains("birth: its values are stored as integer-ms"), "{why}");
        let why = project.refused(&of("text", "born")).await;
        assert!(why.contains("--fill people.born="), "{why}");
        // The same numbers, said to be no more than that.
        project.becomes("CREATE TABLE people (id integer, born bigint);").await;
        project.becomes(&milliseconds).await;
        assert_eq!(project.rows("select born from people").await, ["1700000000000"]);
        // By hand.
        let by_hand = project.folder.join("9000_seconds.sql");
        std::fs::write(by_hand, "UPDATE people SET born = born / 1000;").expect("it is written");
        project.becomes(&of("integer-s", "born")).await;
        assert_eq!(project.rows("select born from people").await, ["1700000000"]);
        // A note of a rename that was carried out stays in the file.
        let renamed = |unit: &str| of(unit, "\n-- @renamed from born\nbirth");
        project.becomes(&renamed("integer-s")).await;
        let why = project.refused(&renamed("integer-ms")).await;
        assert!(why.contains("birth: its values are stored as integer-s"), "{why}");
        // A new column under a name that is free again holds nothing yet.
        let beside = of("integer-s", "\n-- @renamed from birth\nday").replace(");", ", birth text);");
        project.becomes(&beside).await;
        project.accept_data_loss = true;
        project.becomes(&of("integer-s", "\n-- @renamed from day\nborn")).await;
        // By an expression.
        project.fill("people", "born", "strftime('%Y-%m-%dT%H:%M:%SZ', born, 'unixepoch')");
        project.becomes(&of("text", "born")).await;
        assert_eq!(project.rows("select born from people").await, ["2023-11-14T22:13:20Z"]);
    });
}

#[test]
fn what_is_stored_so_that_it_could_not_work_is_refused() {
    crate::block_on(async {
        let project = Project::new(TestDatabase::sqlite());
        let refers = "CREATE TABLE people (born timestamptz PRIMARY KEY);
             -- @sqlite timestamps = integer-ms
             CREATE TABLE notes (born timestamptz REFERENCES people);";
        let why = project.refused(refers).await;
        assert!(why.contains("people.born is stored in another form"), "{why}");
        let strict = "-- @sqlite strict = on\nCREATE TABLE notes (price numeric(9, 2));";
        let why = project.refused(strict).await;
        assert!(why.contains("a STRICT table has no type numeric(9, 2)"), "{why}");
        let mut project = project;
        project.becomes(&strict.replace("\nCREATE", ", numerics = text\nCREATE")).await;
    });
}
