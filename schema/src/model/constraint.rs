//! Constraints.

use serde::{Deserialize, Serialize};

use super::ObjectName;
use crate::expr::Expr;

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimaryKey {
    /// Its name. `None`: it was given none (SQLite keeps none; in portable SQL each dialect names it by its own rule).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<String>,
}

/// A unique constraint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// Its name, see [`PrimaryKey::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Two NULLs count as equal (Postgres 15 and later).
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub nulls_not_distinct: bool,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_no")]
    pub deferrable: Deferrable,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Its name, see [`PrimaryKey::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The referring columns, in order.
    pub columns: Vec<String>,
    /// The table that is referred to.
    pub parent: ObjectName,
    /// Its columns, in the order of [`ForeignKey::columns`]; never empty: the primary key is written out.
    pub parent_columns: Vec<String>,
    /// What happens to referring rows when the row is deleted.
    #[serde(default, skip_serializing_if = "Action::is_no_action")]
    pub on_delete: Action,
    /// What happens to them when its key changes.
    #[serde(default, skip_serializing_if = "Action::is_no_action")]
    pub on_update: Action,
    /// `MATCH FULL`: either all columns are NULL or none.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub match_full: bool,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_no")]
    pub deferrable: Deferrable,
    /// It stands at its one column rather than behind all columns. No difference in meaning; SQLite can drop such a
    /// column in place. Left out of comparisons by [`ForeignKey::same`].
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub at_column: bool,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name, see [`PrimaryKey::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The condition.
    pub expr: Expr,
    /// The column that it stands at, where it stands at one, see [`ForeignKey::at_column`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_column: Option<String>,
}

/// A constraint that is carried as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConstraint {
    /// Its name.
    pub name: String,
    /// What stands behind `CONSTRAINT name`.
    pub definition: String,
}

/// What happens to referring rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The change fails at the end of the statement, or of the transaction where the key is deferred.
    #[default]
    NoAction,
    /// The change fails at once.
    Restrict,
    /// They are deleted, or get the new key.
    Cascade,
    /// Their columns become NULL.
    SetNull,
    /// Their columns become their defaults.
    SetDefault,
}

/// When a constraint is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deferrable {
    /// After each statement.
    #[default]
    No,
    /// After each statement, unless the transaction says otherwise.
    Immediate,
    /// At the commit, unless the transaction says otherwise.
    Deferred,
}

impl Action {
    /// The words of SQL: `SET NULL`.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }

    fn is_no_action(&self) -> bool {
        *self == Self::NoAction
    }
}

impl Deferrable {
    /// The words of SQL, with a space before them: ` DEFERRABLE INITIALLY DEFERRED`.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Immediate => " DEFERRABLE",
            Self::Deferred => " DEFERRABLE INITIALLY DEFERRED",
        }
    }

    fn is_no(&self) -> bool {
        *self == Self::No
    }
}

impl ForeignKey {
    /// Whether two are the same constraint, wherever they stand. Names count.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let placed = |key: &Self| Self { at_column: false, ..key.clone() };
        placed(self) == placed(other)
    }
}

impl Check {
    /// Whether two are the same constraint, wherever they stand. Names count.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.name == other.name && self.expr == other.expr
    }
}
