//! A statement of a text.

use std::fmt;

use super::position::Span;

const WORDS: usize = 12;
/// Postgres cuts names here too.
const WORD_BYTES: usize = 63;

/// The first unquoted words of a statement, at most twelve, in ASCII lower case, each cut after 63 bytes.
///
/// Quoted names, literals and punctuation are left out.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Words {
    /// Words have no spaces in them.
    joined: String,
    count: usize,
}

impl Words {
    pub(super) fn push(&mut self, word: &str) {
        if self.count == WORDS {
            return;
        }
        let end = (0..=word.len().min(WORD_BYTES)).rev().find(|&end| word.is_char_boundary(end));
        if self.count > 0 {
            self.joined.push(' ');
        }
        let word = word.get(..end.unwrap_or(0)).unwrap_or_default();
        self.joined.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        self.count += 1;
    }

    /// The words, with one space between them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// Word by word.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.joined.split(' ').take(self.count)
    }

    /// Word `at`, from 0.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        self.iter().nth(at)
    }

    /// Do the words begin with these?
    #[must_use]
    pub fn starts_with(&self, words: &[&str]) -> bool {
        words.len() <= self.count && self.iter().zip(words).all(|(is, expected)| is == *expected)
    }

    /// How many there are, at most twelve.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// From its first token to its last: without the `;` that ends it, without comments before and after it, with those
    /// inside it.
    pub text: &'a str,
    /// Where [`text`](Self::text) is in the whole.
    pub span: Span,
    /// Its first words.
    pub words: Words,
    /// The `standard_conforming_strings` it was read with.
    pub(super) conforming: bool,
}
