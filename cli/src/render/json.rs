//! The JSON documents. Their keys are a contract: new ones may come, none goes and none changes its meaning.

use serde::Serialize;
use whimbrel::{
    Aftermath, Applied, Backup, Cause, FailedMigration, MigrateError, MigrationId, MigrationKey, MigrationStatus,
    Preview, Problem, Refusal, Report,
};

use super::failure::{LOCK_WAIT_HINT, place_of};
use crate::exit_code;

/// The database that a document is about; all `null` where none could be chosen.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Place {
    pub(crate) dialect: Option<&'static str>,
    pub(crate) target: Option<String>,
    pub(crate) database: Option<String>,
}

/// Which migration. The version is `null` for repeatables and seeds.
#[derive(Debug, Serialize)]
struct Identity {
    namespace: String,
    version: Option<String>,
    name: String,
    kind: &'static str,
}

impl Identity {
    fn new(id: &MigrationId, name: &str) -> Self {
        Self {
            namespace: id.namespace.to_string(),
            version: id.version().map(ToString::to_string),
            name: name.to_owned(),
            kind: id.kind(),
        }
    }
}

/// Which migration, as the command line names it: by its version, or by its name where it has none.
#[derive(Debug, Serialize)]
pub(crate) struct Key {
    namespace: String,
    version: Option<String>,
    name: Option<String>,
    kind: &'static str,
}

impl Key {
    pub(crate) fn new(id: &MigrationId) -> Self {
        let (version, name) = match &id.key {
            MigrationKey::Version(version) => (Some(version.to_string()), None),
            MigrationKey::Repeatable(name) | MigrationKey::Seed(name) => (None, Some(name.to_string())),
        };
        Self { namespace: id.namespace.to_string(), version, name, kind: id.kind() }
    }
}

/// `status --json`.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    #[serde(flatten)]
    place: Place,
    up_to_date: bool,
    applied: usize,
    pending: usize,
    migrations: Vec<Entry>,
    notes: Vec<String>,
    /// Tables of a database that has no history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untracked: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    identity: Identity,
    state: &'static str,
    checksum: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements_done: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements_total: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// In what the database was not as it should be when the migration was recorded without running.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
}

impl Status {
    pub(crate) fn new(place: Place, status: &whimbrel::Status) -> Self {
        Self {
            place,
            up_to_date: status.up_to_date,
            applied: status.applied(),
            pending: status.pending(),
            migrations: status.migrations.iter().map(Entry::new).collect(),
            notes: status.notes.iter().map(ToString::to_string).collect(),
            untracked: status.untracked.clone(),
        }
    }
}

impl Entry {
    fn new(status: &MigrationStatus) -> Self {
        Self {
            identity: Identity::new(&status.id, &status.name),
            state: status.state.as_str(),
            checksum: status.checksum.to_string(),
            applied_at: status.applied_at.map(|at| at.to_string()),
            duration_ms: status.duration_ms,
            origin: status.origin.as_ref().map(ToString::to_string),
            statements_done: status.progress.map(|(done, _)| done),
            statements_total: status.progress.map(|(_, total)| total),
            error: status.error.clone(),
            differences: status.differences.clone(),
        }
    }
}

/// `migrate --json`, also where it failed.
#[derive(Debug, Serialize)]
pub(crate) struct Migrate {
    #[serde(flatten)]
    place: Place,
    up_to_date: bool,
    applied: Vec<AppliedEntry>,
    /// Those that were recorded without being run, before anything was applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recorded: Vec<Key>,
    /// The table of another tool's history, where it was not there and the run made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_history_made: Option<String>,
    failed: Option<Failed>,
    /// Where one was asked for and there was something to copy, also where the run failed.
    backup: Option<BackupFile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

#[derive(Debug, Serialize)]
struct AppliedEntry {
    #[serde(flatten)]
    identity: Identity,
    applied_at: String,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct BackupFile {
    file: String,
    version: Option<String>,
    bytes: u64,
    exact: bool,
}

impl BackupFile {
    fn new(backup: &Backup) -> Self {
        let version = backup.version.as_ref().map(ToString::to_string);
        Self { file: backup.file.display().to_string(), version, bytes: backup.bytes, exact: backup.exact }
    }
}

#[derive(Debug, Serialize)]
struct Failed {
    #[serde(flatten)]
    identity: Identity,
    file: String,
    line: Option<u32>,
    column: Option<u32>,
    statement: Option<String>,
    sqlstate: Option<String>,
    code: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    rolled_back: bool,
    state: String,
}

impl Migrate {
    /// After a run that came to its end.
    pub(crate) fn done(place: Place, report: &Report, up_to_date: bool) -> Self {
        Self { up_to_date, ..Self::of(place, Some(report)) }
    }

    /// After a run that stopped.
    pub(crate) fn stopped(place: Place, error: &MigrateError) -> Self {
        let failed = error.failed().map(Failed::new);
        Self { failed, error: Some(Error::of_run(error)), ..Self::of(place, Some(error.report())) }
    }

    /// Where no run began.
    pub(crate) fn not_begun(place: Place, error: Error) -> Self {
        Self { error: Some(error), ..Self::of(place, None) }
    }

