//! What one dialect has and is carried as text: functions, triggers, policies.

use whimbrel_tests::database::TestDatabase;

use super::super::Project;
use crate::on_both;

on_both! {
    what_is_carried_as_text_is_made_in_the_order_that_it_needs
    a_function_changes_under_what_calls_it
    what_is_carried_as_text_goes_and_comes_with_its_table
}

/// Functions of Postgres, in an order in which none of them could be made.
const FUNCTIONS: &str = "
    -- @only postgres
    CREATE VIEW counted AS SELECT total() AS n;
    -- @only postgres
    CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) + zero(1) FROM seen $$;
    -- @only postgres
    CREATE VIEW seen AS SELECT id FROM t WHERE one(id) > 0;
    -- @only postgres
    CREATE TRIGGER \"on insert\" BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
    -- @only postgres
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n = NEW.n + 1; RETURN NEW; END $$;
    -- @only postgres
    CREATE FUNCTION one(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT zero(x) + 1 $$;
    -- @only postgres
    CREATE FUNCTION zero(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT x - x $$;
    -- @only postgres
    CREATE POLICY mine ON t USING (one(n) > 0);";

async fn what_is_carried_as_text_is_made_in_the_order_that_it_needs(database: TestDatabase) {
    let is_postgres = database.server().is_some();
    let mut project = Project::new(database);
    project.becomes(&format!("CREATE TABLE t (id integer PRIMARY KEY, n integer DEFAULT 0); {FUNCTIONS}")).await;
    project.run(&["insert into t values (5, 1)"]).await;
    let n = if is_postgres { "2" } else { "1" };
    assert_eq!(project.rows("select n from t").await, [n]);
    // A change of what the policy, the trigger and the views read takes them away and brings them back.
    project.becomes(&format!("CREATE TABLE t (id integer PRIMARY KEY, n integer, m text); {FUNCTIONS}")).await;
    project.accept_data_loss = true;
    project.becomes("CREATE TABLE t (id integer PRIMARY KEY);").await;
    assert_eq!(project.rows("select id from t").await, ["5"]);
}

async fn a_function_changes_under_what_calls_it(database: TestDatabase) {
    let is_postgres = database.server().is_some();
    let mut project = Project::new(database);
    let schema = |default: &str, body: &str| {
        format!(
            "CREATE TABLE t (id integer PRIMARY KEY, n integer DEFAULT {default});
             -- @only postgres
             CREATE VIEW v AS SELECT id, zero(n) AS z FROM t;
             -- @only postgres
             CREATE FUNCTION zero(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT {body} $$;"
        )
    };
    let default = if is_postgres { "zero(9)" } else { "0" };
    project.becomes(&schema(default, "0")).await;
    project.run(&["insert into t (id) values (1)"]).await;
    project.becomes(&schema(default, "x - x + 3")).await;
    project.run(&["insert into t (id) values (2)"]).await;
    let now = if is_postgres { "3" } else { "0" };
    assert_eq!(project.rows("select n from t order by id").await, ["0", now]);
    if is_postgres {
        assert_eq!(project.rows("select z from v where id = 2").await, ["3"]);
    }
}

async fn what_is_carried_as_text_goes_and_comes_with_its_table(database: TestDatabase) {
    let mut project = Project::new(database);
    let schema = |table: &str, ty: &str| {
        format!(
            "CREATE TYPE {ty} AS ENUM ('a', 'b');
             CREATE TABLE {table} (id integer PRIMARY KEY, kind {ty});
             -- @only postgres
             CREATE FUNCTION every() RETURNS SETOF {table} LANGUAGE sql STABLE AS $$ SELECT * FROM {table} $$;
             -- @only postgres
             CREATE FUNCTION shown(x {ty}, y integer DEFAULT (1 + 2)) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT x::text $$;"
        )
    };
    project.becomes(&schema("things", "kind_of")).await;
    project.run(&["insert into things values (1, 'b')"]).await;
    let renamed = schema("items", "sort")
        .replace("CREATE TABLE", "-- @renamed from things\nCREATE TABLE")
        .replace("CREATE TYPE", "-- @renamed from kind_of\nCREATE TYPE");
    project.becomes(&renamed).await;
    assert_eq!(project.rows("select id, kind from items").await, ["1 b"]);
    project.accept_data_loss = true;
    project.becomes("CREATE TABLE other (x integer PRIMARY KEY);").await;
}
