//! The schema engine's side of SQLite: what portable SQL becomes, and how changes are written.

use async_trait::async_trait;
use whimbrel_core::{BackendError, Dialect, Problem, Sql};
use whimbrel_schema::diff::Rules;
use whimbrel_schema::model::{Column, ObjectName, Table};
use whimbrel_schema::{Forms, Introspected, Schema, SchemaDialect, Script, ScriptRequest, Storage};

mod expr;
mod lower;
mod meaning;
mod mention;
mod place;
mod raise;
mod rebuild;
mod rename;
mod render;
mod script;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use render::{key_sql, name_sql};

/// SQLite and libSQL, as the schema engine needs them.
///
/// Tables are changed in place where `ALTER TABLE` can do it on a table that has rows, else rebuilt: made anew under a
/// name of its own, filled, and renamed. Everything of a rebuilt table is kept: rows and their rowids, the counter of
/// AUTOINCREMENT, indexes, triggers, the views that mention it, STRICT, WITHOUT ROWID, collations, conflict clauses.
///
/// ```
/// use whimbrel_backend_sqlite::SqliteSchema;
///
/// // Where the connection cannot turn foreign keys off.
/// let schema = SqliteSchema::new().with_foreign_keys_on();
/// # drop(schema);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SqliteSchema {
    foreign_keys_stay_on: bool,
}

impl SqliteSchema {
    /// For connections that can turn foreign keys off while a table is rebuilt: files, memory, and servers of libSQL.
    #[must_use]
    pub const fn new() -> Self {
        Self { foreign_keys_stay_on: false }
    }

    /// The same for connections that cannot: scripts never ask for `foreign-keys off`.
    ///
    /// A table is then rebuilt together with all tables whose rows would be deleted or changed with its own: their rows
    /// are copied away and back, so everything is written twice.
    #[must_use]
    pub fn with_foreign_keys_on(mut self) -> Self {
        self.foreign_keys_stay_on = true;
        self
    }
}

#[async_trait]
impl SchemaDialect for SqliteSchema {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::SQLITE
    }

    /// A rebuild takes care of what stands around its table.
    fn rules(&self) -> Rules {
        Rules::FREE
    }

    fn lower(&self, portable: &Schema, storage: &Storage) -> Result<Schema, Vec<Problem>> {
        lower::lower(portable, storage)
    }

    fn raise(&self, native: &Schema) -> (Schema, Storage) {
        raise::raise(native)
    }

    fn differences_of_meaning(&self, portable: &Schema, storage: &Storage) -> Vec<String> {
        meaning::notes(portable, storage)
    }

    fn forms(&self, portable: &Schema, storage: &Storage) -> Forms {
        meaning::forms(portable, storage)
    }

    fn script(&self, request: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>> {
        script::script(request, self.foreign_keys_stay_on)
    }

    async fn introspect(&self, sql: &mut dyn Sql, ignored: &[ObjectName]) -> Result<Introspected, BackendError> {
        crate::introspect::introspect(sql, ignored).await
    }
}

/// What SQLite lets a table say and the model has no field for; kept as text in the options of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Quirk<'a> {
    /// libSQL: rowids are drawn by lot.
    RandomRowid,
    /// What follows `PRIMARY KEY` beyond plain columns: `DESC`, `ON CONFLICT …`, or `(a COLLATE …)` with that.
    PrimaryKey,
    /// What follows `UNIQUE` beyond the plain columns that are given here.
    Unique(&'a [String]),
    /// The whole clause for the column, where it is more than `NOT NULL`.
    NotNull(&'a str),
}

impl Quirk<'_> {
    fn key(self) -> String {
        match self {
            Self::RandomRowid => "random rowid".to_owned(),
            Self::PrimaryKey => "primary key".to_owned(),
            Self::Unique(columns) => format!("unique ({})", columns.join(", ")),
            Self::NotNull(column) => format!("not null {column}"),
        }
    }

    pub(crate) fn set(self, table: &mut Table, text: impl Into<String>) {
        table.options.native.insert(self.key(), text.into());
    }

    pub(crate) fn get(self, table: &Table) -> Option<&str> {
        table.options.native.get(&self.key()).map(String::as_str)
    }
}

/// A problem of a table, or of a column of it.
pub(crate) fn problem(
    table: &ObjectName,
    column: Option<&str>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Problem {
    let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
    Problem::new(format!("table {table}{column}"), message, hint)
}

/// Where values of columns come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fills<'a>(&'a ScriptRequest<'a>);

impl Fills<'_> {
    /// The tables of which columns are filled or converted.
    fn tables(&self) -> impl Iterator<Item = &ObjectName> {
        self.0.fills.keys().chain(self.0.conversions.keys()).map(|(table, _)| table)
    }

    /// The expression that fills a column, see [`ScriptRequest::fills`].
    fn told(&self, table: &Table, column: &Column) -> Option<&String> {
        self.0.fills.get(&(table.name.clone(), column.name.clone()))
    }

    /// What its values become, see [`ScriptRequest::conversions`].
    fn conversion(&self, table: &Table, column: &Column) -> Option<&String> {
        self.0.conversions.get(&(table.name.clone(), column.name.clone()))
    }
}
