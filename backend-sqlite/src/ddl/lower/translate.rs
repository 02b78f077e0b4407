//! Expressions of portable SQL in SQLite's.

use whimbrel_schema::Expr;
use whimbrel_schema::expr::{LikeKind, Node, Truth};

/// What cannot be given the same meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Refused {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// The time now, as text.
pub(super) const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
/// A random UUID of version 4, as text.
pub(super) const UUID: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
     substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || \
     substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";

/// Functions that mean the same in both, or that only SQLite has.
const SAME: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "ln",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "pi",
    "power",
    "printf",
    "quote",
    "radians",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "tan",
    "tanh",
    "time",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "upper",
    "zeroblob",
];

/// What a function of portable SQL is in SQLite; `None`: nothing has its meaning.
pub(super) fn function(name: &str) -> Option<&str> {
    match name {
        "char_length" | "character_length" => Some("length"),
        "strpos" => Some("instr"),
        "pow" => Some("power"),
        "jsonb_array_length" => Some("json_array_length"),
        same => SAME.binary_search(&same).is_ok().then_some(same),
    }
}

/// Why a function is refused.
pub(super) fn refused_function(name: &str) -> Refused {
    let hint = match name {
        "greatest" | "least" => "write it as CASE: SQLite's max() and min() are NULL where one value is",
        "random" => "leave it to the application: SQLite's random() is a whole number",
        "nextval" => "number the rows with an identity column",
        _ => "leave it to the application, or say the expression of SQLite itself: `-- @sqlite default = …`",
    };
    Refused::new(format!("SQLite has nothing like the function {name}()"), hint)
}

/// A translation with all that it refused.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) refused: Vec<Refused>,
}

impl Translation {
    pub(super) fn expr(&mut self, expr: &Expr) -> Expr {
        if expr.is_raw() {
            let message = format!("the expression `{expr}` is not understood, so it cannot be translated");
            self.refuse(message, "write it in plainer SQL, or keep its statement behind `-- @only postgres`");
            return expr.clone();
        }
        expr.map(&mut |node| self.node(node))
    }

    fn refuse(&mut self, message: impl Into<String>, hint: &str) {
        self.refused.push(Refused::new(message, hint));
    }

    fn node(&mut self, node: Node) -> Node {
        match node {
            Node::Call { name, args, distinct, filter } => self.call(name.name.clone(), args, |name, args| {
                Node::Call { name: whimbrel_schema::model::ObjectName::new(name), args, distinct, filter }
            }),
            Node::Is { expr, negated, what: Truth::Unknown } => Node::Is { expr, negated, what: Truth::Null },
            Node::Cast { expr, ty } => self.cast(*expr, ty),
            Node::Keyword(word) => self.keyword(word),
            other => {
                self.look(&other);
                other
            }
        }
    }

    fn call(&mut self, name: String, args: Vec<Node>, make: impl FnOnce(&str, Vec<Node>) -> Node) -> Node {
        match (name.as_str(), args.is_empty()) {
            ("now" | "transaction_timestamp" | "statement_timestamp" | "clock_timestamp", true) => sqlite(NOW),
            ("gen_random_uuid" | "uuid_generate_v4", true) => sqlite(UUID),
            _ => match function(&name) {
                Some(known) => make(known, args),
                None => {
                    self.refused.push(refused_function(&name));
                    make(&name, args)
                }
            },
        }
    }

    fn keyword(&mut self, word: String) -> Node {
        match word.as_str() {
            "CURRENT_TIMESTAMP" => sqlite(NOW),
            "CURRENT_DATE" => Node::Keyword(word),
            _ => {
                self.refuse(format!("SQLite has nothing like {word}"), "leave it to the application");
                Node::Keyword(word)
            }
        }
    }

    /// Types that are text in SQLite need no cast; those that are numbers have one of the same meaning.
    fn cast(&mut self, expr: Node, ty: String) -> Node {
        let base = ty.split('(').next().unwrap_or_default();
        let same = match base {
            "smallint" | "integer" | "bigint" => "integer",
            "real" | "double precision" => "real",
            "numeric" => "numeric",
            "text" | "varchar" => "text",
            "bytea" | "blob" => "blob",
            "json" | "jsonb" | "uuid" => return expr,
            _ => {
                let hint = "write the value itself in a form that both databases take";
                self.refuse(format!("SQLite has no cast to {ty}"), hint);
                &ty
            }
        };
        Node::Cast { expr: Box::new(expr), ty: same.to_owned() }
    }

    fn look(&mut self, node: &Node) {
        let lower = "write `lower(a) LIKE lower(b)`";
        let (what, hint) = match node {
            Node::Like { kind: LikeKind::ILike, .. } => ("ILIKE", lower),
            Node::Like { kind: LikeKind::SimilarTo, .. } => ("SIMILAR TO", "write it with LIKE"),
            Node::Binary(op, ..) if matches!(op.as_str(), "~" | "~*" | "!~" | "!~*") => {
                ("regular expressions", "write it with LIKE, or leave it to the application")
            }
            Node::Binary(op, ..) if op == "^" => ("the operator ^", "write `power(a, b)`"),
            Node::Binary(op, ..) if !is_operator(op) => {
                ("this operator of JSON or arrays", "leave it to the application")
            }
            Node::Quantified { .. } => ("ANY and ALL over arrays", "write `IN (…)`"),
            Node::Array(_) | Node::Subscript(..) => {
                ("arrays", "an array is stored as JSON: leave this to the application")
            }
            Node::Extract(..) => ("EXTRACT", "leave it to the application"),
            Node::AtTimeZone(..) => ("AT TIME ZONE", "store times in UTC"),
            Node::Unary(op, _) if op == "@" => ("the operator @", "write `abs(a)`"),
            _ => return,
        };
        self.refuse(format!("SQLite has nothing like {what}"), hint);
    }
}

fn is_operator(op: &str) -> bool {
    let same = ["=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>", "->", "->>"];
    same.contains(&op)
}

/// The tree of an expression of SQLite.
fn sqlite(text: &str) -> Node {
    let expr = Expr::parse(text, whimbrel_core::split::Lexer::Sqlite);
    expr.node().unwrap_or(Node::Null)
}
