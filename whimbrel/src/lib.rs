#![doc = include_str!("lib.md")]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::{Database, HistoryPlace};
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(all(feature = "test-support", any(feature = "sqlite", feature = "postgres")))]
pub mod test_support;

pub use whimbrel_core::*;
pub use whimbrel_macros::embed_migrations;
#[cfg(feature = "schema")]
pub use whimbrel_macros::embed_snapshots;

/// SQLite and libSQL.
#[cfg(feature = "sqlite")]
pub mod sqlite {
    pub use whimbrel_backend_sqlite::*;
}

/// Postgres.
#[cfg(feature = "postgres")]
pub mod postgres {
    pub use whimbrel_backend_postgres::*;
}

/// Puts the files of a migration folder into the program.
///
/// Takes the folder's path, relative to the package's `Cargo.toml`, and gives an [`EmbeddedSource`]. What
/// [`DirectorySource`] refuses when it loads (an unknown file, a version that stands twice, a bad name, a file that is
/// not UTF-8) is an error of the compiler.
///
/// A changed or removed file rebuilds the program by itself. Cargo looks for *new* files only where a build script
/// says so; the macro refuses to compile until the package has one with this line:
///
/// ```text
/// // build.rs
/// fn main() {
///     println!("cargo::rerun-if-changed=migrations");
/// }
/// ```
///
/// A folder of another tool (feature `other-tools`) is read as that tool reads it, and for one dialect:
/// `embed_migrations!("drizzle", dialect = "postgres")`. Its files go into the program, and what says which they are, such as
/// Drizzle's journal; what that tool passes over does not. A folder without a mark of its tool needs the tool's name too:
/// `embed_migrations!("migrations", dialect = "sqlite", format = "sqlx")`, see [`formats`].
///
/// `embed_snapshots!` (feature `schema`) takes the same folder and puts its snapshots, `meta/NNNN_snapshot.json`, into the
/// program: a program without its folder beside it then still proves at which version a database with tables and no
/// history is. It gives [`schema::Snapshots`], and the build script's line is needed for it as well.
pub mod embedding {}
