//! The ways on SQLite: through a folder, as `generate` goes them.

mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use whimbrel::history::DEFAULT_HISTORY_TABLE;
use whimbrel::schema::diff::Question;
use whimbrel::schema::generate::{Options, Plan, Refused, Target, generate, write};
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::read::read;
use whimbrel::schema::{MemoryScratch, Rename, Schema, SchemaDialect, compare, pull, read_database};
use whimbrel::sqlite::SqliteSchema;
use whimbrel::{DirectorySource, Sql, SqlSession, Timestamp};
use whimbrel_tests::database::TestDatabase;

use super::offer::{self, Offer, said};
use super::text::{literal, quoted};
use super::world::{Id, Key, Table, World};
use super::{Case, Ground};

/// Where there is a new database for every case.
pub(super) struct Files;

static WITH_KEYS_OFF: SqliteSchema = SqliteSchema::new();

/// A database and its folder.
struct Project {
    database: TestDatabase,
    folder: PathBuf,
    dialect: Box<dyn SchemaDialect>,
}

impl Ground for Files {
    fn offer() -> &'static Offer {
        &offer::SQLITE
    }

    async fn go(&self, case: &Case) -> Result<(), String> {
        let (from, to) = case.texts();
        let project = Project::new(case.keys_stay_on && case.before.lets_keys_act());
        let told = |why: String| {
            let script = project.newest().unwrap_or_default();
            format!("{why}\n\n== from\n{from}\n== to\n{to}\n== script\n{script}")
        };
        project.becomes("the first", &from, &BTreeMap::new()).await.map_err(&told)?;
        let rows = case.before.inserts(case);
        let statements: Vec<&str> = rows.iter().map(String::as_str).collect();
        let put = project.database.transact(&statements).await;
        put.map_err(|halted| told(format!("rows: {}\n{}", halted.error, rows.join(";\n"))))?;
        if case.from_live {
            project.forget().map_err(&told)?;
        }
        let plan = project.becomes("the second", &to, &case.fills()).await.map_err(&told)?;
        case.losses_are_told(&plan).map_err(&told)?;
        rows_are_there(&project.database, case).await.map_err(&told)?;
        project.is_pulled().await.map_err(&told)
    }
}

impl Project {
    fn new(keys_stay_on: bool) -> Self {
        let database = TestDatabase::sqlite();
        let folder = database.folder("migrations");
        let dialect = if keys_stay_on { WITH_KEYS_OFF.with_foreign_keys_on() } else { WITH_KEYS_OFF };
        Self { database, folder, dialect: Box::new(dialect) }
    }

    /// What `generate` makes of a file, where nothing that is asked is a rename.
    async fn plan(&self, sql: &str, fills: &BTreeMap<(ObjectName, String), String>) -> Result<Plan, Refused> {
        let document = read("schema.sql", sql).map_err(Refused::from)?;
        let dialect = &*self.dialect;
        let name = dialect.dialect().name;
        let (schema, storage) = document.for_dialect(name);
        let memory = MemoryScratch::new();
        let mut target = Target {
            name: name.to_owned(),
            folder: self.folder.clone(),
            format: None,
            dialect,
            schema,
            storage,
            renames: document.renames().to_vec(),
            scratch: Some(&memory),
        };
        let (accept_data_loss, online, now) = (true, false, Timestamp::now());
        let options = Options { name: None, fills: fills.clone(), accept_data_loss, online, now };
        loop {
            let refused = match generate(&[target.clone()], &options).await {
                Ok(mut plans) => return Ok(plans.remove(0)),
                Err(refused) => refused,
            };
            let asked = refused.questions.iter().filter_map(|(_, question)| match question {
                Question::Renamed { object, from, .. } => {
                    Some(Rename { object: object.clone(), from: from.clone(), to: String::new() })
                }
                Question::Wrong(_) => None,
            });
            let asked: Vec<Rename> = asked.collect();
            if asked.is_empty() {
                return Err(refused);
            }
            target.renames.extend(asked);
        }
    }

    /// Generates and migrates; then the database is what the file says, and there is nothing more to do.
    async fn becomes(
        &self,
        what: &str,
        sql: &str,
        fills: &BTreeMap<(ObjectName, String), String>,
    ) -> Result<Plan, String> {
        let plan = self.plan(sql, fills).await.map_err(|why| format!("{what} is refused: {why}"))?;
        write(std::slice::from_ref(&plan)).map_err(|error| format!("{what} cannot be written: {error}"))?;
        let migrator = self.database.migrator().source(DirectorySource::new(&self.folder));
        migrator.migrate().await.map_err(|error| format!("{what} fails: {error}"))?;
        let document = read("schema.sql", sql).expect("it was read before");
        let (portable, storage) = document.for_dialect(self.dialect.dialect().name);
        let wanted = self.dialect.lower(&portable, &storage).expect("it was lowered before");
        equal(&wanted, &self.live().await).map_err(|why| format!("{what}, the database: {why}"))?;
        let again = self.plan(sql, &BTreeMap::new()).await.map_err(|why| format!("{what}, a second time: {why}"))?;
        match again.files.first() {
            Some(_) => Err(format!("{what}, a second time there is more to do: {:#?}", again.changes)),
            None => Ok(plan),
        }
    }

