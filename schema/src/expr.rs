//! Expressions: defaults, checks, generated columns, keys and predicates of indexes.

use serde::{Deserialize, Serialize};

/// An expression, compared by its meaning as far as that can be told without a database.
///
/// It is held in a canonical form: the same for all the ways in which people and databases write one expression. A text
/// that is not understood is held as its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr(String);

impl Expr {
    /// Reads an expression. It never fails.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The canonical text, which is SQL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
