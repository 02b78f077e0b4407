//! What differs between the SQL of two databases, as data.

use crate::split::Lexer;

/// The SQL dialect of a backend: how its text is read, how its names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// The name that people see: `sqlite`, `postgres`.
    pub name: &'static str,
    /// How a migration's text is split into statements.
    pub lexer: Lexer,
}

impl Dialect {
    /// SQLite and libSQL.
    pub const SQLITE: Self = Self { name: "sqlite", lexer: Lexer::Sqlite };
    /// Postgres.
    pub const POSTGRES: Self = Self { name: "postgres", lexer: Lexer::Postgres };

    /// A dialect of a backend of your own; the nearest lexer reads its text.
    #[must_use]
    pub const fn new(name: &'static str, lexer: Lexer) -> Self {
        Self { name, lexer }
    }
}

#[cfg(feature = "other-tools")]
impl Lexer {
    /// Whether another tool's word for a dialect means one whose texts are split so.
    pub(crate) fn is_called(self, dialect: &str) -> bool {
        match dialect {
            "sqlite" | "turso" => self == Self::Sqlite,
            "postgresql" | "postgres" => self == Self::Postgres,
            _ => false,
        }
    }

    /// Asks where tables of these names are, in every schema or in one, and what columns they have: schema, table, column,
    /// type, in this order. Where rows have a number beside their columns, it is among them.
    pub(crate) fn tables_named(self, names: &[&str], schema: Option<&str>) -> String {
        let names = names.iter().map(|name| quote_literal(name)).collect::<Vec<_>>().join(", ");
        match self {
            Self::Sqlite => format!(
                "SELECT NULL, m.name, c.name, c.type, c.cid FROM main.sqlite_schema AS m, pragma_table_info(m.name) AS c \
                 WHERE m.type = 'table' AND m.name COLLATE NOCASE IN ({names}) \
                 UNION ALL SELECT NULL, m.name, 'rowid', 'INTEGER', -1 FROM main.sqlite_schema AS m \
                 WHERE m.type = 'table' AND m.name COLLATE NOCASE IN ({names}) \
                 AND NOT EXISTS (SELECT 1 FROM pragma_table_list(m.name) AS l WHERE l.schema = 'main' AND l.wr) \
                 ORDER BY 2, 5"
            ),
            Self::Postgres => {
                let within =
                    schema.map_or("NOT LIKE 'pg\\_%'".to_owned(), |schema| format!("= {}", quote_literal(schema)));
                format!(
                    "SELECT n.nspname::text, c.relname::text, a.attname::text, \
                     pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_class AS c \
                     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                     WHERE c.relkind IN ('r', 'p') AND c.relname IN ({names}) AND n.nspname {within} \
                     ORDER BY 1, 2, a.attnum"
                )
            }
        }
    }

    /// Asks for the names of a few tables besides this one: not those of the database itself, nor those of extensions.
    pub(crate) fn tables_beside(self, schema: Option<&str>, table: &str) -> String {
        let table = quote_literal(table);
        match self {
            Self::Sqlite => format!(
                "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> {table} \
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\' ORDER BY name LIMIT 4"
            ),
            Self::Postgres => format!(
                "SELECT c.relname::text FROM pg_catalog.pg_class AS c \
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' \
                 AND NOT (n.nspname = {} AND c.relname = {table}) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d \
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e') \
                 ORDER BY 1 LIMIT 4",
                quote_literal(schema.unwrap_or_default())
            ),
        }
    }

    /// A column's value as text: bytes in hexadecimal, moments in UTC.
    pub(crate) fn as_text(self, column: &str, ty: &str) -> String {
        let (column, ty) = (quote_identifier(column), ty.to_ascii_lowercase());
        let moment = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";
        match self {
            Self::Sqlite if ty == "blob" => format!("lower(hex({column}))"),
            Self::Postgres if ty == "bytea" => format!("pg_catalog.encode({column}, 'hex')"),
            Self::Postgres if ty.ends_with("with time zone") && ty.starts_with("timestamp") => {
                format!("pg_catalog.to_char({column} AT TIME ZONE 'UTC', {moment})")
            }
            Self::Postgres if ty.starts_with("timestamp") => format!("pg_catalog.to_char({column}, {moment})"),
            Self::Sqlite | Self::Postgres => format!("CAST({column} AS text)"),
        }
    }

    /// Asks for the name of the database, where it has advisory locks.
    pub(crate) fn database_with_locks(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_catalog.current_database()::text"),
        }
    }

    /// Tries an advisory lock of the session, and answers 1 where it is had.
    pub(crate) fn try_advisory_lock(self, key: i64) -> String {
        format!("SELECT pg_catalog.pg_try_advisory_lock({key})::int4")
    }
}

/// Writes a name as a quoted SQL identifier: `user "x"` becomes `"user ""x"""`.
///
/// A NUL character, which no database takes in a name, is left out.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// Writes a text as a standard SQL string literal: `it's` becomes `'it''s'`.
///
/// Safe where backslashes are plain characters: SQLite, and Postgres with `standard_conforming_strings = on`.
/// A NUL character, which neither database takes in a text, is left out.
#[must_use]
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}
