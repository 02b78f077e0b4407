//! From the statement of a table to the model.

use whimbrel_schema::model::{
    Check, Column, ForeignKey, Generated, Identity, ObjectName, PrimaryKey, SequenceOptions, Table, Unique,
};
use whimbrel_schema::{Expr, Type};

use super::reader::Reading;
use super::scope::Scope;
use super::statement::{ColumnText, Constraint, ConstraintKind, KeyPart, Reference, TableText, table};
use crate::ddl::{Quirk, key_sql};

/// A table as the model has it, and what of it means nothing and was left out.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) table: Table,
    pub(super) left_out: Vec<String>,
}

/// Reads a `CREATE TABLE`. Foreign keys that name no columns of their parent have none yet.
pub(super) fn read(sql: &str) -> Reading<Read> {
    let text = table(sql)?;
    let scope = Scope { table: &text.name, columns: text.columns.iter().map(|column| column.name.clone()).collect() };
    let mut table = Table::new(ObjectName::new(text.name.clone()));
    table.options.strict = text.strict;
    table.options.without_rowid = text.without_rowid;
    if text.random_rowid {
        Quirk::RandomRowid.set(&mut table, "RANDOM ROWID");
    }
    for column in &text.columns {
        let read = read_column(column, &scope);
        table.columns.push(read);
        keep_not_null(column, &mut table);
    }
    for constraint in &text.constraints {
        take(constraint, &text, &scope, &mut table);
    }
    let left_out = text.idle_names.iter().map(|name| format!("table {}: the constraint name {name}", text.name));
    let left_out = left_out.collect();
    Ok(Read { table, left_out })
}

fn read_column(text: &ColumnText<'_>, scope: &Scope<'_>) -> Column {
    let mut column = Column::new(text.name.clone(), Type::Native(text.ty.clone()));
    column.not_null = text.not_null.is_some();
    // Names of collations are the same in any case.
    let collation = text.collation.as_ref().map(|collation| collation.to_ascii_lowercase());
    column.collation = collation.filter(|collation| collation != "binary");
    column.default = text.default.and_then(|text| default(text, scope));
    column.generated = text.generated.map(|(expr, stored)| Generated { expr: scope.expression(expr), stored });
    column
}

/// A word alone is a string, but for those that are values.
fn default(text: &str, scope: &Scope<'_>) -> Option<Expr> {
    const VALUES: [&str; 6] = ["null", "true", "false", "current_timestamp", "current_date", "current_time"];
    let is_word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if text.eq_ignore_ascii_case("null") {
        return None;
    }
    if is_word && !VALUES.iter().any(|value| value.eq_ignore_ascii_case(text)) {
        return Some(scope.expression(&whimbrel_core::quote_literal(text)));
    }
    // No column is in reach of a default.
    Some(Scope { table: "", columns: Vec::new() }.expression(text))
}

fn keep_not_null(text: &ColumnText<'_>, table: &mut Table) {
    let Some(not_null) = &text.not_null else {
        return;
    };
    if not_null.name.is_none() && not_null.conflict.is_none() {
        return;
    }
    let name = not_null.name.as_deref().map(|name| format!("CONSTRAINT {} ", crate::ddl::name_sql(name)));
    let clause = format!("{}NOT NULL{}", name.unwrap_or_default(), on_conflict(not_null.conflict.as_deref()));
    Quirk::NotNull(&text.name).set(table, clause);
}

fn on_conflict(conflict: Option<&str>) -> String {
    conflict.map(|conflict| format!(" ON CONFLICT {conflict}")).unwrap_or_default()
}

