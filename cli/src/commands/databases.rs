//! `create`, `drop`, `reset`: whole databases.

use std::io::{self, BufRead, IsTerminal};

use serde::Serialize;
use whimbrel::DatabaseAdmin;

use super::{Context, Opened, migrate};
use crate::arguments::{Drop, Reset};
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;

/// How many tables are named before the rest is counted.
const MOST_TABLES: usize = 20;

#[derive(Debug, Serialize)]
struct Created {
    created: bool,
}

#[derive(Debug, Serialize)]
struct Dropped {
    dropped: bool,
}

pub(super) async fn create(context: &Context) -> Result<u8, CliError> {
    let opened = context.open()?;
    let name = printable(&opened.name());
    let doing = format!("create {name}");
    let created = opened.database.admin.create().await.map_err(|error| CliError::database(&doing, &error))?;
    match created {
        true => context.output.done(format_args!("created {name}")),
        false => context.output.done(format_args!("{name} is there already")),
    }
    report(&opened, Created { created });
    Ok(exit_code::DONE)
}

pub(super) async fn drop(context: &Context, flags: &Drop) -> Result<u8, CliError> {
    let opened = context.open()?;
    let dropped = remove(&opened, "drop", flags.yes).await?;
    if !dropped {
        context.output.done(format_args!("{} is not there", printable(&opened.name())));
    }
    report(&opened, Dropped { dropped });
    Ok(exit_code::DONE)
}

pub(super) async fn reset(context: &Context, flags: &Reset) -> Result<u8, CliError> {
    let opened = context.open()?;
    let migrator = opened.starting(&flags.waits)?;
    let migrator = if flags.no_seed { migrator.without_seeds() } else { migrator };
    // What could not be migrated afterwards is not removed before.
    if let Err(error) = migrator.check().await {
        let code = migrate::stopped(&opened, &error);
        context.output.error("nothing was removed");
        return Ok(code);
    }
    remove(&opened, "reset", flags.yes).await?;
    let name = printable(&opened.name());
    let doing = format!("create {name}, which is removed");
    opened.database.admin.create().await.map_err(|error| CliError::database(&doing, &error))?;
    context.output.done(format_args!("created {name}"));
    Ok(migrate::apply(&opened, &migrator, flags.no_seed).await)
}

/// Removes the database, after a question. `false`: it was not there.
async fn remove(opened: &Opened<'_>, command: &str, yes: bool) -> Result<bool, CliError> {
    let name = printable(&opened.name());
    if !opened.target.named_in_file {
        return Err(CliError::usage(
            format!("`{command}` removes only a database that whimbrel.toml names, and {name} is not one"),
            "write a target with its url into the file",
        ));
    }
    let admin = &opened.database.admin;
    let failed = |error: whimbrel::BackendError| CliError::database(&format!("{command} {name}"), &error);
    if !admin.exists().await.map_err(failed)? {
        return Ok(false);
    }
    if !yes {
        ask(opened, command, &name, &admin.contents().await.map_err(failed)?)?;
    }
    let dropped = DatabaseAdmin::drop(&**admin).await.map_err(failed)?;
    if dropped {
        opened.context.output.done(format_args!("dropped {name}"));
    }
    Ok(dropped)
}

/// Shows what will be lost and asks.
fn ask(opened: &Opened<'_>, command: &str, name: &str, contents: &[(String, u64)]) -> Result<(), CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::usage(
            format!("`{command}` removes {name} with {}, and nobody can be asked", total(contents)),
            "give `--yes` if that is meant",
        ));
    }
    let output = &opened.context.output;
    output.error(format_args!("{name} will be removed, with {}:", total(contents)));
    for (table, rows) in contents.iter().take(MOST_TABLES) {
        output.error(format_args!("  {} ({rows} rows)", printable(table)));
    }
    if contents.len() > MOST_TABLES {
        output.error(format_args!("  and {} more tables", contents.len() - MOST_TABLES));
    }
    output.error("write `yes` to go on:");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::failed("not confirmed, nothing was touched", ""))
}

fn total(contents: &[(String, u64)]) -> String {
    let rows: u64 = contents.iter().map(|(_, rows)| rows).sum();
    format!("{} tables and {rows} rows", contents.len())
}

fn report(opened: &Opened<'_>, done: impl Serialize) {
    let output = &opened.context.output;
    if output.json {
        output.document(&json::Other { place: opened.place(), done: Some(done), error: None });
    }
}
