//! A database that another tool has migrated so far: it is not migrated a second time.

use super::Migrator;
use super::adopt::{Wish, origin_of, other_not_read, reader_of};
use super::apply::Run;
use super::look::not_read;
use crate::adopt::{Adoption, Finding, FindingKind, ForeignFile, ForeignHistory, ForeignTable, Verdict, reader};
use crate::backend::Session;
use crate::error::{BackendError, BackendErrorKind};
use crate::execute::{self, Beside};
use crate::history::{HistoryDetail, HistoryRow, MigrationId, RowState};
use crate::migration::Migration;
use crate::plan::{DatabaseAhead, Note, Plan, PlanError, Refusal};
use crate::problem::LoadError;
use crate::report::MigrateError;
use crate::split::{Lexeme, LexemeKind, Lexer, tokens};

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
        Err(MigrateError::plan(PlanError::of(Refusal::OtherHistory { message, hint })))
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
        let tables = self.other_tables(session, reader).await?;
        let lexer = self.backend.dialect().lexer;
        let mut sql = self.sql(session);
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
}

/// The other tool's table, into which each migration is recorded too.
#[derive(Debug)]
pub(super) struct Shared {
    reader: &'static dyn ForeignHistory,
    table: ForeignTable,
    lexer: Lexer,
}

impl Beside for Shared {
    fn insert(&self, migration: &Migration) -> Result<Option<String>, LoadError> {
        let file = ForeignFile::of(migration, self.reader, false)?;
        Ok(file.map(|file| self.table.insert(&self.reader.row_of(self.lexer, &self.table, &file))))
    }
}

impl Migrator {
    /// Whether a run goes on with another tool's history by itself.
    fn goes_on(&self) -> bool {
        self.shares_history || self.untracked.as_ref().is_some_and(|policy| policy.adopts())
    }

    /// The reader of the history that a run goes on with by itself, where there is one to go on with.
    fn reader_at_start(
        &self,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Option<&'static dyn ForeignHistory> {
        let begins = self.goes_on() && unrecorded(migrations, history).is_some();
        let tool = migrations.iter().find_map(Migration::foreign).map(|foreign| foreign.tool);
        tool.filter(|_| begins || self.shares_history).and_then(reader)
    }

    /// Where the other history is.
    async fn other_tables(
        &self,
        session: &mut dyn Session,
        reader: &dyn ForeignHistory,
    ) -> Result<Vec<ForeignTable>, MigrateError> {
        let lexer = self.backend.dialect().lexer;
        reader.find(&mut self.sql(session), lexer, &self.other_history).await.map_err(other_not_read)
    }

    /// The rows that a run would record of what the other tool applied; `None`: it goes on with no such history. Writes nothing.
    pub(super) async fn foresee_other_history(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
    ) -> Result<Option<Vec<HistoryRow>>, MigrateError> {
        let Some(reader) = self.reader_at_start(migrations, history) else { return Ok(None) };
        if self.other_tables(session, reader).await?.is_empty() {
            return Ok(None);
        }
        let accept = self.accepted_at_start();
        let decided = self.decide_adoption(session, reader, migrations, history, &accept).await?;
        match refusals_of(&decided.adoption) {
            Some(refusals) => Err(MigrateError::plan(refusals)),
            None => Ok(Some(decided.rows)),
        }
    }

    /// What is no reason to stop where a run goes on by itself.
    fn accepted_at_start(&self) -> Vec<FindingKind> {
        let mut accept = Vec::new();
        if self.shares_history {
            // What is pending is ours to apply, in our order, and a folder for each may come late.
            accept.extend([FindingKind::Skipped, FindingKind::OutOfOrder]);
        }
        // What a newer program of the other kind has applied is as if a newer one of this kind had.
        if self.policy.database_ahead == DatabaseAhead::Allow {
            accept.push(FindingKind::MissingFile);
        }
        accept
    }
}

/// How often another tool that begins at the same moment is met again.
const MEETINGS: usize = 5;

