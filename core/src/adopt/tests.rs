//! Rows against files, every finding of them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

use std::borrow::Cow;

use super::*;
use crate::directive::Directives;
use crate::history::{MigrationId, MigrationKey};
use crate::migration::Foreign;
use crate::migration::Reading;
use crate::source::{DRIZZLE, SQLX};

/// A file of a folder: its mark, its time, its text.
fn foreign(tool: &'static str) -> Foreign {
    Foreign { tool, mark: "1".into(), time_ms: None, ignored_chars: None, undo: None }
}

fn file(tool: &'static str, mark: &str, time_ms: Option<i64>, text: &str, path: &str) -> Migration {
    let number = mark.split('_').next().unwrap();
    let id = MigrationId { namespace: "main".into(), key: MigrationKey::Version(number.parse().unwrap()) };
    let (path, body) = (Cow::Owned(path.to_owned()), Cow::Owned(text.to_owned()));
    let migration = Migration::from_text(id, mark, path, body, Directives::default());
    let foreign = Foreign { tool, mark: mark.into(), time_ms, ignored_chars: None, undo: None };
    migration.of_other_tool(foreign, &Reading::default(), Lexer::Sqlite, text)
}

/// A folder of Drizzle 0.x: time and text of each.
fn journal(files: &[(i64, &str)]) -> Vec<Migration> {
    let file = |(index, (when, text)): (usize, &(i64, &str))| {
        let tag = format!("{index:04}_tag{index}");
        file(DRIZZLE, &tag, Some(*when), text, &format!("m/{tag}.sql"))
    };
    files.iter().enumerate().map(file).collect()
}

fn folders(files: &[(&str, i64, &str)]) -> Vec<Migration> {
    let file = |(name, when, text): &(&str, i64, &str)| {
        file(DRIZZLE, name, Some(*when), text, &format!("m/{name}/migration.sql"))
    };
    files.iter().map(file).collect()
}

fn drizzle_hash(text: &str) -> String {
    reader(DRIZZLE).unwrap().hashes(text.as_bytes(), &foreign(DRIZZLE)).remove(0)
}

fn row(id: usize, hash: &str, time_ms: Option<i64>) -> ForeignRow {
    ForeignRow {
        key: Some(("id", id.to_string())),
        values: vec![("hash", Some(hash.to_owned())), ("created_at", time_ms.map(|ms| ms.to_string()))],
        name: None,
        hash: Some(hash.to_owned()),
        time_ms,
        applied_at: time_ms.map(|ms| Timestamp::from_microseconds(ms * 1_000)),
        duration_ms: None,
        state: ForeignState::Applied,
    }
}

/// Rows that Drizzle wrote for these texts and times.
fn rows(of: &[(i64, &str)]) -> Vec<ForeignRow> {
    of.iter().enumerate().map(|(index, (when, text))| row(index + 1, &drizzle_hash(text), Some(*when))).collect()
}

struct Outcome {
    matches: Vec<Match>,
    /// The files that are recorded.
    record: Vec<usize>,
}

impl Outcome {
    fn verdicts(&self) -> Vec<&'static str> {
        self.matches.iter().map(|it| it.verdict.as_str()).collect()
    }

    fn findings(&self) -> Vec<String> {
        self.matches.iter().flat_map(|it| &it.findings).map(ToString::to_string).collect()
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.matches.iter().flat_map(|it| &it.findings).map(|it| it.kind.as_str()).collect()
    }
}

fn judge_with(
    migrations: &[Migration],
    rows: &[ForeignRow],
    accept: &[FindingKind],
    known: &[usize],
    beside: &[String],
) -> Outcome {
    let reader = reader(migrations[0].foreign().unwrap().tool).unwrap();
    let files: Vec<ForeignFile<'_>> = migrations
        .iter()
        .enumerate()
        .map(|(index, it)| ForeignFile::of(it, reader, known.contains(&index)).unwrap().unwrap())
        .collect();
    let table = ForeignTable::of(Some("drizzle"), reader.tables()[0], &["id"]);
    let case = Case { reader, table: &table, rows, files: &files, beside, accept, remembered: &[] };
    let Judged { matches, record } = case.judge();
    Outcome { matches, record: record.into_iter().map(|(file, _)| file).collect() }
}

