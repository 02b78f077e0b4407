//! The smallest program that migrates a SQLite database.

use whimbrel::sqlite::SqliteBackend;
use whimbrel::{MigrateError, Migrator, embed_migrations};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), MigrateError> {
    let backend = SqliteBackend::open("app.db");
    let report = Migrator::new(backend).source(embed_migrations!("migrations")).migrate().await?;
    println!("{} migrations applied", report.applied.len());
    Ok(())
}
