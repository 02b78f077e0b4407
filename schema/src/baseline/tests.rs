#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use whimbrel_core::DirectorySource;

use async_trait::async_trait;
use tempfile::TempDir;
use whimbrel_core::{BackendError, CodeSource, Dialect, Source, Sql};

use super::*;
use crate::dialect::{Script, ScriptRequest, Storage};
use crate::diff::Rules;
use crate::generate::{AfterEach, Generated, Replayed};
use crate::model::{Column, Native, ObjectName, Table, Type, View};
use crate::snapshot::Snapshot;

/// A dialect that writes views anew where `rewrites` says so.
#[derive(Debug)]
struct Plain {
    rewrites: bool,
}

#[async_trait]
impl SchemaDialect for Plain {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::SQLITE
    }

    fn rules(&self) -> Rules {
        Rules { rewrites_views: self.rewrites, ..Rules::FREE }
    }

    fn lower(&self, portable: &Schema, _: &Storage) -> Result<Schema, Vec<Problem>> {
        Ok(portable.clone())
    }

    fn raise(&self, native: &Schema) -> (Schema, Storage) {
        (native.clone(), Storage::default())
    }

    fn script(&self, _: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>> {
        Ok(Script::default())
    }

    async fn introspect(&self, _: &mut dyn Sql, _: &[ObjectName]) -> Result<Introspected, BackendError> {
        Ok(Introspected::default())
    }
}

/// A scratch database that is in these states after each migration; with none it cannot be had.
struct States(Vec<Schema>, Mutex<usize>);

impl States {
    fn of(states: &[Schema]) -> Self {
        Self(states.to_vec(), Mutex::new(0))
    }
}

#[async_trait]
impl Scratch for States {
    async fn replay(&self, _: Option<&DirectorySource>, _: &[Generated]) -> Result<Introspected, Problem> {
        Err(Problem::new("scratch database", "make it: permission denied", ""))
    }

    async fn replay_rows(&self, _: &DirectorySource) -> Result<Replayed, Problem> {
        Err(Problem::new("scratch database", "make it: permission denied", ""))
    }

    async fn replay_each(&self, migrations: &[Migration], after: &mut AfterEach<'_>) -> Result<(), Problem> {
        *self.1.lock().unwrap() += 1;
        if self.0.is_empty() {
            return Err(Problem::new("scratch database", "make it: permission denied", ""));
        }
        for (at, schema) in self.0.iter().enumerate().take(migrations.len()) {
            after(at, Introspected { schema: schema.clone(), uncompared: Vec::new() });
        }
        Ok(())
    }
}

fn table(name: &str) -> Table {
    let mut table = Table::new(name);
    table.columns = vec![Column::new("id", Type::Integer)];
    table
}

/// The first so many of `a`, `b`, `c`, `d`.
fn tables(count: usize) -> Schema {
    Schema { tables: ["a", "b", "c", "d"].iter().take(count).map(|name| table(name)).collect(), ..Schema::default() }
}

fn migrations() -> Vec<Migration> {
    let source = CodeSource::new()
        .sql("1", "a", "create table a (id integer)")
        .sql("2", "b", "create table b (id integer)")
        .sql("3", "c", "create table c (id integer)");
    source.load(&"main".into()).complete().unwrap()
}

/// Snapshots of these versions, each with as many tables as its number.
fn snapshots(folder: &TempDir, versions: &[usize]) -> Snapshots {
    let meta = folder.path().join("meta");
    std::fs::create_dir_all(&meta).unwrap();
    for version in versions {
        let snapshot = Snapshot::new(Dialect::SQLITE.name, &version.to_string(), "some", tables(*version));
        std::fs::write(meta.join(Snapshot::file_name(&version.to_string())), snapshot.to_json()).unwrap();
    }
    Snapshots::of_folder(folder.path()).unwrap()
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits for anything"),
    }
}

fn find(
    live: &Schema,
    snapshots: &Snapshots,
    scratch: Option<&dyn Scratch>,
    wanted: Option<&str>,
) -> Result<Proof, Vec<Problem>> {
    let migrations = migrations();
    let live = Introspected { schema: live.clone(), uncompared: Vec::new() };
    let dialect = Plain { rewrites: true };
    let evidence = Evidence { dialect: &dialect, scratch, migrations: &migrations, snapshots, live: &live };
    let wanted = wanted.map(|version| version.parse().unwrap());
    ready(prove(evidence, wanted.as_ref()))
}

fn told(proof: &Proof) -> Vec<String> {
    proof.differences.iter().map(ToString::to_string).collect()
}

#[test]
fn the_newest_equal_snapshot_is_found_without_a_replay() {
    let folder = TempDir::new().unwrap();
    let (all, scratch) = (snapshots(&folder, &[1, 2, 3]), States::of(&[]));
    for count in 1..=3 {
        let proof = find(&tables(count), &all, Some(&scratch), None).unwrap();
        assert_eq!((proof.version.as_str(), proof.differences), (&*count.to_string(), Vec::new()));
    }
    assert_eq!(*scratch.1.lock().unwrap(), 0);
}

#[test]
fn one_replay_tells_all_that_no_snapshot_tells() {
    let folder = TempDir::new().unwrap();
    let (some, scratch) = (snapshots(&folder, &[3]), States::of(&[tables(1), tables(2), tables(3)]));
    let proof = find(&tables(1), &some, Some(&scratch), None).unwrap();
    assert_eq!(proof.version.as_str(), "1");
    let proof = find(&tables(1), &some, Some(&scratch), Some("3")).unwrap();
    assert_eq!(told(&proof), ["table b is missing; 2_b makes it", "table c is missing; 3_c makes it"]);
    assert_eq!(*scratch.1.lock().unwrap(), 2);
}

