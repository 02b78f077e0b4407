//! Queries of views, word by word: what both dialects read alike stays as it is written.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};

use super::translate::{NOW, Refused, UUID, function, refused_function};

/// Words before `(` that are no functions.
const NO_FUNCTIONS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "having",
    "in",
    "intersect",
    "is",
    "join",
    "like",
    "limit",
    "materialized",
    "not",
    "offset",
    "on",
    "or",
    "over",
    "partition",
    "select",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// The query as SQLite takes it.
pub(super) fn translate(query: &str) -> Result<String, Vec<Refused>> {
    let unreadable = |_| vec![Refused::new("the query is not understood", "write it in plainer SQL")];
    let tokens = tokens(Lexer::Postgres, query).map_err(unreadable)?;
    let refused: Vec<Refused> = (0..tokens.len()).filter_map(|at| refused_at(&tokens, at)).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    Ok(replaced(query, &tokens))
}

fn is_word(token: Option<&Lexeme<'_>>, words: &[&str]) -> bool {
    token.is_some_and(|token| {
        token.kind == LexemeKind::Word && words.iter().any(|word| token.text.eq_ignore_ascii_case(word))
    })
}

fn is_mark(token: Option<&Lexeme<'_>>, mark: &str) -> bool {
    token.is_some_and(|token| token.kind == LexemeKind::Mark && token.text == mark)
}

fn refused_at(tokens: &[Lexeme<'_>], at: usize) -> Option<Refused> {
    let token = tokens.get(at)?;
    let next = tokens.get(at + 1);
    if token.kind == LexemeKind::Mark {
        return match token.text {
            "::" => Some(Refused::new("SQLite does not read `a::type`", "write `CAST(a AS type)`")),
            "~" | "~*" | "!~" | "!~*" | "@>" | "<@" | "&&" | "?|" | "?&" | "#>" | "#>>" => {
                Some(Refused::new(format!("SQLite has nothing like the operator {}", token.text), "leave it out"))
            }
            _ => None,
        };
    }
    if is_word(Some(token), &["ilike"]) {
        return Some(Refused::new("SQLite has nothing like ILIKE", "write `lower(a) LIKE lower(b)`"));
    }
    if is_word(Some(token), &["lateral"]) || (is_word(Some(token), &["distinct"]) && is_word(next, &["on"])) {
        let message = format!("SQLite has nothing like {}", token.text.to_uppercase());
        return Some(Refused::new(message, "write the query without it, or keep the view behind `-- @only postgres`"));
    }
    let name = token.text.to_ascii_lowercase();
    let is_call = token.kind == LexemeKind::Word && is_mark(next, "(") && !NO_FUNCTIONS.contains(&name.as_str());
    let known = function(&name).is_some() || value_of(&name).is_some() || names_a_query(tokens, at);
    (is_call && !known).then(|| refused_function(&name))
}

/// `WITH name (a, b) AS (…)`, and names of tables before a list of columns.
fn names_a_query(tokens: &[Lexeme<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    is_word(before, &["with", "recursive", "as"]) || (is_mark(before, ",") && is_word(tokens.first(), &["with"]))
}

fn value_of(name: &str) -> Option<&'static str> {
    match name {
        "now" => Some(NOW),
        "gen_random_uuid" => Some(UUID),
        _ => None,
    }
}

/// The text with what is called otherwise in SQLite replaced, from its first token to its last.
fn replaced(query: &str, tokens: &[Lexeme<'_>]) -> String {
    let mut out = String::new();
    let mut from = tokens.first().map_or(0, |first| first.start);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let name = token.text.to_ascii_lowercase();
        let calls = token.kind == LexemeKind::Word && is_mark(tokens.get(at + 1), "(");
        let (text, taken) = match (value_of(&name), function(&name)) {
            (Some(value), _) if calls && is_mark(tokens.get(at + 2), ")") => (value, 3),
            (_, Some(known)) if calls && known != name => (known, 1),
            _ => (token.text, 1),
        };
        out.push_str(query.get(from..token.start).unwrap_or_default());
        out.push_str(text);
        from = tokens.get(at + taken - 1).map_or(query.len(), |last| last.start + last.text.len());
        at += taken;
    }
    out
}
