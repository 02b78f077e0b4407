//! Snapshots of Drizzle 0.x: an object for each table.

use std::collections::BTreeMap;

use whimbrel_core::split::Lexer;

use super::fields::{Fields, Reading};
use super::json::Json;
use super::said::{self, Check, Column, Index, Key, Said, Table};
use crate::model::{Deferrable, EnumType, ForeignKey, NullsOrder, PrimaryKey, Unique};

/// What the snapshot says.
pub(super) fn said(json: &Json, lexer: Lexer) -> Reading<Said> {
    let mut fields = Fields::of(json, "the snapshot")?;
    // `_meta` has the renames that led here, `internal` which keys of indexes are SQL: they are seen without it.
    fields.pass_over(&["version", "dialect", "id", "prevId", "_meta", "internal"]);
    let mut said = Said::default();
    let schemas = fields.object("schemas")?.iter().filter_map(|(_, name)| name.text());
    said.schemas = schemas.filter(|name| said::is_made(name)).map(str::to_owned).collect();
    // SQLite's formats have the key, and nothing in it.
    if lexer != Lexer::Sqlite {
        for (key, json) in fields.object("enums")? {
            said.enums.push(enum_type(key, json, &mut said.unread)?);
        }
    }
    for (key, json) in fields.object("sequences")? {
        let mut fields = Fields::of(json, format!("sequence {key}"))?;
        let name = said::name(fields.text_or_none("schema")?, fields.text("name")?);
        said.sequences.push((name, said::counting(&mut fields, "increment", "cache")?));
        fields.finish(&mut said.unread);
    }
    for (key, json) in fields.object("tables")? {
        said.tables.push(table(key, json, &mut said.unread)?);
    }
    for (key, json) in fields.object("views")? {
        let mut fields = Fields::of(json, format!("view {key}"))?;
        let name = said::name(fields.text_or_none("schema")?, fields.text("name")?);
        said.views.extend(said::view(&mut fields, name, &mut said.unread)?);
        fields.finish(&mut said.unread);
    }
    for (name, _) in fields.object("roles")? {
        said.unread.push(format!("role {name}: roles are the server's"));
    }
    for (name, _) in fields.object("policies")? {
        said.unread.push(format!("policy {name}: it is on a table that Drizzle did not make"));
    }
    fields.finish(&mut said.unread);
    Ok(said)
}

fn enum_type(key: &str, json: &Json, unread: &mut Vec<String>) -> Reading<EnumType> {
    let mut fields = Fields::of(json, format!("enum {key}"))?;
    let name = said::name(fields.text_or_none("schema")?, fields.text("name")?);
    let values = fields.texts("values")?;
    fields.finish(unread);
    Ok(EnumType { name, values, comment: None })
}

fn table(key: &str, json: &Json, unread: &mut Vec<String>) -> Reading<Table> {
    let mut fields = Fields::of(json, format!("table {key}"))?;
    let mut table = Table::new(said::name(fields.text_or_none("schema")?, fields.text("name")?));
    let of = table.name.to_string();
    let mut keyed = Vec::new();
    for (_, json) in fields.object("columns")? {
        let (column, in_key) = column(&of, json, unread)?;
        keyed.extend(in_key.then(|| column.name.clone()));
        table.columns.push(column);
    }
    if !keyed.is_empty() {
        table.primary_key = Some(PrimaryKey { name: None, columns: keyed });
    }
    for (key, json) in fields.object("compositePrimaryKeys")? {
        let mut fields = Fields::of(json, format!("table {of}, primary key {key}"))?;
        let name = fields.text_or_none("name")?.unwrap_or(key).to_owned();
        table.primary_key = Some(PrimaryKey { name: Some(name), columns: fields.texts("columns")? });
        fields.finish(unread);
    }
    for (key, json) in fields.object("uniqueConstraints")? {
        let mut fields = Fields::of(json, format!("table {of}, unique constraint {key}"))?;
        table.uniques.push(Unique {
            name: Some(fields.text("name")?.to_owned()),
            columns: fields.texts("columns")?,
            nulls_not_distinct: fields.flag("nullsNotDistinct")?,
            deferrable: Deferrable::No,
        });
        fields.finish(unread);
    }
    for (key, json) in fields.object("foreignKeys")? {
        table.foreign_keys.push(foreign_key(&format!("table {of}, foreign key {key}"), json, unread)?);
    }
    for (key, json) in fields.object("checkConstraints")? {
        let mut fields = Fields::of(json, format!("table {of}, check {key}"))?;
        let (name, expr) = (fields.text("name")?.to_owned(), fields.text("value")?.to_owned());
        table.checks.push(Check { name, expr });
        fields.finish(unread);
    }
    for (key, json) in fields.object("indexes")? {
        table.indexes.push(index(&format!("table {of}, index {key}"), json, unread)?);
    }
    for (key, json) in fields.object("policies")? {
        let mut fields = Fields::of(json, format!("table {of}, policy {key}"))?;
        table.policies.push(said::policy(&mut fields, "to")?);
        fields.pass_over(&["on", "schema"]);
        fields.finish(unread);
    }
    // Drizzle turns it on where a table has a policy.
    table.row_security = fields.flag("isRLSEnabled")? || !table.policies.is_empty();
    fields.finish(unread);
    Ok(table)
}

