//! A schema file is written from a database that is there already.

use std::collections::BTreeMap;

use whimbrel::history::DEFAULT_HISTORY_TABLE;
use whimbrel::postgres::PostgresBackend;
use whimbrel::schema::model::{ObjectName, Schema};
use whimbrel::schema::{Introspected, SchemaDialect, pull, read_database};
use whimbrel::{MigrationBackend, Sql, SqlSession};
use whimbrel_tests::database::TestDatabase;

use super::Project;
use crate::corpora::{Corpus, Went, apply, corpora, fixtures};
use crate::on_both;

async fn introspected(backend: &dyn MigrationBackend, engine: &dyn SchemaDialect) -> Introspected {
    let ignored = [DEFAULT_HISTORY_TABLE, "__drizzle_migrations"].map(ObjectName::new);
    read_database(backend, engine, &ignored).await.expect("its schema is read")
}

fn objects(schema: &Schema) -> usize {
    let indexes: usize = schema.tables.iter().map(|table| table.indexes.len()).sum();
    schema.enums.len()
        + schema.sequences.len()
        + schema.tables.len()
        + schema.views.len()
        + schema.natives.len()
        + indexes
}

#[test]
fn postgres_schemas_of_other_projects_are_pulled() {
    crate::needs_postgres!();
    let Some(folders) = corpora("postgres") else { return };
    crate::block_on(async {
        let engine = whimbrel::schema::dialect("postgres").expect("this build has it");
        let (mut pulled_ones, mut of) = (0, 0);
        let mut unwritten: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for folder in &folders {
            let (corpus, database) = (Corpus::load(folder), TestDatabase::postgres().await);
            corpus.set_up(&database).await;
            let database = corpus.with_settings(database);
            if !corpus.runs_on(&database) {
                println!("{} DID NOT RUN: it needs a newer server", corpus.name());
                continue;
            }
            if let Went::Not(why) = apply(&corpus, &database).await {
                println!("{} DID NOT RUN to its end, and what there is is pulled: {why}", corpus.name());
            }
            let backend = PostgresBackend::from_url(database.url()).expect("a URL");
            let live = introspected(&backend, engine).await;
            let pulled = pull(engine, &live.schema);
            let count = objects(&live.schema);
            println!(
                "{}: {count} objects, {} statements of this dialect alone, {} not written, {} not read",
                corpus.name(),
                pulled.text.matches("-- @only").count(),
                pulled.unwritten.len(),
                live.uncompared.len()
            );
            (pulled_ones, of) = (pulled_ones + count - pulled.unwritten.len().min(count), of + count);
            if !pulled.unwritten.is_empty() {
                unwritten.insert(corpus.name().to_owned(), pulled.unwritten);
            }
        }
        println!("{pulled_ones} of {of} objects are in the files");
        assert!(unwritten.is_empty(), "{unwritten:#?}");
    });
}

/// Runs the statements of a dump, but for those that only set the session.
async fn restore(backend: &dyn MigrationBackend, text: &str) {
    let mut session = SqlSession::connect(backend).await.expect("it connects");
    let without_meta: String =
        text.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect();
    let statements = whimbrel::split::split(backend.dialect().lexer, &without_meta).expect("it is SQL");
    for statement in statements {
        let first = statement.words.get(0).unwrap_or_default();
        if matches!(first, "set" | "select") || statement.text.starts_with("ALTER DATABASE") {
            continue;
        }
        let result = session.execute(statement.text).await;
        result.unwrap_or_else(|error| panic!("{error}\n{}", statement.text));
    }
    session.close().await.expect("it closes");
}

#[test]
fn a_postgres_database_of_another_tool_is_pulled_and_nothing_is_left_to_do() {
    crate::needs_postgres!();
    let fixtures = fixtures();
    if !fixtures.join("drizzle/pg").exists() {
        println!("DID NOT RUN: no dumps in {} (set WHIMBREL_FIXTURES)", fixtures.display());
        return;
    }
    crate::block_on(async {
        let engine = whimbrel::schema::dialect("postgres").expect("this build has it");
        for name in ["baseline_seeded", "mid_seeded", "seeded_full"] {
            let file = fixtures.join("drizzle/pg").join(format!("{name}.schema.sql"));
            let database = TestDatabase::postgres().await;
            if crate::adopt::is_too_old(&database) {
                return;
            }
            let backend = PostgresBackend::from_url(database.url()).expect("a URL");
            restore(&backend, &std::fs::read_to_string(file).expect("the dump is there")).await;
            let live = introspected(&backend, engine).await;
            assert!(live.schema.tables.len() > 5, "{name}");
            let pulled = pull(engine, &live.schema);
            assert_eq!(pulled.unwritten, Vec::<String>::new(), "{name}\n{}", pulled.text);
        }
    });
}

