//! `resolve`: settles a migration that stopped part-way.

use serde::Serialize;
use whimbrel::Resolution;

use super::Context;
use crate::arguments::{Resolve, Waits};
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Resolved {
    version: String,
    resolution: &'static str,
}

pub(super) async fn run(context: &Context, arguments: &Resolve) -> Result<u8, CliError> {
    let opened = context.open()?;
    let (resolution, version) = (arguments.resolution(), &arguments.version);
    if let Err(error) = opened.migrator(&Waits::default()).resolve(version, resolution).await {
        return Ok(opened.show(&error));
    }
    let (word, next) = match resolution {
        Resolution::Done => ("done", "the statement counts as done: `whimbrel migrate` goes on after it"),
        Resolution::Retry => ("retry", "the statement counts as not run: `whimbrel migrate` begins with it"),
        Resolution::Forget => ("forget", "its row is gone: `whimbrel migrate` runs it from its beginning"),
    };
    context.output.done(format_args!("resolved {version}: {next}"));
    if context.output.json {
        let done = Some(Resolved { version: version.to_string(), resolution: word });
        context.output.document(&json::Other { place: opened.place(), done, error: None });
    }
    Ok(exit_code::DONE)
}
