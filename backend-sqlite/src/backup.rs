//! A copy of the database in a file beside it.
//!
//! It is written under a name that ends with `.partial`, flushed to the disk, and only then gets its own name, which is
//! `app.db.20261122T155835Z.at-0003.backup`: so what has such a name is whole, whenever the power or the process ended.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use libsql::Value;
use whimbrel_core::history::newest_applied;
use whimbrel_core::{BackendError, BackendErrorKind, Backup, HistoryDetail, Version};

use crate::config::Access;
use crate::connection::{Connection, literal_path};
use crate::error::{Place, from_driver};
use crate::history::HistoryTable;
use crate::native::Native;
use crate::program::Switch;

/// How many names are tried where others made copies in the same second.
const MOST_NAMES: u32 = 1_000;

/// What is to be copied.
pub(crate) struct Order {
    /// The file as people name it; `None`: the connection tells.
    pub(crate) file: Option<PathBuf>,
    pub(crate) history: HistoryTable,
    /// Whose newest version is in the copy's name.
    pub(crate) namespace: String,
}

impl Order {
    /// Copies the database of the connection.
    ///
    /// # Errors
    ///
    /// `Unsupported` where it is no file, `Busy` where its file cannot be read now, `Interrupted` where the switch says so,
    /// and whatever keeps the copy from being written. No part of it is left then.
    pub(crate) async fn carry_out(self, connection: &Connection, switch: &Switch) -> Result<Backup, BackendError> {
        let file = match &self.file {
            Some(file) => file.clone(),
            None => file_of(connection).await?,
        };
        let moment = match connection.value("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", Vec::new()).await? {
            Some(Value::Text(moment)) => moment,
            _ => return Err(BackendError::new(BackendErrorKind::Internal, "sqlite did not tell the time")),
        };
        let partial = Partial::create(&file, &moment)?;
        let version = match connection.native() {
            Some(native) => self.copy_pages(connection, native, &partial, switch).await?,
            None => self.copy_rows(connection, &partial).await?,
        };
        let bytes = partial.flush(&file)?;
        let file = partial.publish(&file, &moment, version.as_ref())?;
        Ok(Backup { file, version, bytes, exact: connection.has_native() })
    }

    /// Page by page, all of one moment: a transaction that reads holds that moment, and in WAL mode holds nobody up.
    async fn copy_pages(
        &self,
        connection: &Connection,
        native: &Native,
        partial: &Partial,
        switch: &Switch,
    ) -> Result<Option<Version>, BackendError> {
        connection.execute("BEGIN").await?;
        let copied = async {
            // The transaction begins with the first look into the file.
            connection.value("SELECT count(*) FROM main.sqlite_schema", Vec::new()).await?;
            let version = self.newest(connection).await?;
            let go_on = || !switch.stopped();
            native.copy_pages(&c_path(&partial.path)?, &go_on).map_err(|error| partial.not_written(error))?;
            Ok(version)
        };
        let copied = copied.await;
        connection.roll_back().await?;
        copied
    }

    /// Where the handle is out of reach: SQLite writes the rows into a new database.
    async fn copy_rows(&self, connection: &Connection, partial: &Partial) -> Result<Option<Version>, BackendError> {
        let path = literal_path(&partial.path);
        let path = path.to_str().ok_or_else(|| not_utf8(&partial.path))?.to_owned();
        let copied = connection.driver_execute("VACUUM main INTO ?1", vec![Value::Text(path)]).await;
        copied.map_err(|error| partial.not_written(error))?;
        self.newest(&Connection::open_file(&partial.path, Access::Read, false).await?).await
    }

    async fn newest(&self, connection: &Connection) -> Result<Option<Version>, BackendError> {
        let rows = self.history.read(connection, HistoryDetail::Check).await?;
        Ok(newest_applied(&rows.unwrap_or_default(), &self.namespace))
    }
}

/// The file that a connection has open.
async fn file_of(connection: &Connection) -> Result<PathBuf, BackendError> {
    let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    match connection.value(sql, Vec::new()).await? {
        Some(Value::Text(file)) if !file.is_empty() => Ok(file.into()),
        _ => Err(BackendError::new(
            BackendErrorKind::Unsupported,
            "a backup was asked for, and this database is no file that could be copied",
        )
        .with_hint("migrate without one: a database in memory ends with the program that made it")),
    }
}

