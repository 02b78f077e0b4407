//! A reading place in a statement that SQLite keeps of an object.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};

/// What is not understood. The object is carried as text then, or named as not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclear;

pub(crate) type Reading<T> = Result<T, Unclear>;

/// A reading place among the tokens of a statement.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Lexeme<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Reading<Self> {
        let tokens = tokens(Lexer::Sqlite, text).map_err(|_| Unclear)?;
        Ok(Self { text, tokens, at: 0 })
    }

    pub(crate) fn peek(&self, ahead: usize) -> Option<Lexeme<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    pub(crate) fn ended(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn next(&mut self) -> Reading<Lexeme<'a>> {
        let token = self.peek(0).ok_or(Unclear)?;
        self.at += 1;
        Ok(token)
    }

    pub(crate) fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == LexemeKind::Word && token.text.eq_ignore_ascii_case(word))
    }

    pub(crate) fn is_one_of(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(ahead, word))
    }

    pub(crate) fn is_mark(&self, ahead: usize, mark: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == LexemeKind::Mark && token.text == mark)
    }

    /// Steps over the words if all of them follow.
    pub(crate) fn eat(&mut self, words: &[&str]) -> bool {
        let follow = words.iter().enumerate().all(|(ahead, word)| self.is_word(ahead, word));
        self.at += if follow { words.len() } else { 0 };
        follow
    }

    pub(crate) fn eat_mark(&mut self, mark: &str) -> bool {
        let follows = self.is_mark(0, mark);
        self.at += usize::from(follows);
        follows
    }

    pub(crate) fn expect(&mut self, words: &[&str]) -> Reading<()> {
        if self.eat(words) { Ok(()) } else { Err(Unclear) }
    }

    pub(crate) fn expect_mark(&mut self, mark: &str) -> Reading<()> {
        if self.eat_mark(mark) { Ok(()) } else { Err(Unclear) }
    }

    /// A name, which may be written as a string too.
    pub(crate) fn name(&mut self) -> Reading<String> {
        let token = self.next()?;
        name_of(token).ok_or(Unclear)
    }

    /// A name with what may stand before it (`main.`), which is left out.
    pub(crate) fn last_name(&mut self) -> Reading<String> {
        let mut name = self.name()?;
        while self.eat_mark(".") {
            name = self.name()?;
        }
        Ok(name)
    }

    /// What stands between parentheses that open here, as it is written.
    pub(crate) fn parenthesised(&mut self) -> Reading<&'a str> {
        self.expect_mark("(")?;
        let from = self.at;
        let mut depth = 1_usize;
        while depth > 0 {
            let token = self.next()?;
            match (token.kind, token.text) {
                (LexemeKind::Mark, "(") => depth += 1,
                (LexemeKind::Mark, ")") => depth -= 1,
                _ => {}
            }
        }
        Ok(self.between(from, self.at - 1))
    }

    /// What stands before the next comma or closing parenthesis of this level, or before a word that `stops`.
    pub(crate) fn piece(&mut self, stops: &[&str]) -> Reading<&'a str> {
        let from = self.at;
        while let Some(token) = self.peek(0) {
            match (token.kind, token.text) {
                (LexemeKind::Mark, "(") => {
                    self.parenthesised()?;
                }
                (LexemeKind::Mark, "," | ")") => break,
                _ if self.is_one_of(0, stops) => break,
                _ => self.at += 1,
            }
        }
        Ok(self.between(from, self.at))
    }

    /// One token, with its sign where it has one.
    pub(crate) fn literal(&mut self) -> Reading<&'a str> {
        let from = self.at;
        while self.eat_mark("-") || self.eat_mark("+") {}
        self.next()?;
        Ok(self.between(from, self.at))
    }

    /// Everything from here on.
    pub(crate) fn rest(&mut self) -> &'a str {
        let from = std::mem::replace(&mut self.at, self.tokens.len());
        self.between(from, self.at)
    }

    /// The text from one token up to another one, without that.
    fn between(&self, from: usize, to: usize) -> &'a str {
        let Some(last) = to.checked_sub(1).filter(|last| *last >= from).and_then(|last| self.tokens.get(last)) else {
            return "";
        };
        let start = self.tokens.get(from).map_or(last.start, |first| first.start);
        self.text.get(start..last.start + last.text.len()).unwrap_or_default()
    }
}

/// The name that a token stands for, where it can be one.
pub(crate) fn name_of(token: Lexeme<'_>) -> Option<String> {
    let inner = || token.text.get(1..token.text.len().checked_sub(1)?);
    match (token.kind, token.text.as_bytes().first()?) {
        (LexemeKind::Word, _) => Some(token.text.to_owned()),
        (LexemeKind::Quoted, b'"') => Some(inner()?.replace("\"\"", "\"")),
        (LexemeKind::Quoted, b'`') => Some(inner()?.replace("``", "`")),
        (LexemeKind::Quoted, _) => Some(inner()?.to_owned()),
        (LexemeKind::Text, b'\'') => Some(inner()?.replace("''", "'")),
        _ => None,
    }
}
