//! Databases and schemas of other projects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use whimbrel_backend_sqlite::{SqliteBackend, SqliteSchema};
use whimbrel_core::split::{Lexer, split};
use whimbrel_core::{Sql, SqlSession};
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Introspected, Schema, SchemaDialect, ScriptRequest};

use super::diff::{Renamed, changes};
use super::support::{Database, same, texts};

/// The folder; `None`, aloud, where it is not there.
fn fixtures(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WHIMBREL_FIXTURES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"));
    if folder.join("corpora/index.json").exists() {
        return Some(folder);
    }
    println!("DID NOT RUN: {test}: no fixtures in {} (set WHIMBREL_FIXTURES)", folder.display());
    None
}

/// Runs each statement by itself, outside of the history, and tells those that fail.
async fn run(database: &Database, sql: &str) -> Vec<String> {
    let mut session = database.session().await;
    let mut failed = Vec::new();
    for statement in split(Lexer::Sqlite, sql).unwrap() {
        if let Err(error) = session.execute(statement.text).await {
            failed.push(format!("{error}: {}", statement.text.chars().take(100).collect::<String>()));
        }
    }
    failed
}

/// Makes an empty database what was read of another one, and compares.
async fn comes_back(name: &str, read: &Introspected) {
    println!(
        "{name}: {} tables, {} views, {} natives",
        read.schema.tables.len(),
        read.schema.views.len(),
        read.schema.natives.len()
    );
    for left in &read.uncompared {
        println!("{name}: not compared: {left}");
    }
    let nothing = Schema::default();
    let changes = changes(&nothing, &read.schema, &[]);
    let fills = BTreeMap::new();
    let request = ScriptRequest {
        before: &nothing,
        after: &read.schema,
        changes: &changes,
        online: false,
        fills: &fills,
        conversions: &BTreeMap::new(),
    };
    let script = SqliteSchema::new().script(&request).unwrap();
    let mut copy = Database::empty();
    for text in texts(&script) {
        copy.migrate(&text).await.unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
    }
    same(&copy.schema().await, &read.schema, &script);
    let pulled = whimbrel_schema::pull(&SqliteSchema::new(), &read.schema);
    println!("{name}: a schema file with {} statements of this dialect", pulled.text.matches("-- @only").count());
    assert_eq!(pulled.unwritten, Vec::<String>::new(), "{name}\n{}", pulled.text);
}

#[tokio::test]
async fn schemas_of_other_projects_come_back_as_they_are() {
    let Some(folder) = fixtures("schemas of other projects come back as they are") else { return };
    let mut tried = 0;
    for entry in std::fs::read_dir(folder.join("corpora")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with("-sqlite") {
            continue;
        }
        let sql = std::fs::read_to_string(path.join("expected.sql")).unwrap();
        let database = Database::empty();
        for failed in run(&database, &sql).await {
            println!("{name}: cannot be made here: {failed}");
        }
        comes_back(&name, &database.introspect().await).await;
        tried += 1;
    }
    assert!(tried > 5, "{tried}");
}

#[tokio::test]
async fn a_database_of_another_tool_comes_back_as_it_is() {
    let Some(folder) = fixtures("a database of another tool comes back as it is") else { return };
    for name in ["fresh.db", "seeded_full.db", "mid_seeded.db"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        std::fs::copy(folder.join("drizzle/sqlite").join(name), &path).unwrap();
        let mut session = SqlSession::connect(&SqliteBackend::open(&path)).await.unwrap();
        let ignored = [ObjectName::new("__drizzle_migrations")];
        comes_back(name, &SqliteSchema::new().introspect(&mut session, &ignored).await.unwrap()).await;
    }
}

