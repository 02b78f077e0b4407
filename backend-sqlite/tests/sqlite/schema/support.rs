//! A database on the disk that is migrated, read and looked at.

use std::collections::BTreeMap;

use tempfile::TempDir;
use whimbrel_backend_sqlite::{SqliteBackend, SqliteSchema};
use whimbrel_core::{AsFresh, CodeSource, MigrateError, Migrator, Problem, Sql, SqlSession};
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Introspected, Schema, SchemaDialect, Script, ScriptRequest};

use super::diff::{Renamed, changes};

/// The table in which the runs keep their history.
const HISTORY: &str = "whimbrel_history";

pub(crate) struct Database {
    _directory: TempDir,
    backend: SqliteBackend,
    migrations: Vec<(String, String)>,
}

impl Database {
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let backend = SqliteBackend::open(directory.path().join("app.db"));
        Self { _directory: directory, backend, migrations: Vec::new() }
    }

    /// A database that these statements have made.
    pub(crate) async fn with(sql: &str) -> Self {
        let mut database = Self::empty();
        database.migrate(sql).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
        database
    }

    /// Applies one migration more.
    pub(crate) async fn migrate(&mut self, text: &str) -> Result<(), MigrateError> {
        let version = format!("{:04}", self.migrations.len());
        self.migrations.push((version, text.to_owned()));
        let source = self
            .migrations
            .iter()
            .fold(CodeSource::new(), |source, (version, text)| source.sql(version, "step", text.clone()));
        let result = Migrator::new(self.backend.clone()).source(source).untracked(AsFresh).migrate().await;
        if result.is_err() {
            self.migrations.pop();
        }
        result.map(drop)
    }

    pub(crate) async fn session(&self) -> SqlSession {
        SqlSession::connect(&self.backend).await.unwrap()
    }

    /// The rows of a query, one text for each: values with commas between, `-` for NULL.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let mut session = self.session().await;
        let rows = session.query(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let text = |row: Vec<Option<String>>| {
            row.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join(",")
        };
        rows.into_iter().map(text).collect()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut session = self.session().await;
        session.execute(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    pub(crate) async fn introspect(&self) -> Introspected {
        let mut session = self.session().await;
        SqliteSchema::new().introspect(&mut session, &[ObjectName::new(HISTORY)]).await.unwrap()
    }

    pub(crate) async fn schema(&self) -> Schema {
        let introspected = self.introspect().await;
        assert_eq!(introspected.uncompared, Vec::<String>::new());
        introspected.schema
    }
}

/// The schema that statements make.
pub(crate) async fn schema_of(sql: &str) -> Schema {
    Database::with(sql).await.schema().await
}

/// What leads from one state to the next.
pub(crate) struct Step<'a> {
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
    pub(crate) rows: &'a str,
    pub(crate) renamed: Vec<Renamed<'a>>,
    pub(crate) fills: Vec<(&'a str, &'a str, &'a str)>,
    pub(crate) dialect: SqliteSchema,
}

impl<'a> Step<'a> {
    pub(crate) fn new(before: &'a str, after: &'a str) -> Self {
        Self { before, after, rows: "", renamed: Vec::new(), fills: Vec::new(), dialect: SqliteSchema::new() }
    }

    pub(crate) fn rows(mut self, rows: &'a str) -> Self {
        self.rows = rows;
        self
    }

    pub(crate) fn renamed(mut self, table: &'a str, from: &'a str, to: &'a str) -> Self {
        self.renamed.push(Renamed { table, from, to });
        self
    }

    pub(crate) fn fill(mut self, table: &'a str, column: &'a str, with: &'a str) -> Self {
        self.fills.push((table, column, with));
        self
    }

    pub(crate) fn foreign_keys_on(mut self) -> Self {
        self.dialect = self.dialect.with_foreign_keys_on();
        self
    }

    pub(crate) async fn script(&self) -> Result<Script, Vec<Problem>> {
        let (before, after) = (schema_of(self.before).await, schema_of(self.after).await);
        self.script_between(&before, &after)
    }

    fn script_between(&self, before: &Schema, after: &Schema) -> Result<Script, Vec<Problem>> {
        let changes = changes(before, after, &self.renamed);
        let fills: BTreeMap<_, _> = self
            .fills
            .iter()
            .map(|(table, column, with)| ((ObjectName::new(*table), (*column).to_owned()), (*with).to_owned()))
            .collect();
        let request = ScriptRequest {
            before,
            after,
            changes: &changes,
            online: false,
            fills: &fills,
            conversions: &BTreeMap::new(),
        };
        self.dialect.script(&request)
    }

    /// Makes the database with its rows, applies the script with foreign keys on, and compares what is there with what
    /// should be. Gives the database and the script's text.
    pub(crate) async fn apply(&self) -> (Database, Script) {
        let mut database = Database::with(&format!("{};\n{}", self.before, self.rows)).await;
        let before = database.schema().await;
        let after = schema_of(self.after).await;
        let script = self.script_between(&before, &after).unwrap_or_else(|problems| panic!("{problems:?}"));
        for text in texts(&script) {
            database.migrate(&text).await.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        }
        same(&database.schema().await, &after, &script);
        assert_eq!(database.rows("PRAGMA foreign_keys").await, ["1"]);
        assert_eq!(database.rows("PRAGMA foreign_key_check").await, Vec::<String>::new(), "{script:#?}");
        assert_eq!(database.rows("PRAGMA integrity_check").await, ["ok"]);
        (database, script)
    }

    /// Makes the database with its rows and applies the script, which must fail; gives the error and what is there then.
    pub(crate) async fn fails(&self) -> (Database, String) {
        let mut database = Database::with(&format!("{};\n{}", self.before, self.rows)).await;
        let before = database.schema().await;
        let after = schema_of(self.after).await;
        let script = self.script_between(&before, &after).unwrap_or_else(|problems| panic!("{problems:?}"));
        let text = texts(&script).join("\n");
        let error = database.migrate(&text).await.unwrap_err();
        same(&database.schema().await, &before, &script);
        (database, format!("{error:?}"))
    }
}

/// The migrations that a script is.
pub(crate) fn texts(script: &Script) -> Vec<String> {
    let text = |part: &whimbrel_schema::Part| {
        let mut text: String = part.directives.iter().map(|it| format!("-- whimbrel: {it}\n")).collect();
        for statement in &part.statements {
            text.push_str(&format!("{statement};\n"));
        }
        text
    };
    script.parts.iter().map(text).collect()
}

/// The statements of a script, without the comments above them.
pub(crate) fn statements(script: &Script) -> Vec<String> {
    let bare = |statement: &String| {
        let lines = statement.lines().skip_while(|line| line.starts_with("--"));
        lines.collect::<Vec<_>>().join("\n")
    };
    script.parts.iter().flat_map(|part| part.statements.iter().map(bare)).collect()
}

/// Compares without what means nothing: where a constraint of one column stands, and, but for tables that are made anew,
/// the order of columns.
pub(crate) fn same(found: &Schema, expected: &Schema, script: &Script) {
    pretty(&plain(found.clone()), &plain(expected.clone()), script);
}

fn pretty(found: &Schema, expected: &Schema, script: &Script) {
    if found != expected {
        panic!("{}", format!("found {found:#?}\nexpected {expected:#?}\n{}", texts(script).join("\n")));
    }
}

pub(crate) fn plain(mut schema: Schema) -> Schema {
    for table in &mut schema.tables {
        table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        table.checks.iter_mut().for_each(|check| check.at_column = None);
        table.foreign_keys.iter_mut().for_each(|key| key.at_column = false);
    }
    schema.sorted()
}
