//! Whimbrel's own suite: one binary, on SQLite and on a real Postgres server.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kit;
mod postgres_backend;

/// Runs a test on a runtime of its own.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(test)
}
