//! The snapshots of Drizzle 1.0, which say what they follow: as a whole each, or as what each changes.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use whimbrel_core::Problem;
use whimbrel_core::split::Lexer;

use super::entities::{self, Entities};
use super::fields::Wrong;
use super::json::{self, Json};
use super::{Found, RESTORE, problem, read};

/// What every snapshot begins with, read without the rest.
#[derive(Debug, Deserialize)]
struct Head {
    dialect: Option<String>,
    version: Option<String>,
    id: String,
    #[serde(rename = "prevIds")]
    parents: Vec<String>,
}

/// A snapshot in its place.
#[derive(Debug)]
struct Link {
    at: usize,
    file: PathBuf,
    id: String,
    parents: Vec<String>,
}

/// Refuses a snapshot of another dialect, or of a version that is not read.
pub(super) fn check(file: &Path, json: &Json, lexer: Lexer, versions: &[&str]) -> Result<(), Problem> {
    let text = |key: &str| json.get(key).and_then(Json::text);
    check_head(file, text("dialect"), text("version"), lexer, versions)
}

fn check_head(
    file: &Path,
    dialect: Option<&str>,
    version: Option<&str>,
    lexer: Lexer,
    versions: &[&str],
) -> Result<(), Problem> {
    let refused = |message: String, hint: &str| Problem::new(file.display().to_string(), message, hint);
    let names: &[&str] = match lexer {
        Lexer::Sqlite => &["sqlite", "turso"],
        _ => &["postgres", "postgresql"],
    };
    let (Some(dialect), Some(version)) = (dialect, version) else {
        return Err(refused("is no snapshot of Drizzle: it has no `dialect` or no `version`".to_owned(), RESTORE));
    };
    if !names.contains(&dialect) {
        let message = format!("is of {dialect}, and the target is of another dialect");
        return Err(refused(message, "name the folder of this database"));
    }
    if !versions.contains(&version) {
        let message = format!("is a snapshot of version {version}; read is version {}", versions.join(" or "));
        let hint = "an older one: `drizzle-kit up` brings the folder up to date; a newer one: use a newer release of this program";
        return Err(refused(message, hint));
    }
    Ok(())
}

/// What the newest snapshot among folders of these names says, and where branches met unmerged, all of the newest together.
pub(super) fn newest(folder: &Path, marks: &[&str], lexer: Lexer) -> Result<Option<Found>, Problem> {
    let mut links = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        links.extend(link(at, folder.join(mark).join("snapshot.json"), lexer)?);
    }
    let chain = Chain::new(&links);
    let Some(last) = links.last() else { return Ok(None) };
    let said = entities::said(&chain.joined()?).map_err(|wrong| problem(&last.file, &wrong))?;
    Ok(Some(Found { at: last.at, file: last.file.clone(), said }))
}

fn link(at: usize, file: PathBuf, lexer: Lexer) -> Result<Option<Link>, Problem> {
    let Some(text) = read(&file)? else { return Ok(None) };
    let Head { dialect, version, id, parents } =
        serde_json::from_str(&text).map_err(|error| json::malformed(&file, &error))?;
    let versions: &[&str] = match lexer {
        Lexer::Sqlite => &["7"],
        _ => &["8", "9"],
    };
    check_head(&file, dialect.as_deref(), version.as_deref(), lexer, versions)?;
    Ok(Some(Link { at, file, id, parents }))
}

/// Snapshots by what they follow.
struct Chain<'a> {
    links: &'a [Link],
    by_id: HashMap<&'a str, &'a Link>,
}

/// What one snapshot holds.
enum Step {
    /// Everything.
    Whole(Entities),
    /// What changes after the one that it follows.
    Changes(Json),
}

impl<'a> Chain<'a> {
    fn new(links: &'a [Link]) -> Self {
        Self { links, by_id: links.iter().map(|link| (&*link.id, link)).collect() }
    }

    /// What all snapshots that nothing follows say together: what each has changed since they parted.
    fn joined(&self) -> Result<Entities, Problem> {
        let followed: HashSet<&str> = self.links.iter().flat_map(|link| &link.parents).map(String::as_str).collect();
        let ends: Vec<&Link> = self.links.iter().filter(|link| !followed.contains(&*link.id)).collect();
        if let [end] = *ends {
            return self.state(end);
        }
        let ids: Vec<&str> = ends.iter().map(|link| &*link.id).collect();
        let fork = self.fork(&ids).map(|link| self.state(link)).transpose()?.unwrap_or_default();
        let mut joined = fork.clone();
        for end in ends {
            joined.take_over(&fork, &self.state(end)?);
        }
        Ok(joined)
    }

    /// Everything that is there after a snapshot.
    fn state(&self, link: &'a Link) -> Result<Entities, Problem> {
        let mut changes = Vec::new();
        let (mut at, mut seen) = (link, HashSet::new());
        let mut state = loop {
            let refused = |wrong: &Wrong| problem(&at.file, wrong);
            if !seen.insert(&*at.id) {
                return Err(refused(&Wrong::new("`prevIds`", "the snapshot follows itself")));
            }
            match step(&at.file)? {
                Step::Whole(entities) => break entities,
                Step::Changes(deltas) => changes.push((at, deltas)),
            }
            let parents: Vec<&str> = at.parents.iter().map(String::as_str).collect();
            at = self.fork(&parents).ok_or_else(|| {
                refused(&Wrong::new("`prevIds`", "the snapshot that it changes is in no folder beside it"))
            })?;
        };
        for (at, deltas) in changes.into_iter().rev() {
            state.apply(&deltas).map_err(|wrong| problem(&at.file, &wrong))?;
        }
        Ok(state)
    }

    /// The newest snapshot that all of these follow or are. Ids that are not here (the origin's) are none.
    fn fork(&self, ids: &[&str]) -> Option<&'a Link> {
        let known: Vec<&'a Link> = ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
        let [first, others @ ..] = known.as_slice() else { return None };
        if others.is_empty() {
            return Some(first);
        }
        let lines: Vec<HashSet<&str>> = known.iter().map(|link| self.line(link)).collect();
        let common = |link: &&Link| lines.iter().all(|line| line.contains(&*link.id));
        let mut common: Vec<&Link> = self.links.iter().filter(common).collect();
        // The one that follows most of the others.
        common.sort_by_key(|link| self.line(link).len());
        common.last().copied()
    }

    /// A snapshot and all that it follows.
    fn line(&self, link: &Link) -> HashSet<&'a str> {
        let (mut line, mut left) = (HashSet::new(), vec![&*link.id]);
        while let Some(link) = left.pop().and_then(|id| self.by_id.get(id)) {
            if line.insert(&*link.id) {
                left.extend(link.parents.iter().map(String::as_str).filter(|id| self.by_id.contains_key(id)));
            }
        }
        line
    }
}

fn step(file: &Path) -> Result<Step, Problem> {
    let text = read(file)?.unwrap_or_default();
    let json = json::read(file, &text)?;
    if json.get("type").and_then(Json::text) == Some("diff") {
        return Ok(Step::Changes(json));
    }
    Entities::of(&json).map(Step::Whole).map_err(|wrong| problem(file, &wrong))
}
