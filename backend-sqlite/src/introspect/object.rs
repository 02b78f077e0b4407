//! From the statements of indexes, views, triggers and virtual tables to the model.

use whimbrel_schema::model::{Index, IndexKey, IndexTarget, Native, ObjectName, View};

use super::reader::{Reader, Reading};
use super::scope::Scope;
use super::statement::names;
use crate::ddl::name_sql;

/// Reads a `CREATE INDEX` on the table of the scope.
pub(super) fn index(sql: &str, scope: &Scope<'_>) -> Reading<Index> {
    let mut reader = Reader::new(sql)?;
    reader.expect(&["create"])?;
    let unique = reader.eat(&["unique"]);
    reader.expect(&["index"])?;
    reader.eat(&["if", "not", "exists"]);
    let name = reader.last_name()?;
    reader.expect(&["on"])?;
    reader.name()?;
    let keys = index_keys(&mut reader, scope)?;
    let predicate = if reader.eat(&["where"]) { Some(scope.expression(reader.rest())) } else { None };
    Ok(Index {
        name,
        unique,
        method: None,
        keys,
        include: Vec::new(),
        predicate,
        nulls_not_distinct: false,
        with: Default::default(),
    })
}

fn index_keys(reader: &mut Reader<'_>, scope: &Scope<'_>) -> Reading<Vec<IndexKey>> {
    reader.expect_mark("(")?;
    let mut keys = Vec::new();
    loop {
        keys.push(index_key(reader, scope)?);
        if reader.eat_mark(")") {
            return Ok(keys);
        }
        reader.expect_mark(",")?;
    }
}

fn index_key(reader: &mut Reader<'_>, scope: &Scope<'_>) -> Reading<IndexKey> {
    let on = index_target(reader, scope)?;
    let collation = if reader.eat(&["collate"]) { Some(reader.name()?.to_ascii_lowercase()) } else { None };
    let descending = reader.eat(&["desc"]);
    if !descending {
        reader.eat(&["asc"]);
    }
    Ok(IndexKey { on, descending, nulls: None, collation, opclass: None })
}

fn index_target(reader: &mut Reader<'_>, scope: &Scope<'_>) -> Reading<IndexTarget> {
    let text = reader.piece(&["collate", "asc", "desc"])?;
    let mut lone = Reader::new(text)?;
    if let (Ok(name), true) = (lone.name(), lone.ended())
        && let Some(column) = scope.columns.iter().find(|column| column.eq_ignore_ascii_case(&name))
    {
        return Ok(IndexTarget::Column(column.clone()));
    }
    Ok(IndexTarget::Expr(scope.expression(text)))
}

/// Reads a `CREATE VIEW`.
pub(crate) fn view(sql: &str) -> Reading<View> {
    let mut reader = Reader::new(sql)?;
    reader.expect(&["create"])?;
    let _ = reader.eat(&["temp"]) || reader.eat(&["temporary"]);
    reader.expect(&["view"])?;
    reader.eat(&["if", "not", "exists"]);
    let name = ObjectName::new(reader.last_name()?);
    let columns = if reader.is_mark(0, "(") { names(&mut reader)? } else { Vec::new() };
    reader.expect(&["as"])?;
    let query = reader.rest().trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_owned();
    Ok(View { name, columns, query, materialized: false, options: None, comment: None })
}

/// Reads a `CREATE TRIGGER`, and begins its text as SQLite does when it keeps it.
pub(crate) fn trigger(sql: &str) -> Reading<Native> {
    let mut reader = Reader::new(sql)?;
    reader.expect(&["create"])?;
    let _ = reader.eat(&["temp"]) || reader.eat(&["temporary"]);
    reader.expect(&["trigger"])?;
    reader.eat(&["if", "not", "exists"]);
    let name = reader.last_name()?;
    let rest = reader.rest();
    let mut reader = Reader::new(rest)?;
    while !reader.is_word(0, "on") {
        reader.next()?;
    }
    reader.expect(&["on"])?;
    let table = ObjectName::new(reader.last_name()?);
    let sql = format!("CREATE TRIGGER {} {}", name_sql(&name), trimmed(rest));
    Ok(Native { kind: "trigger".to_owned(), name, table: Some(table), sql })
}

/// Reads a `CREATE VIRTUAL TABLE`, and begins its text as SQLite does when it keeps it.
pub(crate) fn virtual_table(sql: &str) -> Reading<Native> {
    let mut reader = Reader::new(sql)?;
    reader.expect(&["create", "virtual", "table"])?;
    reader.eat(&["if", "not", "exists"]);
    let name = reader.last_name()?;
    let sql = format!("CREATE VIRTUAL TABLE {} {}", name_sql(&name), trimmed(reader.rest()));
    Ok(Native { kind: "virtual table".to_owned(), name, table: None, sql })
}

fn trimmed(rest: &str) -> &str {
    rest.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}
