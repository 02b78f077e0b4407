//! What is refused: all of it at once, nothing that is applied, and with what was applied before it.

use std::fs;
use std::sync::Arc;

use whimbrel_core::{
    CodeSource, DirectorySource, HistoryRow, Hooks, Loaded, MigrateError, MigrateErrorKind, Migration,
    MigrationBackend, Migrator, Notice, Observer, Op, OpOutcome, Pending, Problem, RowState, Seed, Source, Sql,
    async_trait,
};

use crate::fake::Fake;
use crate::schedule::block_on;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn migrator(fake: &Fake, folder: &tempfile::TempDir) -> Migrator {
    Migrator::new(fake.clone()).source(DirectorySource::new(folder.path()))
}

/// File and message of each problem, without the folder.
fn told(problems: &[Problem], folder: &tempfile::TempDir) -> Vec<String> {
    let prefix = format!("{}/", folder.path().display());
    problems.iter().map(|problem| format!("{}: {}", problem.file.replace(&prefix, ""), problem.message)).collect()
}

fn load_problems(error: &MigrateError, folder: &tempfile::TempDir) -> Vec<String> {
    let MigrateError::Load { error, .. } = error else { panic!("{error}") };
    told(error.problems(), folder)
}

#[test]
fn what_is_wrong_with_names_headers_and_texts_is_one_list() {
    let fake = Fake::new();
    let folder = folder(&[
        ("0001_good.sql", "a one"),
        ("0002_control.sql", "b one;\ncommit;\nb two"),
        ("0003_header.sql", "-- whimbrel: no-transactions\nvacuum; 'open"),
        ("0004-bad.sql", "c one"),
        ("0005_both.sql", "-- whimbrel: lock-timeout 5\n-- whimbrel: foreign-keys off\nd one"),
        ("notes.txt", ""),
    ]);
    let seed = Seed::text("seed", "begin; s one");
    let with_seed = || migrator(&fake, &folder).seed(seed.clone());
    let expected = [
        "0002_control.sql: transaction control in a transactional migration",
        "0003_header.sql: unknown directive `no-transactions`",
        "0003_header.sql: string is never closed",
        "0004-bad.sql: has a bad name: after the version comes `_`",
        "0005_both.sql: `5` is no duration: write 0, 500ms, 5s, 2min or 1h, at most 24 days",
        "notes.txt: is not understood: only .sql files are migrations",
        "seed.sql: transaction control in a transactional migration",
    ];
    let error = block_on(&fake, with_seed().migrate()).unwrap_err();
    assert_eq!(load_problems(&error, &folder), expected);
    assert_eq!((fake.has_history(), fake.take_log().len(), error.report().planned), (false, 0, 0));
    let planned = block_on(&fake, with_seed().plan()).unwrap_err();
    assert_eq!(load_problems(&planned, &folder), expected, "a plan is refused for the same");
    let unseen = block_on(&fake, with_seed().check()).unwrap_err();
    assert_eq!(load_problems(&unseen, &folder), expected, "and so are the files without a database");
}

#[test]
fn what_is_applied_as_it_is_is_held_against_nobody() {
    let fake = Fake::new();
    let applied = [
        ("0001_control.sql", "a one;\ncommit"),
        ("0002_header.sql", "-- whimbrel: of-another-release\nb one"),
        ("views.sql", "-- whimbrel: repeatable\n-- whimbrel: of-another-release\nv one"),
    ];
    let folder = folder(&applied);
    record(&fake, &folder);
    assert!(block_on(&fake, migrator(&fake, &folder).migrate()).unwrap().applied.is_empty());
    assert!(block_on(&fake, migrator(&fake, &folder).status()).unwrap().up_to_date);
    // Something new beside them is refused for itself alone.
    fs::write(folder.path().join("0003_new.sql"), "rollback").unwrap();
    let error = block_on(&fake, migrator(&fake, &folder).migrate()).unwrap_err();
    assert_eq!(load_problems(&error, &folder), ["0003_new.sql: transaction control in a transactional migration"]);
    fs::remove_file(folder.path().join("0003_new.sql")).unwrap();
    // Once it is edited, it is pending again, or no longer what was applied.
    fs::write(folder.path().join("views.sql"), "-- whimbrel: repeatable\n-- whimbrel: of-another-release\nv two")
        .unwrap();
    let error = block_on(&fake, migrator(&fake, &folder).migrate()).unwrap_err();
    assert_eq!(load_problems(&error, &folder), ["views.sql: unknown directive `of-another-release`"]);
    assert!(matches!(block_on(&fake, migrator(&fake, &folder).status()), Err(MigrateError::Load { .. })));
}

