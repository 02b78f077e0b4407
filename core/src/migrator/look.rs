//! Looking before anything is done: connect and load, read the history, assess, plan.

use std::collections::HashMap;

use super::Migrator;
use super::load::Loading;
use super::status::{MigrationStatus, PlannedMigration, Preview, Status};
use crate::backend::Session;
use crate::error::{BackendError, BackendErrorKind};
use crate::event::Event;
use crate::execute::{OnSession, prefix_checksum};
use crate::history::{HistoryDetail, HistoryRow, RowState};
use crate::lock::{Wait, Waited, unless_cancelled};
use crate::migration::{Migration, end_of_unit};
use crate::plan::{self, Assessment, Facts, MigrationState, NextStatement, Note, Plan, PlanError, Step};
use crate::problem::{LoadError, Problem};
use crate::report::MigrateError;
use crate::source::Loaded;
use crate::sql::BoxError;

/// What is known before anything is done.
pub(super) struct Look {
    pub(super) session: Box<dyn Session>,
    pub(super) files: Files,
    pub(super) history: Option<Vec<HistoryRow>>,
}

/// What the sources hold.
pub(super) struct Files {
    pub(super) migrations: Vec<Migration>,
    /// What is wrong with the sources as a whole.
    pub(super) problems: Vec<Problem>,
    /// What is passed over.
    passed_over: Vec<Note>,
    /// The migrations whose text was looked through, by index: it is done once.
    checked: Vec<bool>,
    /// How many bytes of text may still be kept from that look to the run; the rest is read again.
    room: usize,
}

impl Files {
    pub(super) fn new(loaded: Loaded) -> Self {
        let checked = vec![false; loaded.migrations.len()];
        let passed_over = loaded.passed_over.into_iter().map(|what| Note::PassedOver(Box::new(what))).collect();
        Self { migrations: loaded.migrations, problems: loaded.problems, passed_over, checked, room: KEPT_TEXT }
    }

    /// The migrations, where nothing is wrong with the sources as a whole.
    #[cfg(feature = "other-tools")]
    pub(super) fn complete(self) -> Result<Vec<Migration>, MigrateError> {
        LoadError::unless_empty(self.problems).map_err(MigrateError::load)?;
        Ok(self.migrations)
    }

    /// Keeps a text that was looked through, where there is room: what was checked is what runs.
    pub(super) fn keep(&mut self, migration: usize, text: Option<String>) {
        if let Some(text) = text
            && let Some(room) = self.room.checked_sub(text.len())
        {
            self.room = room;
            self.migrations[migration].keep_text(text);
        }
    }

    /// Those that were not looked through yet; from now on they are.
    fn take_unchecked(&mut self, pending: &[usize]) -> Vec<usize> {
        let unchecked = |index: &usize| !std::mem::replace(&mut self.checked[*index], true);
        pending.iter().copied().filter(unchecked).collect()
    }
}

/// The most text that is kept in memory between the look at all that is pending and its run.
const KEPT_TEXT: usize = 4 << 20;

/// How far the files are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// As far as they were loaded: for those who only want to know where things stand.
    Headers,
    /// The texts of what is pending too: for a run.
    Texts,
}

impl Check {
    /// Whether what was found wrong in a file when it was loaded is held against one in this state. What is pending in a
    /// run is looked into as a whole; what was applied as it is is held against nobody.
    fn holds(self, state: MigrationState) -> bool {
        match self {
            Self::Headers => !state.is_done(),
            Self::Texts => state == MigrationState::Edited,
        }
    }
}

/// Files against history: what a run would do, and everything that is in its way.
pub(super) struct Outlook {
    /// What a run would apply if nothing were in the way, by index.
    pub(super) pending: Vec<usize>,
    plan: Result<Plan, PlanError>,
    /// What is wrong with the files.
    problems: Vec<Problem>,
    /// The plan was made of all files, and of all that they tell.
    complete: bool,
}

impl Outlook {
    /// The plan, or everything at once that is in its way.
    pub(super) fn decide(self) -> Result<Plan, MigrateError> {
        match self.plan {
            Err(refused) if self.complete => Err(MigrateError::plan(refused.with_problems(self.problems))),
            _ if !self.problems.is_empty() => Err(MigrateError::load(self.problems)),
            // Without all files the plan may blame the history for what is wrong with the files.
            Err(refused) => Err(MigrateError::plan(refused)),
            Ok(plan) => Ok(plan),
        }
    }
}

