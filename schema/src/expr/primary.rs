//! What operators stand between: literals, names, calls, everything with an end of its own.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer};

use super::node::Node;
use super::parse::{Parsed, Parser};
use super::token::{Unclear, text_of, unquoted};
use super::words::{is_keyword, name_sql, type_name};
use crate::model::ObjectName;

/// Values that a keyword names, without parentheses.
const VALUES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// Types that can stand before a string literal.
const LITERAL_TYPES: &[&str] = &["date", "interval", "json", "jsonb", "time", "timestamp", "timestamptz", "uuid"];

pub(super) fn read(parser: &mut Parser<'_>) -> Parsed {
    let token = parser.reader.peek().ok_or(Unclear)?;
    match token.kind {
        LexemeKind::Number => {
            parser.reader.skip(1);
            Ok(Node::Number(token.text.to_ascii_lowercase()))
        }
        LexemeKind::Text => literal(parser),
        LexemeKind::Mark if token.text == "(" => parenthesised(parser),
        LexemeKind::Mark if token.text == "*" => Err(Unclear),
        LexemeKind::Word => word(parser, token),
        LexemeKind::Quoted => name(parser),
        _ => Err(Unclear),
    }
}

fn literal(parser: &mut Parser<'_>) -> Parsed {
    let lexer = parser.reader.lexer;
    let token = parser.reader.next().ok_or(Unclear)?;
    let Some(mut text) = text_of(lexer, token.text) else {
        let prefixed = token.text.starts_with(['x', 'X', 'b', 'B']);
        let literal = token.text.get(..1).ok_or(Unclear)?.to_ascii_uppercase() + token.text.get(1..).ok_or(Unclear)?;
        return prefixed.then_some(Node::Literal(literal)).ok_or(Unclear);
    };
    while let Some(Lexeme { kind: LexemeKind::Continued, text: more, .. }) = parser.reader.peek() {
        // The escapes of the first part hold for the others, which `text_of` cannot know.
        if token.text.starts_with(['e', 'E']) {
            return Err(Unclear);
        }
        text.push_str(&text_of(lexer, more).ok_or(Unclear)?);
        parser.reader.skip(1);
    }
    Ok(Node::Text(text))
}

/// A query, a row, or an expression in parentheses.
fn parenthesised(parser: &mut Parser<'_>) -> Parsed {
    parser.reader.expect_mark("(")?;
    let mut list = query_or_list(parser)?;
    if parser.reader.is_mark_at(0, ".") {
        return Err(Unclear);
    }
    match (list.len(), list.pop()) {
        (1, Some(one)) => Ok(one),
        (_, Some(last)) => {
            list.push(last);
            Ok(Node::Row(list))
        }
        _ => Err(Unclear),
    }
}

/// One query, or expressions; up to the parenthesis that closes, and over it.
pub(super) fn query_or_list(parser: &mut Parser<'_>) -> Result<Vec<Node>, Unclear> {
    if starts_query(parser) {
        return Ok(vec![Node::Query(parser.reader.rest_of_parentheses()?)]);
    }
    list(parser, ")")
}

/// One query, or what `read` reads; up to the parenthesis that closes, and over it.
pub(super) fn query_or(parser: &mut Parser<'_>, read: impl FnOnce(&mut Parser<'_>) -> Parsed) -> Parsed {
    if starts_query(parser) {
        return Ok(Node::Query(parser.reader.rest_of_parentheses()?));
    }
    let node = read(parser)?;
    parser.reader.expect_mark(")")?;
    Ok(node)
}

fn starts_query(parser: &Parser<'_>) -> bool {
    ["select", "with", "values"].iter().any(|word| parser.reader.is_word_at(0, word))
}

/// Expressions between commas, up to `close` and over it.
fn list(parser: &mut Parser<'_>, close: &str) -> Result<Vec<Node>, Unclear> {
    let mut list = Vec::new();
    if parser.reader.eat_mark(close) {
        return Ok(list);
    }
    loop {
        list.push(parser.expression(0)?);
        if parser.reader.eat_mark(close) {
            return Ok(list);
        }
        parser.reader.expect_mark(",")?;
    }
}

