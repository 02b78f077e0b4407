//! Steps on tables.

use super::{Applied, free, invalid, remove};
use crate::change::Change;
use crate::model::{ForeignKey, IndexTarget, ObjectName, Schema, Table};

pub(super) fn apply(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::CreateTable(table) => create(schema, table),
        Change::DropTable(table) => drop_table(schema, &table.name),
        Change::AddForeignKey { table, key } => {
            parent_is_there(schema, key)?;
            find(schema, table)?.foreign_keys.push(key.clone());
            Ok(())
        }
        Change::DropColumn { table, column } => {
            unused(find(schema, table)?, &column.name)?;
            remove(&mut find(schema, table)?.columns, |it| it.name == column.name, &column.name)
        }
        Change::DropPrimaryKey { table, key } => {
            key_is_not_referred_to(schema, table, &key.columns)?;
            let place = &mut find(schema, table)?.primary_key;
            if place.take().is_some() { Ok(()) } else { invalid(format!("{table} has no primary key")) }
        }
        Change::DropUnique { table, unique } => {
            key_is_not_referred_to(schema, table, &unique.columns)?;
            remove(&mut find(schema, table)?.uniques, |it| it == unique, "unique constraint")
        }
        _ => of_one(schema, change),
    }
}

/// Steps that look at nothing but their table.
fn of_one(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::AddColumn { table, column } => {
            let table = find(schema, table)?;
            if table.column(&column.name).is_some() {
                return invalid(format!("{} has {} already", table.name, column.name));
            }
            table.columns.push(column.clone());
        }
        Change::AlterColumn { table, before, after } => {
            let table = find(schema, table)?;
            let Some(column) = table.columns.iter_mut().find(|it| it.name == before.name) else {
                return invalid(format!("{} has no {}", table.name, before.name));
            };
            *column = after.clone();
        }
        Change::AddPrimaryKey { table, key } => {
            let table = find(schema, table)?;
            has_columns(table, &key.columns)?;
            if table.primary_key.replace(key.clone()).is_some() {
                return invalid(format!("{} has a primary key already", table.name));
            }
        }
        Change::AddUnique { table, unique } => {
            let table = find(schema, table)?;
            has_columns(table, &unique.columns)?;
            table.uniques.push(unique.clone());
        }
        Change::AddCheck { table, check } => {
            let table = find(schema, table)?;
            let columns: Vec<String> = check.expr.columns().into_iter().collect();
            if !check.expr.is_raw() {
                has_columns(table, &columns)?;
            }
            table.checks.push(check.clone());
        }
        Change::AddRawConstraint { table, constraint } => find(schema, table)?.raw_constraints.push(constraint.clone()),
        Change::CreateIndex { table, index } => create_index(schema, table, index)?,
        Change::AlterTableOptions { before, after } => find(schema, &before.name)?.options = after.options.clone(),
        Change::DropCheck { table, check } => {
            return remove(&mut find(schema, table)?.checks, |it| it == check, "check");
        }
        Change::DropForeignKey { table, key } => {
            return remove(&mut find(schema, table)?.foreign_keys, |it| it == key, "foreign key");
        }
        Change::DropRawConstraint { table, constraint } => {
            return remove(&mut find(schema, table)?.raw_constraints, |it| it == constraint, &constraint.name);
        }
        Change::DropIndex { table, index } => {
            return remove(&mut find(schema, table)?.indexes, |it| it == index, &index.name);
        }
        other => return invalid(format!("{other:?} is no step on a table")),
    }
    Ok(())
}

pub(super) fn find<'a>(schema: &'a mut Schema, name: &ObjectName) -> Result<&'a mut Table, super::InvalidChange> {
    match schema.tables.iter_mut().find(|table| table.name == *name) {
        Some(table) => Ok(table),
        None => invalid(format!("there is no table {name}")),
    }
}

fn create(schema: &mut Schema, table: &Table) -> Applied {
    free(schema, &table.name)?;
    let all_columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    if let Some(index) = table.indexes.first() {
        return invalid(format!("the index {} comes with its table", index.name));
    }
    for key in &table.foreign_keys {
        if key.parent != table.name {
            parent_is_there(schema, key)?;
        }
        if let Some(missing) = key.columns.iter().find(|column| !all_columns.contains(column)) {
            return invalid(format!("{} has no {missing}", table.name));
        }
    }
    schema.tables.push(table.clone());
    Ok(())
}

