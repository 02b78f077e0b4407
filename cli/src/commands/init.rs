//! `init`: the first files of a project.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

use super::Context;
use crate::config::{Config, FILE_NAME};
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;

const CONFIG: &str = r#"# Where the databases are, and where their migrations stand. Paths are relative to this file.
# ${NAME} and ${NAME:-default} take a value from the environment, so that no secret has to stand here.
schema = "schema.sql"
default-target = "sqlite"

[target.sqlite]
url = "${APP_DB:-sqlite:app.db}"
dir = "migrations-sqlite"
# seed = "seed.sql"          # runs after the migrations, once, and again when it changed

[target.postgres]
url = "${DATABASE_URL}"
dir = "migrations-pg"
# seed = "seed.sql"
"#;

const SCHEMA: &str = "\
-- The schema as it should be, in SQL that every target understands. Write tables here, such as:
--
-- create table notes (
--   id integer primary key,
--   body text not null,
--   created_at timestamp not null
-- );
";

#[derive(Debug, Serialize)]
struct Initialized {
    written: Vec<String>,
    left_alone: Vec<String>,
}

pub(super) fn run(context: &Context) -> Result<u8, CliError> {
    for (given, flag) in [(context.common.url.is_some(), "--url"), (context.common.target.is_some(), "--target")] {
        if given {
            return Err(CliError::usage(format!("`init` has no use for {flag}"), "take it away"));
        }
    }
    let file = context.common.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let mut work = Work { context, done: Initialized { written: Vec::new(), left_alone: Vec::new() } };
    work.file(&file, CONFIG)?;
    // A file that was there may name other folders.
    let config = Config::load(&file)?;
    let schema = match &config.schema {
        Some(text) => config.path(text, &context.environment)?,
        None => config.folder().join("schema.sql"),
    };
    work.file(&schema, SCHEMA)?;
    for folder in crate::target::every_folder(&context.common, Some(&config), &context.environment)? {
        work.folder(folder.path())?;
    }
    work.finish();
    Ok(exit_code::DONE)
}

struct Work<'c> {
    context: &'c Context,
    done: Initialized,
}

impl Work<'_> {
    fn file(&mut self, path: &Path, text: &str) -> Result<(), CliError> {
        match write_new(path, text) {
            Ok(()) => self.wrote(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.left_alone(path),
            Err(error) => return Err(not_written(path, &error)),
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<(), CliError> {
        if path.exists() {
            self.left_alone(path);
            return Ok(());
        }
        // An empty folder is not kept by git.
        let keep = path.join(".gitkeep");
        write_new(&keep, "").map_err(|error| not_written(&keep, &error))?;
        self.wrote(path);
        Ok(())
    }

    fn wrote(&mut self, path: &Path) {
        self.context.output.done(format_args!("wrote {}", path.display()));
        self.done.written.push(path.display().to_string());
    }

    fn left_alone(&mut self, path: &Path) {
        self.context.output.done(format_args!("left {} as it is", path.display()));
        self.done.left_alone.push(path.display().to_string());
    }

    fn finish(self) {
        let output = &self.context.output;
        output.say("next: `whimbrel new NAME` writes the first migration, `whimbrel migrate` applies it");
        if output.json {
            output.document(&json::Other { place: json::Place::default(), done: Some(self.done), error: None });
        }
    }
}

/// Writes a file that is not there yet, with the folders above it.
pub(super) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

pub(super) fn not_written(path: &Path, error: &io::Error) -> CliError {
    CliError::failed(
        format!("{} cannot be written: {error}", path.display()),
        "give this program the right to write it",
    )
}
