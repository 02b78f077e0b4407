//! Expressions as SQLite takes them.

use whimbrel_core::split::Lexer;
use whimbrel_schema::Expr;
use whimbrel_schema::expr::Node;

/// What follows `DEFAULT`: a value as it is, anything else in parentheses.
pub(super) fn default_sql(default: &Expr) -> String {
    match default.node() {
        Some(node) if node.is_literal() => default.as_str().to_owned(),
        Some(Node::Keyword(word)) if word.starts_with("CURRENT_") => word,
        _ => format!("({})", default.as_str()),
    }
}

/// Whether `ADD COLUMN` takes it as a default: the same value, not NULL, for every row.
pub(super) fn is_constant(default: &Expr) -> bool {
    default.node().is_some_and(|node| node.is_literal() && node != Node::Null)
}

/// The expression with a column renamed.
pub(super) fn rename(text: &str, from: &str, to: &str) -> String {
    Expr::parse(text, Lexer::Sqlite).rename_column(from, to).as_str().to_owned()
}
