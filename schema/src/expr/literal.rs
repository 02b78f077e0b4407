//! Literals as Postgres prints them, for the type that they are of.

use serde_json::Value;

use super::node::Node;
use super::normal::is_number;

/// What a string literal is when its context makes it a value of type `ty`.
pub(super) fn of_type(text: String, ty: &str) -> Node {
    match ty {
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "yes" | "on" | "1" => Node::Bool(true),
            "f" | "false" | "no" | "off" | "0" => Node::Bool(false),
            _ => Node::Text(text),
        },
        "smallint" | "integer" | "bigint" if is_number(&text) && !text.contains('.') => Node::Number(text),
        "numeric" if is_number(&text) => Node::Number(text),
        "uuid" => Node::Text(text.to_ascii_lowercase()),
        "time" => Node::Text(clock(&text).unwrap_or(text)),
        "timestamp" => Node::Text(moment(&text).unwrap_or(text)),
        "timestamptz" => Node::Text(instant(&text).unwrap_or(text)),
        "jsonb" => Node::Text(jsonb(&text).unwrap_or(text)),
        _ => Node::Text(text),
    }
}

fn is_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(is, wants)| if wants == b'0' { is.is_ascii_digit() } else { is == wants })
}

/// `12:00` is `12:00:00`.
fn clock(text: &str) -> Option<String> {
    if is_shape(text, "00:00") {
        return Some(format!("{text}:00"));
    }
    let (seconds, fraction) = text.split_at_checked(8)?;
    let digits = fraction.strip_prefix('.').unwrap_or("");
    let fits =
        fraction.is_empty() || (!digits.is_empty() && digits.len() < 7 && digits.bytes().all(|b| b.is_ascii_digit()));
    if !is_shape(seconds, "00:00:00") || !fits {
        return None;
    }
    let digits = digits.trim_end_matches('0');
    Some(if digits.is_empty() { seconds.to_owned() } else { format!("{seconds}.{digits}") })
}

/// `2020-01-01` is `2020-01-01 00:00:00`.
fn moment(text: &str) -> Option<String> {
    let (day, rest) = text.split_at_checked(10)?;
    if !is_shape(day, "0000-00-00") {
        return None;
    }
    let Some(time) = rest.strip_prefix(['T', ' ']) else {
        return rest.is_empty().then(|| format!("{day} 00:00:00"));
    };
    Some(format!("{day} {}", clock(time)?))
}

/// `2020-01-01` is `2020-01-01 00:00:00+00`; other zones than UTC stay as they are.
fn instant(text: &str) -> Option<String> {
    let zones = ["+00:00", "+00", "Z", "z"];
    let bare = zones.into_iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    Some(format!("{}+00", moment(bare)?))
}

/// JSON with the spaces and the order of keys that jsonb has; `None` for what it may hold in another way.
fn jsonb(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut out = String::new();
    write_jsonb(&value, &mut out)?;
    Some(out)
}

fn write_jsonb(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => return None,
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_jsonb(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then(a.cmp(b)));
            out.push('{');
            for (at, (key, item)) in fields.into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(&serde_json::to_string(key).ok()?);
                out.push_str(": ");
                write_jsonb(item, out)?;
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    Some(())
}
