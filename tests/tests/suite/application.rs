//! The reference application: fresh installs, and upgrades from every version with data in the tables.

use std::collections::BTreeMap;

use serde_json::Value;
use whimbrel::split::split;
use whimbrel::{Dialect, DirectorySource, Migrator, Seed, TransactionState};
use whimbrel_tests::database::TestDatabase;

use super::{on_both, root};

on_both! {
    upgrades_from_0000 upgrades_from_0001 upgrades_from_0002 upgrades_from_0003
    upgrades_from_0004 upgrades_from_0005 upgrades_from_0006 upgrades_from_0007
    a_fresh_install_is_whole a_removed_default_board_never_returns a_renamed_default_board_stays_alone
}

fn migrations(database: &TestDatabase) -> Migrator {
    let folder = if database.dialect() == "sqlite" { "migrations-sqlite" } else { "migrations-pg" };
    database.migrator().source(DirectorySource::new(root().join(folder)))
}

fn whole(database: &TestDatabase) -> Migrator {
    migrations(database).seed(Seed::file(root().join("seed.sql")))
}

fn expected() -> Value {
    let text = std::fs::read_to_string(root().join("tests/data/upgrade/expected.json")).expect("the data are there");
    serde_json::from_str(&text).expect("they are JSON")
}

/// What the schema is, as the database describes it.
async fn schema(database: &TestDatabase) -> Vec<String> {
    if database.dialect() == "sqlite" {
        let sql = "select type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') from sqlite_schema \
            where tbl_name <> 'whimbrel_history' order by 1";
        return database.column(sql).await;
    }
    let columns = "select 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' \
        || coalesce(column_default, '') from information_schema.columns \
        where table_schema = 'public' and table_name <> 'whimbrel_history' order by 1";
    let constraints = "select 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || \
        pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace \
        and conrelid <> 'whimbrel_history'::regclass order by 1";
    let indexes = "select 'index ' || indexdef from pg_indexes where schemaname = 'public' \
        and tablename <> 'whimbrel_history' order by 1";
    let mut all = database.column(columns).await;
    all.extend(database.column(constraints).await);
    all.extend(database.column(indexes).await);
    all
}

async fn fresh(database: &TestDatabase) -> TestDatabase {
    let other = if database.dialect() == "sqlite" { TestDatabase::sqlite() } else { TestDatabase::postgres().await };
    whole(&other).migrate().await.expect("a fresh install goes well");
    other
}

async fn boards(database: &TestDatabase) -> usize {
    database.column("select count(*) from boards").await[0].parse().expect("a count")
}

fn applies(entry: &Value, start: &str) -> bool {
    let bound = |key: &str| entry[key].as_str();
    bound("from").is_none_or(|from| from <= start) && bound("to").is_none_or(|to| start <= to)
}

async fn check(database: &TestDatabase, entry: &Value) {
    let name = entry["name"].as_str().expect("a check has a name");
    let mut did = 0;
    if let Some(run) = entry["run"].as_str() {
        database.transact(&[run]).await.unwrap_or_else(|halted| panic!("{name}: {}", halted.error));
        did += 1;
    }
    if let Some(query) = entry["query"].as_str() {
        assert_eq!(database.column(query).await, [entry["expect"].as_str().expect("a text")], "{name}");
        did += 1;
    }
    if let Some(refused) = entry["refused"].as_str() {
        let halted = database.transact(&[refused]).await.err().unwrap_or_else(|| panic!("{name}: it was not refused"));
        assert_ne!(halted.transaction, TransactionState::InDoubt);
        let because = entry["because"][database.dialect()].as_str().expect("a reason");
        assert!(halted.error.message().contains(because), "{name}: {}", halted.error);
        did += 1;
    }
    assert!(did > 0, "{name}: the check checks nothing");
}

