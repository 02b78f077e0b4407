//! Expressions as trees.

use crate::model::ObjectName;

/// An expression as a tree.
///
/// Values of keywords that mean the same are one: `!=` is `<>`, `==` is `=`, `BETWEEN` is two comparisons, `x::t` is
/// [`Node::Cast`], `AND` and `OR` have any number of operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    /// `NULL`
    Null,
    /// `TRUE` or `FALSE`
    Bool(bool),
    /// A number as it is written, with its sign: `-1.5`.
    Number(String),
    /// The content of a string literal.
    Text(String),
    /// A literal with a prefix, as it is written: `X'00ff'`.
    Literal(String),
    /// A value that is named by a keyword: `CURRENT_DATE`, in capitals; with its digits where they are given.
    Keyword(String),
    /// A column.
    Column {
        /// Names before it: the table, or the schema and the table.
        qualifier: Vec<String>,
        /// Its name.
        name: String,
    },
    /// A prefix operator: `-`, `+`, `~`, `@`.
    Unary(String, Box<Node>),
    /// An infix operator: comparisons, arithmetic, `||`, those of JSON, of arrays, of regular expressions.
    Binary(String, Box<Node>, Box<Node>),
    /// `a AND b AND …`: two or more, none of them an [`Node::And`].
    And(Vec<Node>),
    /// `a OR b OR …`: two or more, none of them an [`Node::Or`].
    Or(Vec<Node>),
    /// `NOT a`
    Not(Box<Node>),
    /// `a IS [NOT] NULL`, `TRUE`, `FALSE`, `UNKNOWN`
    Is {
        /// What is tested.
        expr: Box<Node>,
        /// `NOT`
        negated: bool,
        /// For what.
        what: Truth,
    },
    /// `a IS [NOT] DISTINCT FROM b`; `negated` is `NOT`. SQLite's `a IS b` is the negated one.
    Distinct {
        /// The left side.
        left: Box<Node>,
        /// The right side.
        right: Box<Node>,
        /// `NOT`
        negated: bool,
    },
    /// `a [NOT] IN (b, c)`
    In {
        /// What is looked for.
        expr: Box<Node>,
        /// Where: the values, or one [`Node::Query`].
        list: Vec<Node>,
        /// `NOT`
        negated: bool,
    },
    /// `a [NOT] LIKE b [ESCAPE c]` and its kin.
    Like {
        /// Which of them.
        kind: LikeKind,
        /// What is matched.
        expr: Box<Node>,
        /// With what.
        pattern: Box<Node>,
        /// The character that takes a wildcard its meaning.
        escape: Option<Box<Node>>,
        /// `NOT`
        negated: bool,
    },
    /// `a = ANY (b)`, `a = ALL (b)`
    Quantified {
        /// The operator.
        op: String,
        /// The left side.
        left: Box<Node>,
        /// `ALL`; else `ANY`.
        all: bool,
        /// The array, or a [`Node::Query`].
        right: Box<Node>,
    },
    /// `CASE [a] WHEN b THEN c … [ELSE d] END`
    Case {
        /// What is compared with the conditions.
        operand: Option<Box<Node>>,
        /// Conditions and results.
        branches: Vec<(Node, Node)>,
        /// The result if none holds.
        otherwise: Option<Box<Node>>,
    },
    /// `CAST(a AS type)`
    Cast {
        /// What is cast.
        expr: Box<Node>,
        /// The type, in its portable spelling where it has one: `timestamptz`, `varchar(10)`, `text[]`.
        ty: String,
    },
    /// A function call.
    Call {
        /// The function.
        name: ObjectName,
        /// Its arguments; `*` is one [`Node::Star`].
        args: Vec<Node>,
        /// `DISTINCT`
        distinct: bool,
        /// The condition of `FILTER (WHERE …)`, as text.
        filter: Option<String>,
    },
    /// `*` as the only argument.
    Star,
    /// `EXTRACT(field FROM a)`
    Extract(String, Box<Node>),
    /// `ARRAY[a, b]`
    Array(Vec<Node>),
    /// `ROW(a, b)` or `(a, b)`
    Row(Vec<Node>),
    /// `a[b]`, or `a[b:c]` where the second bound is given.
    Subscript(Box<Node>, Box<Node>, Option<Box<Node>>),
    /// `a COLLATE name`; the name as it is written, with quotes where it has them.
    Collate(Box<Node>, String),
    /// `a AT TIME ZONE b`
    AtTimeZone(Box<Node>, Box<Node>),
    /// A query in parentheses, as text without them.
    Query(String),
    /// `EXISTS (query)`, as text without the parentheses.
    Exists(String),
}

