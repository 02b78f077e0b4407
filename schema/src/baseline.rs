//! At which version of its folder a database is, proved by its schema.

mod outside;

use std::fmt;

use whimbrel_core::split::split;
use whimbrel_core::{Migration, Problem, Version};

use crate::compare::{Compared, Difference, compare, compare_live};
use crate::dialect::{Introspected, SchemaDialect};
use crate::folder::file_name;
use crate::generate::{Scratch, in_order_of, printed};
use crate::model::Schema;
use crate::snapshots::Snapshots;

/// What a proof is made of.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The dialect of the database.
    pub dialect: &'a dyn SchemaDialect,
    /// Where migrations are replayed that have no snapshot; `None`: nowhere.
    pub scratch: Option<&'a dyn Scratch>,
    /// The migrations, in order. Repeatables and seeds among them are passed over: they are part of no version.
    pub migrations: &'a [Migration],
    /// The schema after some or all of them.
    pub snapshots: &'a Snapshots,
    /// The schema of the database.
    pub live: &'a Introspected,
}

/// At which version a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The version that was asked for; else the newest that is equal; else the nearest.
    pub version: Version,
    /// In what the database is not as it is after that version. Empty: it is equal.
    pub differences: Vec<Placed>,
    /// What was not compared, by name.
    pub uncompared: Vec<String>,
    /// The files, up to that version, that change rows and no schema: whether they ran, a schema does not tell.
    pub untold: Vec<String>,
}

/// A difference, and the file that would have made it otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// The difference.
    pub difference: Difference,
    /// The file, or the first and the last of those among which it is; `None`: no file does.
    pub files: Option<(String, String)>,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.difference)?;
        let Some((first, last)) = &self.files else { return f.write_str("no migration makes it") };
        if first == last {
            write!(f, "{last}")?;
        } else {
            write!(f, "one of {first} to {last}")?;
        }
        f.write_str(match &*self.difference.what {
            what if what.starts_with("is missing") => " makes it",
            what if what.starts_with("is there and not expected") => " leaves it out",
            _ => " makes it so",
        })
    }
}

/// Finds the version whose schema the database has.
///
/// The snapshot of a version is asked first; where one that is needed has none, the migrations are replayed on a scratch
/// database, once for all of them. So no scratch database is needed where there are snapshots.
///
/// # Errors
///
/// A version that is not among the migrations; snapshots that cannot be read; and versions that have no snapshot where
/// there is no scratch database, or where a replay fails.
pub async fn prove(evidence: Evidence<'_>, wanted: Option<&Version>) -> Result<Proof, Vec<Problem>> {
    let versioned: Vec<(Version, Migration)> = evidence
        .migrations
        .iter()
        .filter_map(|migration| Some((migration.id.version()?.clone(), migration.clone())))
        .collect();
    let last = match wanted {
        None => versioned.len().checked_sub(1),
        Some(wanted) => versioned.iter().position(|(version, _)| version == wanted),
    };
    let Some(last) = last else { return Err(vec![nothing_to_prove(wanted)]) };
    let (versions, migrations) = versioned.into_iter().take(last + 1).unzip();
    let states = vec![None; last + 1];
    let mut proving = Proving { evidence, versions, migrations, states, replayed: false, notes: Vec::new() };
    let at = match wanted {
        Some(_) => proving.asked(last).await?,
        None => proving.newest(last).await?,
    };
    proving.proof(at).await
}

/// Compares the database with what it is after this version; `None`: there is neither a snapshot nor a scratch database to tell
/// what that is.
///
/// # Errors
///
/// As [`prove`].
pub async fn verify(evidence: Evidence<'_>, version: &Version) -> Result<Option<Proof>, Vec<Problem>> {
    let snapshot = evidence.snapshots.get(version, evidence.dialect.dialect().name).map_err(|problem| vec![problem])?;
    if snapshot.is_none() && evidence.scratch.is_none() {
        return Ok(None);
    }
    prove(evidence, Some(version)).await.map(Some)
}

