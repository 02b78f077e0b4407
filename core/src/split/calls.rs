//! Calls of functions in SQL text.

use super::lexeme::{Lexeme, LexemeKind, tokens};
use super::{Lexer, Position};

/// A function that a text calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name, in lower case.
    pub name: String,
    /// Where it is called first.
    pub at: Position,
}

/// Behind these words stands an expression.
const BEFORE_EXPRESSION: [&str; 22] = [
    "all",
    "and",
    "between",
    "by",
    "case",
    "distinct",
    "else",
    "glob",
    "having",
    "is",
    "like",
    "limit",
    "match",
    "not",
    "offset",
    "or",
    "regexp",
    "return",
    "returning",
    "select",
    "then",
    "when",
];

/// These stand before a parenthesis, and are no functions.
const NO_FUNCTIONS: &[&str] = &[
    "all",
    "and",
    "as",
    "between",
    "by",
    "case",
    "check",
    "conflict",
    "default",
    "distinct",
    "else",
    "exists",
    "filter",
    "foreign",
    "in",
    "key",
    "materialized",
    "not",
    "or",
    "over",
    "partition",
    "primary",
    "select",
    "unique",
    "values",
];

/// The functions that a text calls, each once, in the order of the text. What is in doubt is left out: a table with its
/// columns, a type with its length, and what no lexer can tell from them. Only unquoted names are looked at.
///
/// Nothing for a text that is no SQL.
#[must_use]
pub fn calls(lexer: Lexer, text: &str) -> Vec<Call> {
    let Ok(lexemes) = tokens(lexer, text) else { return Vec::new() };
    let mut found: Vec<Call> = Vec::new();
    let mut first = "";
    for (at, lexeme) in lexemes.iter().enumerate() {
        let before = at.checked_sub(1).map_or(";", |before| lexemes[before].text);
        if before == ";" {
            first = lexeme.text;
        }
        let is_call = lexemes.get(at + 1).is_some_and(|next| next.text == "(") && names_function(lexeme);
        // A pragma's argument, and what a virtual table is made of, are no calls.
        let is_sql = !first.eq_ignore_ascii_case("pragma") && !is_virtual(&lexemes[..at]);
        if is_call && is_sql && is_expression(before) && !is_table_expression(&lexemes[at + 1..]) {
            let name = lexeme.text.to_ascii_lowercase();
            if !found.iter().any(|call| call.name == name) {
                found.push(Call { name, at: Position::of(text, lexeme.start) });
            }
        }
    }
    found
}

fn names_function(lexeme: &Lexeme<'_>) -> bool {
    let is_word = |word: &&str| lexeme.text.eq_ignore_ascii_case(word);
    lexeme.kind == LexemeKind::Word && !NO_FUNCTIONS.iter().chain(&BEFORE_EXPRESSION).any(is_word)
}

/// Whether an expression may begin behind this token.
fn is_expression(before: &str) -> bool {
    let operator = before.chars().all(|c| "(,=<>+-*/|%&~!".contains(c)) && !before.is_empty();
    operator || BEFORE_EXPRESSION.iter().any(|word| before.eq_ignore_ascii_case(word))
}

/// `name (columns) AS (`: a table of a `WITH`.
fn is_table_expression(rest: &[Lexeme<'_>]) -> bool {
    let mut depth = 0_usize;
    let close = rest.iter().position(|lexeme| {
        match lexeme.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let Some(behind) = close.and_then(|close| rest.get(close + 1..)) else { return false };
    let is = |at: usize, words: &[&str]| {
        behind.get(at).is_some_and(|lexeme| words.iter().any(|word| lexeme.text.eq_ignore_ascii_case(word)))
    };
    is(0, &["as"]) && is(1, &["(", "not", "materialized"])
}

/// Inside of a `CREATE VIRTUAL TABLE`.
fn is_virtual(before: &[Lexeme<'_>]) -> bool {
    let start = before.iter().rposition(|lexeme| lexeme.text == ";").map_or(0, |at| at + 1);
    before.get(start + 1).is_some_and(|lexeme| lexeme.text.eq_ignore_ascii_case("virtual"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        calls(Lexer::Sqlite, sql).into_iter().map(|call| call.name).collect()
    }

    #[test]
    fn calls_are_told_from_what_looks_like_them() {
        let none: [&str; 0] = [];
        for sql in [
            "create table t (a varchar(20), b decimal(10, 2) check (a in (1)), primary key (a), unique (b))",
            "create index i on t (a)",
            "insert into t (a) values (1) on conflict (a) do nothing",
            "with recursive c(a, b) as (select 1, 2), d(x) as not materialized (select 1) select * from c",
            "create virtual table f using fts5(a, tokenize(x))",
            "create table c (p integer references p(id))",
            "select * from json_each('[]') as j where a in (1, 2) and exists (select 1)",
            "pragma table_info(t); pragma foreign_key_check(t)",
            "not SQL '",
        ] {
            assert_eq!(names(sql), none, "{sql}");
        }
        assert_eq!(names("update t set a = normalize(a, 'nfc'), b = NORMALIZE(b)"), ["normalize"]);
        assert_eq!(names("create index i on t (lower(a))"), ["lower"]);
        assert_eq!(names("create trigger x after insert on t begin select f(1); select g(2); end"), ["f", "g"]);
        assert_eq!(names("select a || h(b) as x, cast(c as decimal(1, 2)) from t"), ["h", "cast"]);
        let call = calls(Lexer::Sqlite, "select 1;\nselect f(2)").remove(0);
        assert_eq!((call.at.line, call.at.column), (2, 8));
    }
}
