//! Casts that only say what is so anyway, once the columns' types are known.

use super::literal;
use super::node::Node;
use super::normal::number_type;
use super::words::{name_sql, type_name};
use crate::model::Type;

type Types<'a> = &'a dyn Fn(&str) -> Option<Type>;

pub(super) fn typed(node: Node, types: Types<'_>, result: Option<&Type>) -> Node {
    let node = node.map(&mut |node| rule(node, types));
    match result {
        Some(result) => against(node, &base_of(result), types),
        None => node,
    }
}

fn rule(node: Node, types: Types<'_>) -> Node {
    match node {
        Node::Cast { expr, ty } => no_op(*expr, ty, types),
        Node::Binary(op, left, right) => binary(op, *left, *right, types),
        Node::Distinct { left, right, negated } => {
            let (left, right) = pair(*left, *right, types);
            Node::Distinct { left: Box::new(left), right: Box::new(right), negated }
        }
        Node::In { expr, list, negated } => {
            let list = match infer(&expr, types) {
                Some(ty) => list.into_iter().map(|item| against(item, &ty, types)).collect(),
                None => list,
            };
            let item_type = list.iter().find_map(|item| infer(item, types));
            let expr = item_type.map_or(*expr.clone(), |ty| against(*expr, &ty, types));
            Node::In { expr: Box::new(expr), list, negated }
        }
        Node::Call { name, args, distinct, filter } => {
            let alike = ["coalesce", "greatest", "least", "nullif"].contains(&name.name.as_str());
            let args = if alike { unified(args, types) } else { args };
            Node::Call { name, args, distinct, filter }
        }
        Node::Case { operand, branches, otherwise } => case(operand, branches, otherwise, types),
        other => other,
    }
}

/// The cast of a text-like column to text, and of anything to the type that it has.
fn no_op(expr: Node, ty: String, types: Types<'_>) -> Node {
    let is = infer(&expr, types);
    let same = is.as_deref().is_some_and(|is| is == ty || (is == "varchar" && ty == "text"));
    if same { expr } else { Node::Cast { expr: Box::new(expr), ty } }
}

fn binary(op: String, left: Node, right: Node, types: Types<'_>) -> Node {
    if matches!(op.as_str(), "#>" | "#>>" | "#-") {
        return Node::binary(op, left, against(right, "text[]", types));
    }
    let (left, right) = match (op.as_str(), left, right) {
        ("^", Node::Cast { expr: a, ty: x }, Node::Cast { expr: b, ty: y })
            if x == "double precision" && x == y && is_whole(&a, types) && is_whole(&b, types) =>
        {
            (*a, *b)
        }
        (_, left, right) => pair(left, right, types),
    };
    Node::binary(op, left, right)
}

fn is_whole(node: &Node, types: Types<'_>) -> bool {
    infer(node, types).is_some_and(|ty| rank(&ty).is_some_and(|rank| rank < 4))
}

/// Each side in the light of the other's type.
fn pair(left: Node, right: Node, types: Types<'_>) -> (Node, Node) {
    let right = match infer(&left, types) {
        Some(ty) => against(right, &ty, types),
        None => right,
    };
    let left = match infer(&right, types) {
        Some(ty) => against(left, &ty, types),
        None => left,
    };
    (left, right)
}

/// Operands that all get one type.
fn unified(args: Vec<Node>, types: Types<'_>) -> Vec<Node> {
    let plain = args.iter().filter(|arg| !matches!(arg, Node::Cast { .. }) && !arg.is_literal());
    match plain.into_iter().find_map(|arg| infer(arg, types)) {
        Some(ty) => args.into_iter().map(|arg| against(arg, &ty, types)).collect(),
        None => args,
    }
}

fn case(
    operand: Option<Box<Node>>,
    branches: Vec<(Node, Node)>,
    otherwise: Option<Box<Node>>,
    types: Types<'_>,
) -> Node {
    let (mut whens, thens): (Vec<_>, Vec<_>) = branches.into_iter().unzip();
    if let Some(ty) = operand.as_deref().and_then(|operand| infer(operand, types)) {
        whens = whens.into_iter().map(|when| against(when, &ty, types)).collect();
    }
    let count = thens.len();
    let mut results = unified(thens.into_iter().chain(otherwise.map(|node| *node)).collect(), types);
    let otherwise = if results.len() > count { results.pop().map(Box::new) } else { None };
    Node::Case { operand, branches: whens.into_iter().zip(results).collect(), otherwise }
}

