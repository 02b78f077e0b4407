//! A replay that begins before it is asked for.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use whimbrel_backend_sqlite::SqliteBackend;
use whimbrel_core::{CancelToken, DirectorySource};

/// A folder on its way into a database in memory, on a thread of its own. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Ahead {
    folder: DirectorySource,
    given_up: CancelToken,
    thread: Option<JoinHandle<Option<Applied>>>,
}

/// A folder in a database in memory.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) database: Arc<SqliteBackend>,
    /// Nothing in it runs behind all versions, those that will be new too: repeatables.
    pub(super) is_versions_only: bool,
}

impl Ahead {
    /// Begins. `None` where the system has no thread to spare.
    pub(super) fn begin(folder: &DirectorySource) -> Option<Self> {
        let (source, given_up) = (folder.clone(), CancelToken::new());
        let token = given_up.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
            let backend = Arc::new(SqliteBackend::memory());
            let migrator = super::scratched(&(backend.clone() as _)).source(source).cancel(token);
            let report = runtime.block_on(migrator.migrate()).ok()?;
            let is_versions_only = report.applied.iter().all(|it| it.id.version().is_some());
            Some(Applied { database: backend, is_versions_only })
        };
        let thread = thread::Builder::new().name("whimbrel-replay".to_owned()).spawn(work).ok();
        thread.map(|thread| Self { folder: folder.clone(), given_up, thread: Some(thread) })
    }

    /// Whether it is of this folder, in the same format.
    pub(super) fn is_of(&self, folder: &DirectorySource) -> bool {
        self.folder.path() == folder.path() && self.folder.format() == folder.format()
    }

    /// The database, with everything that was in the folder. `None` where that failed.
    pub(super) async fn applied(mut self) -> Option<Applied> {
        let thread = self.thread.take()?;
        tokio::task::spawn_blocking(|| thread.join().ok().flatten()).await.ok().flatten()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.given_up.cancel();
        }
    }
}
