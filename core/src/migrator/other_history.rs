//! A database that another tool has migrated so far: it is not migrated a second time.

use super::Migrator;
use super::adopt::{Wish, other_not_read};
use crate::adopt::{Adoption, reader};
use crate::backend::Session;
use crate::history::HistoryRow;
use crate::migration::Migration;
use crate::plan::{Note, PlanError, Refusal};
use crate::report::MigrateError;

impl Migrator {
    /// Refuses where migrations that were written for another tool would run in a database which that tool has migrated,
    /// and none of them is in Whimbrel's history.
    pub(super) async fn refuse_other_history(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Result<(), MigrateError> {
        let Some(told) = self.other_history_of(session, migrations, history).await? else { return Ok(()) };
        let message = format!("{told}: what it tells as applied would be applied a second time");
        let hint =
            "go on with that history: `whimbrel adopt --dry-run` shows how, and `whimbrel adopt` does it".to_owned();
        Err(MigrateError::plan(PlanError::of(vec![Refusal::OtherHistory { message, hint }])))
    }

    /// What a person who asks where things stand should know of that.
    pub(super) async fn note_other_history(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Result<Option<Note>, MigrateError> {
        let told = self.other_history_of(session, migrations, history).await?;
        Ok(told.map(|told| Note::OtherHistory(format!("{told}: `whimbrel adopt` goes on with it").into())))
    }

    /// Another tool's history that is not gone on with yet, in words. Asks the database only where there may be one.
    async fn other_history_of(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Result<Option<String>, MigrateError> {
        let Some(reader) = unrecorded(migrations, history).and_then(reader) else { return Ok(None) };
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
        let told = || {
            let tables = used.join(" and ");
            format!("the database has a history of {}, {tables}, and none of Whimbrel's", reader.called())
        };
        Ok((!used.is_empty()).then(told))
    }

    /// Goes on with another tool's history when a program starts: silently where every row is verified; else what is in the way
    /// is the error. `None`: there is no such history.
    ///
    /// May be called by several processes at once, and again.
    #[expect(dead_code, reason = "what is done with a database that has no history is decided elsewhere")]
    pub(super) async fn adopt_at_start(&self, migrations: &[Migration]) -> Result<Option<Adoption>, MigrateError> {
        let Some(reader) = migrations.iter().find_map(Migration::foreign).and_then(|foreign| reader(foreign.tool))
        else {
            return Ok(None);
        };
        let mut session = self.connect().await?;
        let lexer = self.backend.dialect().lexer;
        let tables = reader.find(&mut self.sql(&mut *session), lexer, &self.other_history).await;
        let _ = session.close().await;
        if tables.map_err(other_not_read)?.is_empty() {
            return Ok(None);
        }
        let adoption = self.adopt_history(Wish { accept: &[], write: true }).await?;
        let refusals: Vec<Refusal> = adoption
            .in_the_way()
            .map(|finding| Refusal::OtherHistory { message: finding.message.clone(), hint: finding.hint.clone() })
            .collect();
        if refusals.is_empty() { Ok(Some(adoption)) } else { Err(MigrateError::plan(PlanError::of(refusals))) }
    }
}

/// The tool for which migrations were written of whose namespace nothing is in the history.
fn unrecorded(migrations: &[Migration], history: Option<&[HistoryRow]>) -> Option<&'static str> {
    let is_recorded =
        |namespace: &str| history.is_some_and(|rows| rows.iter().any(|row| *row.id.namespace == *namespace));
    let mut foreign = migrations.iter().filter_map(|it| Some((&it.id.namespace, it.foreign()?.tool)));
    foreign.find(|(namespace, _)| !is_recorded(namespace)).map(|(_, tool)| tool)
}
