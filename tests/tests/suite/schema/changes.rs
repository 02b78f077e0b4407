//! Changes on tables that have rows.

use whimbrel::schema::{Rename, RenamedObject};
use whimbrel_tests::database::TestDatabase;

use super::Project;
use crate::on_both;

on_both! {
    a_column_that_must_have_a_value_asks_for_one
    a_rebuilt_parent_keeps_all_that_refers_to_it
    a_rename_with_a_change_keeps_the_values
    numbers_of_deleted_rows_are_not_given_again
    views_follow_the_tables_that_they_read
    an_enum_gets_a_value_that_is_used_at_once
    a_value_of_an_enum_is_renamed_in_the_rows
    types_of_keys_change_on_both_sides
    a_key_that_is_referred_to_is_replaced
    losses_are_refused_until_they_are_accepted
    texts_with_every_kind_of_quote_survive
    circles_come_and_go
    generated_columns_and_expressions_are_kept
    constraints_come_and_go_one_by_one
    renames_are_asked_for_and_told_in_the_file
    names_are_swapped_once
    names_are_swapped_and_values_are_given
    names_move_up_in_a_row
    constraints_and_indexes_keep_up_with_names_that_move
    a_table_gets_the_name_of_a_view
    a_view_gives_a_renamed_column_under_its_new_name
    a_view_of_all_columns_gives_a_new_one_too
    views_are_told_from_columns_of_their_names
    an_enum_loses_a_value_under_all_that_names_it
    a_renamed_value_is_carried_into_checks_and_indexes
    values_move_up_in_a_row
    a_new_table_refers_to_a_column_that_changes_its_type
    a_computed_column_follows_what_it_reads
    a_column_is_numbered_no_more_and_becomes_a_text
    what_is_carried_as_text_is_made_in_the_order_that_it_needs
    a_function_changes_under_what_calls_it
    what_is_carried_as_text_goes_and_comes_with_its_table
    a_view_that_stores_its_rows_follows_with_its_index
}

async fn a_column_that_must_have_a_value_asks_for_one(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL);").await;
    project.run(&["insert into users values (1, 'A@x'), (2, 'B@x')"]).await;
    let with_name = "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL, name text NOT NULL);";
    let why = project.refused(with_name).await;
    assert!(why.contains("users") && why.contains("name"), "{why}");
    project.fill("users", "name", "lower(email)");
    project.becomes(with_name).await;
    assert_eq!(project.rows("select id, email, name from users order by id").await, ["1 A@x a@x", "2 B@x b@x"]);
    let nullable = "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL, name text NOT NULL, bio text);";
    project.becomes(nullable).await;
    let not_null = nullable.replace("bio text", "bio text NOT NULL DEFAULT 'none'");
    project.fill("users", "bio", "coalesce(bio, 'filled')");
    project.becomes(&not_null).await;
    assert_eq!(project.rows("select distinct bio from users").await, ["filled"]);
}

