//! A migration folder with its journal and snapshots, as it stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whimbrel_core::history::DEFAULT_NAMESPACE;
use whimbrel_core::{DirectorySource, LoadError, Migration, Problem, Source, UnknownFormat, Version};

use crate::journal::{self, Entry, Journal};
use crate::snapshot::{Snapshot, own};

/// The migrations of a folder, and what stands about them in `meta/`.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// How it is read.
    pub source: DirectorySource,
    /// Its migrations that have a version, in order.
    pub migrations: Vec<Migration>,
    /// Its journal; `None`: there is none.
    pub journal: Option<Journal>,
    /// The newest snapshot; `None`: there is none.
    pub snapshot: Option<Snapshot>,
}

impl Folder {
    /// Reads a folder in the format that its marks show. One that is not there is an empty one.
    ///
    /// # Errors
    ///
    /// Migrations that cannot be loaded, and files of `meta/` that cannot be read, all at once. That they do not agree
    /// is no error here, see [`Folder::disagreements`].
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let source = DirectorySource::open(path, None, None).map_err(UnknownFormat::into_problem)?;
        Self::of(source)
    }

    /// Reads a folder as this source does. The journal of another tool's folder is that tool's, and not read here.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn of(source: DirectorySource) -> Result<Self, LoadError> {
        let path = source.path();
        let (path, migrations) = (path.to_owned(), Vec::new());
        let mut folder = Self { path, source, migrations, journal: None, snapshot: None };
        let path = &folder.path;
        if !path.exists() {
            return Ok(folder);
        }
        let mut problems = Vec::new();
        match folder.source.load(&Arc::from(DEFAULT_NAMESPACE)).complete() {
            Ok(migrations) => folder.migrations = migrations.into_iter().filter(|m| m.id.version().is_some()).collect(),
            Err(error) => problems.extend(error.into_problems()),
        }
        if folder.source.is_own() {
            match read_optional(&folder.journal_path(), Journal::from_json) {
                Ok(journal) => folder.journal = journal,
                Err(problem) => problems.push(problem),
            }
        }
        match folder.newest_snapshot() {
            Ok(snapshot) => folder.snapshot = snapshot,
            Err(problem) => problems.push(problem),
        }
        LoadError::unless_empty(problems)?;
        Ok(folder)
    }

    /// The dialect that a folder of this tool or another says it is of, in that tool's words: in its journal, else in its newest
    /// snapshot. `None`: it does not say. No migration is read.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn dialect_of(path: &Path) -> Result<Option<String>, Problem> {
        let journal = read_optional(&journal::path(path), |_, text| Ok(said_dialect(text)))?;
        if let Some(dialect) = journal.flatten() {
            return Ok(Some(dialect));
        }
        let meta = path.join("meta");
        let own =
            snapshot_versions(&meta)?.into_iter().max().map(|newest| meta.join(Snapshot::file_name(newest.as_str())));
        // Newer folders of Drizzle have one beside each migration, and no journal.
        let beside = || with_snapshot(path).map(|folders| folders.into_iter().max().map(|it| it.join("snapshot.json")));
        let Some(newest) = own.map_or_else(beside, |own| Ok(Some(own)))? else { return Ok(None) };
        Ok(read_optional(&newest, |_, text| Ok(said_dialect(text)))?.flatten())
    }

    /// The folder of journal and snapshots.
    #[must_use]
    pub fn meta(&self) -> PathBuf {
        self.path.join("meta")
    }

    /// The journal's file.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        journal::path(&self.path)
    }

    /// The file of a version's snapshot.
    #[must_use]
    pub fn snapshot_path(&self, version: &str) -> PathBuf {
        self.meta().join(Snapshot::file_name(version))
    }

    /// The version of the newest migration.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.migrations.iter().filter_map(|migration| migration.id.version()).max()
    }

    /// Migrations newer than the newest snapshot: written by hand.
    pub fn since_snapshot(&self) -> impl Iterator<Item = &Migration> {
        let known: Option<Version> = self.snapshot.as_ref().and_then(|snapshot| snapshot.version.parse().ok());
        let newer =
            move |migration: &&Migration| known.as_ref().is_none_or(|known| migration.id.version() > Some(known));
        self.migrations.iter().filter(newer)
    }

    fn newest_snapshot(&self) -> Result<Option<Snapshot>, Problem> {
        let mut versions = snapshot_versions(&self.meta())?;
        versions.sort_unstable();
        if self.source.is_own() {
            let Some(newest) = versions.pop() else { return Ok(None) };
            return read_optional(&self.snapshot_path(newest.as_str()), Snapshot::from_json);
        }
        // The other tool's stand among them.
        for version in versions.iter().rev() {
            if let Some(Some(own)) = read_optional(&self.snapshot_path(version.as_str()), own)? {
                return Ok(Some(own));
            }
        }
        Ok(None)
    }

    /// Every way in which files, journal and snapshots do not agree. Nothing where there is no journal: such a folder is
    /// written by hand.
    #[must_use]
    pub fn disagreements(&self, dialect: &str) -> Vec<Problem> {
        let Some(journal) = &self.journal else { return Vec::new() };
        let mut problems = Vec::new();
        let file = self.journal_path().display().to_string();
        if journal.dialect != dialect {
            let message = format!("is of {}, and the target is of {dialect}", journal.dialect);
            problems.push(Problem::new(file.clone(), message, "name another folder for the target"));
        }
        for migration in &self.migrations {
            problems.extend(self.entry_of(migration, journal).err());
        }
        for entry in &journal.entries {
            let is_it = |migration: &Migration| version_of(migration) == entry.version;
            if !self.migrations.iter().any(is_it) {
                let message = format!("lists {} {}, and there is no such file", entry.version, entry.name);
                problems.push(Problem::new(file.clone(), message, "restore the file from version control"));
            }
        }
        let versions: Vec<Option<Version>> = journal.entries.iter().map(|entry| entry.version.parse().ok()).collect();
        if versions.windows(2).any(|pair| pair[0] >= pair[1]) {
            problems.push(Problem::new(
                file,
                "its entries are not in order",
                "put them in the order of their versions",
            ));
        }
        let orphans = snapshot_versions(&self.meta()).unwrap_or_default().into_iter();
        let orphans = orphans.filter(|it| !self.migrations.iter().any(|migration| migration.id.version() == Some(it)));
        problems.extend(orphans.map(|version| {
            let file = self.snapshot_path(version.as_str()).display().to_string();
            Problem::new(file, "there is no migration of this version", "remove it, or restore the migration")
        }));
        if let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.dialect != dialect) {
            let file = self.snapshot_path(&snapshot.version).display().to_string();
            let message = format!("is of {}, and the target is of {dialect}", snapshot.dialect);
            problems.push(Problem::new(file, message, "name another folder for the target"));
        }
        problems
    }

    /// The journal's entry of a migration, which must be there and have its checksum.
    fn entry_of(&self, migration: &Migration, journal: &Journal) -> Result<(), Problem> {
        let refresh = "`whimbrel generate` enters it, where the file is as it should be";
        match journal.entry(&version_of(migration)) {
            None => Err(Problem::new(migration.file(), "is not in the journal", refresh)),
            Some(entry) if entry.checksum != migration.checksum.to_string() => {
                Err(Problem::new(migration.file(), "has changed since it was entered in the journal", refresh))
            }
            Some(entry) if *entry.name != *migration.name => {
                let message = format!("is called {} in the journal", entry.name);
                Err(Problem::new(migration.file(), message, refresh))
            }
            Some(_) => Ok(()),
        }
    }

    /// Writes the snapshot of the newest migration, and the journal as the files are now.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub(crate) fn enter(&self, snapshot: &Snapshot, time: &str) -> Result<(), Problem> {
        let write = |path: PathBuf, text: String| {
            let made = fs::create_dir_all(self.meta()).and_then(|()| fs::write(&path, text));
            made.map_err(|error| unwritable(&path, &error))
        };
        write(self.snapshot_path(&snapshot.version), snapshot.to_json())?;
        write(self.journal_path(), self.journal_of_files(&snapshot.dialect, time).to_json())
    }

    /// The journal as the files are now; what is entered anew has this time.
    #[must_use]
    pub fn journal_of_files(&self, dialect: &str, time: &str) -> Journal {
        let mut journal = Journal::new(dialect);
        for migration in &self.migrations {
            let (version, checksum) = (version_of(migration), migration.checksum.to_string());
            let known = self.journal.as_ref().and_then(|journal| journal.entry(&version));
            let known = known.filter(|entry| entry.checksum == checksum && *entry.name == *migration.name);
            journal.entries.push(known.cloned().unwrap_or_else(|| Entry {
                version,
                name: migration.name.to_string(),
                time: time.to_owned(),
                checksum,
            }));
        }
        journal
    }
}

