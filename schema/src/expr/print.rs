//! From tree to text: as few parentheses as both dialects allow.
//!
//! The dialects differ in how tightly `||`, `->`, `&`, `~` and `IS` bind. The text has parentheses wherever one of them
//! needs them, so that both read it alike.

use super::node::{LikeKind, Node, Truth};
use super::words::{function_sql, name_sql};
use crate::model::ObjectName;

/// Levels of nodes, loosest first.
mod level {
    pub(super) const ANY: u8 = 0;
    pub(super) const OR: u8 = 0;
    pub(super) const AND: u8 = 1;
    pub(super) const NOT: u8 = 2;
    pub(super) const PREDICATE: u8 = 3;
    pub(super) const OTHER: u8 = 4;
    pub(super) const SUM: u8 = 5;
    pub(super) const PRODUCT: u8 = 6;
    pub(super) const SIGN: u8 = 7;
    pub(super) const POSTFIX: u8 = 8;
    pub(super) const PRIMARY: u8 = 9;
}

/// The text of a tree.
pub(super) fn print(node: &Node) -> String {
    let mut text = String::new();
    Printer { out: &mut text }.node(node, level::ANY);
    text
}

fn is_comparison(op: &str) -> bool {
    matches!(op, "=" | "<>" | "<" | ">" | "<=" | ">=")
}

fn op_level(op: &str) -> u8 {
    match op {
        "+" | "-" => level::SUM,
        "*" | "/" | "%" => level::PRODUCT,
        op if is_comparison(op) => level::PREDICATE,
        _ => level::OTHER,
    }
}

fn level_of(node: &Node) -> u8 {
    match node {
        Node::Or(_) => level::OR,
        Node::And(_) => level::AND,
        Node::Not(_) => level::NOT,
        Node::Is { .. } | Node::Distinct { .. } | Node::In { .. } | Node::Like { .. } => level::PREDICATE,
        Node::Binary(op, ..) | Node::Quantified { op, .. } => op_level(op),
        // Postgres reads `~ a + b` as `~ (a + b)`.
        Node::Unary(op, _) if op == "-" || op == "+" => level::SIGN,
        Node::Unary(..) => level::OTHER,
        Node::Number(number) if number.starts_with('-') => level::SIGN,
        Node::Collate(..) | Node::AtTimeZone(..) => level::POSTFIX,
        _ => level::PRIMARY,
    }
}

/// Operators of the middle level that both dialects read from left to right among themselves.
fn family(op: &str) -> u8 {
    match op {
        "||" | "->" | "->>" => 1,
        "&" | "|" | "<<" | ">>" => 2,
        "^" => 3,
        _ => 4,
    }
}

struct Printer<'a> {
    out: &'a mut String,
}

