//! The process that a server announces, by a server that says nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, SslNegotiation};

use super::{InTheClear, announced};

const PROCESS: i32 = 4711;

/// Lets everybody in, after agreeing to TLS where that is asked for.
async fn serve(mut stream: DuplexStream, negotiated: bool) {
    if negotiated {
        stream.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(b"S").await.unwrap();
    }
    let length = stream.read_i32().await.unwrap();
    let mut startup = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut startup).await.unwrap();
    stream.write_all(b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c").await.unwrap();
    stream.write_i32(PROCESS).await.unwrap();
    stream.write_i32(99).await.unwrap();
    stream.write_all(b"Z\0\0\0\x05I").await.unwrap();
    let _ = stream.read_u8().await;
}

async fn announced_with(mode: SslMode, negotiation: SslNegotiation) -> Option<i32> {
    let (ours, theirs) = tokio::io::duplex(1024);
    let negotiated = mode != SslMode::Disable && negotiation == SslNegotiation::Postgres;
    let server = tokio::spawn(serve(theirs, negotiated));
    let mut config = Config::new();
    config.user("app").host("db.example").ssl_mode(mode).ssl_negotiation(negotiation);
    let (client, connection) = config.connect_raw(ours, InTheClear).await.unwrap();
    let told = announced(&client.cancel_token()).await;
    drop((client, connection));
    server.await.unwrap();
    told
}

#[tokio::test]
async fn the_announced_process_is_known_in_the_clear() {
    assert_eq!(announced_with(SslMode::Disable, SslNegotiation::Postgres).await, Some(PROCESS));
}

#[tokio::test]
async fn the_announced_process_is_known_where_tls_is_preferred() {
    assert_eq!(announced_with(SslMode::Prefer, SslNegotiation::Postgres).await, Some(PROCESS));
}

#[tokio::test]
async fn the_announced_process_is_known_where_tls_is_required() {
    assert_eq!(announced_with(SslMode::Require, SslNegotiation::Postgres).await, Some(PROCESS));
    assert_eq!(announced_with(SslMode::Require, SslNegotiation::Direct).await, Some(PROCESS));
}
