//! The SQLite and libSQL backend of Whimbrel, on the `libsql` crate.
//!
//! ```
//! use whimbrel_backend_sqlite::SqliteBackend;
//!
//! # fn main() -> Result<(), whimbrel_core::BackendError> {
//! let file = SqliteBackend::from_url("sqlite:data/app.db")?;
//! let private = SqliteBackend::memory();
//! # drop((file, private));
//! # Ok(())
//! # }
//! ```
//!
//! A file is made when something is first written to it: reading the history of a database that does not exist makes
//! nothing. A database in memory that belongs to your program is migrated over your own connection to it
//! ([`SqliteBackend::from_connection`]), because every other connection to `:memory:` is another database.
//!
//! On connections that the backend opens itself, three things hold that SQLite does not give by itself: a double-quoted
//! name that names nothing is an error and never a string; errors carry their place in the statement; and a migration's
//! text cannot end the transaction that it runs in, because SQLite refuses to prepare such a statement. On a connection
//! of yours the first two do not hold (a warning says so) and the third is noticed only after the statement.

mod admin;
mod backend;
mod backup;
mod config;
mod connection;
#[cfg(feature = "schema")]
mod ddl;
mod error;
mod history;
#[cfg(feature = "schema")]
mod introspect;
mod native;
mod prepared;
mod program;
mod session;
mod settings;
mod time;
mod worker;

pub use backend::SqliteBackend;
#[cfg(feature = "schema")]
pub use ddl::SqliteSchema;
pub use libsql;
