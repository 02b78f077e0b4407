//! Why a run stopped, for people: what, where, what state the database is in, and what to do next.

use std::fmt::Write;

use whimbrel::{
    Aftermath, BackendError, Cause, FailedMigration, FailedStatement, MigrateError, PlanError, Problem, Report,
};

use super::excerpt::Excerpt;
use crate::output::{Style, printable};

/// The most problems that are shown; there may be one for each of ten thousand files.
const MOST_PROBLEMS: usize = 50;

/// What to do about a lock that could not be had.
pub(super) const LOCK_WAIT_HINT: &str = "wait until it is done, or wait longer with `--lock-wait`";

/// The whole text, without a line end.
pub(crate) fn of_run(error: &MigrateError, database: &str, style: Style) -> String {
    let mut text = Text { text: String::new(), style };
    match error {
        MigrateError::Load { error, .. } => text.problems(error.problems()),
        MigrateError::Plan { error, .. } => text.refusals(error),
        MigrateError::Connect { error, .. } => {
            text.database_error(&format!("cannot connect to {}", printable(database)), error)
        }
        MigrateError::Backend { doing, error, .. } => {
            text.database_error(&format!("{}: {doing}", printable(database)), error);
        }
        MigrateError::LockWait { .. } => {
            text.error(&error.reason().to_string());
            text.hint(LOCK_WAIT_HINT);
        }
        MigrateError::Migration { failed, report } => text.migration(failed, report),
        MigrateError::Cancelled { during, report } => text.cancelled(during.as_deref(), report),
        other => text.error(&other.reason().to_string()),
    }
    match error {
        // These tell it in words of their own.
        MigrateError::Migration { .. } | MigrateError::Cancelled { .. } => {}
        other => text.progress(other.report(), matches!(other, MigrateError::Plan { .. })),
    }
    if let Some(backup) = &error.report().backup {
        text.label("backup", &backup.file.display().to_string());
    }
    text.text.trim_end().to_owned()
}

/// Problems of files, arguments or configuration.
pub(crate) fn of_problems(problems: &[Problem], style: Style) -> String {
    let mut text = Text { text: String::new(), style };
    text.problems(problems);
    text.text.trim_end().to_owned()
}

struct Text {
    text: String,
    style: Style,
}

impl Text {
    fn error(&mut self, message: &str) {
        let word = self.style.bad("error");
        self.line(&format!("{word}: {}", indented(message)));
    }

    fn hint(&mut self, hint: &str) {
        if !hint.is_empty() {
            self.label("hint", hint);
        }
    }

    fn label(&mut self, label: &str, value: &str) {
        let label = self.style.notable(label);
        self.line(&format!("  {label}: {}", indented(value)));
    }

    fn line(&mut self, line: &str) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn problems(&mut self, problems: &[Problem]) {
        for problem in problems.iter().take(MOST_PROBLEMS) {
            let place = place(&problem.file, problem.line.map(|line| (line, problem.column)));
            let separator = if place.is_empty() { "" } else { ": " };
            self.error(&format!("{place}{separator}{}", problem.message));
            self.hint(&problem.hint);
        }
        if problems.len() > MOST_PROBLEMS {
            self.error(&format!("and {} more", problems.len() - MOST_PROBLEMS));
        }
    }

    fn refusals(&mut self, error: &PlanError) {
        for refusal in error.refusals().iter().take(MOST_PROBLEMS) {
            self.error(&refusal.to_string());
            self.hint(&refusal.hint());
        }
        if error.refusals().len() > MOST_PROBLEMS {
            self.error(&format!("and {} more", error.refusals().len() - MOST_PROBLEMS));
        }
        self.problems(error.problems());
    }

    fn database_error(&mut self, doing: &str, error: &BackendError) {
        self.error(&format!("{doing}: {error}"));
        self.told_by_database(error);
    }

