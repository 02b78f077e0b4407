//! Values of enum types where a dialect has none: they are texts in rows.

use std::collections::BTreeMap;

use whimbrel_core::{Problem, quote_identifier, quote_literal};

use super::Target;
use crate::change::Change;
use crate::dialect::{Rename, RenamedObject};
use crate::diff;
use crate::model::{Column, ObjectName, Schema, Type};

/// What becomes of the values of enum types that get other names, where they stand in the rows as texts. A conversion that is
/// told takes its place.
pub(super) fn conversions(
    target: &Target<'_>,
    before: &Schema,
    wanted: &Schema,
    changes: &[Change],
    told: &BTreeMap<(ObjectName, String), String>,
) -> BTreeMap<(ObjectName, String), String> {
    let mut conversions = BTreeMap::new();
    let columns = target.schema.tables.iter().flat_map(|table| table.columns.iter().map(move |it| (&table.name, it)));
    for (table, column) in columns {
        let Type::Enum(ty) = &column.ty else { continue };
        let Some(was) = names_before(changes, table, &column.name) else { continue };
        let place = Place { before: (before, &was.0, &was.1), wanted: (wanted, table, &column.name) };
        let key = (table.clone(), column.name.clone());
        let is_told = told.contains_key(&key) && !place.is_tightened();
        if wanted.enum_type(ty).is_some() || !place.is_kept() || is_told {
            continue;
        }
        let of_type = |it: &&Rename| !it.is_refused() && it.object == RenamedObject::EnumValue(ty.clone());
        let renames: Vec<&Rename> = target.renames.iter().filter(of_type).collect();
        if let Some(renamed) = place.renamed(&renames) {
            conversions.insert(key, renamed);
        }
    }
    conversions
}

/// What a column and its table were called before these changes; `None`: one of them is new.
pub(super) fn names_before(changes: &[Change], table: &ObjectName, column: &str) -> Option<(ObjectName, String)> {
    let mut was = (table.clone(), column.to_owned());
    for change in changes.iter().rev() {
        match change {
            Change::CreateTable(made) if made.name == was.0 => return None,
            Change::AddColumn { table, column } if *table == was.0 && column.name == was.1 => return None,
            Change::RenameTable { from, to } if *to == was.0 => was.0 = from.clone(),
            Change::RenameColumn { table, from, to } if *table == was.0 && *to == was.1 => was.1.clone_from(from),
            _ => {}
        }
    }
    Some(was)
}

/// A column that holds values of an enum type as texts, by its names before and after.
struct Place<'a> {
    before: Named<'a>,
    wanted: Named<'a>,
}

/// A schema, a table and a column.
type Named<'a> = (&'a Schema, &'a ObjectName, &'a str);

/// Whether a check of the column names the value.
fn allows((schema, table, column): Named<'_>, value: &str) -> bool {
    let checks = schema.table(table).map(|it| it.checks.as_slice()).unwrap_or_default();
    let value = quote_literal(value);
    checks.iter().any(|it| it.expr.columns().contains(column) && it.expr.as_str().contains(&value))
}

impl Place<'_> {
    fn columns(&self) -> Option<(&Column, &Column)> {
        let (before, wanted) = (self.before.0.table(self.before.1)?, self.wanted.0.table(self.wanted.1)?);
        Some((before.column(self.before.2)?, wanted.column(self.wanted.2)?))
    }

    fn is_kept(&self) -> bool {
        self.columns().is_some()
    }

    /// Whether it refuses NULL from now on.
    fn is_tightened(&self) -> bool {
        self.columns().is_some_and(|(before, wanted)| wanted.not_null && !before.not_null)
    }

    /// The values with their new names; `None`: they have them already.
    fn renamed(&self, renames: &[&Rename]) -> Option<String> {
        let due = renames.iter().filter(|it| self.is_due(it, renames, renames.len()));
        let whens: Vec<String> =
            due.map(|it| format!("WHEN {} THEN {}", quote_literal(&it.from), quote_literal(&it.to))).collect();
        let name = quote_identifier(self.before.2);
        (!whens.is_empty()).then(|| format!("CASE {name} {} ELSE {name} END", whens.join(" ")))
    }

    /// Whether a rename is still to be carried out: a note of one that was may stay in the file. The new name is free, or is
    /// that of a value that gets another one itself. Where checks come or go that tell the values, those on one side tell it.
    fn is_due(&self, rename: &Rename, all: &[&Rename], depth: usize) -> bool {
        let makes_room = |it: &&Rename| it.from == rename.to && depth > 0 && self.is_due(it, all, depth - 1);
        let tells = |named| all.iter().any(|it| allows(named, &it.from) || allows(named, &it.to));
        let (told, tells) = (tells(self.before), tells(self.wanted));
        (allows(self.before, &rename.from) || !told)
            && (allows(self.wanted, &rename.to) || !tells)
            && (told || tells)
            && (!allows(self.before, &rename.to) || all.iter().any(makes_room))
    }
}

/// Values that only hand their names round change no schema where they are texts: nothing could carry it out unseen.
pub(super) fn circles(target: &Target<'_>, wanted: &Schema) -> Vec<Problem> {
    let circles = diff::circles(&target.renames).into_iter();
    let untold = circles
        .filter(|rename| matches!(&rename.object, RenamedObject::EnumValue(ty) if wanted.enum_type(ty).is_none()));
    let problem = |rename: Rename| {
        let message = format!(
            "the {} `{}` cannot become `{}`, which becomes another one itself",
            rename.object, rename.from, rename.to
        );
        Problem::new(target.name.clone(), message, "rename it in two steps, over a name that no other value has")
    };
    untold.map(problem).collect()
}
