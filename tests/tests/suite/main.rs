//! Whimbrel's own suite: one binary, on SQLite and on a real Postgres server.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adopt;
mod application;
mod baseline;
mod continued;
mod corpora;
mod counts;
mod daemon;
mod history_formats;
mod kit;
mod other_tools;
mod pooler;
mod postgres_backend;
mod processes;
mod rights;
mod schema;
mod test_support;

/// Runs a test on a runtime of its own.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(test)
}

/// Ends a test that needs a server when none was asked for, aloud.
macro_rules! needs_postgres {
    () => {
        if !whimbrel_tests::postgres::requested() {
            println!("did not run: SQLite alone was asked for");
            return;
        }
    };
}
use needs_postgres;

/// Writes a test on each dialect for every function named: `async fn(TestDatabase)`.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                crate::block_on(super::$name(whimbrel_tests::database::TestDatabase::sqlite()));
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                crate::needs_postgres!();
                crate::block_on(async {
                    super::$name(whimbrel_tests::database::TestDatabase::postgres().await).await;
                });
            })*
        }
    };
}
use on_both;

/// The workspace's folder.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace").to_owned()
}