impl Migrator {
    /// Connects and loads, one beside the other, and reads the history.
    pub(super) async fn look(&self, detail: HistoryDetail) -> Result<Look, MigrateError> {
        let loading = Loading::start(self);
        let session = self.connect().await;
        let read = match session {
            Err(error) => Err(error),
            Ok(mut session) => self.read_history(&mut *session, detail).await.map(|history| (session, history)),
        };
        let files = Files::new(loading.finish().await);
        match read {
            Ok((session, history)) => Ok(Look { session, files, history }),
            // What is wrong with the folder comes first: it is wrong on every database.
            Err(_) if !files.problems.is_empty() => Err(MigrateError::load(files.problems)),
            Err(error) => Err(error),
        }
    }

    /// Reads the history; where the database is locked for a moment, it is read again.
    async fn read_history(
        &self,
        session: &mut dyn Session,
        detail: HistoryDetail,
    ) -> Result<Option<Vec<HistoryRow>>, MigrateError> {
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        loop {
            match unless_cancelled(&self.cancel, session.history(detail)).await {
                Some(Ok(history)) => return Ok(history),
                Some(Err(error)) if error.kind() == BackendErrorKind::Busy => match wait.pause().await {
                    Ok(()) => wait.tell(None),
                    Err(Waited::TooLong(_)) => return Err(not_read(error)),
                    Err(Waited::Cancelled) => return Err(MigrateError::cancelled(None)),
                },
                Some(Err(error)) => return Err(not_read(error)),
                None => return Err(MigrateError::cancelled(None)),
            }
        }
    }

