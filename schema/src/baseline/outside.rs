//! What stands in a database and is no business of a folder.

use std::collections::BTreeSet;

use whimbrel_core::is_bookkeeping;

use crate::model::{Native, ObjectName, Schema};

/// The schema of a database without the schemas of which nothing expected says a word, without extensions that are not
/// expected (whoever runs the server put them there), and without the books of a tool for migrations. What is left out is
/// told by name.
pub(super) fn left_out(live: &Schema, expected: &Schema) -> (Schema, Vec<String>) {
    let named = schemas(expected);
    let outside: BTreeSet<&str> = schemas(live).into_iter().filter(|name| !named.contains(name)).collect();
    let expected_extension = |name: &str| expected.natives.iter().any(|it| it.kind == "extension" && it.name == name);
    let mut told: Vec<String> =
        outside.iter().map(|name| format!("the schema {name}: no migration names it")).collect();
    let is_book = |name: &ObjectName| is_bookkeeping(&name.name) && expected.table(name).is_none();
    let is_inside = |name: &ObjectName| name.schema.as_deref().is_none_or(|schema| !outside.contains(schema));
    let is_ours = |name: &ObjectName| is_inside(name) && !is_book(name);
    let books = live.tables.iter().map(|table| &table.name).filter(|name| is_inside(name) && is_book(name));
    told.extend(books.map(|name| format!("table {name}: it looks like the books of a tool for migrations")));
    let mut kept = live.clone();
    kept.tables.retain(|table| is_ours(&table.name));
    kept.views.retain(|view| is_inside(&view.name));
    kept.enums.retain(|ty| is_inside(&ty.name));
    kept.sequences.retain(|it| is_inside(&it.name) && it.owned_by.as_ref().is_none_or(|(table, _)| is_ours(table)));
    kept.natives.retain(|native| match &*native.kind {
        "schema" => !outside.contains(native.name.as_str()),
        "extension" if !expected_extension(&native.name) => {
            told.push(format!("the extension {}: no migration makes it", native.name));
            false
        }
        _ => native.table.as_ref().is_none_or(is_ours) && !is_named_in(native, &outside),
    });
    (kept, told)
}

/// The schemas that a schema names.
fn schemas(schema: &Schema) -> BTreeSet<&str> {
    let tables = schema.tables.iter().map(|it| &it.name);
    let names = tables.chain(schema.views.iter().map(|it| &it.name)).chain(schema.enums.iter().map(|it| &it.name));
    let names = names.chain(schema.sequences.iter().map(|it| &it.name));
    let names = names.chain(schema.natives.iter().filter_map(|it| it.table.as_ref()));
    let made = schema.natives.iter().filter(|it| it.kind == "schema").map(|it| it.name.as_str());
    names.filter_map(|name| name.schema.as_deref()).chain(made).collect()
}

/// Functions and types have their schema in their name.
fn is_named_in(native: &Native, schemas: &BTreeSet<&str>) -> bool {
    let plain = native.name.split(['.', '(']).next().unwrap_or_default().trim_matches('"');
    native.name.starts_with(|c: char| c == '"' || c.is_alphabetic() || c == '_')
        && native.name.split('(').next().is_some_and(|name| name.contains('.'))
        && schemas.contains(plain)
}
