#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use crate::dialect::RenamedObject;
use crate::model::{Action, IndexTarget, ObjectName, Type};

fn document(text: &str) -> Document {
    read("schema.sql", text).unwrap_or_else(|problems| panic!("{}", told(&problems)))
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|it| it.to_string() + "\n").collect()
}

fn refused(text: &str) -> Vec<String> {
    let problems = read("s", text).unwrap_err();
    problems.iter().map(|it| format!("{}:{} {}", it.line.unwrap(), it.column.unwrap(), it.message)).collect()
}

#[test]
fn the_reference_application_is_read_whole() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.sql");
    let (schema, _) = document(&std::fs::read_to_string(file).unwrap()).for_dialect("sqlite");
    assert_eq!(schema.tables.len(), 12);
    let sessions = schema.table(&"sessions".into()).unwrap();
    assert_eq!((sessions.columns.len(), sessions.checks.len(), sessions.foreign_keys.len()), (21, 5, 4));
    assert_eq!(sessions.indexes.len(), 7);
    let users = schema.table(&"users".into()).unwrap();
    assert!(matches!(&users.indexes[0].keys[0].on, IndexTarget::Expr(expr) if expr.as_str() == "lower(email)"));
    assert_eq!(users.column("email").unwrap().ty, Type::Varchar(320));
    assert_eq!(users.column("preferences").unwrap().default.as_ref().unwrap().as_str(), "'{}'");
    let messages = schema.table(&"messages".into()).unwrap();
    assert!(messages.column("id").unwrap().identity.is_some());
    let links = schema.table(&"session_mcp_servers".into()).unwrap();
    assert_eq!(links.primary_key.as_ref().unwrap().columns, ["session_id", "mcp_server_id"]);
    assert_eq!(links.foreign_keys[0].on_delete, Action::Cascade);
    assert_eq!(links.foreign_keys[0].parent_columns, ["id"], "the primary key is written out");
}

#[test]
fn annotations_belong_to_what_stands_below_them() {
    let text = "\
-- @sqlite timestamps = integer-ms

-- People.
-- @renamed from users
CREATE TABLE people ( -- @renamed from nothing: this belongs to the line before
    id integer PRIMARY KEY,
    -- The address.
    -- @renamed from email
    -- @sqlite checks = none
    mail varchar(320) NOT NULL
);
-- @renamed from old_idx
CREATE INDEX new_idx ON people (mail);
-- @renamed from kind
CREATE TYPE sort AS ENUM (
    'a',
    -- @renamed from 'bee'
    'b'
);
";
    let document = document(text);
    let renames: Vec<String> =
        document.renames().iter().map(|it| format!("{}: {} to {}", it.object, it.from, it.to)).collect();
    assert_eq!(
        renames,
        [
            "column of people: email to mail",
            "table: users to people",
            "index of people: old_idx to new_idx",
            "value of sort: bee to b",
            "type: kind to sort",
        ]
    );
    let (_, storage) = document.for_dialect("sqlite");
    let people = ObjectName::new("people");
    assert_eq!(storage.get(&people, "id", "timestamps"), Some("integer-ms"));
    assert_eq!(storage.get(&people, "mail", "checks"), Some("none"));
    assert_eq!(storage.get(&people, "id", "checks"), None);
    assert_eq!(document.for_dialect("postgres").1.get(&people, "id", "timestamps"), None);
    assert!(matches!(document.renames()[0].object, RenamedObject::Column(_)));
}

#[test]
fn what_one_dialect_has_is_carried_for_it_alone() {
    let text = "\
CREATE TABLE notes (id integer PRIMARY KEY, body text);
-- @only sqlite
CREATE TRIGGER touch AFTER UPDATE ON notes BEGIN
  UPDATE notes SET body = 'a;b' WHERE id = NEW.id;
END;
-- @only postgres
CREATE EXTENSION IF NOT EXISTS pg_trgm;
-- @only postgres
CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS $$ SELECT 1; $$;
-- @only postgres
CREATE INDEX notes_body_idx ON notes USING gin (body gin_trgm_ops);
-- @only sqlite
CREATE VIRTUAL TABLE search USING fts5(body);
CREATE TABLE more (id integer PRIMARY KEY);
";
    let document = document(text);
    let natives = |name: &str| -> Vec<String> {
        document.for_dialect(name).0.natives.iter().map(|it| format!("{} {}", it.kind, it.name)).collect()
    };
    assert_eq!(natives("sqlite"), ["trigger touch", "virtual table search"]);
    assert_eq!(natives("postgres"), ["extension pg_trgm", "function one"]);
    let indexes = |name: &str| document.for_dialect(name).0.tables[0].indexes.len();
    assert_eq!(
        (indexes("postgres"), indexes("sqlite")),
        (1, 0),
        "an index of one dialect is added to the table of all"
    );
    assert_eq!(document.for_dialect("sqlite").0.tables.len(), 2);
    let trigger = document.for_dialect("sqlite").0.natives[0].clone();
    assert_eq!(trigger.table, Some(ObjectName::new("notes")));
    assert!(trigger.sql.ends_with("END"), "{}", trigger.sql);
}

