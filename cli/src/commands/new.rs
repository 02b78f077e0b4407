//! `new`: an empty migration, with the same version and name in every target's folder.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use whimbrel::history::DEFAULT_NAMESPACE;
use whimbrel::schema::generate::write_files;
use whimbrel::{DirectorySource, LoadError, NewMigration, Source, Timestamp, Version};

use super::Context;
use super::init::not_written;
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
    let _lock = super::write_lock(context, folders.iter().map(DirectorySource::path))?;
    let words = arguments.name.join(" ");
    let next = NewMigration::named(&words, &versions(&folders)?, Timestamp::now());
    let next = next.map_err(|why| CliError::usage(why, "say what it does, such as add_boards"))?;
    if next.file_name().len() > LONGEST_NAME {
        let message = format!("the name makes a file name of more than {LONGEST_NAME} bytes");
        return Err(CliError::usage(message, "say it in fewer words"));
    }
    let files = files(&folders, &next)?;
    write_files(&files).map_err(|error| not_written(&error.file, &error.source))?;
    let files: Vec<&PathBuf> = files.iter().map(|(path, _)| path).collect();
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
fn versions(folders: &[DirectorySource]) -> Result<Vec<Version>, CliError> {
    let (mut versions, mut problems) = (Vec::new(), Vec::new());
    for folder in folders.iter().filter(|folder| folder.path().exists()) {
        let loaded = folder.load(&Arc::from(DEFAULT_NAMESPACE));
        versions.extend(loaded.migrations.iter().filter_map(|m| m.id.version().cloned()));
        problems.extend(loaded.problems);
    }
    LoadError::unless_empty(problems)?;
    Ok(versions)
}

/// The files of the migration in every folder, with their texts.
fn files(folders: &[DirectorySource], new: &NewMigration) -> Result<Vec<(PathBuf, String)>, CliError> {
    let mut files = Vec::new();
    for folder in folders {
        let of_folder = folder.files_of(&[(new, &header(new))], Timestamp::now()).map_err(LoadError::from)?;
        files.extend(of_folder.into_iter().map(|file| (folder.path().join(file.file), file.text)));
    }
    Ok(files)
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
