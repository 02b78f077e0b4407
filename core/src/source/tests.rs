#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::split::Lexer;
use crate::sql::{BoxError, RustMigration, Sql};

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        if let Some(parent) = Path::new(name).parent() {
            fs::create_dir_all(folder.path().join(parent)).unwrap();
        }
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load(folder: &TempDir) -> Result<Vec<Migration>, LoadError> {
    DirectorySource::new(folder.path()).load(&Arc::from("main")).complete()
}

/// File, line, column and message of every problem.
fn problems(folder: &TempDir) -> Vec<String> {
    let error = load(folder).unwrap_err();
    let prefix = format!("{}/", folder.path().display());
    for problem in error.problems() {
        assert!(!problem.hint.is_empty(), "{problem}");
    }
    let short = |problem: &Problem| {
        let without_hint = Problem { hint: String::new(), ..problem.clone() };
        without_hint.to_string().replace(&prefix, "")
    };
    error.problems().iter().map(short).collect()
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(|m| m.id.called(&m.name)).collect()
}

#[test]
fn versions_are_ordered_by_number_and_repeatables_come_last() {
    let folder = folder(&[
        ("10_ten.sql", b"select 10"),
        ("9_nine.sql", b"select 9"),
        ("0001_one.sql", b"select 1"),
        ("1.5_half.sql", b"select 1.5"),
        ("views.sql", b"-- whimbrel: repeatable\nselect 2"),
        ("a_views.sql", b"\xef\xbb\xbf-- whimbrel: repeatable\r\nselect 2"),
    ]);
    let expected = ["0001 one", "1.5 half", "9 nine", "10 ten", "repeatable a_views", "repeatable views"];
    assert_eq!(names(&load(&folder).unwrap()), expected);
}

#[test]
fn what_is_known_and_no_migration_is_passed_over() {
    let folder = folder(&[
        ("0001_one.sql", b"select 1"),
        ("README.md", b"hello"),
        ("LICENSE-MIT", b"\xff"),
        (".gitkeep", b""),
        ("meta/0001_snapshot.json", b"{}"),
    ]);
    assert_eq!(names(&load(&folder).unwrap()), ["0001 one"]);
}

