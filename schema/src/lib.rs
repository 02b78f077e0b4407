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

pub mod change;
mod dialect;
pub mod expr;
pub mod model;

pub use change::Change;
pub use dialect::{Introspected, Loss, Part, Rename, RenamedObject, SchemaDialect, Script, ScriptRequest, Storage};
pub use expr::Expr;
pub use model::{Schema, Type};
