//! What only the whole file tells: whether everything that is named is there.

use whimbrel_core::Problem;

use super::Document;
use super::node::Place;
use crate::change::apply::is_key;
use crate::model::{Column, ForeignKey, IndexTarget, ObjectName, Table, Type, View};
use crate::tokens::Names;

/// Writes out what foreign keys refer to, and finds everything that names what is not there.
///
/// `places` tells where the statements of tables and views are.
pub(super) fn problems(file: &str, text: &str, document: &mut Document, places: &[Placed]) -> Vec<Problem> {
    resolve(document);
    let mut all: Vec<Table> = document.tables().cloned().collect();
    for added in document.additions.values().flatten() {
        if let Some(table) = all.iter_mut().find(|table| table.name == added.name) {
            table.extend(added);
        }
    }
    let mut found = Found { file, text, places, problems: Vec::new() };
    for table in &all {
        columns(table, &mut found);
        types(table, document, &mut found);
        // A table in the SQL of one dialect alone is not looked into here.
        let keys = table.foreign_keys.iter().filter(|key| !document.has_native_table(&key.parent));
        keys.for_each(|key| foreign_key(table, key, &all, &mut found));
    }
    let views: Vec<&View> =
        document.schema.views.iter().chain(document.only.values().flat_map(|only| &only.views)).collect();
    for view in &document.schema.views {
        let names = Names::of(&view.query);
        let reads = |name: &str| names.has(name);
        let known = all.iter().any(|table| reads(&table.name.name))
            || views.iter().any(|other| other.name != view.name && reads(&other.name.name))
            || document.natives().any(|native| {
                let name = native.name.parse::<ObjectName>();
                native.kind.ends_with("table") && name.is_ok_and(|it| reads(&it.name))
            });
        let reads_something = names.has("from");
        if reads_something && !known {
            found.tell(
                &view.name,
                &view.name.name,
                format!("the view {} reads nothing that is in the file", view.name),
                "write its tables",
            );
        }
    }
    found.problems
}

/// Where the statement of a table or view is in the file, in bytes.
pub(super) type Placed = (ObjectName, std::ops::Range<usize>);

struct Found<'a> {
    file: &'a str,
    text: &'a str,
    places: &'a [Placed],
    problems: Vec<Problem>,
}

impl Found<'_> {
    /// At the place where the name first stands in the statement of the table or view, else where that begins.
    fn tell(&mut self, of: &ObjectName, name: &str, message: String, hint: &str) {
        let range = self.places.iter().find(|(placed, _)| placed == of).map(|(_, range)| range.clone());
        let range = range.unwrap_or(0..self.text.len());
        let statement = self.text.get(range.clone()).unwrap_or_default();
        // The statement's own name is not what is looked for, unless nothing else is there.
        let body = statement.find(['(', ';']).unwrap_or(0);
        let inside = statement.get(body..).and_then(|body_text| find_name(body_text, name)).map(|at| at + body);
        let at = range.start + inside.or_else(|| find_name(statement, name)).unwrap_or(0);
        let place = Place::of(self.text, at);
        self.problems.push(Problem::new(self.file, message, hint).at(place.line, place.column));
    }
}

/// Where a name stands as a word of its own.
fn find_name(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let code = |at: usize| {
        let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        !line.contains("--")
    };
    let lower = text.to_ascii_lowercase();
    lower.match_indices(&name.to_ascii_lowercase()).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|it| it.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|it| it.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part) && code(*at)
    })
}

/// `REFERENCES users` is `REFERENCES users (id)`.
fn resolve(document: &mut Document) {
    let keys: Vec<(ObjectName, Vec<String>)> = document
        .tables()
        .filter_map(|table| Some((table.name.clone(), table.primary_key.as_ref()?.columns.clone())))
        .collect();
    let Document { schema, only, additions, .. } = document;
    let only = only.values_mut().flat_map(|only| &mut only.tables);
    let tables = schema.tables.iter_mut().chain(only).chain(additions.values_mut().flatten());
    for key in tables.flat_map(|table| &mut table.foreign_keys).filter(|key| key.parent_columns.is_empty()) {
        if let Some((_, columns)) = keys.iter().find(|(name, _)| *name == key.parent) {
            key.parent_columns.clone_from(columns);
        }
    }
}