async fn a_rebuilt_parent_keeps_all_that_refers_to_it(database: TestDatabase) {
    let tables = |check: &str| {
        format!(
            "CREATE TABLE users (id integer PRIMARY KEY, boss_id integer REFERENCES users ON DELETE CASCADE, age integer{check});
             CREATE TABLE posts (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users ON DELETE CASCADE);
             CREATE TABLE comments (id integer PRIMARY KEY, post_id integer REFERENCES posts ON DELETE SET NULL,
                                    user_id integer NOT NULL REFERENCES users ON DELETE RESTRICT);
             CREATE TABLE likes (comment_id integer REFERENCES comments ON DELETE CASCADE, user_id integer REFERENCES users,
                                 PRIMARY KEY (comment_id, user_id));
             CREATE INDEX posts_user_id_idx ON posts (user_id);"
        )
    };
    let mut project = Project::new(database);
    project.becomes(&tables("")).await;
    project
        .run(&[
            "insert into users values (1, null, 50), (2, 1, 30), (3, 2, 20)",
            "insert into posts values (10, 2), (11, 3)",
            "insert into comments values (100, 10, 3), (101, 11, 1)",
            "insert into likes values (100, 1), (101, 2)",
        ])
        .await;
    project.becomes(&tables(" CONSTRAINT users_age_check CHECK (age > 0)")).await;
    assert_eq!(project.rows("select id, boss_id, age from users order by id").await, ["1 NULL 50", "2 1 30", "3 2 20"]);
    assert_eq!(project.rows("select id, user_id from posts order by id").await, ["10 2", "11 3"]);
    assert_eq!(project.rows("select id, post_id, user_id from comments order by id").await, ["100 10 3", "101 11 1"]);
    assert_eq!(project.rows("select * from likes order by 1").await, ["100 1", "101 2"]);
    assert!(project.database.transact(&["insert into users values (4, null, -1)"]).await.is_err());
    assert!(project.database.transact(&["insert into posts values (12, 99)"]).await.is_err(), "the keys are enforced");
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

async fn numbers_of_deleted_rows_are_not_given_again(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = |check: &str| {
        format!("CREATE TABLE logs (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, line text{check});")
    };
    project.becomes(&table("")).await;
    project.run(&["insert into logs (line) values ('a'), ('b'), ('c')", "delete from logs where line <> 'a'"]).await;
    project.becomes(&table(" CHECK (line <> '')")).await;
    project.run(&["insert into logs (line) values ('d')"]).await;
    assert_eq!(project.rows("select id, line from logs order by id").await, ["1 a", "4 d"]);
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

async fn types_of_keys_change_on_both_sides(database: TestDatabase) {
    let tables = |ty: &str| {
        format!(
            "CREATE TABLE parents (id {ty} PRIMARY KEY, name text);
             CREATE TABLE children (id integer PRIMARY KEY, parent_id {ty} REFERENCES parents ON DELETE CASCADE);
             CREATE INDEX children_parent_id_idx ON children (parent_id);"
        )
    };
    let mut project = Project::new(database);
    project.becomes(&tables("integer")).await;
    project.run(&["insert into parents values (1, 'a')", "insert into children values (7, 1)"]).await;
    project.becomes(&tables("bigint")).await;
    assert_eq!(project.rows("select id, parent_id from children").await, ["7 1"]);
    assert!(project.database.transact(&["insert into children values (8, 2)"]).await.is_err());
}

async fn a_key_that_is_referred_to_is_replaced(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes(
            "CREATE TABLE parents (id integer PRIMARY KEY, code text NOT NULL, UNIQUE (code));
             CREATE TABLE children (id integer PRIMARY KEY, code text REFERENCES parents (code));",
        )
        .await;
    project.run(&["insert into parents values (1, 'x')", "insert into children values (5, 'x')"]).await;
    project
        .becomes(
            "CREATE TABLE parents (id integer NOT NULL, code text PRIMARY KEY);
             CREATE TABLE children (id integer PRIMARY KEY, code text REFERENCES parents (code) ON DELETE SET NULL);",
        )
        .await;
    assert_eq!(project.rows("select id, code from parents").await, ["1 x"]);
    assert_eq!(project.rows("select id, code from children").await, ["5 x"]);
    project.run(&["delete from parents"]).await;
    assert_eq!(project.rows("select id, code from children").await, ["5 NULL"]);
}

async fn losses_are_refused_until_they_are_accepted(database: TestDatabase) {
    let mut project = Project::new(database);
    project
        .becomes("CREATE TABLE a (id integer PRIMARY KEY, x text, y text); CREATE TABLE b (id integer PRIMARY KEY);")
        .await;
    project.run(&["insert into a values (1, 'x', 'y')", "insert into b values (1)"]).await;
    let less = "CREATE TABLE a (id integer PRIMARY KEY, x text);";
    let why = project.refused(less).await;
    assert!(why.contains("a.y") && why.contains("table b"), "{why}");
    project.accept_data_loss = true;
    project.becomes(less).await;
    assert_eq!(project.rows("select * from a").await, ["1 x"]);
    assert_eq!(project.database.tables().await.iter().filter(|name| *name == "b").count(), 0);
}

async fn texts_with_every_kind_of_quote_survive(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = |more: &str| {
        format!(
            "CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT 'it''s; \"x\", -- no comment', j jsonb NOT NULL DEFAULT '{{\"k\": \"it''s\"}}',
                b text CHECK (b <> ';' AND b <> 'data.x'){more});
             CREATE INDEX t_idx ON t (a, lower(b)) WHERE a <> ';';"
        )
    };
    project.becomes(&table("")).await;
    project.run(&["insert into t (id, b) values (1, 'ok')"]).await;
    project.becomes(&table(", c text NOT NULL DEFAULT 'q''\"'")).await;
    assert_eq!(project.rows("select id, a, b, c from t").await, ["1 it's; \"x\", -- no comment ok q'\""]);
    assert!(project.database.transact(&["insert into t (id, b) values (2, 'data.x')"]).await.is_err());
    assert!(project.database.transact(&["insert into t (id, b) values (2, ';')"]).await.is_err());
}

async fn circles_come_and_go(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE keep (id integer PRIMARY KEY);").await;
    project
        .becomes(
            "CREATE TABLE keep (id integer PRIMARY KEY);
             CREATE TABLE a (id integer PRIMARY KEY, b_id integer);
             CREATE TABLE b (id integer PRIMARY KEY, a_id integer REFERENCES a);
             ALTER TABLE a ADD CONSTRAINT a_b_fk FOREIGN KEY (b_id) REFERENCES b (id);",
        )
        .await;
    project.run(&["insert into a values (1, null)", "insert into b values (1, 1)", "update a set b_id = 1"]).await;
    project.accept_data_loss = true;
    project.becomes("CREATE TABLE keep (id integer PRIMARY KEY);").await;
}

async fn generated_columns_and_expressions_are_kept(database: TestDatabase) {
    let mut project = Project::new(database);
    let table = |check: &str| {
        format!(
            "CREATE TABLE t (id integer PRIMARY KEY, price integer NOT NULL, amount integer NOT NULL,
                total integer GENERATED ALWAYS AS (price * amount) STORED{check});
             CREATE UNIQUE INDEX t_expr_idx ON t ((price + amount) DESC, total);"
        )
    };
    project.becomes(&table("")).await;
    project.run(&["insert into t (id, price, amount) values (1, 6, 7)"]).await;
    project.becomes(&table(", CHECK (price > 0)")).await;
    assert_eq!(project.rows("select total from t").await, ["42"]);
    project.becomes(&table(", CHECK (price > 0), note varchar(20) DEFAULT 'x'")).await;
    assert_eq!(project.rows("select total, note from t").await, ["42 x"]);
}

