//! Which database and which folder: arguments, variables and file together.

mod url;

use std::path::{Path, PathBuf};
use std::time::Duration;

use whimbrel::history::DEFAULT_HISTORY_TABLE;
use whimbrel::schema::model::ObjectName;
use whimbrel::split::Lexer;
use whimbrel::{
    Database, DirectorySource, Format, HistoryPlace, LoadError, OtherHistory, UnknownFormat, parse_duration,
};

use crate::arguments::Common;
use crate::config::{Config, TargetConfig, Text};
use crate::environment::Environment;
use crate::error::CliError;

/// The folder where there is no file that names one.
const DEFAULT_FOLDER: &str = "migrations";
/// A database with its migrations.
pub(crate) struct Target {
    /// The target's name in the file.
    pub(crate) name: Option<String>,
    /// Where the database is. May hold a password: never shown.
    url: String,
    /// The file names this database, so that it may be dropped.
    pub(crate) named_in_file: bool,
    /// The folder of the migrations.
    pub(crate) folder: PathBuf,
    /// The format that the folder is said to be in; else its marks decide.
    pub(crate) format: Option<&'static Format>,
    /// The seed.
    pub(crate) seed: Option<PathBuf>,
    /// Where the history is.
    history: HistoryPlace,
    /// Where the history of another tool is, where it is not at its usual place.
    pub(crate) other_history: OtherHistory,
    /// How long to wait for another runner.
    pub(crate) lock_wait: Option<Duration>,
    /// How long a statement waits for a lock.
    pub(crate) lock_timeout: Option<Duration>,
    /// How long a statement may run.
    pub(crate) statement_timeout: Option<Duration>,
    /// The role that the session becomes.
    pub(crate) role: Option<String>,
    /// Where throw-away databases may be made. May hold a password: never shown.
    pub(crate) scratch_url: Option<String>,
    /// What to do with a database that has tables and no history.
    pub(crate) untracked: Treatment,
    /// The history of the folder's own tool is gone on with in its table too.
    pub(crate) shares_history: bool,
}

/// What to do with a database that has tables and no history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Treatment {
    /// Nothing.
    #[default]
    Refuse,
    /// Record what it has, once that is proved equal.
    Baseline,
    /// Go on with another tool's history.
    Adopt,
}

impl Treatment {
    fn named(word: &str) -> Option<Self> {
        match word {
            "refuse" => Some(Self::Refuse),
            "baseline" => Some(Self::Baseline),
            "adopt" => Some(Self::Adopt),
            _ => None,
        }
    }
}

impl Target {
    /// The target that the arguments, the variables and the file name.
    ///
    /// # Errors
    ///
    /// A choice that is missing, ambiguous or contradicts itself; says what to write.
    pub(crate) fn choose(
        common: &Common,
        config: Option<&Config>,
        environment: &Environment,
    ) -> Result<Self, CliError> {
        let format = common.format.as_deref().map(format_named).transpose()?;
        let given = given_url(common, environment)?;
        let mut target = match config {
            Some(config) => Choice { common, config, environment }.choose(given),
            None => without_file(common, given, environment),
        }?;
        target.format = format.or(target.format);
        Ok(target)
    }

    /// The migrations of the folder, in its format.
    ///
    /// # Errors
    ///
    /// A format that this release does not read, and marks that do not tell which it is.
    pub(crate) fn source(&self, lexer: Lexer) -> Result<DirectorySource, CliError> {
        folder(&self.folder, self.format, Some(lexer))
    }

    /// The database.
    ///
    /// # Errors
    ///
    /// A URL that is wrong, or that this program cannot serve.
    pub(crate) fn database(&self) -> Result<Database, CliError> {
        Database::from_url_with(&self.url, &self.history).map_err(|error| CliError::database("", &error))
    }

    /// Where its history is.
    pub(crate) fn history(&self) -> &HistoryPlace {
        &self.history
    }

    /// Where the database is. May hold a password: never to be shown.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The history table.
    pub(crate) fn history_table(&self) -> ObjectName {
        let name = self.history.table.clone().unwrap_or_else(|| DEFAULT_HISTORY_TABLE.to_owned());
        ObjectName { schema: self.history.schema.clone(), name }
    }

    fn at(url: String, folder: PathBuf) -> Self {
        Self {
            name: None,
            url,
            named_in_file: false,
            folder,
            format: None,
            seed: None,
            history: HistoryPlace::default(),
            other_history: OtherHistory::default(),
            lock_wait: None,
            lock_timeout: None,
            statement_timeout: None,
            role: None,
            scratch_url: None,
            untracked: Treatment::Refuse,
            shares_history: false,
        }
    }
}

/// A URL that takes precedence over the file's.
struct Given {
    url: String,
    from: &'static str,
}

