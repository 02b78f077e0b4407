//! How portable types are stored, by options.
//!
//! | option | values | |
//! | --- | --- | --- |
//! | `timestamps` | `text`, `integer-ms`, `integer-s` | dates and times: ISO 8601, or numbers since 1970 |
//! | `numerics` | `numeric`, `text` | `text` keeps every digit |
//! | `checks` | `all`, `none` | those that stand for a type |
//! | `identity` | `autoincrement`, `rowid` | whether numbers of deleted rows are given again |
//! | `keys` | `not-null`, `nullable` | whether columns of a primary key say NOT NULL |
//! | `generated` | `stored`, `virtual` | whether values of generated columns are stored |
//! | `type` | a type of SQLite | of a column, whatever the table above has |
//! | `default` | an expression of SQLite | of a column, in place of the portable one |
//! | `strict`, `without-rowid` | `on`, `off` | of a table |

use std::collections::BTreeMap;

use whimbrel_core::Problem;
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Storage, Type};

const KNOWN: [(&str, &[&str]); 10] = [
    ("timestamps", &["text", "integer-ms", "integer-s"]),
    ("numerics", &["numeric", "text"]),
    ("checks", &["all", "none"]),
    ("identity", &["autoincrement", "rowid"]),
    ("keys", &["not-null", "nullable"]),
    ("generated", &["stored", "virtual"]),
    ("strict", &["on", "off"]),
    ("without-rowid", &["on", "off"]),
    // Any text.
    ("type", &[]),
    ("default", &[]),
];

/// The options of one column.
#[derive(Debug)]
pub(in crate::ddl) struct Options<'a> {
    storage: &'a Storage,
    table: &'a ObjectName,
    column: &'a str,
}

/// How dates and times are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ddl) enum Timestamps {
    Text,
    Milliseconds,
    Seconds,
}

impl Timestamps {
    pub(in crate::ddl) fn is_integer(self) -> bool {
        self != Self::Text
    }
}

/// Whether `timestamps` says how values of a type are stored.
pub(in crate::ddl) fn is_time(ty: &Type) -> bool {
    matches!(ty, Type::Date | Type::Time(_) | Type::Timestamp(_) | Type::Timestamptz(_))
}

impl<'a> Options<'a> {
    pub(in crate::ddl) fn of(storage: &'a Storage, table: &'a ObjectName, column: &'a str) -> Self {
        Self { storage, table, column }
    }

    fn is(&self, option: &str, value: &str) -> bool {
        self.storage.get(self.table, self.column, option) == Some(value)
    }

    pub(in crate::ddl) fn timestamps(&self) -> Timestamps {
        match self.storage.get(self.table, self.column, "timestamps") {
            Some("integer-ms") => Timestamps::Milliseconds,
            Some("integer-s") => Timestamps::Seconds,
            _ => Timestamps::Text,
        }
    }

    pub(in crate::ddl) fn numerics_as_text(&self) -> bool {
        self.is("numerics", "text")
    }

    /// In which form values of a type are stored, where that is for options to say and no type of SQLite's own is said.
    pub(in crate::ddl) fn form(&self, ty: &Type) -> Option<&'a str> {
        if self.type_name().is_some() {
            return None;
        }
        let said = |option| self.storage.get(self.table, self.column, option);
        match ty {
            time if is_time(time) => Some(said("timestamps").unwrap_or("text")),
            Type::Numeric(_) => Some(said("numerics").unwrap_or("numeric")),
            _ => None,
        }
    }

    pub(in crate::ddl) fn checks(&self) -> bool {
        !self.is("checks", "none")
    }

    pub(super) fn never_reuse(&self) -> bool {
        !self.is("identity", "rowid")
    }

    pub(super) fn keys_not_null(&self) -> bool {
        !self.is("keys", "nullable")
    }

    pub(super) fn computes_when_read(&self) -> bool {
        self.is("generated", "virtual")
    }

    pub(super) fn strict(&self) -> bool {
        self.is("strict", "on")
    }

    pub(super) fn without_rowid(&self) -> bool {
        self.is("without-rowid", "on")
    }

    pub(super) fn type_name(&self) -> Option<&'a str> {
        self.own("type")
    }

    pub(super) fn default(&self) -> Option<&'a str> {
        self.own("default")
    }

    /// An option that is of this column alone.
    fn own(&self, option: &str) -> Option<&'a str> {
        let of_column = self.storage.columns.get(&(self.table.clone(), self.column.to_owned()))?;
        of_column.get(option).map(String::as_str)
    }
}

/// Every option that is not known, or has a value that is none.
pub(super) fn check(storage: &Storage) -> Vec<Problem> {
    let target = std::iter::once(("storage options".to_owned(), &storage.target));
    let tables = storage.tables.iter().map(|(table, options)| (format!("table {table}"), options));
    let columns = storage.columns.iter();
    let columns = columns.map(|((table, column), options)| (format!("table {table}, column {column}"), options));
    target.chain(tables).chain(columns).flat_map(|(place, options)| check_all(&place, options)).collect()
}

fn check_all(place: &str, options: &BTreeMap<String, String>) -> Vec<Problem> {
    options.iter().filter_map(|(option, value)| check_one(place, option, value)).collect()
}

fn check_one(place: &str, option: &str, value: &str) -> Option<Problem> {
    let Some((_, values)) = KNOWN.iter().find(|(known, _)| *known == option) else {
        let known: Vec<&str> = KNOWN.iter().map(|(known, _)| *known).collect();
        let message = format!("unknown storage option `{option}`");
        return Some(Problem::new(place, message, format!("known are {}", known.join(", "))));
    };
    if values.is_empty() || values.contains(&value) {
        return None;
    }
    let message = format!("`{value}` is no value of the storage option `{option}`");
    Some(Problem::new(place, message, format!("write one of {}", values.join(", "))))
}
