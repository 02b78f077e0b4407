//! Objects of a snapshot, of which every key is either read or named as not read.

use std::fmt;

use super::json::Json;

/// What is not as Drizzle writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The object: `table users, column id`.
    place: String,
    message: String,
}

impl Wrong {
    pub(super) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

pub(super) type Reading<T> = Result<T, Wrong>;

/// An object whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: String,
    left: Vec<(&'a str, &'a Json)>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(json: &'a Json, place: impl Into<String>) -> Reading<Self> {
        let place = place.into();
        match json {
            Json::Object(pairs) => Ok(Self { place, left: pairs.iter().map(|(key, value)| (&**key, value)).collect() }),
            other => Err(Wrong::new(place, format!("is {}, and should be an object", kind(other)))),
        }
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::new(self.place.clone(), message)
    }

    fn expected(&self, key: &str, what: &str, found: &Json) -> Wrong {
        self.wrong(format!("`{key}` is {}, and should be {what}", kind(found)))
    }

    /// Takes a value; null is none.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Json> {
        let at = self.left.iter().rposition(|(name, _)| *name == key)?;
        let (_, value) = self.left.remove(at);
        (*value != Json::Null).then_some(value)
    }

    /// Takes what means nothing for the schema.
    pub(super) fn pass_over(&mut self, keys: &[&str]) {
        self.left.retain(|(name, _)| !keys.contains(name));
    }

    pub(super) fn text_or_none(&mut self, key: &str) -> Reading<Option<&'a str>> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.expected(key, "a text", other)),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Reading<&'a str> {
        self.text_or_none(key)?.ok_or_else(|| self.wrong(format!("has no `{key}`")))
    }

    /// A flag that is not there is not set.
    pub(super) fn flag(&mut self, key: &str) -> Reading<bool> {
        match self.take(key) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(other) => Err(self.expected(key, "true or false", other)),
        }
    }

    /// A whole number, or the text of one.
    pub(super) fn number(&mut self, key: &str) -> Reading<Option<i64>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number = match value {
            Json::Number(number) => number.as_i64(),
            Json::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.expected(key, "a whole number", value))
    }

    /// A list that is not there is empty.
    pub(super) fn list(&mut self, key: &str) -> Reading<&'a [Json]> {
        match self.take(key) {
            None => Ok(&[]),
            Some(Json::List(list)) => Ok(list),
            Some(other) => Err(self.expected(key, "a list", other)),
        }
    }

    pub(super) fn texts(&mut self, key: &str) -> Reading<Vec<String>> {
        let list = self.list(key)?;
        let text =
            |item: &Json| item.text().map(str::to_owned).ok_or_else(|| self.expected(key, "a list of texts", item));
        list.iter().map(text).collect()
    }

    /// The values of an object, by key; one that is not there is empty.
    pub(super) fn object(&mut self, key: &str) -> Reading<&'a [(String, Json)]> {
        match self.take(key) {
            None => Ok(&[]),
            Some(Json::Object(pairs)) => Ok(pairs),
            Some(other) => Err(self.expected(key, "an object", other)),
        }
    }

    /// Names everything that was not taken and says something.
    pub(super) fn finish(self, unread: &mut Vec<String>) {
        let left = self.left.into_iter().filter(|(_, value)| !value.says_nothing());
        unread.extend(left.map(|(key, value)| format!("{}: {key} = {value}", self.place)));
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a text",
        Json::List(_) => "a list",
        Json::Object(_) => "an object",
    }
}
