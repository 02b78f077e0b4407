//! Values of enum types where a dialect has none: they are texts in rows.

use std::collections::BTreeMap;

use whimbrel_core::{Problem, quote_identifier, quote_literal};

use super::Target;
use crate::change::Change;
use crate::dialect::{Rename, RenamedObject};
use crate::diff;
use crate::model::{ObjectName, Schema, Type};

/// Where a dialect has no enum types, a value of one stands in the rows as a text, and is renamed there.
pub(super) fn renamed(
    target: &Target<'_>,
    before: &Schema,
    wanted: &Schema,
    changes: &[Change],
) -> BTreeMap<(ObjectName, String), String> {
    let mut fills: BTreeMap<(ObjectName, String), String> = BTreeMap::new();
    for rename in target.renames.iter().filter(|rename| !rename.is_refused()) {
        let RenamedObject::EnumValue(ty) = &rename.object else { continue };
        if wanted.enum_type(ty).is_some() {
            continue;
        }
        for (table, column) in columns_of(&target.schema, ty) {
            let was = names_before(changes, table, column);
            let place = Place { before: (before, &was.0, &was.1), wanted: (wanted, table, column) };
            if place.is_due(rename, &target.renames, target.renames.len()) {
                let (old, new) = (quote_literal(&rename.from), quote_literal(&rename.to));
                let name = quote_identifier(&was.1);
                let fill = fills
                    .entry((table.clone(), column.to_owned()))
                    .or_insert_with(|| format!("CASE {name} ELSE {name} END"));
                *fill = fill.replacen(" ELSE ", &format!(" WHEN {old} THEN {new} ELSE "), 1);
            }
        }
    }
    fills
}

/// What a column and its table were called before these changes.
fn names_before(changes: &[Change], table: &ObjectName, column: &str) -> (ObjectName, String) {
    let mut was = (table.clone(), column.to_owned());
    for change in changes.iter().rev() {
        match change {
            Change::RenameTable { from, to } if *to == was.0 => was.0 = from.clone(),
            Change::RenameColumn { table, from, to } if *table == was.0 && *to == was.1 => was.1.clone_from(from),
            _ => {}
        }
    }
    was
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
    /// Whether a rename is still to be carried out: a note of one that was may stay in the file. The new name is free, or is
    /// that of a value that gets another one itself.
    fn is_due(&self, rename: &Rename, all: &[Rename], depth: usize) -> bool {
        let makes_room = |it: &&Rename| {
            it.object == rename.object && it.from == rename.to && depth > 0 && self.is_due(it, all, depth - 1)
        };
        allows(self.before, &rename.from)
            && allows(self.wanted, &rename.to)
            && (!allows(self.before, &rename.to) || all.iter().any(|it| makes_room(&it)))
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

/// The columns of an enum type.
fn columns_of<'a>(schema: &'a Schema, ty: &'a ObjectName) -> impl Iterator<Item = (&'a ObjectName, &'a str)> {
    let columns = schema.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (&table.name, column)));
    columns
        .filter(move |(_, column)| column.ty == Type::Enum(ty.clone()))
        .map(|(table, column)| (table, column.name.as_str()))
}
