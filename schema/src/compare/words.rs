//! A step, told as what is wrong before it.

use super::Difference;
use crate::change::{Change, Commented};
use crate::model::{Check, Column, ForeignKey, Index, ObjectName, Type, Unique};
use crate::write;

pub(super) const MISSING: &str = "is missing:";
pub(super) const UNEXPECTED: &str = "is there and not expected:";

/// What the step would mend.
pub(super) fn of(step: &Change) -> Vec<Difference> {
    let one = |object: String, what: String| vec![Difference { object, what }];
    match step {
        Change::CreateTable(table) => one(format!("table {}", table.name), "is missing".to_owned()),
        Change::DropTable(table) => one(format!("table {}", table.name), "is there and not expected".to_owned()),
        Change::CreateView(view) => one(format!("view {}", view.name), format!("{MISSING} {}", view.query)),
        Change::DropView(view) => one(format!("view {}", view.name), format!("{UNEXPECTED} {}", view.query)),
        Change::CreateNative(native) => {
            one(format!("{} {}", native.kind, native.name), format!("{MISSING} {}", native.sql))
        }
        Change::DropNative(native) => {
            one(format!("{} {}", native.kind, native.name), format!("{UNEXPECTED} {}", native.sql))
        }
        Change::ReplaceNative { before, after } => {
            one(format!("{} {}", after.kind, after.name), format!("is {}, expected {}", before.sql, after.sql))
        }
        Change::CreateEnum(ty) => one(format!("type {}", ty.name), "is missing".to_owned()),
        Change::DropEnum(ty) => one(format!("type {}", ty.name), "is there and not expected".to_owned()),
        Change::AlterEnum { before, after } => one(
            format!("type {}", after.name),
            format!("has the values {}, expected {}", before.values.join(", "), after.values.join(", ")),
        ),
        Change::CreateSequence(sequence) => one(format!("sequence {}", sequence.name), "is missing".to_owned()),
        Change::DropSequence(sequence) => {
            one(format!("sequence {}", sequence.name), "is there and not expected".to_owned())
        }
        Change::AlterSequence { after, .. } => one(format!("sequence {}", after.name), "counts otherwise".to_owned()),
        Change::AddColumn { table, column } => one(of_column(table, column), "is missing".to_owned()),
        Change::DropColumn { table, column } => one(of_column(table, column), "is there and not expected".to_owned()),
        Change::AlterColumn { table, before, after } => columns(table, before, after),
        Change::RenameConstraint { table, from, to } => {
            one(format!("constraint {from} of {table}"), format!("is called {from}, expected {to}"))
        }
        Change::RenameIndex { from, to, .. } => {
            one(format!("index {from}"), format!("is called {from}, expected {to}"))
        }
        Change::AlterTableOptions { after, .. } => one(format!("table {}", after.name), "has other options".to_owned()),
        Change::SetComment { on, comment } => one(
            commented(on),
            format!(
                "has another comment, expected {}",
                comment.as_deref().map_or("none".to_owned(), |it| format!("`{it}`"))
            ),
        ),
        other => constraint(other),
    }
}

fn constraint(step: &Change) -> Vec<Difference> {
    let (is_missing, object, text) = match step {
        Change::AddPrimaryKey { table, key } => (true, format!("primary key of {table}"), key.columns.join(", ")),
        Change::DropPrimaryKey { table, key } => (false, format!("primary key of {table}"), key.columns.join(", ")),
        Change::AddUnique { table, unique } => {
            (true, named(table, "unique constraint", unique.name.as_ref()), unique_text(unique))
        }
        Change::DropUnique { table, unique } => {
            (false, named(table, "unique constraint", unique.name.as_ref()), unique_text(unique))
        }
        Change::AddCheck { table, check } => (true, named(table, "check", check.name.as_ref()), check_text(check)),
        Change::DropCheck { table, check } => (false, named(table, "check", check.name.as_ref()), check_text(check)),
        Change::AddForeignKey { table, key } => (true, named(table, "foreign key", key.name.as_ref()), key_text(key)),
        Change::DropForeignKey { table, key } => (false, named(table, "foreign key", key.name.as_ref()), key_text(key)),
        Change::AddRawConstraint { table, constraint } => {
            (true, named(table, "constraint", Some(&constraint.name)), constraint.definition.clone())
        }
        Change::DropRawConstraint { table, constraint } => {
            (false, named(table, "constraint", Some(&constraint.name)), constraint.definition.clone())
        }
        Change::CreateIndex { table, index } => (true, format!("index {}", index.name), index_text(table, index)),
        Change::DropIndex { table, index } => (false, format!("index {}", index.name), index_text(table, index)),
        // Renames of tables, columns and types are never asked for here.
        _ => return Vec::new(),
    };
    let what = format!("{} {text}", if is_missing { MISSING } else { UNEXPECTED });
    vec![Difference { object, what }]
}

