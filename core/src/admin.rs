//! Making and removing whole databases.

use async_trait::async_trait;

use crate::error::BackendError;

/// What `create`, `drop` and `reset` need of a backend.
#[async_trait]
pub trait DatabaseAdmin: Send + Sync {
    /// Whether the database is there.
    async fn exists(&self) -> Result<bool, BackendError>;
    /// Makes it. `false`: it was there already.
    async fn create(&self) -> Result<bool, BackendError>;
    /// Removes it with everything in it. `false`: it was not there.
    async fn drop(&self) -> Result<bool, BackendError>;
    /// Its tables with their rows: what a drop would lose.
    async fn contents(&self) -> Result<Vec<(String, u64)>, BackendError>;
}
