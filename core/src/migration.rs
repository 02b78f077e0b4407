//! A migration, as it was loaded.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::checksum::Checksum;
use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::history::MigrationId;
use crate::problem::{LoadError, Problem};
use crate::split::{self, Control, Lexer, Statement};
use crate::sql::RustMigration;

/// A migration: who it is, what it asks for, and where its text is.
///
/// A migration of a folder keeps no text: with ten thousand of them that would be the program's memory. Its text is
/// read again, and its checksum compared again, when it is pending.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Whose and which.
    pub id: MigrationId,
    /// Its name, without version and extension.
    pub name: Box<str>,
    /// The checksum of its content.
    pub checksum: Checksum,
    /// `None`: it asks for nothing, and nothing is wrong with it, as with most.
    header: Option<Box<Header>>,
    body: Body,
}

#[derive(Debug, Clone, Default)]
struct Header {
    directives: Directives,
    problems: Vec<Problem>,
    foreign: Option<Foreign>,
    /// Its tool's mark, or its own directive, says to run it without a transaction; more may follow from its statements.
    marked: bool,
}

/// What a migration is to the tool that it was written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The tool, as formats are called.
    pub tool: &'static str,
    /// How the tool's history knows it: a tag, a number, a folder's name.
    pub mark: Box<str>,
    /// The time that stands for it there, in milliseconds since 1970 UTC.
    pub time_ms: Option<i64>,
    /// Characters that the tool may leave out of the text before it computes its hash.
    pub ignored_chars: Option<Arc<str>>,
    /// What undoes it. It is kept where it is, and never run.
    pub undo: Option<Undo>,
}

/// What a text that was written for another tool says of how it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its tool's mark says to run it without a transaction.
    pub no_transaction: bool,
    /// Its tool does not enforce foreign keys while it runs, so that no row goes with the one that it refers to.
    pub foreign_keys_off: bool,
    /// The part that undoes the migration, in bytes: it is kept where it is, and never run.
    pub undo: Option<Range<usize>>,
}

/// What undoes a migration of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// A file of its own, by its path in the folder.
    File(String),
    /// A part of its file, in bytes.
    Part(Range<usize>),
}

#[derive(Clone)]
enum Body {
    /// `kept`: its text, see [`Migration::keep_text`].
    File {
        folder: Arc<Path>,
        file: Box<str>,
        kept: Option<Box<str>>,
    },
    Text {
        file: Cow<'static, str>,
        text: Cow<'static, str>,
    },
    Code(Arc<dyn RustMigration>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { folder, file, .. } => write!(f, "File({}/{file})", folder.display()),
            Self::Text { file, .. } => write!(f, "Text({file})"),
            Self::Code(_) => f.write_str("Code"),
        }
    }
}

static NO_DIRECTIVES: Directives = Directives {
    no_transaction: false,
    foreign_keys_off: false,
    kept_tables: Vec::new(),
    lock_timeout: None,
    statement_timeout: None,
    accepted_checksums: Vec::new(),
    folded: Vec::new(),
    repeatable: false,
};

impl Header {
    /// A text without the part that undoes it, whose place is kept by spaces: lines and columns stay what they are.
    fn up<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let Some(Undo::Part(undo)) = self.foreign.as_ref().and_then(|foreign| foreign.undo.as_ref()) else {
            return text;
        };
        let blank = |(at, c): (usize, char)| if undo.contains(&at) && c != '\n' { ' ' } else { c };
        Cow::Owned(text.char_indices().map(blank).collect())
    }
}

impl Migration {
    /// A migration whose text stays in a file.
    #[must_use]
    pub fn from_file(
        id: MigrationId,
        name: &str,
        folder: Arc<Path>,
        file: &str,
        text: &str,
        directives: Directives,
    ) -> Self {
        let body = Body::File { folder, file: file.into(), kept: None };
        Self::new(id, name, Checksum::of_text(text), directives, body)
    }

    /// A migration whose text is in the program. `file` is what errors call it.
    #[must_use]
    pub fn from_text(
        id: MigrationId,
        name: &str,
        file: Cow<'static, str>,
        text: Cow<'static, str>,
        directives: Directives,
    ) -> Self {
        let checksum = Checksum::of_text(&text);
        Self::new(id, name, checksum, directives, Body::Text { file, text })
    }

