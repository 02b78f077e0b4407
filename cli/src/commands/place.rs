//! A schema that is named on the command line: a schema file, a folder of migrations, or a database.

use std::path::{Path, PathBuf};

use whimbrel::schema::generate::{Refused, Scratch, Target, of_folder};
use whimbrel::schema::model::{ObjectName, Schema};
use whimbrel::schema::read::{Document, read};
use whimbrel::schema::{Folder, SchemaDialect, Side, dialect, read_database};
use whimbrel::{Database, Problem};

use super::Context;
use super::schema_targets::{refused, scratch_of};
use crate::error::CliError;
use crate::signals::stoppable;
use crate::target::{SchemaTarget, schema_targets};

/// What an argument names.
pub(super) enum Place {
    File(PathBuf),
    Folder(PathBuf),
    /// May hold a password: never shown.
    Url(String),
}

impl Place {
    /// A URL has a scheme that is known; a folder is one that is there; anything else is a file.
    pub(super) fn named(text: &str) -> Self {
        if Database::dialect_of(text).is_some() || text.contains("://") {
            return Self::Url(text.to_owned());
        }
        match Path::new(text) {
            path if path.is_dir() => Self::Folder(path.to_owned()),
            path => Self::File(path.to_owned()),
        }
    }

    /// The dialect that it is of by itself: a schema file is of none.
    pub(super) fn dialect(&self) -> Result<Option<String>, CliError> {
        match self {
            Self::File(_) => Ok(None),
            Self::Url(url) => Ok(Database::dialect_of(url).map(str::to_owned)),
            Self::Folder(path) => {
                let said = Folder::dialect_of(path).map_err(|problem| refused(vec![problem]))?;
                Ok(said.map(|said| Database::dialect_called(&said).map_or(said, str::to_owned)))
            }
        }
    }

    fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            _ => None,
        }
    }
}

/// The dialect in which schemas are read, with a place for throw-away databases.
pub(super) struct Engine {
    pub(super) dialect: &'static dyn SchemaDialect,
    pub(super) scratch: Option<Box<dyn Scratch>>,
}

impl Engine {
    /// The dialect that the places are of; for files, that of the target.
    pub(super) fn of(context: &Context, places: &[&Place]) -> Result<Self, CliError> {
        let mut named: Vec<String> = Vec::new();
        for place in places {
            named.extend(place.dialect()?.filter(|dialect| !named.contains(dialect)));
        }
        let targets = targets(context)?;
        let name = match named.as_slice() {
            [] => of_target(context, &targets)?,
            [only] => only.clone(),
            [one, other, ..] => {
                let message = format!("one is of {one} and the other of {other}: they have no SQL in common");
                return Err(CliError::usage(message, "compare each with the schema file"));
            }
        };
        let missing = || CliError::usage(format!("this build has no {name}"), "use one that has");
        let engine = dialect(&name).ok_or_else(missing)?;
        let of_dialect = targets.iter().filter(|target| target.dialect == name);
        let urls = of_dialect.filter_map(|target| target.scratch_url.as_deref().or(target.url.as_deref()));
        let given =
            places.iter().filter_map(|place| place.url()).filter(|url| Database::dialect_of(url) == Some(&*name));
        let url = urls.chain(given).next();
        let scratch = scratch_of(engine, url)?;
        Ok(Self { dialect: engine, scratch })
    }

    pub(super) fn scratch(&self) -> Option<&dyn Scratch> {
        self.scratch.as_deref()
    }

    /// The schema at a place, in the engine's dialect.
    pub(super) async fn schema(&self, place: &Place) -> Result<Side, CliError> {
        match place {
            Place::File(path) => {
                let file = path.display().to_string();
                let schema = self.lowered(&file, &document(&file, PLACES)?)?;
                Ok(Side { schema, is_live: false })
            }
            Place::Folder(path) => {
                let target = Target {
                    name: path.display().to_string(),
                    folder: path.clone(),
                    format: None,
                    dialect: self.dialect,
                    schema: Schema::default(),
                    storage: Default::default(),
                    renames: Vec::new(),
                    scratch: self.scratch(),
                };
                let schema = stoppable(of_folder(&target)).await?.map_err(|why| refused(why.problems))?;
                Ok(Side { schema, is_live: false })
            }
            Place::Url(url) => {
                let database = Database::from_url(url).map_err(|error| CliError::database("", &error))?;
                let ignored = [ObjectName::new(whimbrel::history::DEFAULT_HISTORY_TABLE)];
                let live = read_database(&*database.backend, self.dialect, &ignored).await;
                let live = live.map_err(|error| CliError::database("read the schema", &error))?;
                Ok(Side { schema: live.schema, is_live: true })
            }
        }
    }

    /// What a schema file is in this dialect.
    pub(super) fn lowered(&self, file: &str, document: &Document) -> Result<Schema, CliError> {
        let (schema, storage) = document.for_dialect(self.dialect.dialect().name);
        self.dialect.lower(&schema, &storage).map_err(|problems| {
            let in_file = |problem: Problem| Problem {
                message: format!("{}: {}", problem.file, problem.message),
                file: file.to_owned(),
                ..problem
            };
            refused(problems.into_iter().map(in_file).collect())
        })
    }
}

/// What to write where a place is not there.
pub(super) const PLACES: &str = "name a schema file, a folder of migrations, or the URL of a database";

/// Reads a schema file; `hint` is for one that cannot be read at all.
pub(super) fn document(file: &str, hint: &str) -> Result<Document, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::failed(format!("{file} cannot be read: {error}"), hint))?;
    read(file, &text).map_err(refused)
}

/// The targets of the file, where there is one.
fn targets(context: &Context) -> Result<Vec<SchemaTarget>, CliError> {
    match context.config()? {
        Some(config) if !config.targets.is_empty() => schema_targets(&context.common, &config, &context.environment),
        _ => Ok(Vec::new()),
    }
}

/// The dialect of the target that is meant.
fn of_target(context: &Context, targets: &[SchemaTarget]) -> Result<String, CliError> {
    let config = context.config()?;
    let default = config.as_ref().and_then(|config| config.default_target.as_ref());
    let default = default.map(|text| text.value(&context.environment)).transpose()?;
    let meant = match targets {
        [only] => Some(only),
        several => several.iter().find(|target| Some(&target.name) == default.as_ref()),
    };
    match (meant, &context.common.target) {
        (Some(target), _) => Ok(target.dialect.to_owned()),
        (None, Some(name)) if targets.is_empty() && Database::dialect_called(name).is_some() => {
            Ok(Database::dialect_called(name).unwrap_or_default().to_owned())
        }
        _ => Err(CliError::usage(
            "it is not known for which dialect: a schema file is of none",
            "give `--target NAME`, or write default-target into whimbrel.toml",
        )),
    }
}

/// Why there is no way from one schema to another, with what to write.
pub(super) fn explained(file: &str, why: Refused) -> CliError {
    let mut problems = why.problems;
    problems.extend(super::generate::answers::as_problems(file, &why.questions));
    refused(problems)
}
