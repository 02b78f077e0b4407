#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use tempfile::TempDir;
use whimbrel_core::{BackendError, Dialect, Sql};

use super::*;
use crate::dialect::RenamedObject;
use crate::diff::Rules;
use crate::model::{Column, Table, Type};

/// A dialect in which every change is one statement, and dropping loses something.
#[derive(Debug)]
struct Plain {
    /// How many migrations a change needs.
    parts: usize,
}

#[async_trait]
impl SchemaDialect for Plain {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::SQLITE
    }

    fn rules(&self) -> Rules {
        Rules::FREE
    }

    fn lower(&self, portable: &Schema, _: &Storage) -> Result<Schema, Vec<Problem>> {
        match portable.tables.iter().find(|table| table.name.name == "impossible") {
            Some(_) => Err(vec![Problem::new("table impossible", "cannot be", "call it something else")]),
            None => Ok(portable.clone()),
        }
    }

    fn raise(&self, native: &Schema) -> (Schema, Storage) {
        (native.clone(), Storage::default())
    }

    fn script(&self, request: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>> {
        let statements: Vec<String> =
            (0..request.changes.len()).map(|number| format!("CREATE TABLE step_{number} (a int)")).collect();
        let part = Part { directives: vec!["foreign-keys off".to_owned()], statements };
        let is_drop = |change: &&Change| matches!(change, Change::DropTable(_) | Change::DropColumn { .. });
        let losses = request.changes.iter().filter(is_drop);
        let losses = losses.map(|_| Loss { object: "table".to_owned(), what: "its rows".to_owned() }).collect();
        Ok(Script { parts: vec![part; self.parts], losses })
    }

    async fn introspect(&self, _: &mut dyn Sql, _: &[ObjectName]) -> Result<Introspected, BackendError> {
        Ok(Introspected::default())
    }
}

/// A scratch database that always becomes this.
struct Becomes(Schema);

#[async_trait]
impl Scratch for Becomes {
    async fn replay_rows(&self, folder: &DirectorySource) -> Result<Replayed, Problem> {
        Ok(Replayed { found: self.replay(Some(folder), &[]).await?, filled: Vec::new() })
    }

    async fn replay(&self, _: Option<&DirectorySource>, _: &[Generated]) -> Result<Introspected, Problem> {
        Ok(Introspected { schema: self.0.clone(), uncompared: Vec::new() })
    }

    async fn replay_each(&self, migrations: &[Migration], after: &mut AfterEach<'_>) -> Result<(), Problem> {
        let becomes = || Introspected { schema: self.0.clone(), uncompared: Vec::new() };
        (0..migrations.len()).for_each(|at| after(at, becomes()));
        Ok(())
    }
}

/// A scratch database that tells which folders it was to begin with.
#[derive(Default)]
struct Begins(std::sync::Mutex<Vec<PathBuf>>);

#[async_trait]
impl Scratch for Begins {
    fn ahead(&self, folder: &DirectorySource) {
        self.0.lock().unwrap().push(folder.path().to_owned());
    }

    async fn replay(&self, _: Option<&DirectorySource>, _: &[Generated]) -> Result<Introspected, Problem> {
        Ok(Introspected::default())
    }

    async fn replay_rows(&self, _: &DirectorySource) -> Result<Replayed, Problem> {
        Ok(Replayed::default())
    }

    async fn replay_each(&self, _: &[Migration], _: &mut AfterEach<'_>) -> Result<(), Problem> {
        Ok(())
    }
}

#[test]
fn a_replay_begins_ahead_where_the_schema_was_written_after_the_journal() {
    let folder = TempDir::new().unwrap();
    let (schema, journal) = (folder.path().join("schema.sql"), folder.path().join("meta/_journal.json"));
    let source = DirectorySource::new(folder.path());
    let begins = || {
        let scratch = Begins::default();
        begin_ahead(&scratch, &source, &schema);
        scratch.0.into_inner().unwrap().len()
    };
    assert_eq!(begins(), 1, "without a journal nothing says what the folder leads to");
    fs::create_dir(folder.path().join("meta")).unwrap();
    let written = |file: &std::path::Path, seconds| {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::File::create(file).unwrap().set_modified(time).unwrap();
    };
    written(&schema, 1_000);
    written(&journal, 1_001);
    assert_eq!(begins(), 0, "the journal is newer: nothing changed, as far as one can see");
    written(&schema, 1_002);
    assert_eq!(begins(), 1);
    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(begins(), 0, "a folder that is not there has nothing to replay");
}