fn given_url(common: &Common, environment: &Environment) -> Result<Option<Given>, CliError> {
    if let Some(url) = &common.url {
        return Ok(Some(Given { url: url.clone(), from: "--url" }));
    }
    let variable = variable(environment, "WHIMBREL_URL")?;
    Ok(variable.map(|url| Given { url, from: "WHIMBREL_URL" }))
}

fn variable(environment: &Environment, name: &str) -> Result<Option<String>, CliError> {
    environment.get_filled(name).map_err(|message| CliError::usage(message, "set it to a URL"))
}

fn without_file(common: &Common, given: Option<Given>, environment: &Environment) -> Result<Target, CliError> {
    let no_file = "there is no whimbrel.toml here or in a folder above";
    if let Some(name) = &common.target {
        return Err(CliError::usage(
            format!("{no_file}, so there is no target `{name}`"),
            "write one with `whimbrel init`, name one with `--config FILE`, or give `--url URL`",
        ));
    }
    let url = match given {
        Some(given) => Some(given.url),
        None => variable(environment, "DATABASE_URL")?,
    };
    let url = url.ok_or_else(|| {
        CliError::usage(
            format!("no database is named: {no_file}"),
            "write one with `whimbrel init`, or give `--url sqlite:app.db`",
        )
    })?;
    Ok(Target::at(url, common.dir.clone().unwrap_or_else(|| DEFAULT_FOLDER.into())))
}

/// The format of this name.
fn format_named(name: &str) -> Result<&'static Format, CliError> {
    Format::readable(name).map_err(|error| CliError::at(error.into_problem()))
}

/// The migrations of a folder in its format.
pub(crate) fn folder(
    path: &Path,
    format: Option<&'static Format>,
    lexer: Option<Lexer>,
) -> Result<DirectorySource, CliError> {
    DirectorySource::open(path, format, lexer).map_err(|error| match error {
        UnknownFormat::Unreadable(problem) => CliError::from(LoadError::from(problem)),
        unknown => CliError::at(unknown.into_problem()),
    })
}

struct Choice<'a> {
    common: &'a Common,
    config: &'a Config,
    environment: &'a Environment,
}