fn judge(migrations: &[Migration], rows: &[ForeignRow]) -> Outcome {
    judge_with(migrations, rows, &[], &[], &[])
}

const FILES: [(i64, &str); 3] =
    [(1_000, "create table a (n int);"), (2_000, "create table b (n int);"), (3_000, "select 3;")];

#[test]
fn rows_of_files_are_verified_and_the_rest_is_pending() {
    let outcome = judge(&journal(&FILES), &rows(&FILES[..2]));
    assert_eq!(outcome.verdicts(), ["verified", "verified", "pending"]);
    assert_eq!(outcome.record, [0, 1]);
    assert!(outcome.findings().is_empty());
    let told = outcome.matches[0].row.as_deref().unwrap();
    assert!(told.starts_with("row with id 1 (hash ") && told.ends_with("…, created_at 1000)"), "{told}");
}

#[test]
fn the_hash_goes_before_the_time() {
    let mut of = FILES;
    of[1].0 = 2_500;
    let outcome = judge(&journal(&FILES), &rows(&of));
    assert_eq!(outcome.verdicts(), ["verified"; 3], "the journal's time was changed, the text was not");
}

#[test]
fn files_of_the_same_text_are_told_apart_by_their_times() {
    let same = [(1_000, "-- custom"), (2_000, "-- custom"), (3_000, "-- custom")];
    let outcome = judge(&journal(&same), &rows(&[same[2], same[0]]));
    assert_eq!(outcome.kinds(), ["out-of-order", "skipped"]);
    let outcome = judge(&journal(&same), &rows(&[same[0], same[0]]));
    assert_eq!(outcome.kinds(), ["duplicate"], "a second row of the first is none of the second file");
    assert_eq!(outcome.verdicts(), ["verified", "in_the_way", "pending", "pending"]);
}

#[test]
fn an_edited_file_is_named_with_its_row() {
    let mut of = FILES;
    of[1].1 = "create table b (n bigint);";
    let (files, rows) = (journal(&FILES), rows(&of));
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.verdicts(), ["verified", "in_the_way", "verified"]);
    let [told] = &*outcome.findings() else { panic!("{:?}", outcome.findings()) };
    assert!(told.starts_with("edited: m/0001_tag1.sql was edited since it was applied"), "{told}");
    assert!(told.contains("row with id 2 (hash ") && told.contains("of drizzle.__drizzle_migrations"), "{told}");
    let accepted = judge_with(&files, &rows, &[FindingKind::Edited], &[], &[]);
    assert_eq!((accepted.verdicts(), accepted.record), (vec!["verified", "accepted", "verified"], vec![0, 1, 2]));
    let other = judge_with(&files, &rows, &[FindingKind::Skipped, FindingKind::WrongHash], &[], &[]);
    assert_eq!(other.verdicts()[1], "in_the_way", "each is accepted by its own name alone");
}

#[test]
fn a_hash_that_is_none_is_told_apart_from_an_edit() {
    let mut rows = rows(&FILES);
    rows[2] = row(3, "done", Some(3_000));
    assert_eq!(judge(&journal(&FILES), &rows).kinds(), ["wrong-hash"]);
}

#[test]
fn a_row_without_a_file_is_told_and_never_recorded() {
    let (files, rows) = (journal(&FILES[..2]), rows(&FILES));
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.kinds(), ["missing-file"]);
    assert!(outcome.matches[2].id.is_none() && outcome.matches[2].row.is_some());
    let outcome = judge_with(&files, &rows, &[FindingKind::MissingFile], &[], &[]);
    assert_eq!((outcome.verdicts(), outcome.record), (vec!["verified", "verified", "left_out"], vec![0, 1]));
}

#[test]
fn what_drizzle_would_never_run_is_told_and_stays_pending() {
    // The last one was made on a branch, before the second.
    let files = journal(&[FILES[0], FILES[1], (1_500, "select 3;"), (2_000, "select 4;"), (9_000, "select 5;")]);
    let outcome = judge(&files, &rows(&FILES[..2]));
    assert_eq!(outcome.verdicts(), ["verified", "verified", "in_the_way", "in_the_way", "pending"]);
    assert!(outcome.findings()[0].contains("1500, is not after 2000"), "{:?}", outcome.findings());
    let outcome = judge_with(&files, &rows(&FILES[..2]), &[FindingKind::Skipped], &[], &[]);
    assert_eq!((outcome.verdicts()[2], outcome.record), ("left_out", vec![0, 1]));
}

