//! The SQL of tables, columns, indexes and views.

use whimbrel_schema::Type;
use whimbrel_schema::model::{
    Check, Column, Deferrable, ForeignKey, Index, IndexKey, IndexTarget, ObjectName, PrimaryKey, Table, Unique, View,
};

use super::Quirk;
use super::expr::default_sql;

/// A name as SQL, quoted only where it must be.
pub(crate) fn name_sql(name: &str) -> String {
    whimbrel_schema::expr::name_sql(name)
}

/// Names as SQL, with commas between them.
pub(super) fn names_sql(names: &[String]) -> String {
    names.iter().map(|name| name_sql(name)).collect::<Vec<_>>().join(", ")
}

/// A part of a key: `a COLLATE nocase DESC`.
pub(crate) fn key_sql(column: &str, collation: Option<&str>, descending: bool) -> String {
    let collation = collation.map(|collation| format!(" COLLATE {}", name_sql(collation))).unwrap_or_default();
    format!("{}{collation}{}", name_sql(column), if descending { " DESC" } else { "" })
}

/// `CREATE TABLE` under a name that may be another one than the table's.
pub(super) fn create_table(table: &Table, name: &str) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(|column| column_sql(table, column)).collect();
    lines.extend(table.primary_key.as_ref().filter(|_| !has_inline_key(table)).map(|key| primary_key(table, key)));
    lines.extend(table.uniques.iter().map(|unique| unique_sql(table, unique)));
    lines.extend(table.checks.iter().filter(|check| !is_inline_check(table, check)).map(check_sql));
    lines.extend(table.foreign_keys.iter().filter(|key| !is_inline_reference(key)).map(foreign_key));
    format!("CREATE TABLE {} (\n    {}\n){}", name_sql(name), lines.join(",\n    "), table_options(table))
}

fn table_options(table: &Table) -> String {
    let options = [
        (table.options.without_rowid, "WITHOUT ROWID"),
        (Quirk::RandomRowid.get(table).is_some(), "RANDOM ROWID"),
        (table.options.strict, "STRICT"),
    ];
    let said: Vec<&str> = options.into_iter().filter(|(said, _)| *said).map(|(_, words)| words).collect();
    if said.is_empty() { String::new() } else { format!(" {}", said.join(", ")) }
}

/// A column with everything that stands at it.
pub(super) fn column_sql(table: &Table, column: &Column) -> String {
    let mut parts = vec![name_sql(&column.name)];
    parts.extend(Some(type_sql(&column.ty)).filter(|ty| !ty.is_empty()));
    parts.extend(not_null(table, column));
    parts.extend(inline_key(table, column));
    parts.extend(column.default.as_ref().map(|default| format!("DEFAULT {}", default_sql(default))));
    parts.extend(column.collation.as_ref().map(|collation| format!("COLLATE {}", name_sql(collation))));
    parts.extend(column.generated.as_ref().map(|generated| {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        format!("GENERATED ALWAYS AS ({}) {kind}", generated.expr.as_str())
    }));
    let checks = table.checks.iter().filter(|check| check.at_column.as_deref() == Some(column.name.as_str()));
    parts.extend(checks.map(check_sql));
    let keys =
        table.foreign_keys.iter().filter(|key| is_inline_reference(key) && key.columns == [column.name.as_str()]);
    parts.extend(keys.map(|key| format!("{}{}", named(key.name.as_deref()), references(key))));
    parts.join(" ")
}

/// The type as SQLite takes it.
pub(super) fn type_sql(ty: &Type) -> String {
    match ty {
        Type::Native(text) => text.clone(),
        // A lowered schema has no other types.
        _ => "text".to_owned(),
    }
}

fn not_null(table: &Table, column: &Column) -> Option<String> {
    if let Some(clause) = Quirk::NotNull(&column.name).get(table) {
        return Some(clause.to_owned());
    }
    // Another name of the rowid is never NULL.
    (column.not_null && column.identity.is_none()).then(|| "NOT NULL".to_owned())
}

