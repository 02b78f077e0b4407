//! What a snapshot says, as the statements that SQLite would keep of it.
//!
//! The dialect reads these as it reads those of a database, so that the two are the same.

use whimbrel_core::quote_identifier;

use super::said::{Column, Index, Said, Table, View};
use super::written::{Made, Written};
use crate::model::{Action, ForeignKey, Native, ObjectName, PrimaryKey, Schema};

/// The schema in SQLite's own SQL. Where the migrations do otherwise than the snapshot says, it is as they do, and told in
/// `corrected`.
pub(super) fn schema(mut said: Said, written: &Written, corrected: &mut Vec<String>) -> Schema {
    for table in &mut said.tables {
        if let Some(made) = written.table(&table.name) {
            correct(table, made, corrected);
        }
    }
    let natives = said.tables.iter().map(|table| self::table(table, written));
    let indexes = said.tables.iter().flat_map(|table| table.indexes.iter().map(move |it| index(table, it)));
    Schema { natives: natives.chain(indexes).chain(said.views.iter().map(view)).collect(), ..Schema::default() }
}

fn correct(table: &mut Table, made: &Made, corrected: &mut Vec<String>) {
    let of = &table.name;
    let key = table.primary_key.as_ref().map(|key| key.columns.as_slice()).unwrap_or_default();
    for column in table.columns.iter_mut().filter(|column| key.contains(&column.name) && !column.not_null) {
        if made.says_not_null(&column.name) {
            column.not_null = true;
            // Another name of the rowid refuses NULL whatever is said.
            if key.len() == 1 && column.ty.eq_ignore_ascii_case("integer") {
                continue;
            }
            corrected.push(format!("table {of}, column {}: it is NOT NULL", column.name));
        }
    }
    for (column, on_delete, on_update) in &made.references {
        let key = table.foreign_keys.iter_mut().find(|key| key.columns == [column.as_str()]);
        let Some(key) = key.filter(|key| (key.on_delete, key.on_update) != (*on_delete, *on_update)) else { continue };
        let (delete, update) = (on_delete.sql(), on_update.sql());
        corrected.push(format!("table {of}, the reference of {column}: it is ON DELETE {delete} ON UPDATE {update}"));
        (key.on_delete, key.on_update) = (*on_delete, *on_update);
    }
}

/// Drizzle names foreign keys and keys of several columns in its snapshots, and before 1.0 not in its SQL; `drizzle-kit up`
/// takes the names over as if they were in the database.
fn table(table: &Table, written: &Written) -> Native {
    let constraint = |name: Option<&String>| {
        let name = name.filter(|name| written.names_constraint(name));
        name.map(|name| format!("CONSTRAINT {} ", quote_identifier(name))).unwrap_or_default()
    };
    let key = table.primary_key.as_ref();
    // Only there it can count its rows.
    let at_column = key.filter(|key| key.columns.len() == 1 && constraint(key.name.as_ref()).is_empty());
    let mut lines: Vec<String> = table.columns.iter().map(|it| column(it, at_column)).collect();
    if let Some(key) = key.filter(|_| at_column.is_none()) {
        lines.push(format!("{}PRIMARY KEY ({})", constraint(key.name.as_ref()), names(&key.columns)));
    }
    let keys = table.foreign_keys.iter();
    lines.extend(keys.map(|key| format!("{}{}", constraint(key.name.as_ref()), foreign_key(key))));
    let uniques = table.uniques.iter();
    lines.extend(uniques.map(|it| format!("{}UNIQUE ({})", constraint(it.name.as_ref()), names(&it.columns))));
    let checks = table.checks.iter();
    lines.extend(checks.map(|it| format!("CONSTRAINT {} CHECK ({})", quote_identifier(&it.name), it.expr)));
    let sql = format!("CREATE TABLE {} (\n\t{}\n)", quote_identifier(&table.name.name), lines.join(",\n\t"));
    native("table", &table.name, None, sql)
}

fn column(column: &Column, key: Option<&PrimaryKey>) -> String {
    let mut line = format!("{} {}", quote_identifier(&column.name), column.ty);
    if key.is_some_and(|key| key.columns == [column.name.as_str()]) {
        line += if column.autoincrement { " PRIMARY KEY AUTOINCREMENT" } else { " PRIMARY KEY" };
    }
    if let Some(default) = &column.default {
        line += &format!(" DEFAULT {default}");
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        line += &format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expr);
    }
    if column.not_null {
        line += " NOT NULL";
    }
    line
}

fn foreign_key(key: &ForeignKey) -> String {
    let on = |when: &str, action: Action| match action {
        Action::NoAction => String::new(),
        action => format!(" ON {when} {}", action.sql()),
    };
    format!(
        "FOREIGN KEY ({}) REFERENCES {} ({}){}{}",
        names(&key.columns),
        quote_identifier(&key.parent.name),
        names(&key.parent_columns),
        on("UPDATE", key.on_update),
        on("DELETE", key.on_delete)
    )
}

fn index(table: &Table, index: &Index) -> Native {
    let unique = if index.unique { "UNIQUE " } else { "" };
    // Whether a key is SQL is noted in no snapshot that `drizzle-kit up` has written.
    let key = |text: &String| if table.has_column(text) { quote_identifier(text) } else { text.clone() };
    let keys: Vec<String> = index.keys.iter().map(|it| key(&it.text)).collect();
    let predicate = index.predicate.as_ref().map(|text| format!(" WHERE {text}")).unwrap_or_default();
    let (name, of) = (quote_identifier(&index.name), quote_identifier(&table.name.name));
    let sql = format!("CREATE {unique}INDEX {name} ON {of} ({}){predicate}", keys.join(", "));
    native("index", &ObjectName::new(index.name.clone()), Some(table.name.clone()), sql)
}

fn view(view: &View) -> Native {
    let sql = format!("CREATE VIEW {} AS {}", quote_identifier(&view.name.name), view.query);
    native("view", &view.name, None, sql)
}

fn native(kind: &str, name: &ObjectName, table: Option<ObjectName>, sql: String) -> Native {
    Native { kind: kind.to_owned(), name: name.to_string(), table, sql }
}

fn names(names: &[String]) -> String {
    names.iter().map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", ")
}
