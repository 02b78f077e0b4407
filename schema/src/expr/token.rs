//! The tokens of an expression, read one after another.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};

/// What is not understood; the text is kept as its tokens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclear;

/// A reading place among the tokens of a text.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) lexer: Lexer,
    tokens: Vec<Lexeme<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lexer: Lexer, text: &'a str) -> Result<Self, Unclear> {
        let tokens = tokens(lexer, text).map_err(|_| Unclear)?;
        Ok(Self { lexer, tokens, at: 0 })
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<Lexeme<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    pub(super) fn peek(&self) -> Option<Lexeme<'a>> {
        self.peek_at(0)
    }

    pub(super) fn next(&mut self) -> Option<Lexeme<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        self.peek_at(ahead).is_some_and(|token| token.kind == LexemeKind::Word && token.text.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_mark_at(&self, ahead: usize, mark: &str) -> bool {
        self.peek_at(ahead).is_some_and(|token| token.kind == LexemeKind::Mark && token.text == mark)
    }

    /// Steps over the words if they all follow.
    pub(super) fn eat_words(&mut self, words: &[&str]) -> bool {
        let follow = words.iter().enumerate().all(|(ahead, word)| self.is_word_at(ahead, word));
        if follow {
            self.skip(words.len());
        }
        follow
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.eat_words(&[word])
    }

    pub(super) fn eat_mark(&mut self, mark: &str) -> bool {
        let follows = self.is_mark_at(0, mark);
        self.at += usize::from(follows);
        follows
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Unclear> {
        self.eat_word(word).then_some(()).ok_or(Unclear)
    }

    pub(super) fn expect_mark(&mut self, mark: &str) -> Result<(), Unclear> {
        self.eat_mark(mark).then_some(()).ok_or(Unclear)
    }

    pub(super) fn ended(&self) -> bool {
        self.at == self.tokens.len()
    }

    /// The tokens up to the parenthesis that closes, joined by spaces; steps over it.
    pub(super) fn rest_of_parentheses(&mut self) -> Result<String, Unclear> {
        let from = self.at;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next().ok_or(Unclear)?.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
        }
        Ok(join(self.tokens.get(from..self.at - 1).unwrap_or_default()))
    }
}

/// The tokens of a text joined by single spaces, without comments. A text that has no tokens to its end stays as it is.
pub(super) fn joined(lexer: Lexer, text: &str) -> String {
    tokens(lexer, text).map_or_else(|_| text.trim().to_owned(), |tokens| join(&tokens))
}

/// What stands inside of parentheses around the whole text, however many there are; `None` where there are none.
pub(super) fn without_parentheses(lexer: Lexer, text: &str) -> Option<&str> {
    let tokens = tokens(lexer, text).ok()?;
    let opening = tokens.iter().take_while(|token| token.text == "(").count();
    let closing = tokens.iter().rev().take_while(|token| token.text == ")").count();
    // How far the parentheses in between reach out of their own.
    let (mut depth, mut least) = (0_isize, 0_isize);
    for token in tokens.get(opening..tokens.len().checked_sub(closing)?)? {
        depth += isize::from(token.text == "(") - isize::from(token.text == ")");
        least = least.min(depth);
    }
    if opening.checked_add_signed(depth)? != closing {
        return None;
    }
    let around = opening.checked_add_signed(least)?.min(closing);
    let first = tokens.get(around).filter(|_| around > 0 && 2 * around < tokens.len())?;
    let last = tokens.get(tokens.len() - around - 1)?;
    text.get(first.start..last.start + last.text.len())
}

fn join(tokens: &[Lexeme<'_>]) -> String {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            // A literal that goes on counts as such only behind a line end.
            text.push(if token.kind == LexemeKind::Continued { '\n' } else { ' ' });
        }
        text.push_str(token.text);
    }
    text
}

/// What a string literal says; `None` for one with a prefix that makes it something else.
pub(super) fn text_of(lexer: Lexer, literal: &str) -> Option<String> {
    if let Some(quoted) = between(literal, "'") {
        return Some(quoted.replace("''", "'"));
    }
    if lexer == Lexer::Sqlite {
        return None;
    }
    match literal.as_bytes().first()? {
        b'$' => {
            let tag = literal.get(..literal.get(1..)?.find('$')? + 2)?;
            Some(literal.get(tag.len()..literal.len() - tag.len())?.to_owned())
        }
        b'n' | b'N' => between(literal.get(1..)?, "'").map(|quoted| quoted.replace("''", "'")),
        b'e' | b'E' => unescape(between(literal.get(1..)?, "'")?),
        _ => None,
    }
}

fn between<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    text.strip_prefix(quote)?.strip_suffix(quote)
}

/// The content of an `E'…'` literal; `None` where it holds escapes that stand for bytes.
fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'x' | 'u' | 'U' | '0'..='7' => return None,
                other => other,
            }),
            // Doubled.
            '\'' => {
                chars.next();
                text.push('\'');
            }
            other => text.push(other),
        }
    }
    Some(text)
}

/// The name that a quoted token stands for.
pub(super) fn unquoted(token: &str) -> Option<String> {
    let inner = token.get(1..token.len().checked_sub(1)?)?;
    match token.as_bytes().first()? {
        b'"' => Some(inner.replace("\"\"", "\"")),
        b'`' => Some(inner.replace("``", "`")),
        b'[' => Some(inner.to_owned()),
        _ => None,
    }
}

/// The words and quoted names of a text.
pub(super) fn names(text: &str) -> std::collections::BTreeSet<String> {
    let tokens = tokens(Lexer::Postgres, text).unwrap_or_default();
    tokens.iter().filter_map(name_of).collect()
}

fn name_of(token: &Lexeme<'_>) -> Option<String> {
    match token.kind {
        LexemeKind::Word => Some(token.text.to_owned()),
        LexemeKind::Quoted => unquoted(token.text),
        _ => None,
    }
}

/// The tokens of a text, with one name in place of another.
pub(super) fn renamed(text: &str, from: &str, to: &str) -> String {
    let Ok(tokens) = tokens(Lexer::Postgres, text) else {
        return text.to_owned();
    };
    let mut renamed = String::new();
    let mut copied = 0;
    for token in tokens.iter().filter(|token| name_of(token).as_deref() == Some(from)) {
        renamed.push_str(text.get(copied..token.start).unwrap_or_default());
        renamed.push_str(&super::words::name_sql(to));
        copied = token.start + token.text.len();
    }
    renamed + text.get(copied..).unwrap_or_default()
}
