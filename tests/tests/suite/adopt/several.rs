//! Several processes at once, and rights that are not there.

use std::process::{Command, Stdio};

use whimbrel_tests::database::TestDatabase;

use super::{MIDDLE, drizzle_fixtures, migrator, recorded};
use crate::on_both;

on_both! {
    eight_at_once_record_each_row_once
}

async fn eight_at_once_record_each_row_once(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"));
        command
            .args(["adopt", "--json", "--url", database.url(), "--dir"])
            .arg(&folder)
            .current_dir(database.folder("."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process starts")
    };
    let processes: Vec<_> = (0..8).map(|_| start()).collect();
    let mut adopted = Vec::new();
    for process in processes {
        let output = process.wait_with_output().expect("a process ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {told}", output.status);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
        adopted.push(document["adopted"].as_u64().expect("a number"));
    }
    adopted.sort_unstable();
    assert_eq!(adopted, [0, 0, 0, 0, 0, 0, 0, 10], "one of them recorded all");
    assert_eq!(recorded(&database).await.len(), 10);
    migrator(&database, "drizzle", &folder).migrate().await.expect("it goes on");
}

#[test]
fn a_dry_run_and_a_run_with_nothing_new_need_no_right_to_write() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let Some(fixtures) = drizzle_fixtures(&database) else { return };
        let folder = MIDDLE.load(&database, &fixtures).await;
        let server = database.server().expect("it is Postgres");
        let role = server.server().role("").await;
        let grants = format!(
            "GRANT USAGE ON SCHEMA drizzle TO {0}; GRANT SELECT ON ALL TABLES IN SCHEMA drizzle TO {0}",
            role.name
        );
        server.connect().await.batch_execute(&grants).await.expect("it may read");
        let url = server.url_as(&role);
        let reading = || {
            let backend = whimbrel::Database::from_url(&url).expect("a URL").backend;
            let layout = whimbrel::DrizzleLayout::new(backend.dialect().lexer);
            whimbrel::Migrator::shared(backend).source(whimbrel::DirectorySource::with_layout(&folder, layout))
        };
        assert_eq!(reading().plan_adoption(&[]).await.expect("a plan").recorded, 10);
        assert!(reading().adopt(&[]).await.is_err(), "to record it may not");
        migrator(&database, "drizzle", &folder).adopt(&[]).await.expect("it is adopted");
        let grant = format!("GRANT SELECT ON whimbrel_history TO {}", role.name);
        server.connect().await.batch_execute(&grant).await.expect("it may read that too");
        assert_eq!(reading().adopt(&[]).await.expect("nothing is new").recorded, 0);
    });
}
