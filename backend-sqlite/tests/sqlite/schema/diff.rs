//! The differences of two schemas, told by names: small, and independent of the engine's own.

use whimbrel_schema::Change;
use whimbrel_schema::model::{Native, ObjectName, Schema, Table};

/// A rename: of a column, or with an empty table of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renamed<'a> {
    /// As it is called after.
    pub(crate) table: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

pub(crate) fn changes(before: &Schema, after: &Schema, renamed: &[Renamed<'_>]) -> Vec<Change> {
    let mut changes = around(before, after);
    let mut now = before.clone();
    for it in renamed {
        changes.push(apply(&mut now, it));
    }
    for table in &now.tables {
        match after.table(&table.name) {
            Some(after) => of_table(table, after, &mut changes),
            None => changes.push(Change::DropTable(table.clone())),
        }
    }
    let created = after.tables.iter().filter(|table| now.table(&table.name).is_none());
    changes.extend(created.cloned().map(Change::CreateTable));
    changes
}

fn around(before: &Schema, after: &Schema) -> Vec<Change> {
    let gone = before.views.iter().filter(|view| !after.views.contains(view)).cloned().map(Change::DropView);
    let new = after.views.iter().filter(|view| !before.views.contains(view)).cloned().map(Change::CreateView);
    let lost = |native: &&Native| !after.natives.contains(native);
    let added = |native: &&Native| !before.natives.contains(native);
    let gone = gone.chain(before.natives.iter().filter(lost).cloned().map(Change::DropNative));
    let new = new.chain(after.natives.iter().filter(added).cloned().map(Change::CreateNative));
    gone.chain(new).collect()
}

/// Renames in the model as SQLite would in the database.
fn apply(schema: &mut Schema, it: &Renamed<'_>) -> Change {
    if it.table.is_empty() {
        let (from, to) = (ObjectName::new(it.from), ObjectName::new(it.to));
        for table in &mut schema.tables {
            table.foreign_keys.iter_mut().filter(|key| key.parent == from).for_each(|key| key.parent = to.clone());
            if table.name == from {
                table.name = to.clone();
            }
        }
        return Change::RenameTable { from, to };
    }
    let table = ObjectName::new(it.table);
    for other in &mut schema.tables {
        rename_column(other, &table, it);
    }
    Change::RenameColumn { table, from: it.from.to_owned(), to: it.to.to_owned() }
}

fn rename_column(table: &mut Table, of: &ObjectName, it: &Renamed<'_>) {
    let fix = |name: &mut String| {
        if *name == it.from {
            *name = it.to.to_owned();
        }
    };
    for key in table.foreign_keys.iter_mut().filter(|key| key.parent == *of) {
        key.parent_columns.iter_mut().for_each(fix);
    }
    if table.name != *of {
        return;
    }
    for column in &mut table.columns {
        fix(&mut column.name);
        if let Some(generated) = &mut column.generated {
            generated.expr = generated.expr.rename_column(it.from, it.to);
        }
    }
    table.primary_key.iter_mut().for_each(|key| key.columns.iter_mut().for_each(fix));
    table.uniques.iter_mut().for_each(|unique| unique.columns.iter_mut().for_each(fix));
    table.foreign_keys.iter_mut().for_each(|key| key.columns.iter_mut().for_each(fix));
    for check in &mut table.checks {
        check.expr = check.expr.rename_column(it.from, it.to);
        check.at_column.iter_mut().for_each(fix);
    }
    for index in &mut table.indexes {
        for key in &mut index.keys {
            match &mut key.on {
                whimbrel_schema::model::IndexTarget::Column(name) => fix(name),
                whimbrel_schema::model::IndexTarget::Expr(expr) => *expr = expr.rename_column(it.from, it.to),
            }
        }
        index.predicate.iter_mut().for_each(|predicate| *predicate = predicate.rename_column(it.from, it.to));
    }
}

/// What is in one list and, by `same`, not in the other one.
fn missing<'a, T>(from: &'a [T], other: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<&'a T> {
    from.iter().filter(|item| !other.iter().any(|other| same(item, other))).collect()
}

fn of_table(before: &Table, after: &Table, changes: &mut Vec<Change>) {
    let table = || after.name.clone();
    let named = |a: &whimbrel_schema::model::Column, b: &whimbrel_schema::model::Column| a.name == b.name;
    let gone = missing(&before.indexes, &after.indexes, PartialEq::eq).into_iter().cloned();
    changes.extend(gone.map(|index| Change::DropIndex { table: table(), index }));
    let gone = missing(&before.checks, &after.checks, |a, b| a.same(b)).into_iter().cloned();
    changes.extend(gone.map(|check| Change::DropCheck { table: table(), check }));
    let gone = missing(&before.foreign_keys, &after.foreign_keys, |a, b| a.same(b)).into_iter().cloned();
    changes.extend(gone.map(|key| Change::DropForeignKey { table: table(), key }));
    let gone = missing(&before.uniques, &after.uniques, PartialEq::eq).into_iter().cloned();
    changes.extend(gone.map(|unique| Change::DropUnique { table: table(), unique }));
    if before.primary_key != after.primary_key {
        changes.extend(before.primary_key.clone().map(|key| Change::DropPrimaryKey { table: table(), key }));
    }
    let gone = missing(&before.columns, &after.columns, named).into_iter().cloned();
    changes.extend(gone.map(|column| Change::DropColumn { table: table(), column }));
    let new = missing(&after.columns, &before.columns, named).into_iter().cloned();
    changes.extend(new.map(|column| Change::AddColumn { table: table(), column }));
    for column in &after.columns {
        if let Some(was) = before.column(&column.name).filter(|was| *was != column) {
            changes.push(Change::AlterColumn { table: table(), before: was.clone(), after: column.clone() });
        }
    }
    if before.options != after.options {
        changes.push(Change::AlterTableOptions { before: before.clone(), after: after.clone() });
    }
    added(before, after, changes);
}

fn added(before: &Table, after: &Table, changes: &mut Vec<Change>) {
    let table = || after.name.clone();
    if before.primary_key != after.primary_key {
        changes.extend(after.primary_key.clone().map(|key| Change::AddPrimaryKey { table: table(), key }));
    }
    let new = missing(&after.uniques, &before.uniques, PartialEq::eq).into_iter().cloned();
    changes.extend(new.map(|unique| Change::AddUnique { table: table(), unique }));
    let new = missing(&after.checks, &before.checks, |a, b| a.same(b)).into_iter().cloned();
    changes.extend(new.map(|check| Change::AddCheck { table: table(), check }));
    let new = missing(&after.foreign_keys, &before.foreign_keys, |a, b| a.same(b)).into_iter().cloned();
    changes.extend(new.map(|key| Change::AddForeignKey { table: table(), key }));
    let new = missing(&after.indexes, &before.indexes, PartialEq::eq).into_iter().cloned();
    changes.extend(new.map(|index| Change::CreateIndex { table: table(), index }));
}