fn named(table: &ObjectName, kind: &str, name: Option<&String>) -> String {
    name.map_or_else(|| format!("{kind} of {table}"), |name| format!("{kind} {name} of {table}"))
}

fn of_column(table: &ObjectName, column: &Column) -> String {
    format!("column {table}.{}", ObjectName::new(column.name.clone()))
}

fn columns(table: &ObjectName, is: &Column, expected: &Column) -> Vec<Difference> {
    let not_null = |column: &Column| if column.not_null { "NOT NULL" } else { "nullable" }.to_owned();
    let default =
        |column: &Column| column.default.as_ref().map_or("without a default".to_owned(), |it| format!("DEFAULT {it}"));
    let generated = |column: &Column| match &column.generated {
        None => "not generated".to_owned(),
        Some(it) => format!("generated as ({}) {}", it.expr, if it.stored { "STORED" } else { "VIRTUAL" }),
    };
    let identity = |column: &Column| match &column.identity {
        None => "no identity".to_owned(),
        Some(it) if it.options.is_default() => format!("an identity ({})", identity_kind(it)),
        Some(it) => format!("an identity ({}, {:?})", identity_kind(it), it.options),
    };
    let collation = |column: &Column| {
        column.collation.clone().map_or("the usual collation".to_owned(), |it| format!("collation {it}"))
    };
    let ty = |column: &Column| type_text(&column.ty);
    let aspects: [&dyn Fn(&Column) -> String; 6] = [&ty, &not_null, &default, &generated, &identity, &collation];
    let different = aspects.iter().map(|aspect| (aspect(is), aspect(expected))).filter(|(is, expected)| is != expected);
    let object = of_column(table, expected);
    different
        .map(|(is, expected)| Difference { object: object.clone(), what: format!("is {is}, expected {expected}") })
        .collect()
}

fn identity_kind(identity: &crate::model::Identity) -> &'static str {
    match (identity.always, identity.never_reuse) {
        (true, _) => "always",
        (false, true) => "by default",
        (false, false) => "reusing numbers",
    }
}

/// A type as people write it.
fn type_text(ty: &Type) -> String {
    match ty {
        Type::Native(text) => text.clone(),
        Type::Enum(name) => name.to_string(),
        Type::Array(element) => format!("{}[]", type_text(element)),
        Type::Varchar(length) => format!("varchar({length})"),
        Type::Numeric(Some((precision, scale))) => format!("numeric({precision}, {scale})"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn unique_text(unique: &Unique) -> String {
    let nulls = if unique.nulls_not_distinct { "NULLS NOT DISTINCT " } else { "" };
    format!("{nulls}({}){}", unique.columns.join(", "), unique.deferrable.sql())
}

fn check_text(check: &Check) -> String {
    check.expr.to_string()
}

fn key_text(key: &ForeignKey) -> String {
    format!("({}) {}", write::names(&key.columns), write::references(key))
}

fn index_text(table: &ObjectName, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    format!("{unique}on {table}{}", write::index_words(index))
}

fn commented(on: &Commented) -> String {
    match on {
        Commented::Table(name) => format!("table {name}"),
        Commented::Column(table, column) => format!("column {table}.{}", ObjectName::new(column.clone())),
        Commented::Enum(name) => format!("type {name}"),
        Commented::View(name, _) => format!("view {name}"),
    }
}
