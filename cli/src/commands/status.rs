//! `status`: every migration and its state.

use whimbrel::{MigrationState, MigrationStatus, Status, UntrackedRefusal};

use super::{Context, Opened};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Style, printable};
use crate::render::json;

pub(super) async fn run(context: &Context, flags: &arguments::Status) -> Result<u8, CliError> {
    let opened = context.open()?;
    let status = match opened.migrator(&arguments::Waits::default())?.status().await {
        Ok(status) => status,
        Err(error) => return Ok(opened.show(&error)),
    };
    show(&opened, &status);
    Ok(if flags.check && !status.up_to_date { exit_code::NOT_AS_ASKED } else { exit_code::DONE })
}

fn show(opened: &Opened<'_>, status: &Status) {
    let output = &opened.context.output;
    for note in &status.notes {
        output.say(format_args!("{}: {}", output.err().notable("note"), printable(&note.to_string())));
    }
    untracked(opened, status);
    for (namespace, rows) in &status.other_namespaces {
        output
            .detail(format_args!("the history also holds {rows} migrations of the namespace {}", printable(namespace)));
    }
    if output.json {
        return output.document(&json::Status::new(opened.place(), status));
    }
    let target = opened.target.name.as_ref().map(|name| format!(" (target {})", printable(name))).unwrap_or_default();
    output.done(format_args!("{} {}{target}", status.dialect, printable(&status.database)));
    for line in table(&status.migrations, output.out()) {
        output.data(line);
    }
    output.done(summary(status));
}

/// What is to be known of a database that has tables and no history.
pub(super) fn untracked(opened: &Opened<'_>, status: &Status) {
    if status.untracked.is_empty() {
        return;
    }
    let (output, refusal) = (&opened.context.output, UntrackedRefusal::of(&status.untracked));
    output.say(format_args!("{}: {}", output.err().notable("note"), printable(&refusal.to_string())));
    output.say(format_args!("  {}: {}", output.err().notable("hint"), refusal.hint));
}

fn summary(status: &Status) -> String {
    let (applied, pending) = (status.applied(), status.pending());
    let others = status.migrations.len().saturating_sub(applied + pending);
    let wrong = if others > 0 { format!(", {others} to look at") } else { String::new() };
    let verdict = if status.up_to_date { "up to date: " } else { "" };
    format!("{verdict}{applied} applied, {pending} pending{wrong}")
}

/// One line for each migration, in columns, and one for each difference that it was recorded in spite of.
fn table(migrations: &[MigrationStatus], style: Style) -> Vec<String> {
    let name = |m: &MigrationStatus| printable(&m.id.called(&m.name));
    let longest = migrations.iter().map(|m| name(m).chars().count()).max().unwrap_or(0);
    let widest = migrations.iter().map(|m| m.state.as_str().len()).max().unwrap_or(0);
    let lines = |m: &MigrationStatus| {
        let state = format!("{:widest$}", m.state.as_str());
        let state = match m.state {
            state_of if state_of.is_done() => style.good(state),
            MigrationState::Pending | MigrationState::Running => style.notable(state),
            _ => style.bad(state),
        };
        let line = format!("  {state}  {:longest$}  {}", name(m), details(m)).trim_end().to_owned();
        let differences = m.differences.iter().map(|difference| format!("    differs: {}", printable(difference)));
        std::iter::once(line).chain(differences).collect::<Vec<_>>()
    };
    migrations.iter().flat_map(lines).collect()
}

fn details(migration: &MigrationStatus) -> String {
    let mut details = Vec::new();
    details.extend(migration.applied_at.map(|at| at.to_string()));
    details.extend(migration.duration_ms.map(|ms| format!("{ms} ms")));
    details.extend(migration.progress.map(|(done, total)| format!("{done} of {total} statements done")));
    if migration.state == MigrationState::Running {
        details.extend(migration.run_by.as_ref().map(|who| format!("being applied by {who}")));
    }
    details.extend(migration.error.as_ref().and_then(|error| error.lines().next()).map(str::to_owned));
    printable(&details.join("  "))
}
