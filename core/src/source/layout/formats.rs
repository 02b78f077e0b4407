//! The layouts that there are, and the marks by which a folder shows its own.

use std::cell::OnceCell;
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

    /// The format of this name, which this build must read.
    ///
    /// # Errors
    ///
    /// A name that is none, or that of a format which is not read.
    pub fn readable(name: &str) -> Result<&'static Self, UnknownFormat> {
        match Self::named(name) {
            Some(format) if format.is_read() => Ok(format),
            Some(format) => Err(UnknownFormat::NotRead(format.name)),
            None => Err(UnknownFormat::NoSuch(name.to_owned())),
        }
    }
}

/// Every format that there is a name for, also those that this build does not read.
#[must_use]
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Why it is not known how a folder is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownFormat {
    /// It has marks that several formats share: nothing is guessed.
    Shared {
        /// The folder.
        folder: String,
        /// The formats.
        formats: Vec<&'static str>,
    },
    /// This build does not read the format.
    NotRead(&'static str),
    /// There is no format of this name.
    NoSuch(String),
    /// The folder, or a mark in it, cannot be read.
    Unreadable(Problem),
}

impl UnknownFormat {
    /// The same as a problem with its remedy.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        let readable = || {
            let read = FORMATS.iter().filter(|format| format.is_read());
            let names: Vec<String> = read.map(|format| format!("`{}`", format.name)).collect();
            let more = if cfg!(feature = "other-tools") { "" } else { "; the feature `other-tools` reads more" };
            format!("this release reads {}{more}", names.join(", "))
        };
        match self {
            Self::Unreadable(problem) => problem,
            Self::NotRead(name) => Problem::new("", format!("folders of {name} are not supported yet"), readable()),
            Self::NoSuch(name) => Problem::new("", format!("`{name}` is no layout of a migration folder"), readable()),
            Self::Shared { folder, formats } => {
                let message = format!("{folder} may be of {}: nothing is guessed", formats.join(" or of "));
                let read = formats.iter().find(|name| Format::named(name).is_some_and(|format| format.is_read()));
                let read = read.copied().unwrap_or("NAME");
                let hint = format!("say which with `--format {read}`, or with `format` in whimbrel.toml");
                Problem::new("", message, hint)
            }
        }
    }
}

/// The layout of a folder: of the format that it is said to have, else of that whose mark it has, else Whimbrel's own.
/// `lexer`: of the database; `None` where nothing will run, and the folder itself tells as far as it can.
pub(crate) fn layout_of(
    folder: &Path,
    said: Option<&'static Format>,
    lexer: Option<Lexer>,
) -> Result<Box<dyn Layout>, UnknownFormat> {
    let seen = Seen::new(folder).map_err(UnknownFormat::Unreadable)?;
    let format = match said {
        Some(format) => Some(format),
        None => seen.format(folder)?,
    };
    let Some(format) = format else { return Ok(Box::new(WhimbrelLayout)) };
    let lexer = lexer.or_else(|| seen.lexer()).unwrap_or_else(Lexer::of_any);
    format.layout(lexer).ok_or(UnknownFormat::NotRead(format.name))
}

/// A folder with what marks are looked for in. What is in it is read when the first mark asks for it.
struct Seen<'a> {
    tree: DiskTree<'a>,
    journal: Option<Vec<u8>>,
    names: OnceCell<Vec<String>>,
    first: OnceCell<String>,
}

impl<'a> Seen<'a> {
    /// One that is not there is an empty one.
    fn new(folder: &'a Path) -> Result<Self, Problem> {
        let (tree, names) = (DiskTree::new(folder), OnceCell::new());
        let journal = match folder.exists() {
            true => tree.read("meta/_journal.json")?,
            false => {
                let _ = names.set(Vec::new());
                None
            }
        };
        Ok(Self { tree, journal, names, first: OnceCell::new() })
    }

    /// The names in the folder.
    fn names(&self) -> Result<&[String], Problem> {
        if self.names.get().is_none() {
            let _ = self.names.set(self.tree.names("")?.0);
        }
        Ok(self.names.get().map_or(&[], Vec::as_slice))
    }

