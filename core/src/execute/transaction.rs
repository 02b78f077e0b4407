//! Migrations in one transaction.

use std::borrow::Cow;
use std::sync::Arc;

use super::drive::Recorder;
use super::failure::Part;
use super::on_session::transaction_ended;
use super::{Executor, OnSession, Ready, StepError, drive, drive_plain};
use crate::backend::{Claim, Fenced, Finish, Halted, Measure, Measurement, Op, OpOutcome, Setting, TransactionState};
use crate::migration::Migration;
use crate::plan::Step;
use crate::report::{Aftermath, Applied, Cause, RowsChanged};
use crate::sql::RustMigration;

/// A stretch of the transaction.
enum Segment<'a> {
    /// Operations, each with the migration that it is for and its part in it.
    Ops(Vec<Op<'a>>, Vec<(usize, Part)>),
    /// Code of a migration.
    Code(usize, Arc<dyn RustMigration>),
    /// What was measured after the text must go with what was measured before it.
    Compare(usize),
}

/// What the transaction has answered so far.
#[derive(Default)]
struct Answers {
    violations: Vec<Vec<String>>,
    row_counts: Vec<Vec<Option<u64>>>,
    finished: Vec<(crate::Timestamp, u64)>,
}

impl Executor<'_> {
    /// Applies these steps in one transaction, all or none.
    pub(crate) async fn apply_in_transaction(
        &mut self,
        steps: &[(&Migration, &Step)],
    ) -> Result<Vec<Applied>, StepError> {
        let texts = load(steps)?;
        let ready = steps.iter().zip(&texts).map(|((migration, step), text)| {
            Ready::new(migration, step, text, self.dialect, self.beside).map_err(|error| not_loaded(migration, error))
        });
        let ready: Vec<Ready<'_>> = ready.collect::<Result<_, _>>()?;
        let without_keys = steps.iter().any(|(migration, _)| migration.directives().foreign_keys_off);
        let restore = if without_keys { Some(self.switch_foreign_keys_off(&ready[0]).await?) } else { None };
        let result = self.run_transaction(&ready).await;
        let lost = matches!(&result, Err(StepError::Failed(failed)) if failed.aftermath == Aftermath::InDoubt);
        if !lost {
            let sets_session = !self.shared && ready.iter().any(|r| r.sets_session(self.dialect));
            let reset = sets_session.then_some(&Setting::Reset);
            self.put_back([reset, restore.as_ref()].into_iter().flatten()).await;
        }
        result
    }

    async fn run_transaction(&mut self, ready: &[Ready<'_>]) -> Result<Vec<Applied>, StepError> {
        let settings = self.settings_of_all(ready).await?;
        let claims: Vec<Claim<'_>> = ready.iter().map(|r| r.claim(self.settings, None)).collect();
        let finishes = ready
            .iter()
            .zip(&claims)
            .map(|(r, claim)| Finish { row: Fenced { id: &r.migration.id, fence: claim.fence_after() } });
        let finishes: Vec<Finish<'_>> = finishes.collect();
        let measures: Vec<Measures> = ready.iter().map(|r| Measures::of(r.migration)).collect();
        // After the commit the session may be another client's.
        let reset = (self.shared && ready.iter().any(|r| r.sets_session(self.dialect))).then_some(&Setting::Reset);
        let segments = script(ready, &settings, &claims, &finishes, &measures, reset);
        let mut answers = Answers::default();
        for segment in &segments {
            self.run_segment(segment, ready, &mut answers).await?;
        }
        let applied = ready.iter().zip(answers.finished);
        Ok(applied
            .map(|(r, (at, duration_ms))| Applied {
                id: r.migration.id.clone(),
                name: r.migration.name.to_string(),
                at,
                duration_ms,
            })
            .collect())
    }

    async fn run_segment(
        &mut self,
        segment: &Segment<'_>,
        ready: &[Ready<'_>],
        answers: &mut Answers,
    ) -> Result<(), StepError> {
        match segment {
            Segment::Ops(ops, parts) => self.run_ops(ops, parts, ready, answers).await,
            Segment::Code(index, code) => self.run_code(&ready[*index], &**code).await,
            Segment::Compare(index) => self.compare(&ready[*index], answers).await,
        }
    }

    async fn run_ops(
        &mut self,
        ops: &[Op<'_>],
        parts: &[(usize, Part)],
        ready: &[Ready<'_>],
        answers: &mut Answers,
    ) -> Result<(), StepError> {
        let is_statement = |(_, part): &&(usize, Part)| matches!(part, Part::Statement(_));
        let statements = parts.iter().filter(is_statement).count();
        let first = parts.iter().position(|part| is_statement(&part)).unwrap_or(0);
        // With several migrations in one transaction the statements do not stand together, and progress is per run.
        let range = if ready.len() == 1 { first..first + statements } else { 0..0 };
        let progress = ready.first().map_or((0, 0), |r| (r.skipped(), r.statements.len()));
        let mut recorder = Recorder::new(self.listeners).with_statements(range, progress);
        let result = drive(self.session, ops, &mut recorder, self.cancel).await;
        for (_, outcome) in recorder.outcomes {
            match outcome {
                OpOutcome::Measured(Measurement::ForeignKeyViolations(rows)) => answers.violations.push(rows),
                OpOutcome::Measured(Measurement::RowCounts(counts)) => answers.row_counts.push(counts),
                OpOutcome::Finished { at, duration_ms } => answers.finished.push((at, duration_ms)),
                _ => {}
            }
        }
        let Err(halted) = result else { return Ok(()) };
        let (index, part) = parts.get(halted.at).copied().unwrap_or((0, Part::Commit));
        let aftermath = self.roll_back(halted.transaction).await;
        Err(ready[index].halted(part, halted, aftermath))
    }

    async fn run_code(&mut self, ready: &Ready<'_>, code: &dyn RustMigration) -> Result<(), StepError> {
        let mut sql = OnSession {
            session: self.session,
            dialect: self.dialect,
            listeners: self.listeners,
            halted: None,
            stops: Some(self.cancel),
        };
        let result = code.run(&mut sql).await;
        let state = sql.halted.unwrap_or(TransactionState::Open);
        let error: crate::BoxError = match result {
            Err(error) => error,
            Ok(()) if state != TransactionState::Open => transaction_ended().into(),
            Ok(()) => return Ok(()),
        };
        let aftermath = self.roll_back(state).await;
        Err(StepError::Failed(ready.failed(Cause::Code(error), aftermath, None)))
    }

    /// Compares the figures before and after a migration's text; takes them, so that the next migration has its own.
    async fn compare(&mut self, ready: &Ready<'_>, answers: &mut Answers) -> Result<(), StepError> {
        let violations = std::mem::take(&mut answers.violations);
        let counts = std::mem::take(&mut answers.row_counts);
        let Some(cause) = new_violations(&violations).or_else(|| changed_counts(ready.migration, &counts)) else {
            return Ok(());
        };
        let aftermath = self.roll_back(TransactionState::Open).await;
        Err(StepError::Failed(ready.failed(cause, aftermath, None)))
    }

    /// Ends the transaction of a program that stopped, and says what is left of it.
    async fn roll_back(&mut self, state: TransactionState) -> Aftermath {
        match state {
            TransactionState::InDoubt => Aftermath::InDoubt,
            TransactionState::None | TransactionState::Lost => Aftermath::RolledBack,
            TransactionState::Open => {
                // Where this fails the connection is gone, and the server rolls back by itself.
                if let Err(halted) = drive_plain(self.session, &[Op::Rollback], self.listeners).await {
                    tracing::warn!(error = %halted.error, "the rollback was not answered");
                }
                Aftermath::RolledBack
            }
        }
    }

    async fn switch_foreign_keys_off(&mut self, ready: &Ready<'_>) -> Result<Setting, StepError> {
        let off = Setting::ForeignKeys(false);
        let outcomes = drive_plain(self.session, &[Op::Set(&off)], self.listeners).await;
        let refused = |halted: Halted| ready.halted(Part::Measure, halted, Aftermath::RolledBack);
        let previous = outcomes.map_err(refused)?.into_iter().find_map(|(_, outcome)| match outcome {
            OpOutcome::Previous(setting) => Some(setting),
            _ => None,
        });
        Ok(previous.unwrap_or(Setting::ForeignKeys(true)))
    }
}

fn load<'m>(steps: &[(&'m Migration, &Step)]) -> Result<Vec<Cow<'m, str>>, StepError> {
    let mut texts = Vec::with_capacity(steps.len());
    for (migration, _) in steps {
        texts.push(migration.text().map_err(|error| not_loaded(migration, error))?);
    }
    Ok(texts)
}

