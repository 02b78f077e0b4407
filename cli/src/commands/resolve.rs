//! `resolve`: settles a migration that stopped part-way.

use serde::Serialize;
use whimbrel::{MigrationId, MigrationKey, Resolution};

use super::Context;
use crate::arguments::{Resolve, Waits};
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Resolved {
    #[serde(flatten)]
    migration: json::Key,
    resolution: &'static str,
}

pub(super) async fn run(context: &Context, arguments: &Resolve) -> Result<u8, CliError> {
    let key = key(&arguments.migration.join(" "))?;
    let opened = context.open()?;
    let id = MigrationId { namespace: opened.namespace().into(), key };
    let resolution = arguments.resolution();
    if let Err(error) = opened.migrator(&Waits::default())?.resolve_migration(&id, resolution).await {
        return Ok(opened.show(&error));
    }
    let (word, next) = match resolution {
        Resolution::Done => ("done", "the statement counts as done: `whimbrel migrate` goes on after it"),
        Resolution::Retry => ("retry", "the statement counts as not run: `whimbrel migrate` begins with it"),
        Resolution::Forget => ("forget", "its row is gone: `whimbrel migrate` runs it from its beginning"),
    };
    context.output.done(format_args!("resolved {}: {next}", printable(&id.to_string())));
    if context.output.json {
        let done = Some(Resolved { migration: json::Key::new(&id), resolution: word });
        context.output.document(&json::Other { place: opened.place(), done, error: None });
    }
    Ok(exit_code::DONE)
}

fn key(text: &str) -> Result<MigrationKey, CliError> {
    text.parse().map_err(|error: whimbrel::InvalidVersion| {
        CliError::usage(error.to_string(), "write the version, or `seed NAME`, or `repeatable NAME`")
    })
}
