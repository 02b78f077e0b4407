//! What a backend's author brings.

use std::sync::Arc;

use whimbrel_core::{MigrationBackend, async_trait};

/// A kind of database under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The SQL that differs between databases. The rest of the kit's SQL is the plainest there is: `create table`,
    /// `insert`, `select`, `drop table`.
    fn snippets(&self) -> Snippets;

    /// Makes an empty database that nobody else uses.
    ///
    /// It may panic where that fails: then the test has failed.
    async fn fresh(&self) -> Box<dyn FreshDatabase>;
}

/// An empty database of one test's own. Dropping it may remove it.
///
/// What a database does not have, its cases are left out for, and say so.
#[async_trait]
pub trait FreshDatabase: Send + Sync {
    /// A client of the database, as another instance of a program would have it: it shares nothing with earlier ones
    /// but the database. Where there is but one connection (a database in memory), the same one.
    fn client(&self) -> Arc<dyn MigrationBackend>;

    /// A client that keeps the history in a table of this name, where the backend has that option.
    fn client_with_history(&self, table: &str) -> Option<Arc<dyn MigrationBackend>> {
        let _ = table;
        None
    }

    /// A client that may read everything that the others make, and has no right to write, where there is such a thing:
    /// a role of a server, a file that is opened for reading.
    async fn reader(&self) -> Option<Arc<dyn MigrationBackend>> {
        None
    }

    /// A client for a place where nothing answers, but might later: a server that is not there.
    fn unreachable(&self) -> Option<Arc<dyn MigrationBackend>> {
        None
    }

    /// What no client may show: the passwords and tokens in its configuration.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// A way to the database that a case can spoil, where there is a network between.
    async fn line(&self) -> Option<Box<dyn Line>> {
        None
    }
}

/// A way to a database, to be spoiled.
pub trait Line: Send + Sync {
    /// A client whose connections all go this way.
    fn client(&self) -> Arc<dyn MigrationBackend>;

    /// What a client sends arrives from now on, and its connection ends before it hears an answer.
    fn lose_answers(&self);

    /// Every connection ends now, on both sides.
    fn cut(&self);

    /// From now on nothing arrives on either side, and no connection ends; new ones are not answered.
    fn fall_silent(&self);
}

/// SQL that differs between databases.
#[derive(Debug, Clone, Copy)]
pub struct Snippets {
    /// A query for the names of all tables that are not the database's own: one row each, the name first.
    pub tables: &'static str,
    /// One statement that runs for longer than 20 seconds unless it is interrupted.
    pub slow: &'static str,
}
