//! What Drizzle's snapshots record is what a replay of their folders gives.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whimbrel::history::{DEFAULT_HISTORY_TABLE, DEFAULT_NAMESPACE};
use whimbrel::schema::drizzle::{Recorded, recorded};
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::{compare_live, dialect, read_database};
use whimbrel::{DirectorySource, DrizzleLayout, Source};
use whimbrel_tests::database::TestDatabase;

use crate::corpora::fixtures;

/// A folder of Drizzle, and in what a database differs from its newest snapshot.
struct Case {
    /// In the fixtures.
    path: &'static str,
    /// The migration that the snapshot is of.
    mark: &'static str,
    /// How the snapshots of SQLite and Postgres say it, and why the database is otherwise.
    differences: &'static [(&'static str, &'static str)],
    unread: &'static [&'static str],
}

/// `ALTER TABLE … ADD` of Drizzle 0.x leaves `ON DELETE` and `ON UPDATE` out of what it refers to.
const WITHOUT_ACTION: &str = "ADD COLUMN of 0.x writes the reference without its actions";
/// A table's primary key keeps the name that it got with the table's first name.
const KEEPS_NAME: &str = "a renamed table keeps the name of its primary key, which the snapshot makes up from the new one";

const ON_SQLITE: &[Case] = &[
    Case {
        path: "drizzle/drizzle",
        mark: "0019_magenta_cyclops",
        differences: &[("table sessions", WITHOUT_ACTION)],
        unread: &[],
    },
    Case {
        path: "drizzle/v1/drizzle",
        mark: "20261122160429_magenta_cyclops",
        differences: &[("table sessions", WITHOUT_ACTION)],
        unread: &[],
    },
    Case {
        path: "corpora/homarr-sqlite",
        mark: "0041_add_right_click_preference",
        differences: &[("table integration", WITHOUT_ACTION)],
        unread: &[],
    },
];

const ON_POSTGRES: &[Case] = &[
    Case {
        path: "drizzle/drizzle-pg",
        mark: "0021_easy_bulldozer",
        differences: &[("table app_settings", KEEPS_NAME)],
        unread: &[],
    },
    Case {
        path: "drizzle/v1/drizzle-pg",
        mark: "20261122160547_easy_bulldozer",
        differences: &[("table app_settings", KEEPS_NAME)],
        unread: &[],
    },
    Case {
        path: "corpora/homarr-postgres",
        mark: "0009_add_right_click_preference",
        differences: &[],
        unread: &[],
    },
    Case { path: "corpora/zero-postgres", mark: "0025_nervous_paper_doll", differences: &[], unread: &[] },
];

/// A folder of a case. Of the corpora only the newest snapshot is kept, beside the folder.
fn folder(case: &Case, database: &TestDatabase) -> Option<PathBuf> {
    let path = fixtures().join(case.path);
    if !path.exists() {
        println!("DID NOT RUN: {} is not there (set WHIMBREL_FIXTURES)", path.display());
        return None;
    }
    let snapshot = path.join("last_snapshot.json");
    if !snapshot.exists() {
        return Some(path);
    }
    let folder = database.folder("migrations");
    fs::create_dir_all(folder.join("meta")).expect("a folder is made");
    let copy = |from: &Path, to: &Path| fs::copy(from, to).expect("a file is copied");
    for entry in fs::read_dir(path.join("migrations")).expect("a folder").flatten().filter(|it| it.path().is_file()) {
        copy(&entry.path(), &folder.join(entry.file_name()));
    }
    copy(&path.join("migrations/meta/_journal.json"), &folder.join("meta/_journal.json"));
    let number = case.mark.split('_').next().expect("a number");
    copy(&snapshot, &folder.join(format!("meta/{number}_snapshot.json")));
    Some(folder)
}

/// What the newest snapshot says, read without a database.
fn snapshot(folder: &Path, of: &str) -> Recorded {
    let engine = dialect(of).expect("this build has both");
    let source = DirectorySource::with_layout(folder, DrizzleLayout::new(engine.dialect().lexer));
    let migrations = source.load(&Arc::from(DEFAULT_NAMESPACE)).complete().expect("the folder is read");
    let read = recorded(folder, &migrations, engine).unwrap_or_else(|problems| panic!("{problems:#?}"));
    read.expect("there is a snapshot")
}

async fn is_what_the_folder_gives(case: &Case, database: TestDatabase) {
    let Some(folder) = folder(case, &database) else { return };
    let engine = dialect(database.dialect()).expect("this build has both");
    let recorded = snapshot(&folder, database.dialect());
    let migrator = database.migrator();
    let source = DirectorySource::with_layout(&folder, DrizzleLayout::new(engine.dialect().lexer));
    let migrator = migrator.source(source);
    migrator.migrate().await.unwrap_or_else(|error| panic!("{}: {error}", case.path));
    let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
    let live = read_database(migrator.backend(), engine, &ignored).await.expect("it can be read");
    assert_eq!(live.uncompared, Vec::<String>::new(), "{}", case.path);
    assert!(live.schema.tables.len() > 10, "{}: the folder makes tables", case.path);
    let compared = compare_live(&recorded.schema, &live.schema, &engine.rules());
    let differences: Vec<String> = compared.differences.iter().map(ToString::to_string).collect();
    println!("{}: {} tables, {differences:#?}", case.path, live.schema.tables.len());
    let expected: Vec<&str> = case.differences.iter().map(|(difference, _)| *difference).collect();
    assert_eq!(differences, expected, "{}", case.path);
    assert_eq!((recorded.mark.as_str(), recorded.since), (case.mark, Vec::new()), "{}", case.path);
    assert_eq!(recorded.unread, case.unread, "{}", case.path);
}

#[test]
fn sqlite_folders_become_what_their_newest_snapshot_says() {
    crate::block_on(async {
        for case in ON_SQLITE {
            is_what_the_folder_gives(case, TestDatabase::sqlite()).await;
        }
    });
}

#[test]
fn postgres_folders_become_what_their_newest_snapshot_says() {
    crate::needs_postgres!();
    crate::block_on(async {
        for case in ON_POSTGRES {
            is_what_the_folder_gives(case, TestDatabase::postgres().await).await;
        }
    });
}
