//! What a snapshot says, as the statements that SQLite would keep of it.
//!
//! The dialect reads these as it reads those of a database, so that the two are the same.

use std::collections::HashSet;

use whimbrel_core::split::{LexemeKind, Lexer, tokens};
use whimbrel_core::{Migration, quote_identifier};

use super::said::{Column, Index, Said, Table, View};
use crate::model::{Action, ForeignKey, Native, ObjectName, PrimaryKey, Schema};

/// The names that stand behind `CONSTRAINT` in the migrations.
///
/// Drizzle names foreign keys and keys of several columns in its snapshots, and before 1.0 not in its SQL; `drizzle-kit up`
/// takes the names over as if they were in the database.
pub(super) fn constraint_names(migrations: &[Migration]) -> HashSet<String> {
    let mut names = HashSet::new();
    // One that cannot be read is told by those who run it.
    for text in migrations.iter().filter_map(|migration| migration.text().ok()) {
        let tokens = tokens(Lexer::Sqlite, &text).unwrap_or_default();
        let pairs = tokens.windows(2).filter(|pair| pair[0].text.eq_ignore_ascii_case("constraint"));
        names.extend(pairs.map(|pair| match (pair[1].kind, pair[1].text.get(..1)) {
            (LexemeKind::Word, _) => pair[1].text.to_owned(),
            (_, Some(quote)) => {
                let inner = pair[1].text.get(1..pair[1].text.len().saturating_sub(1)).unwrap_or_default();
                inner.replace(&quote.repeat(2), quote)
            }
            (_, None) => String::new(),
        }));
    }
    names
}

/// The schema in SQLite's own SQL.
pub(super) fn schema(said: Said, named: &HashSet<String>) -> Schema {
    let natives = said.tables.iter().map(|table| self::table(table, named));
    let indexes = said.tables.iter().flat_map(|table| table.indexes.iter().map(move |it| index(table, it)));
    Schema { natives: natives.chain(indexes).chain(said.views.iter().map(view)).collect(), ..Schema::default() }
}

fn table(table: &Table, named: &HashSet<String>) -> Native {
    let constraint = |name: Option<&String>| {
        let name = name.filter(|name| named.contains(*name));
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
