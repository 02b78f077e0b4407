//! `pull`: the schema file of a database that is there already.

use std::fs;
use std::path::Path;

use serde::Serialize;
use whimbrel::schema::pull;

use super::Context;
use super::schema_targets::schema_file;
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Done {
    file: String,
    /// Whether the file was written: it was not where it says the same already.
    written: bool,
    tables: usize,
    unwritten: Vec<String>,
}

pub(super) async fn run(context: &Context, flags: &arguments::Pull) -> Result<u8, CliError> {
    let opened = context.open()?;
    let exists = opened.database.admin.exists().await;
    if !exists.map_err(|error| CliError::database("find the database", &error))? {
        let message = format!("{} is not there", printable(&opened.name()));
        let hint = "name the database that is to be read: `--url URL`";
        let problem = whimbrel::Problem::new("", message, hint);
        return Err(CliError { exit_code: exit_code::UNREACHABLE, problems: vec![problem] });
    }
    let file = schema_file(context)?;
    let live = opened.live().await?;
    if live == whimbrel::schema::Introspected::default() {
        let message = format!("there is nothing to pull: {} has no tables", printable(&opened.name()));
        return Err(CliError::failed(message, "name the database that has them: `--url URL`"));
    }
    let pulled = pull(opened.engine()?, &live.schema);
    let written = write(&file, &pulled.text, flags.force)?;
    let unwritten: Vec<String> = pulled.unwritten.iter().chain(&live.uncompared).map(|line| printable(line)).collect();
    let output = &context.output;
    for line in &unwritten {
        output.say(format_args!("{}: not in the file: {line}", output.err().notable("note")));
    }
    if written {
        output.data(file.display());
    } else {
        output.done(format_args!("{} says the same already", file.display()));
    }
    let code = if unwritten.is_empty() { exit_code::DONE } else { exit_code::NOT_AS_ASKED };
    if output.json {
        let tables = live.schema.tables.len();
        let done = Some(Done { file: file.display().to_string(), written, tables, unwritten });
        output.document(&json::Other { place: opened.place(), done, error: None });
    }
    Ok(code)
}

/// Writes the file; `false`: it is there with this text. One with another text is kept unless that is meant.
fn write(file: &Path, text: &str, force: bool) -> Result<bool, CliError> {
    match fs::read_to_string(file) {
        Ok(there) if there == text => return Ok(false),
        Ok(there) if !there.trim().is_empty() && !force => {
            let message = format!("{} is there and says something else", file.display());
            return Err(CliError::failed(message, "give `--force` to write it anew, or move it away"));
        }
        _ => {}
    }
    fs::write(file, text).map(|()| true).map_err(|error| {
        CliError::failed(
            format!("{} cannot be written: {error}", file.display()),
            "give this program the right to write there",
        )
    })
}
