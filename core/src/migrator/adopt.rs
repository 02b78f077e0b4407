//! Going on with another tool's history.

use std::sync::Arc;

use super::Migrator;
use super::look::{Look, not_read};
use super::record::waited_for_lock;
use crate::adopt::{
    Adoption, Case, Finding, FindingKind, ForeignFile, ForeignHistory, ForeignTable, Judged, Match, proof, reader,
    tables_beside,
};
use crate::backend::Session;
use crate::capability::RunLock;
use crate::error::{BackendError, BackendErrorKind};
use crate::execute;
use crate::history::{HistoryDetail, HistoryRow, RowState};
use crate::lock::{self, LockError, Wait, unless_cancelled};
use crate::migration::Migration;
use crate::problem::LoadError;
use crate::report::MigrateError;
use crate::sql::Sql;

/// Whether the rows are in the history now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorded {
    /// All of them.
    Written,
    /// None: another was at work. Read the history again.
    LookAgain,
}

/// What an adoption asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) accept: &'a [FindingKind],
    pub(super) write: bool,
    /// What is accepted is so from now on, and written down: a person named it.
    pub(super) remember: bool,
}

/// An adoption that was judged, and the rows that it would record.
pub(super) struct Decided {
    pub(super) adoption: Adoption,
    pub(super) rows: Vec<HistoryRow>,
    /// A row that is there, and as it is to be: what was accepted is written down in it, where no other row is recorded.
    rewritten: Option<HistoryRow>,
    /// Whimbrel's history is there.
    has_history: bool,
}

impl Decided {
    fn is_nothing_to_do(&self) -> bool {
        self.adoption.is_refused() || (self.rows.is_empty() && self.rewritten.is_none() && self.has_history)
    }
}

impl Migrator {
    /// Judges, and records where nothing is in the way. What there is to do is seen before any lock is taken.
    pub(super) async fn adopt_history(&self, wish: Wish<'_>) -> Result<Adoption, MigrateError> {
        let Look { mut session, files, history } = self.look(HistoryDetail::Full).await?;
        let migrations = files.complete()?;
        let adopted = self.adopt_on(&mut *session, &migrations, history.as_deref(), wish).await;
        if let Err(error) = session.close().await {
            tracing::debug!(%error, "the session was not closed in good order");
        }
        adopted
    }

    pub(super) async fn adopt_on(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
        wish: Wish<'_>,
    ) -> Result<Adoption, MigrateError> {
        let reader = reader_of(migrations)?;
        let mut decided = self.decide_adoption(session, reader, migrations, history, wish).await?;
        self.prove(session, migrations, &mut decided, wish.accept).await?;
        if !wish.write || decided.is_nothing_to_do() {
            return Ok(decided.adoption);
        }
        let shared = self.take_lock(session).await?;
        if !shared {
            self.take_lock_of(session, reader).await?;
        }
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        loop {
            match session.history(HistoryDetail::Full).await {
                Ok(history) => {
                    let now = self.decide_adoption(session, reader, migrations, history.as_deref(), wish).await?;
                    decided = self.proved_before(session, migrations, decided, now, wish.accept).await?;
                    if decided.is_nothing_to_do() || self.record_rows(session, &decided).await? == Recorded::Written {
                        return Ok(decided.adoption);
                    }
                }
                Err(error) if error.kind() == BackendErrorKind::Busy => {}
                Err(error) => return Err(not_read(error)),
            }
            wait.tell(None);
            wait.pause().await.map_err(|ended| waited_for_lock(None, &ended))?;
        }
    }