    /// Opens a session, waiting for a database that is still starting, and calls the hooks.
    pub(super) async fn connect(&self) -> Result<Box<dyn Session>, MigrateError> {
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.connect_wait);
        let mut session = loop {
            let error = match unless_cancelled(&self.cancel, self.backend.connect()).await {
                Some(Ok(session)) => break session,
                Some(Err(error)) => error,
                None => return Err(MigrateError::cancelled(None)),
            };
            if error.kind() != BackendErrorKind::Unreachable || self.connect_wait.is_zero() {
                return Err(MigrateError::connect(error));
            }
            if wait.is_telling_time() {
                self.listeners.tell(&Event::WaitingForDatabase { error: &error, waited: wait.elapsed() });
            }
            match wait.pause().await {
                Ok(()) => {}
                Err(Waited::TooLong(_)) => return Err(MigrateError::connect(error)),
                Err(Waited::Cancelled) => return Err(MigrateError::cancelled(None)),
            }
        };
        let server = session.server();
        self.listeners.tell(&Event::Connected { server: &server });
        self.connected(&mut *session).await.map_err(|error| MigrateError::hook("on_connect", error))?;
        Ok(session)
    }

    /// Calls the hooks for a session that is there.
    pub(super) async fn connected(&self, session: &mut dyn Session) -> Result<(), BoxError> {
        for hooks in &self.hooks {
            hooks.on_connect(&mut self.sql(session)).await?;
        }
        Ok(())
    }

    pub(super) fn sql<'a>(&'a self, session: &'a mut dyn Session) -> OnSession<'a> {
        OnSession { session, dialect: self.backend.dialect(), listeners: &self.listeners, halted: None, stops: None }
    }

    fn assess(&self, migrations: &[Migration], history: &[HistoryRow]) -> Assessment {
        let namespaces = self.namespaces();
        let namespaces: Vec<&str> = namespaces.iter().map(|namespace| &**namespace).collect();
        plan::assess(&namespaces, migrations, history)
    }

    /// Assesses and plans; reads more of the history and of the files only where the plan asks for it, and the texts of
    /// those that are pending where `check` says so.
    pub(super) async fn outlook(
        &self,
        session: &mut dyn Session,
        files: &mut Files,
        history: &mut Option<Vec<HistoryRow>>,
        check: Check,
    ) -> Result<Outlook, MigrateError> {
        let mut assessment = self.assess(&files.migrations, history.as_deref().unwrap_or_default());
        if check == Check::Texts && assessment.wants_facts().next().is_some() {
            *history = session.history(HistoryDetail::Full).await.map_err(not_read)?;
            assessment = self.assess(&files.migrations, history.as_deref().unwrap_or_default());
        }
        let history = history.as_deref().unwrap_or_default();
        let (facts, mut problems) = self.facts(&files.migrations, history, &assessment);
        let complete = problems.is_empty() && files.problems.is_empty();
        problems.extend(files.problems.iter().cloned());
        let pending = plan::pending(&assessment, &self.policy);
        if check == Check::Texts {
            let unchecked = files.take_unchecked(&pending);
            self.refuse_texts(files, &unchecked, &mut problems);
            let unchecked: Vec<&Migration> = unchecked.iter().map(|index| &files.migrations[*index]).collect();
            let missing = self.missing_functions(session, &unchecked).await;
            problems.extend(missing.map_err(|error| MigrateError::backend("read the functions", error))?);
        }
        problems.extend(assessment.entries.iter().filter(|entry| check.holds(entry.state)).flat_map(|entry| {
            let migration = entry.migration.map(|index| &files.migrations[index]);
            migration.into_iter().flat_map(Migration::problems).cloned()
        }));
        let facts = |index| facts.get(&index).cloned();
        let mut plan = plan::plan(&files.migrations, history, &assessment, &facts, &self.policy);
        if let Ok(plan) = &mut plan {
            plan.notes.splice(0..0, files.passed_over.iter().cloned());
        }
        Ok(Outlook { pending, plan, problems, complete })
    }

    /// What only the texts tell, and what is wrong with those that do not tell it.
    fn facts(
        &self,
        migrations: &[Migration],
        history: &[HistoryRow],
        assessment: &Assessment,
    ) -> (HashMap<usize, Facts>, Vec<Problem>) {
        let (mut facts, mut problems) = (HashMap::new(), Vec::new());
        for (index, row) in assessment.wants_facts() {
            match self.facts_of(&migrations[index], &history[row]) {
                Ok(known) => drop(facts.insert(index, known)),
                Err(error) => problems.extend(error.into_problems()),
            }
        }
        (facts, problems)
    }

    fn facts_of(&self, migration: &Migration, row: &HistoryRow) -> Result<Facts, LoadError> {
        let dialect = self.backend.dialect();
        let mut known = Facts { token_checksum: migration.token_checksum(dialect)?, prefix_checksum: None, next: None };
        if row.state == RowState::Applied {
            return Ok(known);
        }
        let text = migration.text()?;
        let statements = migration.statements(dialect, &text)?;
        let done = usize::try_from(row.statements_done).unwrap_or(usize::MAX);
        known.prefix_checksum =
            statements.get(..done).filter(|done| !done.is_empty()).map(|done| prefix_checksum(dialect, done));
        known.next = statements.get(done).map(|next| NextStatement {
            number: row.statements_done + 1,
            line: next.span.start.line,
            text: match end_of_unit(dialect, &statements, done) {
                end if end > done + 1 => {
                    let last = statements[end - 1].text;
                    format!("{}; … {last} (statements {} to {end}, as one)", next.text, done + 1)
                }
                _ => next.text.to_owned(),
            },
            safe_to_repeat: next.safe_to_repeat(dialect.lexer),
        });
        Ok(known)
    }

    pub(super) async fn preview(&self) -> Result<Preview, MigrateError> {
        let Look { mut session, mut files, mut history } = self.look(HistoryDetail::Check).await?;
        #[cfg(feature = "other-tools")]
        {
            let foreseen = self.foresee_other_history(&mut *session, &files.migrations, history.as_deref()).await?;
            foresee_in(&mut history, foreseen);
            self.refuse_other_history(&mut *session, &files.migrations, history.as_deref()).await?;
        }
        let outlook = self.outlook(&mut *session, &mut files, &mut history, Check::Texts).await;
        let plan = match outlook.map(|outlook| self.decide(outlook)) {
            Ok(Ok(plan)) if history.is_none() && !plan.steps.is_empty() => {
                self.foresee(&mut *session, &mut files, plan).await
            }
            Ok(decided) => decided,
            Err(error) => Err(error),
        };
        let _ = session.close().await;
        let plan = plan?;
        let steps = plan.steps.iter().map(|step| self.planned(&files.migrations[step.migration], step));
        Ok(Preview { steps: steps.collect::<Result<_, _>>().map_err(MigrateError::load)?, notes: plan.notes })
    }

    fn planned(&self, migration: &Migration, step: &Step) -> Result<PlannedMigration, LoadError> {
        let text = migration.text()?;
        let statements = migration.statements(self.backend.dialect(), &text)?;
        Ok(PlannedMigration {
            id: migration.id.clone(),
            name: migration.name.to_string(),
            file: migration.file(),
            transactional: self.backend.capabilities().transactional_ddl && migration.is_transactional(),
            resume_from: step.resume_from,
            statements: statements.iter().map(|statement| statement.text.to_owned()).collect(),
        })
    }

    pub(super) async fn read_status(&self) -> Result<Status, MigrateError> {
        let Look { mut session, mut files, mut history } = self.look(HistoryDetail::Full).await?;
        #[cfg(feature = "other-tools")]
        if let Ok(foreseen) = self.foresee_other_history(&mut *session, &files.migrations, history.as_deref()).await {
            foresee_in(&mut history, foreseen);
        }
        let outlook = self.outlook(&mut *session, &mut files, &mut history, Check::Headers).await;
        let untracked = match &history {
            None => self.tables(&mut *session).await?,
            Some(_) => Vec::new(),
        };
        #[cfg(feature = "other-tools")]
        let other = self.note_other_history(&mut *session, &files.migrations, history.as_deref()).await;
        let _ = session.close().await;
        let Outlook { plan, problems, .. } = outlook?;
        LoadError::unless_empty(problems).map_err(MigrateError::load)?;
        #[cfg_attr(not(feature = "other-tools"), expect(unused_mut, reason = "there is nothing to add"))]
        let (up_to_date, mut notes) = match plan {
            Ok(plan) => (plan.steps.is_empty(), plan.notes),
            Err(refused) => (false, files.passed_over.iter().chain(refused.notes()).cloned().collect()),
        };
        #[cfg(feature = "other-tools")]
        notes.extend(other?);
        let migrations = files.migrations;
        let history = history.unwrap_or_default();
        let assessment = self.assess(&migrations, &history);
        let unchanged_but_comments = |id| notes.contains(&plan::Note::CommentOnlyEdit(id));
        let statuses = assessment.entries.iter().map(|entry| {
            let mut status = status_of(entry, &migrations, &history);
            if status.state == MigrationState::Edited && unchanged_but_comments(entry.id.clone()) {
                status.state = MigrationState::Applied;
            }
            status
        });
        Ok(Status {
            dialect: self.backend.dialect().name,
            database: self.backend.database(),
            up_to_date,
            migrations: statuses.collect(),
            other_namespaces: other_namespaces(&self.namespaces(), &history),
            untracked,
            notes,
        })
    }
}

