//! Values of enum types.

use std::collections::BTreeSet;

use whimbrel_schema::Change;
use whimbrel_schema::model::{Column, EnumType, ForeignKey, Index, ObjectName, Table};

use super::script::Writer;
use super::step::{Lock, Step, Work};
use super::types::enum_of;
use super::words::{ident, literal, object};
use super::{column, render, types};

pub(super) fn alter(writer: &mut Writer<'_>, at: usize, before: &EnumType, after: &EnumType) {
    if is_kept(&before.values, &after.values) {
        add_values(writer, before, after);
    } else {
        swap(writer, at, before, after);
    }
}

/// Whether the old values stand in the new ones, in their order.
fn is_kept(before: &[String], after: &[String]) -> bool {
    let mut after = after.iter();
    before.iter().all(|value| after.any(|kept| kept == value))
}

fn add_values(writer: &mut Writer<'_>, before: &EnumType, after: &EnumType) {
    let mut there: Vec<&String> = before.values.iter().collect();
    for (at, value) in after.values.iter().enumerate().filter(|(_, value)| !before.values.contains(value)) {
        let previous = at.checked_sub(1).and_then(|at| after.values.get(at));
        let place = match (previous, there.first(), there.last()) {
            (None, Some(first), _) => format!(" BEFORE {}", literal(first)),
            (Some(previous), _, Some(last)) if previous != *last => format!(" AFTER {}", literal(previous)),
            _ => String::new(),
        };
        writer.push(Step::free(format!("ALTER TYPE {} ADD VALUE {}{place}", object(&after.name), literal(value))));
        writer.added_value(&after.name, value);
        there.insert(at.min(there.len()), value);
    }
}

/// What does not survive a change of its columns' type by itself.
struct Around {
    indexes: Vec<(ObjectName, Index)>,
    checks: Vec<(ObjectName, whimbrel_schema::model::Check)>,
    foreign_keys: Vec<(ObjectName, ForeignKey)>,
    generated: Vec<(Table, Column)>,
}

/// Values cannot be taken away or moved: a new type takes the place of the old one.
fn swap(writer: &mut Writer<'_>, at: usize, before: &EnumType, after: &EnumType) {
    let columns: Vec<(ObjectName, Column)> = writer.state.columns_of(&before.name);
    let (staying, leaving): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|(table, column)| !leaves(writer, at, table, column, &after.name));
    let mut around = around(writer, &staying);
    take_away(writer, &around);
    // One that a later step drops does not come back for that.
    around.generated.retain(|(table, column)| {
        let stays = !is_dropped(writer, at, &table.name, column);
        if !stays {
            writer.dropped.insert((table.name.clone(), column.name.clone()));
        }
        stays
    });
    let old = before.name.sibling(super::names::truncated(&format!("whimbrel_old_{}", before.name.name)));
    writer.push(Step::free(format!("ALTER TYPE {} RENAME TO {}", object(&before.name), ident(&old.name))).noted(
        "Values of an enum cannot be removed or moved, so a new type takes its place. A row with a value that the new one \
         lacks stops this, and nothing is changed then.",
    ));
    writer.push(Step::free(render::enum_type(after)));
    writer.comment_on(&format!("TYPE {}", object(&after.name)), after.comment.as_deref());
    for (table, of) in &staying {
        convert(writer, table, of, after);
    }
    let drop = Step::free(format!("DROP TYPE {}", object(&old)));
    if leaving.is_empty() {
        writer.push(drop);
    } else {
        writer.last.push(drop);
    }
    give_back(writer, around);
}

/// Whether a later step takes the column away.
fn is_dropped(writer: &Writer<'_>, at: usize, table: &ObjectName, column: &Column) -> bool {
    writer.request.changes.iter().skip(at + 1).any(|change| match change {
        Change::DropColumn { table: of, column: gone } => of == table && gone.name == column.name,
        _ => false,
    })
}

/// Whether a later step takes the column or its table away, or gives it another type.
fn leaves(writer: &Writer<'_>, at: usize, table: &ObjectName, column: &Column, ty: &ObjectName) -> bool {
    is_dropped(writer, at, table, column)
        || writer.request.changes.iter().skip(at + 1).any(|change| match change {
            Change::DropTable(gone) => gone.name == *table,
            Change::AlterColumn { table: of, after, .. } => {
                of == table && after.name == column.name && enum_of(&after.ty) != Some(ty)
            }
            _ => false,
        })
}