fn drop_table(schema: &mut Schema, name: &ObjectName) -> Applied {
    let refers = |table: &Table| table.name != *name && table.foreign_keys.iter().any(|key| key.parent == *name);
    if let Some(child) = schema.tables.iter().find(|table| refers(table)) {
        return invalid(format!("{} refers to {name}", child.name));
    }
    schema.natives.retain(|native| native.table.as_ref() != Some(name));
    remove(&mut schema.tables, |table| table.name == *name, name)
}

/// A foreign key refers to a primary key, a unique constraint or a plain unique index.
fn parent_is_there(schema: &Schema, key: &ForeignKey) -> Applied {
    let Some(parent) = schema.table(&key.parent) else {
        return invalid(format!("there is no {} to refer to", key.parent));
    };
    if is_key(parent, &key.parent_columns) {
        return Ok(());
    }
    invalid(format!("{}({}) is not unique", key.parent, key.parent_columns.join(", ")))
}

/// Whether the columns, in any order, are a key of the table.
pub(crate) fn is_key(table: &Table, columns: &[String]) -> bool {
    let same = |others: &[String]| others.len() == columns.len() && others.iter().all(|it| columns.contains(it));
    table.primary_key.as_ref().is_some_and(|key| same(&key.columns))
        || table.uniques.iter().any(|unique| same(&unique.columns))
        || table.indexes.iter().any(|index| index.unique && index.is_on(columns))
}

/// Dropping a key that a foreign key needs; another one over the same columns would do too.
fn key_is_not_referred_to(schema: &Schema, table: &ObjectName, columns: &[String]) -> Applied {
    let needs = |key: &ForeignKey| {
        key.parent == *table
            && key.parent_columns.len() == columns.len()
            && key.parent_columns.iter().all(|column| columns.contains(column))
    };
    let user = schema.tables.iter().find(|it| it.foreign_keys.iter().any(needs));
    match user {
        Some(user) => invalid(format!("a foreign key of {} needs the key of {table}", user.name)),
        None => Ok(()),
    }
}

fn has_columns(table: &Table, columns: &[String]) -> Applied {
    match columns.iter().find(|column| table.column(column).is_none()) {
        Some(missing) => invalid(format!("{} has no {missing}", table.name)),
        None => Ok(()),
    }
}

fn create_index(schema: &mut Schema, table: &ObjectName, index: &crate::model::Index) -> Applied {
    let taken = |it: &Table| it.name.schema == table.schema && it.indexes.iter().any(|it| it.name == index.name);
    if schema.tables.iter().any(taken) {
        return invalid(format!("the index {} is there already", index.name));
    }
    let table = find(schema, table)?;
    let columns: Vec<String> = index
        .keys
        .iter()
        .filter_map(|key| match &key.on {
            IndexTarget::Column(name) => Some(name.clone()),
            IndexTarget::Expr(_) => None,
        })
        .collect();
    has_columns(table, &columns)?;
    table.indexes.push(index.clone());
    Ok(())
}

/// Whether nothing of the table names the column any more.
fn unused(table: &Table, column: &str) -> Applied {
    let named = |columns: &[String]| columns.iter().any(|it| it == column);
    let by_index = |index: &crate::model::Index| {
        index.keys.iter().any(|key| matches!(&key.on, IndexTarget::Column(name) if name == column))
    };
    let user = if table.primary_key.as_ref().is_some_and(|key| named(&key.columns)) {
        "the primary key"
    } else if table.uniques.iter().any(|unique| named(&unique.columns)) {
        "a unique constraint"
    } else if table.foreign_keys.iter().any(|key| named(&key.columns)) {
        "a foreign key"
    } else if table.indexes.iter().any(by_index) {
        "an index"
    } else if table.checks.iter().any(|check| !check.expr.is_raw() && check.expr.columns().contains(column)) {
        "a check"
    } else {
        return Ok(());
    };
    invalid(format!("{user} of {} needs {column}", table.name))
}