    /// Compares the database with what is to be recorded, where that was asked for.
    async fn prove(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        decided: &mut Decided,
        accept: &[FindingKind],
    ) -> Result<(), MigrateError> {
        let Some(prover) = self.proof.as_deref().filter(|_| !decided.rows.is_empty()) else { return Ok(()) };
        let adoption = &mut decided.adoption;
        if adoption.is_refused() {
            return Ok(());
        }
        let newest = match proof::newest(adoption, migrations) {
            Ok(newest) => newest.clone(),
            Err(why) => {
                adoption.notes.push(format!("the schema was not compared: {why}"));
                return Ok(());
            }
        };
        let Some(version) = newest.version() else { return Ok(()) };
        let own: Vec<Migration> = migrations.iter().filter(|it| it.id.namespace == newest.namespace).cloned().collect();
        let mut sql = self.sql(session);
        let proved = unless_cancelled(&self.cancel, prover.prove(&own, version, &mut sql)).await;
        match proved.ok_or_else(|| MigrateError::cancelled(None))? {
            Ok(proved) => proof::enter(adoption, &newest, proved, accept),
            Err(why) => adoption.notes.push(format!("the schema was not compared: {why}")),
        }
        adoption.recorded = if adoption.is_refused() { 0 } else { decided.rows.len() };
        Ok(())
    }

    /// What was decided under the lock, proved: as it was before where it is the same, else anew.
    async fn proved_before(
        &self,
        session: &mut dyn Session,
        migrations: &[Migration],
        before: Decided,
        mut now: Decided,
        accept: &[FindingKind],
    ) -> Result<Decided, MigrateError> {
        let ids = |decided: &Decided| decided.rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        if ids(&before) == ids(&now) {
            return Ok(Decided { has_history: now.has_history, rewritten: now.rewritten, ..before });
        }
        self.prove(session, migrations, &mut now, accept).await?;
        Ok(now)
    }

    /// Takes the run's lock where there is one; gives whether the session is one that others use too, where no lock holds.
    async fn take_lock(&self, session: &mut dyn Session) -> Result<bool, MigrateError> {
        if self.backend.capabilities().run_lock == RunLock::None {
            return Ok(false);
        }
        let wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        match lock::take(session, wait).await {
            Ok(taken) => Ok(taken.shared),
            Err(LockError::Backend(error)) => Err(MigrateError::backend("take the lock", error)),
            Err(LockError::Held { holder, ended }) => Err(waited_for_lock(holder, &ended)),
        }
    }

    /// Makes the history table where it is not there, and writes the rows, in one transaction.
    async fn record_rows(&self, session: &mut dyn Session, decided: &Decided) -> Result<Recorded, MigrateError> {
        let role = self.settings.role.as_deref();
        let written = match &decided.rewritten {
            Some(row) => execute::record_again(session, role, row, &self.listeners).await,
            None => execute::record(session, role, &decided.rows, &self.listeners).await,
        };
        match written {
            Ok(()) => Ok(Recorded::Written),
            Err(error) => match error.kind() {
                BackendErrorKind::AlreadyClaimed
                | BackendErrorKind::LostClaim
                | BackendErrorKind::Busy
                | BackendErrorKind::Conflict => Ok(Recorded::LookAgain),
                _ => Err(MigrateError::backend("record what is applied already", error)),
            },
        }
    }

    /// The other tool's own lock, so that it does not run meanwhile. It ends with the session.
    async fn take_lock_of(&self, session: &mut dyn Session, reader: &dyn ForeignHistory) -> Result<(), MigrateError> {
        let lexer = self.backend.dialect().lexer;
        let failed = |error| MigrateError::backend("take the other tool's lock", error);
        let Some(ask) = lexer.database_with_locks() else { return Ok(()) };
        let name = first_value(self.sql(session).query(ask).await.map_err(failed)?);
        let Some(key) = name.and_then(|name| reader.lock_key(&name)) else { return Ok(()) };
        let mut wait = Wait::new(&*self.backend, &self.listeners, &self.cancel, self.lock_wait);
        let holder = || Some(format!("a run of {}", reader.called()));
        loop {
            let answer = self.sql(session).query(&lexer.try_advisory_lock(key)).await.map_err(failed)?;
            if first_value(answer).as_deref() == Some("1") {
                return Ok(());
            }
            wait.tell(holder().as_deref());
            wait.pause().await.map_err(|ended| waited_for_lock(holder(), &ended))?;
        }
    }

