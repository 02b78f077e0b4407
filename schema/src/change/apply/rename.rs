//! Renames, carried through everything that names what is renamed.

use super::table::find;
use super::{Applied, free, invalid};
use crate::change::Change;
use crate::expr::Expr;
use crate::model::{IndexTarget, ObjectName, Schema, Table, Type};
use crate::tokens;

pub(super) fn apply(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::RenameTable { from, to } => table(schema, from, to),
        Change::RenameColumn { table, from, to } => column(schema, table, from, to),
        Change::RenameIndex { table, from, to } => {
            let table = find(schema, table)?;
            match table.indexes.iter_mut().find(|index| index.name == *from) {
                Some(index) => {
                    index.name.clone_from(to);
                    Ok(())
                }
                None => invalid(format!("{} has no index {from}", table.name)),
            }
        }
        Change::RenameConstraint { table, from, to } => constraint(find(schema, table)?, from, to),
        other => invalid(format!("{other:?} is no rename")),
    }
}

fn table(schema: &mut Schema, from: &ObjectName, to: &ObjectName) -> Applied {
    free(schema, to)?;
    find(schema, from)?.name = to.clone();
    let keys = schema.tables.iter_mut().flat_map(|table| &mut table.foreign_keys);
    keys.filter(|key| key.parent == *from).for_each(|key| key.parent = to.clone());
    for view in &mut schema.views {
        view.query = tokens::renamed(&view.query, &from.name, &to.name);
    }
    for native in schema.natives.iter_mut().filter(|native| native.table.as_ref() == Some(from)) {
        native.table = Some(to.clone());
        native.sql = tokens::renamed(&native.sql, &from.name, &to.name);
    }
    for sequence in &mut schema.sequences {
        if let Some((owner, _)) = sequence.owned_by.as_mut().filter(|(owner, _)| owner == from) {
            *owner = to.clone();
        }
    }
    Ok(())
}

fn column(schema: &mut Schema, table: &ObjectName, from: &str, to: &str) -> Applied {
    let owner = find(schema, table)?;
    if owner.column(to).is_some() {
        return invalid(format!("{table} has {to} already"));
    }
    if owner.column(from).is_none() {
        return invalid(format!("{table} has no {from}"));
    }
    within(owner, from, to);
    let keys = schema.tables.iter_mut().flat_map(|it| &mut it.foreign_keys);
    keys.filter(|key| key.parent == *table).for_each(|key| names(&mut key.parent_columns, from, to));
    for view in schema.views.iter_mut().filter(|view| tokens::mentions(&view.query, &table.name)) {
        view.query = tokens::renamed(&view.query, from, to);
    }
    for native in schema.natives.iter_mut().filter(|native| native.table.as_ref() == Some(table)) {
        native.sql = tokens::renamed(&native.sql, from, to);
    }
    for sequence in &mut schema.sequences {
        if let Some((_, column)) = sequence.owned_by.as_mut().filter(|(owner, column)| owner == table && column == from)
        {
            to.clone_into(column);
        }
    }
    Ok(())
}

/// Everything of the table itself.
fn within(table: &mut Table, from: &str, to: &str) {
    let expr = |expr: &mut Expr| *expr = expr.rename_column(from, to);
    for column in &mut table.columns {
        if column.name == from {
            to.clone_into(&mut column.name);
        }
        column.generated.iter_mut().for_each(|generated| expr(&mut generated.expr));
    }
    table.primary_key.iter_mut().for_each(|key| names(&mut key.columns, from, to));
    table.uniques.iter_mut().for_each(|unique| names(&mut unique.columns, from, to));
    table.foreign_keys.iter_mut().for_each(|key| names(&mut key.columns, from, to));
    for check in &mut table.checks {
        expr(&mut check.expr);
        check.at_column.iter_mut().filter(|column| *column == from).for_each(|column| to.clone_into(column));
    }
    for constraint in &mut table.raw_constraints {
        constraint.definition = tokens::renamed(&constraint.definition, from, to);
    }
    for index in &mut table.indexes {
        for key in &mut index.keys {
            match &mut key.on {
                IndexTarget::Column(column) if column == from => to.clone_into(column),
                IndexTarget::Column(_) => {}
                IndexTarget::Expr(it) => expr(it),
            }
        }
        names(&mut index.include, from, to);
        index.predicate.iter_mut().for_each(expr);
    }
}

fn names(columns: &mut [String], from: &str, to: &str) {
    columns.iter_mut().filter(|column| *column == from).for_each(|column| to.clone_into(column));
}

fn constraint(table: &mut Table, from: &str, to: &str) -> Applied {
    let primary = table.primary_key.iter_mut().map(|key| &mut key.name);
    let uniques = table.uniques.iter_mut().map(|unique| &mut unique.name);
    let foreign = table.foreign_keys.iter_mut().map(|key| &mut key.name);
    let checks = table.checks.iter_mut().map(|check| &mut check.name);
    let named = primary.chain(uniques).chain(foreign).chain(checks).find(|name| name.as_deref() == Some(from));
    match named {
        Some(name) => {
            *name = Some(to.to_owned());
            Ok(())
        }
        None => invalid(format!("{} has no constraint {from}", table.name)),
    }
}

pub(super) fn of_enum(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::RenameEnum { from, to } => {
            let Some(ty) = schema.enums.iter_mut().find(|ty| ty.name == *from) else {
                return invalid(format!("there is no type {from}"));
            };
            ty.name = to.clone();
            let columns = schema.tables.iter_mut().flat_map(|table| &mut table.columns);
            columns.for_each(|column| rename_type(&mut column.ty, from, to));
            Ok(())
        }
        Change::RenameEnumValue { ty, from, to } => {
            let values = schema.enums.iter_mut().find(|it| it.name == *ty).map(|ty| &mut ty.values);
            match values.and_then(|values| values.iter_mut().find(|value| *value == from)) {
                Some(value) => {
                    value.clone_from(to);
                    Ok(())
                }
                None => invalid(format!("{ty} has no value {from}")),
            }
        }
        other => invalid(format!("{other:?} is no rename of a type")),
    }
}

fn rename_type(ty: &mut Type, from: &ObjectName, to: &ObjectName) {
    match ty {
        Type::Enum(name) if name == from => *name = to.clone(),
        Type::Array(element) => rename_type(element, from, to),
        _ => {}
    }
}

pub(super) fn mentions_enum(ty: &Type, name: &ObjectName) -> bool {
    match ty {
        Type::Enum(it) => it == name,
        Type::Array(element) => mentions_enum(element, name),
        _ => false,
    }
}
