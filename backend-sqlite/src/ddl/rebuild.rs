//! Making a table anew and filling it.

use whimbrel_core::Problem;
use whimbrel_schema::model::{Column, Table};
use whimbrel_schema::{Loss, fill_flag};

use super::expr::default_sql;
use super::mention::Mentions;
use super::render::{create_table, name_sql, type_sql};
use super::types::{Conversion, conversion};
use super::{Fills, problem};
use crate::introspect::scope::is_rowid;

/// A table that is made anew.
#[derive(Debug)]
pub(super) struct Rebuild<'a> {
    pub(super) before: &'a Table,
    pub(super) after: &'a Table,
    /// Pairs of names of columns: before, after. Those that go or come are in none.
    pub(super) columns: Vec<(&'a Column, &'a Column)>,
    /// Why it cannot be changed in place, as the end of a sentence.
    pub(super) reason: &'a str,
}

/// What goes from the old table into the new one.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// Columns of the new table, as SQL.
    into: Vec<String>,
    /// The expression for each, over the old table with its columns renamed.
    from: Vec<String>,
}

impl<'a> Rebuild<'a> {
    fn source(&self, column: &Column) -> Option<&'a Column> {
        self.columns.iter().find(|(_, after)| after.name == column.name).map(|(before, _)| *before)
    }

    /// What is copied, what is lost, what cannot be done.
    pub(super) fn copy(&self, fills: Fills<'_>, losses: &mut Vec<Loss>) -> Result<Copy, Vec<Problem>> {
        let mut copy = Copy::default();
        let mut problems = Vec::new();
        if let Some((into, from)) = self.rowid() {
            copy.push(into, from);
        }
        for column in self.after.columns.iter().filter(|column| column.generated.is_none()) {
            match self.value(column, fills, losses) {
                Ok(Some(value)) => copy.push(name_sql(&column.name), value),
                Ok(None) => {}
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() { Ok(copy) } else { Err(problems) }
    }

    /// The expression for a column; `None`: it fills itself.
    fn value(&self, column: &Column, fills: Fills<'_>, losses: &mut Vec<Loss>) -> Result<Option<String>, Box<Problem>> {
        let fill = fills.told(self.after, column).map(|fill| self.renamed(fill));
        match self.source(column) {
            Some(source) => {
                let conversion = fills.conversion(self.after, column).map(|value| self.renamed(value));
                self.kept_value((source, column), fill, conversion, losses).map(Some)
            }
            None if fill.is_some() => Ok(fill),
            None if self.takes_rowid(column) => Ok(None),
            None if column.fills_itself() => Ok(None),
            None => Err(Box::new(self.unfilled(column))),
        }
    }

    fn kept_value(
        &self,
        (source, column): (&Column, &Column),
        fill: Option<String>,
        converted: Option<String>,
        losses: &mut Vec<Loss>,
    ) -> Result<String, Box<Problem>> {
        let is_told = converted.is_some();
        let name = converted.unwrap_or_else(|| name_sql(&column.name));
        let tightened = column.not_null && !source.not_null && source.identity.is_none();
        let same_type = type_sql(&source.ty) == type_sql(&column.ty);
        if let Some(fill) = fill {
            return Ok(if tightened && same_type { format!("coalesce({name}, {fill})") } else { fill });
        }
        match conversion(&type_sql(&source.ty), &type_sql(&column.ty)) {
            _ if is_told => {}
            Conversion::Kept => {}
            Conversion::Loses(what) => losses.push(self.loss(column, what)),
            Conversion::Told => return Err(Box::new(self.untold(source, column))),
        }
        match &column.default {
            Some(default) if tightened => Ok(format!("coalesce({name}, {})", default_sql(default))),
            _ => Ok(name),
        }
    }

    fn loss(&self, column: &Column, what: &str) -> Loss {
        Loss { object: format!("column {}.{}", self.after.name, column.name), what: what.to_owned() }
    }

    fn unfilled(&self, column: &Column) -> Problem {
        let message = "a column that refuses NULL and has no default cannot be added to a table that may have rows";
        let hint =
            format!("give it a default, or say what the rows get: {}", fill_flag(&self.after.name, &column.name));
        problem(&self.after.name, Some(&column.name), message, hint)
    }

    fn untold(&self, source: &Column, column: &Column) -> Problem {
        let (from, to) = (type_sql(&source.ty), type_sql(&column.ty));
        let (from, to) = (or_untyped(&from), or_untyped(&to));
        let message = format!("values of type {from} may not convert to {to}");
        let flag = fill_flag(&self.after.name, &column.name);
        let hint = format!("say how they are converted, such as by `CAST({} AS {to})`: {flag}", name_sql(&column.name));
        problem(&self.after.name, Some(&column.name), message, hint)
    }

    /// A fill names the columns as they were; they are renamed before it is evaluated. A name may be given by one rename and
    /// taken by another, so each goes over a name that nobody has.
    fn renamed(&self, fill: &str) -> String {
        let pairs: Vec<_> = self.columns.iter().filter(|(before, after)| before.name != after.name).collect();
        let moves = |name: &str| pairs.iter().any(|(before, _)| before.name == name);
        let free = |name: &str| self.before.column(name).is_none() || moves(name);
        let aside = |at: usize| format!("whimbrel_fill_{at}");
        let mut told = fill.to_owned();
        for (at, (before, after)) in pairs.iter().enumerate() {
            if Mentions::of(&told).has(&before.name) && free(&after.name) {
                told = super::expr::rename(&told, &before.name, &aside(at));
            }
        }
        let named = pairs.iter().enumerate();
        named.fold(told, |told, (at, (_, after))| super::expr::rename(&told, &aside(at), &after.name))
    }

    /// What keeps the rowids: they are handed on as long as a name is left to call them by.
    fn rowid(&self) -> Option<(String, String)> {
        if self.before.options.without_rowid || self.after.options.without_rowid {
            return None;
        }
        let from = free_rowid(&[self.before, self.after])?;
        let alias = self.after.columns.iter().find(|column| column.identity.is_some());
        match alias {
            None => Some((from.to_owned(), from.to_owned())),
            Some(column) if self.takes_rowid(column) => Some((name_sql(&column.name), from.to_owned())),
            Some(_) => None,
        }
    }

    /// Whether a new column becomes another name for the numbers that the rows have already.
    fn takes_rowid(&self, column: &Column) -> bool {
        column.identity.is_some() && self.source(column).is_none() && !self.before.options.without_rowid
    }

    fn counts(table: &Table) -> bool {
        table.columns.iter().any(|column| column.identity.as_ref().is_some_and(|identity| identity.never_reuse))
    }

    /// Whether a counter of AUTOINCREMENT has to go along.
    pub(super) fn keeps_counter(&self) -> bool {
        Self::counts(self.before) && Self::counts(self.after)
    }

    /// The table is made under the name `new`, filled, and takes the place of the old one. Foreign keys do not act
    /// meanwhile.
    pub(super) fn statements(&self, copy: &Copy, new: &str) -> Vec<String> {
        let (name, made) = (name_sql(&self.after.name.name), name_sql(new));
        let create = create_table(self.after, new);
        let mut statements = vec![
            format!("-- SQLite cannot {}: {name} is made anew, filled, and renamed.\n{create}", self.reason),
            copy.insert(&made, &name),
        ];
        if self.keeps_counter() {
            statements.extend(move_counter(&self.after.name.name, new));
        }
        statements.push(format!("DROP TABLE {name}"));
        statements.push(format!("ALTER TABLE {made} RENAME TO {name}"));
        statements
    }

    /// All columns of the old table and its rowids, as a table `kept` holds them.
    pub(super) fn keep(&self, kept: &str) -> String {
        let renamed = |column: &Column| {
            let pair = self.columns.iter().find(|(before, _)| before.name == column.name);
            name_sql(pair.map_or(&column.name, |(_, after)| &after.name))
        };
        let mut columns: Vec<String> = self.before.columns.iter().map(renamed).collect();
        if let Some(rowid) = free_rowid(&[self.before, self.after]).filter(|_| !self.before.options.without_rowid) {
            columns.insert(0, format!("{rowid} AS {KEPT_ROWID}"));
        }
        format!(
            "CREATE TABLE {} AS\nSELECT {}\nFROM {}",
            name_sql(kept),
            columns.join(", "),
            name_sql(&self.after.name.name)
        )
    }

    /// Fills the table, which stands empty under its name, from what [`Rebuild::keep`] kept.
    pub(super) fn refill(&self, copy: &Copy, kept: &str) -> String {
        let from = copy.from.iter().map(|from| if is_rowid(from) { KEPT_ROWID.to_owned() } else { from.clone() });
        let copy = Copy { into: copy.into.clone(), from: from.collect() };
        copy.insert(&name_sql(&self.after.name.name), &name_sql(kept))
    }
}

const KEPT_ROWID: &str = "whimbrel_rowid";

/// A name of the rowid that no column of the tables has.
fn free_rowid(tables: &[&Table]) -> Option<&'static str> {
    let taken = |name: &str| {
        tables.iter().any(|table| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)))
    };
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name))
}

/// The counter of AUTOINCREMENT of a table becomes that of another one, also where the table is empty now.
pub(super) fn move_counter(from: &str, to: &str) -> [String; 2] {
    let (from, to) = (whimbrel_core::quote_literal(from), whimbrel_core::quote_literal(to));
    [
        format!(
            "-- The highest number ever given goes along, so that none is given again.\n\
             DELETE FROM sqlite_sequence WHERE name = {to}"
        ),
        format!("INSERT INTO sqlite_sequence (name, seq)\nSELECT {to}, seq FROM sqlite_sequence WHERE name = {from}"),
    ]
}

impl Copy {
    fn push(&mut self, into: String, from: String) {
        self.into.push(into);
        self.from.push(from);
    }

    fn insert(&self, into: &str, from: &str) -> String {
        format!("INSERT INTO {into} ({})\nSELECT {}\nFROM {from}", self.into.join(", "), self.from.join(", "))
    }
}

fn or_untyped(ty: &str) -> &str {
    if ty.is_empty() { "any" } else { ty }
}
