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

use crate::adopt::is_too_old;
use crate::corpora::fixtures;

/// A folder of Drizzle.
struct Case {
    /// In the fixtures.
    path: &'static str,
    /// The migration that its newest snapshot is of.
    mark: &'static str,
    /// What the snapshot says and no database is: with the reason.
    corrected: &'static [(&'static str, &'static str)],
}

/// `ALTER TABLE … ADD` of Drizzle 0.x leaves `ON DELETE` and `ON UPDATE` out of what it refers to.
const WITHOUT_ACTION: &str = "ADD COLUMN of 0.x writes the reference without its actions";
const KEEPS_NAME: &str =
    "a renamed table keeps the name of its primary key, which the snapshot makes up from the new one";
const FORGOTTEN: &str = "`drizzle-kit up` takes NOT NULL from the keys that 0.x has written with it";
const SORTED: &str =
    "older releases wrote the columns of a key in the order of the alphabet, and recorded them as they stood";
const COVERED: &str = "a unique constraint beside the primary key on the same column is none of its own in Postgres";

const ON_SQLITE: &[Case] = &[
    Case {
        path: "drizzle/drizzle",
        mark: "0019_magenta_cyclops",
        corrected: &[(
            "table sessions, the reference of archived_by: it is ON DELETE NO ACTION ON UPDATE NO ACTION",
            WITHOUT_ACTION,
        )],
    },
    Case {
        path: "drizzle/v1/drizzle",
        mark: "20261122160429_magenta_cyclops",
        corrected: &[
            ("table app_settings, column key: it is NOT NULL", FORGOTTEN),
            ("table board_objects, column object_id: it is NOT NULL", FORGOTTEN),
            ("table boards, column board_id: it is NOT NULL", FORGOTTEN),
            ("table mcp_servers, column mcp_server_id: it is NOT NULL", FORGOTTEN),
            ("table messages, column message_id: it is NOT NULL", FORGOTTEN),
            ("table repos, column repo_id: it is NOT NULL", FORGOTTEN),
            ("table sessions, column session_id: it is NOT NULL", FORGOTTEN),
            (
                "table sessions, the reference of archived_by: it is ON DELETE NO ACTION ON UPDATE NO ACTION",
                WITHOUT_ACTION,
            ),
            ("table tasks, column task_id: it is NOT NULL", FORGOTTEN),
            ("table user_profiles, column user_id: it is NOT NULL", FORGOTTEN),
            ("table users, column user_id: it is NOT NULL", FORGOTTEN),
            ("table worktrees, column worktree_id: it is NOT NULL", FORGOTTEN),
        ],
    },
    Case {
        path: "corpora/homarr-sqlite",
        mark: "0041_add_right_click_preference",
        corrected: &[
            ("table \"boardUserPermission\": its primary key is (board_id, permission, user_id)", SORTED),
            (
                "table \"integrationGroupPermissions\": its primary key is (group_id, integration_id, permission)",
                SORTED,
            ),
            ("table \"integrationUserPermission\": its primary key is (integration_id, permission, user_id)", SORTED),
            (
                "table integration, the reference of app_id: it is ON DELETE NO ACTION ON UPDATE NO ACTION",
                WITHOUT_ACTION,
            ),
            ("table integration_item: its primary key is (integration_id, item_id)", SORTED),
        ],
    },
];