impl Choice<'_> {
    fn choose(&self, given: Option<Given>) -> Result<Target, CliError> {
        let chosen = self.entry(given.as_ref())?;
        let url = match (&given, chosen) {
            (Some(given), _) => given.url.clone(),
            (None, Some(entry)) => self.url_of(entry)?,
            (None, None) => return Err(self.which()),
        };
        let folder = self.folder(chosen, given.as_ref())?;
        let mut target = Target::at(url, folder);
        target.named_in_file = given.is_none() || self.names(&target.url);
        if let Some(entry) = chosen {
            self.fill(&mut target, entry)?;
        }
        Ok(target)
    }

    /// The entry of the file, where one is meant.
    fn entry(&self, given: Option<&Given>) -> Result<Option<&TargetConfig>, CliError> {
        let default = self.config.default_target.as_ref();
        if let Some(name) = &self.common.target {
            let entry = self.config.target(name)?;
            return self.fits(entry, given).map(Some);
        }
        if let Some(given) = given {
            return self.of_dialect(given);
        }
        if let Some(default) = default {
            let name = default.value(self.environment)?;
            return self
                .config
                .target(&name)
                .map(Some)
                .map_err(|_| default.wrong(format!("there is no target `{name}`"), self.config.names_hint()));
        }
        match self.config.targets.as_slice() {
            [only] => Ok(Some(only)),
            _ => Err(self.which()),
        }
    }

    /// The entry of the dialect of a URL that was given.
    fn of_dialect(&self, given: &Given) -> Result<Option<&TargetConfig>, CliError> {
        let Some(dialect) = Database::dialect_of(&given.url) else { return Ok(None) };
        let of_dialect = |entry: &&TargetConfig| self.dialect(entry) == Some(dialect);
        let candidates: Vec<&TargetConfig> = self.config.targets.iter().filter(of_dialect).collect();
        let default = self.config.default_target.as_ref().map(|text| text.value(self.environment)).transpose()?;
        match candidates.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => match several.iter().find(|entry| Some(&entry.name) == default.as_ref()) {
                Some(entry) => Ok(Some(*entry)),
                None => {
                    let names: Vec<&str> = several.iter().map(|entry| entry.name.as_str()).collect();
                    let message = format!("{} targets are of {dialect}: {}", names.len(), names.join(", "));
                    Err(CliError::usage(message, format!("say which with `--target {}`", names[0])))
                }
            },
        }
    }

    /// The dialect of an entry: of its URL, or, where that is in a variable that is not set, by its name.
    fn dialect(&self, entry: &TargetConfig) -> Option<&'static str> {
        let known = entry.get("url").and_then(|text| text.value(self.environment).ok());
        known.as_deref().and_then(Database::dialect_of).or_else(|| Database::dialect_called(&entry.name))
    }

    /// Refuses the migrations of one dialect for a database of another.
    fn fits<'e>(&self, entry: &'e TargetConfig, given: Option<&Given>) -> Result<&'e TargetConfig, CliError> {
        let Some(given) = given else { return Ok(entry) };
        match (self.dialect(entry), Database::dialect_of(&given.url)) {
            (Some(ours), Some(theirs)) if ours != theirs => Err(CliError::usage(
                format!("the target `{}` is of {ours}, and {} names a database of {theirs}", entry.name, given.from),
                format!("take {} away, or name a target of {theirs}", given.from),
            )),
            _ => Ok(entry),
        }
    }

    fn which(&self) -> CliError {
        let file = self.config.file.display();
        match self.config.targets.first() {
            None => CliError::usage(format!("{file} has no target"), "write a [target.NAME] with url and dir"),
            Some(first) => CliError::usage(
                format!("{file} has {} targets and no default-target", self.config.targets.len()),
                format!("give `--target {}`, or write default-target; {}", first.name, self.config.names_hint()),
            ),
        }
    }

    fn url_of(&self, entry: &TargetConfig) -> Result<String, CliError> {
        let text = self.needed(entry, "url", "such as url = \"sqlite:app.db\"")?;
        let url = text.value(self.environment)?;
        if url.is_empty() {
            return Err(text.wrong("is empty", "set it to a URL such as sqlite:app.db"));
        }
        Ok(url::relative_to(&url, self.config.folder(), self.environment.home().as_deref()))
    }

    fn needed<'e>(&self, entry: &'e TargetConfig, key: &str, example: &str) -> Result<&'e Text, CliError> {
        entry.get(key).ok_or_else(|| {
            let message = format!("the target `{}` has no `{key}`", entry.name);
            let problem = whimbrel::Problem::new(
                self.config.file.display().to_string(),
                message,
                format!("write one into [target.{}], {example}", entry.name),
            );
            CliError::at(problem.at(entry.line, 1))
        })
    }

    fn folder(&self, chosen: Option<&TargetConfig>, given: Option<&Given>) -> Result<PathBuf, CliError> {
        match (&self.common.dir, chosen, given) {
            (Some(folder), _, _) => Ok(folder.clone()),
            (None, Some(entry), _) => {
                let text = self.needed(entry, "dir", "such as dir = \"migrations\"")?;
                self.config.path(text, self.environment)
            }
            (None, None, given) => {
                let from = given.map_or("--url", |given| given.from);
                let message = format!("{} has no target of the dialect that {from} names", self.config.file.display());
                Err(CliError::usage(
                    message,
                    "name its migrations with `--dir FOLDER`, or a target with `--target NAME`",
                ))
            }
        }
    }

    /// Whether the file names this database.
    fn names(&self, url: &str) -> bool {
        let urls = self.config.targets.iter().filter_map(|entry| self.url_of(entry).ok());
        urls.into_iter().any(|named| url::same_database(&named, url))
    }

    fn fill(&self, target: &mut Target, entry: &TargetConfig) -> Result<(), CliError> {
        let value = |key: &str| {
            let Some(text) = entry.get(key) else { return Ok(None) };
            let value = text.value(self.environment)?;
            if value.is_empty() {
                Err(text.wrong("is empty", "write a name, or take it away"))
            } else {
                Ok(Some(value))
            }
        };
        if self.common.format.is_none() {
            target.format = self.format(entry)?;
        }
        target.name = Some(entry.name.clone());
        target.seed = entry.get("seed").map(|text| self.config.path(text, self.environment)).transpose()?;
        target.history = HistoryPlace { table: value("history-table")?, schema: value("history-schema")? };
        target.other_history = OtherHistory { table: value("from-table")?, schema: value("from-schema")? };
        target.role = value("role")?;
        // A variable that is not set only means that there is no such place now.
        target.scratch_url = entry.get("scratch-url").and_then(|text| text.value(self.environment).ok());
        target.scratch_url.take_if(|url| url.is_empty());
        target.untracked = self.treatment(entry)?;
        target.shares_history = self.shares_history(entry)?;
        target.lock_wait = self.duration(entry, "lock-wait")?;
        target.lock_timeout = self.duration(entry, "lock-timeout")?;
        target.statement_timeout = self.duration(entry, "statement-timeout")?;
        Ok(())
    }

    /// The format that the file says a folder has.
    fn format(&self, entry: &TargetConfig) -> Result<Option<&'static Format>, CliError> {
        let Some(text) = entry.get("format") else { return Ok(None) };
        let name = text.value(self.environment)?;
        format_named(&name).map(Some).map_err(|error| error_at(text, error))
    }

    fn shares_history(&self, entry: &TargetConfig) -> Result<bool, CliError> {
        let Some(text) = entry.get("history") else { return Ok(false) };
        match &*text.value(self.environment)? {
            "whimbrel" => Ok(false),
            "drizzle" => Ok(true),
            word => Err(text.wrong(format!("the history of `{word}` cannot be shared"), "write whimbrel or drizzle")),
        }
    }

    fn treatment(&self, entry: &TargetConfig) -> Result<Treatment, CliError> {
        let Some(text) = entry.get("untracked") else { return Ok(Treatment::Refuse) };
        let word = text.value(self.environment)?;
        Treatment::named(&word).ok_or_else(|| {
            let message = format!("`{word}` is no way to treat an untracked database");
            text.wrong(message, "write refuse, baseline or adopt")
        })
    }

    fn duration(&self, entry: &TargetConfig, key: &str) -> Result<Option<Duration>, CliError> {
        let Some(text) = entry.get(key) else { return Ok(None) };
        let value = text.value(self.environment)?;
        parse_duration(&value).map(Some).map_err(|message| text.wrong(message, "write it with its unit"))
    }
}