const ONE: Plain = Plain { parts: 1 };

fn notes() -> Schema {
    let mut notes = Table::new("notes");
    notes.columns = vec![Column::new("id", Type::Integer), Column::new("body", Type::Text)];
    Schema { tables: vec![notes], ..Schema::default() }
}

fn target<'a>(folder: &TempDir, dialect: &'a Plain, schema: Schema) -> Target<'a> {
    Target {
        name: "main".to_owned(),
        folder: folder.path().to_owned(),
        format: None,
        dialect,
        schema,
        storage: Storage::default(),
        renames: Vec::new(),
        scratch: None,
    }
}

fn options() -> Options {
    Options {
        name: None,
        fills: BTreeMap::new(),
        accept_data_loss: false,
        online: false,
        now: Timestamp::from_microseconds(0),
    }
}

/// Nothing here waits for anything.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn plan(targets: &[Target<'_>], options: &Options) -> Result<Vec<Plan>, Refused> {
    block_on(generate(targets, options))
}

fn written(folder: &TempDir) -> Vec<String> {
    let names = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<String> = names(folder.path().to_owned())
        .chain(names(folder.path().join("meta")))
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
        .collect();
    found.sort();
    found
}

#[test]
fn the_first_migration_comes_with_snapshot_and_journal_and_a_second_run_has_nothing_to_do() {
    let folder = TempDir::new().unwrap();
    let targets = [target(&folder, &ONE, notes())];
    let plans = plan(&targets, &options()).unwrap();
    assert!(written(&folder).is_empty(), "nothing is written until it is asked for");
    write(&plans).unwrap();
    assert_eq!(written(&folder), ["0000_create_notes.sql", "meta/0000_snapshot.json", "meta/_journal.json"]);
    let text = fs::read_to_string(folder.path().join("0000_create_notes.sql")).unwrap();
    assert_eq!(text, "-- whimbrel: foreign-keys off\n\nCREATE TABLE step_0 (a int);\n");
    let journal = fs::read_to_string(folder.path().join("meta/_journal.json")).unwrap();
    assert!(journal.starts_with("{\n  \"format\": \"whimbrel/1\",\n"), "{journal}");
    let read = Folder::read(folder.path()).unwrap();
    assert!(read.disagreements("sqlite").is_empty());
    assert_eq!(read.snapshot.unwrap().schema, notes());
    let again = plan(&targets, &options()).unwrap();
    assert!(again[0].files.is_empty() && again[0].migrations.is_empty(), "{again:?}");
}

#[test]
fn a_loss_must_be_accepted() {
    let folder = TempDir::new().unwrap();
    write(&plan(&[target(&folder, &ONE, notes())], &options()).unwrap()).unwrap();
    let nothing = [target(&folder, &ONE, Schema::default())];
    let refused = plan(&nothing, &options()).unwrap_err();
    assert_eq!(refused.to_string(), "main: table loses its rows");
    let accepting = Options { accept_data_loss: true, ..options() };
    let plans = plan(&nothing, &accepting).unwrap();
    assert!(plans[0].migrations[0].text.contains("-- DATA LOSS: table: its rows\n"), "{}", plans[0].migrations[0].text);
    assert_eq!(plans[0].migrations[0].name, "drop_notes");
}

#[test]
fn folders_stay_alike() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let twice = Plain { parts: 2 };
    let mut targets = [target(&one, &ONE, notes()), target(&two, &twice, notes())];
    let named = Options { name: Some("First Step!".to_owned()), ..options() };
    write(&plan(&targets, &named).unwrap()).unwrap();
    let expected = ["0000_first_step_1.sql", "0001_first_step_2.sql", "meta/0001_snapshot.json", "meta/_journal.json"];
    assert_eq!(written(&one), expected);
    assert_eq!(written(&two), expected);
    let second = fs::read_to_string(one.path().join("0001_first_step_2.sql")).unwrap();
    assert_eq!(second, "-- Nothing to do here: the change is of another dialect alone.\n");
    targets[1].schema = Schema::default();
    let accepting = Options { accept_data_loss: true, ..options() };
    let plans = plan(&targets, &accepting).unwrap();
    assert_eq!(plans[0].migrations.len(), 2, "the other target's versions");
    assert!(plans[0].changes.is_empty());
}

