//! Changes that other tools were seen to get wrong on databases with rows: all of them come out right here.

use super::support::Step;

#[tokio::test]
async fn children_and_a_table_that_refers_to_itself_keep_their_rows() {
    let sql = |default: &str| {
        format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, parent int REFERENCES t (id) ON DELETE CASCADE, a text DEFAULT '{default}');
             CREATE TABLE child (t int REFERENCES t (id) ON DELETE CASCADE)"
        )
    };
    let (before, after) = (sql("x"), sql("y"));
    let rows = "INSERT INTO t (id, parent) VALUES (1, NULL), (2, 1), (3, 2); INSERT INTO child VALUES (1), (2), (3)";
    let (database, _) = Step::new(&before, &after).rows(rows).apply().await;
    assert_eq!(database.rows("SELECT count(*) FROM t").await, ["3"]);
    assert_eq!(database.rows("SELECT count(*) FROM child").await, ["3"]);
}

#[tokio::test]
async fn a_new_or_renamed_column_with_a_rebuild_is_never_its_own_name() {
    let before = "CREATE TABLE t (id INTEGER PRIMARY KEY, old_name text, n int)";
    let after = "CREATE TABLE t (id INTEGER PRIMARY KEY, new_name text NOT NULL, n text, added text DEFAULT 'd')";
    let step =
        Step::new(before, after).rows("INSERT INTO t VALUES (1, 'precious', 2)").renamed("t", "old_name", "new_name");
    let (database, _) = step.apply().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["1,precious,2,d"]);
}

#[tokio::test]
async fn a_fill_may_name_a_column_by_its_old_name() {
    let before = "CREATE TABLE t (id INTEGER PRIMARY KEY, first text)";
    let after = "CREATE TABLE t (id INTEGER PRIMARY KEY, given text, initial text NOT NULL)";
    let step = Step::new(before, after).rows("INSERT INTO t VALUES (1, 'Ada')").renamed("t", "first", "given");
    let (database, _) = step.fill("t", "initial", "substr(first, 1, 1)").apply().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["1,Ada,A"]);
}

#[tokio::test]
async fn a_column_with_a_computed_default_can_be_added_to_rows() {
    let before = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let after = "CREATE TABLE t (id INTEGER PRIMARY KEY, at int NOT NULL DEFAULT (unixepoch()))";
    let (database, _) = Step::new(before, after).rows("INSERT INTO t VALUES (1)").apply().await;
    assert_eq!(database.rows("SELECT id, at > 0 FROM t").await, ["1,1"]);
}

#[tokio::test]
async fn a_reference_that_is_added_keeps_its_actions() {
    let before = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let after = "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE t (id INTEGER PRIMARY KEY, p int REFERENCES p (id) ON UPDATE CASCADE ON DELETE SET NULL)";
    let (database, script) =
        Step::new(before, after).rows("INSERT INTO p VALUES (1); INSERT INTO t VALUES (1)").apply().await;
    assert!(script.parts[0].statements[0].contains("ON DELETE SET NULL ON UPDATE CASCADE"), "{script:?}");
    database.execute("UPDATE t SET p = 1").await;
    database.execute("DELETE FROM p").await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["1,-"]);
}

#[tokio::test]
async fn a_reference_over_orphans_fails_and_changes_nothing() {
    let before = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p int)";
    let after =
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, p int REFERENCES p (id))";
    let rows = "INSERT INTO t VALUES (1, 99)";
    let (database, error) = Step::new(before, after).rows(rows).fails().await;
    assert!(error.contains("FOREIGN KEY"), "{error}");
    assert_eq!(database.rows("SELECT * FROM t").await, ["1,99"]);
    // The same where other tables refer to it, so that foreign keys are off meanwhile.
    let more = "; CREATE TABLE c (t int REFERENCES t (id))";
    let (before, after) = (format!("{before}{more}"), format!("{after}{more}"));
    let (database, _) = Step::new(&before, &after).rows(rows).fails().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["1,99"]);
}

#[tokio::test]
async fn texts_with_the_names_and_marks_of_sql_in_them_are_not_touched() {
    let sql = |kind: &str| {
        format!(
            "CREATE TABLE a (x text CHECK (x <> 'data.x' AND x <> 'it''s; a, b'), y {kind}, z text DEFAULT '{{\"k\": \"it''s\"}}');
             CREATE INDEX i ON a (x, lower(z)) WHERE x <> ';'"
        )
    };
    let (before, after) = (sql("int"), sql("text"));
    let (database, script) = Step::new(&before, &after).rows("INSERT INTO a (x) VALUES ('fine')").apply().await;
    assert!(script.parts[0].statements.concat().contains("'data.x'"));
    assert_eq!(database.rows("SELECT x, z FROM a").await, ["fine,{\"k\": \"it's\"}"]);
}

#[tokio::test]
async fn a_stored_generated_column_can_be_added_and_a_table_with_one_rebuilt() {
    let before = "CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a * 2) STORED)";
    let after =
        "CREATE TABLE t (a text, g int GENERATED ALWAYS AS (a * 2) STORED, h int GENERATED ALWAYS AS (a + 1) STORED)";
    let (database, _) = Step::new(before, after).rows("INSERT INTO t (a) VALUES (4)").apply().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["4,8,5"]);
}

#[tokio::test]
async fn an_index_whose_expression_changes_is_made_again() {
    let before = "CREATE TABLE t (a text); CREATE INDEX i ON t (lower(a))";
    let after = "CREATE TABLE t (a text); CREATE INDEX i ON t (upper(a))";
    let (_, script) = Step::new(before, after).apply().await;
    assert_eq!(script.parts[0].statements, ["DROP INDEX i", "CREATE INDEX i ON t (upper(a))"]);
}

#[tokio::test]
async fn a_column_goes_with_the_view_that_read_it() {
    let before = "CREATE TABLE t (a text, b text); CREATE VIEW v AS SELECT a, b FROM t";
    let after = "CREATE TABLE t (a text); CREATE VIEW v AS SELECT a FROM t";
    let (database, _) = Step::new(before, after).rows("INSERT INTO t VALUES ('x', 'y')").apply().await;
    assert_eq!(database.rows("SELECT * FROM v").await, ["x"]);
}

#[tokio::test]
async fn a_primary_key_can_change() {
    let before = "CREATE TABLE t (a text NOT NULL PRIMARY KEY, b text NOT NULL)";
    let after = "CREATE TABLE t (a text NOT NULL, b text NOT NULL, c int NOT NULL DEFAULT 1, PRIMARY KEY (a, c))";
    let (database, _) = Step::new(before, after).rows("INSERT INTO t VALUES ('x', 'y')").apply().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["x,y,1"]);
}
