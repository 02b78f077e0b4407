//! The folders of Drizzle: with a journal (0.x), or a folder for each migration (1.0).

mod journal;
mod versions;

use std::collections::HashSet;

use super::{Found, FoundFile, Layout, NewFile, NewMigration, Reading, Timestamp, Tree};
use crate::migration::Foreign;
use crate::problem::Problem;
use crate::split::{Lexer, split};
use journal::{JOURNAL, Journal};
use versions::Versions;

/// The name of the tool, as formats and the origin of history rows have it.
pub(crate) const TOOL: &str = "drizzle";

/// The file of a migration in a folder of its own.
const OWN_FILE: &str = "migration.sql";

/// Folders of Drizzle, both layouts.
///
/// - With `meta/_journal.json` only the journal decides: its order is the order, and a file that it does not list is passed
///   over.
/// - Without one each folder with a `migration.sql` is a migration; their names, which begin with a time, are the order.
///
/// A migration's version is the number before its name where that is greater than the one before it. Otherwise it follows the
/// one before it (`0005.1` after `0005`), so that the order is the journal's whatever the files are called.
#[derive(Debug, Clone, Copy)]
pub struct DrizzleLayout {
    lexer: Lexer,
}

impl DrizzleLayout {
    /// The layout for a database whose texts are split so.
    #[must_use]
    pub fn new(lexer: Lexer) -> Self {
        Self { lexer }
    }

    /// By the journal.
    fn listed(self, folder: &dyn Tree, journal: &Journal, names: &[String]) -> Found {
        let mut found = Found::default();
        let file = folder.shown(JOURNAL);
        found.problems.extend(journal.of_other_dialect(self.lexer, &file));
        let (mut versions, mut seen) = (Versions::default(), HashSet::new());
        for entry in &journal.entries {
            let tag = &entry.tag;
            let wrong = |message: String, hint: &str| Problem::new(file.clone(), message, hint);
            if tag.is_empty() || tag.contains(['/', '\\', '\0']) {
                found.problems.push(wrong(format!("`{tag}` names no file of the folder"), "correct the tag"));
                continue;
            }
            if !seen.insert(&**tag) {
                found.problems.push(wrong(format!("lists {tag} twice"), "take one of the entries out"));
                continue;
            }
            let path = format!("{tag}.sql");
            if names.binary_search(&path).is_err() {
                let message = format!("lists {tag}, and there is no {path}");
                found.problems.push(wrong(message, "restore the file from version control"));
                continue;
            }
            let (version, name) = versions.next(tag);
            let foreign = Foreign {
                tool: TOOL,
                mark: tag.as_str().into(),
                time_ms: Some(entry.when),
                ignored_chars: None,
                undo: None,
            };
            let foreign = Some(Box::new(foreign));
            found.files.push(FoundFile { file: path, version: Some(version), name: name.to_owned(), foreign });
        }
        let unlisted = names.iter().filter(|name| name.strip_suffix(".sql").is_some_and(|tag| !seen.contains(tag)));
        found.passed_over.extend(unlisted.map(|name| {
            let message = "is not in the journal, so Drizzle never ran it: it is passed over";
            Problem::new(folder.shown(name), message, "enter it in meta/_journal.json, or remove it")
        }));
        found
    }

