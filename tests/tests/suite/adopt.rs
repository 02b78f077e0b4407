//! Databases that another tool has migrated so far: adopted, they go on as if that tool had.

mod drizzle;
mod findings;
mod proved;
mod several;
mod shared;
mod sqlx;
mod sqlx_cli;

use std::path::{Path, PathBuf};

use whimbrel::split::Lexer;
use whimbrel::{Adoption, DirectorySource, Format, Migrator, Verdict};
use whimbrel_tests::database::TestDatabase;

use crate::corpora::fixtures;

/// Whether a server cannot have what Drizzle's databases here have (NULLS NOT DISTINCT): said aloud.
pub(crate) fn is_too_old(database: &TestDatabase) -> bool {
    const NEEDED: u32 = 15;
    let is_old = database.server().is_some_and(|database| database.server().major() < NEEDED);
    if is_old {
        println!("DID NOT RUN: Drizzle's databases here need Postgres {NEEDED}");
    }
    is_old
}

/// The fixtures of Drizzle; `None`, aloud, where they are not there, or not for this server.
pub(crate) fn drizzle_fixtures(database: &TestDatabase) -> Option<PathBuf> {
    if is_too_old(database) {
        return None;
    }
    let folder = fixtures().join("drizzle");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("DID NOT RUN: no databases of Drizzle in {} (set WHIMBREL_FIXTURES)", folder.display());
    None
}

/// A database of each dialect at a point where the real tool left it, and the folder that it came from.
#[derive(Debug, Clone, Copy)]
struct Point {
    sqlite: &'static str,
    postgres: &'static str,
    folders: [&'static str; 2],
}

const DRIZZLE_0: [&str; 2] = ["drizzle", "drizzle-pg"];
const DRIZZLE_1: [&str; 2] = ["v1/drizzle", "v1/drizzle-pg"];

const fn point(sqlite: &'static str, postgres: &'static str, folders: [&'static str; 2]) -> Point {
    Point { sqlite, postgres, folders }
}

const BASELINE: Point = point("sqlite/baseline_seeded.db", "pg/baseline_seeded.full.sql", DRIZZLE_0);
const MIDDLE: Point = point("sqlite/mid_seeded.db", "pg/mid_seeded.full.sql", DRIZZLE_0);
const END: Point = point("sqlite/seeded_full.db", "pg/seeded_full.full.sql", DRIZZLE_0);

impl Point {
    /// Puts it into the place of an empty database; gives the folder.
    async fn load(self, database: &TestDatabase, fixtures: &Path) -> PathBuf {
        let Some(server) = database.server() else {
            std::fs::copy(fixtures.join(self.sqlite), database.file()).expect("the fixture is copied");
            return fixtures.join(self.folders[0]);
        };
        let sql = std::fs::read_to_string(fixtures.join(self.postgres)).expect("the dump is there");
        let known = |line: &&str| !line.starts_with('\\') && !line.starts_with("SET transaction_timeout");
        let sql: String = sql.split_inclusive('\n').filter(known).collect();
        server.connect().await.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{}: {error:?}", self.postgres));
        fixtures.join(self.folders[1])
    }

    /// The same with a folder of the test's own, which it may spoil.
    async fn load_with_copy(self, database: &TestDatabase, fixtures: &Path) -> PathBuf {
        let (from, to) = (self.load(database, fixtures).await, database.folder("copied"));
        copy(&from, &to);
        to
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(&target, std::fs::read(entry.path()).expect("a file")).expect("a file is written");
        }
    }
}

/// A migrator for a folder in the layout of a tool.
fn migrator(database: &TestDatabase, tool: &str, folder: &Path) -> Migrator {
    let migrator = database.migrator();
    let lexer: Lexer = migrator.backend().dialect().lexer;
    let format = Format::readable(tool).expect("this build reads it");
    migrator.source(DirectorySource::open(folder, Some(format), Some(lexer)).expect("it is read"))
}

/// Everything in a database but Whimbrel's history: its objects and all rows, as text.
async fn contents(database: &TestDatabase) -> Vec<String> {
    let mut contents = Vec::new();
    let (objects, tables) = if database.server().is_some() {
        let objects = "SELECT format('%s.%s.%s %s %s %s', n.nspname, c.relname, a.attname, \
             format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND a.attnum > 0 \
             AND NOT a.attisdropped AND c.relname NOT LIKE 'whimbrel%' \
             UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
             FROM pg_constraint WHERE contype <> 'n' AND conrelid::regclass::text NOT LIKE '%whimbrel%' \
             AND connamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema') \
             AND tablename NOT LIKE 'whimbrel%' UNION ALL SELECT format('%s %s', viewname, definition) FROM pg_views \
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema') \
             UNION ALL SELECT format('%s %s %s', enumtypid::regtype, \
             row_number() OVER (PARTITION BY enumtypid ORDER BY enumsortorder), enumlabel) FROM pg_enum \
             UNION ALL SELECT format('%s.%s %s', schemaname, sequencename, last_value) FROM pg_sequences \
             UNION ALL SELECT format('%s %s', tgname, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal \
             UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace \
             AND prokind = 'f' ORDER BY 1";
        let tables = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n \
             ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%' \
             AND n.nspname <> 'information_schema' AND c.relname NOT LIKE 'whimbrel%' ORDER BY 1";
        (objects, tables)
    } else {
        let objects = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema \
             WHERE tbl_name NOT LIKE 'whimbrel%' ORDER BY 1";
        let tables = "SELECT '\"' || name || '\"' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'whimbrel%' \
             ORDER BY 1";
        (objects, tables)
    };
    contents.extend(database.column(objects).await);
    for table in database.column(tables).await {
        let mut rows: Vec<String> = match database.server() {
            Some(_) => database.column(&format!("SELECT t::text FROM {table} t")).await,
            None => {
                let rows = database.query(&format!("SELECT * FROM {table}")).await;
                rows.into_iter().map(|row| format!("{row:?}")).collect()
            }
        };
        rows.sort();
        contents.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    contents
}

fn assert_same(what: &str, found: &[String], expected: &[String]) {
    let lacks: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let more: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    assert!(lacks.is_empty() && more.is_empty(), "{what}: lacks {lacks:#?}, has {more:#?}");
    assert_eq!(found.len(), expected.len(), "{what}");
}

/// Origin, moment and duration of every row of Whimbrel's history, in order.
async fn recorded(database: &TestDatabase) -> Vec<(String, Option<String>, Option<u64>)> {
    let migrator = database.migrator();
    let mut session = migrator.backend().connect().await.expect("a session");
    let rows = session.history(whimbrel::HistoryDetail::Full).await.expect("it can be read").unwrap_or_default();
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.id.version().cloned(), row)).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let told = |(_, row): (_, whimbrel::HistoryRow)| {
        (row.origin.to_string(), row.finished_at.map(|at| at.to_string()), row.duration_ms)
    };
    rows.into_iter().map(told).collect()
}

/// Whether Whimbrel has written anything.
async fn has_history(database: &TestDatabase) -> bool {
    let migrator = database.migrator();
    let mut session = migrator.backend().connect().await.expect("a session");
    session.history(whimbrel::HistoryDetail::Check).await.expect("it can be read").is_some()
}

fn verified(adoption: &Adoption) -> usize {
    adoption.count(Verdict::Verified)
}

fn kinds(adoption: &Adoption) -> Vec<&'static str> {
    adoption.in_the_way().map(|finding| finding.kind.as_str()).collect()
}