pub(super) fn not_loaded(migration: &Migration, error: crate::LoadError) -> StepError {
    StepError::Failed(Box::new(crate::report::FailedMigration {
        id: migration.id.clone(),
        name: migration.name.to_string(),
        file: migration.file(),
        statement: None,
        cause: Cause::Load(error),
        aftermath: Aftermath::RolledBack,
    }))
}

/// Rows that break a foreign key after the text and did not before.
pub(super) fn new_violations(measured: &[Vec<String>]) -> Option<Cause> {
    let [before, .., after] = measured else { return None };
    // Rows of a table without rowid are all called the same.
    let mut left: std::collections::HashMap<&String, usize> = std::collections::HashMap::new();
    before.iter().for_each(|row| *left.entry(row).or_default() += 1);
    let mut is_new = |row: &&String| match left.get_mut(*row) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let new: Vec<String> = after.iter().filter(|row| is_new(row)).cloned().collect();
    (!new.is_empty()).then_some(Cause::ForeignKeys(new))
}

/// Tables of `keep-rows` with another number of rows, and those that are not there.
fn changed_counts(migration: &Migration, measured: &[Vec<Option<u64>>]) -> Option<Cause> {
    let [before, .., after] = measured else { return None };
    let tables = migration.directives().kept_tables.iter().zip(before.iter().zip(after));
    let changed: Vec<RowsChanged> = tables
        .filter(|(_, (before, after))| before.is_none() || before != after)
        .map(|(table, (before, after))| RowsChanged { table: table.after.clone(), before: *before, after: *after })
        .collect();
    (!changed.is_empty()).then_some(Cause::RowsChanged(changed))
}

