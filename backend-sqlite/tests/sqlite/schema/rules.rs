//! What `ALTER TABLE` can do on tables that have rows, and that everything else is a rebuild which keeps all there is.

use super::support::{Database, Step, statements};

fn in_place(script: &whimbrel_schema::Script) -> bool {
    !statements(script).iter().any(|statement| statement.starts_with("CREATE TABLE"))
}

/// The table before, what is added to it, and whether that is done in place.
const ADDED: &[(&str, bool)] = &[
    ("c int", true),
    ("c int NOT NULL DEFAULT 5", true),
    ("c int DEFAULT CURRENT_TIMESTAMP", false),
    ("c int DEFAULT (abs(-1))", false),
    ("c int REFERENCES p (id)", true),
    ("c int DEFAULT 1 REFERENCES p (id)", false),
    ("c int CHECK (c > 0)", true),
    ("c int DEFAULT 3 CHECK (c > 0)", true),
    ("c int NOT NULL DEFAULT TRUE", true),
    ("c blob DEFAULT X'00ff'", true),
    ("c int GENERATED ALWAYS AS (a * 2) VIRTUAL", true),
    ("c int NOT NULL GENERATED ALWAYS AS (a * 2) VIRTUAL", true),
    ("c int GENERATED ALWAYS AS (a * 2) STORED", false),
    ("c text COLLATE nocase", true),
    ("c int UNIQUE", false),
    ("c int, CONSTRAINT positive CHECK (c > a OR c IS NULL)", true),
    ("c int, FOREIGN KEY (c) REFERENCES p (id) ON DELETE SET NULL", true),
    ("c int, UNIQUE (a)", false),
];

#[tokio::test]
async fn columns_are_added_as_to_a_table_that_has_rows() {
    for (column, expected) in ADDED {
        let base = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, a int";
        let (before, after) = (format!("{base})"), format!("{base}, {column})"));
        let rows = "INSERT INTO p VALUES (1), (2); INSERT INTO t VALUES (1, 1), (7, 2)";
        let (database, script) = Step::new(&before, &after).rows(rows).apply().await;
        assert_eq!(in_place(&script), *expected, "{column}: {script:#?}");
        assert_eq!(database.rows("SELECT id, a FROM t").await, ["1,1", "7,2"], "{column}");
    }
}

#[tokio::test]
async fn a_column_that_refuses_null_needs_a_value_for_the_rows_that_are_there() {
    let step = Step::new("CREATE TABLE t (a text)", "CREATE TABLE t (a text, c int NOT NULL)")
        .rows("INSERT INTO t VALUES ('xy')");
    let problems = step.script().await.unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].file, "table t, column c");
    assert!(problems[0].hint.contains("default"), "{problems:?}");
    let (database, _) = step.fill("t", "c", "length(a)").apply().await;
    assert_eq!(database.rows("SELECT a, c FROM t").await, ["xy,2"]);
}

/// Everything about a table from which one column is dropped, and whether that is done in place.
const DROPPED: &[(&str, &str, bool)] = &[
    ("c int", "", true),
    ("c int CHECK (c > 0)", "", true),
    ("c int REFERENCES p (id)", "", true),
    ("c int GENERATED ALWAYS AS (a * 2) VIRTUAL", "", true),
    ("c int GENERATED ALWAYS AS (a * 2) STORED", "", true),
    ("c int UNIQUE", "", false),
    ("c int, CHECK (c > 0)", "", false),
    ("c int, FOREIGN KEY (c) REFERENCES p (id)", "", false),
    ("c int", "CREATE INDEX i ON t (c); CREATE INDEX j ON t (a) WHERE c > 0; CREATE INDEX k ON t (a + c)", true),
    ("c int, g int AS (c + 1)", "", true),
    ("c int", "CREATE VIEW v AS SELECT a, c FROM t", true),
    ("c int", "CREATE TRIGGER r AFTER UPDATE OF c ON t BEGIN SELECT new.c; END", true),
];

