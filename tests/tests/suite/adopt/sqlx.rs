//! Histories of sqlx, written as it writes them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha384};
use whimbrel::{FindingKind, MigrateErrorKind};
use whimbrel_tests::database::TestDatabase;

use super::{has_history, kinds, migrator, recorded, verified};
use crate::on_both;

on_both! {
    a_history_goes_on
    files_with_other_line_ends_are_the_same
    what_the_configuration_of_sqlx_ignores_is_no_edit
    a_migration_that_failed_is_accepted_by_no_flag
    what_is_wrong_is_told_row_by_row
}

/// The folder: simple and reversible, one without a transaction.
const FILES: [(&str, &str); 5] = [
    ("1_users.sql", "CREATE TABLE users (id bigint PRIMARY KEY);\n"),
    ("0002_boards.up.sql", "CREATE TABLE boards (id bigint PRIMARY KEY, title text);\n"),
    ("0002_boards.down.sql", "DROP TABLE boards;\n"),
    ("20240102030405_first board.sql", "INSERT INTO boards VALUES (1, 'first');\n"),
    ("20240102030406_titles.sql", "-- no-transaction\nCREATE INDEX titles ON boards (title);\n"),
];

/// A migration that sqlx has applied: version, description, file.
const APPLIED: [(i64, &str, usize); 4] =
    [(1, "users", 0), (2, "boards", 1), (20_240_102_030_405, "first board", 3), (20_240_102_030_406, "titles", 4)];

fn write(folder: &Path) {
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).expect("a file is written");
    }
}

fn sha384(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha384::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string");
        text
    })
}

/// The table, and the first rows and what they did.
async fn applied(database: &TestDatabase, count: usize) -> PathBuf {
    let folder = database.folder("m");
    write(&folder);
    let create = match database.server() {
        Some(_) => {
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations ( version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, \
             execution_time BIGINT NOT NULL )"
        }
        None => {
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations ( version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
             execution_time BIGINT NOT NULL )"
        }
    };
    database.transact(&[create]).await.expect("the table is made");
    for (n, (version, description, file)) in APPLIED.iter().take(count).enumerate() {
        let text = FILES[*file].1;
        let checksum = hex_literal(database, &sha384(text.as_bytes()));
        let (installed_on, success) = match database.server() {
            Some(_) => (format!("2024-05-0{} 10:00:00.25+02", n + 1), "TRUE"),
            None => (format!("2024-05-0{} 08:00:00", n + 1), "1"),
        };
        let row = format!(
            "INSERT INTO _sqlx_migrations VALUES ({version}, '{description}', '{installed_on}', {success}, {checksum}, 12345678)"
        );
        let statement = text.trim_start_matches("-- no-transaction\n");
        database.transact(&[statement, &row]).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    }
    folder
}

fn hex_literal(database: &TestDatabase, hex: &str) -> String {
    if database.server().is_some() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
}

async fn a_history_goes_on(database: TestDatabase) {
    let folder = applied(&database, 3).await;
    let migrator = migrator(&database, "sqlx", &folder);
    let error = migrator.migrate().await.expect_err("it would be applied twice").to_string();
    assert!(error.contains("_sqlx_migrations") && error.contains("whimbrel adopt"), "{error}");
    let adoption = migrator.adopt(&[]).await.expect("it is adopted");
    assert_eq!((verified(&adoption), adoption.recorded, adoption.in_the_way().count()), (3, 3, 0));
    let at = if database.server().is_some() { "2024-05-01T08:00:00.250Z" } else { "2024-05-01T08:00:00Z" };
    assert_eq!(recorded(&database).await[0], ("adopted:sqlx".to_owned(), Some(at.to_owned()), Some(12)));
    assert_eq!(migrator.migrate().await.expect("it goes on").applied.len(), 1);
    assert_eq!(database.column("SELECT count(*) FROM boards").await, ["1"], "nothing ran twice, no down part ran");
    assert_eq!(database.column("SELECT count(*) FROM _sqlx_migrations").await, ["3"], "the other table stays as it is");
    assert!(migrator.status().await.expect("a status").up_to_date);
}

async fn files_with_other_line_ends_are_the_same(database: TestDatabase) {
    let folder = applied(&database, 4).await;
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text.replace('\n', "\r\n")).expect("a file is written");
    }
    // What a checkout with CRLF applied is a checkout with LF's too.
    let boards = hex_literal(&database, &sha384(FILES[1].1.replace('\n', "\r\n").as_bytes()));
    let update = format!("UPDATE _sqlx_migrations SET checksum = {boards} WHERE version = 2");
    database.transact(&[&update]).await.expect("it is changed");
    assert_eq!(verified(&migrator(&database, "sqlx", &folder).plan_adoption(&[]).await.expect("a plan")), 4);
    write(&folder);
    let adoption = migrator(&database, "sqlx", &folder).adopt(&[]).await.expect("it is adopted");
    assert_eq!((verified(&adoption), adoption.recorded), (4, 4));
}

