//! `new`: an empty migration, with the same version and name in every target's folder.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use whimbrel::history::DEFAULT_NAMESPACE;
use whimbrel::{DirectorySource, LoadError, NewMigration, Source, Timestamp, Version};

use super::Context;
use super::init::{not_written, write_new};
use crate::arguments::New;
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Written {
    version: String,
    name: String,
    files: Vec<String>,
}

/// What file systems take, in bytes.
const LONGEST_NAME: usize = 255;

pub(super) fn run(context: &Context, arguments: &New) -> Result<u8, CliError> {
    for (given, flag) in [(context.common.url.is_some(), "--url"), (context.common.target.is_some(), "--target")] {
        if given {
            let message = format!("`new` writes into every target's folder, and has no use for {flag}");
            return Err(CliError::usage(message, "take it away; `--dir FOLDER` names one folder"));
        }
    }
    let config = context.config()?;
    let folders = crate::target::every_folder(&context.common, config.as_ref(), &context.environment)?;
    let words = arguments.name.join(" ");
    let next = NewMigration::named(&words, &versions(&folders)?, Timestamp::now());
    let next = next.map_err(|why| CliError::usage(why, "say what it does, such as add_boards"))?;
    if next.file_name().len() > LONGEST_NAME {
        let message = format!("the name makes a file name of more than {LONGEST_NAME} bytes");
        return Err(CliError::usage(message, "say it in fewer words"));
    }
    let files: Vec<PathBuf> = folders.iter().map(|folder| folder.join(next.file_name())).collect();
    write_all(&files, &header(&next))?;
    for file in &files {
        context.output.data(file.display());
    }
    if context.output.json {
        let files = files.iter().map(|file| file.display().to_string()).collect();
        let done = Some(Written { version: next.version.to_string(), name: next.name, files });
        context.output.document(&json::Other { place: json::Place::default(), done, error: None });
    }
    Ok(exit_code::DONE)
}

/// The versions in all folders. One that is not there has none, and is made.
fn versions(folders: &[PathBuf]) -> Result<Vec<Version>, CliError> {
    let (mut versions, mut problems) = (Vec::new(), Vec::new());
    for folder in folders.iter().filter(|folder| folder.exists()) {
        let loaded = DirectorySource::new(folder).load(&Arc::from(DEFAULT_NAMESPACE));
        versions.extend(loaded.migrations.iter().filter_map(|m| m.id.version().cloned()));
        problems.extend(loaded.problems);
    }
    LoadError::unless_empty(problems)?;
    Ok(versions)
}

/// Writes every file, or none.
fn write_all(files: &[PathBuf], text: &str) -> Result<(), CliError> {
    for (index, file) in files.iter().enumerate() {
        if let Err(error) = write_new(file, text) {
            // A migration in one folder only would stop the other target.
            files[..index].iter().for_each(|written| drop(fs::remove_file(written)));
            return Err(not_written(file, &error));
        }
    }
    Ok(())
}

fn header(new: &NewMigration) -> String {
    let NewMigration { version, name, .. } = new;
    format!(
        "\
-- {version} {name}
--
-- It runs in one transaction, so it needs no BEGIN and no COMMIT. What it may ask for stands above its first statement,
-- each as a comment of its own that begins with `whimbrel:`, such as
--   `whimbrel: no-transaction`        each statement alone, for CREATE INDEX CONCURRENTLY or VACUUM
--   `whimbrel: lock-timeout 5s`       Postgres: how long a statement waits for a table
--   `whimbrel: foreign-keys off`      SQLite: to rebuild a table that others refer to

"
    )
}