const ON_POSTGRES: &[Case] = &[
    Case {
        path: "drizzle/drizzle-pg",
        mark: "0021_easy_bulldozer",
        corrected: &[("table app_settings: its primary key is called settings_pkey", KEEPS_NAME)],
    },
    Case {
        path: "drizzle/v1/drizzle-pg",
        mark: "20261122160547_easy_bulldozer",
        corrected: &[("table app_settings: its primary key is called settings_pkey", KEEPS_NAME)],
    },
    Case {
        path: "corpora/homarr-postgres",
        mark: "0009_add_right_click_preference",
        corrected: &[
            (
                "table \"serverSetting\", unique constraint serverSetting_settingKey_unique: the primary key stands for it",
                COVERED,
            ),
            ("table \"serverSetting\": its primary key is called serverSetting_settingKey_unique", COVERED),
        ],
    },
    Case {
        path: "corpora/zero-postgres",
        mark: "0025_nervous_paper_doll",
        corrected: &[("table mail0_connection: its primary key is called mail0_google_connection_pkey", KEEPS_NAME)],
    },
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

/// Reads the newest snapshot, applies the folder, and finds no difference.
async fn is_what_the_folder_gives(folder: &Path, database: &TestDatabase) -> Recorded {
    let engine = dialect(database.dialect()).expect("this build has both");
    let recorded = snapshot(folder, database.dialect());
    let migrator = database.migrator();
    let source = DirectorySource::with_layout(folder, DrizzleLayout::new(engine.dialect().lexer));
    let migrator = migrator.source(source);
    migrator.migrate().await.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
    let live = read_database(migrator.backend(), engine, &ignored).await.expect("it can be read");
    assert_eq!(live.uncompared, Vec::<String>::new(), "{}", folder.display());
    let compared = compare_live(&recorded.schema, &live.schema, &engine.rules());
    let differences: Vec<String> = compared.differences.iter().map(ToString::to_string).collect();
    let tables = live.schema.tables.len();
    println!("{}: {tables} tables, {} corrections", folder.display(), recorded.corrected.len());
    assert_eq!((differences, tables), (Vec::new(), recorded.schema.tables.len()), "{}", folder.display());
    recorded
}

async fn is_as_in(case: &Case, database: TestDatabase) {
    if is_too_old(&database) {
        return;
    }
    let Some(folder) = folder(case, &database) else { return };
    let recorded = is_what_the_folder_gives(&folder, &database).await;
    assert!(recorded.schema.tables.len() > 10, "{}: the folder makes tables", case.path);
    assert_eq!((recorded.mark.as_str(), recorded.since), (case.mark, Vec::new()), "{}", case.path);
    let expected: Vec<&str> = case.corrected.iter().map(|(text, _)| *text).collect();
    assert_eq!((recorded.corrected, recorded.unread), (owned(&expected), Vec::new()), "{}", case.path);
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A folder that stands beside this file, written by hand as Drizzle writes what the others do not have.
fn beside(name: &str) -> PathBuf {
    crate::root().join("tests/tests/suite/schema/drizzle").join(name)
}

#[test]
fn everything_that_a_postgres_snapshot_can_say_is_read() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        if is_too_old(&database) {
            return;
        }
        let recorded = is_what_the_folder_gives(&beside("postgres-0"), &database).await;
        let natives: Vec<&str> = recorded.schema.natives.iter().map(|it| &*it.kind).collect();
        assert_eq!(natives, ["schema", "policy", "policy"]);
        assert_eq!((recorded.schema.views.len(), recorded.schema.sequences.len()), (2, 5));
        assert_eq!(recorded.corrected, Vec::<String>::new());
        let unread = ["role admin_of_rows: roles are the server's", "view there: Drizzle reads it and did not make it"];
        assert_eq!(recorded.unread, unread);
    });
}

#[test]
fn branches_that_were_never_joined_are_read_together() {
    crate::block_on(async {
        let recorded = is_what_the_folder_gives(&beside("sqlite-1"), &TestDatabase::sqlite()).await;
        assert_eq!(recorded.mark, "20261122160700_right");
        assert_eq!(recorded.since, ["20261122160800_by_hand"]);
        assert_eq!(recorded.unread, ["view there: Drizzle reads it and did not make it"]);
        assert_eq!(recorded.corrected, Vec::<String>::new());
        if whimbrel_tests::postgres::requested() {
            let recorded = is_what_the_folder_gives(&beside("postgres-1"), &TestDatabase::postgres().await).await;
            assert_eq!((&*recorded.mark, recorded.since.len()), ("20261122160800_filled", 0));
            assert_eq!(recorded.unread, ["role admin_of_rows: roles are the server's"]);
            assert_eq!(recorded.corrected, Vec::<String>::new());
        }
    });
}

#[test]
fn sqlite_folders_become_what_their_newest_snapshot_says() {
    crate::block_on(async {
        for case in ON_SQLITE {
            is_as_in(case, TestDatabase::sqlite()).await;
        }
    });
}

#[test]
fn postgres_folders_become_what_their_newest_snapshot_says() {
    crate::needs_postgres!();
    crate::block_on(async {
        for case in ON_POSTGRES {
            is_as_in(case, TestDatabase::postgres().await).await;
        }
    });
}
