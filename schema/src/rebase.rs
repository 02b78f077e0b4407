//! Moving the migrations of one branch behind those that were merged before them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whimbrel_core::history::DEFAULT_NAMESPACE;
use whimbrel_core::{DirectorySource, LoadError, Migration, NewMigration, Problem, Source, Timestamp, Version};

use crate::copied::Copied;
use crate::folder::{Folder, file_name, first, unwritable};
use crate::generate::{Refused, Target, in_order_of, proof};
use crate::journal::{Entry, Journal};
use crate::model::Schema;
use crate::snapshot::Snapshot;

/// What is to be done in one target's folder; nothing is done yet, see [`Rebase::carry_out`].
#[derive(Debug)]
pub struct Rebase {
    /// The target's name.
    pub target: String,
    /// Files that get another name, in order.
    pub moves: Vec<(PathBuf, PathBuf)>,
    /// Whether the folder was replayed in its new order, and led to the schema.
    pub proved: bool,
    folder: PathBuf,
    /// Snapshots that are no longer of any migration's version, or of another migration.
    stale: Vec<PathBuf>,
    /// The snapshot of the newest version.
    newest: Option<Snapshot>,
    journal: Journal,
    time: String,
}

/// Plans a move of these migrations (`0005_add_boards`, as their files are called) behind all others, with the same new versions in
/// every target. One that is newer than all others already keeps its version.
///
/// The folder in its new order is replayed where the target has a scratch database, and must lead to the target's schema: a
/// migration that was generated before another one was merged may undo what that one did.
///
/// # Errors
///
/// [`Refused`]: a migration that is not there, files that cannot be read, and every difference of the replay.
pub async fn rebase(targets: &[Target<'_>], mine: &[String], now: Timestamp) -> Result<Vec<Rebase>, Refused> {
    let mut problems = Vec::new();
    let mut folders: Vec<(&Target<'_>, Vec<Migration>)> = Vec::new();
    for target in targets {
        match target.source().map_err(LoadError::from).and_then(versioned) {
            Ok(migrations) => folders.push((target, migrations)),
            Err(error) => problems.extend(error.into_problems()),
        }
    }
    // What is in a folder that cannot be read is not known.
    if !problems.is_empty() {
        return Err(Refused::from(problems));
    }
    for name in mine.iter().filter(|name| !folders.iter().any(|(_, all)| all.iter().any(|it| stem(it) == **name))) {
        problems.push(Problem::new(
            name.as_str(),
            "there is no such migration",
            "write its file's name without `.sql`",
        ));
    }
    if !problems.is_empty() {
        return Err(Refused::from(problems));
    }
    let renamed = versions(&folders, mine, now).map_err(|problem| Refused::from(vec![problem]))?;
    let mut rebases = Vec::new();
    for (target, migrations) in &folders {
        match one(target, migrations, &renamed, now).await {
            Ok(rebase) => rebases.push(rebase),
            Err(why) => problems.extend(why),
        }
    }
    if problems.is_empty() { Ok(rebases) } else { Err(Refused::from(problems)) }
}

/// The migrations of a folder that have a version, two of one version too.
fn versioned(source: DirectorySource) -> Result<Vec<Migration>, LoadError> {
    let folder = source.path();
    if !folder.exists() {
        return Ok(Vec::new());
    }
    if !source.is_own() {
        let message = format!("is a folder of {}, whose migrations cannot be given other versions", source.format());
        let hint = "merge its journal by hand, or rename the files of the branch";
        return Err(Problem::new(folder.display().to_string(), message, hint).into());
    }
    let loaded = source.load(&Arc::from(DEFAULT_NAMESPACE));
    // That a version stands twice is what this is for.
    let twice: Vec<String> =
        loaded.migrations.windows(2).filter(|pair| pair[0].id == pair[1].id).map(|pair| pair[1].file()).collect();
    LoadError::unless_empty(loaded.problems.into_iter().filter(|problem| !twice.contains(&problem.file)).collect())?;
    Ok(loaded.migrations.into_iter().filter(|migration| migration.id.version().is_some()).collect())
}

/// The name of its file without `.sql`.
fn stem(migration: &Migration) -> String {
    let name = file_name(migration);
    name.strip_suffix(".sql").unwrap_or(&name).to_owned()
}

/// The new version of each migration that moves, by the name of its file.
type Renamed = Vec<(String, Version)>;

fn versions(folders: &[(&Target<'_>, Vec<Migration>)], mine: &[String], now: Timestamp) -> Result<Renamed, Problem> {
    let all = || folders.iter().flat_map(|(_, migrations)| migrations);
    let is_mine = |migration: &Migration| mine.contains(&stem(migration));
    let mut known: Vec<Version> = all().filter(|it| !is_mine(it)).filter_map(|it| it.id.version().cloned()).collect();
    let mut moving: Vec<(Version, String, String)> = all()
        .filter(|it| is_mine(it))
        .filter_map(|it| Some((it.id.version()?.clone(), stem(it), it.name.to_string())))
        .collect();
    moving.sort();
    moving.dedup();
    let mut renamed = Vec::new();
    for (version, stem, name) in moving {
        let stays = known.iter().all(|other| *other < version);
        let next = match stays {
            true => version,
            false => NewMigration::named(&name, &known, now).map_err(|why| Problem::new(&*stem, why, ""))?.version,
        };
        known.push(next.clone());
        renamed.push((stem, next));
    }
    Ok(renamed)
}

async fn one(
    target: &Target<'_>,
    migrations: &[Migration],
    renamed: &Renamed,
    now: Timestamp,
) -> Result<Rebase, Vec<Problem>> {
    let version_of = |migration: &Migration| {
        let moved = renamed.iter().find(|(stem_of, _)| *stem_of == stem(migration));
        moved.map(|(_, version)| version.clone()).or_else(|| migration.id.version().cloned())
    };
    let mut order: Vec<(Version, &Migration)> =
        migrations.iter().filter_map(|migration| Some((version_of(migration)?, migration))).collect();
    order.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = order.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let message = format!("{} stands twice, and neither is to be moved", pair[1].0);
        let hint = format!("name the one that is to be moved: `whimbrel rebase {}`", stem(pair[1].1));
        return Err(vec![Problem::new(pair[1].1.file(), message, hint)]);
    }
    let moves: Vec<(PathBuf, PathBuf)> = order
        .iter()
        .filter(|(version, migration)| migration.id.version() != Some(version))
        .map(|(version, it)| (file_name(it), format!("{version}_{}.sql", it.name)))
        .map(|(from, to)| (target.folder.join(from), target.folder.join(to)))
        .collect();
    let (schema, proved) = wanted(target, &moves).await?;
    let newest = order.last().map(|(version, it)| target.snapshot(version.as_str(), &it.name, schema));
    let old = fs::read_to_string(crate::journal::path(&target.folder)).unwrap_or_default();
    Ok(Rebase {
        target: target.name.clone(),
        moves,
        proved,
        folder: target.folder.clone(),
        stale: stale(target, &order),
        newest,
        journal: salvaged(target.dialect.dialect().name, &old),
        time: now.to_string(),
    })
}

/// The schema that the folder in its new order must lead to, and whether a replay gave it.
async fn wanted(target: &Target<'_>, moves: &[(PathBuf, PathBuf)]) -> Result<(Schema, bool), Vec<Problem>> {
    let wanted = target.dialect.lower(&target.schema, &target.storage)?;
    let Some(scratch) = target.scratch else { return Ok((wanted, false)) };
    let copy = Copied::renamed(&target.folder, moves).map_err(|error| {
        let message = format!("cannot be copied for the replay: {error}");
        vec![Problem::new(target.folder.display().to_string(), message, "look at the rights and the space there")]
    })?;
    let is =
        scratch.replay(Some(&DirectorySource::new(copy.path())), &[]).await.map_err(|problem| vec![problem])?.schema;
    let differences = proof(target, scratch, &wanted, &is).await.map_err(|problem| vec![problem])?;
    if differences.is_empty() {
        return Ok((in_order_of(&is, &wanted), true));
    }
    let hint = "where the branch's migration undoes what was merged, remove it and generate it again; where the schema file \
        lacks something, write it there";
    let folder = target.folder.display().to_string();
    let message = |difference| format!("in the new order it does not lead to the schema: {difference}");
    Err(differences.iter().map(|it| Problem::new(folder.clone(), message(it), hint)).collect())
}

/// Snapshots that are of no migration in the new order, or that do not say the name of theirs.
fn stale(target: &Target<'_>, order: &[(Version, &Migration)]) -> Vec<PathBuf> {
    let meta = target.folder.join("meta");
    let entries = fs::read_dir(&meta).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_stale = |path: &PathBuf| {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(version) = file.strip_suffix("_snapshot.json").and_then(|it| it.parse::<Version>().ok()) else {
            return false;
        };
        let text = fs::read_to_string(path).unwrap_or_default();
        let told = Snapshot::from_json(path, &text).ok();
        !order.iter().any(|(of, migration)| {
            *of == version && told.as_ref().is_some_and(|snapshot| *snapshot.name == *migration.name)
        })
    };
    entries.filter(is_stale).collect()
}

/// The entries of a journal, those of both sides where a merge left it in conflict.
fn salvaged(dialect: &str, text: &str) -> Journal {
    let mut journal = Journal::new(dialect);
    for (at, _) in text.match_indices('{').skip(1) {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(Ok(entry)) = serde_json::Deserializer::from_str(rest).into_iter::<Entry>().next() {
            journal.entries.push(entry);
        }
    }
    journal
}

impl Rebase {
    /// Whether nothing has to be moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty()
    }

    /// Renames the files, and writes the snapshot of the newest migration and the journal.
    ///
    /// # Errors
    ///
    /// A file that cannot be renamed or written. Files that were renamed before get their names back.
    pub fn carry_out(&self) -> Result<(), Problem> {
        // The last first, so that no name is taken yet.
        for (at, (from, to)) in self.moves.iter().enumerate().rev() {
            if let Err(error) = rename(from, to) {
                let done = self.moves.get(at + 1..).unwrap_or_default();
                done.iter().for_each(|(from, to)| drop(fs::rename(to, from)));
                return Err(unwritable(to, &error));
            }
        }
        for path in &self.stale {
            fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
        }
        let Some(newest) = &self.newest else { return Ok(()) };
        let migrations = versioned(DirectorySource::new(&self.folder)).map_err(first)?;
        let journal = Some(self.journal.clone());
        let folder = Folder {
            path: self.folder.clone(),
            source: DirectorySource::new(&self.folder),
            migrations,
            journal,
            snapshot: None,
        };
        folder.enter(newest, &self.time)
    }
}

/// Renames a file where nothing stands in the place of the new name.
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    match to.try_exists()? {
        true => Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "there is a file of this name")),
        false => fs::rename(from, to),
    }
}
