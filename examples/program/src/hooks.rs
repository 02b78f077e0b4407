//! Code of the program at the turns of a run.

use whimbrel::{Applied, BoxError, Hooks, Pending, Report, Sql, async_trait};

// ANCHOR: hooks
/// Refuses to begin with too much at once, and leaves a note after each migration.
#[derive(Debug)]
pub struct Careful {
    /// More than this many are refused.
    pub at_most: usize,
}

#[async_trait]
impl Hooks for Careful {
    async fn on_connect(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        sql.query("SELECT 1").await?;
        Ok(())
    }

    async fn before_run(&self, pending: &[Pending], _sql: &mut dyn Sql) -> Result<(), BoxError> {
        if pending.len() > self.at_most {
            return Err(format!("{} migrations at once: look at them first", pending.len()).into());
        }
        Ok(())
    }

    async fn after_migration(&self, applied: &Applied, sql: &mut dyn Sql) -> Result<(), BoxError> {
        // Outside of the migration's transaction: it is applied already.
        sql.execute("CREATE TABLE IF NOT EXISTS releases (note text NOT NULL)").await?;
        let note = applied.name.replace('\'', "''");
        sql.execute(&format!("INSERT INTO releases (note) VALUES ('{note}')")).await?;
        Ok(())
    }

    async fn after_run(&self, report: &Report, _sql: &mut dyn Sql) -> Result<(), BoxError> {
        println!("{} applied", report.applied.len());
        Ok(())
    }
}
// ANCHOR_END: hooks
