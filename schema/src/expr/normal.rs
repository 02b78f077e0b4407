//! The canonical form: one tree for all spellings of one meaning, without knowledge of the columns' types.

use whimbrel_core::split::Lexer;

use super::node::{LikeKind, Node};
use crate::model::ObjectName;

/// The canonical form of a tree that was read from text of this dialect.
pub(super) fn normal(node: Node, lexer: Lexer) -> Node {
    node.map(&mut |node| rule(node, lexer))
}

/// The rules that hold for canonical text whatever dialect it came from.
pub(super) fn settled(node: Node) -> Node {
    node.map(&mut common)
}

fn rule(node: Node, lexer: Lexer) -> Node {
    match node {
        Node::Number(text) => number(&text, lexer),
        Node::Keyword(word) if word == "CURRENT_TIMESTAMP" && lexer == Lexer::Postgres => Node::call("now", Vec::new()),
        other => common(other),
    }
}

fn common(node: Node) -> Node {
    match node {
        Node::Unary(op, operand) => sign(op, *operand),
        Node::Cast { expr, ty } => cast(*expr, ty),
        Node::Call { name, args, distinct, filter } => call(name, args, distinct, filter),
        Node::Binary(op, left, right) => binary(op, *left, *right),
        Node::Quantified { op, left, all, right } => quantified(op, *left, all, *right),
        Node::In { expr, list, negated } => in_list(*expr, list, negated),
        Node::Not(operand) => not(*operand),
        Node::Or(list) => or(list),
        Node::And(list) => and(list),
        Node::Case { operand, branches, otherwise } => {
            let is_null = |node: &Node| match node {
                Node::Null => true,
                Node::Cast { expr, .. } => **expr == Node::Null,
                _ => false,
            };
            Node::Case { operand, branches, otherwise: otherwise.filter(|node| !is_null(node)) }
        }
        other => other,
    }
}

/// Numbers without an exponent and with a digit before the point. Those of Postgres with an exponent are numeric, those
/// of SQLite real.
fn number(text: &str, lexer: Lexer) -> Node {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    if let Some(fraction) = digits.strip_prefix('.') {
        return number(&format!("{sign}0.{fraction}"), lexer);
    }
    let Some((mantissa, exponent)) = digits.split_once('e').filter(|_| !digits.starts_with("0x")) else {
        return Node::Number(text.to_owned());
    };
    let Some(plain) = exponent.parse().ok().filter(|e: &i32| e.abs() < 40).and_then(|e| shifted(mantissa, e)) else {
        return Node::Number(text.to_owned());
    };
    let is_whole = !plain.contains('.');
    match lexer {
        Lexer::Sqlite if is_whole => Node::Number(format!("{sign}{plain}.0")),
        Lexer::Postgres if is_whole => cast(Node::Number(format!("{sign}{plain}")), "numeric".to_owned()),
        _ => Node::Number(format!("{sign}{plain}")),
    }
}

/// The digits with their point moved to the right.
fn shifted(mantissa: &str, by: i32) -> Option<String> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut point = i32::try_from(whole.len()).ok()? + by;
    while point < 1 {
        digits.insert(0, '0');
        point += 1;
    }
    let point = usize::try_from(point).ok()?;
    while digits.len() < point {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

fn sign(op: String, operand: Node) -> Node {
    match (op.as_str(), operand) {
        ("-", Node::Number(digits)) if !digits.starts_with('-') => Node::Number(format!("-{digits}")),
        ("+", operand) => operand,
        (_, operand) => Node::Unary(op, Box::new(operand)),
    }
}

/// The type that Postgres gives to a number.
pub(super) fn number_type(text: &str) -> &'static str {
    let is_whole = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if !is_whole {
        "numeric"
    } else if text.parse::<i32>().is_ok() {
        "integer"
    } else if text.parse::<i64>().is_ok() {
        "bigint"
    } else {
        "numeric"
    }
}

pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() < 2
}

fn is_whole_type(ty: &str) -> bool {
    matches!(ty, "smallint" | "integer" | "bigint")
}