#[test]
fn every_problem_is_named_at_once_in_the_order_of_the_files() {
    let folder = folder(&[
        ("0001_one.sql", b"select 1"),
        ("01_again.sql", b"select 1"),
        ("1.0_and_again.sql", b"select 1"),
        ("0002_latin.sql", b"select 1;\n-- caf\xc3\xa9 \xe9\n"),
        ("0003-three.sql", b""),
        ("0004_.sql", b""),
        ("0005_a b.sql", b""),
        ("1._dot.sql", b""),
        ("LICENSE_views.sql", b"select 1"),
        ("dump.sql.gz", b""),
        ("0006_upper.SQL", b""),
        ("0007_r.sql", b"-- whimbrel: repeatable\n"),
        ("0008_d.sql", b"-- whimbrel: no-transactions\n\n-- whimbrel: lock-timeout 5\n"),
        ("views.sql", b"select 1"),
        ("old/0001_x.sql", b"select 1"),
    ]);
    insta::assert_snapshot!(problems(&folder).join("\n"), @r"
    0002_latin.sql:2:9: is not UTF-8: byte 0xe9
    0003-three.sql: has a bad name: after the version comes `_`
    0004_.sql: has a bad name
    0005_a b.sql: has a bad name
    0006_upper.SQL: is not understood: only .sql files are migrations
    0007_r.sql: says `repeatable` and has a version
    0008_d.sql:1:1: unknown directive `no-transactions`
    0008_d.sql:3:1: `5` is no duration: write 0, 500ms, 5s, 2min or 1h, at most 24 days
    01_again.sql: 01 stands twice: also in 0001_one.sql
    1.0_and_again.sql: 1.0 stands twice: also in 01_again.sql
    1._dot.sql: has a bad name: `1.` is no version: a dot must stand between two numbers
    LICENSE_views.sql: has no version in its name
    dump.sql.gz: is not understood: only .sql files are migrations
    old/: is a folder, and only `meta` may stand here
    views.sql: has no version in its name
    ");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = DirectorySource::new("/no/such/folder").load(&Arc::from("main")).complete().unwrap_err();
    assert_eq!(error.problems().len(), 1);
    assert!(error.to_string().starts_with("/no/such/folder: the folder cannot be read"), "{error}");
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_change_the_checksum() {
    let folders = [&b"select 1;\n-- x\n"[..], b"\xef\xbb\xbfselect 1;\r\n-- x\r\n", b"select 1;\n-- y\n"];
    let folders = folders.map(|text| folder(&[("1_a.sql", text)]));
    let [unix, windows, other] = folders.each_ref().map(|folder| load(folder).unwrap());
    assert_eq!(unix[0].checksum, windows[0].checksum);
    assert_ne!(unix[0].checksum, other[0].checksum);
    let token = |m: &Migration| m.token_checksum(&crate::Dialect::SQLITE).unwrap();
    assert_eq!(token(&unix[0]), token(&other[0]));
}

#[test]
fn a_timestamp_with_a_digit_too_many_is_refused() {
    let files: &[(&str, &[u8])] = &[("20260101000000_a.sql", b""), ("202601010000000_b.sql", b""), ("0001_c.sql", b"")];
    let refused = problems(&folder(files));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("202601010000000_b.sql: version 202601010000000 has more digits"), "{refused:?}");
    // Without a timestamp beside it, it is a number like others.
    assert_eq!(load(&folder(&[("202601010000000_b.sql", b"")])).unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_those_that_lead_nowhere_are_named() {
    use std::os::unix::fs::symlink;
    let target = folder(&[("there.sql", b"select 1")]);
    let folder = folder(&[]);
    symlink(target.path().join("there.sql"), folder.path().join("0001_linked.sql")).unwrap();
    assert_eq!(names(&load(&folder).unwrap()), ["0001 linked"]);
    symlink(target.path().join("nowhere.sql"), folder.path().join("0002_dangling.sql")).unwrap();
    symlink(target.path(), folder.path().join("0003_folder.sql")).unwrap();
    let refused = problems(&folder);
    assert_eq!(refused.len(), 2);
    assert!(refused[0].starts_with("0002_dangling.sql: cannot be read"), "{refused:?}");
    assert!(refused[1].starts_with("0003_folder.sql: cannot be read"), "{refused:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_name_that_is_no_text_does_not_hide_other_problems() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[("nonsense.txt", b"")]);
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"0001_\xff.sql")), "select 1").unwrap();
    let refused = problems(&folder);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].ends_with("the file's name is not UTF-8"), "{refused:?}");
}

#[test]
fn many_files_are_read_by_several_threads_into_one_order() {
    let folder = folder(&[]);
    for n in 0..1_000 {
        fs::write(folder.path().join(format!("{n:04}_m.sql")), format!("select {n}")).unwrap();
    }
    let loaded = load(&folder).unwrap();
    assert_eq!(loaded.len(), 1_000);
    assert!(loaded.iter().enumerate().all(|(n, m)| m.id.to_string() == format!("{n:04}")));
    fs::write(folder.path().join("0999_x.txt"), "").unwrap();
    fs::write(folder.path().join("0000_x.txt"), "").unwrap();
    assert_eq!(problems(&folder).len(), 2);
}

#[test]
fn a_text_that_changed_after_it_was_loaded_is_not_run() {
    let folder = folder(&[("1_a.sql", b"select 1")]);
    let loaded = load(&folder).unwrap();
    assert_eq!(loaded[0].text().unwrap(), "select 1");
    fs::write(folder.path().join("1_a.sql"), "select 2").unwrap();
    assert!(loaded[0].text().unwrap_err().to_string().contains("changed while the migrations were running"));
    fs::remove_file(folder.path().join("1_a.sql")).unwrap();
    assert!(loaded[0].text().unwrap_err().to_string().contains("cannot be read again"));
}