#[tokio::test]
async fn columns_are_dropped_with_what_hangs_on_them() {
    for (column, with, expected) in DROPPED {
        let base = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, a int";
        let (before, after) = (format!("{base}, {column}); {with}"), format!("{base})"));
        let rows = "INSERT INTO p VALUES (1); INSERT INTO t (id, a) VALUES (1, 1), (7, 2)";
        let (database, script) = Step::new(&before, &after).rows(rows).apply().await;
        assert_eq!(in_place(&script), *expected, "{column} {with}: {script:#?}");
        assert_eq!(database.rows("SELECT id, a FROM t").await, ["1,1", "7,2"], "{column}");
        let generated = column.contains("GENERATED");
        assert_eq!(script.losses.is_empty(), generated, "{column}: {:?}", script.losses);
    }
}

#[tokio::test]
async fn a_column_of_the_key_goes_by_a_rebuild() {
    let before = "CREATE TABLE t (a text NOT NULL, b text NOT NULL, PRIMARY KEY (a, b))";
    let after = "CREATE TABLE t (a text NOT NULL, PRIMARY KEY (a))";
    let (database, _) = Step::new(before, after).rows("INSERT INTO t VALUES ('x', 'y')").apply().await;
    assert_eq!(database.rows("SELECT * FROM t").await, ["x"]);
}

#[tokio::test]
async fn renames_are_made_in_place_and_followed_everywhere() {
    let before = "CREATE TABLE t (id INTEGER PRIMARY KEY, a int CHECK (a > 0), b int AS (a + 1));
        CREATE TABLE c (t int REFERENCES t (id) ON DELETE CASCADE);
        CREATE INDEX i ON t (a) WHERE a > 1";
    let after = "CREATE TABLE u (key INTEGER PRIMARY KEY, n int CHECK (n > 0), b int AS (n + 1));
        CREATE TABLE c (t int REFERENCES u (key) ON DELETE CASCADE);
        CREATE INDEX i ON u (n) WHERE n > 1";
    let step = Step::new(before, after)
        .rows("INSERT INTO t (id, a) VALUES (1, 5); INSERT INTO c VALUES (1)")
        .renamed("", "t", "u")
        .renamed("u", "id", "key")
        .renamed("u", "a", "n");
    let (database, script) = step.apply().await;
    assert!(in_place(&script), "{script:#?}");
    assert!(script.parts[0].directives.is_empty());
    assert_eq!(database.rows("SELECT * FROM u, c").await, ["1,5,6,1"]);
}

#[tokio::test]
async fn names_can_be_exchanged_and_change_their_case() {
    let before = "CREATE TABLE a (x int, y int); CREATE TABLE b (z int); CREATE TABLE users (name text)";
    let after = "CREATE TABLE b (y int, x int); CREATE TABLE a (z int); CREATE TABLE Users (Name text)";
    let mut step = Step::new(before, after)
        .rows("INSERT INTO a VALUES (1, 2); INSERT INTO b VALUES (3); INSERT INTO users VALUES ('n')");
    step = step.renamed("", "a", "tmp").renamed("", "b", "a").renamed("", "tmp", "b");
    step = step.renamed("b", "x", "tmp").renamed("b", "y", "x").renamed("b", "tmp", "y");
    step = step.renamed("", "users", "Users").renamed("Users", "name", "Name");
    let (database, _) = step.apply().await;
    assert_eq!(database.rows("SELECT x, y, z FROM a, b").await, ["2,1,3"]);
    assert_eq!(database.rows("SELECT * FROM Users").await, ["n"]);
}

#[tokio::test]
async fn a_name_that_a_dropped_column_or_table_had_is_free() {
    let before = "CREATE TABLE t (id INTEGER PRIMARY KEY, a int, b int UNIQUE); CREATE TABLE u (x int)";
    let after = "CREATE TABLE u (id INTEGER PRIMARY KEY, b int)";
    for on in [false, true] {
        let mut step = Step::new(before, after).rows("INSERT INTO t VALUES (1, 2, 3)");
        step = step.renamed("", "t", "u").renamed("u", "a", "b");
        if on {
            step = step.foreign_keys_on();
        }
        // The small diff cannot tell of two columns with one name; the rename alone says it all.
        let script = step.script().await;
        assert!(script.is_ok(), "{script:?}");
    }
}

