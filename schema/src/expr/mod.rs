//! Expressions: defaults, checks, generated columns, keys and predicates of indexes.

mod literal;
mod node;
mod normal;
mod parse;
mod primary;
mod print;
#[cfg(test)]
mod tests;
mod token;
mod typed;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use whimbrel_core::split::Lexer;

pub use node::{LikeKind, Node, Truth};
pub use words::name_sql;

use crate::model::Type;

/// An expression, compared by its meaning as far as that can be told without a database.
///
/// It is held in a canonical form: the same for all the ways in which people and databases write one expression. Keywords
/// are in capitals, names without quotes where both dialects allow that, parentheses stand only where the meaning needs
/// them in one of the dialects, casts that only name what a literal is anyway are gone, `CURRENT_TIMESTAMP` is `now()`
/// where the text was of Postgres. The canonical form is SQL of the dialect that the text came from, and reads back to
/// the same tree whichever dialect reads it.
///
/// A text that is not understood is held as its tokens, joined by single spaces, without comments.
///
/// ```
/// use whimbrel_core::split::Lexer;
/// use whimbrel_schema::Expr;
///
/// let written = Expr::parse("status in ('open', 'closed')", Lexer::Postgres);
/// let printed = Expr::parse("(status = ANY (ARRAY['open'::text, 'closed'::text]))", Lexer::Postgres);
/// assert_eq!(written, printed);
/// assert_eq!(written.as_str(), "status IN ('open', 'closed')");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr(String);

impl Expr {
    /// Reads an expression. It never fails: see [`Expr::is_raw`].
    #[must_use]
    pub fn parse(text: &str, lexer: Lexer) -> Self {
        match parse::parse(lexer, text) {
            Ok(node) => Self::normalised(node, lexer),
            Err(token::Unclear) => match token::without_parentheses(lexer, text) {
                Some(inner) => parse::parse(lexer, inner)
                    .map_or_else(|_| Self(token::joined(lexer, inner)), |node| Self::normalised(node, lexer)),
                None => Self(token::joined(lexer, text)),
            },
        }
    }

    /// The expression of a tree, brought into the canonical form.
    ///
    /// Numbers and keywords count as those of Postgres do; [`Expr::parse`] knows SQLite's.
    #[must_use]
    pub fn from_node(node: Node) -> Self {
        Self(print::print(&fixed(node)))
    }

    /// Rules that join two nodes can make room for another.
    fn normalised(node: Node, lexer: Lexer) -> Self {
        Self(print::print(&fixed(normal::normal(node, lexer))))
    }

    /// The tree; `None` for a text that is not understood.
    #[must_use]
    pub fn node(&self) -> Option<Node> {
        parse::parse(Lexer::Postgres, &self.0).ok()
    }

    /// Whether the text is not understood, and only its tokens are held and compared.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.node().is_none()
    }

    /// The canonical text, which is SQL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The columns that it names, whatever table they are of. Those inside of queries are not among them; of a raw text
    /// they are all its words and quoted names.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<String> {
        let Some(node) = self.node() else {
            return token::names(&self.0);
        };
        let mut columns = BTreeSet::new();
        node.visit(&mut |node| {
            if let Node::Column { name, .. } = node {
                columns.insert(name.clone());
            }
        });
        columns
    }

    /// The same with a column's name changed, in raw text too. The content of literals never changes.
    #[must_use]
    pub fn rename_column(&self, from: &str, to: &str) -> Self {
        let Some(node) = self.node() else {
            return Self(token::renamed(&self.0, from, to));
        };
        let renamed = node.map(&mut |node| match node {
            Node::Column { qualifier, name } if name == from => Node::Column { qualifier, name: to.to_owned() },
            other => other,
        });
        Self(print::print(&renamed))
    }

    /// The same with every node put through `f`, operands first, for translation between dialects. A raw text stays.
    #[must_use]
    pub fn map(&self, f: &mut dyn FnMut(Node) -> Node) -> Self {
        match self.node() {
            Some(node) => Self(print::print(&fixed(node.map(f)))),
            None => self.clone(),
        }
    }

    /// The same without casts that only say what is so anyway, by the rules of Postgres: `(status)::text` where the
    /// column is a varchar, `(0)::numeric` beside a numeric column, `'{}'::jsonb` as the default of a jsonb column.
    /// Literals of times, JSON, numbers and booleans are spelled as Postgres prints them.
    ///
    /// `types` knows the columns' types; `result` is the type of the column whose default or content this is. For a
    /// database that is compared with a schema, both go through this with the same types. The times are those of a session
    /// in UTC.
    #[must_use]
    pub fn with_column_types(&self, types: &dyn Fn(&str) -> Option<Type>, result: Option<&Type>) -> Self {
        match self.node() {
            Some(node) => Self(print::print(&fixed(typed::typed(node, types, result)))),
            None => self.clone(),
        }
    }
}

/// Applies the rules that no dialect brings until nothing changes.
fn fixed(mut node: Node) -> Node {
    // Each round makes the tree smaller or leaves it alone; the bound is for the reader's peace.
    for _ in 0..8 {
        let next = normal::settled(node.clone());
        if next == node {
            break;
        }
        node = next;
    }
    node
}

impl std::fmt::Display for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
