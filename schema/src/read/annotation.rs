//! Annotations: comments that begin with `@`.

use std::collections::BTreeMap;

use super::DIALECTS;

/// What the comments above something say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Annotations {
    /// `-- @only NAME`
    pub(super) only: Option<String>,
    /// `-- @renamed from NAME`
    pub(super) renamed_from: Option<String>,
    /// `-- @sqlite option = value`, by dialect.
    pub(super) options: BTreeMap<String, BTreeMap<String, String>>,
    /// Those with an empty line between them and what follows.
    pub(super) detached: BTreeMap<String, BTreeMap<String, String>>,
}

/// Something that is wrong: where in the text, what, and what to do.
pub(super) type Wrong = (usize, String, String);

const KNOWN: &str = "known are `@only postgres`, `@only sqlite`, `@renamed from NAME`, `@sqlite option = value`, `@postgres option = value`";

impl Annotations {
    /// Reads the comments in a text that holds nothing else but white space.
    pub(super) fn read(above: &str) -> (Self, Vec<Wrong>) {
        let (mut annotations, mut wrong) = (Self::default(), Vec::new());
        let mut at = 0;
        for line in above.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let trimmed = line.trim();
            if trimmed.is_empty() && line.ends_with('\n') && start > 0 {
                let options = std::mem::take(&mut annotations.options);
                annotations.detached.extend(options);
            }
            let Some(body) = trimmed.strip_prefix("--").map(str::trim).filter(|body| body.starts_with('@')) else {
                continue;
            };
            if let Err((message, hint)) = annotations.take(body) {
                wrong.push((start + line.find('@').unwrap_or(0), message, hint));
            }
        }
        (annotations, wrong)
    }

    fn take(&mut self, body: &str) -> Result<(), (String, String)> {
        let wrong = || (format!("`{body}` is not understood"), KNOWN.to_owned());
        let (word, rest) = body.split_once(char::is_whitespace).map_or((body, ""), |(word, rest)| (word, rest.trim()));
        let known = |name: &str| DIALECTS.iter().any(|(known, _)| *known == name);
        match word {
            "@only" if known(rest) => self.only = Some(rest.to_owned()),
            "@renamed" => {
                let from =
                    rest.strip_prefix("from ").map(str::trim).filter(|from| !from.is_empty()).ok_or_else(wrong)?;
                self.renamed_from = Some(super::node::name(from.trim_matches('\'')));
            }
            _ => {
                let dialect = word.strip_prefix('@').filter(|name| known(name)).ok_or_else(wrong)?;
                let options = self.options.entry(dialect.to_owned()).or_default();
                for (name, value) in named_values(rest).ok_or_else(wrong)? {
                    options.insert(name, value);
                }
            }
        }
        Ok(())
    }
}

/// `checks = none, type = numeric(10, 5)`: a comma separates where another name and `=` follow. A default is an expression,
/// which may look like anything, so its value goes on to the end of the line.
fn named_values(text: &str) -> Option<Vec<(String, String)>> {
    let is_name = |text: &str| {
        let name = text.trim();
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b' '))
    };
    let mut values: Vec<(String, String)> = Vec::new();
    for piece in text.split(',') {
        let named = piece.split_once('=').filter(|(name, _)| is_name(name));
        match (named, values.last_mut()) {
            (_, Some((name, value))) if name == "default" => *value = format!("{value},{piece}"),
            (Some((name, value)), _) => values.push((name.trim().to_owned(), value.to_owned())),
            (None, Some((_, value))) => *value = format!("{value},{piece}"),
            (None, None) => return None,
        }
    }
    Some(values.into_iter().map(|(name, value)| (name, value.trim().to_owned())).collect())
}
