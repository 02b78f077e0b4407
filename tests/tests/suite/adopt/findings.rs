//! Histories that something is wrong with: nothing is recorded, and the message names row, file and remedy.

use std::path::Path;

use whimbrel::{Adoption, FindingKind, MigrateErrorKind, Verdict};
use whimbrel_tests::database::TestDatabase;

use super::{MIDDLE, drizzle_fixtures, has_history, kinds, migrator};
use crate::on_both;

on_both! {
    an_edited_file
    a_row_without_a_file
    a_listed_file_that_is_gone
    rows_in_another_order
    a_row_that_was_removed
    all_rows_removed
    the_rows_of_a_race
    a_row_without_a_time
    a_row_that_was_written_by_hand
}

struct History {
    database: TestDatabase,
    folder: std::path::PathBuf,
    table: &'static str,
    /// The condition that finds the row of a number.
    key: &'static str,
}

async fn middle(database: TestDatabase) -> Option<History> {
    let fixtures = drizzle_fixtures(&database)?;
    let folder = MIDDLE.load_with_copy(&database, &fixtures).await;
    let (table, key) = match database.server() {
        Some(_) => ("drizzle.__drizzle_migrations", "id"),
        None => ("__drizzle_migrations", "rowid"),
    };
    Some(History { database, folder, table, key })
}

impl History {
    async fn run(&self, sql: &str) {
        let sql = sql.replace("@table", self.table).replace("@key", self.key);
        self.database.transact(&[&sql]).await.unwrap_or_else(|halted| panic!("{sql}: {}", halted.error));
    }