async fn upgrades_from(database: TestDatabase, start: &str) {
    let expected = expected();
    let data = root().join(format!("tests/data/upgrade/{}/{start}.sql", database.dialect()));
    let text = std::fs::read_to_string(data).expect("the data are there");
    migrations(&database).to(start.parse().expect("a version")).migrate().await.expect("the old version");
    let dialect = if database.dialect() == "sqlite" { Dialect::SQLITE } else { Dialect::POSTGRES };
    let statements = split(dialect.lexer, &text).expect("they are SQL");
    let statements: Vec<&str> = statements.iter().map(|statement| statement.text).collect();
    database
        .transact(&statements)
        .await
        .unwrap_or_else(|halted| panic!("{}: {}", halted.error, statements[halted.at - 1]));
    for entry in expected["before"].as_array().expect("a list").iter().filter(|entry| applies(entry, start)) {
        check(&database, entry).await;
    }
    let tables = expected["starts"][start]["tables"].as_object().expect("tables");
    let mut kept = BTreeMap::new();
    for (table, queries) in tables {
        let rows = database.column(queries["before"].as_str().expect("a query")).await;
        assert_eq!(Some(rows.len() as u64), queries["rows"].as_u64(), "{table}");
        kept.insert(table, rows);
    }
    let boards_before = boards(&database).await as u64;
    whole(&database).migrate().await.expect("the upgrade goes well");
    for (table, queries) in tables {
        let rows = database.column(queries["after"].as_str().expect("a query")).await;
        assert_eq!(rows, kept[table], "{table} keeps its rows");
    }
    assert_eq!(
        boards(&database).await as u64 - boards_before,
        expected["starts"][start]["seed_boards"].as_u64().unwrap()
    );
    assert!(whole(&database).migrate().await.expect("nothing is pending").applied.is_empty());
    if database.dialect() == "sqlite" {
        assert!(database.query("pragma foreign_key_check").await.is_empty());
        assert_eq!(database.column("pragma integrity_check").await, ["ok"]);
    }
    assert_eq!(schema(&database).await, schema(&fresh(&database).await).await, "an upgrade equals a fresh install");
    for entry in expected["checks"].as_array().expect("a list").iter().filter(|entry| applies(entry, start)) {
        check(&database, entry).await;
    }
}

macro_rules! upgrades {
    ($($name:ident $start:literal)*) => {
        $(async fn $name(database: TestDatabase) {
            upgrades_from(database, $start).await;
        })*
    };
}
upgrades! {
    upgrades_from_0000 "0000" upgrades_from_0001 "0001" upgrades_from_0002 "0002" upgrades_from_0003 "0003"
    upgrades_from_0004 "0004" upgrades_from_0005 "0005" upgrades_from_0006 "0006" upgrades_from_0007 "0007"
}

async fn a_fresh_install_is_whole(database: TestDatabase) {
    let report = whole(&database).migrate().await.expect("a fresh install goes well");
    assert_eq!(report.applied.len(), 9);
    assert_eq!(boards(&database).await, 1);
    let tables = [
        "board_comments",
        "board_objects",
        "boards",
        "mcp_servers",
        "messages",
        "repos",
        "session_mcp_servers",
        "sessions",
        "settings",
        "tasks",
        "users",
        "whimbrel_history",
        "worktrees",
    ];
    assert_eq!(database.tables().await, tables, "the same on both dialects");
}

async fn a_removed_default_board_never_returns(database: TestDatabase) {
    whole(&database).migrate().await.expect("a fresh install goes well");
    database.transact(&["delete from boards"]).await.expect("a user removes it");
    whole(&database).migrate().await.expect("nothing is pending");
    assert_eq!(boards(&database).await, 0);
    // A seed that changed runs again, and still does not bring it back.
    let text = std::fs::read_to_string(root().join("seed.sql")).expect("the seed is there");
    let changed = migrations(&database).seed(Seed::text("seed", format!("{text}\nselect 1;\n")));
    assert_eq!(changed.migrate().await.expect("it runs again").applied.len(), 1);
    assert_eq!(boards(&database).await, 0);
}

async fn a_renamed_default_board_stays_alone(database: TestDatabase) {
    whole(&database).migrate().await.expect("a fresh install goes well");
    database.transact(&["update boards set name = 'Mine', slug = 'mine'"]).await.expect("a user renames it");
    let text = std::fs::read_to_string(root().join("seed.sql")).expect("the seed is there");
    let changed = migrations(&database).seed(Seed::text("seed", format!("{text}\nselect 1;\n")));
    assert_eq!(changed.migrate().await.expect("it runs again").applied.len(), 1);
    assert_eq!(database.column("select name from boards").await, ["Mine"]);
}