    async fn live(&self) -> Schema {
        let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
        let migrator = self.database.migrator();
        let read = read_database(migrator.backend(), &*self.dialect, &ignored).await.expect("it can be read");
        assert_eq!(read.uncompared, Vec::<String>::new());
        read.schema
    }

    /// The text of the newest migration.
    fn newest(&self) -> Option<String> {
        let files = std::fs::read_dir(&self.folder).ok()?.filter_map(|it| Some(it.ok()?.path()));
        let newest = files.filter(|it| it.extension().is_some_and(|it| it == "sql")).max()?;
        std::fs::read_to_string(newest).ok()
    }

    /// Takes the snapshots away, so that the folder is known by what it does.
    fn forget(&self) -> Result<(), String> {
        let files = std::fs::read_dir(self.folder.join("meta")).map_err(|error| error.to_string())?;
        for file in files.filter_map(|it| Some(it.ok()?.path())) {
            if file.to_string_lossy().ends_with("_snapshot.json") {
                std::fs::remove_file(file).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// A file that is written from the database says the same.
    async fn is_pulled(&self) -> Result<(), String> {
        let live = self.live().await;
        let pulled = pull(&*self.dialect, &live);
        match pulled.unwritten.first() {
            Some(first) => Err(format!("pulled, not written: {first}\n{}", pulled.text)),
            None => Ok(()),
        }
    }
}

/// The same, but for the order of columns and for where constraints of one column stand.
fn equal(expected: &Schema, actual: &Schema) -> Result<(), String> {
    let differences: Vec<String> = compare(expected, actual).iter().map(ToString::to_string).collect();
    if !differences.is_empty() {
        return Err(differences.join("\n"));
    }
    let plain = |schema: &Schema| {
        let mut schema = schema.clone();
        for table in &mut schema.tables {
            table.columns.sort_by(|a, b| a.name.cmp(&b.name));
            table.checks.iter_mut().for_each(|check| check.at_column = None);
            table.foreign_keys.iter_mut().for_each(|key| key.at_column = false);
        }
        schema.sorted()
    };
    let (expected, actual) = (plain(expected), plain(actual));
    if expected == actual { Ok(()) } else { Err(format!("expected {expected:#?}\nthere is {actual:#?}")) }
}

/// A number that rows were given by nobody.
fn rowid(row: usize) -> i64 {
    i64::try_from(row).expect("there are few rows") * 5 + 2
}

/// The highest number that was ever given.
const COUNTED: i64 = 50;

impl World {
    /// Whether the rows of a table have numbers that no column shows.
    fn has_rowids(&self, table: &Table) -> bool {
        let [only] = table.primary.as_slice() else { return said(&table.options, "without-rowid").is_none() };
        let names_rowid = table.column(*only).is_some_and(|it| self.affinity(table, it) == values::Affinity::Integer)
            && table.column(*only).is_some_and(|it| said(&it.options, "type").is_none());
        said(&table.options, "without-rowid").is_none() && !names_rowid
    }

    /// Whether no table of a circle is referred to by a key that asks for values which its rows may not get: nothing could be
    /// made anew in the circle while keys act.
    fn lets_keys_act(&self) -> bool {
        let parents = |id: Id| self.table(id).into_iter().flat_map(|it| &it.keys).map(|it| it.parent);
        let leads_to = |from: Id, to: Id| {
            let mut reached = vec![from];
            for at in 0..self.tables.len() {
                let Some(next) = reached.get(at).copied() else { break };
                let new: Vec<Id> = parents(next).filter(|id| !reached.contains(id)).collect();
                reached.extend(new);
            }
            reached.contains(&to)
        };
        let asks = |table: &Table, key: &Key| match key.on_delete {
            "SET DEFAULT" => true,
            "SET NULL" => key.columns.iter().any(|id| table.column(*id).is_some_and(|it| it.not_null)),
            _ => false,
        };
        let is_stuck = |table: &Table, key: &Key| {
            let alone = key.parent == table.id && !key.columns.iter().any(|id| table.is_told_apart(*id));
            asks(table, key) && !alone && leads_to(key.parent, table.id)
        };
        !self.tables.iter().any(|table| table.keys.iter().any(|key| is_stuck(table, key)))
    }

    /// Whether numbers of deleted rows are never given again.
    fn counts(&self, table: &Table) -> bool {
        let counts = |it: &&super::world::Column| it.identity.is_some();
        let counted = table.columns.iter().find(counts);
        counted.is_some_and(|it| self.stored(table, it, "identity") != Some("rowid"))
    }

    /// Statements that put rows into every table.
    fn inserts(&self, case: &Case) -> Vec<String> {
        let mut sql = vec!["PRAGMA defer_foreign_keys = ON".to_owned()];
        for table in &self.tables {
            let name = quoted(&table.name);
            for row in 0..case.rows {
                let stored = || table.columns.iter().filter(|it| it.generated.is_none());
                let mut named: Vec<String> = stored().map(|it| quoted(&it.name)).collect();
                let mut values: Vec<String> = stored().map(|it| case.value(table, it, row).quoted()).collect();
                if self.has_rowids(table) {
                    named.push("rowid".to_owned());
                    values.push(rowid(row).to_string());
                }
                sql.push(format!("INSERT INTO {name} ({}) VALUES ({})", named.join(", "), values.join(", ")));
            }
            if self.counts(table) && case.rows > 0 {
                let name = literal(&table.name);
                sql.push(format!("UPDATE sqlite_sequence SET seq = {COUNTED} WHERE name = {name}"));
            }
        }
        if self.searched.is_some() {
            sql.push("INSERT INTO searched (rowid, body) VALUES (7, 'it''s; found')".to_owned());
        }
        sql.push("DELETE FROM trace".to_owned());
        sql
    }
}

/// The rows of a query.
async fn rows(sql: &mut SqlSession, query: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    sql.query(query).await.map_err(|error| format!("{error}: {query}"))
}

async fn rows_are_there(database: &TestDatabase, case: &Case) -> Result<(), String> {
    let migrator = database.migrator();
    let mut sql = SqlSession::connect(migrator.backend()).await.map_err(|error| error.to_string())?;
    for table in &case.before.tables {
        let Some(now) = case.after.table(table.id) else { continue };
        let kept: Vec<_> = table.columns.iter().filter(|it| now.column(it.id).is_some()).collect();
        let named = kept.iter().filter_map(|it| now.column(it.id)).map(|it| format!("quote({})", quoted(&it.name)));
        let numbered = case.before.has_rowids(table) && case.after.has_rowids(now);
        let numbers = now.columns.iter().find(|it| it.identity.is_some() && table.column(it.id).is_none());
        let numbers = numbers.filter(|_| case.before.has_rowids(table)).map(|it| quoted(&it.name));
        let number = if numbered { Some("rowid".to_owned()) } else { numbers };
        let named: Vec<String> = named.chain([number.clone().unwrap_or_else(|| "1".to_owned())]).collect();
        let query = format!("SELECT {} FROM {}", named.join(", "), quoted(&now.name));
        let found = rows(&mut sql, &query).await?;
        let expected = |row| {
            let values = kept.iter().map(|it| case.expected_value(table, it, row).map(|it| Some(it.quoted())));
            values.chain([number.as_ref().map(|_| Some(rowid(row).to_string()))]).collect()
        };
        super::all_there(&now.name, &found, (0..case.rows).map(expected))?;
        if case.rows > 0 && case.before.counts(table) && case.after.counts(now) {
            let query = format!("SELECT seq FROM sqlite_sequence WHERE name = {}", literal(&now.name));
            let counted = rows(&mut sql, &query).await?;
            if counted != [[Some(COUNTED.to_string())]] {
                return Err(format!("{} counts from {counted:?}", now.name));
            }
        }
    }
    if case.before.searched.is_some() && case.before.searched == case.after.searched {
        let found = rows(&mut sql, "SELECT rowid, body FROM searched WHERE body MATCH 'found'").await?;
        if found != [[Some("7".to_owned()), Some("it's; found".to_owned())]] {
            return Err(format!("searched is {found:?}"));
        }
    }
    is_sound(&mut sql).await
}

/// Nothing refers to what is not there, everything can be read, and no trigger was at work.
async fn is_sound(sql: &mut SqlSession) -> Result<(), String> {
    let expected = [
        ("PRAGMA foreign_keys", vec![vec![Some("1".to_owned())]]),
        ("PRAGMA foreign_key_check", Vec::new()),
        ("PRAGMA integrity_check", vec![vec![Some("ok".to_owned())]]),
        ("SELECT * FROM trace", Vec::new()),
    ];
    for (query, expected) in expected {
        let found = rows(sql, query).await?;
        if found != expected {
            return Err(format!("{query}: {found:?}"));
        }
    }
    Ok(())
}

impl Case {
    /// What goes is told, and nothing else but digits.
    fn losses_are_told(&self, plan: &Plan) -> Result<(), String> {
        let mut expected = BTreeSet::new();
        if self.before.searched.is_some() && self.before.searched != self.after.searched {
            expected.insert("virtual table searched".to_owned());
        }
        for table in &self.before.tables {
            let name = ObjectName::new(table.name.as_str());
            let Some(now) = self.after.table(table.id) else {
                expected.insert(format!("table {name}"));
                continue;
            };
            let gone = |id| now.column(id).is_none_or(|it| it.generated.is_some());
            let columns = table.columns.iter().filter(|it| it.generated.is_none() && gone(it.id));
            expected.extend(columns.map(|it| format!("column {name}.{}", it.name)));
        }
        let told = plan.losses.iter().filter(|it| !it.what.contains("digits"));
        let told: BTreeSet<String> = told.map(|it| it.object.clone()).collect();
        if told == expected { Ok(()) } else { Err(format!("lost is {expected:?}, told {told:?}")) }
    }
}