fn error_at(text: &Text, error: CliError) -> CliError {
    match error.problems.into_iter().next() {
        Some(problem) => text.wrong(problem.message, problem.hint),
        None => text.wrong("is wrong", ""),
    }
}

/// The folders of every target, each once, in their formats.
///
/// # Errors
///
/// A target without `dir`, a path with a variable that is not set, a format that is not known.
pub(crate) fn every_folder(
    common: &Common,
    config: Option<&Config>,
    environment: &Environment,
) -> Result<Vec<DirectorySource>, CliError> {
    let said = common.format.as_deref().map(format_named).transpose()?;
    if let Some(path) = &common.dir {
        return Ok(vec![folder(path, said, None)?]);
    }
    let Some(config) = config else { return Ok(vec![folder(Path::new(DEFAULT_FOLDER), said, None)?]) };
    let mut folders: Vec<DirectorySource> = Vec::new();
    for entry in &config.targets {
        let choice = Choice { common, config, environment };
        let path = choice.folder(Some(entry), None)?;
        if !folders.iter().any(|known| same_path(known.path(), &path)) {
            folders.push(folder(&path, said.or(choice.format(entry)?), None)?);
        }
    }
    if folders.is_empty() {
        return Err(Choice { common, config, environment }.which());
    }
    Ok(folders)
}

/// A target as the schema engine needs it: where its files are, and where something may be proved.
#[derive(Debug)]
pub(crate) struct SchemaTarget {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The format that the folder is said to have.
    pub(crate) format: Option<&'static Format>,
    /// `sqlite`, `postgres`.
    pub(crate) dialect: &'static str,
    /// Where throw-away databases may be made.
    pub(crate) scratch_url: Option<String>,
    /// The target's own server, which `check` may use for the same.
    pub(crate) url: Option<String>,
}

/// Every target of the file; only one where one is named.
///
/// # Errors
///
/// A target without `dir`, and one whose dialect is not known.
pub(crate) fn schema_targets(
    common: &Common,
    config: &Config,
    environment: &Environment,
) -> Result<Vec<SchemaTarget>, CliError> {
    let choice = Choice { common, config, environment };
    let wanted = |entry: &&TargetConfig| common.target.as_ref().is_none_or(|name| *name == entry.name);
    if let Some(name) = &common.target {
        config.target(name)?;
    }
    let entries: Vec<&TargetConfig> = config.targets.iter().filter(wanted).collect();
    if entries.is_empty() {
        return Err(choice.which());
    }
    let said = common.format.as_deref().map(format_named).transpose()?;
    let describe = |entry: &&TargetConfig| {
        let dialect = choice.dialect(entry).ok_or_else(|| {
            let problem = whimbrel::Problem::new(
                config.file.display().to_string(),
                format!("the dialect of the target `{}` is not known while its url is not set", entry.name),
                "set the variables of its url, or call it sqlite or postgres",
            );
            CliError::at(problem.at(entry.line, 1))
        })?;
        // A variable that is not set only means that there is no such place now.
        let known =
            |key: &str| entry.get(key).and_then(|text| text.value(environment).ok()).filter(|url| !url.is_empty());
        Ok(SchemaTarget {
            name: entry.name.clone(),
            folder: choice.folder(Some(entry), None)?,
            format: said.or(choice.format(entry)?),
            dialect,
            scratch_url: known("scratch-url"),
            url: known("url"),
        })
    };
    entries.iter().map(describe).collect()
}

fn same_path(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests;
