#![expect(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use std::path::Path;

use whimbrel::sqlite::SqliteBackend;
use whimbrel::{BoxError, CodeSource, Hooks, Migrator, Pending, Sql, async_trait};

use super::*;
use crate::render::json::{Migrate, Place};

fn three() -> CodeSource {
    (1..=3)
        .fold(CodeSource::new(), |source, n| source.sql(&n.to_string(), "m", format!("create table t{n} (n integer)")))
}

/// A newer release that applies everything before our second migration.
struct Overtaking(std::path::PathBuf);

#[async_trait]
impl Hooks for Overtaking {
    async fn before_migration(&self, pending: &Pending, _: &mut dyn Sql) -> Result<(), BoxError> {
        if pending.id.to_string() == "2" {
            let newer = three().sql("4", "m", "create table t4 (n integer)");
            Migrator::new(SqliteBackend::open(&self.0)).source(newer).migrate().await?;
        }
        Ok(())
    }
}

async fn overtaken(file: &Path) -> MigrateError {
    let migrator = Migrator::new(SqliteBackend::open(file)).source(three());
    migrator.hooks(Overtaking(file.to_owned())).migrate().await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_half_way_tells_what_was_applied() {
    let folder = tempfile::tempdir().unwrap();
    let error = overtaken(&folder.path().join("app.db")).await;
    let expected = "\
error: 4 was applied, and is newer than everything this program knows
  hint: run the release that knows it, or allow a newer database during a rolling deploy
1 of 3 applied";
    assert_eq!(of_run(&error, "app.db", Style::PLAIN), expected);
    let document = serde_json::to_value(Migrate::stopped(Place::default(), &error)).unwrap();
    assert_eq!((&document["applied"][0]["version"], &document["applied"][1]), (&"1".into(), &serde_json::Value::Null));
    assert_eq!((&document["failed"], &document["error"]["exit_code"]), (&serde_json::Value::Null, &1.into()));
}