#[test]
fn a_row_that_was_removed_leaves_a_gap() {
    let outcome = judge(&journal(&FILES), &rows(&[FILES[0], FILES[2]]));
    assert_eq!(outcome.kinds(), ["skipped"]);
    let folder =
        [("20260101000000_a", 1_767_225_600_000, "select 1;"), ("20260102000000_b", 1_767_312_000_000, "select 2;")];
    let rows = rows(&[(folder[1].1, folder[1].2)]);
    let outcome = judge(&folders(&folder), &rows);
    assert_eq!(outcome.kinds(), ["skipped"]);
    assert!(outcome.findings()[0].contains("has one for m/20260102000000_b/migration.sql"), "{:?}", outcome.findings());
}

#[test]
fn rows_that_were_written_in_another_order_are_told() {
    let (files, rows) = (journal(&FILES), rows(&[FILES[0], FILES[2], FILES[1]]));
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.kinds(), ["out-of-order"]);
    assert!(
        outcome.findings()[0].contains("m/0001_tag1.sql was applied after m/0002_tag2.sql"),
        "{:?}",
        outcome.findings()
    );
    let outcome = judge_with(&files, &rows, &[FindingKind::OutOfOrder], &[], &[]);
    assert_eq!((outcome.verdicts(), outcome.record), (vec!["verified", "accepted", "verified"], vec![0, 1, 2]));
}

#[test]
fn the_rows_of_a_race_are_told_with_the_statement_that_removes_one() {
    let (files, rows) = (journal(&FILES), rows(&[FILES[0], FILES[1], FILES[1], FILES[1]]));
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.kinds(), ["duplicate", "duplicate"]);
    let hint = &outcome.matches[2].findings[0].hint;
    assert!(hint.contains("`DELETE FROM drizzle.__drizzle_migrations WHERE id = 3`"), "{hint}");
    let outcome = judge_with(&files, &rows, &[FindingKind::Duplicate], &[], &[]);
    assert_eq!(outcome.verdicts(), ["verified", "verified", "left_out", "left_out", "pending"]);
    assert_eq!(outcome.record, [0, 1], "it counts once");
}

#[test]
fn a_row_without_its_time_is_told() {
    let mut rows = rows(&FILES);
    rows[1] = row(2, &drizzle_hash(FILES[1].1), None);
    let (files, accept) = (journal(&FILES), [FindingKind::NoTime]);
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.kinds(), ["no-time"]);
    let hint = &outcome.matches[1].findings[0].hint;
    assert!(hint.contains("SET created_at = 2000 WHERE id = 2"), "{hint}");
    let outcome = judge_with(&files, &rows, &accept, &[], &[]);
    assert_eq!((outcome.record, outcome.matches[1].applied_at), (vec![0, 1, 2], None));
}

#[test]
fn a_row_that_was_written_by_hand_is_recognised() {
    // The script ran long after the journal's times.
    let outcome = judge(&journal(&FILES), &[row(1, "0000_tag0", Some(999_000))]);
    assert_eq!(outcome.verdicts(), ["by_hand", "pending", "pending"], "its time passes over nothing");
    assert!(outcome.matches[0].note.as_ref().unwrap().starts_with("written by hand"));
    assert_eq!(outcome.record, [0]);
    let mut rows = vec![row(1, "0000_tag0", Some(1_000))];
    rows.push(row(2, &drizzle_hash(FILES[1].1), Some(2_000)));
    assert_eq!(judge(&journal(&FILES), &rows).verdicts(), ["by_hand", "verified", "pending"]);
}