#[tokio::test]
async fn everything_of_a_rebuilt_table_is_kept() {
    let rest = "CREATE UNIQUE INDEX by_a ON t (a COLLATE nocase DESC) WHERE a IS NOT NULL;
        CREATE INDEX by_b ON t (length(b), a || '-;-');
        CREATE TABLE log (what text);
        CREATE TRIGGER t_added AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('added ' || new.a); END;
        CREATE TRIGGER elsewhere AFTER INSERT ON log BEGIN UPDATE t SET b = 'seen' WHERE a = new.what; END;
        CREATE VIEW first AS SELECT a FROM t; CREATE VIEW second AS SELECT * FROM first;
        CREATE TRIGGER instead INSTEAD OF INSERT ON second BEGIN INSERT INTO t (a) VALUES (new.a); END";
    let table = |d: &str| {
        format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a text COLLATE NOCASE UNIQUE ON CONFLICT IGNORE,
                b text CHECK (b <> ';' AND b <> 't'), c int DEFAULT {d}, CHECK (a <> b)) STRICT; {rest}"
        )
    };
    let (before, after) = (table("1"), table("(2 + 0)"));
    let rows =
        "INSERT INTO t (id, a, b) VALUES (1, 'x', 'y'), (9, 'z', NULL); DELETE FROM t WHERE id = 9; DELETE FROM log";
    for on in [false, true] {
        let mut step = Step::new(&before, &after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, script) = step.apply().await;
        assert!(!in_place(&script));
        assert_eq!(database.rows("SELECT * FROM t").await, ["1,x,y,1"]);
        assert_eq!(database.rows("SELECT * FROM log").await, Vec::<String>::new(), "no trigger fired");
        database.execute("INSERT INTO second (a) VALUES ('w')").await;
        assert_eq!(database.rows("SELECT id, a, c FROM t WHERE a = 'W'").await, ["10,w,2"]);
        assert_eq!(database.rows("SELECT what FROM log").await, ["added w"]);
    }
}

#[tokio::test]
async fn rows_that_refer_to_one_another_are_kept_where_their_key_may_not_act() {
    let table = |action: &str, check: &str| {
        format!(
            "CREATE TABLE t (a text PRIMARY KEY, b text NOT NULL DEFAULT 'none'{check} \
             REFERENCES t (a) ON DELETE {action})"
        )
    };
    let rows = "PRAGMA defer_foreign_keys = ON; INSERT INTO t VALUES ('x', 'z'), ('y', 'x'), ('z', 'y')";
    for (action, on) in [("SET NULL", false), ("SET NULL", true), ("SET DEFAULT", true)] {
        let (before, after) = (table(action, ""), table(action, " CHECK (b <> 'w')"));
        let mut step = Step::new(&before, &after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, _) = step.apply().await;
        assert_eq!(database.rows("SELECT a, b FROM t ORDER BY a").await, ["x,z", "y,x", "z,y"]);
    }
}

#[tokio::test]
async fn tables_that_refer_to_one_another_and_to_themselves_are_made_anew_together() {
    let tables = |kind: &str| {
        format!(
            "CREATE TABLE a (id INTEGER PRIMARY KEY REFERENCES b (id), own INTEGER REFERENCES a (id) ON DELETE SET DEFAULT,
                x {kind});
             CREATE TABLE b (id INTEGER PRIMARY KEY REFERENCES a (id), own INTEGER REFERENCES b (id) ON DELETE CASCADE,
                x {kind})"
        )
    };
    let rows = "PRAGMA defer_foreign_keys = ON;
        INSERT INTO a VALUES (1, 2, 3), (2, 1, 4); INSERT INTO b VALUES (1, 2, 5), (2, 1, 6)";
    for on in [false, true] {
        let (before, after) = (tables("int"), tables("text"));
        let mut step = Step::new(&before, &after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, _) = step.apply().await;
        assert_eq!(
            database.rows("SELECT a.own, a.x, b.own, b.x FROM a JOIN b USING (id)").await,
            ["2,3,2,5", "1,4,1,6"]
        );
    }
}