fn other_namespaces(own: &[std::sync::Arc<str>], history: &[HistoryRow]) -> Vec<(std::sync::Arc<str>, usize)> {
    let mut others = std::collections::BTreeMap::new();
    for row in history.iter().filter(|row| !own.contains(&row.id.namespace)) {
        *others.entry(row.id.namespace.clone()).or_insert(0) += 1;
    }
    others.into_iter().collect()
}

fn status_of(entry: &plan::Assessed, migrations: &[Migration], history: &[HistoryRow]) -> MigrationStatus {
    let (migration, row) = (entry.migration.map(|index| &migrations[index]), entry.row.map(|index| &history[index]));
    let from_row = row.filter(|row| row.state == RowState::Applied);
    let stopped = row.filter(|row| row.state != RowState::Applied);
    // One of them is there: an entry is made of a file or of a row.
    let checksum = migration.map(|m| m.checksum.clone()).or_else(|| row.map(|row| row.checksum.clone()));
    let name = migration.map(|m| m.name.to_string()).or_else(|| row.map(|row| row.name.to_string()));
    MigrationStatus {
        id: entry.id.clone(),
        name: name.unwrap_or_default(),
        state: entry.state,
        checksum: checksum.unwrap_or_else(|| crate::Checksum::parse("")),
        applied_at: from_row.and_then(|row| row.finished_at),
        duration_ms: from_row.and_then(|row| row.duration_ms),
        origin: row.map(|row| row.origin.clone()),
        run_by: row.map(|row| row.run_by.clone()),
        progress: stopped.map(|row| (row.statements_done, row.statements_total)),
        error: stopped.and_then(|row| row.error.as_deref().map(str::to_owned)),
        differences: from_row.and_then(|row| row.error.as_deref()).map_or_else(Vec::new, lines),
    }
}

/// Adds what a run would record first.
#[cfg(feature = "other-tools")]
fn foresee_in(history: &mut Option<Vec<HistoryRow>>, foreseen: Option<Vec<HistoryRow>>) {
    if let Some(rows) = foreseen {
        history.get_or_insert_default().extend(rows);
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

pub(super) fn not_read(error: BackendError) -> MigrateError {
    MigrateError::backend("read the history", error)
}