#[test]
fn every_form_of_a_table_is_read() {
    let text = "\
CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
CREATE TABLE a (
    id serial,
    n numeric(10, 2) DEFAULT 1.5 CHECK (n > 0),
    m mood NOT NULL DEFAULT 'sad',
    tags text[],
    u text UNIQUE,
    d double precision GENERATED ALWAYS AS (n * 2) STORED,
    t timestamp(3) with time zone DEFAULT CURRENT_TIMESTAMP,
    \"Quoted Name\" text COLLATE \"C\",
    CONSTRAINT a_pk PRIMARY KEY (id),
    CONSTRAINT both UNIQUE (n, m),
    FOREIGN KEY (id) REFERENCES a ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX a_idx ON a (lower(u) DESC NULLS LAST, n) WHERE n IS NOT NULL;
ALTER TABLE a ADD CONSTRAINT later CHECK (n < 100);
CREATE VIEW rich AS SELECT id, n FROM a WHERE n > 10;
COMMENT ON TABLE a IS 'it''s a table';
COMMENT ON COLUMN a.n IS 'amount';
";
    let (schema, _) = document(text).for_dialect("postgres");
    let a = &schema.tables[0];
    assert_eq!(schema.enums[0].values, ["sad", "it's ok"]);
    assert!(a.column("id").unwrap().identity.is_some() && a.column("id").unwrap().not_null);
    assert_eq!(a.column("n").unwrap().ty, Type::Numeric(Some((10, 2))));
    assert_eq!(a.column("m").unwrap().ty, Type::Enum("mood".into()));
    assert_eq!(a.column("tags").unwrap().ty, Type::Array(Box::new(Type::Text)));
    assert_eq!(a.column("t").unwrap().ty, Type::Timestamptz(Some(3)));
    assert_eq!(a.column("t").unwrap().default.as_ref().unwrap().as_str(), "now()");
    assert_eq!(a.column("d").unwrap().generated.as_ref().unwrap().expr.as_str(), "n * 2");
    assert_eq!(a.column("Quoted Name").unwrap().collation.as_deref(), Some("C"));
    assert_eq!(a.primary_key.as_ref().unwrap().name.as_deref(), Some("a_pk"));
    assert_eq!(a.uniques.len(), 2);
    assert_eq!(a.checks.len(), 2);
    let key = &a.foreign_keys[0];
    assert_eq!((key.on_delete, key.on_update), (Action::SetNull, Action::Cascade));
    assert_eq!(key.parent_columns, ["id"]);
    let index = &a.indexes[0];
    assert!(index.unique && index.keys[0].descending && index.keys[0].nulls.is_some() && index.predicate.is_some());
    assert_eq!(index.keys[1].on, IndexTarget::Column("n".to_owned()));
    assert_eq!(schema.views[0].query, "SELECT id, n FROM a WHERE n > 10");
    assert_eq!(a.comment.as_deref(), Some("it's a table"));
    assert_eq!(a.column("n").unwrap().comment.as_deref(), Some("amount"));
}

#[test]
fn what_is_not_portable_is_told_with_its_place_all_at_once() {
    let text = "\
CREATE TABLE a (id integer PRIMARY KEY, c char(3), x inet);
DROP TABLE a;
CREATE TABLE b (id integer REFERENCES missing, a_id text REFERENCES a, UNIQUE (nothing), m mood);
INSERT INTO a VALUES (1);
CREATE INDEX ON a (id);
CREATE TABLE a (id integer);
-- @wrong
CREATE INDEX i ON nowhere (id);
";
    let problems = refused(text);
    let expected = [
        "1:43 `char(3)` is no portable type",
        "1:54 `inet` is no portable type",
        "2:1 `DROP TABLE` is no portable statement",
    ];
    for line in expected {
        assert!(problems.contains(&line.to_owned()), "{line}: {problems:#?}");
    }
    for part in [
        "refers to missing, which is not there",
        "b.a_id and a.id have other types",
        "names the column nothing",
        "the type mood of b.m is not known",
        "`INSERT INTO` is no portable statement",
        "the index has no name",
        "the table a stands twice",
        "`@wrong` is not understood",
        "there is no table nowhere above",
    ] {
        assert!(problems.iter().any(|it| it.contains(part)), "{part}: {problems:#?}");
    }
}

#[test]
fn a_sequence_is_read_whole_or_refused() {
    let one = |options: &str| format!("-- @only postgres\nCREATE SEQUENCE s{options};\n");
    let read = |text: &str| read("s", text).map(|document| document.for_dialect("postgres").0.sequences);
    let options = " AS integer INCREMENT BY -2 MINVALUE -9 NO MAXVALUE START WITH 3 CACHE 4 CYCLE OWNED BY public.t.a";
    let sequences = read(&format!("CREATE TABLE t (a integer);\n{}", one(options))).unwrap();
    let found = &sequences[0];
    assert_eq!(
        (found.ty.as_deref(), found.options.increment, found.options.min),
        (Some("integer"), Some(-2), Some(-9))
    );
    assert_eq!((found.options.start, found.options.cache, found.options.cycle), (Some(3), Some(4), true));
    assert!(found.owned_by.as_ref().is_some_and(|(_, column)| column == "a"), "{found:?}");
    assert!(read(&one(" OWNED BY NONE NO CYCLE")).unwrap()[0].owned_by.is_none());
    for (options, wrong) in [(" =)", "="), (" START WITH", "START"), (" CACHE many", "CACHE"), (" OWNED BY a", "OWNED")]
    {
        let problems = refused(&one(options));
        assert!(
            problems[0].starts_with("2:") && problems[0].contains(&format!("`{wrong}` is no option")),
            "{problems:?}"
        );
    }
    let twice = refused(&format!("{}{}", one(""), one(" START 2")));
    assert!(twice[0].contains("the sequence s stands twice"), "{twice:?}");
}

#[test]
fn what_stands_twice_is_refused_with_both_places() {
    let (table, view) = ("CREATE TABLE a (id integer PRIMARY KEY);\n", "CREATE VIEW v AS SELECT id FROM a;\n");
    let of_enum = "CREATE TYPE mood AS ENUM ('good', 'bad');\n";
    let index = "CREATE INDEX i ON a (id);\n";
    let (only, seq) = ("-- @only postgres\n", "CREATE SEQUENCE s;\n");
    let live = "CREATE MATERIALIZED VIEW v AS SELECT id FROM a;\n";
    for (text, expected) in [
        (format!("{table}{table}"), "2:1 the table a stands twice: line 1 has it already"),
        (format!("{of_enum}{table}{of_enum}"), "3:1 the type mood stands twice: line 1 has it already"),
        (format!("{table}{view}\n{view}"), "4:1 the view v stands twice: line 2 has it already"),
        (format!("{table}{only}{view}{view}"), "4:1 the view v stands twice: line 3 has it already"),
        (format!("{table}{only}{live}{only}{view}"), "5:1 the view v stands twice: line 3 has it already"),
        (format!("{of_enum}{only}{of_enum}"), "3:1 the type mood stands twice: line 1 has it already"),
        (format!("{table}{index}{only}{index}"), "4:1 the index i stands twice: line 2 has it already"),
        (format!("{only}{seq}{only}{seq}"), "4:1 the sequence s stands twice: line 2 has it already"),
    ] {
        assert_eq!(refused(&text), [expected], "{text}");
    }
}

#[test]
fn syntax_errors_have_their_place() {
    let problems = refused("CREATE TABLE a (id integer PRIMARY KEY);\nCREATE TABLE ü (id integer PRIMARY,);\n");
    assert!(problems[0].starts_with("2:"), "{problems:?}");
    let problems = refused("CREATE TABLE a (b text DEFAULT 'x);\n");
    assert!(problems[0].starts_with("1:32 "), "{problems:?}");
}

#[test]
fn no_text_makes_it_fall_over() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.sql");
    let whole = std::fs::read_to_string(file).unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let cut = (0..whole.len(), 0..200_usize, "\\PC{0,8}");
    runner
        .run(&cut, |(at, length, more)| {
            let at = (0..=at).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
            let end = (at + length).min(whole.len());
            let end = (end..=whole.len()).find(|end| whole.is_char_boundary(*end)).unwrap_or(whole.len());
            let from = at.saturating_sub(1500);
            let from = (0..=from).rev().find(|from| whole.is_char_boundary(*from)).unwrap_or(0);
            let _ = read("s", &format!("{}{more}{}", &whole[from..at], &whole[end..(end + 500).min(whole.len())]));
            Ok(())
        })
        .unwrap();
    for text in ["", ";", "--", "-- @only sqlite", "\u{feff}", "CREATE", "CREATE TABLE", "CREATE TABLE a", "/*", "'"] {
        let _ = read("s", text);
    }
}

#[test]
fn quotes_and_comments_in_texts_are_texts() {
    let text = "CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT 'it''s; \"x\", -- no comment', j jsonb NOT NULL DEFAULT '{\"k\": \"it''s\"}',\n b text CHECK (b <> ';' AND b <> 'data.x'));\n";
    let (schema, _) = document(text).for_dialect("sqlite");
    assert_eq!(
        schema.tables[0].column("a").unwrap().default.as_ref().unwrap().as_str(),
        "'it''s; \"x\", -- no comment'"
    );
}