fn word(parser: &mut Parser<'_>, token: Lexeme<'_>) -> Parsed {
    let lower = token.text.to_ascii_lowercase();
    let opens = parser.reader.is_mark_at(1, "(");
    let simple = match lower.as_str() {
        "null" => Some(Node::Null),
        "true" => Some(Node::Bool(true)),
        "false" => Some(Node::Bool(false)),
        _ => None,
    };
    if let Some(node) = simple {
        parser.reader.skip(1);
        return Ok(node);
    }
    match lower.as_str() {
        "case" => case(parser),
        "cast" if opens => cast(parser),
        "exists" if opens => {
            parser.reader.skip(2);
            Ok(Node::Exists(parser.reader.rest_of_parentheses()?))
        }
        "row" if opens => {
            parser.reader.skip(2);
            Ok(Node::Row(list(parser, ")")?))
        }
        "array" if parser.reader.is_mark_at(1, "[") => {
            parser.reader.skip(2);
            array(parser)
        }
        "extract" | "trim" | "substring" | "position" | "overlay" if opens => {
            parser.reader.skip(2);
            special(parser, &lower)
        }
        _ if VALUES.contains(&lower.as_str()) => value(parser, &lower),
        _ if is_keyword(&lower) => Err(Unclear),
        _ => typed_literal(parser, &lower).unwrap_or_else(|| name(parser)),
    }
}

fn value(parser: &mut Parser<'_>, word: &str) -> Parsed {
    parser.reader.skip(1);
    let keyword = word.to_ascii_uppercase();
    if !parser.reader.eat_mark("(") {
        return Ok(Node::Keyword(keyword));
    }
    let digits = parser.reader.next().filter(|token| token.kind == LexemeKind::Number).ok_or(Unclear)?.text;
    parser.reader.expect_mark(")")?;
    Ok(Node::Keyword(format!("{keyword}({digits})")))
}

/// `DATE '2020-01-01'`
fn typed_literal(parser: &mut Parser<'_>, word: &str) -> Option<Parsed> {
    if !LITERAL_TYPES.contains(&word) || parser.reader.lexer == Lexer::Sqlite {
        return None;
    }
    let mut ahead = 1;
    let mut ty = word.to_owned();
    for rest in ["with time zone", "without time zone"] {
        if rest.split(' ').enumerate().all(|(at, word)| parser.reader.is_word_at(1 + at, word)) {
            ahead = 4;
            ty = format!("{word} {rest}");
        }
    }
    if parser.reader.peek_at(ahead)?.kind != LexemeKind::Text {
        return None;
    }
    parser.reader.skip(ahead);
    let cast = |text| Node::Cast { expr: Box::new(text), ty: type_name(&ty).to_owned() };
    let value = literal(parser).map(cast);
    // INTERVAL '1' DAY
    Some(value.and_then(|node| match parser.reader.peek() {
        Some(Lexeme { kind: LexemeKind::Word, text, .. }) if word == "interval" && !is_keyword(text) => Err(Unclear),
        _ => Ok(node),
    }))
}

fn case(parser: &mut Parser<'_>) -> Parsed {
    parser.reader.skip(1);
    let operand = if parser.reader.is_word_at(0, "when") { None } else { Some(Box::new(parser.expression(0)?)) };
    let mut branches = Vec::new();
    while parser.reader.eat_word("when") {
        let when = parser.expression(0)?;
        parser.reader.expect_word("then")?;
        branches.push((when, parser.expression(0)?));
    }
    let otherwise = if parser.reader.eat_word("else") { Some(Box::new(parser.expression(0)?)) } else { None };
    parser.reader.expect_word("end")?;
    if branches.is_empty() { Err(Unclear) } else { Ok(Node::Case { operand, branches, otherwise }) }
}

fn cast(parser: &mut Parser<'_>) -> Parsed {
    parser.reader.skip(2);
    let expr = Box::new(parser.expression(0)?);
    parser.reader.expect_word("as")?;
    let ty = type_text(parser)?;
    parser.reader.expect_mark(")")?;
    Ok(Node::Cast { expr, ty })
}

