//! `new`: an empty migration, with the same version and name in every target's folder.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use whimbrel::history::DEFAULT_NAMESPACE;
use whimbrel::{DirectorySource, LoadError, Source, Timestamp, Version};

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

pub(super) fn run(context: &Context, arguments: &New) -> Result<u8, CliError> {
    for (given, flag) in [(context.common.url.is_some(), "--url"), (context.common.target.is_some(), "--target")] {
        if given {
            let message = format!("`new` writes into every target's folder, and has no use for {flag}");
            return Err(CliError::usage(message, "take it away; `--dir FOLDER` names one folder"));
        }
    }
    let name = snake_case(&arguments.name.join(" "));
    if name.is_empty() {
        return Err(CliError::usage("the name has no letter and no digit", "say what it does, such as add_boards"));
    }
    let config = context.config()?;
    let folders = crate::target::every_folder(&context.common, config.as_ref(), &context.environment)?;
    let version = Version::next_after(&versions(&folders)?, Timestamp::now()).to_string();
    let files: Vec<PathBuf> = folders.iter().map(|folder| folder.join(format!("{version}_{name}.sql"))).collect();
    write_all(&files, &header(&version, &name))?;
    for file in &files {
        context.output.data(file.display());
    }
    if context.output.json {
        let files = files.iter().map(|file| file.display().to_string()).collect();
        let done = Some(Written { version, name, files });
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

/// Letters and digits of every script in lower case, `_` between words.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        let starts_word = c.is_uppercase() && after_lower;
        if (starts_word || !c.is_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    name.trim_end_matches('_').to_owned()
}

fn header(version: &str, name: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_become_snake_case() {
        for (text, name) in [
            ("add_boards", "add_boards"),
            ("Add boards", "add_boards"),
            ("AddBoards2Users", "add_boards2_users"),
            ("  add--boards!  ", "add_boards"),
            ("../../etc/passwd", "etc_passwd"),
            ("Größe ändern", "größe_ändern"),
            ("HTTP", "http"),
            ("a'; drop table x", "a_drop_table_x"),
            ("!!!", ""),
        ] {
            assert_eq!(snake_case(text), name, "{text}");
        }
    }
}
