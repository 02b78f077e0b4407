//! Indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::expr::Expr;

/// An index that no constraint brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its name, in the schema of its table.
    pub name: String,
    /// Whether it refuses equal keys.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub unique: bool,
    /// The access method, where it is not a B-tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What it is on, in order.
    pub keys: Vec<IndexKey>,
    /// Columns that it carries beside the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Which rows it holds, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<Expr>,
    /// Two NULLs count as equal (Postgres 15 and later).
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub nulls_not_distinct: bool,
    /// Storage parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

/// A part of an index's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexKey {
    /// The column or the expression.
    pub on: IndexTarget,
    /// Greatest first.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub descending: bool,
    /// Where NULLs stand, if that is not the dialect's own rule for the direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<NullsOrder>,
    /// The collation, where it is not the column's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// The operator class with its parameters, where it is not the type's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opclass: Option<String>,
}

/// What a part of a key is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexTarget {
    /// A column.
    Column(String),
    /// An expression.
    Expr(Expr),
}

/// Where NULLs stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullsOrder {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

impl Index {
    /// Whether it is on these columns, in any order, and on nothing else.
    #[must_use]
    pub fn is_on(&self, columns: &[String]) -> bool {
        let named = |key: &IndexKey| matches!(&key.on, IndexTarget::Column(name) if columns.contains(name));
        self.predicate.is_none() && self.keys.len() == columns.len() && self.keys.iter().all(named)
    }
}

impl IndexKey {
    /// A column, in the usual direction.
    pub fn column(name: impl Into<String>) -> Self {
        Self { on: IndexTarget::Column(name.into()), descending: false, nulls: None, collation: None, opclass: None }
    }
}