impl Run<'_> {
    /// The history with what the other tool has applied, where this run goes on with that; else a database which that tool has
    /// migrated is refused.
    pub(super) async fn with_other_history(
        &mut self,
        mut history: Option<Vec<HistoryRow>>,
    ) -> Result<Option<Vec<HistoryRow>>, MigrateError> {
        let m = self.migrator;
        for meeting in 1.. {
            history = self.take_over(history).await?;
            match m.refuse_other_history(&mut *self.session, &self.files.migrations, history.as_deref()).await {
                // It made its table in between.
                Err(_) if m.goes_on() && meeting < MEETINGS => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        Ok(history)
    }

    /// Whether the other tool's table is there now, where this run goes on with it.
    pub(super) async fn has_other_history(&mut self) -> Result<bool, MigrateError> {
        let m = self.migrator;
        let Some(reader) = m.reader_at_start(&self.files.migrations, None) else { return Ok(false) };
        Ok(!m.other_tables(&mut *self.session, reader).await?.is_empty())
    }

    /// Writes the rows that the other tool's table lacks of what ours tells as applied: sharing begins, or its table was made anew.
    async fn fill(&mut self, missing: &[MigrationId]) -> Result<(), MigrateError> {
        self.lock(None).await?;
        self.share().await?;
        let mut statements = Vec::new();
        let own = self.files.migrations.iter().filter(|it| missing.contains(&it.id));
        for migration in own {
            let insert = self.beside.as_deref().map(|beside| beside.insert(migration)).transpose();
            statements.extend(insert.map_err(MigrateError::load)?.flatten());
        }
        let role = self.settings.role.as_deref();
        let filled = execute::make_beside(&mut *self.session, role, &statements, &self.migrator.listeners).await;
        filled.map_err(|error| MigrateError::backend("record in the other tool's history", error))
    }

    /// Takes over what the other tool has applied, where this run goes on with its history. Gives the history as it is then.
    pub(super) async fn take_over(
        &mut self,
        history: Option<Vec<HistoryRow>>,
    ) -> Result<Option<Vec<HistoryRow>>, MigrateError> {
        let m = self.migrator;
        let reader = m.reader_at_start(&self.files.migrations, history.as_deref());
        let Some(reader) = reader.filter(|_| self.files.problems.is_empty()) else { return Ok(history) };
        if m.other_tables(&mut *self.session, reader).await?.is_empty() {
            let applied = |it: &&Migration| it.foreign().is_some() && is_applied(&history, &it.id);
            let own: Vec<MigrationId> = self.files.migrations.iter().filter(applied).map(|it| it.id.clone()).collect();
            if m.shares_history && !own.is_empty() {
                self.fill(&own).await?;
            }
            return Ok(history);
        }
        let accept = m.accepted_at_start();
        let wish = Wish { accept: &accept, write: true };
        let adoption = m.adopt_on(&mut *self.session, &self.files.migrations, history.as_deref(), wish).await?;
        if let Some(refusals) = refusals_of(&adoption) {
            return Err(MigrateError::plan(refusals));
        }
        let lacking = |it: &&crate::adopt::Match| it.verdict == Verdict::Recorded && it.row.is_none();
        let lacking: Vec<MigrationId> = adoption
            .matches
            .iter()
            .filter(lacking)
            .filter_map(|it| it.id.clone())
            .filter(|id| is_applied(&history, id))
            .collect();
        if m.shares_history && !lacking.is_empty() {
            self.fill(&lacking).await?;
        }
        if adoption.recorded == 0 && history.is_some() {
            return Ok(history);
        }
        let origin = origin_of(adoption.tool);
        for it in adoption.matches.iter().filter(|it| it.verdict.is_to_record()) {
            if let (Some(id), Some(name)) = (&it.id, &it.name) {
                self.recorded(id, name, &origin);
            }
        }
        self.session.history(HistoryDetail::Check).await.map_err(not_read)
    }

    /// Makes sure of the other tool's table, where what is applied is recorded there too.
    pub(super) async fn share(&mut self) -> Result<(), MigrateError> {
        let m = self.migrator;
        if !m.shares_history || self.beside.is_some() {
            return Ok(());
        }
        let reader = reader_of(&self.files.migrations)?;
        let lexer = m.backend.dialect().lexer;
        if !reader.can_be_shared() {
            let message = format!("the history of {} cannot be shared", reader.called());
            let error = BackendError::new(BackendErrorKind::Unsupported, message)
                .with_hint("adopt it once with `whimbrel adopt`, and apply migrations with one tool from then on");
            return Err(MigrateError::backend("share the other tool's history", error));
        }
        let (mut statements, made) = reader.creates(lexer, &m.other_history, self.by_folders());
        let tables = m.other_tables(&mut *self.session, reader).await?;
        let table = match tables.into_iter().next() {
            Some(table) => {
                statements.clear();
                table
            }
            None => made,
        };
        statements.push(table.keep_apart(reader.once()));
        if let Some(error) = self.make_beside(&statements).await? {
            let hint = format!(
                "{table} must hold each migration once, and belong to the role of this run: `whimbrel adopt --dry-run` tells rows \
                 that stand twice"
            );
            return Err(MigrateError::backend("prepare the other tool's history", error.with_hint(hint)));
        }
        self.beside = Some(Box::new(Shared { reader, table, lexer }));
        Ok(())
    }

    /// Whether the migrations are of a tool that keeps a folder for each.
    fn by_folders(&self) -> bool {
        self.files.migrations.iter().any(|it| it.file().ends_with("migration.sql"))
    }

    /// Makes the other tool's table, empty, where a text that is pending speaks of it and it is not there: that tool has made it
    /// before it runs anything, and so its author met it.
    pub(super) async fn make_spoken_of(&mut self, plan: &Plan) -> Result<(), MigrateError> {
        let m = self.migrator;
        let lexer = m.backend.dialect().lexer;
        let planned = plan.steps.iter().map(|step| &self.files.migrations[step.migration]);
        let Some(reader) = planned.clone().find_map(|it| reader(it.foreign()?.tool)) else { return Ok(()) };
        let names = m.other_history.names(reader.tables());
        let speaks = |migration: &Migration| {
            migration.foreign().is_some() && migration.text().is_ok_and(|text| names_a_table(lexer, &text, &names))
        };
        if self.beside.is_some() || !planned.clone().any(speaks) {
            return Ok(());
        }
        if !m.other_tables(&mut *self.session, reader).await?.is_empty() {
            return Ok(());
        }
        let (statements, table) = reader.creates(lexer, &m.other_history, self.by_folders());
        tracing::info!(%table, "made empty, because a migration speaks of it");
        match self.make_beside(&statements).await? {
            None => Ok(()),
            Some(error) => Err(MigrateError::backend("make the other tool's history, which a text uses", error)),
        }
    }

    /// Makes the other tool's table, waiting for whoever is in the way; gives why it cannot be made.
    async fn make_beside(&mut self, statements: &[String]) -> Result<Option<BackendError>, MigrateError> {
        loop {
            let role = self.settings.role.as_deref();
            match execute::make_beside(&mut *self.session, role, statements, &self.migrator.listeners).await {
                Ok(()) => return Ok(None),
                Err(error) if matches!(error.kind(), BackendErrorKind::Busy | BackendErrorKind::Conflict) => {
                    self.pause(None).await?;
                }
                Err(error) => return Ok(Some(error)),
            }
        }
    }

    /// Whether the other tool has applied this migration meanwhile: what failed here failed for that.
    pub(super) async fn was_taken(&mut self, id: &MigrationId) -> bool {
        let m = self.migrator;
        if self.beside.is_none() {
            return false;
        }
        let Ok(reader) = reader_of(&self.files.migrations) else { return false };
        let Ok(history) = self.session.history(HistoryDetail::Check).await else { return false };
        let decided =
            m.decide_adoption(&mut *self.session, reader, &self.files.migrations, history.as_deref(), &[]).await;
        decided.is_ok_and(|decided| decided.rows.iter().any(|row| row.id == *id))
    }
}

/// Whether a text names one of these tables outside of comments and strings.
fn names_a_table(lexer: Lexer, text: &str, names: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    // Most texts name none, and need not be taken apart.
    if !names.iter().any(|name| lower.contains(&name.to_ascii_lowercase())) {
        return false;
    }
    let is_name = |lexeme: &Lexeme<'_>| match lexeme.kind {
        LexemeKind::Word => names.iter().any(|name| lexeme.text.eq_ignore_ascii_case(name)),
        LexemeKind::Quoted => {
            let inner = lexeme.text.get(1..lexeme.text.len() - 1);
            inner.is_some_and(|inner| names.iter().any(|name| inner.eq_ignore_ascii_case(name)))
        }
        _ => false,
    };
    tokens(lexer, text).is_ok_and(|lexemes| lexemes.iter().any(is_name))
}

fn is_applied(history: &Option<Vec<HistoryRow>>, id: &MigrationId) -> bool {
    history.iter().flatten().any(|row| row.id == *id && row.state == RowState::Applied)
}

/// What is in the way of an adoption, as reasons not to run.
fn refusals_of(adoption: &Adoption) -> Option<PlanError> {
    let refusal =
        |finding: &Finding| Refusal::OtherHistory { message: finding.message.clone(), hint: finding.hint.clone() };
    PlanError::of_all(adoption.in_the_way().map(refusal).collect())
}

/// The tool for which migrations were written of whose namespace nothing is in the history.
fn unrecorded(migrations: &[Migration], history: Option<&[HistoryRow]>) -> Option<&'static str> {
    let is_recorded =
        |namespace: &str| history.is_some_and(|rows| rows.iter().any(|row| *row.id.namespace == *namespace));
    let mut foreign = migrations.iter().filter_map(|it| Some((&it.id.namespace, it.foreign()?.tool)));
    foreign.find(|(namespace, _)| !is_recorded(namespace)).map(|(_, tool)| tool)
}