/// From one state of a real project to its next one, with rows.
async fn pair(
    folder: &Path,
    name: &str,
    rows: &str,
    renamed: &[Renamed<'_>],
    fills: &[(&str, &str, &str)],
) -> Database {
    let read = |file: &str| std::fs::read_to_string(folder.join("diffpairs").join(name).join(file)).unwrap();
    let mut database = Database::empty();
    assert_eq!(run(&database, &read("old.sql")).await, Vec::<String>::new());
    assert_eq!(run(&database, rows).await, Vec::<String>::new());
    let target = Database::empty();
    assert_eq!(run(&target, &read("new.sql")).await, Vec::<String>::new());
    let violations = database.rows("PRAGMA foreign_key_check").await.len();
    let (before, after) = (database.schema().await, target.schema().await);
    let changes = changes(&before, &after, renamed);
    let fills = fills.iter().map(|(t, c, with)| ((ObjectName::new(*t), (*c).to_owned()), (*with).to_owned())).collect();
    let request = ScriptRequest {
        before: &before,
        after: &after,
        changes: &changes,
        online: false,
        fills: &fills,
        conversions: &BTreeMap::new(),
    };
    let script = SqliteSchema::new().script(&request).unwrap();
    for text in texts(&script) {
        database.migrate(&text).await.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    }
    same(&database.schema().await, &after, &script);
    assert_eq!(database.rows("PRAGMA foreign_key_check").await.len(), violations);
    database
}

async fn counts(database: &Database) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::new();
    for table in database.schema().await.tables {
        let count = database.rows(&format!("SELECT count(*) FROM {}", table.name.quoted())).await;
        counts.insert(table.name.name, count.concat());
    }
    counts
}

/// The renames of a folder that copies tables column by column, from the lists of its INSERTs.
fn renames(sql: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let bare = |name: &str| name.trim().trim_matches(['"', '`']).to_owned();
    for line in sql.lines() {
        if let Some((table, rest)) = line.strip_prefix("INSERT INTO `__new_").and_then(|line| line.split_once('`')) {
            let (into, from) = rest.split_once(") SELECT ").unwrap();
            let from = from.split(" FROM ").next().unwrap();
            let pairs = into.trim_start_matches('(').split(',').zip(from.split(','));
            found.extend(pairs.map(|(to, from)| (table.to_owned(), bare(from), bare(to))));
        }
        if let Some(rest) = line.strip_prefix("ALTER TABLE `").filter(|line| line.contains(" RENAME COLUMN ")) {
            let (table, rest) = rest.split_once("` RENAME COLUMN ").unwrap();
            let (from, to) = rest.split_once(" TO ").unwrap();
            found.push((table.to_owned(), bare(from), bare(to.split(';').next().unwrap())));
        }
    }
    found.retain(|(_, from, to)| from != to);
    found
}

#[tokio::test]
async fn all_columns_of_a_project_are_renamed_and_its_rows_stay() {
    let Some(folder) = fixtures("all columns of a project are renamed and its rows stay") else { return };
    let state = folder.join("nasty/sqlite/state");
    let rows = std::fs::read_to_string(state.join("08-mass-rename-rebuild.seed.sql")).unwrap();
    let sql = std::fs::read_to_string(folder.join("diffpairs/sqlite-mass-rename/migration.sql")).unwrap();
    let renames = renames(&sql);
    let hints: Vec<_> = renames.iter().map(|(table, from, to)| Renamed { table, from, to }).collect();
    assert!(hints.len() > 15, "{}", hints.len());
    let old = Database::empty();
    let old_sql = std::fs::read_to_string(folder.join("diffpairs/sqlite-mass-rename/old.sql")).unwrap();
    run(&old, &old_sql).await;
    run(&old, &rows).await;
    let before = counts(&old).await;
    assert!(before.values().any(|count| count != "0"), "{before:?}");
    let database = pair(&folder, "sqlite-mass-rename", &rows, &hints, &[]).await;
    assert_eq!(counts(&database).await, before);
}

/// One row for every table, with 1 in every column.
async fn ones(database: &Database) -> String {
    let mut rows = String::from("PRAGMA foreign_keys = OFF;");
    for table in database.schema().await.tables {
        let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let values = vec!["'1'"; columns.len()].join(", ");
        rows.push_str(&format!("INSERT INTO {} ({}) VALUES ({values});", table.name.quoted(), columns.join(", ")));
    }
    rows
}

#[tokio::test]
async fn a_project_adds_foreign_keys_and_its_rows_stay() {
    let Some(folder) = fixtures("a project adds foreign keys and its rows stay") else { return };
    let old = Database::empty();
    let sql = std::fs::read_to_string(folder.join("diffpairs/sqlite-foreign-keys-added/old.sql")).unwrap();
    run(&old, &sql).await;
    let rows = ones(&old).await;
    run(&old, &rows).await;
    let before = counts(&old).await;
    assert!(before.values().all(|count| count == "1"), "{before:?}");
    let database = pair(&folder, "sqlite-foreign-keys-added", &rows, &[], &[]).await;
    let after = counts(&database).await;
    for (table, count) in after.iter().filter(|(table, _)| before.contains_key(*table)) {
        assert_eq!(count, "1", "{table}");
    }
}
