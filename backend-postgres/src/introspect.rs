//! Reading a database's schema from its catalog.
//!
//! One query for each kind of thing, however many tables there are. They ask for no right but that to read the catalog,
//! which every role has. Expressions come as the server prints them for the session's `search_path`.

mod convert;
mod queries;
mod rows;

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use whimbrel_core::split::Lexer;
use whimbrel_core::{BackendError, BackendErrorKind, Sql};
use whimbrel_schema::model::{EnumType, Native, ObjectName, Table, View};
use whimbrel_schema::{Expr, Introspected};

use crate::ddl::typing;

/// Reads everything but what is the system's, an extension's, or `ignored`.
pub(crate) async fn introspect(sql: &mut dyn Sql, ignored: &[ObjectName]) -> Result<Introspected, BackendError> {
    let mut reading = Reading { ignored, emptied: BTreeSet::new(), found: Introspected::default() };
    reading.namespaces(sql).await?;
    reading.types(sql).await?;
    reading.sequences(sql).await?;
    reading.tables(sql).await?;
    reading.constraints(sql).await?;
    reading.indexes(sql).await?;
    reading.views(sql).await?;
    reading.texts(sql).await?;
    reading.without_emptied();
    let mut found = reading.found;
    typing::settle(&mut found.schema);
    found.uncompared.sort();
    Ok(found)
}

/// The rows of a query that gives JSON.
async fn rows<T: DeserializeOwned>(sql: &mut dyn Sql, query: &str) -> Result<Vec<T>, BackendError> {
    let mut rows = Vec::new();
    for row in sql.query(query).await? {
        let text = row.into_iter().next().flatten().unwrap_or_default();
        rows.push(serde_json::from_str(&text).map_err(|error| unread(&error.to_string(), &text))?);
    }
    Ok(rows)
}

fn unread(error: &str, text: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Internal, format!("the catalog gave what cannot be read: {error}: {text}"))
}

/// An expression as the server prints it.
fn expr(text: &str) -> Expr {
    Expr::parse(text, Lexer::Postgres)
}

fn name(schema: Option<String>, name: String) -> ObjectName {
    ObjectName { schema, name }
}

struct Reading<'a> {
    ignored: &'a [ObjectName],
    /// Schemas with a table in them that is ignored.
    emptied: BTreeSet<String>,
    found: Introspected,
}

