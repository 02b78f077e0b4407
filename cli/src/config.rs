//! `whimbrel.toml`: which databases there are, and where their migrations stand.

mod nearest;
mod read;
mod text;

use std::path::{Path, PathBuf};

pub(crate) use text::Text;

use crate::environment::Environment;
use crate::error::CliError;

/// The file's usual name.
pub(crate) const FILE_NAME: &str = "whimbrel.toml";

/// The keys of a target.
pub(crate) const TARGET_KEYS: [&str; 15] = [
    "url",
    "dir",
    "seed",
    "format",
    "history-table",
    "history-schema",
    "lock-wait",
    "lock-timeout",
    "statement-timeout",
    "role",
    "scratch-url",
    "untracked",
    "history",
    "from-table",
    "from-schema",
];

/// The configuration, as it stands in the file: variables are put in where a value is needed, so that one that is not
/// set does not get in the way of a target that does not use it.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file.
    pub(crate) file: PathBuf,
    /// The portable schema.
    pub(crate) schema: Option<Text>,
    /// The target that is taken where none is named.
    pub(crate) default_target: Option<Text>,
    /// The targets, in the order of their names.
    pub(crate) targets: Vec<TargetConfig>,
}

/// One `[target.NAME]`.
#[derive(Debug)]
pub(crate) struct TargetConfig {
    /// Its name.
    pub(crate) name: String,
    /// The line where it begins.
    pub(crate) line: u32,
    values: Vec<(&'static str, Text)>,
}

impl TargetConfig {
    /// The value of one of [`TARGET_KEYS`].
    pub(crate) fn get(&self, key: &str) -> Option<&Text> {
        self.values.iter().find(|(name, _)| *name == key).map(|(_, text)| text)
    }
}

impl Config {
    /// The file that was asked for; else the nearest one upward, if there is one.
    ///
    /// # Errors
    ///
    /// A file that is not there or cannot be read, that is no TOML, or that holds an unknown key or a wrong value.
    pub(crate) fn find(asked: Option<&Path>) -> Result<Option<Self>, CliError> {
        match asked {
            Some(file) => Self::load(file).map(Some),
            None => nearest_upward().map(|file| Self::load(&file)).transpose(),
        }
    }

    /// Reads a file.
    pub(crate) fn load(file: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::InvalidData => "save the file as UTF-8",
                _ => "name a whimbrel.toml with `--config`, or write one with `whimbrel init`",
            };
            CliError::usage(format!("{} cannot be read: {error}", file.display()), hint)
        })?;
        read::config(file, &text)
    }

    /// The target of this name.
    ///
    /// # Errors
    ///
    /// A message with the names that there are.
    pub(crate) fn target(&self, name: &str) -> Result<&TargetConfig, CliError> {
        self.targets.iter().find(|target| target.name == name).ok_or_else(|| {
            let message = format!("{} has no target `{name}`", self.file.display());
            CliError::usage(message, self.names_hint())
        })
    }

    /// What targets there are, for a hint.
    pub(crate) fn names_hint(&self) -> String {
        let names: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
        match names.as_slice() {
            [] => "write a [target.NAME] with url and dir".to_owned(),
            names => format!("it has {}", names.join(", ")),
        }
    }

    /// A path of the file: relative to the file's folder, `~/` is the home directory.
    pub(crate) fn path(&self, text: &Text, environment: &Environment) -> Result<PathBuf, CliError> {
        let value = text.value(environment)?;
        if value.is_empty() {
            return Err(text.wrong("is empty", "write a path"));
        }
        match value.strip_prefix("~/") {
            Some(rest) => match environment.home() {
                Some(home) => Ok(home.join(rest)),
                None => Err(text.wrong("begins with `~/`, and there is no home directory", "write the whole path")),
            },
            None => Ok(self.folder().join(value)),
        }
    }

    /// The folder of the file; empty where that is the current one.
    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}

/// The nearest file upward, by a path relative to the current folder, so that messages stay short.
fn nearest_upward() -> Option<PathBuf> {
    let current = std::env::current_dir().ok()?;
    let mut up = PathBuf::new();
    for _ in current.ancestors() {
        let file = up.join(FILE_NAME);
        if file.is_file() {
            return Some(file);
        }
        up.push("..");
    }
    None
}

#[cfg(test)]
mod tests;
