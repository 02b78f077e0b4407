//! Which names a text of SQL mentions.

use std::collections::BTreeSet;

use whimbrel_core::split::{LexemeKind, Lexer, tokens};

use crate::introspect::reader::name_of;

/// The names that a text may mention, in lower case: all its words, and all that is quoted in whatever way.
///
/// Too many rather than too few: what a name stands for is not looked at. A text that cannot be read mentions everything.
#[derive(Debug)]
pub(super) struct Mentions(Option<BTreeSet<String>>);

impl Mentions {
    pub(super) fn of(sql: &str) -> Self {
        let tokens = tokens(Lexer::Sqlite, sql).ok();
        Self(tokens.map(|tokens| tokens.into_iter().filter_map(name_of).map(|name| name.to_lowercase()).collect()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(&name.to_lowercase()))
    }

    pub(super) fn has_any<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        names.into_iter().any(|name| self.has(name))
    }
}

/// The names that a text reads from or writes to, where they are none of `known` (in lower case) and none that the text
/// itself gives to a query: a view or trigger with such a one is broken, and stops every `ALTER TABLE … RENAME`.
pub(super) fn is_broken(sql: &str, known: &BTreeSet<String>) -> bool {
    let Ok(tokens) = tokens(Lexer::Sqlite, sql) else {
        return true;
    };
    let word = |at: usize, word: &str| {
        tokens.get(at).is_some_and(|token| token.kind == LexemeKind::Word && token.text.eq_ignore_ascii_case(word))
    };
    let own: BTreeSet<String> = (0..tokens.len())
        .filter(|at| word(at + 1, "as") || tokens.get(at + 1).is_some_and(|token| token.text == "("))
        .filter_map(|at| name_of(*tokens.get(at)?))
        .map(|name| name.to_lowercase())
        .collect();
    (0..tokens.len()).any(|at| {
        let begins = ["from", "join", "into"].iter().any(|begin| word(at, begin));
        let dotted = tokens.get(at + 2).is_some_and(|token| token.text == ".");
        let named = tokens.get(if dotted { at + 3 } else { at + 1 }).filter(|token| token.kind != LexemeKind::Mark);
        let name = named.and_then(|token| name_of(*token)).map(|name| name.to_lowercase());
        begins && name.is_some_and(|name| !known.contains(&name) && !own.contains(&name))
    })
}