    fn told_by_database(&mut self, error: &BackendError) {
        if let Some(detail) = error.detail() {
            self.label("detail", detail);
        }
        if let Some(context) = error.context() {
            self.label("context", context);
        }
        self.hint(error.hint().unwrap_or_default());
    }

    /// What was applied before it stopped; before a run begins nothing is planned.
    fn progress(&mut self, report: &Report, refused: bool) {
        match report.planned {
            0 if refused => self.line("nothing was touched"),
            0 => {}
            planned => self.line(&format!("{} of {planned} applied", report.applied.len())),
        }
    }

    fn migration(&mut self, failed: &FailedMigration, report: &Report) {
        self.error(&format!("{} failed", failed.title()));
        self.failed(failed);
        self.line(&format!("{}; {} of {} applied", failed.aftermath, report.applied.len(), report.planned));
        self.next(failed);
    }

    fn failed(&mut self, failed: &FailedMigration) {
        let at = failed.statement.as_ref().map(place_of);
        let arrow = self.style.frame("-->");
        let file = place(&failed.file, at.map(|(line, column)| (line, Some(column))));
        self.line(&format!(" {arrow} {}", printable(&file)));
        if let Some(statement) = &failed.statement {
            let FailedStatement { text, line, column, error_at, .. } = statement;
            let excerpt = Excerpt { text, line: *line, column: *column, caret: *error_at };
            self.text.push_str(&excerpt.render(self.style));
        }
        match &failed.cause {
            Cause::Backend { doing, error } => {
                self.label(&printable(doing), &error.to_string());
                self.told_by_database(error);
            }
            Cause::Load(error) => self.problems(error.problems()),
            other => self.label("reason", &other.to_string()),
        }
    }

    fn next(&mut self, failed: &FailedMigration) {
        let next = match failed.aftermath {
            Aftermath::RolledBack => "correct it, then run `whimbrel migrate` again".to_owned(),
            Aftermath::PartWay { done, total } => {
                match done < total {
                    true => {
                        format!("correct it, then run `whimbrel migrate` again: it goes on with statement {}", done + 1)
                    }
                    // All of it ran.
                    false => format!(
                        "mend what it left, then `whimbrel migrate` looks again and records it as applied; or, where it may stay \
                         so, `whimbrel resolve {} --done`",
                        failed.id.arguments()
                    ),
                }
            }
            Aftermath::Unclear { done, .. } => format!(
                "look whether statement {} took effect, then run `whimbrel resolve {} --done` or `--retry`",
                done + 1,
                failed.id.arguments()
            ),
            Aftermath::InDoubt => {
                "run `whimbrel status` when the database answers: the history tells whether it was committed".to_owned()
            }
        };
        self.label("next", &next);
    }

    fn cancelled(&mut self, during: Option<&FailedMigration>, report: &Report) {
        let mut message = "interrupted; ".to_owned();
        if let Some(failed) = during {
            message.push_str(&format!("{}: {}; ", failed.title(), failed.aftermath));
        }
        // Before a run begins nothing is planned.
        match report.planned {
            0 => message.push_str("nothing was applied"),
            planned => message.push_str(&format!("{} of {planned} applied", report.applied.len())),
        }
        self.error(&message);
        match during {
            Some(failed) if failed.aftermath != Aftermath::RolledBack => self.next(failed),
            _ => self.label("next", "run `whimbrel migrate` again: it goes on where this one stopped"),
        }
    }
}

/// Where the statement failed: where the database points, else where it begins.
pub(crate) fn place_of(statement: &FailedStatement) -> (u32, u32) {
    statement.error_at.unwrap_or((statement.line, statement.column))
}

fn place(file: &str, at: Option<(u32, Option<u32>)>) -> String {
    match at {
        Some((line, Some(column))) => format!("{file}:{line}:{column}"),
        Some((line, None)) => format!("{file}:{line}"),
        None => file.to_owned(),
    }
}

/// Later lines stand under the first.
fn indented(text: &str) -> String {
    printable(text).trim_end().replace('\n', "\n    ")
}

#[cfg(test)]
mod tests;
