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
    /// The query that lists the functions that a session has, one name in each row; `None`: migrations make their own, so that
    /// nobody can tell before they run.
    pub functions: Option<&'static str>,
}

/// Those of SQL, those that the program has registered, and those that stand where tables do.
const SQLITE_FUNCTIONS: &str = "select name from pragma_function_list union select name from pragma_module_list";

impl Dialect {
    /// SQLite and libSQL.
    pub const SQLITE: Self = Self { name: "sqlite", lexer: Lexer::Sqlite, functions: Some(SQLITE_FUNCTIONS) };
    /// Postgres.
    pub const POSTGRES: Self = Self { name: "postgres", lexer: Lexer::Postgres, functions: None };

    /// A dialect of a backend of your own; the nearest lexer reads its text.
    #[must_use]
    pub const fn new(name: &'static str, lexer: Lexer) -> Self {
        Self { name, lexer, functions: None }
    }
}

impl Lexer {
    /// One for texts of which nobody knows what they are for, and which nobody will run.
    pub(crate) fn of_any() -> Self {
        Self::Postgres
    }

    /// The one by which texts are split for what this or another tool calls a dialect: `postgres`, `postgresql`, `sqlite`, `turso`.
    #[must_use]
    pub fn called(dialect: &str) -> Option<Self> {
        match dialect {
            "sqlite" | "turso" => Some(Self::Sqlite),
            "postgresql" | "postgres" => Some(Self::Postgres),
            _ => None,
        }
    }
}

impl Lexer {
    /// Asks for an index, beside a table, that a build which failed has left and that no query uses, both named as in a text;
    /// `None`: this database leaves none.
    pub(crate) fn invalid_index(self, index: &str, table: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(format!(
                "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS t \
                 JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace AND c.relkind = 'i' \
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid AND NOT i.indisvalid \
                 WHERE t.oid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]",
                quote_literal(table),
                quote_literal(index)
            )),
        }
    }
}

#[cfg(feature = "other-tools")]
impl Lexer {
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
            // Bytes may stand in a column of any type.
            Self::Sqlite => {
                format!("CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE CAST({column} AS text) END")
            }
            Self::Postgres if ty == "bytea" => format!("pg_catalog.encode({column}, 'hex')"),
            Self::Postgres if ty.ends_with("with time zone") && ty.starts_with("timestamp") => {
                format!("pg_catalog.to_char({column} AT TIME ZONE 'UTC', {moment})")
            }
            Self::Postgres if ty.starts_with("timestamp") => format!("pg_catalog.to_char({column}, {moment})"),
            Self::Postgres => format!("CAST({column} AS text)"),
        }
    }

    /// Asks for the name of the database, where it has advisory locks.
    pub(crate) fn database_with_locks(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_catalog.current_database()::text"),
        }
    }

    /// Whether tables are in schemas.
    pub(crate) fn has_schemas(self) -> bool {
        self == Self::Postgres
    }

    /// The moment, as Drizzle 1.0 writes it.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
            Self::Postgres => "now()",
        }
    }

    /// The columns of Drizzle's table, as 0.x and 1.0 (a folder for each migration) make it.
    pub(crate) fn drizzle_columns(self, by_folders: bool) -> &'static str {
        match (self, by_folders) {
            (Self::Sqlite, false) => "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric",
            (Self::Sqlite, true) => {
                "id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric, name text, applied_at TEXT"
            }
            (Self::Postgres, false) => "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint",
            (Self::Postgres, true) => {
                "id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint, name text, applied_at timestamp with time zone \
                 DEFAULT now()"
            }
        }
    }

    /// The columns of sqlx's table.
    pub(crate) fn sqlx_columns(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT \
                 CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL"
            }
            Self::Postgres => {
                "version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), \
                 success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL"
            }
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