/// A node where the context gives it the type `ty`: what Postgres does by itself need not be said.
fn against(node: Node, ty: &str, types: Types<'_>) -> Node {
    match node {
        Node::Text(text) => literal::of_type(text, ty),
        Node::Array(items) => match ty.strip_suffix("[]") {
            Some(item) => Node::Array(items.into_iter().map(|node| against(node, item, types)).collect()),
            None => Node::Array(items),
        },
        Node::Cast { expr, ty: cast } => match *expr {
            Node::Text(text) if base(&cast) == ty => literal::of_type(text, ty),
            Node::Array(items) if base(&cast) == ty && !items.is_empty() => against(Node::Array(items), ty, types),
            inner if is_beside(&cast, ty) && is_promoted(&inner, &cast, types) => inner,
            inner => Node::Cast { expr: Box::new(inner), ty: cast },
        },
        other => other,
    }
}

/// Whether Postgres turns what stands beside a `ty` into a `cast`: there is no operator between a real and another number.
fn is_beside(cast: &str, ty: &str) -> bool {
    cast == ty || (ty == "real" && cast == "double precision")
}

/// Whether Postgres turns `node` into a `ty` beside another `ty` without being told.
fn is_promoted(node: &Node, ty: &str, types: Types<'_>) -> bool {
    let from = infer(node, types).and_then(|from| rank(&from));
    matches!(ty, "numeric" | "double precision" | "bigint" | "integer")
        && from.zip(rank(ty)).is_some_and(|(a, b)| a < b)
}

fn rank(ty: &str) -> Option<u8> {
    const NUMBERS: [&str; 6] = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
    NUMBERS.iter().position(|number| *number == ty).and_then(|at| u8::try_from(at + 1).ok())
}

/// A type's name without parameters.
fn base(ty: &str) -> String {
    let (inner, brackets) =
        ty.split_once('[').map_or((ty, ""), |(inner, _)| (inner, ty.get(inner.len()..).unwrap_or("")));
    let name = match inner.split_once('(') {
        Some((name, rest)) => format!("{}{}", name, rest.split_once(')').map_or("", |(_, rest)| rest)),
        None => inner.to_owned(),
    };
    format!("{}{brackets}", type_name(name.trim()))
}

fn base_of(ty: &Type) -> String {
    match ty {
        Type::Enum(name) if name.schema.is_none() => name_sql(&name.name),
        Type::Enum(name) => name.to_string(),
        Type::Array(item) => format!("{}[]", base_of(item)),
        Type::Native(text) => native_base(text),
        portable => base(&portable.to_string()),
    }
}

/// `character(3)` is `bpchar` in casts.
fn native_base(text: &str) -> String {
    let base = base(text);
    if base == "char" { "bpchar".to_owned() } else { base }
}

/// The type of a node, without parameters, where it can be told.
fn infer(node: &Node, types: Types<'_>) -> Option<String> {
    let is = |ty: &str| Some(ty.to_owned());
    match node {
        Node::Column { name, .. } => types(name).map(|ty| base_of(&ty)),
        Node::Number(text) => is(number_type(text)),
        Node::Bool(_) | Node::And(_) | Node::Or(_) | Node::Not(_) | Node::Is { .. } => is("boolean"),
        Node::Distinct { .. } | Node::In { .. } | Node::Like { .. } | Node::Quantified { .. } => is("boolean"),
        Node::Cast { ty, .. } => Some(base(ty)),
        Node::Unary(_, operand) | Node::Collate(operand, _) => infer(operand, types),
        Node::Binary(op, left, right) => infer_binary(op, left, right, types),
        Node::Call { name, args, .. } if name.schema.is_none() => infer_call(&name.name, args, types),
        Node::Extract(..) => is("numeric"),
        Node::Case { branches, otherwise, .. } => {
            let results = branches.iter().map(|(_, then)| then).chain(otherwise.as_deref());
            results.into_iter().find_map(|result| infer(result, types))
        }
        Node::Array(items) => items.iter().find_map(|item| infer(item, types)).map(|item| format!("{item}[]")),
        Node::Subscript(base, _, None) => Some(infer(base, types)?.strip_suffix("[]")?.to_owned()),
        Node::Subscript(base, _, Some(_)) => infer(base, types),
        Node::AtTimeZone(operand, _) => match infer(operand, types)?.as_str() {
            "timestamptz" => is("timestamp"),
            "timestamp" => is("timestamptz"),
            _ => None,
        },
        Node::Keyword(word) => infer_keyword(word),
        _ => None,
    }
}