fn around(writer: &Writer<'_>, columns: &[(ObjectName, Column)]) -> Around {
    let of = |table: &ObjectName| -> BTreeSet<&str> {
        columns.iter().filter(|(name, _)| name == table).map(|(_, column)| column.name.as_str()).collect()
    };
    let mut around =
        Around { indexes: Vec::new(), checks: Vec::new(), foreign_keys: Vec::new(), generated: Vec::new() };
    for table in &writer.state.schema.tables {
        let mine = of(&table.name);
        let named = |names: &BTreeSet<String>| names.iter().any(|name| mine.contains(name.as_str()));
        for key in &table.foreign_keys {
            let theirs = of(&key.parent);
            let touched = key.columns.iter().any(|name| mine.contains(name.as_str()))
                || key.parent_columns.iter().any(|name| theirs.contains(name.as_str()));
            around.foreign_keys.extend(touched.then(|| (table.name.clone(), key.clone())));
        }
        let indexes = table.indexes.iter().filter(|index| mine.iter().any(|name| column::depends(index, name)));
        around.indexes.extend(indexes.map(|index| (table.name.clone(), index.clone())));
        let checks = table.checks.iter().filter(|check| named(&check.expr.columns()));
        around.checks.extend(checks.map(|check| (table.name.clone(), check.clone())));
        let generated =
            table.columns.iter().filter(|of| of.generated.as_ref().is_some_and(|of| named(&of.expr.columns())));
        around.generated.extend(generated.map(|of| (table.clone(), of.clone())));
    }
    around
}

fn take_away(writer: &mut Writer<'_>, around: &Around) {
    for (table, key) in &around.foreign_keys {
        if let Some(name) = &key.name {
            action(writer, table, Work::Catalog, format!("DROP CONSTRAINT {}", ident(name)));
        }
    }
    for (table, check) in &around.checks {
        if let Some(name) = &check.name {
            action(writer, table, Work::Catalog, format!("DROP CONSTRAINT {}", ident(name)));
        }
    }
    for (table, index) in &around.indexes {
        let name = object(&table.sibling(index.name.clone()));
        writer.push(Step::statement(Lock::AccessExclusive, Work::Catalog, format!("DROP INDEX {name}")).locking(table));
    }
    for (table, of) in &around.generated {
        action(writer, &table.name, Work::Catalog, format!("DROP COLUMN {}", ident(&of.name)));
    }
}

fn give_back(writer: &mut Writer<'_>, around: Around) {
    for (table, of) in &around.generated {
        // An action on the column that is to follow is done before this one where both stand in one statement.
        let added = format!("ADD COLUMN {}", render::column(of));
        writer.push(Step::action(&table.name, Lock::AccessExclusive, Work::Rewrite, added).alone());
        let on = format!("COLUMN {}.{}", object(&table.name), ident(&of.name));
        writer.comment_on(&on, of.comment.as_deref());
        // What stands on it and on the enum, too, comes back below.
        let mut rest = table.clone();
        rest.indexes
            .retain(|index| !around.indexes.iter().any(|(on, other)| *on == table.name && other.name == index.name));
        rest.checks
            .retain(|check| !around.checks.iter().any(|(on, other)| *on == table.name && other.name == check.name));
        rest.foreign_keys
            .retain(|key| !around.foreign_keys.iter().any(|(on, other)| *on == table.name && other.name == key.name));
        column::restore(writer, &rest, &of.name);
    }
    for (table, check) in &around.checks {
        action(writer, table, Work::Scan, format!("ADD {}", render::check(check)));
    }
    for (table, index) in &around.indexes {
        writer.push(Step::statement(Lock::Share, Work::Build, render::index(table, index, false)).locking(table));
    }
    for (table, key) in &around.foreign_keys {
        let step =
            Step::action(table, Lock::ShareRowExclusive, Work::Scan, format!("ADD {}", render::foreign_key(key)));
        writer.push(step.locking(&key.parent));
    }
}

fn action(writer: &mut Writer<'_>, table: &ObjectName, work: Work, text: String) {
    writer.push(Step::action(table, Lock::AccessExclusive, work, text));
}

/// Gives a column the new type: its default goes before and comes after.
fn convert(writer: &mut Writer<'_>, table: &ObjectName, of: &Column, after: &EnumType) {
    let name = ident(&of.name);
    if of.default.is_some() {
        action(writer, table, Work::Catalog, format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    let mut ty = of.ty.clone();
    rename(&mut ty, &after.name);
    let ty = types::sql(&ty);
    let text = column::fill(writer, table, &of.name).map_or_else(|| name.clone(), |value| format!("({value})"));
    action(writer, table, Work::Rewrite, format!("ALTER COLUMN {name} TYPE {ty} USING {text}::text::{ty}"));
    let target = writer.request.after.table(table).and_then(|table| table.column(&of.name));
    let default = target.map_or_else(|| of.default.clone(), |target| target.default.clone());
    if let Some(default) = default {
        action(writer, table, Work::Catalog, format!("ALTER COLUMN {name} SET DEFAULT {}", render::default(&default)));
    }
}

fn rename(ty: &mut whimbrel_schema::Type, to: &ObjectName) {
    match ty {
        whimbrel_schema::Type::Enum(name) => *name = to.clone(),
        whimbrel_schema::Type::Array(item) => rename(item, to),
        _ => {}
    }
}