    /// The text of the first migration; empty where there is none.
    fn first(&self) -> Result<&str, Problem> {
        if self.first.get().is_none() {
            let text = match self.names()?.iter().find(|name| name.ends_with(".sql")) {
                Some(file) => self.tree.read(file)?.unwrap_or_default(),
                None => Vec::new(),
            };
            let _ = self.first.set(String::from_utf8_lossy(&text).into_owned());
        }
        Ok(self.first.get().map_or("", String::as_str))
    }

    fn format(&self, folder: &Path) -> Result<Option<&'static Format>, UnknownFormat> {
        let mut marked = Vec::new();
        for format in FORMATS {
            if (format.marked)(self).map_err(UnknownFormat::Unreadable)? {
                marked.push(format);
            }
            // What the journal says of itself is no guess, and nothing else need be looked for.
            if self.is_own() {
                break;
            }
        }
        match *marked {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            ref several => Err(UnknownFormat::Shared {
                folder: folder.display().to_string(),
                formats: several.iter().map(|format| format.name).collect(),
            }),
        }
    }

    /// The kind of database that a journal says.
    fn lexer(&self) -> Option<Lexer> {
        let text = String::from_utf8_lossy(self.journal.as_ref()?);
        let (_, behind) = text.split_once("\"dialect\"")?;
        Lexer::called(behind.split('"').nth(1)?)
    }

    /// Whether the journal is Whimbrel's own.
    fn is_own(&self) -> bool {
        const KEY: &[u8] = b"\"format\"";
        self.journal.as_ref().is_some_and(|journal| journal.windows(KEY.len()).any(|it| it == KEY))
    }

    fn any_name(&self, fits: impl Fn(&str) -> bool) -> Result<bool, Problem> {
        Ok(self.names()?.iter().any(|name| fits(name)))
    }

    /// Whether a folder in it has a file of this name; and of this other one, or not.
    fn any_folder_with(&self, file: &str, beside: Option<(&str, bool)>) -> Result<bool, Problem> {
        for name in self.names()?.iter().filter_map(|name| name.strip_suffix('/')) {
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
        Ok(self.first()?.lines().any(|line| line.trim_start().starts_with(annotation)))
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
    Format { name: "whimbrel", make: Some(|_| Box::new(WhimbrelLayout)), marked: |seen| Ok(seen.is_own()) },
    Format {
        name: "drizzle",
        #[cfg(feature = "other-tools")]
        make: Some(|lexer| Box::new(DrizzleLayout::new(lexer))),
        #[cfg(not(feature = "other-tools"))]
        make: None,
        marked: |seen| {
            // Whatever is wrong with it: no other tool keeps a file of that name.
            let journal = seen.journal.is_some() && !seen.is_own();
            Ok(journal || seen.any_folder_with("migration.sql", Some(("snapshot.json", true)))?)
        },
    },
    Format {
        name: "sqlx",
        #[cfg(feature = "other-tools")]
        make: Some(|lexer| Box::new(SqlxLayout::new(lexer))),
        #[cfg(not(feature = "other-tools"))]
        make: None,
        marked: |seen| Ok(seen.any_name(is_up)? || seen.annotates("-- no-transaction")?),
    },
    Format { name: "refinery", make: None, marked: |seen| seen.any_name(has_two_underscores) },
    Format { name: "diesel", make: None, marked: |seen| seen.any_folder_with("up.sql", None) },
    Format { name: "goose", make: None, marked: |seen| seen.annotates("-- +goose") },
    Format { name: "golang-migrate", make: None, marked: |seen| seen.any_name(is_up) },
    Format { name: "dbmate", make: None, marked: |seen| seen.annotates("-- migrate:up") },
    Format { name: "flyway", make: None, marked: |seen| seen.any_name(has_two_underscores) },
    Format {
        name: "prisma",
        make: None,
        marked: |seen| {
            let locked = seen.any_name(|name| name == "migration_lock.toml")?;
            Ok(locked || seen.any_folder_with("migration.sql", Some(("snapshot.json", false)))?)
        },
    },
];
