//! The Postgres backend of Whimbrel, on tokio-postgres.
//!
//! [`PostgresBackend`] is made of a URL, a driver's configuration, or a pool. It sends a transactional migration as one
//! message, so it costs one round trip; a run with nothing to do costs a connection and one query. It uses the simple
//! query protocol, `SET LOCAL` and no start-up options, so that it works through a connection pooler. It notices one: there
//! it takes no lock, which would stay with the pool, and the claim in each migration's own transaction keeps runs apart.

mod admin;
mod backend;
mod config;
mod connect;
#[cfg(feature = "schema")]
mod ddl;
mod error;
mod history;
mod interrupt;
#[cfg(feature = "schema")]
mod introspect;
mod passfile;
mod pooler;
mod program;
mod session;
mod sql;
mod tls;
mod url;

pub use backend::PostgresBackend;
#[cfg(feature = "schema")]
pub use ddl::PostgresSchema;
pub use {deadpool_postgres, tokio_postgres};
