//! Names in texts that are carried as they are: queries of views, triggers.

use std::collections::HashSet;

use crate::expr::name_sql;
use whimbrel_core::quote_identifier;
use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};

/// Postgres' lexer reads SQLite's texts too, but for names in brackets or backticks and blobs, which are then no names.
fn read(text: &str) -> Vec<Lexeme<'_>> {
    tokens(Lexer::Postgres, text).or_else(|_| tokens(Lexer::Sqlite, text)).unwrap_or_default()
}

fn is_name(token: &Lexeme<'_>, name: &str) -> bool {
    match token.kind {
        LexemeKind::Word => token.text.eq_ignore_ascii_case(name),
        LexemeKind::Quoted => unquoted(token.text) == name,
        _ => false,
    }
}

fn unquoted(text: &str) -> String {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if text.starts_with('"') { inner.replace("\"\"", "\"") } else { inner.to_owned() }
}

/// The names in a text, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// In lower case: a name without quotes is meant in any case by one of the dialects.
    words: HashSet<String>,
    quoted: HashSet<String>,
    /// Those at a place where a query names what it reads.
    read: HashSet<String>,
    has_star: bool,
}

impl Names {
    /// The names outside of literals and comments.
    pub(crate) fn of(text: &str) -> Self {
        let mut names = Self::default();
        names.take(text, false);
        names
    }

    /// The same with those in literals that are SQL themselves: bodies of functions.
    pub(crate) fn with_bodies(text: &str) -> Self {
        let mut names = Self::default();
        names.take(text, true);
        names
    }

    fn take(&mut self, text: &str, bodies: bool) {
        let mut clauses = Clauses::default();
        for token in read(text) {
            if clauses.reads(&token) {
                self.read.insert(if token.kind == LexemeKind::Word {
                    token.text.to_ascii_lowercase()
                } else {
                    unquoted(token.text)
                });
            }
            match token.kind {
                LexemeKind::Word => drop(self.words.insert(token.text.to_ascii_lowercase())),
                LexemeKind::Quoted => drop(self.quoted.insert(unquoted(token.text))),
                LexemeKind::Text if bodies => self.take(&body(token.text), false),
                LexemeKind::Mark => self.has_star |= token.text == "*",
                _ => {}
            }
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.quoted.contains(name) || self.words.contains(&name.to_ascii_lowercase())
    }

    /// Whether a query reads the table or view of this name, as far as its place in the text tells.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.read.contains(name) || self.read.contains(&name.to_ascii_lowercase())
    }

    /// Whether there is a `*`, which may stand for every column.
    pub(crate) fn has_star(&self) -> bool {
        self.has_star
    }
}

/// Where a query stands: in a `FROM` or not, for each pair of parentheses that is open.
#[derive(Debug, Default)]
struct Clauses {
    open: Vec<bool>,
    in_from: bool,
    /// A name at this place is one that is read.
    next: bool,
}

impl Clauses {
    /// Takes the next token; whether it names what is read.
    fn reads(&mut self, token: &Lexeme<'_>) -> bool {
        const ENDS: [&str; 14] = [
            "where",
            "group",
            "having",
            "order",
            "limit",
            "offset",
            "union",
            "intersect",
            "except",
            "window",
            "select",
            "on",
            "using",
            "fetch",
        ];
        let word = |words: &[&str]| {
            token.kind == LexemeKind::Word && words.iter().any(|it| token.text.eq_ignore_ascii_case(it))
        };
        let was_next = std::mem::take(&mut self.next);
        match token.text {
            "(" => {
                self.open.push(self.in_from);
                self.next = was_next;
            }
            ")" => self.in_from = self.open.pop().unwrap_or_default(),
            "," => self.next = self.in_from,
            // The name before it was that of a schema.
            "." => self.next = self.in_from,
            _ if word(&["from", "join"]) => (self.in_from, self.next) = (true, true),
            _ if word(&["only", "lateral"]) => self.next = was_next,
            _ if word(&ENDS) => self.in_from = false,
            _ => return was_next && matches!(token.kind, LexemeKind::Word | LexemeKind::Quoted),
        }
        false
    }
}

/// What a literal holds: `$$ SELECT 1 $$` and `' SELECT 1 '` are ` SELECT 1 `.
fn body(literal: &str) -> String {
    let dollar = literal.strip_prefix('$').and_then(|rest| Some((rest, rest.find('$')?)));
    match dollar {
        Some((rest, end)) => {
            let inner = rest.get(end + 1..rest.len().saturating_sub(end + 2)).unwrap_or_default();
            inner.to_owned()
        }
        None => {
            let inner = literal.find('\'').and_then(|at| literal.get(at + 1..literal.len().saturating_sub(1)));
            inner.unwrap_or_default().replace("''", "'")
        }
    }
}

/// What must stay for a routine to be replaced in place: its parameters and what it returns, as tokens.
pub(crate) fn signature(sql: &str) -> Vec<String> {
    const ATTRIBUTES: [&str; 18] = [
        "language",
        "immutable",
        "stable",
        "volatile",
        "as",
        "begin",
        "return",
        "strict",
        "called",
        "security",
        "parallel",
        "cost",
        "rows",
        "set",
        "leakproof",
        "window",
        "not",
        "support",
    ];
    let tokens = read(sql);
    let (mut depth, mut found) = (0_usize, Vec::new());
    for token in tokens.iter().skip_while(|token| token.text != "(") {
        let word = token.kind == LexemeKind::Word;
        if depth == 0 && word && ATTRIBUTES.iter().any(|it| token.text.eq_ignore_ascii_case(it)) {
            break;
        }
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        found.push(match token.kind {
            LexemeKind::Word | LexemeKind::Quoted => folded(token),
            _ => token.text.to_owned(),
        });
    }
    found
}

/// Whether the text has this name in it, outside of literals and comments.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    read(text).iter().any(|token| is_name(token, name))
}

/// The text with this name changed, outside of literals and comments.
pub(crate) fn renamed(text: &str, from: &str, to: &str) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for token in read(text).iter().filter(|token| is_name(token, from)) {
        out.push_str(text.get(done..token.start).unwrap_or_default());
        match token.kind {
            LexemeKind::Word => out.push_str(&name_sql(to)),
            _ => out.push_str(&quote_identifier(to)),
        }
        done = token.start + token.text.len();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Whether two texts are the same but for white space, comments, and the case of words.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (read(a), read(b));
    let alike = |(a, b): (&Lexeme<'_>, &Lexeme<'_>)| match (a.kind, b.kind) {
        (LexemeKind::Word | LexemeKind::Quoted, LexemeKind::Word | LexemeKind::Quoted) => folded(a) == folded(b),
        _ => a.text == b.text,
    };
    a.len() == b.len() && a.iter().zip(&b).all(alike)
}

fn folded(token: &Lexeme<'_>) -> String {
    match token.kind {
        LexemeKind::Word => token.text.to_ascii_lowercase(),
        _ => unquoted(token.text),
    }
}