    fn of(place: Place, report: Option<&Report>) -> Self {
        let applied = report.map(|report| report.applied.iter().map(AppliedEntry::new).collect());
        let notes = report.map(|report| report.notes.iter().map(ToString::to_string).collect());
        Self {
            place,
            up_to_date: false,
            applied: applied.unwrap_or_default(),
            recorded: report.map(|report| report.recorded.iter().map(Key::new).collect()).unwrap_or_default(),
            other_history_made: report.and_then(|report| report.other_history_made.clone()),
            failed: None,
            backup: report.and_then(|report| report.backup.as_ref()).map(BackupFile::new),
            notes: notes.unwrap_or_default(),
            error: None,
        }
    }
}

impl AppliedEntry {
    fn new(applied: &Applied) -> Self {
        Self {
            identity: Identity::new(&applied.id, &applied.name),
            applied_at: applied.at.to_string(),
            duration_ms: applied.duration_ms,
        }
    }
}

impl Failed {
    fn new(failed: &FailedMigration) -> Self {
        let error = failed.cause.backend();
        let place = failed.statement.as_ref().map(place_of);
        let code = error.and_then(|error| error.code());
        let message = match (&failed.cause, error) {
            (Cause::Backend { .. }, Some(error)) => error.message().to_owned(),
            (cause, _) => cause.to_string(),
        };
        Self {
            identity: Identity::new(&failed.id, &failed.name),
            file: failed.file.clone(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            statement: failed.statement.as_ref().map(|statement| statement.text.clone()),
            sqlstate: code.filter(|code| is_sqlstate(code)).map(str::to_owned),
            code: code.map(str::to_owned),
            message,
            detail: error.and_then(|error| error.detail()).map(str::to_owned),
            hint: error.and_then(|error| error.hint()).map(str::to_owned),
            rolled_back: failed.aftermath == Aftermath::RolledBack,
            state: failed.aftermath.to_string(),
        }
    }
}

/// Five digits and capital letters, as the SQL standard has it.
fn is_sqlstate(code: &str) -> bool {
    code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// `migrate --dry-run --json`.
#[derive(Debug, Serialize)]
pub(crate) struct DryRun {
    #[serde(flatten)]
    place: Place,
    dry_run: bool,
    up_to_date: bool,
    pending: Vec<Planned>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Planned {
    #[serde(flatten)]
    identity: Identity,
    file: String,
    transactional: bool,
    resume_from: u32,
    statements: Vec<String>,
}

impl DryRun {
    pub(crate) fn new(place: Place, preview: &Preview, up_to_date: bool) -> Self {
        let pending = preview.steps.iter().map(|step| Planned {
            identity: Identity::new(&step.id, &step.name),
            file: step.file.clone(),
            transactional: step.transactional,
            resume_from: step.resume_from,
            statements: step.statements.clone(),
        });
        let notes = preview.notes.iter().map(ToString::to_string).collect();
        Self { place, dry_run: true, up_to_date, pending: pending.collect(), notes }
    }
}

/// The document of every other command: the database, what was done, and the error.
#[derive(Debug, Serialize)]
pub(crate) struct Other<T: Serialize> {
    #[serde(flatten)]
    pub(crate) place: Place,
    #[serde(flatten)]
    pub(crate) done: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Error>,
}

/// The document of arguments that were not understood; `told`: what is said of them, with its remedy after an empty line.
pub(crate) fn of_arguments(told: &str) -> Other<()> {
    let told_first: Vec<&str> = told.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = told_first.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let tip = told.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let hint = tip.unwrap_or("see `whimbrel --help`");
    let error = Error::of_problems(exit_code::USAGE, &[Problem::new("", message, hint)]);
    Other { place: Place::default(), done: None, error: Some(error) }
}

/// Why a command did not do its work.
#[derive(Debug, Serialize)]
pub(crate) struct Error {
    exit_code: u8,
    message: String,
    hint: Option<String>,
    problems: Vec<ProblemEntry>,
}

#[derive(Debug, Serialize)]
struct ProblemEntry {
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    hint: Option<String>,
}

impl Error {
    pub(crate) fn of_problems(exit_code: u8, problems: &[Problem]) -> Self {
        let message = problems.iter().map(short).collect::<Vec<_>>().join("\n");
        let hint = problems.first().map(|problem| problem.hint.clone()).filter(|hint| !hint.is_empty());
        Self { exit_code, message, hint, problems: problems.iter().map(ProblemEntry::new).collect() }
    }

    pub(crate) fn of_run(error: &MigrateError) -> Self {
        let exit_code = exit_code::of_run(error.kind());
        match error {
            MigrateError::Load { error, .. } => Self::of_problems(exit_code, error.problems()),
            MigrateError::Plan { error, .. } => {
                let problem = |refusal: &Refusal| Problem::new("", refusal.to_string(), refusal.hint());
                let problems = error.refusals().iter().map(problem).chain(error.problems().iter().cloned());
                Self::of_problems(exit_code, &problems.collect::<Vec<_>>())
            }
            MigrateError::Connect { error: told, .. } => {
                Self::of_database(exit_code, &format!("cannot connect: {told}"), told)
            }
            MigrateError::Backend { doing, error: told, .. } => {
                Self::of_database(exit_code, &format!("{doing}: {told}"), told)
            }
            MigrateError::LockWait { .. } => {
                let hint = Some(LOCK_WAIT_HINT.to_owned());
                Self { exit_code, message: error.to_string(), hint, problems: Vec::new() }
            }
            other => Self { exit_code, message: other.to_string(), hint: None, problems: Vec::new() },
        }
    }

    fn of_database(exit_code: u8, message: &str, error: &whimbrel::BackendError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { exit_code, message: message.to_owned(), hint, problems: Vec::new() }
    }
}

fn short(problem: &Problem) -> String {
    let mut place = problem.file.clone();
    for number in [problem.line, problem.column].into_iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    if place.is_empty() { problem.message.clone() } else { format!("{place}: {}", problem.message) }
}

impl ProblemEntry {
    fn new(problem: &Problem) -> Self {
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            file: filled(&problem.file),
            line: problem.line,
            column: problem.column,
            message: problem.message.clone(),
            hint: filled(&problem.hint),
        }
    }
}

#[cfg(test)]
mod tests;