/// A column, and whether it is the primary key.
fn column(table: &str, json: &Json, unread: &mut Vec<String>) -> Reading<(Column, bool)> {
    let mut fields = Fields::of(json, format!("table {table}, a column"))?;
    let name = fields.text("name")?.to_owned();
    let place = format!("table {table}, column {name}");
    let mut fields = Fields::of(json, place.clone())?;
    fields.pass_over(&["name"]);
    let ty = fields.text("type")?;
    let (ty, is_array) = ty.split_once('[').map_or((ty, false), |(item, _)| (item, true));
    let column = Column {
        name,
        ty: ty.trim().to_owned(),
        ty_schema: fields.text_or_none("typeSchema")?.map(str::to_owned),
        is_array,
        not_null: fields.flag("notNull")?,
        autoincrement: fields.flag("autoincrement")?,
        default: said::default(&mut fields)?,
        generated: said::generated(&mut fields, &place, unread)?,
        identity: said::identity(&mut fields, &place, unread)?,
    };
    let in_key = fields.flag("primaryKey")?;
    fields.finish(unread);
    Ok((column, in_key))
}

fn foreign_key(place: &str, json: &Json, unread: &mut Vec<String>) -> Reading<ForeignKey> {
    let mut fields = Fields::of(json, place)?;
    fields.pass_over(&["tableFrom"]);
    let key = ForeignKey {
        name: Some(fields.text("name")?.to_owned()),
        columns: fields.texts("columnsFrom")?,
        parent: said::name(fields.text_or_none("schemaTo")?, fields.text("tableTo")?),
        parent_columns: fields.texts("columnsTo")?,
        on_delete: said::action(&mut fields, "onDelete")?,
        on_update: said::action(&mut fields, "onUpdate")?,
        match_full: false,
        deferrable: Deferrable::No,
        at_column: false,
    };
    fields.finish(unread);
    Ok(key)
}

fn index(place: &str, json: &Json, unread: &mut Vec<String>) -> Reading<Index> {
    let mut fields = Fields::of(json, place)?;
    let mut keys = Vec::new();
    for json in fields.list("columns")? {
        keys.push(match json {
            Json::Text(text) => Key { text: text.clone(), ..Key::default() },
            _ => key(place, json, unread)?,
        });
    }
    let with = fields.object("with")?.iter().map(|(key, value)| (key.clone(), value.to_string()));
    let with: BTreeMap<String, String> = with.collect();
    let index = Index {
        name: fields.text("name")?.to_owned(),
        unique: fields.flag("isUnique")?,
        keys,
        predicate: fields.text_or_none("where")?.map(str::to_owned),
        method: fields.text_or_none("method")?.map(str::to_owned),
        with,
    };
    // How it was built is no matter once it is there.
    fields.pass_over(&["concurrently"]);
    fields.finish(unread);
    Ok(index)
}

/// `{expression, isExpression, asc, nulls, opclass}`
fn key(place: &str, json: &Json, unread: &mut Vec<String>) -> Reading<Key> {
    let mut fields = Fields::of(json, format!("{place}, a key"))?;
    fields.pass_over(&["isExpression"]);
    let text = fields.text("expression")?.to_owned();
    let opclass = fields.text_or_none("opclass")?.filter(|opclass| !opclass.is_empty()).map(str::to_owned);
    let descending = matches!(fields.take("asc"), Some(Json::Bool(false)));
    let nulls = fields.text_or_none("nulls")?.map(|nulls| match nulls {
        "first" => NullsOrder::First,
        _ => NullsOrder::Last,
    });
    fields.finish(unread);
    // Drizzle writes the operator class or the direction, and never both.
    Ok(match opclass {
        Some(opclass) => Key { text, opclass: Some(opclass), ..Key::default() },
        None => Key { text, descending, nulls, opclass: None },
    })
}