fn take(constraint: &Constraint<'_>, text: &TableText<'_>, scope: &Scope<'_>, table: &mut Table) {
    let name = constraint.name.clone();
    match &constraint.kind {
        ConstraintKind::Primary { key, conflict, autoincrement } => {
            let placed = Placed { key, conflict: conflict.as_deref(), at_column: constraint.at_column.is_some() };
            take_primary(name, &placed, *autoincrement, scope, table);
        }
        ConstraintKind::Unique { key, conflict } => {
            let unique = Unique {
                name,
                columns: spelled(key, scope),
                nulls_not_distinct: false,
                deferrable: Default::default(),
            };
            if !is_plain(key) || conflict.is_some() {
                let tail = format!("({}){}", key_text(key, scope), on_conflict(conflict.as_deref()));
                Quirk::Unique(&unique.columns).set(table, tail);
            }
            table.uniques.push(unique);
        }
        ConstraintKind::Check(expr) => {
            let at_column = constraint.at_column.as_deref().map(|column| scope.spelled(column));
            table.checks.push(Check { name, expr: scope.expression(expr), at_column });
        }
        ConstraintKind::Foreign(reference) => {
            table.foreign_keys.push(foreign_key(name, reference, constraint.at_column.is_some(), scope));
        }
    }
    debug_assert!(!text.name.is_empty());
}

struct Placed<'a> {
    key: &'a [KeyPart],
    conflict: Option<&'a str>,
    at_column: bool,
}

fn take_primary(name: Option<String>, placed: &Placed<'_>, autoincrement: bool, scope: &Scope<'_>, table: &mut Table) {
    let columns = spelled(placed.key, scope);
    // `id INTEGER PRIMARY KEY DESC` is no name of the rowid; `PRIMARY KEY (id DESC)` is one.
    let inline_descending = placed.at_column && placed.key.iter().any(|part| part.descending);
    let alias = rowid_alias(table, &columns).filter(|_| !inline_descending);
    let conflict = on_conflict(placed.conflict);
    if inline_descending {
        Quirk::PrimaryKey.set(table, format!("DESC{conflict}"));
    } else if alias.is_some() && !conflict.is_empty() {
        Quirk::PrimaryKey.set(table, conflict.trim_start());
    } else if alias.is_none() && (!is_plain(placed.key) || !conflict.is_empty()) {
        Quirk::PrimaryKey.set(table, format!("({}){conflict}", key_text(placed.key, scope)));
    }
    let implied = table.options.without_rowid || table.options.strict;
    for column in table.columns.iter_mut().filter(|column| columns.contains(&column.name)) {
        column.not_null |= implied;
    }
    if let Some(column) = alias.and_then(|at| table.columns.get_mut(at)) {
        column.not_null = true;
        column.identity =
            Some(Identity { always: false, never_reuse: autoincrement, options: SequenceOptions::default() });
    }
    table.primary_key = Some(PrimaryKey { name, columns });
}

/// The column that is another name of the rowid, if the key makes it one.
fn rowid_alias(table: &Table, key: &[String]) -> Option<usize> {
    let [only] = key else {
        return None;
    };
    let is_integer = |ty: &Type| matches!(ty, Type::Native(name) if name == "integer");
    let at = table.columns.iter().position(|column| column.name == *only && is_integer(&column.ty))?;
    (!table.options.without_rowid).then_some(at)
}

fn is_plain(key: &[KeyPart]) -> bool {
    key.iter().all(|part| part.collation.is_none() && !part.descending)
}

fn spelled(key: &[KeyPart], scope: &Scope<'_>) -> Vec<String> {
    key.iter().map(|part| scope.spelled(&part.name)).collect()
}

fn key_text(key: &[KeyPart], scope: &Scope<'_>) -> String {
    let part = |part: &KeyPart| key_sql(&scope.spelled(&part.name), part.collation.as_deref(), part.descending);
    key.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn foreign_key(name: Option<String>, reference: &Reference, at_column: bool, scope: &Scope<'_>) -> ForeignKey {
    ForeignKey {
        name,
        columns: reference.columns.iter().map(|column| scope.spelled(column)).collect(),
        parent: ObjectName::new(reference.parent.clone()),
        parent_columns: reference.parent_columns.clone(),
        on_delete: reference.on_delete,
        on_update: reference.on_update,
        match_full: reference.matches.as_deref() == Some("full"),
        deferrable: reference.deferrable,
        at_column,
    }
}