    /// By the folders. `names`: those in the folder.
    fn folders(folder: &dyn Tree, names: &[String]) -> Found {
        let mut found = Found::default();
        let mut own: Vec<&str> = Vec::new();
        // Snapshots of Whimbrel's.
        for name in names.iter().filter_map(|name| name.strip_suffix('/')).filter(|name| *name != "meta") {
            match folder.names(name) {
                Ok((inside, _)) if inside.iter().any(|file| file == OWN_FILE) => own.push(name),
                Ok(_) => found.passed_over.push(Problem::new(
                    folder.shown(name),
                    format!("has no {OWN_FILE}, and is passed over"),
                    "remove it, or restore the file from version control",
                )),
                Err(problem) => found.problems.push(problem),
            }
        }
        // As `localeCompare` orders them: by letters first, and lower case before upper case where they are the same.
        let swap = |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        own.sort_by_cached_key(|name| (name.to_lowercase(), name.chars().map(swap).collect::<String>()));
        let mut versions = Versions::default();
        for name in own {
            let time_ms = match versions::time_of(name) {
                Ok(time_ms) => time_ms,
                Err((message, hint)) => {
                    found.problems.push(Problem::new(folder.shown(name), message, hint));
                    continue;
                }
            };
            let (version, short) = versions.next(name);
            let foreign =
                Foreign { tool: TOOL, mark: name.into(), time_ms: Some(time_ms), ignored_chars: None, undo: None };
            let (file, name) = (format!("{name}/{OWN_FILE}"), short.to_owned());
            found.files.push(FoundFile { file, version: Some(version), name, foreign: Some(Box::new(foreign)) });
        }
        let beside = names.iter().filter(|name| name.ends_with(".sql"));
        found.passed_over.extend(beside.map(|name| {
            let message = "stands in no folder of its own, so Drizzle never ran it: it is passed over";
            Problem::new(folder.shown(name), message, "move it elsewhere")
        }));
        found
    }
}

impl Layout for DrizzleLayout {
    fn name(&self) -> &'static str {
        TOOL
    }

    fn find(&self, folder: &dyn Tree) -> Found {
        let (names, problems) = match folder.names("") {
            Ok(listed) => listed,
            Err(unreadable) => return Found { problems: vec![unreadable], ..Found::default() },
        };
        let journal = match Journal::read(folder) {
            Ok(journal) => journal,
            Err(problem) => return Found { problems: vec![problem], ..Found::default() },
        };
        let mut found = match journal {
            None => Self::folders(folder, &names),
            Some(journal) => {
                let mut found = self.listed(folder, &journal, &names);
                found.problems.extend(Self::folders(folder, &names).files.first().map(|file| {
                    let message = "stands beside a journal: Drizzle reads one layout or the other";
                    let hint = "finish `drizzle-kit up`, or remove the folders that it made";
                    Problem::new(folder.shown(&file.file), message, hint)
                }));
                found
            }
        };
        found.problems.splice(0..0, problems);
        found
    }

    fn files_of(
        &self,
        folder: &dyn Tree,
        new: &[(&NewMigration, &str)],
        now: Timestamp,
    ) -> Result<Vec<NewFile>, Problem> {
        let tag = |new: &NewMigration| format!("{}_{}", new.version, new.name);
        let tags: Vec<String> = new.iter().map(|(new, _)| tag(new)).collect();
        let texts: Vec<String> = new.iter().map(|(_, text)| with_breakpoints(self.lexer, text)).collect();
        let new: Vec<(&NewMigration, &str)> = new.iter().zip(&texts).map(|((new, _), text)| (*new, &**text)).collect();
        let Some(journal) = journal::with_entries(folder, &tags, now)? else {
            return Ok(NewFile::each(&new, |new| format!("{}/{OWN_FILE}", tag(new))));
        };
        let mut files = NewFile::each(&new, |new| format!("{}.sql", tag(new)));
        files.push(NewFile { file: JOURNAL.to_owned(), text: journal, replaces: true });
        Ok(files)
    }

    fn reading(&self, _file: &FoundFile, _text: &str) -> Result<Reading, Problem> {
        Ok(Reading { foreign_keys_off: true, ..Reading::default() })
    }

    fn lexer(&self) -> Option<Lexer> {
        Some(self.lexer)
    }
}

/// With a breakpoint between its statements, without which one of Drizzle's drivers runs the first of them alone.
fn with_breakpoints(lexer: Lexer, text: &str) -> String {
    let Ok(statements) = split(lexer, text) else { return text.to_owned() };
    let mut marked = String::with_capacity(text.len());
    let mut from = 0;
    for statement in statements.iter().rev().skip(1).rev() {
        let end = text[statement.span.end.byte..].find(';').map_or(text.len(), |at| statement.span.end.byte + at + 1);
        marked.push_str(&text[from..end]);
        marked.push_str("\n--> statement-breakpoint");
        from = end;
    }
    marked.push_str(&text[from..]);
    marked
}

#[cfg(test)]
mod tests;
