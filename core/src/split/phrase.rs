//! The first tokens of a statement, to tell what it is.

use super::lexer::{Kind, Tokens};

const KEPT: usize = 24;

/// The first tokens of a statement.
#[derive(Debug)]
pub(super) struct Phrase<'a> {
    tokens: Vec<(Kind, &'a str)>,
}

impl<'a> Phrase<'a> {
    pub(super) fn of(mut tokens: Tokens<'a>) -> Self {
        let mut kept = Vec::with_capacity(KEPT);
        while kept.len() < KEPT {
            let Ok(Some(token)) = tokens.next() else {
                break;
            };
            kept.push((token.kind, tokens.text(token)));
        }
        Self { tokens: kept }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|(kind, _)| *kind)
    }

    pub(super) fn text(&self, at: usize) -> Option<&'a str> {
        self.tokens.get(at).map(|(_, text)| *text)
    }

    /// Is token `at` one of these words, unquoted?
    pub(super) fn is(&self, at: usize, words: &[&str]) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|(kind, text)| *kind == Kind::Word && words.iter().any(|word| text.eq_ignore_ascii_case(word)))
    }

    /// Are the tokens from `at` on these words, unquoted?
    pub(super) fn reads(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, word)| self.is(at + i, &[word]))
    }

    pub(super) fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.tokens.get(at).is_some_and(|(_, text)| *text == mark)
    }

    /// The first place, from `at` on, where none of these words stands.
    pub(super) fn past(&self, at: usize, words: &[&str]) -> usize {
        (at..self.len()).find(|&i| !self.is(i, words)).unwrap_or(self.len())
    }

    pub(super) fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        (from..self.len()).find(|&at| self.is(at, words))
    }

    /// Token `at` without its quotes, when it is a name or a string.
    pub(super) fn unquoted(&self, at: usize) -> Option<&'a str> {
        let (kind, text) = self.tokens.get(at)?;
        match kind {
            Kind::Word => Some(text),
            Kind::Quoted | Kind::Text => text.get(1..text.len().checked_sub(1)?),
            _ => None,
        }
    }
}
