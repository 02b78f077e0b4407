//! Any text is a schema file or is refused with a place and a remedy; and what a file says is pulled back as it is.

use whimbrel::schema::model::Schema;
use whimbrel::schema::read::read;
use whimbrel::schema::{dialect, pull};
use whimbrel_tests::long::{Part, seed};

use crate::processes::Chance;

const SEEDS: [&str; 3] = [
    include_str!("../../../../schema.sql"),
    "-- @sqlite checks = none, timestamps = integer-ms\n\nCREATE TYPE app_mood AS ENUM ('a', 'it''s');\n\
     -- @renamed from people\nCREATE TABLE users (\n    -- @postgres identity = serial\n    id bigserial PRIMARY KEY,\n    \
     -- @sqlite type = numeric(10, 2)\n    price numeric(10, 2) DEFAULT -1.5 CHECK (price > 0 OR price IS NULL),\n    \
     mood app_mood[] NOT NULL DEFAULT '{}',\n    total integer GENERATED ALWAYS AS (length(name) * 2) STORED,\n    \
     name text COLLATE \"C\" UNIQUE, other bigint REFERENCES users (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED\n);\n\
     CREATE UNIQUE INDEX users_low ON users (lower(name), price DESC) WHERE price < 10;\nCOMMENT ON COLUMN users.name IS 'x';\n\
     CREATE VIEW cheap AS SELECT id FROM users WHERE price < 3;\n",
    "-- @only postgres\nCREATE FUNCTION f(a int DEFAULT 1, b text[] = '{}') RETURNS int LANGUAGE sql AS $x$ SELECT a; $x$;\n\
     CREATE TABLE t (a integer, b integer, PRIMARY KEY (a, b));\n-- @only sqlite\nCREATE TRIGGER g AFTER INSERT ON t BEGIN \
     SELECT CASE WHEN 1 THEN 2 END; END;\n-- @only postgres\nALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (a WITH =);\n\
     -- @only postgres\nCREATE SEQUENCE s AS integer START WITH 3 OWNED BY t.a;\n-- @only sqlite\nCREATE TABLE u (a ANY) STRICT;\n\
     -- @only postgres\nCREATE INDEX h ON t USING hash (a) WITH (fillfactor = 70);\n",
];

const PIECES: [&str; 20] = [
    "'",
    "\"",
    "(",
    ")",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "\n",
    "é",
    "\u{0}",
    ",",
    "NOT NULL",
    "PRIMARY KEY",
    "-- @only sqlite\n",
    "-- @renamed from x\n",
    "DEFAULT",
    "CHECK (",
    "REFERENCES t (a)",
];

/// A place between two characters.
fn place(chance: &mut Chance, text: &str) -> usize {
    let mut at = usize::try_from(chance.below(text.len() as u64 + 1)).expect("a small number");
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn changed(chance: &mut Chance, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=chance.below(4) {
        let (from, to) = (place(chance, &text), place(chance, &text));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
        let to = (from..=to).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
        match chance.below(4) {
            0 => text.replace_range(from..to, ""),
            1 => {
                let again = text[from..to].to_owned();
                text.insert_str(from, &again);
            }
            2 => text.truncate(from),
            _ => {
                let piece = PIECES[usize::try_from(chance.below(PIECES.len() as u64)).expect("a small number")];
                text.insert_str(from, piece);
            }
        }
        if text.is_empty() {
            break;
        }
    }
    text
}

#[test]
fn any_text_is_read_or_refused_with_its_place() {
    let mut part = Part::begin("texts", 1_500, None);
    let mut chance = Chance(seed());
    let (mut whole, mut lowered) = (0, 0);
    while part.has_another() {
        let seed = SEEDS[usize::try_from(part.done() % 3).expect("a small number")];
        let text = changed(&mut chance, seed);
        let document = match read("schema.sql", &text) {
            Ok(document) => document,
            Err(problems) => {
                let lines = u32::try_from(text.lines().count() + 1).expect("few lines");
                for problem in &problems {
                    let is_placed = problem.line.is_some_and(|line| (1..=lines).contains(&line));
                    assert!(is_placed && !problem.hint.is_empty(), "{problem}\n{text}");
                }
                assert!(!problems.is_empty());
                continue;
            }
        };
        whole += 1;
        for name in ["sqlite", "postgres"] {
            let engine = dialect(name).expect("this build has it");
            let (schema, storage) = document.for_dialect(name);
            match engine.lower(&schema, &storage) {
                Ok(schema) => {
                    lowered += usize::from(schema != Schema::default());
                    let pulled = pull(engine, &schema);
                    assert!(
                        pulled.unwritten.is_empty(),
                        "{name}: {:?}\n{text}\n== pulled\n{}",
                        pulled.unwritten,
                        pulled.text
                    );
                }
                Err(problems) => assert!(problems.iter().all(|it| !it.file.is_empty()), "{problems:?}"),
            }
        }
    }
    println!("{whole} texts were read, {lowered} schemas came of them and were pulled back");
    assert!(whole > 50 && lowered > 50, "{whole} {lowered}");
    part.tell();
}
