#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> (TempDir, DirectorySource) {
    let folder = TempDir::new().unwrap();
    files.iter().for_each(|(name, text)| write(folder.path(), name, text));
    let source = DirectorySource::new(folder.path());
    (folder, source)
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn new(text: &str) -> Generated {
    Generated { version: "0001".parse().unwrap(), name: "new".to_owned(), text: text.to_owned() }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn tables(found: Result<Introspected, Problem>) -> Vec<String> {
    found.unwrap().schema.tables.into_iter().map(|table| table.name.name).collect()
}

#[test]
fn a_replay_that_began_ahead_is_gone_on_with() {
    let (kept, source) = folder(&[("0000_a.sql", "CREATE TABLE a (x integer);")]);
    let scratch = MemoryScratch::new();
    scratch.ahead(&source);
    assert!(block_on(scratch.begun_replay(&source, &[new("CREATE TABLE b (y integer);")])).is_some());
    scratch.ahead(&source);
    assert_eq!(tables(block_on(scratch.replay(Some(&source), &[new("CREATE TABLE b (y integer);")]))), ["a", "b"]);
    // It was taken: the next one begins with nothing.
    assert!(block_on(scratch.begun_replay(&source, &[])).is_none());
    assert_eq!(tables(block_on(scratch.replay(Some(&source), &[]))), ["a"]);
    drop(kept);
}

#[test]
fn what_began_ahead_of_another_folder_is_not_taken() {
    let (_a, source) = folder(&[("0000_a.sql", "CREATE TABLE a (x integer);")]);
    let (_b, other) = folder(&[("0000_b.sql", "CREATE TABLE b (x integer);")]);
    let scratch = MemoryScratch::new();
    scratch.ahead(&other);
    assert_eq!(tables(block_on(scratch.replay(Some(&source), &[]))), ["a"]);
    assert_eq!(tables(block_on(scratch.replay(None, &[new("CREATE TABLE c (x integer);")]))), ["c"]);
    assert_eq!(tables(block_on(scratch.replay(Some(&other), &[]))), ["b"]);
}

#[test]
fn a_folder_that_changed_since_is_replayed_as_it_is_now() {
    let (kept, source) = folder(&[("0000_a.sql", "CREATE TABLE a (x integer);")]);
    let scratch = MemoryScratch::new();
    let begun = Ahead::begin(&source).unwrap();
    block_on(async {
        let database = begun.applied().await.unwrap().database;
        assert_eq!(tables(read(&*database, &super::super::SQLITE).await), ["a"]);
    });
    scratch.ahead(&source);
    // However far it is: what it applied or what it will find is not what stands there now.
    write(kept.path(), "0000_a.sql", "CREATE TABLE z (x integer);");
    assert_eq!(tables(block_on(scratch.replay(Some(&source), &[]))), ["z"]);
}

#[test]
fn what_runs_behind_all_versions_does_so_with_a_replay_that_began_ahead() {
    let (_kept, source) = folder(&[
        ("0000_a.sql", "CREATE TABLE a (x integer, y integer);"),
        ("always.sql", "-- whimbrel: repeatable\nINSERT INTO a (x, y) VALUES (1, 1);"),
    ]);
    let scratch = MemoryScratch::new();
    let new = [new("ALTER TABLE a DROP COLUMN y;")];
    let without = block_on(scratch.replay(Some(&source), &new)).unwrap_err();
    scratch.ahead(&source);
    assert_eq!(block_on(scratch.replay(Some(&source), &new)).unwrap_err(), without);
}

#[test]
fn a_folder_that_fails_is_told_as_without_it() {
    let (_kept, source) = folder(&[("0000_a.sql", "CREATE TABLE a (x integer);\nCREATE TABLE a (x integer);")]);
    let scratch = MemoryScratch::new();
    let without = block_on(scratch.replay(Some(&source), &[])).unwrap_err();
    scratch.ahead(&source);
    let with = block_on(scratch.replay(Some(&source), &[])).unwrap_err();
    assert_eq!(with, without);
    assert_eq!((with.line, with.column), (Some(2), Some(14)));
}