impl Printer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes a node, in parentheses where it binds more loosely than `least`.
    fn node(&mut self, node: &Node, least: u8) {
        if level_of(node) >= least {
            return self.bare(node);
        }
        self.put("(");
        self.bare(node);
        self.put(")");
    }

    fn list(&mut self, nodes: &[Node], between: &str, least: u8) {
        for (at, node) in nodes.iter().enumerate() {
            if at > 0 {
                self.put(between);
            }
            self.node(node, least);
        }
    }

    fn bare(&mut self, node: &Node) {
        match node {
            Node::Null => self.put("NULL"),
            Node::Bool(value) => self.put(if *value { "TRUE" } else { "FALSE" }),
            Node::Number(text) | Node::Literal(text) | Node::Keyword(text) => self.put(text),
            Node::Text(text) => self.put(&format!("'{}'", text.replace('\'', "''"))),
            Node::Column { qualifier, name } => self.column(qualifier, name),
            Node::Star => self.put("*"),
            Node::Query(query) => self.put(&format!("({query})")),
            Node::Exists(query) => self.put(&format!("EXISTS ({query})")),
            Node::Or(list) => self.list(list, " OR ", level::AND),
            Node::And(list) => self.list(list, " AND ", level::NOT),
            Node::Not(operand) => {
                self.put("NOT ");
                self.node(operand, level::PREDICATE);
            }
            Node::Unary(op, operand) => {
                self.put(op);
                self.node(operand, level::PRIMARY);
            }
            Node::Binary(op, left, right) => self.binary(op, left, right),
            other => self.compound(other),
        }
    }

    fn column(&mut self, qualifier: &[String], name: &str) {
        for part in qualifier {
            self.put(&name_sql(part));
            self.put(".");
        }
        self.put(&name_sql(name));
    }

    fn binary(&mut self, op: &str, left: &Node, right: &Node) {
        let level = op_level(op);
        let (on_left, on_right) = match level {
            level::PREDICATE => (level::OTHER, level::OTHER),
            level::OTHER => (level::SIGN, level::SIGN),
            level => (level, level + 1),
        };
        let same_family = matches!(left, Node::Binary(inner, ..) if level == level::OTHER
            && op_level(inner) == level && family(inner) == family(op));
        self.node(left, if same_family { level } else { on_left });
        self.put(&format!(" {op} "));
        self.node(right, on_right);
    }

    fn compound(&mut self, node: &Node) {
        match node {
            Node::Is { expr, negated, what } => {
                self.node(expr, level::OTHER);
                self.put(if *negated { " IS NOT " } else { " IS " });
                self.put(truth(*what));
            }
            Node::Distinct { left, right, negated } => {
                self.node(left, level::OTHER);
                self.put(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.node(right, level::OTHER);
            }
            Node::In { expr, list, negated } => {
                self.node(expr, level::OTHER);
                self.put(if *negated { " NOT IN " } else { " IN " });
                self.in_parentheses(list);
            }
            Node::Like { kind, expr, pattern, escape, negated } => {
                self.node(expr, level::OTHER);
                self.put(if *negated { " NOT " } else { " " });
                self.put(like(*kind));
                self.node(pattern, level::OTHER);
                if let Some(escape) = escape {
                    self.put(" ESCAPE ");
                    self.node(escape, level::OTHER);
                }
            }
            Node::Quantified { op, left, all, right } => {
                self.node(left, if op_level(op) == level::PREDICATE { level::OTHER } else { level::SIGN });
                self.put(&format!(" {op} {} ", if *all { "ALL" } else { "ANY" }));
                self.in_parentheses(std::slice::from_ref(right));
            }
            other => self.enclosed(other),
        }
    }

    /// A list in parentheses, which a query alone brings itself.
    fn in_parentheses(&mut self, list: &[Node]) {
        if let [query @ Node::Query(_)] = list {
            return self.bare(query);
        }
        self.put("(");
        self.list(list, ", ", level::ANY);
        self.put(")");
    }

    fn enclosed(&mut self, node: &Node) {
        match node {
            Node::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref())
            }
            Node::Cast { expr, ty } => {
                self.put("CAST(");
                self.node(expr, level::ANY);
                self.put(&format!(" AS {ty})"));
            }
            Node::Call { name, args, distinct, filter } => self.call(name, args, *distinct, filter.as_deref()),
            Node::Extract(field, from) => {
                self.put(&format!("EXTRACT({field} FROM "));
                self.node(from, level::ANY);
                self.put(")");
            }
            Node::Array(list) => {
                self.put("ARRAY[");
                self.list(list, ", ", level::ANY);
                self.put("]");
            }
            Node::Row(list) => {
                if list.len() < 2 {
                    self.put("ROW");
                }
                self.in_parentheses_always(list);
            }
            Node::Subscript(base, from, to) => self.subscript(base, from, to.as_deref()),
            Node::Collate(operand, name) => {
                self.node(operand, level::PRIMARY);
                self.put(&format!(" COLLATE {name}"));
            }
            Node::AtTimeZone(operand, zone) => {
                self.node(operand, level::PRIMARY);
                self.put(" AT TIME ZONE ");
                self.node(zone, level::PRIMARY);
            }
            _ => {}
        }
    }

    fn in_parentheses_always(&mut self, list: &[Node]) {
        self.put("(");
        self.list(list, ", ", level::ANY);
        self.put(")");
    }

    fn case(&mut self, operand: Option<&Node>, branches: &[(Node, Node)], otherwise: Option<&Node>) {
        self.put("CASE");
        if let Some(operand) = operand {
            self.put(" ");
            self.node(operand, level::ANY);
        }
        for (when, then) in branches {
            self.put(" WHEN ");
            self.node(when, level::ANY);
            self.put(" THEN ");
            self.node(then, level::ANY);
        }
        if let Some(otherwise) = otherwise {
            self.put(" ELSE ");
            self.node(otherwise, level::ANY);
        }
        self.put(" END");
    }

    fn call(&mut self, name: &ObjectName, args: &[Node], distinct: bool, filter: Option<&str>) {
        if let Some(schema) = &name.schema {
            self.put(&format!("{}.", name_sql(schema)));
        }
        self.put(&function_sql(&name.name));
        self.put("(");
        if distinct {
            self.put("DISTINCT ");
        }
        let words: &[&str] = match (name.schema.is_none(), name.name.as_str(), args.len()) {
            (true, "position", 2) => &[" IN "],
            (true, "overlay", 3 | 4) => &[" PLACING ", " FROM ", " FOR "],
            _ => &[],
        };
        let least = if words.is_empty() { level::ANY } else { level::OTHER };
        for (at, arg) in args.iter().enumerate() {
            if at > 0 {
                self.put(words.get(at - 1).copied().unwrap_or(", "));
            }
            self.node(arg, least);
        }
        self.put(")");
        if let Some(filter) = filter {
            self.put(&format!(" FILTER (WHERE {filter})"));
        }
    }

    fn subscript(&mut self, base: &Node, from: &Node, to: Option<&Node>) {
        let direct = matches!(base, Node::Column { .. } | Node::Subscript(..));
        self.node(base, if direct { level::ANY } else { level::PRIMARY + 1 });
        self.put("[");
        self.node(from, level::ANY);
        if let Some(to) = to {
            self.put(":");
            self.node(to, level::ANY);
        }
        self.put("]");
    }
}

fn truth(what: Truth) -> &'static str {
    match what {
        Truth::Null => "NULL",
        Truth::True => "TRUE",
        Truth::False => "FALSE",
        Truth::Unknown => "UNKNOWN",
    }
}

fn like(kind: LikeKind) -> &'static str {
    match kind {
        LikeKind::Like => "LIKE ",
        LikeKind::ILike => "ILIKE ",
        LikeKind::SimilarTo => "SIMILAR TO ",
        LikeKind::Glob => "GLOB ",
        LikeKind::Regexp => "REGEXP ",
        LikeKind::Match => "MATCH ",
    }
}
