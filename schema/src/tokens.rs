//! Names in texts that are carried as they are: queries of views, triggers.

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

/// Whether the text has this name in it, outside of literals and comments.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    read(text).iter().any(|token| is_name(token, name))
}

/// The text with this name changed, outside of literals and comments.
pub(crate) fn renamed(text: &str, from: &str, to: &str) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for token in read(text).iter().filter(|token| is_name(token, from)) {
        out.push_str(text.get(done..token.start).unwrap_or_default());
        let plain = to.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && to.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        match plain && token.kind == LexemeKind::Word {
            true => out.push_str(to),
            false => out.push_str(&quote_identifier(to)),
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
