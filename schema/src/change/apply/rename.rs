//! Renames, carried through everything that names what is renamed.

use std::collections::BTreeSet;

use super::table::find;
use super::{Applied, free, invalid};
use crate::change::Change;
use crate::expr::{Expr, Node};
use crate::model::{Column, IndexTarget, Native, ObjectName, Schema, Table, Type};
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
    in_signatures(schema, from, to);
    for sequence in &mut schema.sequences {
        if let Some((owner, _)) = sequence.owned_by.as_mut().filter(|(owner, _)| owner == from) {
            *owner = to.clone();
        }
    }
    Ok(())
}

/// The arguments and the result of a routine may be of the type, or rows of the table; its body is a text that stays.
fn in_signatures(schema: &mut Schema, from: &ObjectName, to: &ObjectName) {
    let is_routine = |native: &&mut Native| matches!(native.kind.as_str(), "function" | "procedure" | "aggregate");
    for native in schema.natives.iter_mut().filter(is_routine) {
        if let Some(at) = native.name.rfind('(') {
            let (name, arguments) = native.name.split_at(at);
            native.name = format!("{name}{}", tokens::renamed(arguments, &from.name, &to.name));
        }
        native.sql = tokens::renamed(&native.sql, &from.name, &to.name);
    }
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
            in_signatures(schema, from, to);
            Ok(())
        }
        Change::RenameEnumValue { ty, from, to } => {
            let values = schema.enums.iter_mut().find(|it| it.name == *ty).map(|ty| &mut ty.values);
            match values.and_then(|values| values.iter_mut().find(|value| *value == from)) {
                Some(value) => {
                    value.clone_from(to);
                    value_in_expressions(schema, ty, from, to);
                    Ok(())
                }
                None => invalid(format!("{ty} has no value {from}")),
            }
        }
        other => invalid(format!("{other:?} is no rename of a type")),
    }
}

/// Defaults, checks, generated columns and indexes hold values, not their names.
fn value_in_expressions(schema: &mut Schema, ty: &ObjectName, from: &str, to: &str) {
    for table in &mut schema.tables {
        let of_type = |column: &Column| column.ty == Type::Enum(ty.clone());
        let columns: BTreeSet<String> =
            table.columns.iter().filter(|it| of_type(it)).map(|it| it.name.clone()).collect();
        let value = Value { ty, columns: &columns, from, to };
        let defaults = table.columns.iter_mut().filter(|it| of_type(it)).filter_map(|it| it.default.as_mut());
        defaults.for_each(|default| *default = default.map(&mut |node| value.named(node)));
        let expr = |expr: &mut Expr| *expr = expr.map(&mut |node| value.compared(node));
        table.columns.iter_mut().filter_map(|it| it.generated.as_mut()).for_each(|it| expr(&mut it.expr));
        table.checks.iter_mut().for_each(|check| expr(&mut check.expr));
        for index in &mut table.indexes {
            index.predicate.iter_mut().for_each(expr);
            for key in &mut index.keys {
                if let IndexTarget::Expr(it) = &mut key.on {
                    expr(it);
                }
            }
        }
    }
}

/// A value of an enum type that gets another name.
struct Value<'a> {
    ty: &'a ObjectName,
    columns: &'a BTreeSet<String>,
    from: &'a str,
    to: &'a str,
}

impl Value<'_> {
    fn named(&self, node: Node) -> Node {
        match node {
            Node::Text(text) if text == self.from => Node::Text(self.to.to_owned()),
            other => other,
        }
    }

    /// Whether it is of the type: one of its columns, or cast to it.
    fn is_one(&self, node: &Node) -> bool {
        match node {
            Node::Column { name, .. } => self.columns.contains(name),
            Node::Cast { ty, .. } => ty.parse().is_ok_and(|ty: ObjectName| ty == *self.ty),
            _ => false,
        }
    }

    /// The same where it is compared with what is of the type, or cast to it.
    fn compared(&self, node: Node) -> Node {
        let boxed = |node: Box<Node>| Box::new(self.named(*node));
        match node {
            Node::Binary(op, left, right) if self.is_one(&left) || self.is_one(&right) => {
                Node::Binary(op, boxed(left), boxed(right))
            }
            Node::Distinct { left, right, negated } if self.is_one(&left) || self.is_one(&right) => {
                Node::Distinct { left: boxed(left), right: boxed(right), negated }
            }
            Node::In { expr, list, negated } if self.is_one(&expr) => {
                Node::In { expr, list: list.into_iter().map(|it| self.named(it)).collect(), negated }
            }
            Node::Case { operand: Some(operand), branches, otherwise } if self.is_one(&operand) => {
                let branches = branches.into_iter().map(|(when, then)| (self.named(when), then)).collect();
                Node::Case { operand: Some(operand), branches, otherwise }
            }
            Node::Cast { expr, ty } if ty.parse().is_ok_and(|it: ObjectName| it == *self.ty) => {
                Node::Cast { expr: boxed(expr), ty }
            }
            other => other,
        }
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