fn cast(expr: Node, ty: String) -> Node {
    match (&expr, ty.as_str()) {
        // What an untyped literal is anyway.
        (Node::Text(_), "text" | "varchar") => expr,
        (Node::Text(text), "boolean") => match text.to_ascii_lowercase().as_str() {
            "t" | "true" => Node::Bool(true),
            "f" | "false" => Node::Bool(false),
            _ => Node::Cast { expr: Box::new(expr), ty },
        },
        (Node::Bool(_), "boolean") => expr,
        (Node::Text(text), "smallint" | "integer" | "bigint" | "numeric") if is_number(text) => {
            if is_whole_type(&ty) && text.contains('.') {
                return Node::Cast { expr: Box::new(expr), ty };
            }
            cast(Node::Number(text.clone()), ty)
        }
        (Node::Number(text), ty) if number_type(text) == ty => expr,
        (Node::Array(list), "text[]" | "varchar[]")
            if !list.is_empty() && list.iter().all(|item| matches!(item, Node::Text(_))) =>
        {
            expr
        }
        _ => Node::Cast { expr: Box::new(expr), ty },
    }
}

fn call(name: ObjectName, mut args: Vec<Node>, distinct: bool, filter: Option<String>) -> Node {
    let known = |name: ObjectName| name.schema.is_none().then_some(name.name);
    let configured = ["to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery"];
    let strip = match known(name.clone()).as_deref() {
        Some("nextval" | "currval" | "setval") => Some("regclass"),
        Some(function) if configured.contains(&function) => Some("regconfig"),
        _ => None,
    };
    if let (Some(stripped), Some(Node::Cast { expr, ty })) = (strip, args.first())
        && ty == stripped
        && matches!(**expr, Node::Text(_))
    {
        let literal = (**expr).clone();
        args.splice(..1, [literal]);
    }
    let name = if name == ObjectName::new("btrim") { ObjectName::new("trim") } else { name };
    Node::Call { name, args, distinct, filter }
}

fn is_comparison(op: &str) -> bool {
    matches!(op, "=" | "<>" | "<" | ">" | "<=" | ">=")
}

/// A cast of a number to a type that holds it exactly does not change what a comparison with it says.
pub(super) fn compared(node: Node) -> Node {
    match node {
        Node::Cast { expr, ty } => match *expr {
            Node::Number(text) if ty == "numeric" || (is_whole_type(&ty) && !text.contains('.')) => Node::Number(text),
            Node::Cast { expr: inner, ty: inner_ty } if is_whole_type(&ty) || ty == "numeric" => {
                let inner = compared(Node::Cast { expr: inner, ty: inner_ty });
                if matches!(inner, Node::Number(_)) { inner } else { Node::Cast { expr: Box::new(inner), ty } }
            }
            other => Node::Cast { expr: Box::new(other), ty },
        },
        other => other,
    }
}

fn binary(op: String, left: Node, right: Node) -> Node {
    if let Some((kind, negated)) = like_operator(&op) {
        return like(kind, negated, left, right);
    }
    if let ("~" | "!~", Node::Call { name, args, .. }) = (op.as_str(), &right)
        && let ("similar_to_escape" | "similar_escape", [pattern, rest @ ..]) = (name.name.as_str(), args.as_slice())
    {
        let escape = rest.first().filter(|escape| **escape != Node::Null).cloned().map(Box::new);
        let (expr, pattern, negated) = (Box::new(left), Box::new(pattern.clone()), op == "!~");
        return Node::Like { kind: LikeKind::SimilarTo, expr, pattern, escape, negated };
    }
    if !is_comparison(&op) {
        return Node::binary(op, left, right);
    }
    let (left, right) = (compared(left), compared(right));
    match (op.as_str(), left, right) {
        ("=" | "<>", Node::Row(a), Node::Row(b)) if a.len() == b.len() && a.len() > 1 => rows(&op, a, b),
        (_, left, right) => Node::binary(op, left, right),
    }
}

fn rows(op: &str, left: Vec<Node>, right: Vec<Node>) -> Node {
    let pairs = left.into_iter().zip(right).map(|(a, b)| binary(op.to_owned(), a, b)).collect();
    if op == "=" { and(pairs) } else { or(pairs) }
}

fn like_operator(op: &str) -> Option<(LikeKind, bool)> {
    match op {
        "~~" => Some((LikeKind::Like, false)),
        "!~~" => Some((LikeKind::Like, true)),
        "~~*" => Some((LikeKind::ILike, false)),
        "!~~*" => Some((LikeKind::ILike, true)),
        _ => None,
    }
}