    async fn adopt(&self, accept: &[FindingKind]) -> Adoption {
        migrator(&self.database, "drizzle", &self.folder).adopt(accept).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// It is refused for these, with nothing recorded, and the first finding says all this; accepted, so many are recorded.
    async fn refused(&self, findings: &[&str], told: &[&str], accepted: Option<usize>) {
        let adoption = self.adopt(&[]).await;
        assert_eq!(kinds(&adoption), findings);
        assert!(!has_history(&self.database).await, "nothing is recorded");
        let finding = adoption.in_the_way().next().expect("a finding");
        let all = format!("{finding} {}", finding.hint);
        for word in told {
            let word = word.replace("@table", self.table).replace("@key", self.key);
            assert!(all.contains(&word), "{word}: {all}");
        }
        let Some(count) = accepted else { return };
        let accept: Vec<FindingKind> = findings.iter().map(|it| it.parse().expect("it can be accepted")).collect();
        assert_eq!(self.adopt(&accept).await.recorded, count);
        assert!(!self.adopt(&accept).await.is_refused(), "the same again");
    }

    /// The file of a number, without the folder.
    fn file(&self, number: usize) -> String {
        let prefix = format!("{number:04}_");
        let names =
            std::fs::read_dir(&self.folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names = names.map(|name| name.into_string().expect("UTF-8"));
        names.find(|name| name.starts_with(&prefix)).expect("the file is there")
    }

    fn change_journal(&self, change: impl Fn(&mut Vec<serde_json::Value>)) {
        let file = self.folder.join("meta/_journal.json");
        let mut journal: serde_json::Value = read_json(&file);
        change(journal["entries"].as_array_mut().expect("entries"));
        std::fs::write(file, journal.to_string()).expect("it is written");
    }
}

fn read_json(file: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON")
}

async fn an_edited_file(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    let name = history.file(4);
    let file = history.folder.join(&name);
    let text = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, format!("{text}\n-- more")).expect("it is written");
    let told = [&*name, "row with @key 5 (hash ", "of @table", "was edited", "--accept edited"];
    history.refused(&["edited"], &told, Some(10)).await;
    let status = migrator(&history.database, "drizzle", &history.folder).status().await.expect("a status");
    assert_eq!((status.applied(), status.pending()), (10, status.migrations.len() - 10), "the file as it is counts");
}

async fn a_row_without_a_file(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    std::fs::remove_file(history.folder.join(history.file(6))).expect("it is removed");
    history.change_journal(|entries| drop(entries.remove(6)));
    let told =
        ["row with @key 7 (hash ", "of @table", "no file of the folder", "version control", "--accept missing-file"];
    history.refused(&["missing-file"], &told, Some(9)).await;
    let status = migrator(&history.database, "drizzle", &history.folder).status().await.expect("a status");
    assert!(status.migrations.iter().all(|it| it.state.as_str() != "missing"), "it is in nobody's way");
}

async fn a_listed_file_that_is_gone(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    let name = history.file(6);
    std::fs::remove_file(history.folder.join(&name)).expect("it is removed");
    let error = migrator(&history.database, "drizzle", &history.folder).adopt(&[]).await.expect_err("it is refused");
    assert_eq!(error.kind(), MigrateErrorKind::Refused);
    assert!(error.to_string().contains(&name) && error.to_string().contains("version control"), "{error}");
    assert!(!has_history(&history.database).await);
}

async fn rows_in_another_order(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    history.change_journal(|entries| entries.swap(3, 4));
    let (later, earlier) = (history.file(3), history.file(4));
    // The journal has them the other way round now.
    let told = ["row with @key 5 (hash ", &*earlier, &*later, "comes later", "--accept out-of-order"];
    history.refused(&["out-of-order"], &told, Some(10)).await;
}

async fn a_row_that_was_removed(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    history.run("DELETE FROM @table WHERE @key IN (4, 5)").await;
    let name = history.file(3);
    let told = [&*name, "not after", "--accept skipped", "--allow-out-of-order"];
    history.refused(&["skipped", "skipped"], &told, Some(8)).await;
    let status = migrator(&history.database, "drizzle", &history.folder).status().await.expect("a status");
    let late: Vec<&str> = status.migrations[3..5].iter().map(|it| it.state.as_str()).collect();
    assert_eq!(late, ["out_of_order"; 2], "what was not applied is never recorded as applied");
}

async fn all_rows_removed(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    history.run("DELETE FROM @table").await;
    history.refused(&["empty"], &["@table has no rows", "has tables: ", "--accept empty"], Some(0)).await;
    assert!(has_history(&history.database).await, "from now on it is Whimbrel's");
}

async fn the_rows_of_a_race(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    history.run("INSERT INTO @table (hash, created_at) SELECT hash, created_at FROM @table WHERE @key = 10").await;
    let name = history.file(9);
    let told = [
        "row with @key 11 (hash ",
        &*name,
        "more than once",
        "DELETE FROM @table WHERE @key = 11",
        "--accept duplicate",
    ];
    history.refused(&["duplicate"], &told, Some(10)).await;
}

async fn a_row_without_a_time(database: TestDatabase) {
    let Some(history) = middle(database).await else { return };
    history.run("UPDATE @table SET created_at = NULL WHERE @key = 2").await;
    let told = ["row with @key 2 (hash ", "no created_at", "UPDATE @table SET created_at = 17953", "WHERE @key = 2"];
    history.refused(&["no-time"], &told, Some(10)).await;
}

/// As an application's own script writes it, in a table with types of its own.
async fn a_row_that_was_written_by_hand(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let is_postgres = database.server().is_some();
    let folder = super::BASELINE.load_with_copy(&database, &fixtures).await;
    let (table, key) = match is_postgres {
        true => ("drizzle.__drizzle_migrations", "id"),
        false => ("__drizzle_migrations", "rowid"),
    };
    let history = History { database, folder, table, key };
    let tag = history.file(0).replace(".sql", "");
    history.run("DROP TABLE @table").await;
    let types = match is_postgres {
        true => {
            "CREATE TABLE @table (id bigserial PRIMARY KEY, hash varchar(255), created_at timestamptz DEFAULT now())"
        }
        false => "CREATE TABLE @table (id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL, created_at DATETIME)",
    };
    history.database.transact(&[&types.replace("@table", table)]).await.expect("a table");
    let insert = format!("INSERT INTO {table} (hash, created_at) VALUES ('{tag}', '2030-01-02 03:04:05')");
    history.database.transact(&[&insert]).await.expect("a row");
    let adoption = history.adopt(&[]).await;
    assert_eq!(kinds(&adoption), [""; 0]);
    assert_eq!(adoption.matches[0].verdict, Verdict::ByHand);
    assert!(adoption.matches[0].note.as_ref().expect("it is said").contains("written by hand"));
    assert_eq!(super::recorded(&history.database).await[0].1.as_deref(), Some("2030-01-02T03:04:05Z"));
    migrator(&history.database, "drizzle", &history.folder).migrate().await.expect("it goes on");
}