fn infer_keyword(word: &str) -> Option<String> {
    let ty = match word.split('(').next()? {
        "CURRENT_DATE" => "date",
        "CURRENT_TIMESTAMP" => "timestamptz",
        "LOCALTIMESTAMP" => "timestamp",
        "LOCALTIME" => "time",
        _ => return None,
    };
    Some(ty.to_owned())
}

fn infer_binary(op: &str, left: &Node, right: &Node, types: Types<'_>) -> Option<String> {
    let is = |ty: &str| Some(ty.to_owned());
    match op {
        "=" | "<>" | "<" | ">" | "<=" | ">=" | "~" | "!~" | "~*" | "!~*" | "@>" | "<@" | "?" | "&&" | "@@" => {
            is("boolean")
        }
        "->>" | "#>>" => is("text"),
        "->" | "#>" => infer(left, types),
        "||" => match infer(left, types).or_else(|| infer(right, types))?.as_str() {
            "varchar" => is("text"),
            other => is(other),
        },
        "+" | "-" | "*" | "/" | "%" => promoted(infer(left, types), infer(right, types)),
        "^" => is("double precision"),
        "&" | "|" | "#" | "<<" | ">>" => infer(left, types),
        _ => None,
    }
}

fn promoted(left: Option<String>, right: Option<String>) -> Option<String> {
    let (Some(left), Some(right)) = (left.clone(), right.clone()) else {
        return left.or(right).filter(|ty| rank(ty).is_some());
    };
    let (a, b) = (rank(&left)?, rank(&right)?);
    match (a.max(b), a == b) {
        (5, false) => Some("double precision".to_owned()),
        _ => Some(if a > b { left } else { right }),
    }
}

fn infer_call(name: &str, args: &[Node], types: Types<'_>) -> Option<String> {
    let is = |ty: &str| Some(ty.to_owned());
    match name {
        "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "replace" | "concat" | "concat_ws" | "md5" | "left"
        | "right" | "split_part" | "to_char" | "regexp_replace" | "repeat" | "lpad" | "rpad" | "initcap"
        | "reverse" | "format" | "jsonb_typeof" | "json_typeof" | "translate" => is("text"),
        "substr" | "substring" | "overlay" => match infer(args.first()?, types)?.as_str() {
            "varchar" => is("text"),
            other => is(other),
        },
        "length" | "char_length" | "character_length" | "octet_length" | "bit_length" | "position" | "strpos"
        | "jsonb_array_length" | "json_array_length" | "cardinality" | "array_length" | "num_nulls"
        | "num_nonnulls" | "ascii" => is("integer"),
        "abs" | "coalesce" | "greatest" | "least" | "nullif" => args.iter().find_map(|arg| infer(arg, types)),
        "mod" => promoted(infer(args.first()?, types), infer(args.get(1)?, types)),
        "round" | "trunc" if args.len() == 2 => is("numeric"),
        "round" | "trunc" | "ceil" | "ceiling" | "floor" => match infer(args.first()?, types)?.as_str() {
            "numeric" => is("numeric"),
            _ => is("double precision"),
        },
        "now" | "transaction_timestamp" | "statement_timestamp" | "clock_timestamp" | "to_timestamp" => {
            is("timestamptz")
        }
        "date_trunc" => infer(args.get(1)?, types),
        "date_part" | "random" | "power" | "sqrt" => is("double precision"),
        "string_to_array" => is("text[]"),
        "gen_random_uuid" => is("uuid"),
        _ => None,
    }
}
