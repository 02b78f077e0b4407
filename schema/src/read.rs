//! Reading a schema file: portable SQL, into the model.
//!
//! The file is DDL in the grammar of Postgres, restricted to what has the same meaning in every dialect. A statement that
//! only one dialect has stands behind `-- @only NAME`. What a diff cannot see stands in annotations: `-- @renamed from NAME`
//! above a table, column, index, type or value, and `-- @sqlite timestamps = integer-ms` above a table or column (or at the
//! top of the file) for how types are stored.

mod annotation;
mod column;
mod constraint;
mod index;
mod node;
mod sequence;
mod statement;
mod table;
mod types;
mod valid;

use std::collections::{BTreeMap, HashMap};
use std::thread;

use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{Parse, SourceFile};
use whimbrel_core::Problem;
use whimbrel_core::split::{Lexer, Statement, split};

use crate::dialect::{Rename, Storage};
use crate::model::{EnumType, Native, ObjectName, Schema, Table};
use annotation::Annotations;
use node::Place;

/// A schema file, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// What every dialect has.
    schema: Schema,
    /// What one dialect has beside it, by the dialect's name.
    only: BTreeMap<String, Schema>,
    /// What one dialect adds to tables that every dialect has, by the dialect's name: tables that hold nothing else.
    additions: BTreeMap<String, Vec<Table>>,
    renames: Vec<Rename>,
    storage: BTreeMap<String, Storage>,
}

impl Document {
    /// The schema for a dialect, and how it stores types: what every dialect has, and what only this one has.
    #[must_use]
    pub fn for_dialect(&self, name: &str) -> (Schema, Storage) {
        let mut schema = self.schema.clone();
        if let Some(only) = self.only.get(name) {
            schema.enums.extend(only.enums.iter().cloned());
            schema.sequences.extend(only.sequences.iter().cloned());
            schema.tables.extend(only.tables.iter().cloned());
            schema.views.extend(only.views.iter().cloned());
            schema.natives.extend(only.natives.iter().cloned());
        }
        for added in self.additions.get(name).into_iter().flatten() {
            if let Some(table) = schema.tables.iter_mut().find(|table| table.name == added.name) {
                table.extend(added);
            }
        }
        (schema, self.storage.get(name).cloned().unwrap_or_default())
    }

    /// The renames that are told in the file.
    #[must_use]
    pub fn renames(&self) -> &[Rename] {
        &self.renames
    }

    /// Every table, those of one dialect too.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.schema.tables.iter().chain(self.only.values().flat_map(|only| &only.tables))
    }

    /// What is carried as text in any dialect.
    fn natives(&self) -> impl Iterator<Item = &Native> {
        self.only.values().flat_map(|only| &only.natives)
    }

    fn has_native_table(&self, name: &ObjectName) -> bool {
        self.natives().any(|native| native.kind == "table" && native.name == name.to_string())
    }

    /// Every enum type, those of one dialect too.
    pub fn enums(&self) -> impl Iterator<Item = &EnumType> {
        self.schema.enums.iter().chain(self.only.values().flat_map(|only| &only.enums))
    }
}

/// The dialects that `@only` and storage annotations know, with how their statements are split.
const DIALECTS: [(&str, Lexer); 2] = [("postgres", Lexer::Postgres), ("sqlite", Lexer::Sqlite)];

/// Reads a schema file. `file` is what problems call it.
///
/// # Errors
///
/// Everything that is outside of portable SQL or names what is not there, each with its line and column and what to write
/// instead, all at once.
pub fn read(file: &str, text: &str) -> Result<Document, Vec<Problem>> {
    let mut reader = Reader {
        file,
        text,
        document: Document::default(),
        places: Vec::new(),
        made: HashMap::new(),
        problems: Vec::new(),
    };
    reader.whole();
    reader.finish()
}

/// For which dialect alone an object is made, and where, in bytes.
type Made = (Option<String>, usize);

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    document: Document,
    /// Where the statements of tables and views are.
    places: Vec<valid::Placed>,
    /// Where objects are made, by kind and name: for which dialect alone, and the byte.
    made: HashMap<(&'static str, String), Vec<Made>>,
    problems: Vec<Problem>,
}

/// A statement with what stands above it.
struct Piece<'a> {
    statement: Statement<'a>,
    /// Where it begins in the file, in bytes.
    start: usize,
    annotations: Annotations,
    /// Its syntax tree, where it is of Postgres' grammar.
    parsed: Option<Parsed>,
}

/// A syntax tree with its errors.
struct Parsed {
    tree: Parse<SourceFile>,
    errors: Vec<SyntaxError>,
}

impl Parsed {
    fn of(text: &str) -> Self {
        let tree = SourceFile::parse(text);
        let errors = tree.errors();
        Self { tree, errors }
    }
}

/// So many statements are parsed at once before another thread is worth it.
const FOR_A_THREAD: usize = 64;

