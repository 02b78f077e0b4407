//! The schema file and every target, as `generate` and `check` need them.

use std::path::{Path, PathBuf};

use whimbrel::schema::generate::{Scratch, Target, begin_ahead};
use whimbrel::schema::read::Document;
use whimbrel::schema::{Rename, SchemaDialect, WriteLock, dialect, scratch};
use whimbrel::{DirectorySource, Problem};

use super::Context;
use super::place::document;
use crate::error::CliError;
use crate::exit_code;
use crate::target::{SchemaTarget, schema_targets};

/// The schema file with the targets that it is for.
pub(super) struct Project {
    /// The schema file, as messages name it.
    pub(super) schema_file: String,
    pub(super) document: Document,
    pub(super) places: Vec<Place>,
}

/// A target, and the database on which its migrations are proved.
pub(super) struct Place {
    pub(super) target: SchemaTarget,
    pub(super) dialect: &'static dyn SchemaDialect,
    pub(super) scratch: Option<Box<dyn Scratch>>,
}

/// Which folders begin to be replayed while the schema file is still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// None.
    Nothing,
    /// Those to which something will likely be added.
    Changed,
    /// All.
    Everything,
}

impl Project {
    /// Reads everything. `own_server`: a target's own server may hold the throw-away databases, too.
    pub(super) fn open(context: &Context, own_server: bool, ahead: Ahead) -> Result<Self, CliError> {
        if context.common.url.is_some() {
            let hint = "take it away; it needs no database of yours";
            return Err(CliError::usage(
                "this command works on the targets of whimbrel.toml, and has no use for --url",
                hint,
            ));
        }
        let config = context.config()?.ok_or_else(|| {
            CliError::usage("there is no whimbrel.toml here or in a folder above", "write one with `whimbrel init`")
        })?;
        let targets = schema_targets(&context.common, &config, &context.environment)?;
        let places: Vec<Place> =
            targets.into_iter().map(|target| Place::new(target, own_server)).collect::<Result<_, _>>()?;
        let schema_file = schema_file(context)?;
        places.iter().for_each(|place| place.begin(ahead, &schema_file));
        let schema_file = schema_file.display().to_string();
        let document = document(&schema_file, "write it, or correct `schema` in whimbrel.toml")?;
        Ok(Self { schema_file, document, places })
    }

    /// The targets with the renames that are told on the command line.
    pub(super) fn targets(&self, renames: &[Rename]) -> Vec<Target<'_>> {
        let target = |place: &'_ Place| {
            let (schema, storage) = self.document.for_dialect(place.target.dialect);
            Target {
                name: place.target.name.clone(),
                folder: place.target.folder.clone(),
                format: place.target.format,
                dialect: place.dialect,
                schema,
                storage,
                renames: self.document.renames().iter().chain(renames).cloned().collect(),
                scratch: None,
            }
        };
        let with_scratch = |place| Target { scratch: Place::scratch(place), ..target(place) };
        self.places.iter().map(with_scratch).collect()
    }

    /// The right to write into the folders of all targets.
    pub(super) fn write_lock(&self, context: &Context) -> Result<WriteLock, CliError> {
        super::write_lock(context, self.places.iter().map(|place| &*place.target.folder))
    }

    /// Problems of an object get the file that it stands in.
    pub(super) fn located(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let place = |problem: Problem| match problem.file.starts_with("table ") || problem.file.starts_with("view ") {
            true => Problem {
                message: format!("{}: {}", problem.file, problem.message),
                file: self.schema_file.clone(),
                ..problem
            },
            false => problem,
        };
        problems.into_iter().map(place).collect()
    }
}

impl Place {
    fn new(target: SchemaTarget, own_server: bool) -> Result<Self, CliError> {
        let missing = || CliError::usage(format!("this build has no {}", target.dialect), "use one that has");
        let dialect = dialect(target.dialect).ok_or_else(missing)?;
        let own = target.url.as_ref().filter(|_| own_server);
        let url = target.scratch_url.as_ref().or(own).map(String::as_str);
        let scratch = scratch_of(dialect, url)?;
        Ok(Self { target, dialect, scratch })
    }

    pub(super) fn scratch(&self) -> Option<&dyn Scratch> {
        self.scratch.as_deref()
    }

    /// A folder that cannot be opened is told when it is read.
    fn begin(&self, ahead: Ahead, schema_file: &Path) {
        let lexer = self.dialect.dialect().lexer;
        let Some(scratch) = self.scratch().filter(|_| ahead != Ahead::Nothing) else { return };
        let Ok(source) = DirectorySource::open(&self.target.folder, self.target.format, Some(lexer)) else { return };
        match ahead {
            Ahead::Changed => begin_ahead(scratch, &source, schema_file),
            _ => scratch.ahead(&source),
        }
    }
}

/// Throw-away databases of a dialect, on the server of a URL where it takes one.
pub(super) fn scratch_of(dialect: &dyn SchemaDialect, url: Option<&str>) -> Result<Option<Box<dyn Scratch>>, CliError> {
    let scratch = scratch(dialect.dialect().name, url);
    scratch.map_err(|error| CliError::database("the server for throw-away databases", &error))
}

/// The schema file that whimbrel.toml names, or the usual one beside it or here.
pub(super) fn schema_file(context: &Context) -> Result<PathBuf, CliError> {
    let Some(config) = context.config()? else { return Ok(PathBuf::from("schema.sql")) };
    match &config.schema {
        Some(text) => config.path(text, &context.environment),
        None => Ok(config.folder().join("schema.sql")),
    }
}

/// What is wrong with files, before anything is touched.
pub(super) fn refused(problems: Vec<Problem>) -> CliError {
    CliError { exit_code: exit_code::FAILED, problems }
}