#[test]
fn everything_that_stands_in_the_way_is_told_at_once() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(&plan(&[target(&one, &ONE, notes())], &options()).unwrap()).unwrap();
    let mut renamed = notes();
    renamed.tables[0].columns[1].name = "text".to_owned();
    let impossible = Schema { tables: vec![Table::new("impossible")], ..Schema::default() };
    let mut targets = [target(&one, &ONE, renamed), target(&two, &ONE, impossible)];
    let refused = plan(&targets, &options()).unwrap_err();
    assert_eq!((refused.questions.len(), refused.problems.len()), (1, 1), "{refused}");
    assert_eq!(refused.problems[0].file, "table impossible (sqlite)");
    targets[1].schema = Schema::default();
    let object = RenamedObject::Column("notes".into());
    targets[0].renames = vec![Rename { object, from: "body".to_owned(), to: "text".to_owned() }];
    let plans = plan(&targets, &options()).unwrap();
    assert!(matches!(&*plans[0].changes, [Change::RenameColumn { .. }]));
}

#[test]
fn what_was_written_by_hand_is_entered_when_it_changes_no_schema() {
    let folder = TempDir::new().unwrap();
    let targets = [target(&folder, &ONE, notes())];
    write(&plan(&targets, &options()).unwrap()).unwrap();
    fs::write(folder.path().join("0001_fill.sql"), "UPDATE notes SET body = '';\n").unwrap();
    let disagreements = Folder::read(folder.path()).unwrap().disagreements("sqlite");
    assert!(disagreements[0].message.contains("not in the journal"), "{disagreements:?}");
    let plans = plan(&targets, &options()).unwrap();
    assert!(plans[0].migrations.is_empty());
    write(&plans).unwrap();
    assert!(written(&folder).contains(&"meta/0001_snapshot.json".to_owned()));
    assert!(Folder::read(folder.path()).unwrap().disagreements("sqlite").is_empty());
    fs::write(folder.path().join("0002_more.sql"), "ALTER TABLE notes ADD COLUMN more text;\n").unwrap();
    let refused = plan(&targets, &options()).unwrap_err();
    assert!(refused.to_string().contains("0002_more.sql: has no snapshot"), "{refused}");
    let mut more = notes();
    more.tables[0].columns.push(Column::new("more", Type::Text));
    let scratch = Becomes(more.clone());
    let known = [Target { scratch: Some(&scratch), schema: more, ..target(&folder, &ONE, notes()) }];
    let plans = plan(&known, &options()).unwrap();
    assert!(plans[0].migrations.is_empty(), "the replay already has it");
    assert_eq!(plans[0].files.len(), 2, "snapshot and journal");
}

#[test]
fn a_migration_that_does_not_prove_itself_is_not_written() {
    let folder = TempDir::new().unwrap();
    let scratch = Becomes(Schema::default());
    let targets = [Target { scratch: Some(&scratch), ..target(&folder, &ONE, notes()) }];
    let refused = plan(&targets, &options()).unwrap_err();
    assert!(refused.to_string().contains("does not give the schema:\n  table notes is missing"), "{refused}");
    let scratch = Becomes(notes());
    let targets = [Target { scratch: Some(&scratch), ..target(&folder, &ONE, notes()) }];
    assert!(plan(&targets, &options()).unwrap()[0].proved);
}

#[test]
fn all_files_are_written_or_none() {
    let folder = TempDir::new().unwrap();
    let plans = plan(&[target(&folder, &ONE, notes())], &options()).unwrap();
    fs::create_dir(folder.path().join("meta")).unwrap();
    fs::write(folder.path().join("meta/0000_snapshot.json"), "somebody else's").unwrap();
    let error = write(&plans).unwrap_err();
    assert!(error.to_string().contains("0000_snapshot.json: the file is there already"), "{error}");
    assert_eq!(written(&folder), ["meta/0000_snapshot.json"]);
}

#[test]
fn files_of_other_tools_and_of_later_releases_are_told() {
    let folder = TempDir::new().unwrap();
    let meta = folder.path().join("meta");
    fs::create_dir(&meta).unwrap();
    let journal = meta.join("_journal.json");
    for (text, expected) in [
        (r#"{"version":"7","entries":[]}"#, "neither of Whimbrel"),
        (r#"{"format":"whimbrel/2"}"#, "is of the format whimbrel/2, this release reads whimbrel/1"),
        ("{", "EOF while parsing"),
        (r#"{"format":"whimbrel/1","dialect":"sqlite","entries":[],"more":1}"#, "unknown field `more`"),
    ] {
        fs::write(&journal, text).unwrap();
        let error = Folder::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