#[tokio::test]
async fn a_counter_is_kept_where_the_table_is_empty_now() {
    let table = |kind: &str| format!("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a {kind})");
    let (before, after) = (table("int"), table("text"));
    for on in [false, true] {
        let mut step = Step::new(&before, &after).rows("INSERT INTO t VALUES (41, 1); DELETE FROM t");
        if on {
            step = step.foreign_keys_on();
        }
        let (database, _) = step.apply().await;
        database.execute("INSERT INTO t (a) VALUES ('x')").await;
        assert_eq!(database.rows("SELECT id FROM t").await, ["42"]);
        assert_eq!(database.rows("SELECT name, seq FROM sqlite_sequence").await, ["t,42"]);
    }
}

#[tokio::test]
async fn rowids_are_kept_where_something_may_have_stored_them() {
    for (before, after) in [
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a text)"),
        ("CREATE TABLE t (a int, rowid text)", "CREATE TABLE t (a text, rowid text)"),
        ("CREATE TABLE t (a int)", "CREATE TABLE t (a int, id INTEGER PRIMARY KEY)"),
        ("CREATE TABLE t (a int, id INTEGER PRIMARY KEY)", "CREATE TABLE t (a int, id INTEGER)"),
    ] {
        let rows = "INSERT INTO t (a) VALUES (1), (2), (3); DELETE FROM t WHERE a = 2";
        for on in [false, true] {
            let mut step = Step::new(before, after).rows(rows);
            if on {
                step = step.foreign_keys_on();
            }
            let (database, _) = step.apply().await;
            assert_eq!(database.rows("SELECT _rowid_, a FROM t").await, ["1,1", "3,3"], "{before}");
        }
    }
}

#[tokio::test]
async fn full_text_of_another_table_still_fits_after_a_rebuild() {
    let table = |kind: &str| {
        format!(
            "CREATE TABLE docs (body text, n {kind});
             CREATE VIRTUAL TABLE fts USING fts5(body, content='docs');
             CREATE TRIGGER added AFTER INSERT ON docs BEGIN INSERT INTO fts (rowid, body) VALUES (new.rowid, new.body); END"
        )
    };
    let (before, after) = (table("int"), table("text"));
    let rows = "INSERT INTO docs VALUES ('one', 1), ('two', 2), ('three', 3); DELETE FROM docs WHERE n = 2";
    let (database, _) = Step::new(&before, &after).rows(rows).apply().await;
    assert_eq!(
        database.rows("SELECT body, n FROM docs WHERE rowid IN (SELECT rowid FROM fts WHERE fts MATCH 'three')").await,
        ["three,3"]
    );
}

