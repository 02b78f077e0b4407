//! A database that another tool has migrated so far: it is not migrated a second time.

use std::sync::Arc;

use super::Migrator;
use super::adopt::other_not_read;
use crate::adopt::reader;
use crate::backend::Session;
use crate::history::HistoryRow;
use crate::migration::Migration;
use crate::plan::{PlanError, Refusal};
use crate::report::MigrateError;

impl Migrator {
    /// Refuses where migrations that were written for another tool would run in a database which that tool has migrated,
    /// and none of them is in Whimbrel's history.
    ///
    /// Asks the database only where that could be.
    pub(super) async fn refuse_other_history(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Result<(), MigrateError> {
        let Some((namespace, tool)) = unrecorded(migrations, history) else { return Ok(()) };
        let Some(reader) = reader(tool) else { return Ok(()) };
        let lexer = self.backend.dialect().lexer;
        let mut sql = self.sql(session);
        let tables = reader.find(&mut sql, lexer, &self.other_history).await.map_err(other_not_read)?;
        let mut used = Vec::new();
        for table in tables {
            // Whoever adopted an empty one has a history, and nothing in it.
            let is_empty =
                history.is_some() && reader.rows(&mut sql, lexer, &table).await.map_err(other_not_read)?.is_empty();
            used.extend((!is_empty).then(|| table.to_string()));
        }
        if used.is_empty() {
            return Ok(());
        }
        let pending = migrations.iter().filter(|it| it.foreign().is_some() && it.id.namespace == namespace).count();
        let message = format!(
            "the database has a history of {}, {}, and none of Whimbrel's: {pending} migrations would be applied a second time",
            reader.called(),
            used.join(" and ")
        );
        let hint =
            "go on with that history: `whimbrel adopt --dry-run` shows how, and `whimbrel adopt` does it".to_owned();
        Err(MigrateError::plan(PlanError::of(Refusal::OtherHistory { message, hint })))
    }
}

/// A namespace whose migrations were written for another tool, with none of them in the history; and the tool.
fn unrecorded(migrations: &[Migration], history: Option<&[HistoryRow]>) -> Option<(Arc<str>, &'static str)> {
    let is_recorded =
        |namespace: &str| history.is_some_and(|rows| rows.iter().any(|row| *row.id.namespace == *namespace));
    let mut foreign = migrations.iter().filter_map(|it| Some((&it.id.namespace, it.foreign()?.tool)));
    foreign.find(|(namespace, _)| !is_recorded(namespace)).map(|(namespace, tool)| (Arc::clone(namespace), tool))
}
