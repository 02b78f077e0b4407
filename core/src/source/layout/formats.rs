//! The layouts that there are, and the marks by which a folder shows its own.

use std::path::Path;

#[cfg(feature = "other-tools")]
use super::{DrizzleLayout, SqlxLayout};
use super::{Layout, Tree, WhimbrelLayout};
use crate::problem::Problem;
use crate::source::tree::DiskTree;
use crate::split::Lexer;

/// A layout by its name.
#[derive(Debug)]
pub struct Format {
    /// As `--format` has it.
    pub name: &'static str,
    make: Option<fn(Lexer) -> Box<dyn Layout>>,
    marked: fn(&Seen<'_>) -> Result<bool, Problem>,
}

impl Format {
    /// The layout, for a database whose texts are split so; `None`: this build does not read it.
    #[must_use]
    pub fn layout(&self, lexer: Lexer) -> Option<Box<dyn Layout>> {
        self.make.map(|make| make(lexer))
    }

    /// Whether this build reads it.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.make.is_some()
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// Every format that there is a name for, also those that this build does not read.
#[must_use]
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// What a folder shows.
#[derive(Debug)]
pub enum Recognised {
    /// It has the mark of one format.
    Marked(&'static Format),
    /// It has marks that several formats share.
    Shared(Vec<&'static Format>),
    /// It has none, as one that is empty or not there.
    Unmarked,
}

/// Tells by its marks in which format a folder is.
///
/// # Errors
///
/// A folder or a mark that cannot be read.
pub fn recognise(folder: &Path) -> Result<Recognised, Problem> {
    if !folder.exists() {
        return Ok(Recognised::Unmarked);
    }
    let tree = DiskTree::new(folder);
    let (names, _) = tree.names("")?;
    let seen = Seen { tree: &tree, names, journal: tree.read("meta/_journal.json")?.unwrap_or_default() };
    let mut marked = Vec::new();
    for format in FORMATS {
        if (format.marked)(&seen)? {
            marked.push(format);
        }
    }
    Ok(match *marked {
        [] => Recognised::Unmarked,
        [only] => Recognised::Marked(only),
        _ => Recognised::Shared(marked),
    })
}

/// A folder with what marks are looked for in.
struct Seen<'a> {
    tree: &'a dyn Tree,
    names: Vec<String>,
    journal: Vec<u8>,
}

impl Seen<'_> {
    fn journal_has(&self, key: &str) -> bool {
        let key = format!("\"{key}\"");
        self.journal.windows(key.len()).any(|it| it == key.as_bytes())
    }

    fn any_name(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| fits(name))
    }

    /// Whether a folder in it has a file of this name; and of this other one, or not.
    fn any_folder_with(&self, file: &str, beside: Option<(&str, bool)>) -> Result<bool, Problem> {
        for name in self.names.iter().filter_map(|name| name.strip_suffix('/')) {
            let (inside, _) = self.tree.names(name)?;
            let has = |file: &str| inside.iter().any(|it| it == file);
            if has(file) && beside.is_none_or(|(other, there)| has(other) == there) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a line of the first migration begins so.
    fn annotates(&self, annotation: &str) -> Result<bool, Problem> {
        let Some(first) = self.names.iter().find(|name| name.ends_with(".sql")) else { return Ok(false) };
        let text = self.tree.read(first)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).lines().any(|line| line.trim_start().starts_with(annotation)))
    }
}

/// `V1__name.sql`, `U2__name.sql`
fn has_two_underscores(name: &str) -> bool {
    let Some((version, _)) = name.split_once("__") else { return false };
    let number = version.strip_prefix(['V', 'U']);
    name.ends_with(".sql") && number.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_up(name: &str) -> bool {
    name.ends_with(".up.sql")
}

static FORMATS: &[Format] = &[
    Format {
        name: "whimbrel",
        make: Some(|_| Box::new(WhimbrelLayout)),
        marked: |seen| Ok(seen.journal_has("format")),
    },
    Format {
        name: "drizzle",
        #[cfg(feature = "other-tools")]
        make: Some(|lexer| Box::new(DrizzleLayout::new(lexer))),
        #[cfg(not(feature = "other-tools"))]
        make: None,
        marked: |seen| {
            let journal = seen.journal_has("version") && seen.journal_has("dialect") && !seen.journal_has("format");
            Ok(journal || seen.any_folder_with("migration.sql", Some(("snapshot.json", true)))?)
        },
    },
    Format {
        name: "sqlx",
        #[cfg(feature = "other-tools")]
        make: Some(|lexer| Box::new(SqlxLayout::new(lexer))),
        #[cfg(not(feature = "other-tools"))]
        make: None,
        marked: |seen| Ok(seen.any_name(is_up) || seen.annotates("-- no-transaction")?),
    },
    Format { name: "refinery", make: None, marked: |seen| Ok(seen.any_name(has_two_underscores)) },
    Format { name: "diesel", make: None, marked: |seen| seen.any_folder_with("up.sql", None) },
    Format { name: "goose", make: None, marked: |seen| seen.annotates("-- +goose") },
    Format { name: "golang-migrate", make: None, marked: |seen| Ok(seen.any_name(is_up)) },
    Format { name: "dbmate", make: None, marked: |seen| seen.annotates("-- migrate:up") },
    Format { name: "flyway", make: None, marked: |seen| Ok(seen.any_name(has_two_underscores)) },
    Format {
        name: "prisma",
        make: None,
        marked: |seen| {
            let locked = seen.any_name(|name| name == "migration_lock.toml");
            Ok(locked || seen.any_folder_with("migration.sql", Some(("snapshot.json", false)))?)
        },
    },
];