/// The inside of `ARRAY[…]`; inner arrays need not repeat the word.
fn array(parser: &mut Parser<'_>) -> Parsed {
    let mut list = Vec::new();
    if parser.reader.eat_mark("]") {
        return Ok(Node::Array(list));
    }
    loop {
        list.push(parser.expression(0)?);
        if parser.reader.eat_mark("]") {
            return Ok(Node::Array(list));
        }
        parser.reader.expect_mark(",")?;
    }
}

/// Calls whose arguments stand between words.
fn special(parser: &mut Parser<'_>, name: &str) -> Parsed {
    match name {
        "extract" => {
            let field = parser.reader.next().ok_or(Unclear)?;
            parser.reader.expect_word("from")?;
            let field = match field.kind {
                LexemeKind::Word => field.text.to_ascii_lowercase(),
                LexemeKind::Text => text_of(parser.reader.lexer, field.text).ok_or(Unclear)?.to_ascii_lowercase(),
                _ => return Err(Unclear),
            };
            let plain = field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !field.is_empty();
            let node = query_or(parser, |parser| parser.expression(0))?;
            plain.then_some(Node::Extract(field, Box::new(node))).ok_or(Unclear)
        }
        "trim" => trim(parser),
        "position" => {
            // Above IN, which separates the two.
            let needle = parser.expression(65)?;
            parser.reader.expect_word("in")?;
            let node = Node::call("position", vec![needle, parser.expression(65)?]);
            parser.reader.expect_mark(")")?;
            Ok(node)
        }
        _ => between_words(parser, name),
    }
}

fn trim(parser: &mut Parser<'_>) -> Parsed {
    let sides = [("both", "trim"), ("leading", "ltrim"), ("trailing", "rtrim")];
    let name = sides.into_iter().find(|(word, _)| parser.reader.eat_word(word)).map_or("trim", |(_, name)| name);
    let mut args = Vec::new();
    if !parser.reader.eat_word("from") {
        args.push(parser.expression(0)?);
        if !parser.reader.eat_word("from") {
            return finish_call(parser, name, args);
        }
    }
    args.insert(0, parser.expression(0)?);
    finish_call(parser, name, args)
}

/// `substring(a FROM b FOR c)`, `overlay(a PLACING b FROM c FOR d)`, or the same with commas.
fn between_words(parser: &mut Parser<'_>, name: &str) -> Parsed {
    let mut args = vec![parser.expression(0)?];
    let words: &[&str] = if name == "overlay" { &["placing", "from", "for"] } else { &["from", "for"] };
    let mut words = words.iter();
    while words.any(|word| parser.reader.eat_word(word)) {
        args.push(parser.expression(0)?);
    }
    finish_call(parser, name, args)
}

fn finish_call(parser: &mut Parser<'_>, name: &str, mut args: Vec<Node>) -> Parsed {
    while parser.reader.eat_mark(",") {
        args.push(parser.expression(0)?);
    }
    parser.reader.expect_mark(")")?;
    Ok(Node::call(name, args))
}

/// A column or a function call.
fn name(parser: &mut Parser<'_>) -> Parsed {
    let mut parts = vec![part(parser)?];
    while parser.reader.eat_mark(".") {
        parts.push(part(parser)?);
    }
    let (last, quoted) = parts.pop().ok_or(Unclear)?;
    let qualifier: Vec<String> = parts.into_iter().map(|(name, _)| name).collect();
    if !parser.reader.eat_mark("(") {
        return Ok(Node::Column { qualifier, name: last });
    }
    let last = if quoted { last } else { last.to_ascii_lowercase() };
    let name = match <[String; 1]>::try_from(qualifier) {
        Ok([schema]) if schema != "pg_catalog" => ObjectName::in_schema(schema, last),
        Ok(_) => ObjectName::new(last),
        Err(none) if none.is_empty() => ObjectName::new(last),
        Err(_) => return Err(Unclear),
    };
    call(parser, name)
}

/// One part of a name, and whether it was quoted. Unquoted ones fold to lower case in Postgres.
fn part(parser: &mut Parser<'_>) -> Result<(String, bool), Unclear> {
    let token = parser.reader.next().ok_or(Unclear)?;
    match token.kind {
        LexemeKind::Word if parser.reader.lexer == Lexer::Postgres => Ok((token.text.to_ascii_lowercase(), false)),
        LexemeKind::Word => Ok((token.text.to_owned(), false)),
        // U&"…" is none of these.
        LexemeKind::Quoted => Ok((unquoted(token.text).filter(|name| !name.is_empty()).ok_or(Unclear)?, true)),
        _ => Err(Unclear),
    }
}