#[test]
fn names_go_before_hashes_and_times_before_nothing() {
    let folder = [
        ("20260101000000_a", 1_767_225_600_000, "-- custom"),
        ("20260101000000_b", 1_767_225_600_000, "-- custom"),
        ("20260102000000_c", 1_767_312_000_000, "select 3;"),
    ];
    let named = |id, index: usize, hash: &str| ForeignRow {
        name: Some(folder[index].0.to_owned()),
        ..row(id, hash, Some(folder[index].1))
    };
    let files = folders(&folder);
    let custom = drizzle_hash("-- custom");
    let outcome = judge(&files, &[named(1, 0, &custom), named(2, 1, &custom), named(3, 2, &drizzle_hash("select 4;"))]);
    assert_eq!(outcome.verdicts(), ["verified", "verified", "in_the_way"]);
    assert_eq!(outcome.kinds(), ["edited"]);
    // The table of 0.x with its milliseconds, and a file that has another text now.
    let outcome = judge(&files[2..], &[row(1, &drizzle_hash("select 4;"), Some(1_767_312_000_854))]);
    assert_eq!(outcome.kinds(), ["edited"], "the time is compared in whole seconds");
}

#[test]
fn an_empty_table_in_a_database_that_was_used_is_told() {
    let (files, beside) = (journal(&FILES), ["boards".to_owned()]);
    let outcome = judge_with(&files, &[], &[], &[], &beside);
    assert_eq!(outcome.kinds(), ["empty"]);
    assert!(outcome.findings()[0].contains("has tables: boards"), "{:?}", outcome.findings());
    assert_eq!(judge(&files, &[]).verdicts(), ["pending"; 3], "in a fresh one nothing was applied");
    let outcome = judge_with(&files, &[], &[FindingKind::Empty], &[], &beside);
    assert_eq!(outcome.verdicts()[0], "left_out");
}

#[test]
fn what_is_recorded_already_is_held_against_nobody() {
    let mut of = FILES;
    of[0].1 = "edited";
    let rows = rows(&[of[0], of[1], of[1], of[2]]);
    let outcome = judge_with(&journal(&FILES), &rows, &[], &[0, 1], &[]);
    assert_eq!(outcome.verdicts(), ["recorded", "recorded", "recorded", "verified"]);
    assert_eq!(outcome.record, [2], "only what is new");
}

fn sqlx_row(version: &str, text: &str, applied_s: i64) -> ForeignRow {
    let at = Timestamp::from_microseconds(applied_s * 1_000_000);
    ForeignRow {
        key: Some(("version", version.to_owned())),
        name: Some(version.to_owned()),
        hash: Some(reader(SQLX).unwrap().hashes(text.as_bytes(), &foreign(SQLX)).remove(0)),
        applied_at: Some(at),
        ..row(0, "", None)
    }
}

#[test]
fn versions_of_sqlx_are_compared_by_their_numbers() {
    let texts = ["create table a (n int);\r\n", "select 2;", "select 3;"];
    let files: Vec<Migration> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| file(SQLX, &(index + 1).to_string(), None, text, &format!("m/{index}.sql")))
        .collect();
    // Applied on another system, with other line ends.
    let rows = [sqlx_row("1", "create table a (n int);\n", 10), sqlx_row("2", "select 2;", 20)];
    let outcome = judge(&files, &rows);
    assert_eq!(outcome.verdicts(), ["verified", "verified", "pending"]);
    let edited = [sqlx_row("1", "create table a (n bigint);\n", 10)];
    assert_eq!(judge(&files, &edited).kinds(), ["edited"]);
    assert_eq!(judge(&files, &[sqlx_row("1", texts[0], 10), sqlx_row("3", texts[2], 20)]).kinds(), ["skipped"]);
    assert_eq!(judge(&files, &[sqlx_row("4", "select 4;", 30)]).kinds(), ["missing-file"]);
}

#[test]
fn a_migration_that_failed_in_sqlx_is_accepted_by_no_flag() {
    let files = [file(SQLX, "1", None, "select 1;", "m/1_one.sql")];
    let dirty = [ForeignRow { state: ForeignState::Dirty, ..sqlx_row("1", "select 1;", 10) }];
    let outcome = judge_with(&files, &dirty, &[FindingKind::Dirty], &[], &[]);
    assert_eq!((outcome.kinds(), outcome.verdicts()), (vec!["dirty"], vec!["in_the_way"]));
    let hint = &outcome.matches[0].findings[0].hint;
    assert!(hint.contains("WHERE version = 1"), "{hint}");
    assert!("dirty".parse::<FindingKind>().is_err());
    assert_eq!("missing-file".parse(), Ok(FindingKind::MissingFile));
    assert!("all".parse::<FindingKind>().unwrap_err().contains("edited, wrong-hash"));
}