#[tokio::test]
async fn references_of_every_kind_survive_with_foreign_keys_off_and_on() {
    let children = "CREATE TABLE cascades (p int REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, id INTEGER PRIMARY KEY);
        CREATE TABLE nulls (p int REFERENCES p ON DELETE SET NULL);
        CREATE TABLE defaults (p int DEFAULT 2 REFERENCES p ON DELETE SET DEFAULT);
        CREATE TABLE restricts (p int REFERENCES p ON DELETE RESTRICT);
        CREATE TABLE naught (p int NOT NULL REFERENCES p);
        CREATE TABLE deep (c int REFERENCES cascades ON DELETE CASCADE, self int REFERENCES deep ON DELETE RESTRICT, id INTEGER PRIMARY KEY);
        CREATE TABLE deeper (d int REFERENCES deep ON DELETE SET NULL);
        CREATE TABLE gone (what text);
        CREATE TRIGGER t AFTER DELETE ON cascades BEGIN INSERT INTO gone VALUES ('cascades'); END";
    let table = |kind: &str| {
        format!(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, v {kind}, boss int REFERENCES p (id) ON DELETE CASCADE, one int REFERENCES cascades (id) ON DELETE CASCADE); {children}"
        )
    };
    let (before, after) = (table("int"), table("text"));
    let rows = "INSERT INTO p VALUES (1, 10, NULL, NULL), (2, 20, 1, NULL); INSERT INTO cascades VALUES (1, 5), (2, 6);
        UPDATE p SET one = 5 WHERE id = 2; INSERT INTO nulls VALUES (1); INSERT INTO defaults VALUES (1);
        INSERT INTO restricts VALUES (2); INSERT INTO naught VALUES (1);
        INSERT INTO deep VALUES (5, NULL, 1), (6, 1, 2); INSERT INTO deeper VALUES (2)";
    for on in [false, true] {
        let mut step = Step::new(&before, &after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, script) = step.apply().await;
        let directives = &script.parts[0].directives;
        assert_eq!(directives.contains(&"foreign-keys off".to_owned()), !on);
        let kept = "keep-rows cascades, deep, deeper, defaults, naught, nulls, p, restricts";
        assert!(directives.iter().any(|directive| directive == kept), "{directives:?}");
        for (table, expected) in [
            ("p", "1,10,-,-;2,20,1,5"),
            ("cascades", "1,5;2,6"),
            ("nulls", "1"),
            ("defaults", "1"),
            ("restricts", "2"),
            ("naught", "1"),
            ("deep", "5,-,1;6,1,2"),
            ("deeper", "2"),
            ("gone", ""),
        ] {
            assert_eq!(database.rows(&format!("SELECT * FROM {table}")).await.join(";"), expected, "{table}, on: {on}");
        }
    }
}

#[tokio::test]
async fn a_table_can_be_dropped_with_what_referred_to_it() {
    let before = "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, x int);
        CREATE TABLE d (id INTEGER PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE)";
    let after = "CREATE TABLE c (id INTEGER PRIMARY KEY, x int);
        CREATE TABLE d (id INTEGER PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE)";
    let rows = "INSERT INTO p VALUES (1); INSERT INTO c VALUES (2, 1, 7); INSERT INTO d VALUES (3, 2)";
    for on in [false, true] {
        let mut step = Step::new(before, after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, script) = step.apply().await;
        assert_eq!(database.rows("SELECT * FROM c, d").await, ["2,7,3,2"]);
        let lost: Vec<_> = script.losses.iter().map(|loss| loss.object.as_str()).collect();
        assert_eq!(lost, ["column c.p", "table p"]);
    }
}

#[tokio::test]
async fn a_broken_view_does_not_stop_a_change_of_another_table() {
    let rest = "CREATE TABLE other (id INTEGER PRIMARY KEY); CREATE VIEW broken AS SELECT * FROM missing";
    let before = format!("CREATE TABLE t (a int, b int); {rest}");
    for after in ["CREATE TABLE t (a int)", "CREATE TABLE t (a text, b int)"] {
        let after = format!("{after}; {rest}");
        Step::new(&before, &after).rows("INSERT INTO t VALUES (1, 2)").apply().await;
    }
}

#[tokio::test]
async fn values_convert_only_as_they_are_told() {
    let step = Step::new("CREATE TABLE t (a text)", "CREATE TABLE t (a integer)").rows("INSERT INTO t VALUES ('007')");
    let problems = step.script().await.unwrap_err();
    assert!(problems[0].hint.contains("CAST(a AS integer)"), "{problems:?}");
    let (database, _) = step.fill("t", "a", "CAST(a AS integer)").apply().await;
    assert_eq!(database.rows("SELECT a, typeof(a) FROM t").await, ["7,integer"]);
    let lossy = Step::new("CREATE TABLE t (a integer)", "CREATE TABLE t (a real)").script().await.unwrap();
    assert_eq!(lossy.losses[0].object, "column t.a");
}

