//! What hooks and migrations written in Rust get to speak to the database with.

use async_trait::async_trait;

use crate::backend::TextRow;
use crate::error::BackendError;

/// SQL on the session of the run: it can run statements, and cannot commit, roll back or touch the history.
#[async_trait]
pub trait Sql: Send {
    /// Runs one statement; its rows are thrown away. Gives the number of rows that it changed, where the database tells.
    ///
    /// # Errors
    ///
    /// The database's error; and [`Unsupported`](crate::BackendErrorKind::Unsupported) before anything is sent where the
    /// text holds several statements, or controls a transaction.
    async fn execute(&mut self, sql: &str) -> Result<u64, BackendError>;

    /// Runs one statement and gives its rows, every value as the database writes it in text.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>, BackendError>;
}

/// Any error, as hooks and migrations written in Rust give it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A migration, or a hook, written in Rust.
///
/// ```
/// use whimbrel_core::{BoxError, RustMigration, Sql, async_trait};
///
/// struct SplitNames;
///
/// #[async_trait]
/// impl RustMigration for SplitNames {
///     async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
///         for row in sql.query("select id, name from users").await? {
///             let (Some(id), Some(name)) = (&row[0], &row[1]) else { continue };
///             let first = name.split(' ').next().unwrap_or("").replace('\'', "''");
///             sql.execute(&format!("update users set first_name = '{first}' where id = {id}")).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait RustMigration: Send + Sync {
    /// Does it. On an error everything that it did is rolled back.
    ///
    /// # Errors
    ///
    /// Whatever stops it; an error of [`Sql`] keeps its place and code when it is passed on with `?`.
    async fn run(&self, sql: &mut dyn Sql) -> Result<(), BoxError>;
}