    /// Reads the other history and judges it.
    pub(super) async fn decide_adoption(
        &self,
        session: &mut dyn Session,
        reader: &'static dyn ForeignHistory,
        migrations: &[Migration],
        history: Option<&[HistoryRow]>,
        wish: Wish<'_>,
    ) -> Result<Decided, MigrateError> {
        let lexer = self.backend.dialect().lexer;
        let known = history.unwrap_or_default();
        let is_known = |migration: &Migration| known.iter().any(|row| row.id == migration.id);
        let files = migrations.iter().map(|it| ForeignFile::of(it, reader, is_known(it)));
        let files: Vec<ForeignFile<'_>> =
            files.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(MigrateError::load)?;
        let mut sql = self.sql(session);
        let table = self.one_table(reader, &mut sql).await?;
        let (rows, beside) = loop {
            let rows = reader.rows(&mut sql, lexer, &table).await.map_err(other_not_read)?;
            if !rows.is_empty() || history.is_some() {
                break (rows, Vec::new());
            }
            let beside = tables_beside(&mut sql, lexer, &table).await.map_err(other_not_read)?;
            // The other tool may have written tables and rows in between.
            if beside.is_empty() || reader.rows(&mut sql, lexer, &table).await.map_err(other_not_read)?.is_empty() {
                break (rows, beside);
            }
        };
        let case = Case {
            reader,
            table: &table,
            rows: &rows,
            files: &files,
            beside: &beside,
            accept: wish.accept,
            remembered: &[],
        };
        let mut judged = case.judge();
        let mut full = Vec::new();
        if history.is_some() && left_out(&judged.matches).next().is_some() {
            full = session.history(HistoryDetail::Full).await.map_err(not_read)?.unwrap_or_default();
            let remembered: Vec<&str> = full.iter().flat_map(accepted_in).collect();
            judged = Case { remembered: &remembered, ..case }.judge();
        }
        let Judged { matches, record } = judged;
        let origin = origin_of(reader.tool());
        let own = record.iter().map(|(file, row)| -> Result<HistoryRow, LoadError> {
            let own = self.recorded_row(files[*file].migration, &origin, &self.settings.run_by)?;
            Ok(HistoryRow { finished_at: rows[*row].applied_at, duration_ms: rows[*row].duration_ms, ..own })
        });
        let mut own: Vec<HistoryRow> = own.collect::<Result<_, _>>().map_err(MigrateError::load)?;
        let Kept { rewritten, note } = match wish.remember {
            true => keep_in_mind(&matches, &full, &files, &mut own),
            false => Kept::default(),
        };
        let mut adoption = Adoption {
            tool: reader.tool(),
            tool_called: reader.called(),
            table: table.to_string(),
            rows: rows.len(),
            matches,
            recorded: 0,
            proved: None,
            notes: note.into_iter().collect(),
        };
        adoption.recorded = if adoption.is_refused() { 0 } else { own.len() };
        Ok(Decided { adoption, rows: own, rewritten, has_history: history.is_some() })
    }