#[tokio::test]
async fn null_becomes_the_default_or_the_statement_fails_and_nothing_is_changed() {
    let (before, after) = ("CREATE TABLE t (a text)", "CREATE TABLE t (a text NOT NULL)");
    let rows = "INSERT INTO t VALUES ('x'), (NULL)";
    let (database, error) = Step::new(before, after).rows(rows).fails().await;
    assert!(error.contains("NOT NULL"), "{error}");
    assert_eq!(database.rows("SELECT a FROM t").await, ["x", "-"]);
    let (database, _) = Step::new(before, after).rows(rows).fill("t", "a", "'none'").apply().await;
    assert_eq!(database.rows("SELECT a FROM t").await, ["x", "none"]);
    let after = "CREATE TABLE t (a text NOT NULL DEFAULT 'd')";
    let (database, _) = Step::new(before, after).rows(rows).apply().await;
    assert_eq!(database.rows("SELECT a FROM t").await, ["x", "d"]);
}

#[tokio::test]
async fn a_check_that_rows_break_fails_and_leaves_all_as_it_was() {
    let after = "CREATE TABLE t (a int CHECK (a < 2))";
    let (database, error) =
        Step::new("CREATE TABLE t (a int)", after).rows("INSERT INTO t VALUES (1), (2)").fails().await;
    assert!(error.contains("CHECK"), "{error}");
    assert_eq!(database.rows("SELECT count(*) FROM t").await, ["2"]);
}

#[tokio::test]
async fn tables_that_refer_to_each_other_are_rebuilt_together() {
    let tables = |kind: &str| {
        format!(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, v {kind}, b int REFERENCES b ON DELETE CASCADE);
             CREATE TABLE b (id INTEGER PRIMARY KEY, v {kind}, c int REFERENCES c ON DELETE SET NULL);
             CREATE TABLE c (id INTEGER PRIMARY KEY, v {kind}, a int REFERENCES a ON DELETE CASCADE)"
        )
    };
    let (before, after) = (tables("int"), tables("text"));
    let rows = "INSERT INTO a VALUES (1, 1, NULL); INSERT INTO c VALUES (3, 3, 1); INSERT INTO b VALUES (2, 2, 3); UPDATE a SET b = 2";
    for on in [false, true] {
        let mut step = Step::new(&before, &after).rows(rows);
        if on {
            step = step.foreign_keys_on();
        }
        let (database, _) = step.apply().await;
        assert_eq!(database.rows("SELECT * FROM a, b, c").await, ["1,1,2,2,2,3,3,3,1"]);
    }
}

#[tokio::test]
async fn names_that_need_quotes_are_quoted() {
    let table = |kind: &str| {
        format!(
            "CREATE TABLE \"order\" (\"group by\" int, \"a\"\"b\" {kind}, [x y] int DEFAULT 0 CHECK ([x y] >= 0), UNIQUE (\"group by\"));
             CREATE INDEX \"in dex\" ON \"order\" (\"x y\");
             CREATE TABLE order_new (\"to\" int REFERENCES \"order\" (\"group by\"))"
        )
    };
    let (before, after) = (table("int"), table("text"));
    let rows = "INSERT INTO \"order\" VALUES (1, 2, 3); INSERT INTO order_new VALUES (1)";
    let (database, _) = Step::new(&before, &after).rows(rows).apply().await;
    assert_eq!(database.rows("SELECT * FROM \"order\", order_new").await, ["1,2,3,1"]);
}

#[tokio::test]
async fn without_rowid_and_strict_change_by_a_rebuild() {
    let before = "CREATE TABLE t (a text NOT NULL PRIMARY KEY, b int)";
    let after = "CREATE TABLE t (a text NOT NULL PRIMARY KEY, b int) WITHOUT ROWID, STRICT";
    for (from, to) in [(before, after), (after, before)] {
        let (database, _) = Step::new(from, to).rows("INSERT INTO t VALUES ('x', 1)").apply().await;
        assert_eq!(database.rows("SELECT * FROM t").await, ["x,1"]);
    }
}

#[tokio::test]
async fn nothing_to_do_is_no_script() {
    let sql = "CREATE TABLE t (a int)";
    assert!(Step::new(sql, sql).script().await.unwrap().parts.is_empty());
    assert!(Database::with(sql).await.schema().await.tables.len() == 1);
}
