//! Real migration folders of other projects: applied, they give the schema that their own tools gave.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whimbrel::{CodeSource, MigrateError, MigrateErrorKind};
use whimbrel_tests::database::TestDatabase;

/// Where material of other projects is, as far as it is there.
pub(crate) fn fixtures() -> PathBuf {
    let named = std::env::var_os("WHIMBREL_FIXTURES").map(PathBuf::from);
    named.unwrap_or_else(|| crate::root().join("../shared/fixtures"))
}

/// The folders of this dialect; `None`, aloud, where the fixtures are not there.
pub(crate) fn corpora(dialect: &str) -> Option<Vec<PathBuf>> {
    let fixtures = fixtures();
    let Ok(index) = std::fs::read_to_string(fixtures.join("corpora/index.json")) else {
        println!("DID NOT RUN: no corpora in {} (set WHIMBREL_FIXTURES), 0 of 24 folders tried", fixtures.display());
        return None;
    };
    let index: Value = serde_json::from_str(&index).expect("the index is JSON");
    let of_dialect = index.as_array().expect("a list").iter().filter(|entry| entry["dialect"] == dialect);
    Some(of_dialect.map(|entry| fixtures.join("corpora").join(entry["name"].as_str().expect("a name"))).collect())
}

pub(crate) struct Corpus {
    pub(crate) meta: Value,
    files: Vec<(String, String)>,
}

impl Corpus {
    pub(crate) fn load(folder: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(folder.join(path));
        let meta = serde_json::from_str(&read("meta.json").expect("it has meta.json")).expect("it is JSON");
        let order = read("order.txt").expect("it has order.txt");
        let text = |name: &str| read(&format!("up/{name}")).or_else(|_| read(&format!("migrations/{name}")));
        let files = order.lines().map(str::trim).filter(|line| !line.is_empty());
        let files = files.map(|name| (name.to_owned(), text(name).expect("the file is there"))).collect();
        Self { meta, files }
    }

    /// The database in sessions with the settings that the folder needs.
    pub(crate) fn with_settings(&self, database: TestDatabase) -> TestDatabase {
        match self.meta["setup"]["pg_options"].as_str() {
            Some(options) => {
                database.with_parameters(&format!("options={}", options.replace(' ', "%20").replace('=', "%3D")))
            }
            None => database,
        }
    }

    /// The files as migrations; those in `outside` say `no-transaction`.
    fn source(&self, outside: &BTreeSet<usize>) -> CodeSource {
        self.files.iter().enumerate().fold(CodeSource::new(), |source, (index, (name, text))| {
            let header = if outside.contains(&index) { "-- whimbrel: no-transaction\n" } else { "" };
            let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
            source.sql(&(index + 1).to_string(), &name, format!("{header}{text}"))
        })
    }

    /// What must be there before the first file.
    pub(crate) async fn set_up(&self, database: &TestDatabase) {
        if let Some(sql) = self.meta["setup"]["sql"].as_str() {
            let statements: Vec<&str> = sql.split(';').map(str::trim).filter(|sql| !sql.is_empty()).collect();
            database.transact(&statements).await.unwrap_or_else(|halted| panic!("{}", halted.error));
        }
    }

    /// The major version of the server that its expected schema was made on.
    fn server_major(&self) -> u32 {
        let server = self.meta["server"].as_str().unwrap_or_default();
        let number = server.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
        number.collect::<String>().parse().unwrap_or(0)
    }

    /// Whether the server is as new as the folder needs.
    pub(crate) fn runs_on(&self, database: &TestDatabase) -> bool {
        self.server_major() <= on_server(database)
    }

    pub(crate) fn name(&self) -> &str {
        self.meta["name"].as_str().expect("a name")
    }
}

/// How a folder went.
pub(crate) enum Went {
    Applied,
    /// Not to the end, for a reason that is not ours.
    Not(String),
}

