//! A way to a Postgres database that a test can spoil: a proxy that loses what it should pass on.

#![expect(clippy::panic, reason = "a test without its proxy has failed, and says why")]

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use whimbrel::MigrationBackend;
use whimbrel::postgres::PostgresBackend;
use whimbrel_conformance::Line;

use crate::postgres::Database;

/// How long a server gets for what it was sent, when its answers are lost.
const GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    AnswersAreLost,
    Cut,
    Silent,
}

/// The proxy; it goes with the value, and its connections with it.
pub(crate) struct PostgresLine {
    url: String,
    trouble: watch::Sender<Trouble>,
    proxy: AbortHandle,
}

impl PostgresLine {
    /// A way to this database.
    pub(crate) async fn to(database: &Database) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("no port is free: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let server = database.server();
        let address = (server.host().to_owned(), server.port());
        let (trouble, seen) = watch::channel(Trouble::None);
        let proxy = tokio::spawn(accept(listener, address, seen)).abort_handle();
        let own = format!(":{}/", server.port());
        let url = format!("{}?sslmode=disable", database.url().replace(&own, &format!(":{port}/")));
        Self { url, trouble, proxy }
    }
}

impl Drop for PostgresLine {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}

impl Line for PostgresLine {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        let backend = PostgresBackend::from_url(&self.url);
        Arc::new(backend.unwrap_or_else(|error| panic!("the proxy's URL is wrong: {error}")))
    }

    fn lose_answers(&self) {
        self.trouble.send_replace(Trouble::AnswersAreLost);
    }

    fn cut(&self) {
        self.trouble.send_replace(Trouble::Cut);
    }

    fn fall_silent(&self) {
        self.trouble.send_replace(Trouble::Silent);
    }
}

async fn accept(listener: TcpListener, server: (String, u16), trouble: watch::Receiver<Trouble>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, trouble) = (server.clone(), trouble.clone());
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect((&*server.0, server.1)).await {
                pass_on(client, server, trouble).await;
            }
        });
    }
}

/// Passes on in both directions until one ends, or trouble does.
async fn pass_on(client: TcpStream, server: TcpStream, trouble: watch::Receiver<Trouble>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = copy(from_client, to_server, trouble.clone(), false);
    let back = copy(from_server, to_client, trouble.clone(), true);
    let mut watched = trouble.clone();
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = watched.wait_for(|trouble| *trouble == Trouble::Cut) => {}
        // The test is over.
        () = closed(trouble) => {}
    }
}

async fn closed(mut trouble: watch::Receiver<Trouble>) {
    while trouble.changed().await.is_ok() {}
}

/// Passes on in one direction. Where answers are lost, the first one ends the connection, after the server had its time.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    trouble: watch::Receiver<Trouble>,
    is_answer: bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let now = *trouble.borrow();
        match now {
            Trouble::Silent => continue,
            Trouble::AnswersAreLost if is_answer => return tokio::time::sleep(GRACE).await,
            _ => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
