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
    /// The one by which texts are split for what this or another tool calls a dialect.
    pub(crate) fn called(dialect: &str) -> Option<Self> {
        match dialect {
            "sqlite" | "turso" => Some(Self::Sqlite),
            "postgresql" | "postgres" => Some(Self::Postgres),
            _ => None,
        }
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
