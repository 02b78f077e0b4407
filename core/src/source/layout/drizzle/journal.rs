//! `meta/_journal.json` of Drizzle 0.x.

use serde_json::Value;

use super::Tree;
use crate::problem::Problem;
use crate::split::Lexer;
use crate::timestamp::Timestamp;

/// Where it is.
pub(crate) const JOURNAL: &str = "meta/_journal.json";

/// What it says.
#[derive(Debug)]
pub(crate) struct Journal {
    /// `sqlite`, `turso`, `postgresql`.
    pub(crate) dialect: String,
    pub(crate) entries: Vec<Entry>,
}

/// A migration in it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name of its file, without `.sql`.
    pub(crate) tag: String,
    /// When it was generated, in milliseconds since 1970: what the history table has as `created_at`.
    pub(crate) when: i64,
}

impl Journal {
    /// Reads it; `None`: there is none, or it is another tool's.
    pub(crate) fn read(folder: &dyn Tree) -> Result<Option<Self>, Problem> {
        let Some(bytes) = folder.read(JOURNAL)? else { return Ok(None) };
        Self::parsed(&bytes, &folder.shown(JOURNAL)).map(Some)
    }

    fn parsed(bytes: &[u8], file: &str) -> Result<Self, Problem> {
        let restore = "restore it from version control";
        let value: Value = serde_json::from_slice(bytes).map_err(|error| Problem::of_json(file, &error, restore))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (Some(dialect), Some(entries)) = (value.get("dialect").and_then(text), value["entries"].as_array()) else {
            return Err(Problem::new(
                file,
                "is a journal neither of Whimbrel, with `format`, nor of Drizzle, with `dialect` and `entries`",
                restore,
            ));
        };
        let entry = |(at, entry): (usize, &Value)| match (entry.get("tag").and_then(text), entry["when"].as_i64()) {
            (Some(tag), Some(when)) => Ok(Entry { tag, when }),
            _ => Err(Problem::new(file, format!("entry {at} has no `tag` or no `when`"), restore)),
        };
        let entries = entries.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { dialect, entries })
    }

    /// A journal for another kind of database than the texts will be split for.
    pub(super) fn of_other_dialect(&self, lexer: Lexer, file: &str) -> Option<Problem> {
        let fits = Lexer::called(&self.dialect) == Some(lexer);
        let message = format!("is of {}, and the database is of another kind", self.dialect);
        (!fits).then(|| Problem::new(file, message, "name the folder of this database with `--dir`"))
    }
}

/// The text of the journal with more entries; `None`: there is no journal.
///
/// The time of each is greater than every other one in it, since Drizzle passes over what is not.
pub(super) fn with_entries(folder: &dyn Tree, tags: &[String], now: Timestamp) -> Result<Option<String>, Problem> {
    let Some(known) = Journal::read(folder)? else { return Ok(None) };
    let bytes = folder.read(JOURNAL)?.unwrap_or_default();
    let malformed =
        || Problem::new(folder.shown(JOURNAL), "is no journal of Drizzle", "restore it from version control");
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let newest = known.entries.iter().map(|entry| entry.when).max().unwrap_or(0);
    let first = (now.microseconds() / 1_000).max(newest.saturating_add(1));
    let last = value["entries"].as_array().ok_or_else(malformed)?.last();
    let of_last = |key: &str| last.and_then(|last| last.get(key)).cloned();
    let idx = of_last("idx").and_then(|idx| idx.as_i64()).map_or(0, |idx| idx.saturating_add(1));
    let version = of_last("version").unwrap_or_else(|| Value::from("7"));
    let breakpoints = of_last("breakpoints").unwrap_or(Value::Bool(true));
    let entry = |(at, tag): (i64, &String)| {
        let line = |key: &str, value: &Value| format!("      \"{key}\": {value}");
        let lines = [
            line("idx", &idx.saturating_add(at).into()),
            line("version", &version),
            line("when", &first.saturating_add(at).into()),
            line("tag", &tag.as_str().into()),
            line("breakpoints", &breakpoints),
        ];
        format!("    {{\n{}\n    }}", lines.join(",\n"))
    };
    let entries: Vec<String> = (0..).zip(tags).map(entry).collect();
    let text = String::from_utf8_lossy(&bytes);
    // What is there stays as it is written: the list is the last thing in the file, as Drizzle writes it.
    let end = text.rfind(']').ok_or_else(malformed)?;
    let (before, behind) = (text[..end].trim_end(), &text[end..]);
    let comma = if known.entries.is_empty() { "" } else { "," };
    let text = format!("{before}{comma}\n{}\n  {behind}", entries.join(",\n"));
    let written = Journal::parsed(text.as_bytes(), &folder.shown(JOURNAL))?;
    let behind = written.entries.iter().skip(known.entries.len()).map(|entry| &entry.tag);
    if behind.eq(tags) {
        return Ok(Some(text));
    }
    Err(Problem::new(
        folder.shown(JOURNAL),
        "does not end with its entries",
        "put `entries` last, as Drizzle writes it",
    ))
}