/// Every column that a key, an index or a check names is there.
fn columns(table: &Table, found: &mut Found<'_>) {
    let mut named: Vec<(String, String)> = Vec::new();
    let mut add = |what: String, columns: &[String]| {
        named.extend(columns.iter().map(|column| (what.clone(), column.clone())));
    };
    if let Some(key) = &table.primary_key {
        add("the primary key".to_owned(), &key.columns);
    }
    table.uniques.iter().for_each(|it| add("a unique constraint".to_owned(), &it.columns));
    table.foreign_keys.iter().for_each(|it| add("a foreign key".to_owned(), &it.columns));
    let of = |expr: &crate::Expr| -> Vec<String> {
        if expr.is_raw() { Vec::new() } else { expr.columns().into_iter().collect() }
    };
    table.checks.iter().for_each(|it| add("a check".to_owned(), &of(&it.expr)));
    for column in &table.columns {
        if let Some(generated) = &column.generated {
            add(format!("the generated column {}", column.name), &of(&generated.expr));
        }
    }
    for index in &table.indexes {
        let what = format!("the index {}", index.name);
        for key in &index.keys {
            match &key.on {
                IndexTarget::Column(column) => add(what.clone(), std::slice::from_ref(column)),
                IndexTarget::Expr(expr) => add(what.clone(), &of(expr)),
            }
        }
        add(what.clone(), &index.predicate.as_ref().map(of).unwrap_or_default());
    }
    for (what, column) in named {
        if table.column(&column).is_none() {
            let message = format!("{what} of {} names the column {column}, which is not there", table.name);
            found.tell(&table.name, &column, message, "correct the name, or write the column");
        }
    }
}

/// A type that is none of the portable ones is an enum of the file.
fn types(table: &Table, document: &Document, found: &mut Found<'_>) {
    for column in &table.columns {
        if let Some(name) = enum_of(&column.ty).filter(|name| !document.enums().any(|ty| ty.name == **name)) {
            let message = format!("the type {name} of {}.{} is not known", table.name, column.name);
            found.tell(&table.name, &name.name, message, "write CREATE TYPE … AS ENUM, or a portable type: text, integer, bigint, boolean, timestamptz, uuid, jsonb …");
        }
    }
}

fn enum_of(ty: &Type) -> Option<&ObjectName> {
    match ty {
        Type::Enum(name) => Some(name),
        Type::Array(element) => enum_of(element),
        _ => None,
    }
}

fn foreign_key(table: &Table, key: &ForeignKey, all: &[Table], found: &mut Found<'_>) {
    let Some(parent) = all.iter().find(|it| it.name == key.parent) else {
        let message = format!("a foreign key of {} refers to {}, which is not there", table.name, key.parent);
        return found.tell(&table.name, &key.parent.name, message, "write the table, or correct the name");
    };
    if key.parent_columns.is_empty() {
        let message = format!("a foreign key of {} refers to {}, which has no primary key", table.name, key.parent);
        return found.tell(&table.name, &key.parent.name, message, "name the columns: REFERENCES table (column)");
    }
    if key.parent_columns.len() != key.columns.len() || !is_key(parent, &key.parent_columns) {
        let columns = key.parent_columns.join(", ");
        let message =
            format!("a foreign key of {} refers to {}({columns}), which is not unique", table.name, key.parent);
        return found.tell(
            &table.name,
            &key.parent.name,
            message,
            "refer to a primary key or a unique constraint, or add one",
        );
    }
    for (own, other) in key.columns.iter().zip(&key.parent_columns) {
        let (Some(own), Some(other)) = (table.column(own), parent.column(other)) else { continue };
        if !comparable(own, other) {
            let message = format!("{}.{} and {}.{} have other types", table.name, own.name, parent.name, other.name);
            found.tell(&table.name, &own.name, message, "give them the same type");
        }
    }
}

fn comparable(one: &Column, other: &Column) -> bool {
    let class = |ty: &Type| match ty {
        Type::SmallInt | Type::Integer | Type::BigInt => 1,
        Type::Text | Type::Varchar(_) => 2,
        _ => 0,
    };
    one.ty == other.ty || (class(&one.ty) != 0 && class(&one.ty) == class(&other.ty))
}
