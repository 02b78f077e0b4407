//! Stopping what a session does, from outside of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use whimbrel_core::{BoxFuture, Interrupt};

/// How the server is asked to stop a statement.
pub(crate) enum Canceller {
    /// By a cancel request, on a connection secured as the session's own.
    Token(CancelToken, Option<MakeRustlsConnect>),
    /// Through another client of the caller's pool, whose security is not known here.
    Pool {
        /// The pool.
        pool: Pool,
        /// The process of the session.
        pid: i32,
    },
}

const PATIENCE: Duration = Duration::from_secs(5);

impl Canceller {
    /// Asks; a server that does not answer is left alone after five seconds.
    pub(crate) async fn cancel(&self) {
        let asked = async {
            match self {
                Self::Token(token, Some(tls)) => {
                    token.cancel_query(tls.clone()).await.map_err(|error| error.to_string())
                }
                Self::Token(token, None) => token.cancel_query(NoTls).await.map_err(|error| error.to_string()),
                Self::Pool { pool, pid } => {
                    let client = pool.get().await.map_err(|error| error.to_string())?;
                    let sql = format!("select pg_catalog.pg_cancel_backend({pid})");
                    client.batch_execute(&sql).await.map_err(|error| error.to_string())
                }
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the server could not be asked to stop a statement"),
            Err(_) => tracing::warn!("the server did not answer a request to stop a statement"),
        }
    }
}

/// See [`Interrupt`].
pub(crate) struct PostgresInterrupt {
    pub(crate) canceller: Arc<Canceller>,
    pub(crate) asked: Arc<AtomicBool>,
    /// Whether a message is under way. A request that finds none could only stop the next one.
    pub(crate) at_work: Arc<AtomicBool>,
}

impl Interrupt for PostgresInterrupt {
    fn interrupt(&self) -> BoxFuture<'static, ()> {
        let canceller = Arc::clone(&self.canceller);
        let (asked, at_work) = (Arc::clone(&self.asked), Arc::clone(&self.at_work));
        Box::pin(async move {
            if at_work.load(Ordering::Acquire) {
                asked.store(true, Ordering::Release);
                canceller.cancel().await;
            }
        })
    }
}