    /// A migration written in Rust. Its checksum is that of its name and `revision`, since code has no other.
    #[must_use]
    pub fn from_code(id: MigrationId, name: &str, revision: &str, code: Arc<dyn RustMigration>) -> Self {
        let checksum = Checksum::of_text(&format!("rust migration {name}\nrevision {revision}\n"));
        Self::new(id, name, checksum, Directives::default(), Body::Code(code))
    }

    fn new(id: MigrationId, name: &str, checksum: Checksum, directives: Directives, body: Body) -> Self {
        let header = (directives != NO_DIRECTIVES).then(|| Box::new(Header { directives, ..Header::default() }));
        Self { id, name: name.into(), checksum, header, body }
    }

    /// With what is wrong in it. That is told when it is pending; a file that was applied as it is is held against nobody.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        if !problems.is_empty() {
            self.header.get_or_insert_default().problems.extend(problems);
        }
        self
    }

    /// Written for another tool: it runs as its author meant it, see [`split::as_meant`], which may say more than its
    /// directives do.
    pub(crate) fn of_other_tool(mut self, foreign: Foreign, reading: &Reading, lexer: Lexer, text: &str) -> Self {
        let header = self.header.get_or_insert_default();
        header.foreign = Some(foreign);
        if let (Some(part), Some(foreign)) = (&reading.undo, &mut header.foreign) {
            foreign.undo = Some(Undo::Part(part.clone()));
        }
        let text = header.up(Cow::Borrowed(text));
        header.directives.no_transaction |= reading.no_transaction;
        header.marked = header.directives.no_transaction;
        // What cannot be read is refused when it is pending.
        if split::may_run_otherwise(&text)
            && let Ok(meant) = split::as_meant(lexer, &text, header.directives.no_transaction)
        {
            header.directives.no_transaction |= meant.alone;
            let off = meant.foreign_keys_off || (reading.foreign_keys_off && meant.changes_rows);
            header.directives.foreign_keys_off |= off;
        }
        self
    }

    /// What it is to the tool that it was written for; `None`: Whimbrel itself.
    #[must_use]
    pub fn foreign(&self) -> Option<&Foreign> {
        self.header.as_ref()?.foreign.as_ref()
    }

    /// What was found wrong in it when it was loaded.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.header.as_ref().map_or(&[], |header| &header.problems)
    }

    /// What it asks of its runner.
    #[must_use]
    pub fn directives(&self) -> &Directives {
        self.header.as_ref().map_or(&NO_DIRECTIVES, |header| &header.directives)
    }

    /// The file that it stands in, as errors name it; for one written in Rust, its name.
    #[must_use]
    pub fn file(&self) -> String {
        match &self.body {
            Body::File { folder, file, .. } => folder.join(&**file).display().to_string(),
            Body::Text { file, .. } => file.clone().into_owned(),
            Body::Code(_) => format!("{} (Rust)", self.id.called(&self.name)),
        }
    }

    /// The code, where it is written in Rust.
    pub(crate) fn code(&self) -> Option<&Arc<dyn RustMigration>> {
        match &self.body {
            Body::Code(code) => Some(code),
            Body::File { .. } | Body::Text { .. } => None,
        }
    }

    /// Whether it is written in Rust.
    #[must_use]
    pub fn is_code(&self) -> bool {
        self.code().is_some()
    }

    /// Its text; empty where it is written in Rust.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] where the file cannot be read any more, or is no longer the one that was loaded.
    pub fn text(&self) -> Result<Cow<'_, str>, LoadError> {
        let text = self.whole_text()?;
        Ok(match &self.header {
            Some(header) => header.up(text),
            None => text,
        })
    }

    /// All of its file.
    fn whole_text(&self) -> Result<Cow<'_, str>, LoadError> {
        let (folder, file) = match &self.body {
            Body::Text { text, .. } => return Ok(Cow::Borrowed(text)),
            Body::Code(_) => return Ok(Cow::Borrowed("")),
            Body::File { kept: Some(text), .. } => return Ok(Cow::Borrowed(text)),
            Body::File { folder, file, kept: None } => (folder, file),
        };
        let text = std::fs::read_to_string(folder.join(&**file))
            .map_err(|error| Problem::new(self.file(), format!("cannot be read again: {error}"), "run again"))?;
        if Checksum::of_text(&text) == self.checksum {
            return Ok(Cow::Owned(text));
        }
        Err(Problem::new(
            self.file(),
            "changed while the migrations were running",
            "run again to see what is pending now",
        )
        .into())
    }

    /// The bytes of its file as they are, with byte order mark and line ends; none where it is written in Rust.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, LoadError> {
        match self.whole_text()? {
            // A text that was kept, or put into the program, is the file's as it was read.
            Cow::Borrowed(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Cow::Owned(text) => Ok(Cow::Owned(text.into_bytes())),
        }
    }

    /// Keeps a text that [`text`](Self::text) gave, so that it is not read again: what was checked is what runs.
    pub(crate) fn keep_text(&mut self, text: String) {
        if let Body::File { kept, .. } = &mut self.body {
            *kept = Some(text.into());
        }
    }

    /// Whether its statements run in one transaction, on a database whose DDL can.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        !self.directives().no_transaction
    }

    /// Splits its text and refuses what must not run.
    pub(crate) fn statements<'t>(&self, dialect: &Dialect, text: &'t str) -> Result<Vec<Statement<'t>>, LoadError> {
        if self.foreign().is_some() {
            let marked = self.header.as_ref().is_some_and(|header| header.marked);
            let meant = split::as_meant(dialect.lexer, text, marked);
            return meant.map(|meant| meant.statements).map_err(|refusals| self.refused(&refusals));
        }
        let rules = split::Rules { transactional: self.is_transactional() };
        let statements = self.checked(dialect, text, rules)?;
        let Some(open) = transaction_open(dialect, &statements) else { return Ok(statements) };
        let at = statements[open.min(statements.len() - 1)].span.start;
        let hint = "commit it: what it does would be lost, and its record with it";
        let problem = Problem::new(self.file(), "the transaction that begins here is not ended", hint);
        Err(problem.at(at.line, at.column).into())
    }

    fn checked<'t>(
        &self,
        dialect: &Dialect,
        text: &'t str,
        rules: split::Rules,
    ) -> Result<Vec<Statement<'t>>, LoadError> {
        split::check(dialect.lexer, text, rules).map_err(|refusals| self.refused(&refusals))
    }

    fn refused(&self, refusals: &[split::Refusal]) -> LoadError {
        let problem = |refusal: &split::Refusal| {
            Problem::new(self.file(), refusal.message(), refusal.hint()).at(refusal.at.line, refusal.at.column)
        };
        LoadError::from(refusals.iter().map(problem).collect::<Vec<_>>())
    }

    /// Everything that is wrong with it: what was found when it was loaded, and what its text holds that must not run.
    /// Gives the text too, where it was read for this.
    pub(crate) fn refusals(&self, dialect: &Dialect) -> (Vec<Problem>, Option<String>) {
        let mut problems = self.problems().to_vec();
        let text = match self.text() {
            Ok(text) => text,
            Err(error) => {
                problems.extend(error.into_problems());
                return (problems, None);
            }
        };
        let checked = match problems.is_empty() || self.foreign().is_some() {
            true => self.statements(dialect, &text).map(drop),
            // What a text may hold depends on its directives, and those are not known.
            false => self.checked(dialect, &text, split::Rules { transactional: false }).map(drop),
        };
        problems.extend(checked.err().into_iter().flat_map(LoadError::into_problems));
        let read = match text {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        };
        (problems, read)
    }

    /// The checksum of its token stream.
    ///
    /// # Errors
    ///
    /// As [`text`](Self::text).
    pub fn token_checksum(&self, dialect: &Dialect) -> Result<Checksum, LoadError> {
        match &self.body {
            Body::Code(_) => Ok(self.checksum.clone()),
            _ => Ok(Checksum::from_digest(split::token_hash(dialect.lexer, &self.text()?))),
        }
    }
}

/// Where the unit ends that begins with a statement: behind it, or behind the end of the transaction that it begins.
pub(crate) fn end_of_unit(dialect: &Dialect, statements: &[Statement<'_>], from: usize) -> usize {
    let ends = |end: &usize| transaction_open(dialect, &statements[from..*end]).is_none();
    (from + 1..=statements.len()).find(ends).unwrap_or(statements.len())
}

/// The statement that began a transaction of the text's own which is open after these statements.
pub(crate) fn transaction_open(dialect: &Dialect, statements: &[Statement<'_>]) -> Option<usize> {
    let mut open = None;
    for (index, statement) in statements.iter().enumerate() {
        open = match statement.control(dialect.lexer) {
            Control::Begins => open.or(Some(index)),
            // The next one begins behind it.
            Control::Ends { chains: true, .. } => Some(index + 1),
            Control::Ends { chains: false, .. } => None,
            Control::None => open,
        };
    }
    open
}
