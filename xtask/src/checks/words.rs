//! Rules about words in the source: backends' names, and operations.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use super::code::{Kind, Token, follows, tokens};
use super::{relative, rust_files};
use crate::{Failure, root};

/// What decides: everything but the backends themselves, tests and tools.
const DECIDING: &[&str] = &["core/src", "macros/src", "whimbrel/src", "cli/src", "conformance/src", "examples"];

/// Names by which a backend could be told from another.
const NAMES: &[&str] = &[
    "sqlite",
    "sqlite3",
    "libsql",
    "postgres",
    "postgresql",
    "pg",
    "whimbrel-backend-sqlite",
    "whimbrel_backend_sqlite",
    "whimbrel-backend-postgres",
    "whimbrel_backend_postgres",
];

/// Where such a name may stand as a text, and why.
const NAMING: &[(&str, &str)] = &[
    ("core/src/dialect.rs", "it gives the dialects their names"),
    ("whimbrel/src/schema.rs", "a dialect is asked for by its name"),
    ("whimbrel/src/test_support/postgres.rs", "a server has a database of this name"),
    ("whimbrel/src/database.rs", "a URL's scheme, or what a target is called, chooses the backend"),
];

/// Where a dialect or a lexer may be told from another: what a text is split by is what the lexer is for.
const LEXING: &[&str] = &["core/src/dialect.rs", "core/src/split"];

/// What may write programs.
const PROGRAMS: &[&str] = &["core/src/execute.rs", "core/src/execute", "core/src/backend.rs", "core/src/lib.rs"];

/// Where there must be no word of an operation at all. Backends take them apart; tests and the kit write programs of
/// their own.
const WITHOUT_PROGRAMS: &[&str] = &["core/src", "macros/src", "whimbrel/src", "cli/src"];

/// Nothing outside of a backend tells it from another by its name.
pub(super) fn names() -> Result<(), Failure> {
    let mut wrong = each_file(DECIDING, name_in)?;
    for (file, why) in NAMING {
        let text = read(&root().join(file))?;
        if named_texts(&tokens(&text)).next().is_none() {
            wrong.push(format!("{file} may name backends ({why}) and no longer does: take it off the list"));
        }
    }
    told(wrong)
}

/// Nothing but execution writes programs.
pub(super) fn operations() -> Result<(), Failure> {
    told(each_file(WITHOUT_PROGRAMS, operation_in)?)
}

/// The command line reaches no backend but by the library.
pub(super) fn command_line() -> Result<(), Failure> {
    told(each_file(&["cli/src"], backend_in)?)
}

fn told(wrong: Vec<Failure>) -> Result<(), Failure> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// What a rule finds in the files of some folders.
fn each_file(folders: &[&str], rule: impl Fn(&str, &[Token]) -> Vec<Failure>) -> Result<Vec<Failure>, Failure> {
    let mut wrong = Vec::new();
    for folder in folders {
        let files = rust_files(&root().join(folder))?;
        if files.is_empty() {
            return Err(format!("there is no source in {folder}: is this rule still about it?"));
        }
        for file in files {
            // Tests of one file stand beside it.
            if file.file_name().is_none_or(|name| name != "tests.rs") && !relative(&file).contains("/tests/") {
                wrong.extend(rule(&relative(&file), &tokens(&read(&file)?)));
            }
        }
    }
    Ok(wrong)
}

fn is_in(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file == *place || file.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')))
}

/// Texts that are a backend's name and no feature's.
fn named_texts(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let is_feature = |at: usize| at >= 2 && follows(tokens, at - 2, &["feature", "="]);
    let named = tokens.iter().enumerate().filter(move |(at, token)| {
        token.kind == Kind::Text && NAMES.contains(&&*token.text.to_ascii_lowercase()) && !is_feature(*at)
    });
    named.map(|(_, token)| token)
}

fn name_in(file: &str, tokens: &[Token]) -> Vec<Failure> {
    let mut wrong = Vec::new();
    if !NAMING.iter().any(|(place, _)| *place == file) {
        wrong.extend(named_texts(tokens).map(|token| {
            format!(
                "{file}:{}: \"{}\" is a backend's name: a difference is a field of `Capabilities` or `Dialect`",
                token.line, token.text
            )
        }));
    }
    for at in 0..tokens.len() {
        let line = tokens[at].line;
        let told_apart = ["Dialect", "Lexer"].iter().any(|kind| follows(tokens, at, &[kind, ":", ":"]))
            && tokens.get(at + 3).is_some_and(|token| token.text.chars().next().is_some_and(char::is_uppercase));
        if told_apart && !is_in(file, LEXING) {
            wrong.push(format!("{file}:{line}: one dialect is told from the others by which it is"));
        }
        if compared_name(tokens, at) {
            wrong.push(format!("{file}:{line}: a dialect's name is compared: it is for people"));
        }
    }
    wrong
}

/// `dialect().name` or `dialect.name` beside a comparison or in a `match`.
fn compared_name(tokens: &[Token], at: usize) -> bool {
    let lengths = [(&["dialect", ".", "name"][..], 3), (&["dialect", "(", ")", ".", "name"], 5)];
    let Some((_, length)) = lengths.into_iter().find(|(wanted, _)| follows(tokens, at, wanted)) else { return false };
    let end = at + length;
    let methods = ["eq", "ne", "cmp", "starts_with", "ends_with", "contains", "eq_ignore_ascii_case"];
    let asked =
        follows(tokens, end, &["."]) && tokens.get(end + 1).is_some_and(|token| methods.contains(&&*token.text));
    let compared = |at: usize| follows(tokens, at, &["=", "="]) || follows(tokens, at, &["!", "="]);
    // Back over `&self.backend.` to what stands before the expression.
    let in_chain = |token: &Token| {
        matches!(&*token.text, "." | "&" | "*" | "(" | ")" | "self")
            || (token.kind == Kind::Word && !["match", "if", "return", "in"].contains(&&*token.text))
    };
    let start = tokens[..at].iter().rposition(|token| !in_chain(token));
    let before = start.is_some_and(|start| tokens[start].is("match") || (start > 0 && compared(start - 1)));
    let matched = tokens[..at].iter().rev().take(8).any(|token| token.is("matches"));
    compared(end) || asked || before || matched
}

fn operation_in(file: &str, tokens: &[Token]) -> Vec<Failure> {
    if is_in(file, PROGRAMS) {
        return Vec::new();
    }
    let words = tokens.iter().filter(|token| token.is("Op"));
    words.map(|token| format!("{file}:{}: only core/src/execute writes programs of operations", token.line)).collect()
}

fn backend_in(file: &str, tokens: &[Token]) -> Vec<Failure> {
    let modules = ["sqlite", "postgres", "libsql", "tokio_postgres", "deadpool_postgres"];
    let named = tokens.iter().filter(|token| token.kind == Kind::Word && modules.contains(&&*token.text));
    named.map(|token| format!("{file}:{}: the command line uses the backend `{}`", token.line, token.text)).collect()
}
