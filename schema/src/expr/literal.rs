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
        _ if ty.ends_with("[]") => Node::Text(array(&text).unwrap_or(text)),
        _ => Node::Text(text),
    }
}

/// An array with quotes only where its elements need them, and no spaces beside; `None` for what is written otherwise.
fn array(text: &str) -> Option<String> {
    let mut chars = text.trim().chars().peekable();
    let mut out = String::new();
    let (mut depth, mut begins) = (0_usize, true);
    while let Some(c) = chars.next() {
        match c {
            '{' if begins => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            ',' if depth > 0 => {}
            c if c.is_whitespace() => continue,
            c if depth > 0 && begins => {
                let element = match c {
                    '"' => quoted_element(&mut chars)?,
                    first => bare_element(first, &mut chars)?,
                };
                out.push_str(&element);
                begins = false;
                continue;
            }
            _ => return None,
        }
        begins = c != '}';
        out.push(c);
        if depth == 0 {
            return chars.next().is_none().then_some(out);
        }
    }
    None
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted_element(chars: &mut Chars<'_>) -> Option<String> {
    let mut element = String::new();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => element.push(chars.next()?),
            c => element.push(c),
        }
    }
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',') || c.is_whitespace();
    if !element.is_empty() && !element.eq_ignore_ascii_case("null") && !element.contains(special) {
        return Some(element);
    }
    Some(format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// One that has a space in it or a character that is special is left to the server.
fn bare_element(first: char, chars: &mut Chars<'_>) -> Option<String> {
    let mut element = String::from(first);
    while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '}') && !c.is_whitespace()) {
        element.push(c);
    }
    let plain = !element.contains(['"', '\\', '{']);
    let null = element.eq_ignore_ascii_case("null");
    plain.then(|| if null { element.to_uppercase() } else { element })
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
