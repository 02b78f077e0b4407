//! The schema engine of Whimbrel: one schema file in portable SQL, a model of it, what it becomes in each dialect, and
//! the changes that lead from one state to the next.
//!
//! ```text
//! schema.sql ──read──▶ Document ──lower──▶ Schema of a dialect ──diff──▶ changes ──script──▶ SQL
//!                                              ▲
//!                     meta/NNNN_snapshot.json ─┘
//! ```
//!
//! Nothing here speaks to a database. What differs between dialects stands behind [`SchemaDialect`], which the backends
//! implement in their `ddl.rs` and `introspect.rs`.

pub mod baseline;
mod between;
pub mod change;
mod compare;
mod copied;
mod dialect;
pub mod diff;
pub mod drizzle;
pub mod expr;
mod folder;
pub mod generate;
mod journal;
mod lock;
mod mermaid;
pub mod model;
mod pull;
pub mod read;
mod rebase;
mod snapshot;
mod snapshots;
mod squash;
mod tokens;
mod write;

pub use between::{Between, Choices, Side, between};
pub use change::Change;
pub use compare::{Compared, Difference, compare, compare_live};
pub use dialect::{
    Forms, Introspected, Loss, Part, Rename, RenamedObject, SchemaDialect, Script, ScriptRequest, Storage, fill_flag,
};
pub use expr::Expr;
pub use folder::Folder;
pub use journal::{Entry, Journal};
pub use lock::WriteLock;
pub use mermaid::mermaid;
pub use model::{Schema, Type};
pub use pull::{Pulled, pull};
pub use rebase::{Rebase, rebase};
pub use snapshot::Snapshot;
pub use snapshots::Snapshots;
pub use squash::{Squash, squash};