#[test]
fn a_transaction_of_the_text_must_end_in_it() {
    let refused = |text: &'static str| {
        let source = CodeSource::new().sql("1", "a", format!("-- whimbrel: no-transaction\n{text}"));
        let loaded = source.load(&Arc::from("main")).migrations;
        let text = loaded[0].text().unwrap();
        loaded[0].statements(&crate::Dialect::POSTGRES, &text).err().map(|error| error.to_string())
    };
    for text in
        ["begin; select 1; commit", "start transaction; rollback; select 1", "begin; savepoint s; rollback to s; end"]
    {
        assert_eq!(refused(text), None, "{text}");
    }
    for text in ["begin; select 1", "begin; savepoint s; rollback to s", "begin; commit and chain; select 1"] {
        let message = refused(text).unwrap();
        assert!(message.contains("the transaction that begins here is not ended"), "{text}: {message}");
    }
}

#[derive(Debug)]
struct Nothing;

#[async_trait::async_trait]
impl RustMigration for Nothing {
    async fn run(&self, _: &mut dyn Sql) -> Result<(), BoxError> {
        Ok(())
    }
}

#[test]
fn code_has_the_checksum_of_its_name_and_revision() {
    let load = |source: CodeSource| source.load(&Arc::from("main")).complete();
    let one = load(CodeSource::new().rust("2", "b", "1", Nothing).sql("1", "a", "select 1")).unwrap();
    assert_eq!(names(&one), ["1 a", "2 b"]);
    let two = load(CodeSource::new().rust("2", "b", "2", Nothing)).unwrap();
    assert_ne!(one[1].checksum, two[0].checksum);
    let error = load(CodeSource::new().sql("x", "a", "").sql("1", "r", "-- whimbrel: repeatable\n").sql(
        "2",
        "d",
        "-- whimbrel: y",
    ));
    assert_eq!(error.unwrap_err().problems().len(), 3);
    assert_eq!(load(CodeSource::new().sql("1", "a", "").sql("0001", "b", "")).unwrap_err().problems().len(), 1);
}

#[test]
fn embedded_files_follow_the_same_rules() {
    static GOOD: [EmbeddedFile; 3] = [
        EmbeddedFile { path: "migrations/0002_two.sql", text: "select 2" },
        EmbeddedFile { path: "migrations/0001_one.sql", text: "\u{feff}select 1\r\n" },
        EmbeddedFile { path: "migrations/README.md", text: "" },
    ];
    static BAD: [EmbeddedFile; 2] = [
        EmbeddedFile { path: "migrations/two.sql", text: "select 2" },
        EmbeddedFile { path: "migrations/0001_one.txt", text: "" },
    ];
    let loaded = EmbeddedSource::new(&GOOD).load(&Arc::from("main")).complete().unwrap();
    assert_eq!(names(&loaded), ["0001 one", "0002 two"]);
    assert_eq!(loaded[0].checksum, crate::Checksum::of_text("select 1\n"));
    assert_eq!(loaded[0].file(), "migrations/0001_one.sql");
    assert_eq!(EmbeddedSource::new(&BAD).load(&Arc::from("main")).problems.len(), 2);

    static TWICE: [EmbeddedFile; 2] = [GOOD[0], GOOD[0]];
    let problems = EmbeddedSource::new(&TWICE).load(&Arc::from("main")).problems;
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].to_string().contains("migrations/0002_two.sql: stands twice among the files"),
        "{}",
        problems[0]
    );
}

#[test]
fn an_embedded_folder_of_another_tool_needs_a_build_that_reads_it() {
    static FILES: [EmbeddedFile; 1] = [EmbeddedFile { path: "m/1_one.sql", text: "select 1" }];
    let load = |format| EmbeddedSource::in_format("m", &FILES, format, Lexer::Postgres).load(&Arc::from("main"));
    let refused = load("flyway");
    assert!(refused.migrations.is_empty());
    assert!(refused.problems[0].to_string().contains("folders of flyway are not supported yet"));
    assert!(load("nothing").problems[0].to_string().contains("`nothing` is no layout"));
}