    /// The one table in which that history is.
    async fn one_table(
        &self,
        reader: &dyn ForeignHistory,
        sql: &mut (dyn Sql + '_),
    ) -> Result<ForeignTable, MigrateError> {
        let mut tables =
            reader.find(sql, self.backend.dialect().lexer, &self.other_history).await.map_err(other_not_read)?;
        match (tables.pop(), tables.as_slice()) {
            (Some(table), []) => Ok(table),
            (Some(last), others) => {
                let all: Vec<String> = others.iter().chain([&last]).map(ToString::to_string).collect();
                let message = format!("{} could each be the history of {}", all.join(" and "), reader.called());
                Err(refuse(message, "say which with `--from-schema` and `--from-table`"))
            }
            (None, _) => {
                let place = match &self.other_history.table {
                    Some(table) => format!("{table} with the columns that {} gives it", reader.called()),
                    None => reader.tables().join(" or "),
                };
                let message = format!("the database has no history of {}: there is no table {place}", reader.called());
                let hint = "name the table with `--from-table` where it is called otherwise; where nothing was applied yet, \
                            `whimbrel migrate` is enough";
                Err(refuse(message, hint))
            }
        }
    }
}

/// What becomes of rows without a file that were accepted.
#[derive(Default)]
struct Kept {
    /// See [`Decided::rewritten`].
    rewritten: Option<HistoryRow>,
    note: Option<String>,
}

/// Writes down which rows without a file are accepted now: in the newest row that is to be recorded, else in the newest that is
/// there. A shared history is looked through at each run, which does not ask of them again.
fn keep_in_mind(
    matches: &[Match],
    history: &[HistoryRow],
    files: &[ForeignFile<'_>],
    recorded: &mut [HistoryRow],
) -> Kept {
    let known: Vec<&str> = history.iter().flat_map(accepted_in).collect();
    let accepted = left_out(matches).filter(|it| it.accepted && !known.contains(&&*it.message));
    let lines: Vec<&str> = accepted.map(|it| &*it.message).collect();
    if lines.is_empty() {
        return Kept::default();
    }
    if let Some(row) = recorded.last_mut() {
        row.error = Some(lines.join("\n").into());
        return Kept::default();
    }
    let Some(row) = newest_of(history, files) else {
        return Kept { rewritten: None, note: Some(NOT_REMEMBERED.to_owned()) };
    };
    let lines: Vec<&str> = accepted_in(row).chain(lines).collect();
    Kept { rewritten: Some(HistoryRow { error: Some(lines.join("\n").into()), ..row.clone() }), note: None }
}

/// What is said where there is no row to write it down in.
const NOT_REMEMBERED: &str = "rows without a file are accepted this once: no migration of the folder is recorded as applied, in \
    whose row that could be kept";

/// What was found of rows without a file.
fn left_out(matches: &[Match]) -> impl Iterator<Item = &Finding> {
    matches.iter().flat_map(|it| &it.findings).filter(|finding| finding.kind == FindingKind::MissingFile)
}

/// What was accepted when a row was recorded, a line each.
fn accepted_in(row: &HistoryRow) -> impl Iterator<Item = &str> {
    let kept = row.error.as_deref().filter(|_| row.state == RowState::Applied);
    kept.into_iter().flat_map(str::lines)
}

/// The row of the newest of these files that is applied.
fn newest_of<'a>(history: &'a [HistoryRow], files: &[ForeignFile<'_>]) -> Option<&'a HistoryRow> {
    let is_own = |row: &&HistoryRow| files.iter().any(|file| file.migration.id == row.id);
    history.iter().filter(|row| row.state == RowState::Applied).filter(is_own).max_by_key(|row| row.id.version())
}

/// What history rows tell of a migration that this tool applied.
pub(super) fn origin_of(tool: &str) -> Arc<str> {
    format!("adopted:{tool}").into()
}

/// The reader of the tool that the migrations were written for.
pub(super) fn reader_of(migrations: &[Migration]) -> Result<&'static dyn ForeignHistory, MigrateError> {
    let mut tools: Vec<&'static str> = Vec::new();
    for foreign in migrations.iter().filter_map(Migration::foreign) {
        if !tools.contains(&foreign.tool) {
            tools.push(foreign.tool);
        }
    }
    match *tools.as_slice() {
        [] => Err(refuse(
            "no migration was written for another tool: there is no history to go on with".to_owned(),
            "name that tool's folder with `--dir`, and its format with `--format` where the folder does not show it",
        )),
        [tool] => reader(tool).ok_or_else(|| {
            refuse(format!("the history of {tool} is not read yet"), "record what is applied with `whimbrel baseline`")
        }),
        _ => Err(refuse(
            format!("the migrations were written for several tools: {}", tools.join(", ")),
            "adopt the history of one at a time",
        )),
    }
}

fn first_value(rows: Vec<crate::backend::TextRow>) -> Option<String> {
    rows.into_iter().next()?.into_iter().next()?
}

fn refuse(message: String, hint: &str) -> MigrateError {
    MigrateError::backend("adopt", BackendError::new(BackendErrorKind::Config, message).with_hint(hint))
}

pub(super) fn other_not_read(error: BackendError) -> MigrateError {
    MigrateError::backend("read the other tool's history", error)
}