/// What is pulled from a database makes another one that is the same.
async fn what_is_pulled_makes_the_same_database(database: TestDatabase) {
    let mut first = Project::new(database);
    let schema = "\
        CREATE TYPE mood AS ENUM ('calm', 'it''s fine');
        CREATE TABLE teams (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL UNIQUE);
        COMMENT ON TABLE teams IS 'Who plays';
        CREATE TABLE \"Players\" (
            id bigint PRIMARY KEY,
            team integer REFERENCES teams (id) ON DELETE SET NULL ON UPDATE CASCADE,
            rival integer NOT NULL DEFAULT 1,
            \"order\" integer NOT NULL DEFAULT -1,
            mood mood NOT NULL DEFAULT 'calm',
            is_new boolean NOT NULL DEFAULT true,
            data jsonb,
            price numeric(10, 2) DEFAULT 9.5,
            seen_at timestamptz NOT NULL DEFAULT now(),
            total integer GENERATED ALWAYS AS (rival * 2 + 1) STORED,
            CONSTRAINT rivals CHECK (rival > 0 AND (rival < 100 OR team IS NULL)),
            UNIQUE (team, rival)
        );
        CREATE UNIQUE INDEX players_name ON \"Players\" (lower(data ->> 'name')) WHERE is_new;
        CREATE INDEX players_seen ON \"Players\" (seen_at DESC, rival);
        CREATE VIEW calm_players AS SELECT id, team FROM \"Players\" WHERE mood = 'calm';
    ";
    first.becomes(schema).await;
    let engine = first.dialect();
    let live = first.live().await;
    let pulled = pull(engine, &live);
    assert_eq!(pulled.unwritten, Vec::<String>::new(), "{}", pulled.text);
    assert_eq!(pulled.text.matches("-- @only").count(), 0, "{}", pulled.text);

    let other = match first.database.server() {
        Some(_) => TestDatabase::postgres().await,
        None => TestDatabase::sqlite(),
    };
    let mut second = Project::new(other);
    second.becomes(&pulled.text).await;
    let again = second.live().await;
    assert_eq!(whimbrel::schema::compare(&live, &again), [], "{}", pulled.text);
    assert_eq!(pull(engine, &again).text, pulled.text);
}

/// What stands behind `@only` comes back behind it, whether the model has words for it or not.
async fn what_one_dialect_has_is_pulled_as_it_is(database: TestDatabase) {
    let mut first = Project::new(database);
    let schema = "\
        -- @postgres row-security = enabled
        CREATE TABLE notes (
            -- @postgres identity = serial
            id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            -- @postgres type = inet
            -- @sqlite type = varchar(45)
            host text,
            body text NOT NULL,
            changes integer NOT NULL DEFAULT 0
        );
        -- @only postgres
        CREATE FUNCTION bump(by int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT by + 1';
        -- @only postgres
        CREATE FUNCTION count_changes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.changes := OLD.changes + 1; RETURN NEW;
        END $$;
        -- @only postgres
        CREATE TRIGGER counts BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION count_changes();
        -- @only postgres
        CREATE POLICY readable ON notes FOR SELECT USING (body <> 'secret');
        -- @only postgres
        CREATE INDEX notes_hash ON notes USING hash (body);
        -- @only postgres
        ALTER TABLE notes ADD CONSTRAINT one_body EXCLUDE USING btree (body WITH =);
        -- @only postgres
        CREATE SEQUENCE tickets AS integer INCREMENT BY 2 START WITH 11;
        -- @only postgres
        CREATE MATERIALIZED VIEW note_counts AS SELECT count(*) AS n FROM notes;
        -- @only sqlite
        CREATE TABLE strict_ones (a int PRIMARY KEY ON CONFLICT REPLACE, b ANY) STRICT;
        -- @only sqlite
        CREATE INDEX strict_b ON strict_ones (b COLLATE NOCASE);
        -- @only sqlite
        CREATE TRIGGER counts AFTER UPDATE OF body ON notes BEGIN
            UPDATE notes SET changes = changes + 1 WHERE id = NEW.id;
        END;
    ";
    first.becomes(schema).await;
    let engine = first.dialect();
    let live = first.live().await;
    let pulled = pull(engine, &live);
    assert_eq!(pulled.unwritten, Vec::<String>::new(), "{}", pulled.text);
    let said: &[&str] = match first.database.server() {
        Some(_) => {
            &["row-security = enabled", "identity = serial", "type = inet", "EXCLUDE", "tickets", "count_changes"]
        }
        None => &["type = varchar(45)", "ON CONFLICT REPLACE", "CREATE TRIGGER", "COLLATE nocase"],
    };
    for said in said {
        assert!(pulled.text.contains(said), "{said}: {}", pulled.text);
    }
    let other = match first.database.server() {
        Some(_) => TestDatabase::postgres().await,
        None => TestDatabase::sqlite(),
    };
    let mut second = Project::new(other);
    second.becomes(&pulled.text).await;
    assert_eq!(whimbrel::schema::compare(&live, &second.live().await), [], "{}", pulled.text);
}

on_both! {
    what_one_dialect_has_is_pulled_as_it_is
    what_is_pulled_makes_the_same_database
}
