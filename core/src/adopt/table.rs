//! Tables of other tools: where they are, and what columns they have.

use std::fmt;

use crate::backend::TextRow;
use crate::dialect::quote_identifier;
use crate::error::BackendError;
use crate::split::Lexer;
use crate::sql::Sql;

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignTable {
    /// Where the database has schemas.
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    /// Names and types.
    columns: Vec<(String, String)>,
}

/// The tables of these names, in every schema or in one.
pub(crate) async fn named(
    sql: &mut dyn Sql,
    lexer: Lexer,
    names: &[&str],
    schema: Option<&str>,
) -> Result<Vec<ForeignTable>, BackendError> {
    let rows = sql.query(&lexer.tables_named(names, schema)).await?;
    let mut tables: Vec<ForeignTable> = Vec::new();
    for row in rows {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let (schema, name, column, ty) = (next(), next(), next(), next());
        let (Some(name), Some(column)) = (name, column) else { continue };
        let column = (column, ty.unwrap_or_default());
        match tables.last_mut() {
            Some(table) if table.schema == schema && table.name == name => table.columns.push(column),
            _ => tables.push(ForeignTable { schema, name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

impl ForeignTable {
    /// Whether it has a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// The query for some of its columns, every value as text: bytes in hexadecimal, moments in UTC. A column that it does not
    /// have is NULL.
    pub(crate) fn select(&self, lexer: Lexer, columns: &[&str], order: &[&str]) -> String {
        let text = |column: &&str| match self.columns.iter().find(|(name, _)| name == column) {
            Some((name, ty)) => lexer.as_text(name, ty),
            None => "NULL".to_owned(),
        };
        let columns: Vec<String> = columns.iter().map(text).collect();
        // Without the table it would be the text that is selected.
        let order = order.iter().filter(|it| self.has(it)).map(|it| format!("r.{}", quote_identifier(it)));
        let order: Vec<String> = order.collect();
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        format!("SELECT {} FROM {} AS r{order}", columns.join(", "), self.quoted())
    }

    /// A table that is about to be made.
    pub(super) fn made(schema: Option<String>, name: String, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| ((*column).to_owned(), String::new())).collect();
        Self { schema, name, columns }
    }

    /// The statement that writes a row.
    pub(crate) fn insert(&self, row: &[(&str, String)]) -> String {
        let columns: Vec<String> = row.iter().map(|(column, _)| quote_identifier(column)).collect();
        let values: Vec<&str> = row.iter().map(|(_, value)| &**value).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.quoted(), columns.join(", "), values.join(", "))
    }

    /// The statement that keeps two rows from being the same in these columns.
    pub(crate) fn keep_apart(&self, columns: &[&str]) -> String {
        let columns: Vec<String> = columns.iter().map(|column| quote_identifier(column)).collect();
        let index = quote_identifier(&format!("{}_once", self.name));
        format!("CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {} ({})", self.quoted(), columns.join(", "))
    }

    pub(super) fn quoted(&self) -> String {
        let schema = self.schema.as_ref().map(|schema| format!("{}.", quote_identifier(schema))).unwrap_or_default();
        format!("{schema}{}", quote_identifier(&self.name))
    }

    #[cfg(test)]
    pub(super) fn of(schema: Option<&str>, name: &str, columns: &[&str]) -> Self {
        Self::made(schema.map(str::to_owned), name.to_owned(), columns)
    }
}

impl fmt::Display for ForeignTable {
    /// As a person writes it in a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", written(schema))?;
        }
        f.write_str(&written(&self.name))
    }
}

/// Quoted where it must be.
fn written(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    let bare = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
    if bare { name.to_owned() } else { quote_identifier(name) }
}

/// The tables that are there besides this one, as far as a few.
pub(crate) async fn beside(sql: &mut dyn Sql, lexer: Lexer, table: &ForeignTable) -> Result<Vec<String>, BackendError> {
    let rows = sql.query(&lexer.tables_beside(table.schema.as_deref(), &table.name)).await?;
    Ok(rows.into_iter().filter_map(|row: TextRow| row.into_iter().next().flatten()).collect())
}
