//! The folders of sqlx: `VERSION_description.sql`, or `.up.sql` with a `.down.sql`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Found, FoundFile, Layout, NewFile, NewMigration, Reading, Timestamp, Tree};
use crate::migration::{Foreign, Undo};
use crate::problem::Problem;
use crate::split::Lexer;

/// The name of the tool, as formats and the origin of history rows have it.
pub(crate) const TOOL: &str = "sqlx";

/// How a text says that it runs without a transaction: these are its first bytes.
pub(crate) const NO_TRANSACTION: &str = "-- no-transaction";

/// Folders of sqlx, simple and reversible.
///
/// As `sqlx migrate` reads them: a file has a number, `_`, a description, and ends in `.sql`; what is called otherwise is
/// passed over. A file that begins with `-- no-transaction` runs without one. A down part is kept and never run.
#[derive(Debug, Clone, Copy)]
pub struct SqlxLayout {
    lexer: Lexer,
}

impl SqlxLayout {
    /// The layout for a database whose texts are split so.
    #[must_use]
    pub fn new(lexer: Lexer) -> Self {
        Self { lexer }
    }
}

/// Which of a migration's files one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Whole,
    Up,
    Down,
}

/// Number, description and half; `None`: sqlx passes it over.
fn parts(file: &str) -> Option<(&str, &str, Half)> {
    let (number, rest) = file.split_once('_')?;
    let halves = [(".down.sql", Half::Down), (".up.sql", Half::Up), (".sql", Half::Whole)];
    let (description, half) = halves.into_iter().find_map(|(end, half)| Some((rest.strip_suffix(end)?, half)))?;
    Some((number, description, half))
}

impl Layout for SqlxLayout {
    fn name(&self) -> &'static str {
        TOOL
    }

    fn find(&self, folder: &dyn Tree) -> Found {
        let (names, problems) = match folder.names("") {
            Ok(listed) => listed,
            Err(unreadable) => return Found { problems: vec![unreadable], ..Found::default() },
        };
        let mut found = Found { problems, ..Found::default() };
        let ignored = ignored_chars(folder).unwrap_or_else(|problem| {
            found.problems.push(problem);
            None
        });
        let mut downs: BTreeMap<u64, String> = BTreeMap::new();
        for file in names {
            let Some((number, name, half)) = parts(&file) else {
                found.passed_over.extend(passed_over(folder, &file));
                continue;
            };
            let (Ok(version), Ok(known)) = (number.parse(), number.parse::<u64>()) else {
                let message = format!("`{number}` is no version: sqlx takes a whole number");
                found.problems.push(Problem::new(folder.shown(&file), message, "correct its name, or move it away"));
                continue;
            };
            if half == Half::Down {
                downs.insert(known, file);
                continue;
            }
            let (mark, ignored_chars) = (known.to_string().into(), ignored.clone());
            let foreign = Foreign { tool: TOOL, mark, time_ms: None, ignored_chars, undo: None };
            let name = name.to_owned();
            found.files.push(FoundFile { file, version: Some(version), name, foreign: Some(Box::new(foreign)) });
        }
        for file in &mut found.files {
            let foreign = file.foreign.as_mut();
            let Some(foreign) = foreign else { continue };
            foreign.undo = foreign.mark.parse().ok().and_then(|number| downs.remove(&number)).map(Undo::File);
        }
        let alone = downs.values().map(|file| {
            let message = "undoes a migration that is not there, and is passed over";
            Problem::new(folder.shown(file), message, "put the .up.sql back, or remove it")
        });
        found.passed_over.extend(alone);
        found
    }

    fn files_of(
        &self,
        folder: &dyn Tree,
        new: &[(&NewMigration, &str)],
        _now: Timestamp,
    ) -> Result<Vec<NewFile>, Problem> {
        let (names, _) = folder.names("")?;
        let stem = |new: &NewMigration| format!("{}_{}", new.version, new.name);
        // sqlx takes a folder for reversible where its migrations have two parts.
        if names.iter().any(|name| matches!(parts(name), Some((_, _, Half::Up)))) {
            let down = "-- Nothing undoes this migration: write another one that does.\n";
            let both = |(new, text): &(&NewMigration, &str)| {
                let stem = stem(new);
                [NewFile::new(format!("{stem}.up.sql"), *text), NewFile::new(format!("{stem}.down.sql"), down)]
            };
            return Ok(new.iter().flat_map(both).collect());
        }
        Ok(NewFile::each(new, |new| format!("{}.sql", stem(new))))
    }

    fn reading(&self, _file: &FoundFile, text: &str) -> Result<Reading, Problem> {
        Ok(Reading { no_transaction: text.starts_with(NO_TRANSACTION), ..Reading::default() })
    }

    fn lexer(&self) -> Option<Lexer> {
        Some(self.lexer)
    }
}

/// Where sqlx's own configuration may be: it stands beside the manifest of the package or the workspace.
const CONFIGURATIONS: [&str; 4] = ["sqlx.toml", "../sqlx.toml", "../../sqlx.toml", "../../../sqlx.toml"];

/// The characters that the nearest configuration leaves out of hashes: `ignored-chars` of `[migrate]`.
fn ignored_chars(folder: &dyn Tree) -> Result<Option<Arc<str>>, Problem> {
    for file in CONFIGURATIONS {
        let Some(bytes) = folder.read(file)? else { continue };
        let wrong =
            |message: String| Problem::new(folder.shown(file), message, "correct it: sqlx does not read it either");
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let Some(listed) = table.get("migrate").and_then(|migrate| migrate.get("ignored-chars")) else {
            return Ok(None);
        };
        let single = |value: &toml::Value| {
            let mut chars = value.as_str()?.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        let chars = listed.as_array().and_then(|listed| listed.iter().map(single).collect::<Option<String>>());
        let chars = chars.ok_or_else(|| wrong("`ignored-chars` is no list of single characters".to_owned()))?;
        return Ok(Some(chars.into()).filter(|chars: &Arc<str>| !chars.is_empty()));
    }
    Ok(None)
}

/// Only what looks like a migration is worth a word.
fn passed_over(folder: &dyn Tree, file: &str) -> Option<Problem> {
    let hint = "call it VERSION_description.sql, or move it away";
    file.ends_with(".sql").then(|| Problem::new(folder.shown(file), "is passed over, as sqlx does", hint))
}
