//! Types of columns.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ObjectName;

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// `boolean`
    Boolean,
    /// `smallint`
    SmallInt,
    /// `integer`
    Integer,
    /// `bigint`
    BigInt,
    /// `real`
    Real,
    /// `double precision`
    Double,
    /// `numeric`, with precision and scale where they are given.
    Numeric(Option<(u16, i16)>),
    /// `text`
    Text,
    /// `varchar(n)`: at most so many characters. A `varchar` without a length is read as [`Type::Text`].
    Varchar(u32),
    /// `bytea`
    Bytea,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// `uuid`
    Uuid,
    /// `date`
    Date,
    /// `time`, with the digits of its seconds where they are given.
    Time(Option<u8>),
    /// `timestamp`, with the digits of its seconds where they are given.
    Timestamp(Option<u8>),
    /// `timestamptz`, with the digits of its seconds where they are given.
    Timestamptz(Option<u8>),
    /// An enum type of the schema.
    Enum(ObjectName),
    /// An array.
    Array(Box<Type>),
    /// A type of one dialect, as that dialect writes it (in Postgres as `format_type` does).
    Native(String),
}

impl fmt::Display for Type {
    /// The type as portable SQL; one of a dialect as that dialect writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |f: &mut fmt::Formatter<'_>, name: &str, digits: &Option<u8>| match digits {
            Some(digits) => write!(f, "{name}({digits})"),
            None => f.write_str(name),
        };
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::SmallInt => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::BigInt => f.write_str("bigint"),
            Self::Real => f.write_str("real"),
            Self::Double => f.write_str("double precision"),
            Self::Numeric(None) => f.write_str("numeric"),
            Self::Numeric(Some((precision, scale))) => write!(f, "numeric({precision}, {scale})"),
            Self::Text => f.write_str("text"),
            Self::Varchar(length) => write!(f, "varchar({length})"),
            Self::Bytea => f.write_str("bytea"),
            Self::Json => f.write_str("json"),
            Self::Jsonb => f.write_str("jsonb"),
            Self::Uuid => f.write_str("uuid"),
            Self::Date => f.write_str("date"),
            Self::Time(precision) => digits(f, "time", precision),
            Self::Timestamp(precision) => digits(f, "timestamp", precision),
            Self::Timestamptz(precision) => digits(f, "timestamptz", precision),
            Self::Enum(name) => f.write_str(&name.sql()),
            Self::Array(element) => write!(f, "{element}[]"),
            Self::Native(text) => f.write_str(text),
        }
    }
}
