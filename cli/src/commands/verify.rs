//! `verify`: the history against the folder, and the database against the snapshot of its newest migration.

use serde::Serialize;
use whimbrel::schema::baseline::{Evidence, Proof, verify};
use whimbrel::{MigrationState, Source, Status};

use super::schema_targets::{refused, scratch_of};
use super::{Context, Opened};
use crate::arguments::Waits;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Verified {
    agrees: bool,
    migrations: Vec<String>,
    snapshot: Option<String>,
    drift: Vec<String>,
    /// In what the database differed when a migration was recorded all the same.
    recorded_in_spite_of: Vec<String>,
    uncompared: Vec<String>,
}

pub(super) async fn run(context: &Context) -> Result<u8, CliError> {
    let opened = context.open()?;
    let status = match opened.migrator(&Waits::default())?.status().await {
        Ok(status) => status,
        Err(error) => return Ok(opened.show(&error)),
    };
    let migrations = not_as_recorded(&status);
    let proof = compared(&opened, &status).await?;
    let told = |lines: Vec<String>| lines.iter().map(|line| printable(line)).collect::<Vec<_>>();
    let (version, drift, uncompared) = match proof {
        Some(Proof { version, differences, uncompared, .. }) => {
            let differences = differences.iter().map(|placed| placed.difference.to_string()).collect();
            (Some(version.to_string()), told(differences), told(uncompared))
        }
        None => (None, Vec::new(), Vec::new()),
    };
    let recorded_in_spite_of = in_spite_of(&status);
    // Without a comparison nobody knows whether it still differs.
    let settled = recorded_in_spite_of.is_empty() || (version.is_some() && uncompared.is_empty());
    let verified = Verified {
        agrees: migrations.is_empty() && drift.is_empty() && settled,
        migrations,
        snapshot: version,
        drift,
        recorded_in_spite_of,
        uncompared,
    };
    super::status::untracked(&opened, &status);
    let code = if verified.agrees { exit_code::DONE } else { exit_code::NOT_AS_ASKED };
    show(&opened, verified);
    Ok(code)
}

/// The differences that were there when a migration was recorded by force.
fn in_spite_of(status: &Status) -> Vec<String> {
    let of = |migration: &whimbrel::MigrationStatus| {
        let name = migration.id.called(&migration.name);
        let line = move |difference: &String| printable(&format!("{name} was recorded in spite of this: {difference}"));
        migration.differences.iter().map(line).collect::<Vec<_>>()
    };
    status.migrations.iter().flat_map(of).collect()
}

/// Migrations that are recorded otherwise than their files say. Pending ones are no disagreement.
fn not_as_recorded(status: &Status) -> Vec<String> {
    use MigrationState::{Edited, Failed, Gone, Interrupted, Missing, Unknown};
    let is_wrong = |state| matches!(state, Edited | Missing | Unknown | Failed | Interrupted | Gone);
    let wrong = status.migrations.iter().filter(|migration| is_wrong(migration.state));
    wrong.map(|migration| printable(&format!("{} {}: {}", migration.id, migration.name, migration.state))).collect()
}

/// How the database differs from what the newest of its migrations left; `None`: nothing tells what that is.
async fn compared(opened: &Opened<'_>, status: &Status) -> Result<Option<Proof>, CliError> {
    let applied = status.migrations.iter().filter(|migration| migration.state.is_done());
    let Some(newest) = applied.filter_map(|migration| migration.id.version()).max() else { return Ok(None) };
    let (dialect, live) = (opened.engine()?, opened.live().await?);
    let lexer = dialect.dialect().lexer;
    let migrations = opened.target.source(lexer)?.load(&opened.namespace().into()).complete()?;
    let snapshots = opened.snapshots()?;
    // To look at a database makes no other one on its server, unless one is named for that.
    let scratch = scratch_of(dialect, opened.target.scratch_url.as_deref())?;
    let evidence =
        Evidence { dialect, scratch: scratch.as_deref(), migrations: &migrations, snapshots: &snapshots, live: &live };
    stoppable(verify(evidence, newest)).await?.map_err(refused)
}

fn show(opened: &Opened<'_>, verified: Verified) {
    let output = &opened.context.output;
    verified.migrations.iter().for_each(|line| output.data(line));
    verified.drift.iter().for_each(|line| output.data(line));
    verified.recorded_in_spite_of.iter().for_each(|line| output.data(line));
    for line in &verified.uncompared {
        output.say(format_args!("{}: not compared: {line}", output.err().notable("note")));
    }
    match &verified.snapshot {
        None => output.say(format_args!(
            "{}: the schema was NOT compared: the newest applied migration has no snapshot, and there is no throw-away database (scratch-url)",
            output.err().notable("note")
        )),
        Some(version) if verified.agrees => {
            output.done(format_args!("the history fits the folder, and the database is as {version} left it"));
        }
        Some(_) => {}
    }
    if output.json {
        output.document(&json::Other { place: opened.place(), done: Some(verified), error: None });
    }
}
