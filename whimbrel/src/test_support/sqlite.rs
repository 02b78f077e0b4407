//! Copies of a migrated file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::SystemTime;

use whimbrel_backend_sqlite::SqliteBackend;

use super::{ABANDONED, Template, TestDatabaseError, UNUSED, age, unique};

const TEMPLATE: &str = "whimbrel-template-";
const TEST: &str = "whimbrel-test-";

/// A SQLite file of one test's own; dropping it removes the file.
#[derive(Debug)]
pub struct SqliteTest {
    path: PathBuf,
    backend: SqliteBackend,
}

impl SqliteTest {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its URL: `sqlite:PATH`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    /// A backend for it.
    #[must_use]
    pub fn backend(&self) -> &SqliteBackend {
        &self.backend
    }
}

impl Drop for SqliteTest {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

impl Template {
    /// Keeps SQLite files in this folder instead of the usual one: `/dev/shm` where there is one, since what is tested is
    /// not the disk, else the system's folder for temporary files.
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    #[must_use]
    pub fn sqlite_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// A SQLite file with everything applied.
    ///
    /// # Errors
    ///
    /// Migrations that fail, and files that cannot be made.
    pub async fn sqlite(&self) -> Result<SqliteTest, TestDatabaseError> {
        let folder = self.folder.clone().unwrap_or_else(usual_folder);
        let template = self.sqlite_template(&folder).await?;
        let path = folder.join(format!("{TEST}{}.db", unique()));
        fs::copy(&template, &path)?;
        Ok(SqliteTest { backend: SqliteBackend::open(&path), path })
    }

    /// The template's file, made where it is not there.
    async fn sqlite_template(&self, folder: &Path) -> Result<PathBuf, TestDatabaseError> {
        let making = folder.join(format!("{TEST}{}.db", unique()));
        let backend = SqliteBackend::open(&making);
        let template = folder.join(format!("{TEMPLATE}{}.db", self.key(Arc::new(backend.clone()))?));
        if template.exists() {
            sweep_once(folder, &template);
            return Ok(template);
        }
        fs::create_dir_all(folder)?;
        let made = SqliteTest { backend: backend.clone(), path: making };
        self.migrator(Arc::new(backend)).migrate().await?;
        if !made.path.exists() {
            // Without any migration nothing was written, and an empty file is an empty database.
            fs::write(&made.path, [])?;
        }
        // Whoever is second replaces a file by an equal one, which those who copy it do not notice.
        fs::rename(&made.path, &template)?;
        Ok(template)
    }
}

fn usual_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// Removes a database with what SQLite keeps beside it.
fn remove(path: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        // Most of them are not there.
        let _ = fs::remove_file(file);
    }
}

/// Removes what killed processes left and templates that nobody uses, once in a process; marks this template as used.
fn sweep_once(folder: &Path, used: &Path) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(file) = fs::File::options().append(true).open(used) {
            let _ = file.set_modified(SystemTime::now());
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".db")) else { continue };
            let unused = || entry.metadata().and_then(|data| data.modified()).ok()?.elapsed().ok();
            let old = match (name.strip_prefix(TEST), name.strip_prefix(TEMPLATE)) {
                (Some(test), _) => age(test).is_some_and(|age| age > ABANDONED),
                (_, Some(_)) => unused().is_some_and(|age| age > UNUSED),
                _ => false,
            };
            if old {
                remove(&entry.path());
            }
        }
    });
}