async fn what_the_configuration_of_sqlx_ignores_is_no_edit(database: TestDatabase) {
    let folder = applied(&database, 4).await;
    // One row of before the setting, one since: without white space.
    let left: String = FILES[1].1.split_whitespace().collect();
    let boards = hex_literal(&database, &sha384(left.as_bytes()));
    let update = format!("UPDATE _sqlx_migrations SET checksum = {boards} WHERE version = 2");
    database.transact(&[&update]).await.expect("it is changed");
    std::fs::write(folder.join(FILES[1].0), FILES[1].1.replace(", ", ",\n    ")).expect("it is formatted");
    let edited = migrator(&database, "sqlx", &folder).plan_adoption(&[]).await.expect("a plan");
    assert_eq!(kinds(&edited), ["edited"], "nothing says that white space counts for nothing");
    let configuration = folder.join("../sqlx.toml");
    let ignored = "[migrate]\nignored-chars = [\" \", '\t', \"\\r\", \"\\n\", \"\\uFEFF\"] # white space\n";
    std::fs::write(&configuration, ignored).expect("a file is written");
    let adoption = migrator(&database, "sqlx", &folder).adopt(&[]).await.expect("it is adopted");
    assert_eq!((verified(&adoption), adoption.recorded), (4, 4));
    for wrong in ["[migrate", "[migrate]\nignored-chars = \"ab\"", "[migrate]\nignored-chars = [\"ab\"]"] {
        std::fs::write(&configuration, wrong).expect("a file is written");
        let error = migrator(&database, "sqlx", &folder).status().await.expect_err("sqlx does not read it either");
        assert!(error.to_string().contains("sqlx.toml"), "{wrong}: {error}");
    }
}

async fn a_migration_that_failed_is_accepted_by_no_flag(database: TestDatabase) {
    let folder = applied(&database, 4).await;
    let set = |word: &str| format!("UPDATE _sqlx_migrations SET success = {word} WHERE version = 20240102030406");
    let (no, yes) = if database.server().is_some() { ("FALSE", "TRUE") } else { ("0", "1") };
    database.transact(&[&set(no)]).await.expect("it is dirty");
    let migrator = migrator(&database, "sqlx", &folder);
    let every = FindingKind::ACCEPTABLE;
    for accept in [&[][..], &every] {
        let adoption = migrator.adopt(accept).await.expect("it is judged");
        assert_eq!(kinds(&adoption), ["dirty"]);
        let finding = adoption.in_the_way().next().expect("one");
        let all = format!("{finding} {}", finding.hint);
        for word in
            ["row with version 20240102030406", "20240102030406_titles.sql", "DELETE FROM", "SET success = true"]
        {
            assert!(all.contains(word), "{word}: {all}");
        }
    }
    assert!(!has_history(&database).await);
    database.transact(&[&set(yes)]).await.expect("a person looked");
    assert_eq!(migrator.adopt(&[]).await.expect("it is adopted").recorded, 4);
}

async fn what_is_wrong_is_told_row_by_row(database: TestDatabase) {
    let folder = applied(&database, 4).await;
    let other = migrator(&database, "sqlx", &folder);
    std::fs::write(folder.join(FILES[0].0), "CREATE TABLE users (id integer);\n").expect("it is edited");
    std::fs::remove_file(folder.join(FILES[3].0)).expect("it is removed");
    database.transact(&["DELETE FROM _sqlx_migrations WHERE version = 2"]).await.expect("it is truncated");
    let adoption = other.adopt(&[]).await.expect("it is judged");
    assert_eq!(kinds(&adoption), ["edited", "skipped", "missing-file"]);
    let told: Vec<String> = adoption.in_the_way().map(ToString::to_string).collect();
    let words = ["1_users.sql", "row with version 1 (", "0002_boards.up.sql", "row with version 20240102030405 ("];
    let all = told.join("\n");
    assert!(words.iter().all(|word| all.contains(word)), "{all}");
    assert!(!has_history(&database).await);
    write(&folder);
    let boards = hex_literal(&database, &sha384(FILES[1].1.as_bytes()));
    let late = format!("INSERT INTO _sqlx_migrations VALUES (2, 'boards', '2025-01-01 00:00:00', TRUE, {boards}, 1)");
    database.transact(&[&late]).await.expect("a late one");
    assert_eq!(kinds(&other.adopt(&[]).await.expect("it is judged")), ["out-of-order"]);
    assert_eq!(other.adopt(&[FindingKind::OutOfOrder]).await.expect("it is adopted").recorded, 4);
}

#[test]
fn the_lock_of_sqlx_is_waited_for_and_held() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let folder = applied(&database, 4).await;
        let server = database.server().expect("it is Postgres");
        // As sqlx computes it, from the database's name.
        let crc = server.name().bytes().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        });
        let key = 0x3d32_ad9e_i64 * i64::from(!crc);
        let runner = server.connect().await;
        runner.execute(&format!("SELECT pg_advisory_lock({key})"), &[]).await.expect("sqlx runs");
        let migrator = migrator(&database, "sqlx", &folder).lock_wait(Duration::from_millis(400));
        let error = migrator.adopt(&[]).await.expect_err("it does not wait for ever");
        assert_eq!(error.kind(), MigrateErrorKind::LockWait, "{error}");
        assert!(error.to_string().contains("a run of sqlx"), "{error}");
        assert!(!has_history(&database).await);
        assert_eq!(migrator.plan_adoption(&[]).await.expect("a dry run takes no lock").recorded, 4);
        let waiting = migrator.clone().lock_wait(Duration::from_secs(30));
        let adopting = tokio::spawn(async move { waiting.adopt(&[]).await.map(|adoption| adoption.recorded) });
        tokio::time::sleep(Duration::from_millis(300)).await;
        runner.execute(&format!("SELECT pg_advisory_unlock({key})"), &[]).await.expect("it is done");
        assert_eq!(adopting.await.expect("it ends").expect("it is adopted"), 4);
        let held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                    WHERE l.locktype = 'advisory' AND d.datname = current_database()";
        assert_eq!(database.column(held).await, ["0"], "no lock is left");
    });
}