/// What is measured around a migration's text: before it, and after it.
#[derive(Default)]
struct Measures {
    before: Vec<Measure>,
    after: Vec<Measure>,
}

impl Measures {
    fn of(migration: &Migration) -> Self {
        let directives = migration.directives();
        let mut measures = Self::default();
        if directives.foreign_keys_off {
            measures.before.push(Measure::ForeignKeyViolations);
            measures.after.push(Measure::ForeignKeyViolations);
        }
        if !directives.kept_tables.is_empty() {
            let kept = directives.kept_tables.iter();
            measures.before.push(Measure::RowCounts(kept.clone().map(|table| table.before.clone()).collect()));
            measures.after.push(Measure::RowCounts(kept.map(|table| table.after.clone()).collect()));
        }
        measures
    }
}

/// Writes the transaction as stretches: as few as the migrations allow, so that a backend can send each in one message.
fn script<'a>(
    ready: &'a [Ready<'_>],
    settings: &'a [Vec<Setting>],
    claims: &'a [Claim<'a>],
    finishes: &'a [Finish<'a>],
    measures: &'a [Measures],
    reset: Option<&'a Setting>,
) -> Vec<Segment<'a>> {
    let mut segments = Vec::new();
    let (mut ops, mut parts) = (vec![Op::Begin], vec![(0, Part::Opening)]);
    for (index, r) in ready.iter().enumerate() {
        let mut add = |op: Op<'a>, part: Part| {
            ops.push(op);
            parts.push((index, part));
        };
        settings[index].iter().for_each(|setting| add(Op::Set(setting), Part::Opening));
        add(Op::Claim(&claims[index]), Part::Claim);
        // Before the text: where the other tool was faster, nothing of it runs.
        r.beside.iter().for_each(|insert| add(Op::Statement(insert), Part::Beside));
        measures[index].before.iter().for_each(|measure| add(Op::Measure(measure), Part::Measure));
        add(Op::Seal, Part::Opening);
        r.statements
            .iter()
            .enumerate()
            .skip(r.skipped())
            .for_each(|(n, statement)| add(Op::Statement(statement.text), Part::Statement(n)));
        if let Some(code) = r.migration.code() {
            segments.push(Segment::Ops(std::mem::take(&mut ops), std::mem::take(&mut parts)));
            segments.push(Segment::Code(index, Arc::clone(code)));
        }
        let mut add = |op: Op<'a>, part: Part| {
            ops.push(op);
            parts.push((index, part));
        };
        add(Op::Unseal, Part::Unseal);
        measures[index].after.iter().for_each(|measure| add(Op::Measure(measure), Part::Measure));
        if !measures[index].after.is_empty() {
            segments.push(Segment::Ops(std::mem::take(&mut ops), std::mem::take(&mut parts)));
            segments.push(Segment::Compare(index));
        }
        ops.push(Op::Finish(&finishes[index]));
        parts.push((index, Part::Record));
    }
    for op in reset.map(Op::Set).into_iter().chain([Op::Commit]) {
        ops.push(op);
        parts.push((ready.len().saturating_sub(1), Part::Commit));
    }
    segments.push(Segment::Ops(ops, parts));
    segments
}