#[test]
fn a_replay_that_fails_is_told_where_there_are_snapshots() {
    let folder = TempDir::new().unwrap();
    let scratch = States::of(&[]);
    let some = snapshots(&folder, &[1, 3]);
    let proof = find(&tables(1), &some, Some(&scratch), None).unwrap();
    assert_eq!(proof.version.as_str(), "1");
    assert!(proof.uncompared[0].contains("permission denied"), "{:?}", proof.uncompared);
    let problems = find(&tables(1), &Snapshots::default(), Some(&scratch), None).unwrap_err();
    assert!(problems[0].message.contains("permission denied"), "{problems:?}");
    let problems = find(&tables(1), &Snapshots::default(), None, None).unwrap_err();
    assert!(problems[0].message.contains("there is no scratch database"), "{problems:?}");
}

#[test]
fn the_nearest_is_the_one_with_the_fewest_differences() {
    let folder = TempDir::new().unwrap();
    let all = snapshots(&folder, &[1, 2, 3]);
    let mut live = tables(2);
    live.tables.push(table("legacy"));
    let proof = find(&live, &all, None, None).unwrap();
    assert_eq!((proof.version.as_str(), told(&proof).len()), ("2", 1));
    assert_eq!(told(&proof), ["table legacy is there and not expected; no migration makes it"]);
    // What an early migration made and a late one did not is one of the late one's.
    let live = Schema { tables: vec![table("b"), table("c")], ..Schema::default() };
    let proof = find(&live, &all, None, Some("3")).unwrap();
    assert_eq!(told(&proof), ["table a is missing; 1_a makes it"]);
}

#[test]
fn what_is_dropped_and_still_there_is_the_drops() {
    let scratch = States::of(&[tables(1), tables(2), tables(1)]);
    let proof = find(&tables(2), &Snapshots::default(), Some(&scratch), Some("3")).unwrap();
    assert_eq!(told(&proof), ["table b is there and not expected; 3_c leaves it out"]);
}

#[test]
fn other_schemas_and_extensions_are_told_and_not_compared() {
    let folder = TempDir::new().unwrap();
    let all = snapshots(&folder, &[1, 2, 3]);
    let mut live = tables(2);
    live.tables.push(Table { name: ObjectName::in_schema("audit", "log"), ..table("log") });
    let native = |kind: &str, name: &str| Native {
        kind: kind.to_owned(),
        name: name.to_owned(),
        table: None,
        sql: format!("CREATE {kind} {name}"),
    };
    live.natives =
        vec![native("schema", "audit"), native("extension", "pgcrypto"), native("function", "audit.f(integer)")];
    let proof = find(&live, &all, None, None).unwrap();
    assert_eq!((proof.version.as_str(), told(&proof)), ("2", Vec::new()));
    assert_eq!(
        proof.uncompared,
        ["the schema audit: no migration names it", "the extension pgcrypto: no migration makes it"]
    );
    live.tables.push(table("migrations"));
    let proof = find(&live, &all, None, None).unwrap();
    assert_eq!((proof.version.as_str(), proof.uncompared.len()), ("2", 3));
    live.natives.push(native("function", "f(integer)"));
    let proof = find(&live, &all, None, None).unwrap();
    assert_eq!(told(&proof).len(), 1, "{proof:?}");
}

#[test]
fn queries_that_were_written_anew_are_named_where_nothing_tells() {
    let folder = TempDir::new().unwrap();
    let all = snapshots(&folder, &[1, 2]);
    let view = |query: &str| View {
        name: ObjectName::new("seen"),
        columns: Vec::new(),
        query: query.to_owned(),
        materialized: false,
        options: None,
        comment: None,
    };
    let with_view = Schema { views: vec![view("SELECT id FROM c")], ..tables(3) };
    let snapshot = Snapshot::new(Dialect::SQLITE.name, "3", "some", with_view);
    std::fs::write(folder.path().join("meta").join(Snapshot::file_name("3")), snapshot.to_json()).unwrap();
    let live = Schema { views: vec![view("SELECT c.id FROM public.c")], ..tables(3) };
    let all = {
        drop(all);
        Snapshots::of_folder(folder.path()).unwrap()
    };
    let proof = find(&live, &all, None, None).unwrap();
    assert_eq!((proof.version.as_str(), proof.uncompared), ("3", vec!["the query of view seen".to_owned()]));
}

#[test]
fn a_snapshot_of_another_tool_is_none() {
    let folder = TempDir::new().unwrap();
    let all = snapshots(&folder, &[1, 2, 3]);
    std::fs::write(folder.path().join("meta/3_snapshot.json"), r#"{"version": "7", "dialect": "sqlite"}"#).unwrap();
    let scratch = States::of(&[tables(1), tables(2), tables(3)]);
    assert_eq!(find(&tables(3), &all, Some(&scratch), None).unwrap().version.as_str(), "3");
    std::fs::write(folder.path().join("meta/3_snapshot.json"), "{").unwrap();
    assert_eq!(find(&tables(3), &all, Some(&scratch), None).unwrap_err().len(), 1);
}

#[test]
fn a_version_that_is_none_is_a_problem() {
    let problems = find(&tables(1), &Snapshots::default(), None, Some("9")).unwrap_err();
    assert!(problems[0].message.contains("there is no migration 9"), "{problems:?}");
}