struct Deaf;

impl Observer for Deaf {
    fn done(&mut self, _: usize, _: OpOutcome) {}
    fn notice(&mut self, _: Notice) {}
}

/// Records every file of a folder as applied, as a release with other rules may have done.
fn record(fake: &Fake, folder: &tempfile::TempDir) {
    let row = |migration: &Migration| HistoryRow {
        id: migration.id.clone(),
        name: migration.name.clone(),
        checksum: migration.checksum.clone(),
        token_checksum: migration.token_checksum(fake.dialect()).ok(),
        state: RowState::Applied,
        statements_done: 1,
        statements_total: 1,
        prefix_checksum: None,
        fence: 1,
        lease_left: None,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        origin: "applied".into(),
        tool_version: "another".into(),
        run_by: "someone".into(),
        error: None,
    };
    let loaded = DirectorySource::new(folder.path()).load(&Arc::from("main"));
    let rows: Vec<HistoryRow> = loaded.migrations.iter().map(row).collect();
    block_on(fake, async {
        let mut session = fake.connect().await.unwrap();
        session.run(&[Op::CreateHistory, Op::Record(&rows)], &mut Deaf).await.unwrap();
    });
}

#[test]
fn the_history_and_the_files_are_in_the_way_together() {
    let fake = Fake::new();
    let folder = folder(&[("0001_a.sql", "a one"), ("0003_c.sql", "c one")]);
    block_on(&fake, migrator(&fake, &folder).migrate()).unwrap();
    fs::write(folder.path().join("0001_a.sql"), "-- whimbrel: accept-checksum abc\na two").unwrap();
    fs::write(folder.path().join("0002_b.sql"), "commit").unwrap();
    fs::write(folder.path().join("0004_d.sql"), "'open").unwrap();
    let error = block_on(&fake, migrator(&fake, &folder).migrate()).unwrap_err();
    let MigrateError::Plan { error: refused, .. } = &error else { panic!("{error}") };
    assert_eq!(refused.refusals().len(), 2, "edited, and out of order: {refused}");
    assert_eq!(
        told(refused.problems(), &folder),
        [
            "0001_a.sql: directive `accept-checksum abc` is not understood",
            "0002_b.sql: transaction control in a transactional migration",
            "0004_d.sql: string is never closed",
        ]
    );
    let text = error.to_string();
    assert!(text.contains("was edited after it was applied") && text.contains("0004_d.sql:1:1: "), "{text}");
    assert_eq!(error.kind(), MigrateErrorKind::Refused);
    // A file that is not understood may be the one that seems to be missing.
    fs::rename(folder.path().join("0003_c.sql"), folder.path().join("0003-c.sql")).unwrap();
    let error = block_on(&fake, migrator(&fake, &folder).migrate()).unwrap_err();
    assert!(
        load_problems(&error, &folder).contains(&"0003-c.sql: has a bad name: after the version comes `_`".to_owned())
    );
}

#[test]
fn a_run_with_a_target_is_refused_for_what_it_would_reach() {
    let fake = Fake::new();
    let folder = folder(&[("0001_a.sql", "a one"), ("0002_b.sql", "-- whimbrel: nonsense\ncommit")]);
    let to = |version: &str| migrator(&fake, &folder).to(version.parse().unwrap());
    assert_eq!(block_on(&fake, to("1").migrate()).unwrap().applied.len(), 1);
    assert_eq!(load_problems(&block_on(&fake, to("2").migrate()).unwrap_err(), &folder).len(), 1);
}