/// A copy that has no name of its own yet. It goes with this value.
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// Makes an empty file beside the database, which nobody else may read until it has the database's rights.
    fn create(database: &Path, moment: &str) -> Result<Self, BackendError> {
        let process = std::process::id();
        let name = |number: &str| format!(".{moment}-{process}{number}.partial");
        let create = |path: &Path| {
            let mut options = OpenOptions::new();
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.write(true).create_new(true).open(path).map(drop)
        };
        let path = first_free(database, name, create).map_err(|error| not_made(database, error))?;
        Ok(Self { path })
    }

    /// Gives the copy the rights that the database has, and waits until it is on the disk; its size.
    fn flush(&self, database: &Path) -> Result<u64, BackendError> {
        let flush = || {
            take_over_rights(&fs::metadata(database)?, &self.path)?;
            let file = File::open(&self.path)?;
            file.sync_all()?;
            file.metadata().map(|metadata| metadata.len())
        };
        flush().map_err(|error| not_made(database, error))
    }

    /// Gives the copy its name, unless there is one of that name already, and waits until that is on the disk.
    fn publish(self, database: &Path, moment: &str, version: Option<&Version>) -> Result<PathBuf, BackendError> {
        let version = version.map_or("none", Version::as_str);
        let name = |number: &str| format!(".{moment}.at-{version}{number}.backup");
        let published = first_free(database, name, |path| name_new(&self.path, path));
        let published = published.map_err(|error| not_made(database, error))?;
        flush_folder(&published).map_err(|error| not_made(database, error))?;
        Ok(published)
    }

    /// SQLite could not write it.
    fn not_written(&self, error: libsql::Error) -> BackendError {
        let error = from_driver(error, Place::default());
        let kind = error.kind();
        if matches!(kind, BackendErrorKind::Busy | BackendErrorKind::Interrupted) {
            return error;
        }
        let told = BackendError::new(kind, format!("cannot write `{}`: {}", self.path.display(), error.message()));
        let told = match error.code() {
            Some(code) => told.with_code(code),
            None => told,
        };
        told.with_hint("make room for a second copy of the database beside it, or migrate without a backup")
            .with_source(error)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Published, it has this name no more, or besides its own.
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, file = %self.path.display(), "a part of a backup could not be removed");
            }
            _ => {}
        }
    }
}

/// The first path beside the database for which `make` does not find a file there.
fn first_free(
    database: &Path,
    name: impl Fn(&str) -> String,
    make: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    for number in 1..=MOST_NAMES {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let mut file = database.file_name().map_or_else(OsString::new, OsStr::to_owned);
        file.push(name(&number));
        let path = database.with_file_name(file);
        match make(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "every name is taken"))
}

/// Gives a file a name, without ever overwriting another. It may keep its old name beside.
fn name_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        // A file system without links.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !fs::exists(to)? => fs::rename(from, to),
        named => named,
    }
}

#[cfg(unix)]
fn take_over_rights(of: &Metadata, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    // Only an administrator may give a file away; then it has to be the owner's who reads the database.
    let _ = chown(to, Some(of.uid()), Some(of.gid()));
    fs::set_permissions(to, of.permissions())
}

#[cfg(not(unix))]
fn take_over_rights(_: &Metadata, _: &Path) -> io::Result<()> {
    Ok(())
}

/// A name is on the disk when its folder is.
#[cfg(unix)]
fn flush_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some file systems cannot, and need not.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

#[cfg(not(unix))]
fn flush_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn not_made(database: &Path, error: io::Error) -> BackendError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => BackendErrorKind::Permission,
        io::ErrorKind::ReadOnlyFilesystem => BackendErrorKind::ReadOnly,
        _ => BackendErrorKind::Statement,
    };
    BackendError::new(kind, format!("cannot make a copy beside `{}`: {error}", database.display()))
        .with_hint("a backup needs room and the right to write in the database's folder; or migrate without one")
        .with_source(error)
}

fn c_path(path: &Path) -> Result<CString, BackendError> {
    let path = literal_path(path);
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    let bytes = path.to_str().ok_or_else(|| not_utf8(&path))?.to_owned().into_bytes();
    CString::new(bytes)
        .map_err(|error| BackendError::new(BackendErrorKind::Config, "the path holds a NUL").with_source(error))
}

fn not_utf8(path: &Path) -> BackendError {
    BackendError::new(BackendErrorKind::Config, format!("the path `{}` is not UTF-8", path.display()))
        .with_hint("rename the database's file")
}

#[cfg(test)]
mod tests;