async fn constraints_come_and_go_one_by_one(database: TestDatabase) {
    let mut project = Project::new(database);
    let base = "CREATE TABLE p (id integer PRIMARY KEY, code text NOT NULL);";
    let steps = [
        format!("{base} CREATE TABLE t (id integer PRIMARY KEY, a integer, b text);"),
        format!("{base} CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE, b text);"),
        format!("{base} CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE REFERENCES p, b text NOT NULL);"),
        format!(
            "{base} CREATE TABLE t (id integer PRIMARY KEY, a integer REFERENCES p ON DELETE CASCADE, b text NOT NULL, CHECK (a > 0));"
        ),
        format!("{base} CREATE TABLE t (id integer NOT NULL, a integer, b text NOT NULL, PRIMARY KEY (id, b));"),
        format!(
            "{base} CREATE TABLE t (id integer NOT NULL, a integer, b text NOT NULL DEFAULT 'z', PRIMARY KEY (id, b)); CREATE INDEX t_a_idx ON t (a DESC);"
        ),
        format!(
            "{base} CREATE TABLE t (id integer NOT NULL, a integer, b text NOT NULL DEFAULT 'z', PRIMARY KEY (id, b)); CREATE UNIQUE INDEX t_a_idx ON t (a) WHERE a > 5;"
        ),
    ];
    for (number, step) in steps.iter().enumerate() {
        if number == 2 {
            project.fill("t", "b", "coalesce(b, '')");
        }
        project.becomes(step).await;
        if number == 0 {
            project.run(&["insert into p values (3, 'c')", "insert into t values (1, 3, 'x')"]).await;
        }
        assert_eq!(project.rows("select id, a, b from t").await, ["1 3 x"], "after {step}");
    }
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

async fn a_new_table_refers_to_a_column_that_changes_its_type(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE parents (id integer PRIMARY KEY);").await;
    project.run(&["insert into parents values (1)"]).await;
    project
        .becomes(
            "CREATE TABLE parents (id bigint PRIMARY KEY);
             CREATE TABLE children (id integer PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parents);",
        )
        .await;
    project.run(&["insert into children values (1, 1)"]).await;
    assert!(project.database.transact(&["insert into children values (2, 2)"]).await.is_err());
}

async fn a_computed_column_follows_what_it_reads(database: TestDatabase) {
    let mut project = Project::new(database);
    let schema = |ty: &str, computed: &str, more: &str| {
        format!(
            "CREATE TABLE t (id integer PRIMARY KEY, n {ty}, twice bigint GENERATED ALWAYS AS ({computed}) STORED{more},
                CHECK (twice < 1000));
             CREATE INDEX t_twice_idx ON t (twice);
             COMMENT ON COLUMN t.twice IS 'two times';
             CREATE VIEW v AS SELECT twice FROM t;"
        )
    };
    project.becomes(&schema("integer", "n * 2", "")).await;
    project.run(&["insert into t (id, n) values (1, 21)"]).await;
    project.becomes(&schema("bigint", "n * 2", "")).await;
    assert_eq!(project.rows("select twice from v").await, ["42"]);
    project
        .becomes(&schema("bigint", "n + n + id", ", known boolean GENERATED ALWAYS AS (n IS NOT NULL) STORED"))
        .await;
    assert_eq!(project.rows("select twice from t where known").await, ["43"]);
    assert!(project.database.transact(&["insert into t (id, n) values (2, 5000)"]).await.is_err());
}

async fn a_column_is_numbered_no_more_and_becomes_a_text(database: TestDatabase) {
    let mut project = Project::new(database);
    project.becomes("CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, a text);").await;
    project.run(&["insert into t (a) values ('x')"]).await;
    project.becomes("CREATE TABLE t (id text PRIMARY KEY, a text);").await;
    assert_eq!(project.rows("select id, a from t").await, ["1 x"]);
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
