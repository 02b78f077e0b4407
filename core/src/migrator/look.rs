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
use crate::migration::Migration;
use crate::plan::{self, Assessment, Facts, MigrationState, NextStatement, Plan, Step};
use crate::problem::LoadError;
use crate::report::{MigrateError, Report};
use crate::sql::BoxError;

/// What is known before anything is done.
pub(super) struct Look {
    pub(super) session: Box<dyn Session>,
    pub(super) migrations: Vec<Migration>,
    pub(super) history: Option<Vec<HistoryRow>>,
}

impl Migrator {
    /// Connects and loads, one beside the other, and reads the history.
    pub(super) async fn look(&self, detail: HistoryDetail) -> Result<Look, MigrateError> {
        let loading = Loading::start(self);
        let session = self.connect().await;
        let read = match session {
            Err(error) => Err(error),
            Ok(mut session) => match unless_cancelled(&self.cancel, session.history(detail)).await {
                Some(Ok(history)) => Ok((session, history)),
                Some(Err(error)) => Err(not_read(error)),
                None => Err(cancelled(Report::default())),
            },
        };
        // What is wrong with the files comes first: it is wrong on every database.
        let migrations = loading.finish().await.map_err(MigrateError::Load)?;
        let (session, history) = read?;
        Ok(Look { session, migrations, history })
    }

    /// Opens a session, waiting for a database that is still starting, and calls the hooks.
    pub(super) async fn connect(&self) -> Result<Box<dyn Session>, MigrateError> {
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.connect_wait);
        let mut session = loop {
            let error = match unless_cancelled(&self.cancel, self.backend.connect()).await {
                Some(Ok(session)) => break session,
                Some(Err(error)) => error,
                None => return Err(cancelled(Report::default())),
            };
            if error.kind() != BackendErrorKind::Unreachable || self.connect_wait.is_zero() {
                return Err(MigrateError::Connect(error));
            }
            if wait.is_telling_time() {
                self.listeners.tell(&Event::WaitingForDatabase { error: &error, waited: wait.elapsed() });
            }
            match wait.pause().await {
                Ok(()) => {}
                Err(Waited::TooLong(_)) => return Err(MigrateError::Connect(error)),
                Err(Waited::Cancelled) => return Err(cancelled(Report::default())),
            }
        };
        let server = session.server();
        self.listeners.tell(&Event::Connected { server: &server });
        self.connected(&mut *session).await.map_err(|error| hook_failed("on_connect", error, Report::default()))?;
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

    /// Assesses and plans; reads more of the history and of the files only where the plan asks for it.
    pub(super) async fn plan_with(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: &mut Option<Vec<HistoryRow>>,
        detail: HistoryDetail,
    ) -> Result<Plan, MigrateError> {
        let mut assessment = self.assess(migrations, history.as_deref().unwrap_or_default());
        if detail == HistoryDetail::Check && assessment.wants_facts().next().is_some() {
            *history = session.history(HistoryDetail::Full).await.map_err(not_read)?;
            assessment = self.assess(migrations, history.as_deref().unwrap_or_default());
        }
        let history = history.as_deref().unwrap_or_default();
        let facts = self.facts(migrations, history, &assessment).map_err(MigrateError::Load)?;
        let plan = plan::plan(migrations, history, &assessment, &|index| facts.get(&index).cloned(), &self.policy);
        plan.map_err(MigrateError::Plan)
    }

    fn facts(
        &self,
        migrations: &[Migration],
        history: &[HistoryRow],
        assessment: &Assessment,
    ) -> Result<HashMap<usize, Facts>, LoadError> {
        let dialect = self.backend.dialect();
        let mut facts = HashMap::new();
        for (migration, row) in assessment.wants_facts() {
            let (migration, row, index) = (&migrations[migration], &history[row], migration);
            let mut known =
                Facts { token_checksum: migration.token_checksum(dialect)?, prefix_checksum: None, next: None };
            if row.state != RowState::Applied {
                let text = migration.text()?;
                let statements = migration.statements(dialect, &text)?;
                let done = usize::try_from(row.statements_done).unwrap_or(usize::MAX);
                known.prefix_checksum =
                    statements.get(..done).filter(|done| !done.is_empty()).map(|done| prefix_checksum(dialect, done));
                known.next = statements.get(done).map(|next| NextStatement {
                    number: row.statements_done + 1,
                    line: next.span.start.line,
                    text: next.text.to_owned(),
                    safe_to_repeat: next.safe_to_repeat(dialect.lexer),
                });
            }
            facts.insert(index, known);
        }
        Ok(facts)
    }

    pub(super) async fn preview(&self) -> Result<Preview, MigrateError> {
        let Look { mut session, migrations, mut history } = self.look(HistoryDetail::Check).await?;
        let planned = self.plan_with(&mut *session, &migrations, &mut history, HistoryDetail::Check).await;
        let _ = session.close().await;
        let plan = planned?;
        let steps = plan.steps.iter().map(|step| self.planned(&migrations[step.migration], step));
        Ok(Preview { steps: steps.collect::<Result<_, _>>().map_err(MigrateError::Load)?, notes: plan.notes })
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
        let Look { mut session, migrations, mut history } = self.look(HistoryDetail::Full).await?;
        let planned = self.plan_with(&mut *session, &migrations, &mut history, HistoryDetail::Full).await;
        let _ = session.close().await;
        let history = history.unwrap_or_default();
        let assessment = self.assess(&migrations, &history);
        let (up_to_date, notes) = match planned {
            Ok(plan) => (plan.steps.is_empty(), plan.notes),
            Err(MigrateError::Plan(error)) => (false, error.notes().to_vec()),
            Err(other) => return Err(other),
        };
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
        error: row.and_then(|row| row.error.as_deref().map(str::to_owned)),
    }
}

pub(super) fn not_read(error: BackendError) -> MigrateError {
    MigrateError::Backend { doing: "read the history", error, report: Box::default() }
}

pub(super) fn cancelled(report: Report) -> MigrateError {
    MigrateError::Cancelled { during: None, report: Box::new(report) }
}

pub(super) fn hook_failed(hook: &'static str, error: BoxError, report: Report) -> MigrateError {
    MigrateError::Hook { hook, error, report: Box::new(report) }
}
