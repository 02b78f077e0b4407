//! A database that another tool has migrated so far: it is not migrated a second time.

use std::collections::HashMap;

use super::Migrator;
use super::adopt::{Wish, origin_of, other_not_read, reader_of};
use super::apply::Run;
use super::look::not_read;
use crate::adopt::{
    Adoption, Finding, FindingKind, ForeignFile, ForeignHistory, ForeignTable, Verdict, reader, tables_named,
};
use crate::backend::Session;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::{Event, Listeners};
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

    /// Whatever has a name of the other tool's table.
    async fn tables_of_its_names(
        &self,
        session: &mut dyn Session,
        reader: &dyn ForeignHistory,
    ) -> Result<Vec<ForeignTable>, MigrateError> {
        let (lexer, place) = (self.backend.dialect().lexer, &self.other_history);
        let names = place.names(reader.tables());
        tables_named(&mut self.sql(session), lexer, &names, place.schema.as_deref()).await.map_err(other_not_read)
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
        let wish = Wish { accept: &accept, write: false, remember: false };
        let decided = self.decide_adoption(session, reader, migrations, history, wish).await?;
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

/// What the other tool's table is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Rows are written into it, each once.
    Shared,
    /// A text speaks of it: whatever has its name will do.
    Named,
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
            history = match self.take_over(history.clone()).await {
                // What looked wrong may have been the work of another runner, who has made the history by now.
                Err(MigrateError::Plan { .. })
                    if history.is_none() && meeting < MEETINGS && self.is_tracked().await? =>
                {
                    history = self.session.history(HistoryDetail::Check).await.map_err(not_read)?;
                    continue;
                }
                taken => taken?,
            };
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
        let wish = Wish { accept: &accept, write: true, remember: false };
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
        // Another run of ours may have recorded them in between.
        let is_known = |id: &MigrationId| history.iter().flatten().any(|row| row.id == *id);
        let mut recorded = adoption.matches.iter().filter(|it| it.verdict == Verdict::Recorded);
        let is_up_to_date = recorded.all(|it| it.id.as_ref().is_none_or(is_known));
        if adoption.recorded == 0 && history.is_some() && is_up_to_date {
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
        self.refuse_equal_rows(reader)?;
        let table = match self.ensure_table(reader, Need::Shared).await? {
            Ok(table) => table,
            Err((table, error)) => {
                let hint = format!(
                    "{table} must hold each migration once, and belong to the role of this run: `whimbrel adopt --dry-run` tells \
                     rows that stand twice"
                );
                return Err(MigrateError::backend("prepare the other tool's history", error.with_hint(hint)));
            }
        };
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
        match self.ensure_table(reader, Need::Named).await? {
            Ok(_) => Ok(()),
            Err((_, error)) => Err(MigrateError::backend("make the other tool's history, which a text uses", error)),
        }
    }

    /// Finds the other tool's table, or makes it and tells so; waits for whoever is in the way, and looks again where the other
    /// tool makes it at the same moment. Gives why it cannot be made.
    async fn ensure_table(
        &mut self,
        reader: &dyn ForeignHistory,
        need: Need,
    ) -> Result<Result<ForeignTable, (ForeignTable, BackendError)>, MigrateError> {
        let (m, mut meetings) = (self.migrator, 0);
        let lexer = m.backend.dialect().lexer;
        loop {
            let found = match need {
                Need::Shared => m.other_tables(&mut *self.session, reader).await?,
                Need::Named => m.tables_of_its_names(&mut *self.session, reader).await?,
            };
            let is_new = found.is_empty();
            let (mut statements, made) = reader.creates(lexer, &m.other_history, self.by_folders());
            let table = found.into_iter().next().unwrap_or(made);
            if !is_new {
                statements.clear();
            }
            statements.extend((need == Need::Shared).then(|| table.keep_apart(reader.once())));
            let role = self.settings.role.as_deref();
            // What the statements are about that are there already concerns nobody.
            let nobody = Listeners::default();
            let Err(error) = execute::make_beside(&mut *self.session, role, &statements, &nobody).await else {
                if is_new {
                    self.made(reader, &table);
                }
                return Ok(Ok(table));
            };
            match error.kind() {
                BackendErrorKind::Busy | BackendErrorKind::Conflict => self.pause(None).await?,
                BackendErrorKind::Statement if is_new && meetings < MEETINGS => meetings += 1,
                _ => return Ok(Err((table, error))),
            }
        }
    }

    fn made(&mut self, reader: &dyn ForeignHistory, table: &ForeignTable) {
        let table = table.to_string();
        self.migrator.listeners.tell(&Event::OtherHistoryMade { tool: reader.called(), table: &table });
        self.report.other_history_made = Some(table);
    }

    /// Refuses two migrations whose rows would be the same: the table could not tell one from the other.
    fn refuse_equal_rows(&self, reader: &dyn ForeignHistory) -> Result<(), MigrateError> {
        let mut seen: HashMap<_, &Migration> = HashMap::new();
        for migration in &self.files.migrations {
            let Some(foreign) = migration.foreign() else { continue };
            let Some(first) = seen.insert((foreign.time_ms, migration.checksum.to_string()), migration) else {
                continue;
            };
            let [before, now] = [first, migration].map(|it| it.bytes().map_err(MigrateError::load));
            if reader.hashes(&before?, foreign) == reader.hashes(&now?, foreign) {
                let message = format!(
                    "{} and {} have the same text and the same time: their rows in the history of {} would be the same",
                    first.file(),
                    migration.file(),
                    reader.called()
                );
                let error = BackendError::new(BackendErrorKind::Config, message).with_hint(
                    "give the later one, where no database has it yet, a time of its own or a comment in its text; else adopt the \
                     history once with `whimbrel adopt`, and apply migrations with one tool from then on",
                );
                return Err(MigrateError::backend("share the other tool's history", error));
            }
        }
        Ok(())
    }

    /// Whether the other tool has applied this migration meanwhile: what failed here failed for that.
    pub(super) async fn was_taken(&mut self, id: &MigrationId) -> bool {
        let m = self.migrator;
        if self.beside.is_none() {
            return false;
        }
        let Ok(reader) = reader_of(&self.files.migrations) else { return false };
        let history = match self.session.history(HistoryDetail::Check).await {
            Ok(history) => history,
            Err(error) => return error.kind() == BackendErrorKind::Busy,
        };
        // Another run of ours may have taken it over from there already.
        if is_applied(&history, id) {
            return true;
        }
        let wish = Wish { accept: &[], write: false, remember: false };
        let decided =
            m.decide_adoption(&mut *self.session, reader, &self.files.migrations, history.as_deref(), wish).await;
        match decided {
            Ok(decided) => decided.rows.iter().any(|row| row.id == *id),
            Err(MigrateError::Backend { error, .. }) => error.kind() == BackendErrorKind::Busy,
            Err(_) => false,
        }
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