#[cfg(feature = "other-tools")]
#[test]
fn embedded_folders_of_other_tools_load_as_the_folders_do() {
    type Files = &'static [(&'static str, &'static str)];
    let drizzle: Files = &[
        ("0001_b.sql", "create table b (id integer);\r\n"),
        ("0000_a.sql", "create table a (id integer);"),
        ("9999_stray.sql", "select 1"),
        (
            "meta/_journal.json",
            r#"{"version":"7","dialect":"sqlite","entries":[
                {"idx":0,"version":"6","when":1700000000000,"tag":"0001_b","breakpoints":true},
                {"idx":1,"version":"6","when":1700000000001,"tag":"0000_a","breakpoints":true}]}"#,
        ),
    ];
    let folders: Files = &[
        ("20250102030405_b/migration.sql", "create table b (id integer)"),
        ("20250102030405_b/snapshot.json", "{}"),
        ("20250102030404_a/migration.sql", "COMMIT; create table a (id integer)"),
    ];
    let sqlx: Files = &[
        ("2_b.up.sql", "-- no-transaction\ncreate table b (id integer)"),
        ("2_b.down.sql", "drop table b"),
        ("1_a.up.sql", "create table a (id integer)"),
        ("notes.txt", "nothing"),
    ];
    for (format, tree) in [("drizzle", drizzle), ("drizzle", folders), ("sqlx", sqlx)] {
        let files: Vec<(&str, &[u8])> = tree.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        let folder = folder(&files);
        let root = folder.path().to_str().unwrap().to_owned();
        let source =
            DirectorySource::open(&root, Some(Format::readable(format).unwrap()), Some(Lexer::Sqlite)).unwrap();
        let on_disk = source.load(&Arc::from("main"));
        // What the macro puts into a program: no more than the migrations and what says which they are.
        let embedded = source.files().unwrap().into_iter().map(|file| {
            let text = tree.iter().find(|(path, _)| *path == file).unwrap().1;
            EmbeddedFile { path: format!("{root}/{file}").leak(), text }
        });
        let embedded: Vec<EmbeddedFile> = embedded.collect();
        assert!(
            embedded.iter().all(|file| !file.path.contains("stray") && !file.path.contains("notes")),
            "{embedded:?}"
        );
        let root: &'static str = root.leak();
        let in_program =
            EmbeddedSource::in_format(root, embedded.leak(), format, Lexer::Sqlite).load(&Arc::from("main"));

        assert_eq!(in_program.problems, [], "{format}");
        assert_eq!((in_program.migrations.len(), on_disk.migrations.len()), (2, 2), "{format}");
        for (program, disk) in in_program.migrations.iter().zip(&on_disk.migrations) {
            assert_eq!((&program.id, &program.name, &program.checksum), (&disk.id, &disk.name, &disk.checksum));
            assert_eq!((program.file(), program.directives()), (disk.file(), disk.directives()));
            assert_eq!(program.bytes().unwrap(), disk.bytes().unwrap());
            let mark = |migration: &Migration| migration.foreign().map(|it| (it.tool, it.mark.clone(), it.time_ms));
            assert_eq!(mark(program), mark(disk), "{format}");
            assert!(mark(program).is_some());
        }
    }
}

#[test]
fn seeds_are_read_and_refused_with_their_place() {
    let folder = folder(&[
        ("seed.sql", b"insert into t values (1)"),
        ("bad.sql", b"x\n\xff"),
        ("r.sql", b"-- whimbrel: repeatable\n"),
    ]);
    let load = |name: &str| Seed::file(folder.path().join(name)).load(&Arc::from("main"));
    assert_eq!(load("seed.sql").unwrap().id.to_string(), "seed seed");
    assert!(load("bad.sql").unwrap_err().to_string().contains("bad.sql:2:1: is not UTF-8: byte 0xff"));
    assert!(load("r.sql").unwrap().problems()[0].to_string().contains("a seed says `repeatable`"));
    assert!(load("gone.sql").unwrap_err().to_string().contains("cannot be read"));
}
