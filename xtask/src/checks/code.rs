//! Rust code as tokens, as far as rules about words need it: without comments, attributes and test modules.

#[cfg(test)]
mod tests;

/// A piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// What stands between the quotes of a string.
    Text,
    /// One character of anything else.
    Sign,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// Whether the tokens from `at` on are these words and signs.
pub(super) fn follows(tokens: &[Token], at: usize, wanted: &[&str]) -> bool {
    tokens.get(at..).is_some_and(|rest| {
        rest.len() >= wanted.len() && rest.iter().zip(wanted).all(|(token, wanted)| token.is(wanted))
    })
}

/// The tokens of a file that are compiled into a program.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    without_tests(Reader { rest: text, line: 1, tokens: Vec::new() }.read())
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Vec<Token> {
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.take(comment_end(self.rest));
            } else if let Some(quotes) = Quotes::at_start(self.rest) {
                self.string(&quotes);
            } else if c == '\'' {
                self.quote();
            } else if c.is_alphanumeric() || c == '_' {
                let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
                self.push(Kind::Word, end);
            } else if c.is_whitespace() {
                self.take(c.len_utf8());
            } else {
                self.push(Kind::Sign, c.len_utf8());
            }
        }
        self.tokens
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        let line = self.line;
        let text = self.take(bytes).to_owned();
        self.tokens.push(Token { kind, text, line });
    }

    fn string(&mut self, quotes: &Quotes) {
        self.take(quotes.open);
        self.push(Kind::Text, quotes.end(self.rest));
        self.take(quotes.close.len().min(self.rest.len()));
    }

    /// A character, or the name of a lifetime.
    fn quote(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        match (chars.next(), chars.next()) {
            (Some((_, '\\')), _) => {
                let end = self.rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'');
                self.take(end.map_or(self.rest.len(), |(at, _)| at + 3));
            }
            (Some(_), Some((at, '\''))) => drop(self.take(at + 1)),
            _ => drop(self.take(1)),
        }
    }
}

/// How a string begins and ends: `"…"`, `b"…"`, `r#"…"#`.
struct Quotes {
    open: usize,
    close: String,
    raw: bool,
}

impl Quotes {
    fn at_start(text: &str) -> Option<Self> {
        let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
            text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
        })?;
        let raw = prefix.ends_with('r');
        let hashes = text[prefix.len()..].find('"')?;
        (raw || hashes == 0).then(|| Self {
            open: prefix.len() + hashes + 1,
            close: format!("\"{}", "#".repeat(hashes)),
            raw,
        })
    }

    /// Where the closing quotes are, or the end of the text.
    fn end(&self, text: &str) -> usize {
        let mut escaped = false;
        for (at, c) in text.char_indices() {
            if !escaped && text[at..].starts_with(&self.close) {
                return at;
            }
            escaped = !self.raw && c == '\\' && !escaped;
        }
        text.len()
    }
}

/// The end of a block comment, which may hold others.
fn comment_end(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        match () {
            () if rest.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            () if rest.starts_with("*/") && depth == 1 => return at + 2,
            () if rest.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            () => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    text.len()
}

/// Takes attributes out, and with `#[cfg(test)]` the module that follows.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let (mut kept, mut at) = (Vec::with_capacity(tokens.len()), 0);
    while at < tokens.len() {
        let attribute = follows(&tokens, at, &["#", "["]) || follows(&tokens, at, &["#", "!", "["]);
        if !attribute {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let is_test = follows(&tokens, at, &["#", "[", "cfg", "(", "test", ")", "]"]);
        at = past(&tokens, at, "[", "]");
        if is_test && tokens.get(at).is_some_and(|token| token.is("mod")) {
            let inline = tokens.get(at + 2).is_some_and(|token| token.is("{"));
            at = if inline { past(&tokens, at, "{", "}") } else { at + 3 };
        }
    }
    kept
}

/// Behind the bracket that closes the first one from `at` on.
fn past(tokens: &[Token], at: usize, open: &str, close: &str) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if token.is(open) {
            depth += 1;
        } else if token.is(close) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index + 1;
            }
        }
    }
    tokens.len()
}
