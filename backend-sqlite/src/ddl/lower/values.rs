//! Defaults: values in the form in which SQLite stores their type.

use whimbrel_core::split::Lexer;
use whimbrel_schema::expr::Node;
use whimbrel_schema::{Expr, Type};

use super::options::{Options, Timestamps, is_time};
use super::translate::{Refused, Translation};

/// The default of a column of this type.
pub(super) fn default(default: &Expr, ty: &Type, options: &Options<'_>) -> Result<Option<Expr>, Refused> {
    let Some(node) = default.node() else {
        return translated(default).map(Some);
    };
    if node == Node::Null {
        return Ok(None);
    }
    let is_time = is_time(ty);
    match (node, ty) {
        (Node::Bool(value), Type::Boolean) => Ok(Some(number(if value { "1" } else { "0" }))),
        (Node::Cast { expr, .. }, Type::Array(_)) => array(&expr).map(Some),
        (node, Type::Array(_)) => array(&node).map(Some),
        (Node::Text(text), Type::Bytea) => bytes(&text).map(Some),
        (Node::Text(text), Type::Numeric(_)) if options.numerics_as_text() => Ok(Some(text_value(&text))),
        (Node::Number(text), Type::Numeric(_)) if options.numerics_as_text() => Ok(Some(text_value(&text))),
        (node, _) if is_time && options.timestamps().is_integer() => since_1970(&node, options.timestamps()).map(Some),
        (Node::Keyword(word), Type::Date) if word == "CURRENT_DATE" => Ok(Some(Expr::from_node(Node::Keyword(word)))),
        _ => translated(default).map(Some),
    }
}

fn translated(default: &Expr) -> Result<Expr, Refused> {
    let mut translation = Translation::default();
    let expr = translation.expr(default);
    translation.refused.into_iter().next().map_or(Ok(expr), Err)
}

fn number(text: &str) -> Expr {
    Expr::from_node(Node::Number(text.to_owned()))
}

fn text_value(text: &str) -> Expr {
    Expr::from_node(Node::Text(text.to_owned()))
}

/// The time now as a number; a time that is written out would have to be converted.
fn since_1970(node: &Node, timestamps: Timestamps) -> Result<Expr, Refused> {
    let is_now = match node {
        Node::Call { name, args, .. } => name.name == "now" && args.is_empty(),
        Node::Keyword(word) => word == "CURRENT_TIMESTAMP",
        Node::Number(text) => return Ok(number(text)),
        _ => false,
    };
    if !is_now {
        let hint = "say the number itself: `-- @sqlite default = …`";
        return Err(Refused::new("this default has no form as a number since 1970", hint));
    }
    let text = match timestamps {
        Timestamps::Seconds => "CAST(strftime('%s', 'now') AS integer)",
        _ => "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)",
    };
    Ok(Expr::parse(text, Lexer::Sqlite))
}

/// `'\xc0ffee'` is `X'C0FFEE'`.
fn bytes(text: &str) -> Result<Expr, Refused> {
    let refused =
        || Refused::new("this default of a bytea column is not understood", "write it as '\\x' and hex digits");
    let hex = match text.strip_prefix("\\x") {
        Some(hex) => hex,
        None if text.is_empty() => "",
        None => return Err(refused()),
    };
    if hex.len() % 2 == 1 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(refused());
    }
    Ok(Expr::parse(&format!("X'{}'", hex.to_ascii_uppercase()), Lexer::Sqlite))
}

/// An array of literals as JSON.
fn array(node: &Node) -> Result<Expr, Refused> {
    let refused = || {
        let hint = "write it as ARRAY[…] of numbers, texts and booleans, or as '{}'";
        Refused::new("this default of an array has no form as JSON", hint)
    };
    let items = match node {
        Node::Text(text) if text.trim() == "{}" => Vec::new(),
        Node::Array(items) => items.clone(),
        _ => return Err(refused()),
    };
    let items: Option<Vec<String>> = items.iter().map(json).collect();
    Ok(text_value(&format!("[{}]", items.ok_or_else(refused)?.join(","))))
}

fn json(node: &Node) -> Option<String> {
    match node {
        Node::Number(text) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => Some(text.clone()),
        Node::Bool(value) => Some(value.to_string()),
        Node::Null => Some("null".to_owned()),
        Node::Text(text) => Some(quoted(text)),
        Node::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(json).collect();
            Some(format!("[{}]", items?.join(",")))
        }
        _ => None,
    }
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}
