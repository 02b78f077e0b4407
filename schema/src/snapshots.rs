//! The snapshots of a folder, each read when it is asked for.

use std::path::{Path, PathBuf};

use whimbrel_core::{EmbeddedFile, Problem, Version};

use crate::folder::{read_optional, snapshot_versions};
use crate::snapshot::{Snapshot, own};

/// The snapshots that stand beside migrations: in the folder, or in the program.
///
/// A snapshot is the schema after one migration. Not every migration needs to have one.
#[derive(Debug, Clone, Default)]
pub struct Snapshots(Kept);

#[derive(Debug, Clone, Default)]
enum Kept {
    #[default]
    Nowhere,
    Folder {
        meta: PathBuf,
        versions: Vec<Version>,
    },
    Program(&'static [EmbeddedFile]),
}

impl Snapshots {
    /// Those of a folder of migrations. One that is not there has none.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self, Problem> {
        let meta = folder.join("meta");
        let versions = snapshot_versions(&meta)?;
        Ok(Self(Kept::Folder { meta, versions }))
    }

    /// Those that `embed_snapshots!` put into the program.
    #[must_use]
    pub const fn embedded(files: &'static [EmbeddedFile]) -> Self {
        Self(Kept::Program(files))
    }

    /// Whether there is one of this version.
    #[must_use]
    pub fn has(&self, version: &Version) -> bool {
        match &self.0 {
            Kept::Nowhere => false,
            Kept::Folder { versions, .. } => versions.contains(version),
            Kept::Program(files) => files.iter().any(|file| is_of(file, version)),
        }
    }

    /// The snapshot of this version, where there is one. One that another tool wrote is none.
    ///
    /// # Errors
    ///
    /// A file that is no snapshot, or is one of another dialect.
    pub fn get(&self, version: &Version, dialect: &str) -> Result<Option<Snapshot>, Problem> {
        let (file, snapshot) = match &self.0 {
            Kept::Nowhere => return Ok(None),
            Kept::Folder { meta, versions } => {
                let Some(version) = versions.iter().find(|known| *known == version) else { return Ok(None) };
                let file = meta.join(Snapshot::file_name(version.as_str()));
                let snapshot = read_optional(&file, own)?.flatten();
                (file, snapshot)
            }
            Kept::Program(files) => {
                let Some(file) = files.iter().find(|file| is_of(file, version)) else { return Ok(None) };
                let path = PathBuf::from(file.path);
                let snapshot = own(&path, file.text)?;
                (path, snapshot)
            }
        };
        match snapshot {
            Some(other) if other.dialect != dialect => {
                let message = format!("is of {}, and the database is of {dialect}", other.dialect);
                Err(Problem::new(file.display().to_string(), message, "name the folder of the database's dialect"))
            }
            snapshot => Ok(snapshot),
        }
    }
}

fn is_of(file: &EmbeddedFile, version: &Version) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    let of = name.strip_suffix("_snapshot.json").and_then(|text| text.parse::<Version>().ok());
    of.as_ref() == Some(version)
}