fn call(parser: &mut Parser<'_>, name: ObjectName) -> Parsed {
    let distinct = parser.reader.eat_word("distinct");
    let args = if parser.reader.is_mark_at(0, "*") && parser.reader.is_mark_at(1, ")") {
        parser.reader.skip(2);
        vec![Node::Star]
    } else {
        list(parser, ")")?
    };
    let mut filter = None;
    if parser.reader.eat_word("filter") {
        parser.reader.expect_mark("(")?;
        parser.reader.expect_word("where")?;
        filter = Some(parser.reader.rest_of_parentheses()?);
    }
    if parser.reader.is_word_at(0, "over") {
        return Err(Unclear);
    }
    Ok(Node::Call { name, args, distinct, filter })
}

/// The name of a collation as SQL.
pub(super) fn collation(parser: &mut Parser<'_>) -> Result<String, Unclear> {
    let mut names = vec![name_sql(&part(parser)?.0)];
    while parser.reader.eat_mark(".") {
        names.push(name_sql(&part(parser)?.0));
    }
    if names.first().is_some_and(|first| first == "pg_catalog") && names.len() == 2 {
        names.remove(0);
    }
    Ok(names.join("."))
}

/// A type: words or a quoted name, parameters, brackets.
pub(super) fn type_text(parser: &mut Parser<'_>) -> Result<String, Unclear> {
    let mut ty = type_words(parser)?;
    if parser.reader.eat_mark("(") {
        let parameters = parser.reader.rest_of_parentheses()?.replace(" ,", ",");
        ty = format!("{ty}({parameters})");
        if let Some(zone) = time_zone(parser, &ty) {
            ty = zone;
        }
    }
    while parser.reader.is_mark_at(0, "[") {
        parser.reader.skip(1);
        if parser.reader.peek().is_some_and(|token| token.kind == LexemeKind::Number) {
            parser.reader.skip(1);
        }
        parser.reader.expect_mark("]")?;
        ty.push_str("[]");
    }
    Ok(ty)
}

/// `timestamp(3) with time zone`
fn time_zone(parser: &mut Parser<'_>, ty: &str) -> Option<String> {
    let (name, parameters) = ty.split_once('(')?;
    if parser.reader.eat_words(&["with", "time", "zone"]) {
        return Some(format!("{name}tz({parameters}"));
    }
    parser.reader.eat_words(&["without", "time", "zone"]);
    None
}

fn type_words(parser: &mut Parser<'_>) -> Result<String, Unclear> {
    let first = parser.reader.peek().ok_or(Unclear)?;
    let is_word = first.kind == LexemeKind::Word;
    let (name, quoted) = part(parser)?;
    if parser.reader.is_mark_at(0, ".") {
        parser.reader.skip(1);
        let (second, _) = part(parser)?;
        if name == "pg_catalog" {
            return Ok(type_name(&second).to_owned());
        }
        return Ok(ObjectName::in_schema(name, second).to_string());
    }
    if quoted || !is_word {
        return Ok(name_sql(&name));
    }
    let mut words = name.to_ascii_lowercase();
    const FOLLOWERS: [&str; 6] = ["precision", "varying", "with", "without", "time", "zone"];
    while let Some(follower) = FOLLOWERS.iter().find(|word| parser.reader.is_word_at(0, word)) {
        parser.reader.skip(1);
        words = format!("{words} {follower}");
    }
    // SQLite takes any row of words.
    while parser.reader.lexer == Lexer::Sqlite {
        let Some(Lexeme { kind: LexemeKind::Word, text, .. }) = parser.reader.peek() else {
            break;
        };
        parser.reader.skip(1);
        words = format!("{words} {}", text.to_ascii_lowercase());
    }
    let known = type_name(&words);
    let plain = known.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b' ');
    Ok(if plain { known.to_owned() } else { name_sql(&words) })
}
