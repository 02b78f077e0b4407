//! The smallest program that migrates a Postgres database.

use whimbrel::postgres::PostgresBackend;
use whimbrel::{BoxError, Migrator, embed_migrations};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let backend = PostgresBackend::from_url(&std::env::var("DATABASE_URL")?)?;
    let report = Migrator::new(backend).source(embed_migrations!("migrations")).migrate().await?;
    println!("{} migrations applied", report.applied.len());
    Ok(())
}
