#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::DrizzleLayout;
use super::versions::{Versions, time_of};
use crate::migration::Foreign;
use crate::source::{DirectorySource, Loaded, NewMigration, Source};
use crate::split::Lexer;
use crate::timestamp::Timestamp;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &tempfile::TempDir) -> Loaded {
    DirectorySource::with_layout(folder.path(), DrizzleLayout::new(Lexer::Sqlite)).load(&Arc::from("main"))
}

fn journal(entries: &[(&str, i64)]) -> String {
    let entry = |(tag, when): &(&str, i64)| {
        format!(r#"{{"idx":0,"version":"6","when":{when},"tag":"{tag}","breakpoints":true}}"#)
    };
    let entries: Vec<String> = entries.iter().map(entry).collect();
    format!(r#"{{"version":"7","dialect":"sqlite","entries":[{}]}}"#, entries.join(","))
}

/// Version, name, and what the tool knows it by.
fn found(loaded: &Loaded) -> Vec<(String, String, String, Option<i64>)> {
    let told = |foreign: &Foreign| (foreign.mark.to_string(), foreign.time_ms);
    let of = |m: &crate::Migration| {
        let (mark, time) = told(m.foreign().unwrap());
        (m.id.to_string(), m.name.to_string(), mark, time)
    };
    loaded.migrations.iter().map(of).collect()
}

#[test]
fn only_the_journal_decides() {
    let journal = journal(&[("0001_b", 20), ("0000_step pa", 10), ("0001_c", 30), ("_none", 40)]);
    let folder = folder(&[
        ("meta/_journal.json", &journal),
        ("0001_b.sql", "select 1"),
        ("0000_step pa.sql", ""),
        ("0001_c.sql", "-- nothing\n"),
        ("_none.sql", "select 1"),
        ("0002_lost.sql", "select 1"),
        ("schema.ts", ""),
    ]);
    let loaded = load(&folder);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let expected = [
        ("0001", "b", "0001_b", 20),
        ("0001.1", "0000_step pa", "0000_step pa", 10),
        ("0001.2", "0001_c", "0001_c", 30),
        ("0001.3", "none", "_none", 40),
    ];
    let expected = expected.map(|(v, n, m, t)| (v.to_owned(), n.to_owned(), m.to_owned(), Some(t)));
    assert_eq!(found(&loaded), expected);
    let [lost] = &loaded.passed_over[..] else { panic!("{:?}", loaded.passed_over) };
    assert!(lost.file.ends_with("0002_lost.sql"), "{lost}");
}

#[test]
fn a_folder_for_each_is_ordered_by_its_name() {
    let folder = folder(&[
        ("20261122170016_second/migration.sql", "select 2"),
        ("20261122170016_second/snapshot.json", "{}"),
        ("20251122170016_first/migration.sql", "select 1"),
        ("20251122170016_first/snapshot.json", "{}"),
        ("20261122170016_Also/migration.sql", "select 3"),
        ("20261122170016_Also/snapshot.json", "{}"),
        ("20271122170016_empty/snapshot.json", "{}"),
    ]);
    assert_eq!(DirectorySource::open(folder.path(), None, None).unwrap().format(), "drizzle");
    let loaded = load(&folder);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let names: Vec<String> = loaded.migrations.iter().map(|m| m.id.called(&m.name)).collect();
    let expected = ["20251122170016 first", "20261122170016 Also", "20261122170016.1 20261122170016_second"];
    assert_eq!(names, expected);
    assert_eq!(found(&loaded)[1].3, Some(1_795_366_816_000));
    assert_eq!(loaded.passed_over.len(), 1, "{:?}", loaded.passed_over);
}

#[test]
fn what_is_wrong_with_a_journal_is_told_with_its_place() {
    let cases = [
        ("{\"version\": \"7\",\n oops", "key must be a string", Some(2)),
        ("[]", "nor of Drizzle", None),
        (r#"{"dialect":"sqlite","entries":[{"tag":"a"}]}"#, "no `tag` or no `when`", None),
        (r#"{"dialect":"postgresql","entries":[]}"#, "is of postgresql", None),
        (r#"{"dialect":"sqlite","entries":[{"tag":"../a","when":1}]}"#, "names no file", None),
        (r#"{"dialect":"sqlite","entries":[{"tag":"0000_a","when":1}]}"#, "there is no 0000_a.sql", None),
    ];
    for (text, expected, line) in cases {
        let folder = folder(&[("meta/_journal.json", text)]);
        let loaded = load(&folder);
        let [problem] = &loaded.problems[..] else { panic!("{text}: {:?}", loaded.problems) };
        assert!(problem.message.contains(expected) && !problem.hint.is_empty(), "{text}: {problem}");
        assert_eq!(problem.line, line, "{text}");
    }
    let both = folder(&[("meta/_journal.json", &journal(&[])), ("20251122170016_first/migration.sql", "")]);
    assert_eq!(load(&both).problems.len(), 1);
}

#[test]
fn every_prefix_gives_growing_versions() {
    let of = |tags: &[&str]| {
        let mut versions = Versions::default();
        tags.iter().map(|tag| versions.next(tag).0.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of(&["0000_a", "0001_b", "0010_c"]), ["0000", "0001", "0010"]);
    assert_eq!(of(&["20261122170016_a", "20261122170017_b"]), ["20261122170016", "20261122170017"]);
    assert_eq!(of(&["_a", "_b", "_c"]), ["0000", "0001", "0002"]);
    assert_eq!(of(&["0005_a", "0005_b", "0004_c", "0006_d"]), ["0005", "0005.1", "0005.2", "0006"]);
    assert_eq!(of(&["1795366816_unix", "1795366817_unix"]), ["1795366816", "1795366817"]);
    // A number that is too long for a version, and one after which none would fit.
    for digits in [64, 65] {
        let long = format!("{}_a", "9".repeat(digits));
        assert_eq!(of(&["0001_a", &long, "0002_b", "0003_c"]), ["0001", "0001.1", "0002", "0003"]);
        assert_eq!(of(&[&long, "0002_b", "_c", "0001_d"]), ["0000", "0002", "0003", "0003.1"]);
    }
}

#[test]
fn a_time_is_read_as_utc() {
    assert_eq!(time_of("19700101000001_a"), Ok(1_000));
    assert_eq!(time_of("20240229235959_a"), Ok(1_709_251_199_000));
    for (name, expected) in [
        ("20241329000000_a", "begins with 20241329000000, which is no time: year 2024, month 13, day 29"),
        ("20241201246000_a", "which is no time: year 2024, month 12, day 1, 24:60:00"),
        ("0001_a", "does not begin with a time of 14 digits"),
    ] {
        let (message, _) = time_of(name).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn a_new_migration_is_entered_in_the_journal() {
    let folder = folder(&[("meta/_journal.json", &journal(&[("0000_a", 2_000)])), ("0000_a.sql", "")]);
    let source = DirectorySource::open(folder.path(), None, None).unwrap();
    let new = NewMigration::named("add b", &["0000".parse().unwrap()], Timestamp::from_microseconds(0)).unwrap();
    let files = source.files_of(&[(&new, "select 1;\nselect 2;\n")], Timestamp::from_microseconds(1_000_000)).unwrap();
    let [text, journal] = &files[..] else { panic!("{files:?}") };
    assert_eq!(
        (&*text.file, text.replaces, &*journal.file, journal.replaces),
        ("0001_add_b.sql", false, "meta/_journal.json", true)
    );
    assert_eq!(text.text, "select 1;\n--> statement-breakpoint\nselect 2;\n");
    for file in &files {
        fs::write(folder.path().join(&file.file), &file.text).unwrap();
    }
    // Its time comes after the newest, whatever the clock says: else Drizzle would pass over it.
    assert_eq!(found(&load(&folder))[1], ("0001".to_owned(), "add_b".to_owned(), "0001_add_b".to_owned(), Some(2_001)));
    assert!(load(&folder).passed_over.is_empty());
}