/// Applies a folder. A file that is refused for controlling the transaction, or because it cannot run in one, gets the
/// remedy that the refusal names; nothing else may be refused.
pub(crate) async fn apply(corpus: &Corpus, database: &TestDatabase) -> Went {
    let mut outside = BTreeSet::new();
    let migrate = async |outside: &BTreeSet<usize>| database.migrator().source(corpus.source(outside)).migrate().await;
    let mut result = migrate(&outside).await;
    if let Err(MigrateError::Load { error, .. }) = &result {
        for problem in error.problems() {
            assert!(problem.hint.contains("no-transaction") || problem.hint.contains("foreign-keys off"), "{problem}");
            let version = problem.file.split('_').next().and_then(|version| version.parse::<usize>().ok());
            outside.insert(version.expect("a version") - 1);
        }
        let listed: BTreeSet<&str> = corpus.meta["needs_no_transaction"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["file"].as_str())
            .collect();
        let ours: BTreeSet<&str> = outside.iter().map(|index| &*corpus.files[*index].0).collect();
        assert!(listed.is_subset(&ours), "what cannot run in a transaction is refused before: {listed:?} {ours:?}");
        result = migrate(&outside).await;
    }
    let Err(error) = result else { return Went::Applied };
    if let MigrateError::Load { error: refused, .. } = &error {
        // It leaves a transaction open for its own runner to commit: there is no remedy but to rewrite it.
        let left_open = |problem: &whimbrel::Problem| problem.message.contains("is not ended");
        assert!(refused.problems().iter().all(left_open), "{}: {error}", corpus.name());
        return Went::Not(error.to_string());
    }
    let failed = error.failed().unwrap_or_else(|| panic!("{}: {error}", corpus.name()));
    let statement = failed.statement.as_ref().map_or("", |statement| &*statement.text);
    let functions =
        corpus.meta["custom_sql_functions_needed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let lacks_function = functions.into_iter().any(|function| statement.contains(function));
    let lacks_extension = statement.to_lowercase().contains("create extension");
    // A file that ends its runner's own transaction works in that runner alone.
    let index =
        failed.id.version().and_then(|version| version.to_string().parse::<usize>().ok()).expect("a version") - 1;
    let ends_runner = outside.contains(&index)
        && !corpus.meta["needs_no_transaction"].to_string().contains(&corpus.files[index].0)
        && matches!(error.kind(), MigrateErrorKind::NeedsAttention);
    assert!(lacks_function || lacks_extension || ends_runner, "{}: {error}", corpus.name());
    Went::Not(error.to_string())
}

/// The objects of a SQLite schema: type, name, and definition without white space and quotes.
fn objects<'a>(sql: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let bare = |sql: &str| sql.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '`' | ';')).collect();
    sql.into_iter().map(bare).filter(|sql: &String| !sql.is_empty()).collect()
}

/// The definitions in a SQLite database, without its own tables and the history, are those of a schema.
pub(crate) async fn has_sqlite_schema(database: &TestDatabase, expected: &str, what: &str) {
    let statements = whimbrel::split::split(whimbrel::Dialect::SQLITE.lexer, expected).expect("it is SQL");
    let expected = objects(statements.iter().map(|statement| statement.text));
    let expected: BTreeSet<_> = expected.into_iter().filter(|sql| !sql.contains("sqlite_sequence(")).collect();
    let sql = "select sql from sqlite_schema where sql is not null and tbl_name <> 'whimbrel_history' \
        and name not like 'sqlite\\_%' escape '\\'";
    let found = objects(database.column(sql).await.iter().map(String::as_str));
    let differ: Vec<_> = expected.symmetric_difference(&found).collect();
    assert!(differ.is_empty(), "{what}: {differ:#?}");
}

#[test]
fn sqlite_folders_give_their_schema() {
    let Some(folders) = corpora("sqlite") else { return };
    crate::block_on(async {
        let mut applied = 0;
        for folder in &folders {
            let (corpus, database) = (Corpus::load(folder), TestDatabase::sqlite());
            corpus.set_up(&database).await;
            match apply(&corpus, &database).await {
                Went::Not(why) => println!("{} DID NOT RUN to its end: {why}", corpus.name()),
                Went::Applied => {
                    applied += 1;
                    let text = std::fs::read_to_string(folder.join("expected.sql")).expect("a schema is expected");
                    has_sqlite_schema(&database, &text, corpus.name()).await;
                }
            }
        }
        println!("{applied} of {} SQLite folders applied", folders.len());
        assert!(applied * 10 >= folders.len() * 6, "only {applied} of {} folders applied", folders.len());
    });
}

/// What `pg_dump` says of a database, without comments and settings.
fn dumped(text: &str) -> Vec<String> {
    let said = |line: &&str| {
        let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"];
        !line.trim().is_empty() && !noise.iter().any(|start| line.starts_with(start))
    };
    text.lines().filter(said).map(str::to_owned).collect()
}

fn dump(url: &str) -> Result<String, String> {
    let output = Command::new("pg_dump")
        .args(["--schema-only", "--no-owner", "--exclude-table=public.whimbrel_history", "--dbname", url])
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The major version of the server that a dump is of.
fn major_of_dump(text: &str) -> Option<String> {
    text.split("database version ").nth(1).and_then(|rest| rest.split('.').next().map(str::to_owned))
}

/// The Postgres database at this URL is dumped as is expected; `false`, aloud: that could not be compared.
pub(crate) fn has_dump(url: &str, expected: &str, what: &str) -> bool {
    match dump(url) {
        Ok(text) if major_of_dump(&text) == major_of_dump(expected) => {
            assert_eq!(dumped(&text), dumped(expected), "{what}");
            return true;
        }
        Ok(_) => println!("{what}: NOT COMPARED: its schema was dumped by another major"),
        Err(why) => println!("{what}: NOT COMPARED: {why}"),
    }
    false
}

fn on_server(database: &TestDatabase) -> u32 {
    database.server().expect("it is Postgres").server().major()
}

#[test]
fn postgres_folders_give_their_schema() {
    crate::needs_postgres!();
    let Some(folders) = corpora("postgres") else { return };
    crate::block_on(async {
        let (mut tried, mut applied, mut compared) = (0, 0, 0);
        for folder in &folders {
            let (corpus, mut database) = (Corpus::load(folder), TestDatabase::postgres().await);
            corpus.set_up(&database).await;
            let plain = database.url().to_owned();
            database = corpus.with_settings(database);
            if !corpus.runs_on(&database) {
                println!("{} DID NOT RUN: it needs Postgres {}", corpus.name(), corpus.server_major());
                continue;
            }
            tried += 1;
            if let Went::Not(why) = apply(&corpus, &database).await {
                println!("{} DID NOT RUN to its end: {why}", corpus.name());
                continue;
            }
            applied += 1;
            let expected = std::fs::read_to_string(folder.join("expected.sql")).expect("a schema is expected");
            compared += usize::from(has_dump(&plain, &expected, corpus.name()));
        }
        println!(
            "{applied} of {tried} Postgres folders applied ({} there are), {compared} schemas compared",
            folders.len()
        );
        assert!(applied * 10 >= tried * 8, "only {applied} of {tried} folders applied");
    });
}