fn like(kind: LikeKind, negated: bool, left: Node, right: Node) -> Node {
    let (pattern, escape) = match right {
        Node::Call { name, args, distinct, filter } if name.name == "like_escape" => {
            match <[Node; 2]>::try_from(args) {
                Ok([pattern, escape]) => (pattern, Some(Box::new(escape))),
                Err(args) => (Node::Call { name, args, distinct, filter }, None),
            }
        }
        pattern => (pattern, None),
    };
    Node::Like { kind, expr: Box::new(left), pattern: Box::new(pattern), escape, negated }
}

/// `= ANY (ARRAY[…])` is `IN (…)`.
fn quantified(op: String, left: Node, all: bool, right: Node) -> Node {
    let negated = match (op.as_str(), all) {
        ("=", false) => false,
        ("<>", true) => true,
        _ => return Node::Quantified { op, left: Box::new(left), all, right: Box::new(right) },
    };
    match right {
        Node::Array(list) if !list.is_empty() => in_list(left, list, negated),
        query @ Node::Query(_) => Node::In { expr: Box::new(left), list: vec![query], negated },
        right => Node::Quantified { op, left: Box::new(left), all, right: Box::new(right) },
    }
}

/// One value is a comparison; rows are taken apart; literals come first, as Postgres has it.
fn in_list(expr: Node, list: Vec<Node>, negated: bool) -> Node {
    let op = if negated { "<>" } else { "=" };
    let is_row = |node: &Node| matches!(node, Node::Row(_));
    if is_row(&expr) && list.iter().all(is_row) {
        let pairs = list.into_iter().map(|item| binary(op.to_owned(), expr.clone(), item)).collect();
        return if negated { and(pairs) } else { or(pairs) };
    }
    let mut list: Vec<Node> = list.into_iter().map(compared).collect();
    if list.len() == 1 && !matches!(list.first(), Some(Node::Query(_))) {
        return list.pop().map_or(Node::Null, |item| binary(op.to_owned(), expr, item));
    }
    list.sort_by_key(|item| !item.is_literal());
    Node::In { expr: Box::new(expr), list, negated }
}

fn not(operand: Node) -> Node {
    match operand {
        Node::Distinct { left, right, negated } => Node::Distinct { left, right, negated: !negated },
        Node::In { expr, list, negated } => Node::In { expr, list, negated: !negated },
        Node::Like { kind, expr, pattern, escape, negated } => {
            Node::Like { kind, expr, pattern, escape, negated: !negated }
        }
        other => Node::Not(Box::new(other)),
    }
}

fn or(list: Vec<Node>) -> Node {
    let flat = list.into_iter().flat_map(|node| match node {
        Node::Or(list) => list,
        other => vec![other],
    });
    let mut merged = merge(flat, false);
    if merged.len() > 1 { Node::Or(merged) } else { merged.pop().unwrap_or(Node::Bool(false)) }
}

fn and(list: Vec<Node>) -> Node {
    let flat = list.into_iter().flat_map(|node| match node {
        Node::And(list) => list,
        other => vec![other],
    });
    let mut merged = merge(flat, true);
    if merged.len() > 1 { Node::And(merged) } else { merged.pop().unwrap_or(Node::Bool(true)) }
}

/// Joins neighbours that look for the same in `IN` and `=` (or in `NOT IN` and `<>`).
fn merge(list: impl Iterator<Item = Node>, negated: bool) -> Vec<Node> {
    let mut merged: Vec<Node> = Vec::new();
    for node in list {
        let joined = merged.last().and_then(|last| joined(last, &node, negated));
        match joined {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(node),
        }
    }
    merged
}

fn joined(a: &Node, b: &Node, negated: bool) -> Option<Node> {
    let ((left, mut list), (other, more)) = (membership(a, negated)?, membership(b, negated)?);
    if left != other || left.is_literal() {
        return None;
    }
    list.extend(more);
    list.sort_by_key(|item| !item.is_literal());
    Some(Node::In { expr: Box::new(left), list, negated })
}

fn membership(node: &Node, negated: bool) -> Option<(Node, Vec<Node>)> {
    match node {
        Node::Binary(op, left, right) if op == if negated { "<>" } else { "=" } => {
            Some(((**left).clone(), vec![(**right).clone()]))
        }
        Node::In { expr, list, negated: is } if *is == negated && !matches!(list.as_slice(), [Node::Query(_)]) => {
            Some(((**expr).clone(), list.clone()))
        }
        _ => None,
    }
}
