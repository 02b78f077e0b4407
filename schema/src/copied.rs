//! Copies of a folder's migrations, for a replay.

use std::path::{Path, PathBuf};
use std::{fs, io};

use whimbrel_core::{Migration, Timestamp};

use crate::folder::file_name;

/// A copy of SQL files, gone when it is dropped.
pub(crate) struct Copied(PathBuf);

impl Copied {
    fn new() -> io::Result<Self> {
        let now = Timestamp::now().microseconds();
        let copy = Self(std::env::temp_dir().join(format!("whimbrel-replay-{}-{now}", std::process::id())));
        fs::create_dir_all(&copy.0)?;
        Ok(copy)
    }

    /// These migrations alone.
    pub(crate) fn only(folder: &Path, migrations: &[&Migration]) -> io::Result<Self> {
        let copy = Self::new()?;
        for migration in migrations {
            let name = file_name(migration);
            fs::copy(folder.join(&name), copy.0.join(&name))?;
        }
        Ok(copy)
    }

    /// Every SQL file, those that move under their new names.
    pub(crate) fn renamed(folder: &Path, moves: &[(PathBuf, PathBuf)]) -> io::Result<Self> {
        let copy = Self::new()?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let to = moves.iter().find(|(from, _)| *from == path).map_or(&path, |(_, to)| to);
                fs::copy(&path, copy.0.join(to.file_name().unwrap_or_default()))?;
            }
        }
        Ok(copy)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // What is left of a copy harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