/// What `IS` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// `NULL`
    Null,
    /// `TRUE`
    True,
    /// `FALSE`
    False,
    /// `UNKNOWN`
    Unknown,
}

/// The relatives of `LIKE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LikeKind {
    /// `LIKE`. In SQLite it does not tell capitals from small ASCII letters.
    Like,
    /// `ILIKE` (Postgres).
    ILike,
    /// `SIMILAR TO` (Postgres).
    SimilarTo,
    /// `GLOB` (SQLite).
    Glob,
    /// `REGEXP` (SQLite).
    Regexp,
    /// `MATCH` (SQLite).
    Match,
}

impl Node {
    /// A column without a qualifier.
    pub fn column(name: impl Into<String>) -> Self {
        Self::Column { qualifier: Vec::new(), name: name.into() }
    }

    /// A call of a function in the default schema.
    pub fn call(name: impl Into<String>, args: Vec<Self>) -> Self {
        Self::Call { name: ObjectName::new(name), args, distinct: false, filter: None }
    }

    /// An infix operator and its operands.
    pub fn binary(op: impl Into<String>, left: Self, right: Self) -> Self {
        Self::Binary(op.into(), Box::new(left), Box::new(right))
    }

    /// Whether it is a literal: NULL, a boolean, a number, a text, a literal with a prefix.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Literal(_))
    }

    /// The same with every direct operand put through `f`.
    #[must_use]
    pub fn map_children(self, f: &mut dyn FnMut(Self) -> Self) -> Self {
        match self {
            Self::Unary(op, a) => Self::Unary(op, boxed(a, f)),
            Self::Binary(op, a, b) => Self::Binary(op, boxed(a, f), boxed(b, f)),
            Self::And(list) => Self::And(all(list, f)),
            Self::Or(list) => Self::Or(all(list, f)),
            Self::Not(a) => Self::Not(boxed(a, f)),
            Self::Array(list) => Self::Array(all(list, f)),
            Self::Row(list) => Self::Row(all(list, f)),
            Self::Extract(field, a) => Self::Extract(field, boxed(a, f)),
            Self::Collate(a, name) => Self::Collate(boxed(a, f), name),
            Self::AtTimeZone(a, b) => Self::AtTimeZone(boxed(a, f), boxed(b, f)),
            Self::Subscript(a, b, c) => Self::Subscript(boxed(a, f), boxed(b, f), c.map(|c| boxed(c, f))),
            other => other.map_named_children(f),
        }
    }

    fn map_named_children(self, f: &mut dyn FnMut(Self) -> Self) -> Self {
        match self {
            Self::Is { expr, negated, what } => Self::Is { expr: boxed(expr, f), negated, what },
            Self::Distinct { left, right, negated } => {
                Self::Distinct { left: boxed(left, f), right: boxed(right, f), negated }
            }
            Self::In { expr, list, negated } => Self::In { expr: boxed(expr, f), list: all(list, f), negated },
            Self::Like { kind, expr, pattern, escape, negated } => Self::Like {
                kind,
                expr: boxed(expr, f),
                pattern: boxed(pattern, f),
                escape: escape.map(|escape| boxed(escape, f)),
                negated,
            },
            Self::Quantified { op, left, all, right } => {
                Self::Quantified { op, left: boxed(left, f), all, right: boxed(right, f) }
            }
            Self::Case { operand, branches, otherwise } => Self::Case {
                operand: operand.map(|operand| boxed(operand, f)),
                branches: branches.into_iter().map(|(when, then)| (f(when), f(then))).collect(),
                otherwise: otherwise.map(|otherwise| boxed(otherwise, f)),
            },
            Self::Cast { expr, ty } => Self::Cast { expr: boxed(expr, f), ty },
            Self::Call { name, args, distinct, filter } => Self::Call { name, args: all(args, f), distinct, filter },
            leaf => leaf,
        }
    }

    /// The same with every node put through `f`, operands before what they are operands of.
    #[must_use]
    pub fn map(self, f: &mut dyn FnMut(Self) -> Self) -> Self {
        let node = self.map_children(&mut |child| child.map(f));
        f(node)
    }

    /// Shows every node to `f`, operands first.
    pub fn visit(&self, f: &mut dyn FnMut(&Self)) {
        // A copy is cheap next to a second list of all children that could fall behind the first.
        let _ = self.clone().map(&mut |node| {
            f(&node);
            node
        });
    }
}

#[expect(clippy::boxed_local, reason = "the box is taken apart where it is met")]
fn boxed(node: Box<Node>, f: &mut dyn FnMut(Node) -> Node) -> Box<Node> {
    Box::new(f(*node))
}

fn all(list: Vec<Node>, f: &mut dyn FnMut(Node) -> Node) -> Vec<Node> {
    list.into_iter().map(f).collect()
}