/// Whether the primary key stands at its column.
fn has_inline_key(table: &Table) -> bool {
    let quirk = Quirk::PrimaryKey.get(table);
    table.primary_key.as_ref().is_some_and(|key| key.columns.len() == 1)
        && quirk.is_none_or(|quirk| !quirk.starts_with('('))
}

fn inline_key(table: &Table, column: &Column) -> Option<String> {
    let key = table.primary_key.as_ref().filter(|key| key.columns == [column.name.as_str()])?;
    if !has_inline_key(table) {
        return None;
    }
    let quirk = Quirk::PrimaryKey.get(table).map(|quirk| format!(" {quirk}")).unwrap_or_default();
    let counts = column.identity.as_ref().is_some_and(|identity| identity.never_reuse);
    let counter = if counts { " AUTOINCREMENT" } else { "" };
    Some(format!("{}PRIMARY KEY{quirk}{counter}", named(key.name.as_deref())))
}

fn primary_key(table: &Table, key: &PrimaryKey) -> String {
    let plain = format!("({})", names_sql(&key.columns));
    let tail = Quirk::PrimaryKey.get(table).map_or(plain, str::to_owned);
    format!("{}PRIMARY KEY {tail}", named(key.name.as_deref()))
}

fn unique_sql(table: &Table, unique: &Unique) -> String {
    let plain = format!("({})", names_sql(&unique.columns));
    let tail = Quirk::Unique(&unique.columns).get(table).map_or(plain, str::to_owned);
    format!("{}UNIQUE {tail}", named(unique.name.as_deref()))
}

fn is_inline_check(table: &Table, check: &Check) -> bool {
    check.at_column.as_ref().is_some_and(|name| table.column(name).is_some())
}

pub(super) fn check_sql(check: &Check) -> String {
    format!("{}CHECK ({})", named(check.name.as_deref()), check.expr.as_str())
}

fn is_inline_reference(key: &ForeignKey) -> bool {
    key.at_column && key.columns.len() == 1
}

fn foreign_key(key: &ForeignKey) -> String {
    format!("{}FOREIGN KEY ({}) {}", named(key.name.as_deref()), names_sql(&key.columns), references(key))
}

/// `REFERENCES users (id) ON DELETE SET NULL`
pub(super) fn references(key: &ForeignKey) -> String {
    let mut text = format!("REFERENCES {}", name_sql(&key.parent.name));
    if !key.parent_columns.is_empty() {
        text.push_str(&format!(" ({})", names_sql(&key.parent_columns)));
    }
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != Default::default() {
            text.push_str(&format!(" ON {event} {}", action.sql()));
        }
    }
    text.push_str(if key.match_full { " MATCH FULL" } else { "" });
    text.push_str(match key.deferrable {
        Deferrable::No => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    text
}

/// The beginning of a constraint: `CONSTRAINT name `, where it has one.
pub(super) fn named(name: Option<&str>) -> String {
    name.map(|name| format!("CONSTRAINT {} ", name_sql(name))).unwrap_or_default()
}

/// `CREATE INDEX`
pub(super) fn create_index(table: &ObjectName, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let keys: Vec<String> = index.keys.iter().map(index_key).collect();
    let predicate = index.predicate.as_ref().map(|predicate| format!(" WHERE {}", predicate.as_str()));
    let name = name_sql(&index.name);
    let predicate = predicate.unwrap_or_default();
    format!("CREATE {unique}INDEX {name} ON {} ({}){predicate}", name_sql(&table.name), keys.join(", "))
}

fn index_key(key: &IndexKey) -> String {
    match &key.on {
        IndexTarget::Column(column) => key_sql(column, key.collation.as_deref(), key.descending),
        IndexTarget::Expr(expr) => {
            let collation = key.collation.as_ref().map(|name| format!(" COLLATE {}", name_sql(name)));
            let direction = if key.descending { " DESC" } else { "" };
            format!("{}{}{direction}", expr.as_str(), collation.unwrap_or_default())
        }
    }
}

/// `CREATE VIEW`
pub(super) fn create_view(view: &View) -> String {
    let columns = if view.columns.is_empty() { String::new() } else { format!(" ({})", names_sql(&view.columns)) };
    format!("CREATE VIEW {}{columns} AS {}", name_sql(&view.name.name), view.query)
}
