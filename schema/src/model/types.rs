//! Types of columns.

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
