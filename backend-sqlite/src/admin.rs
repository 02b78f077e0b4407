//! Making and removing the database itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use whimbrel_core::{BackendError, BackendErrorKind, DatabaseAdmin, async_trait};

use crate::backend::{Place, SqliteBackend};
use crate::config::Access;
use crate::connection::{Connection, as_text, exists, no_such_file};
use crate::error::from_io;
use crate::program::row_count;
use crate::session::{Owner, Single, blocking};

/// What the caller has opened, and a server, is not made or dropped here: everything answers
/// [`Unsupported`](BackendErrorKind::Unsupported) for them.
#[async_trait]
impl DatabaseAdmin for SqliteBackend {
    /// One in memory always is.
    async fn exists(&self) -> Result<bool, BackendError> {
        match &self.place {
            Place::File { path, .. } => exists(path),
            Place::Single { owner: Owner::Backend, .. } => Ok(true),
            _ => Err(not_ours()),
        }
    }

    /// Makes the directory too. One in memory need not be made.
    async fn create(&self) -> Result<bool, BackendError> {
        let path = match &self.place {
            Place::Single { owner: Owner::Backend, .. } => return Ok(false),
            Place::File { path, access } => match (exists(path)?, access) {
                (true, _) => return Ok(false),
                (false, Access::Create) => path.clone(),
                (false, Access::Read | Access::Write) => return Err(no_such_file(path)),
            },
            _ => return Err(not_ours()),
        };
        blocking(async move || {
            let connection = Connection::open_file(&path, Access::Create, true).await?;
            // A file of no bytes is an empty database too, but looks like an accident; this writes its first page.
            connection.execute("VACUUM").await.map(|()| true)
        })
        .await?
    }

    /// Deletes the file and what SQLite keeps beside it (`-journal`, `-wal`, `-shm`). `Busy` while another connection writes
    /// and `Config` where the file is no database: it is kept then.
    async fn drop(&self) -> Result<bool, BackendError> {
        match &self.place {
            Place::File { path, .. } => {
                let path = path.clone();
                blocking(async move || drop_file(&path).await).await?
            }
            Place::Single { single, owner: Owner::Backend } => drop_memory(single),
            _ => Err(not_ours()),
        }
    }

    /// Without SQLite's own tables and without the history. Nothing for a file that is not there.
    async fn contents(&self) -> Result<Vec<(String, u64)>, BackendError> {
        let history = self.options().history.name().to_owned();
        match &self.place {
            Place::File { path, access } => {
                let (path, access) = (path.clone(), *access);
                blocking(async move || {
                    if !exists(&path)? {
                        return Ok(Vec::new());
                    }
                    counts(&Connection::open_file(&path, access, false).await?, &history).await
                })
                .await?
            }
            Place::Single { single, owner: Owner::Backend } => {
                match single.try_lock().map_err(|_| in_use())?.as_ref() {
                    Some(connection) => counts(connection, &history).await,
                    None => Ok(Vec::new()),
                }
            }
            _ => Err(not_ours()),
        }
    }
}

async fn counts(connection: &Connection, history: &str) -> Result<Vec<(String, u64)>, BackendError> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let names = connection.query(sql, Vec::new()).await?;
    let mut tables = Vec::new();
    for name in names.rows.into_iter().flat_map(as_text).flatten().filter(|name| !name.eq_ignore_ascii_case(history)) {
        let rows = match row_count(connection, &name).await {
            Ok(rows) => rows.unwrap_or(0),
            // A virtual table whose module this build does not have; its rows are in tables of their own.
            Err(error) if error.message().starts_with("no such module") => continue,
            Err(error) => return Err(error),
        };
        tables.push((name, rows));
    }
    Ok(tables)
}

async fn drop_file(path: &Path) -> Result<bool, BackendError> {
    if !exists(path)? {
        return Ok(false);
    }
    {
        let connection = Connection::open_file(path, Access::Write, false).await?;
        // Fails where it is no database, and while somebody writes.
        connection.execute("BEGIN EXCLUSIVE").await?;
        connection.roll_back().await?;
    }
    // The database first: SQLite ignores a log without one, and would replay a log into a new one of the same name.
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let file = beside(path, suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(from_io(error, "delete", &file)),
            _ => {}
        }
    }
    Ok(true)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn drop_memory(single: &Single) -> Result<bool, BackendError> {
    Ok(single.try_lock().map_err(|_| in_use())?.take().is_some())
}

fn in_use() -> BackendError {
    BackendError::new(BackendErrorKind::Busy, "a session uses the database in memory")
        .with_hint("end the session first")
}

fn not_ours() -> BackendError {
    BackendError::new(
        BackendErrorKind::Unsupported,
        "a database that the program has opened, or of a server, is not made or dropped here",
    )
    .with_hint("do it where the database is opened")
}