fn version_of(migration: &Migration) -> String {
    migration.id.version().map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn read_optional<T>(
    path: &Path,
    read: impl Fn(&Path, &str) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    match fs::read_to_string(path) {
        Ok(text) => read(path, &text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The word under `dialect` in a journal or a snapshot of whatever tool.
fn said_dialect(text: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(text).ok()?.get("dialect")?.as_str().map(str::to_owned)
}

/// The folders in a folder that hold a snapshot.
fn with_snapshot(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    let folders = entries.flatten().map(|entry| entry.path());
    Ok(folders.filter(|folder| folder.join("snapshot.json").is_file()).collect())
}

/// The name of a migration's file in its folder.
pub(crate) fn file_name(migration: &Migration) -> String {
    let file = migration.file();
    Path::new(&file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or(file)
}

/// A file of a folder that cannot be written, renamed or removed.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    let hint = "give this program the right to write there; version control has what was there before";
    Problem::new(path.display().to_string(), format!("cannot be written: {error}"), hint)
}

/// The first of several problems; there is one.
pub(crate) fn first(error: LoadError) -> Problem {
    error.into_problems().into_iter().next().unwrap_or_else(|| Problem::new("", "it cannot be read", ""))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        path.display().to_string(),
        format!("cannot be read: {error}"),
        "give this program the right to read it",
    )
}

/// The versions that have a snapshot.
pub(crate) fn snapshot_versions(meta: &Path) -> Result<Vec<Version>, Problem> {
    let entries = match fs::read_dir(meta) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(meta, &error)),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix("_snapshot.json")?.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_folder_of_any_tool_says_its_dialect() {
        let folder = TempDir::new().unwrap();
        let said = || Folder::dialect_of(folder.path()).unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(said(), None);
        write("20250101000000_first/snapshot.json", r#"{"dialect": "sqlite"}"#);
        write("20250102000000_second/snapshot.json", r#"{"dialect": "turso"}"#);
        assert_eq!(said().as_deref(), Some("turso"), "the newest of those beside migrations");
        write("meta/0000_snapshot.json", r#"{"dialect": "postgresql"}"#);
        write("meta/0001_snapshot.json", r#"{"dialect": "postgres"}"#);
        assert_eq!(said().as_deref(), Some("postgres"), "the newest of those in one folder");
        write("meta/_journal.json", "no JSON");
        assert_eq!(said().as_deref(), Some("postgres"));
        write("meta/_journal.json", r#"{"dialect": "sqlite", "entries": []}"#);
        assert_eq!(said().as_deref(), Some("sqlite"));
    }
}