impl Reading<'_> {
    fn is_ignored(&self, name: &ObjectName) -> bool {
        // A history table is named with its schema, which may be the one that names here leave out.
        self.ignored.iter().any(|ignored| {
            ignored == name || (ignored.name == name.name && (name.schema.is_none() || ignored.schema.is_none()))
        })
    }

    fn native(&mut self, kind: &str, name: String, table: Option<ObjectName>, sql: String) {
        self.found.schema.natives.push(Native { kind: kind.to_owned(), name, table, sql });
    }

    fn not_compared(&mut self, what: String) {
        self.found.uncompared.push(what);
    }

    /// Leaves out schemas that hold nothing but what is ignored: they were made for it.
    fn without_emptied(&mut self) {
        let schema = &mut self.found.schema;
        let names = schema.tables.iter().map(|it| &it.name).chain(schema.views.iter().map(|it| &it.name));
        let names =
            names.chain(schema.enums.iter().map(|it| &it.name)).chain(schema.sequences.iter().map(|it| &it.name));
        for used in names.filter_map(|name| name.schema.as_ref()) {
            self.emptied.remove(used);
        }
        let natives = || schema.natives.iter().filter(|it| it.kind != "schema");
        self.emptied.retain(|emptied| !natives().any(|it| it.name.starts_with(&format!("{emptied}."))));
        schema.natives.retain(|it| it.kind != "schema" || !self.emptied.contains(&it.name));
    }

    fn table(&mut self, name: &ObjectName) -> Option<&mut Table> {
        self.found.schema.tables.iter_mut().find(|table| table.name == *name)
    }

    async fn namespaces(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for row in rows::<rows::Named>(sql, &queries::schemas()).await? {
            let statement = format!("CREATE SCHEMA {}", crate::ddl::ident(&row.name));
            self.native("schema", row.name, None, statement);
        }
        for row in rows::<rows::Extension>(sql, &queries::extensions()).await? {
            self.native("extension", row.name, None, row.sql);
        }
        Ok(())
    }

    async fn types(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for row in rows::<rows::Enum>(sql, &queries::enums()).await? {
            let made = EnumType { name: name(row.schema, row.name), values: row.values, comment: row.comment };
            self.found.schema.enums.push(made);
        }
        self.carried(sql, &queries::types()).await
    }

    /// Objects that are carried as text.
    async fn carried(&mut self, sql: &mut dyn Sql, query: &str) -> Result<(), BackendError> {
        for row in rows::<rows::Text>(sql, query).await? {
            let table = row.table_name.map(|table| name(row.table_schema, table));
            if table.as_ref().is_some_and(|table| self.is_ignored(table)) {
                continue;
            }
            let of = table.as_ref().map(|table| format!(" of {table}")).unwrap_or_default();
            if let Some(remark) = row.remark {
                self.not_compared(format!("{} {}{of}: it {remark}", row.kind, row.name));
            }
            match row.sql {
                Some(text) => self.native(&row.kind, row.name, table, text.trim().to_owned()),
                None => self.not_compared(format!("{} {}{of}", row.kind, row.name)),
            }
        }
        Ok(())
    }

    async fn sequences(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for row in rows::<rows::Sequence>(sql, &queries::sequences()).await? {
            if row.unlogged {
                self.not_compared(format!("sequence {}: it is unlogged", row.name));
            }
            let made = convert::sequence(row);
            let owner = made.owned_by.as_ref().map(|(table, _)| table);
            if !self.is_ignored(&made.name) && !owner.is_some_and(|table| self.is_ignored(table)) {
                self.found.schema.sequences.push(made);
            }
        }
        Ok(())
    }

    async fn tables(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for row in rows::<rows::Table>(sql, &queries::tables()).await? {
            let made = convert::table(row);
            if self.is_ignored(&made.name) {
                self.emptied.extend(made.name.schema);
            } else {
                self.found.schema.tables.push(made);
            }
        }
        let enums: Vec<ObjectName> = self.found.schema.enums.iter().map(|ty| ty.name.clone()).collect();
        for row in rows::<rows::Column>(sql, &queries::columns()).await? {
            let of = name(row.schema.clone(), row.table.clone());
            let made = convert::column(row, &enums);
            if let Some(table) = self.table(&of) {
                table.columns.push(made);
            }
        }
        Ok(())
    }

    async fn constraints(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for mut row in rows::<rows::Constraint>(sql, &queries::constraints()).await? {
            let of = name(row.schema.take(), std::mem::take(&mut row.table));
            if let Some(table) = self.table(&of) {
                convert::constraint(row, table);
            }
        }
        Ok(())
    }

    async fn indexes(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for mut row in rows::<rows::Index>(sql, &queries::indexes()).await? {
            let of = name(row.schema.take(), std::mem::take(&mut row.table));
            if self.is_ignored(&of) {
                continue;
            }
            if row.clustered {
                self.not_compared(format!("index {} of {of}: its table is clustered by it", row.name));
            }
            if !row.valid {
                self.not_compared(format!(
                    "index {} of {of}: it is invalid, left over from a build that failed",
                    row.name
                ));
            } else if row.of_view {
                self.native("index", row.name, Some(of), row.definition);
            } else if let Some(table) = self.table(&of) {
                table.indexes.push(convert::index(row));
            }
        }
        Ok(())
    }

    async fn views(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        for row in rows::<rows::View>(sql, &queries::views()).await? {
            let of = name(row.schema, row.name);
            if self.is_ignored(&of) {
                continue;
            }
            if row.empty {
                self.not_compared(format!("materialized view {of}: it holds no rows, it was never refreshed"));
            }
            self.found.schema.views.push(View {
                name: of,
                columns: Vec::new(),
                query: row.query.trim().trim_end_matches(';').to_owned(),
                materialized: row.materialized,
                options: row.options.map(|options| format!("WITH ({})", options.join(", "))),
                comment: row.comment,
            });
        }
        Ok(())
    }

    async fn texts(&mut self, sql: &mut dyn Sql) -> Result<(), BackendError> {
        self.carried(sql, &queries::routines()).await?;
        self.carried(sql, &queries::attached()).await?;
        for row in rows::<rows::Named>(sql, &queries::others()).await? {
            self.not_compared(row.name);
        }
        Ok(())
    }
}
