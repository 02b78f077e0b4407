//! Postgres: `standard_conforming_strings`, which decides where a string ends.

use super::lexer::Kind;
use super::phrase::Phrase;

const NAME: &str = "standard_conforming_strings";

/// The value of the setting while a text is read.
///
/// A `set_config('standard_conforming_strings', …)` inside a query is not followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conforming {
    initial: bool,
    session: bool,
    /// `SET LOCAL`, until the transaction ends.
    local: Option<bool>,
}

/// Can a statement with this first word change the setting?
pub(super) fn may_matter(first: &str) -> bool {
    let words = ["set", "reset", "discard", "commit", "end", "rollback", "abort"];
    words.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Does the statement change how strings after it are read?
pub(super) fn changes(phrase: &Phrase<'_>) -> bool {
    let mut with_on = Conforming::new(true);
    with_on.follow(phrase);
    let mut with_off = Conforming::new(true);
    with_off.session = false;
    with_off.follow(phrase);
    !with_on.now() || with_off.now()
}

impl Conforming {
    pub(super) fn new(initial: bool) -> Self {
        Self { initial, session: initial, local: None }
    }

    pub(super) fn now(&self) -> bool {
        self.local.unwrap_or(self.session)
    }

    /// Follows a complete statement.
    pub(super) fn follow(&mut self, phrase: &Phrase<'_>) {
        if phrase.is(0, &["set"]) {
            self.follow_set(phrase);
        } else if phrase.is(0, &["reset"]) && phrase.is(1, &[NAME, "all"]) || phrase.reads(0, &["discard", "all"]) {
            *self = Self::new(self.initial);
        } else if phrase.is(0, &["commit", "end", "abort"])
            || phrase.is(0, &["rollback"]) && phrase.find(1, &["to"]).is_none()
        {
            self.local = None;
        }
    }

    fn follow_set(&mut self, phrase: &Phrase<'_>) {
        let local = phrase.is(1, &["local"]);
        let at = phrase.past(1, &["local", "session"]);
        let named = phrase.unquoted(at).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        if !named || phrase.kind(at) == Some(Kind::Text) || !(phrase.is(at + 1, &["to"]) || phrase.is_mark(at + 1, "="))
        {
            return;
        }
        let Some(value) = self.value(phrase, at + 2) else {
            return;
        };
        if local {
            self.local = Some(value);
        } else {
            *self = Self { session: value, local: None, ..*self };
        }
    }

    /// A boolean as Postgres reads it: any beginning of a word that is not ambiguous.
    fn value(&self, phrase: &Phrase<'_>, at: usize) -> Option<bool> {
        let text = match phrase.kind(at)? {
            Kind::Number => phrase.text(at)?,
            _ => phrase.unquoted(at)?,
        };
        let text = text.to_ascii_lowercase();
        let begins = |word: &str| word.starts_with(&text) && !text.is_empty();
        match text.as_str() {
            "default" => Some(self.initial),
            "on" | "1" => Some(true),
            "0" => Some(false),
            "o" => None,
            _ if begins("true") || begins("yes") => Some(true),
            _ if begins("false") || begins("no") || begins("off") => Some(false),
            _ => None,
        }
    }
}