fn nothing_to_prove(wanted: Option<&Version>) -> Problem {
    match wanted {
        Some(version) => Problem::new(
            "migrations",
            format!("there is no migration {version}"),
            "`whimbrel status` lists the versions",
        ),
        None => Problem::new(
            "migrations",
            "there are none, so there is no version that the database could be at",
            "`whimbrel pull` writes the schema file of the database, and `whimbrel generate` its first migration",
        ),
    }
}

/// How the database differs from what it is after a migration.
#[derive(Debug, Clone, Default)]
struct State {
    differences: Vec<Difference>,
    uncompared: Vec<String>,
}

impl State {
    fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

struct Proving<'a> {
    evidence: Evidence<'a>,
    versions: Vec<Version>,
    migrations: Vec<Migration>,
    /// What is known of each of them.
    states: Vec<Option<State>>,
    replayed: bool,
    /// What was left out on the way.
    notes: Vec<String>,
}

impl Proving<'_> {
    /// The version that was asked for.
    async fn asked(&mut self, last: usize) -> Result<usize, Vec<Problem>> {
        if !self.look(last).await? {
            self.replay().await?;
        }
        match &self.states[last] {
            Some(_) => Ok(last),
            None => Err(vec![self.unknown(last)]),
        }
    }

    /// The newest version that is equal, or the nearest.
    async fn newest(&mut self, last: usize) -> Result<usize, Vec<Problem>> {
        for at in (0..=last).rev() {
            if !self.look(at).await? {
                self.replay().await?;
                break;
            }
            if self.is_equal(at) {
                return Ok(at);
            }
        }
        self.look_at_all().await?;
        let known = || (0..=last).rev().filter_map(|at| Some((at, self.states[at].as_ref()?)));
        let equal = known().find(|(_, state)| state.is_equal());
        // Of equally near ones the newest.
        let nearest = || known().min_by_key(|(_, state)| state.differences.len());
        match equal.or_else(nearest) {
            Some((at, _)) => Ok(at),
            None => Err(vec![self.unknown(last)]),
        }
    }

    fn is_equal(&self, at: usize) -> bool {
        self.states[at].as_ref().is_some_and(State::is_equal)
    }

    fn unknown(&self, at: usize) -> Problem {
        let message = "has no snapshot, and there is no scratch database to find out what it leads to";
        let hint = "name a server where throw-away databases may be made (`scratch-url`), or write a snapshot with \
                    `whimbrel generate`";
        Problem::new(self.migrations[at].file(), message, hint)
    }

    /// Compares with the snapshot of a migration; `false`: it has none.
    async fn look(&mut self, at: usize) -> Result<bool, Vec<Problem>> {
        if self.states[at].is_some() {
            return Ok(true);
        }
        let dialect = self.evidence.dialect.dialect().name;
        let snapshot = self.evidence.snapshots.get(&self.versions[at], dialect).map_err(|problem| vec![problem])?;
        let Some(snapshot) = snapshot else { return Ok(false) };
        self.states[at] = Some(self.evidence.written(&snapshot.schema).await);
        Ok(true)
    }

    async fn look_at_all(&mut self) -> Result<(), Vec<Problem>> {
        for at in 0..self.versions.len() {
            self.look(at).await?;
        }
        Ok(())
    }

    /// Replays all of them, once, for what no snapshot tells.
    async fn replay(&mut self) -> Result<(), Vec<Problem>> {
        let Some(scratch) = self.evidence.scratch.filter(|_| !self.replayed) else { return Ok(()) };
        self.replayed = true;
        let (evidence, states) = (self.evidence, &mut self.states);
        let mut after = |at: usize, found: Introspected| {
            if let Some(state @ None) = states.get_mut(at) {
                *state = Some(evidence.printed(&found.schema));
            }
        };
        let Err(problem) = scratch.replay_each(&self.migrations, &mut after).await else { return Ok(()) };
        // With snapshots it goes on: nobody needs the right to make databases then.
        let has_snapshot = |version| self.evidence.snapshots.has(version);
        if !self.versions.iter().any(has_snapshot) {
            let hint = format!(
                "{}; or name a server for throw-away databases (`scratch-url`); with snapshots beside the migrations none \
                 is needed",
                problem.hint
            );
            return Err(vec![Problem { hint, ..problem }]);
        }
        self.notes.push(format!("versions without a snapshot: {}: {}", problem.file, problem.message));
        Ok(())
    }

    async fn proof(mut self, at: usize) -> Result<Proof, Vec<Problem>> {
        let untold = if self.is_equal(at) { self.untold(at).await? } else { Vec::new() };
        if !self.is_equal(at) {
            self.states.truncate(at + 1);
            self.versions.truncate(at + 1);
            self.look_at_all().await?;
            if self.states.iter().any(Option::is_none) {
                self.replay().await?;
            }
        }
        let state = self.states[at].clone().unwrap_or_default();
        let placed = state.differences.into_iter().map(|difference| self.placed(difference, at));
        let differences = placed.collect();
        let mut uncompared = state.uncompared;
        uncompared.append(&mut self.notes);
        uncompared.extend(self.evidence.live.uncompared.iter().cloned());
        Ok(Proof { version: self.versions.swap_remove(at), differences, uncompared, untold })
    }

    /// Finds since which migration the difference is one.
    fn placed(&self, difference: Difference, at: usize) -> Placed {
        let known: Vec<usize> = (0..=at).filter(|at| self.states[*at].is_some()).collect();
        let differs = |at: &usize| self.states[*at].as_ref().is_some_and(|it| it.differences.contains(&difference));
        let since = known.iter().rev().take_while(|at| differs(at)).last().copied().unwrap_or(at);
        let before = known.iter().copied().take_while(|known| *known < since).last();
        // From the beginning on: a table that is nobody's is one before the first migration, too.
        let nobodys = before.is_none() && self.evidence.printed(&Schema::default()).differences.contains(&difference);
        let first = before.map_or(0, |before| before + 1);
        let files = (!nobodys).then(|| (file_name(&self.migrations[first]), file_name(&self.migrations[since])));
        Placed { difference, files }
    }

    /// The files up to this one, newest first, that leave the schema as it was.
    async fn untold(&mut self, at: usize) -> Result<Vec<String>, Vec<Problem>> {
        let lexer = self.evidence.dialect.dialect().lexer;
        let mut untold = Vec::new();
        for at in (0..=at).rev() {
            let text = self.migrations[at].text().map_err(whimbrel_core::LoadError::into_problems)?;
            let is_code = text.is_empty() && self.migrations[at].is_code();
            let has_statements = is_code || split(lexer, &text).map_or(true, |statements| !statements.is_empty());
            if !has_statements {
                continue;
            }
            let writes_rows = !is_code && !crate::generate::changes_a_schema(lexer, &text);
            let leaves_it = match at.checked_sub(1) {
                Some(before) => {
                    self.look(before).await?;
                    self.is_equal(before)
                }
                None => false,
            };
            if !writes_rows && !leaves_it {
                break;
            }
            untold.push(file_name(&self.migrations[at]));
        }
        untold.reverse();
        Ok(untold)
    }
}

impl Evidence<'_> {
    /// Compares with a schema that a server of the same kind has written.
    fn printed(&self, expected: &Schema) -> State {
        let (live, uncompared) = outside::left_out(&self.live.schema, expected);
        State { differences: compare(expected, &live), uncompared }
    }

    /// Compares with a schema of a snapshot. Where the server writes queries anew, it is asked on the scratch database how
    /// it writes those of the snapshot; without one they are named as not compared.
    async fn written(&self, expected: &Schema) -> State {
        let (live, mut uncompared) = outside::left_out(&self.live.schema, expected);
        let compared = compare_live(expected, &live, &self.dialect.rules());
        let Compared { differences, uncompared: anew } = compared;
        if let (true, false, Some(scratch)) = (differences.is_empty(), anew.is_empty(), self.scratch)
            && let Ok(printed) = printed(self.dialect, scratch, &in_order_of(&live, expected)).await
        {
            return State { differences: compare(&printed, &live), uncompared };
        }
        uncompared.extend(anew);
        State { differences, uncompared }
    }
}

#[cfg(test)]
mod tests;
