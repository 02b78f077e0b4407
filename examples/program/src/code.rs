//! A migration written in Rust, beside those in files.

use whimbrel::{BoxError, CodeSource, Migrator, RustMigration, Sql, async_trait, embed_migrations};

// ANCHOR: rust
/// Fills a column from another in a way that SQL alone does not know.
struct Initials;

#[async_trait]
impl RustMigration for Initials {
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.execute("ALTER TABLE people ADD COLUMN initials text").await?;
        for row in sql.query("SELECT id, name FROM people").await? {
            let (Some(id), Some(name)) = (&row[0], &row[1]) else { continue };
            let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).collect();
            let initials = initials.replace('\'', "''");
            sql.execute(&format!("UPDATE people SET initials = '{initials}' WHERE id = {id}")).await?;
        }
        Ok(())
    }
}

/// Files and code are ordered together, by version.
#[must_use]
pub fn with_code(migrator: Migrator) -> Migrator {
    migrator.source(embed_migrations!("migrations")).source(CodeSource::new().rust("0001", "initials", "1", Initials))
}
// ANCHOR_END: rust