/// Parses every statement of Postgres' grammar, on several threads where there are many.
fn parse_all(pieces: &mut [Piece<'_>]) {
    let parse = |pieces: &mut [Piece<'_>]| {
        for piece in pieces.iter_mut().filter(|piece| piece.annotations.only.as_deref() != Some("sqlite")) {
            piece.parsed = Some(Parsed::of(piece.statement.text));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = pieces.len().div_ceil(threads).max(FOR_A_THREAD);
    thread::scope(|scope| {
        let mut shares = pieces.chunks_mut(share);
        let own = shares.next();
        for others in shares {
            scope.spawn(move || parse(others));
        }
        own.map(parse);
    });
}

impl<'a> Reader<'a> {
    fn whole(&mut self) {
        let mut pieces = self.pieces();
        parse_all(&mut pieces);
        pieces.into_iter().for_each(|piece| self.statement(piece));
    }

    /// Statement by statement: the annotation above one says by which dialect's rules it ends. Nothing is given behind one
    /// that has no end.
    fn pieces(&mut self) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut at = usize::from(self.text.starts_with('\u{feff}')) * '\u{feff}'.len_utf8();
        let mut first = true;
        'again: loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let Some(statements) = self.split(Lexer::Postgres, rest, at) else { return pieces };
            let mut end = 0;
            for statement in statements {
                let start = statement.span.start.byte;
                let (above, before) = (rest.get(end..start).unwrap_or_default(), at + end);
                end = after(rest, statement.span.end.byte);
                let mut annotations = self.annotations(above, before);
                if std::mem::take(&mut first) {
                    self.file_options(&mut annotations);
                }
                let foreign = annotations.only.as_deref().filter(|only| *only != "postgres");
                if let Some((_, lexer)) = DIALECTS.iter().find(|(name, _)| Some(*name) == foreign) {
                    let from = at + start;
                    let tail = self.text.get(from..).unwrap_or_default();
                    let Some(statements) = self.split(*lexer, tail, from) else { return pieces };
                    let Some(statement) = statements.into_iter().next() else { return pieces };
                    at = from + after(tail, statement.span.end.byte);
                    pieces.push(Piece { statement, start: from, annotations, parsed: None });
                    continue 'again;
                }
                pieces.push(Piece { start: at + start, statement, annotations, parsed: None });
            }
            return pieces;
        }
    }

    fn split<'t>(&mut self, lexer: Lexer, text: &'t str, from: usize) -> Option<Vec<Statement<'t>>> {
        match split(lexer, text) {
            Ok(statements) => Some(statements),
            Err(error) => {
                let place = Place::of(self.text, from + error.at.byte);
                let problem =
                    Problem::new(self.file, error.kind.to_string(), "correct it, nothing after it can be read");
                self.problems.push(problem.at(place.line, place.column));
                None
            }
        }
    }

    fn annotations(&mut self, above: &str, start: usize) -> Annotations {
        let (annotations, wrong) = Annotations::read(above);
        for (offset, message, hint) in wrong {
            self.problem(start + offset, message, hint);
        }
        annotations
    }

    /// Storage options that stand alone at the top, with an empty line below them, are of the whole file.
    fn file_options(&mut self, annotations: &mut Annotations) {
        for (dialect, options) in std::mem::take(&mut annotations.detached) {
            self.document.storage.entry(dialect).or_default().target.extend(options);
        }
    }

    fn problem(&mut self, byte: usize, message: impl Into<String>, hint: impl Into<String>) {
        let place = Place::of(self.text, byte);
        self.problems.push(Problem::new(self.file, message, hint).at(place.line, place.column));
    }

    /// The schema that a statement with these annotations belongs to.
    fn schema(&mut self, annotations: &Annotations) -> &mut Schema {
        match &annotations.only {
            Some(dialect) => self.document.only.entry(dialect.clone()).or_default(),
            None => &mut self.document.schema,
        }
    }

    /// Notes that an object is made; gives `false`, and tells both places, where one of its kind and name stands above that a dialect
    /// would have beside it.
    fn is_first(&mut self, piece: &Piece<'_>, kind: &'static str, name: &str, hint: &str) -> bool {
        let only = &piece.annotations.only;
        let made = self.made.entry((kind, name.to_owned())).or_default();
        let before = made.iter().find(|(other, _)| other.is_none() || only.is_none() || other == only);
        let Some(before) = before.map(|(_, byte)| *byte) else {
            made.push((only.clone(), piece.start));
            return true;
        };
        let line = Place::of(self.text, before).line;
        self.problem(piece.start, format!("the {kind} {name} stands twice: line {line} has it already"), hint);
        false
    }

    fn native(&mut self, annotations: &Annotations, native: Native) {
        self.schema(annotations).natives.push(native);
    }

    fn finish(mut self) -> Result<Document, Vec<Problem>> {
        self.problems.extend(valid::problems(self.file, self.text, &mut self.document, &self.places));
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.dedup();
        if self.problems.is_empty() { Ok(self.document) } else { Err(self.problems) }
    }
}

/// The place behind a statement and its semicolon.
fn after(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + rest.len() - rest.trim_start().strip_prefix(';').map_or(rest, |rest| rest).len()
}

#[cfg(test)]
mod tests;