/// Does something before a migration, once.
struct Before<F>(&'static str, F);

#[async_trait]
impl<F: Fn() -> Migrator + Send + Sync> Hooks for Before<F> {
    async fn before_migration(&self, pending: &Pending, _: &mut dyn Sql) -> Result<(), whimbrel_core::BoxError> {
        if pending.id.to_string() == self.0 {
            (self.1)().migrate().await?;
        }
        Ok(())
    }
}

fn three() -> CodeSource {
    CodeSource::new().sql("1", "a", "a one").sql("2", "b", "b one").sql("3", "c", "c one")
}

/// A newer release of the program applies its migrations between two of ours.
#[test]
fn a_plan_that_is_refused_half_way_tells_what_was_applied() {
    let fake = Fake::without_lock();
    let other = fake.clone();
    let newer = move || Migrator::new(other.clone()).source(three().sql("4", "d", "d one"));
    let run = Migrator::new(fake.clone()).source(three()).hooks(Before("2", newer));
    let error = block_on(&fake, run.migrate()).unwrap_err();
    assert!(matches!(error, MigrateError::Plan { .. }), "{error}");
    let applied: Vec<String> = error.report().applied.iter().map(|applied| applied.id.to_string()).collect();
    assert_eq!((applied, error.report().planned), (vec!["1".to_owned()], 3));
    assert!(error.to_string().ends_with("\n1 of 3 applied"), "{error}");
}

/// Another release has applied another text under the same version, and our file is gone by the time it is compared.
#[test]
fn files_that_are_refused_half_way_tell_what_was_applied() {
    let fake = Fake::without_lock();
    // So long that it is not kept in memory until it runs.
    let long = format!("-- {}\nc one", "long ".repeat(1 << 20));
    let folder = folder(&[("1_a.sql", "a one"), ("2_b.sql", "b one"), ("3_c.sql", &long)]);
    let (other, file) = (fake.clone(), folder.path().join("3_c.sql"));
    let edited = move || {
        fs::remove_file(&file).unwrap();
        let source = CodeSource::new().sql("1", "a", "a one").sql("2", "b", "b one").sql("3", "c", "another");
        Migrator::new(other.clone()).source(source)
    };
    let error = block_on(&fake, migrator(&fake, &folder).hooks(Before("2", edited)).migrate()).unwrap_err();
    assert!(load_problems(&error, &folder)[0].starts_with("3_c.sql: cannot be read again"), "{error}");
    assert_eq!((error.report().applied.len(), error.report().planned), (1, 3));
    assert!(error.to_string().ends_with("\n1 of 3 applied"), "{error}");
}

/// A folder whose files are gone as soon as they are loaded.
#[derive(Debug)]
struct Vanishing(std::path::PathBuf);

impl Source for Vanishing {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let loaded = DirectorySource::new(&self.0).load(namespace);
        for entry in fs::read_dir(&self.0).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        loaded
    }
}

#[test]
fn no_text_is_read_again_where_nothing_is_pending() {
    let fake = Fake::new();
    let two = [("0001_a.sql", "-- whimbrel: lock-timeout 5s\na one"), ("0002_b.sql", "b one")];
    block_on(&fake, migrator(&fake, &folder(&two)).migrate()).unwrap();
    let gone = |folder: &tempfile::TempDir| Migrator::new(fake.clone()).source(Vanishing(folder.path().to_owned()));
    let unchanged = folder(&two);
    assert!(block_on(&fake, gone(&unchanged).migrate()).unwrap().applied.is_empty());
    let more = folder(&[two[0], two[1], ("0003_c.sql", "c one")]);
    let error = block_on(&fake, gone(&more).migrate()).unwrap_err();
    assert!(load_problems(&error, &more)[0].starts_with("0003_c.sql: cannot be read again"), "{error}");
}
