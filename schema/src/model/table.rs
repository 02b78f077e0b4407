//! Tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, Column, ForeignKey, Index, ObjectName, PrimaryKey, RawConstraint, Unique};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: ObjectName,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<PrimaryKey>,
    /// Its unique constraints; unique indexes are among [`Table::indexes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uniques: Vec<Unique>,
    /// Its foreign keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// Its check constraints, those of columns among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Constraints that are carried as text: exclusion constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raw_constraints: Vec<RawConstraint>,
    /// Its indexes, but for those that a constraint brings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "TableOptions::is_default")]
    pub options: TableOptions,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What is said of a table besides columns and constraints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOptions {
    /// SQLite: `STRICT`.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub strict: bool,
    /// SQLite: `WITHOUT ROWID`.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub without_rowid: bool,
    /// Options that are carried as text, each under a name of the dialect (`unlogged`, `partition by`, `with`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub native: BTreeMap<String, String>,
}

impl TableOptions {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Table {
    /// A table of this name with nothing in it yet.
    pub fn new(name: impl Into<ObjectName>) -> Self {
        Self {
            name: name.into(),
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            raw_constraints: Vec::new(),
            indexes: Vec::new(),
            options: TableOptions::default(),
            comment: None,
        }
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Takes over the constraints and indexes of another table.
    pub(crate) fn extend(&mut self, added: &Self) {
        self.primary_key = self.primary_key.take().or_else(|| added.primary_key.clone());
        self.uniques.extend(added.uniques.iter().cloned());
        self.foreign_keys.extend(added.foreign_keys.iter().cloned());
        self.checks.extend(added.checks.iter().cloned());
        self.raw_constraints.extend(added.raw_constraints.iter().cloned());
        self.indexes.extend(added.indexes.iter().cloned());
    }

    /// Brings constraints and indexes into an order of their own.
    pub(super) fn sort(&mut self) {
        self.uniques.sort();
        self.foreign_keys.sort();
        self.checks.sort();
        self.raw_constraints.sort();
        self.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    }
}
