//! Names and expressions as SQLite understands them in one table.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};
use whimbrel_core::{quote_identifier, quote_literal};
use whimbrel_schema::Expr;

use super::reader::name_of;

/// What names can mean in the expressions of a table.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) table: &'a str,
    pub(super) columns: Vec<String>,
}

impl Scope<'_> {
    /// A column's name as its definition spells it.
    pub(super) fn spelled(&self, name: &str) -> String {
        spelled(&self.columns, name)
    }

    /// Reads an expression. What is double-quoted and names no column is the string that old rules of SQLite make of it; the
    /// table's name before a column is left out.
    pub(super) fn expression(&self, text: &str) -> Expr {
        let Ok(tokens) = tokens(Lexer::Sqlite, text) else {
            return Expr::parse(text, Lexer::Sqlite);
        };
        let mut words: Vec<String> = Vec::with_capacity(tokens.len());
        let mut at = 0;
        let mut before = None;
        while let Some(token) = tokens.get(at) {
            if self.qualifies(tokens.get(at..).unwrap_or_default()) {
                at += 2;
                before = None;
                continue;
            }
            words.push(self.word(*token, before, tokens.get(at + 1)));
            before = Some(token);
            at += 1;
        }
        Expr::parse(&words.join(" "), Lexer::Sqlite)
    }

    /// Whether the tokens begin with this table's name and a dot.
    fn qualifies(&self, tokens: &[Lexeme<'_>]) -> bool {
        let [first, dot, column, ..] = tokens else {
            return false;
        };
        let named = |token: &Lexeme<'_>| matches!(token.kind, LexemeKind::Word | LexemeKind::Quoted);
        named(first)
            && dot.text == "."
            && named(column)
            && name_of(*first).is_some_and(|name| name.eq_ignore_ascii_case(self.table))
    }

    fn word(&self, token: Lexeme<'_>, before: Option<&Lexeme<'_>>, after: Option<&Lexeme<'_>>) -> String {
        if token.kind == LexemeKind::Word {
            return self.unquoted(token.text, before, after);
        }
        if token.kind != LexemeKind::Quoted {
            return token.text.to_owned();
        }
        let Some(name) = name_of(token) else {
            return token.text.to_owned();
        };
        let named = after.is_some_and(|after| matches!(after.text, "." | "("))
            || before.is_some_and(|before| before.text == "." || before.text.eq_ignore_ascii_case("collate"));
        let is_column = self.columns.iter().any(|column| column.eq_ignore_ascii_case(&name)) || is_rowid(&name);
        if named || is_column || !token.text.starts_with('"') {
            return quote_identifier(&self.spelled(&name));
        }
        quote_literal(&name)
    }
}

impl Scope<'_> {
    /// A word as it is, but for a column that is spelled otherwise where it is defined.
    fn unquoted(&self, word: &str, before: Option<&Lexeme<'_>>, after: Option<&Lexeme<'_>>) -> String {
        const KEYWORDS: [&str; 12] =
            ["and", "as", "case", "else", "end", "in", "is", "like", "not", "or", "then", "when"];
        let other = after.is_some_and(|after| matches!(after.text, "." | "("))
            || before.is_some_and(|before| before.text == "." || before.text.eq_ignore_ascii_case("collate"))
            || KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
        let column = self.columns.iter().find(|column| column.eq_ignore_ascii_case(word));
        match column.filter(|_| !other) {
            Some(column) => quote_identifier(column),
            None => word.to_owned(),
        }
    }
}

/// A column's name as its definition spells it, where it is one of these.
pub(super) fn spelled(columns: &[String], name: &str) -> String {
    let found = columns.iter().find(|column| column.eq_ignore_ascii_case(name));
    found.cloned().unwrap_or_else(|| name.to_owned())
}

/// Whether SQLite takes the name for the row's number, where no column has it.
pub(crate) fn is_rowid(name: &str) -> bool {
    ["rowid", "_rowid_", "oid"].iter().any(|known| known.eq_ignore_ascii_case(name))
}
