//! `migrate`: applies what is pending, or shows what would be.

use whimbrel::{DatabaseAhead, MigrateError, Migrator, OutOfOrder, PlannedMigration, Preview, Report};

use super::{Context, Opened};
use crate::arguments::{Migrate, Transaction, Waits};
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::{failure, json};

pub(super) async fn run(context: &Context, flags: &Migrate) -> Result<u8, CliError> {
    let opened = context.open()?;
    let migrator = with_flags(opened.starting(&flags.waits)?, flags);
    if flags.dry_run {
        return Ok(dry_run(&opened, &migrator, flags).await);
    }
    Ok(apply(&opened, &migrator, flags.to.is_some() || flags.no_seed).await)
}

fn with_flags(migrator: Migrator, flags: &Migrate) -> Migrator {
    let mut migrator = migrator.transaction(flags.transaction.into());
    if let Some(version) = &flags.to {
        migrator = migrator.to(version.clone());
    }
    if flags.allow_out_of_order {
        migrator = migrator.out_of_order(OutOfOrder::Allow);
    }
    if flags.allow_database_ahead {
        migrator = migrator.database_ahead(DatabaseAhead::Allow);
    }
    if flags.backup {
        migrator = migrator.backup_first();
    }
    if flags.no_seed { migrator.without_seeds() } else { migrator }
}

/// Runs, and shows how it ended. `partial`: something may be pending after a run that did all that was asked.
pub(super) async fn apply(opened: &Opened<'_>, migrator: &Migrator, partial: bool) -> u8 {
    let result = migrator.migrate().await;
    let output = &opened.context.output;
    output.set_bar(None);
    match result {
        Ok(report) => {
            output.done(summary(&report));
            if output.json {
                let up_to_date = !partial || is_up_to_date(opened).await;
                output.document(&json::Migrate::done(opened.place(), &report, up_to_date));
            }
            exit_code::DONE
        }
        Err(error) => stopped(opened, &error),
    }
}

/// Whether nothing is left, whatever this run was told to leave out.
async fn is_up_to_date(opened: &Opened<'_>) -> bool {
    match opened.migrator(&Waits::default()) {
        Ok(migrator) => migrator.status().await.is_ok_and(|status| status.up_to_date),
        Err(_) => false,
    }
}

/// Shows why a run stopped.
pub(super) fn stopped(opened: &Opened<'_>, error: &MigrateError) -> u8 {
    let output = &opened.context.output;
    output.error(failure::of_run(error, &opened.name(), output.err()));
    if output.json {
        output.document(&json::Migrate::stopped(opened.place(), error));
    }
    exit_code::of_run(error.kind())
}

fn summary(report: &Report) -> String {
    let time = report.applied.iter().map(|applied| applied.duration_ms).sum::<u64>();
    match report.applied.len() {
        0 => "nothing pending".to_owned(),
        1 => format!("1 migration applied in {time} ms"),
        number => format!("{number} migrations applied in {time} ms"),
    }
}

async fn dry_run(opened: &Opened<'_>, migrator: &Migrator, flags: &Migrate) -> u8 {
    let output = &opened.context.output;
    let preview = match migrator.plan().await {
        Ok(preview) => preview,
        Err(error) => return stopped(opened, &error),
    };
    for note in &preview.notes {
        output.say(format_args!("{}: {}", output.err().notable("note"), printable(&note.to_string())));
    }
    if output.json {
        let up_to_date = is_up_to_date(opened).await;
        output.document(&json::DryRun::new(opened.place(), &preview, up_to_date));
    } else {
        script(&preview, flags.transaction, |line| output.data(line));
    }
    exit_code::DONE
}

/// The SQL in order. Comments tell which migration, and what shares a transaction.
fn script(preview: &Preview, mode: Transaction, mut line: impl FnMut(&str)) {
    if preview.steps.is_empty() {
        return line("-- nothing pending");
    }
    if mode == Transaction::All {
        line("-- all in one transaction\n");
    }
    for (index, step) in preview.steps.iter().enumerate() {
        if index > 0 {
            line("");
        }
        line(&heading(step, mode));
        let done = usize::try_from(step.resume_from).unwrap_or(usize::MAX);
        for statement in step.statements.iter().skip(done) {
            line(&terminated(statement));
        }
    }
}

fn heading(step: &PlannedMigration, mode: Transaction) -> String {
    let transaction = match (step.transactional, mode) {
        (true, Transaction::Each) => ", in one transaction",
        (true, Transaction::All) => "",
        (false, _) => ", without a transaction",
    };
    let resumed = match step.resume_from {
        0 => String::new(),
        done => format!(", goes on after {done} statements that are done"),
    };
    // A file's name may hold a line end, which would end the comment.
    let heading = format!("-- {} ({}){transaction}{resumed}", step.id.called(&step.name), step.file);
    printable(&heading).replace('\n', " ")
}

/// A statement with a semicolon, on a line of its own where a comment ends the text.
fn terminated(statement: &str) -> String {
    let text = statement.trim_end();
    let last = text.lines().next_back().unwrap_or_default();
    match text {
        text if text.ends_with(';') && !last.contains("--") => text.to_owned(),
        text if last.contains("--") => format!("{text}\n;"),
        text => format!("{text};"),
    }
}