/// An adoption of these files and rows, and the files.
fn adoption(migrations: &[Migration], rows: &[ForeignRow], accept: &[FindingKind]) -> Adoption {
    let outcome = judge_with(migrations, rows, accept, &[], &[]);
    Adoption {
        tool: DRIZZLE,
        tool_called: "Drizzle",
        table: "drizzle.__drizzle_migrations".to_owned(),
        rows: rows.len(),
        recorded: outcome.record.len(),
        matches: outcome.matches,
        proved: None,
        notes: Vec::new(),
    }
}

fn different(instead: Option<&str>) -> Proved {
    let instead = instead.map(|version| version.parse().unwrap());
    Proved::Different { instead, differences: vec!["table t is missing; 0001_tag1.sql makes it".to_owned()] }
}

#[test]
fn a_database_that_is_not_as_the_history_tells_is_a_finding_of_its_newest_row() {
    let (files, rows) = (journal(&FILES), rows(&FILES[..2]));
    let mut adoption = adoption(&files, &rows, &[]);
    let newest = proof::newest(&adoption, &files).unwrap().clone();
    assert_eq!(newest.to_string(), "0001");
    proof::enter(&mut adoption, &newest, different(Some("0002")), &[]);
    assert!(adoption.is_refused());
    let [finding] = &*adoption.matches[1].findings else { panic!("{:?}", adoption.matches) };
    let all = format!("{finding} {}", finding.hint);
    for word in [
        "differs: ",
        "m/0001_tag1.sql",
        "row with id 2 (",
        "it is as 0002 leaves it",
        "table t is missing",
        "--accept differs",
    ] {
        assert!(all.contains(word), "{word}: {all}");
    }
    let mut accepted = self::adoption(&files, &rows, &[]);
    proof::enter(&mut accepted, &newest, different(None), &[FindingKind::Differs]);
    assert_eq!((accepted.is_refused(), accepted.matches[1].verdict), (false, Verdict::Accepted));
}

#[test]
fn a_database_that_is_so_is_said_to_be_so_without_what_is_the_other_tools() {
    let (files, rows) = (journal(&FILES), rows(&FILES[..2]));
    let mut adoption = adoption(&files, &rows, &[]);
    let newest = proof::newest(&adoption, &files).unwrap().clone();
    let notes = [
        "not compared: the schema drizzle: no migration names it",
        "not compared: the schema ops: no migration names it",
    ];
    proof::enter(&mut adoption, &newest, Proved::Equal(notes.map(str::to_owned).to_vec()), &[]);
    assert_eq!((adoption.proved.as_deref(), &*adoption.notes), (Some("0001"), &[notes[1].to_owned()][..]));
}

#[test]
fn what_is_not_told_as_a_whole_is_not_compared() {
    let files = journal(&FILES);
    let gap = adoption(&files, &rows(&[FILES[0], FILES[2]]), &[FindingKind::Skipped]);
    assert!(proof::newest(&gap, &files).is_err());
    let mut of = FILES;
    of[1].1 = "edited";
    let edited = adoption(&files, &rows(&of[..2]), &[FindingKind::Edited]);
    assert!(proof::newest(&edited, &files).is_err());
    assert!(proof::newest(&adoption(&files, &[], &[]), &files).is_err());
}

#[test]
fn a_row_that_was_written_by_hand_has_said_that_it_is_near_enough() {
    let files = journal(&FILES);
    let mut adoption = adoption(&files, &[row(1, "0000_tag0", Some(999_000))], &[]);
    let newest = proof::newest(&adoption, &files).unwrap().clone();
    proof::enter(&mut adoption, &newest, different(None), &[]);
    assert!(!adoption.is_refused());
    assert!(adoption.notes[0].contains("table t is missing"), "{:?}", adoption.notes);
}
