//! Names of objects.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use whimbrel_core::quote_identifier;

use crate::expr::name_sql;

/// The name of a table, type, view or sequence, with its schema where that is not the default one.
///
/// In text, and in JSON, each part is quoted only where it must be: `users`, `"User Data"`, `audit.log`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectName {
    /// The schema; `None`: the one in which unqualified names are made (`public` as a rule, `main` in SQLite).
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// A name in the default schema.
    pub fn new(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// A name in a schema.
    pub fn in_schema(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), name: name.into() }
    }

    /// The name as SQL that every dialect takes: always quoted, qualified where it has a schema.
    #[must_use]
    pub fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quote_identifier(schema), quote_identifier(&self.name)),
            None => quote_identifier(&self.name),
        }
    }

    /// The name as SQL that every dialect takes, quoted only where it must be.
    #[must_use]
    pub fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", name_sql(schema), name_sql(&self.name)),
            None => name_sql(&self.name),
        }
    }

    /// Another object of the same schema.
    #[must_use]
    pub fn sibling(&self, name: impl Into<String>) -> Self {
        Self { schema: self.schema.clone(), name: name.into() }
    }
}

/// Whether a name can be written without quotes in this form: letters in lower case, digits, `_`.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name: &str| if is_plain(name) { name.to_owned() } else { quote_identifier(name) };
        if let Some(schema) = &self.schema {
            write!(f, "{}.", part(schema))?;
        }
        f.write_str(&part(&self.name))
    }
}

impl From<ObjectName> for String {
    fn from(name: ObjectName) -> Self {
        name.to_string()
    }
}

impl From<&str> for ObjectName {
    /// The text as it is, unquoted, in the default schema.
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// A text that is no name in the form of [`ObjectName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name: write name, schema.name or \"quoted name\"")]
pub struct InvalidName(String);

impl TryFrom<String> for ObjectName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl FromStr for ObjectName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName(text.to_owned());
        let (first, rest) = part_of(text).ok_or_else(invalid)?;
        if rest.is_empty() {
            return Ok(Self::new(first));
        }
        match rest.strip_prefix('.').and_then(part_of) {
            Some((name, "")) => Ok(Self::in_schema(first, name)),
            _ => Err(invalid()),
        }
    }
}

/// The first part of a name, and what follows it.
fn part_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let (part, rest) = text.split_at(end);
        return (!part.is_empty() && !part.contains('"')).then(|| (part.to_owned(), rest));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (piece, after) = rest.split_once('"')?;
        name.push_str(piece);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return (!name.is_empty()).then_some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectName;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            ObjectName::new("users"),
            ObjectName::new("User Data"),
            ObjectName::new("a.b"),
            ObjectName::new("say \"hi\""),
            ObjectName::in_schema("audit", "log"),
            ObjectName::in_schema("A.b", "\"\""),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".", "a.", ".a", "a.b.c", "\"a", "a\"b", "\"\"", "a.\"b\"c"] {
            assert!(text.parse::<ObjectName>().is_err(), "{text}");
        }
    }
}
