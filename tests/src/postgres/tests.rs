#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::time::Duration;

use super::{Server, encoded, fresh_database, own_server, requested, shared_server, sweep::is_abandoned, unique_name};

/// Ends a test that needs a server when none was asked for, aloud.
macro_rules! needs_postgres {
    () => {
        if !requested() {
            eprintln!("did not run: SQLite alone was asked for");
            return;
        }
    };
}

#[test]
fn a_url_survives_every_character() {
    let text = "a b/c:d@e%f'g\"ü";
    let url = Server::started("127.0.0.1", 5433).url_as(text, text, text);
    let config: tokio_postgres::Config = url.parse().unwrap();
    assert_eq!(config.get_user(), Some(text));
    assert_eq!(config.get_password(), Some(text.as_bytes()));
    assert_eq!(config.get_dbname(), Some(text));
    assert_eq!(config.get_ports(), [5433]);
}

#[test]
fn a_url_is_read_back() {
    let server = Server::from_url("postgres://me:s%40cret@db.example:6000/base").unwrap();
    assert_eq!(server.url("other"), "postgres://me:s%40cret@db.example:6000/other");
    assert_eq!(server.database, "base");
    assert_eq!(encoded("~._-aZ9"), "~._-aZ9");
}

#[test]
fn only_what_a_gone_process_left_is_abandoned() {
    assert!(!is_abandoned(&unique_name("t")));
    assert!(!is_abandoned("postgres"));
    assert!(!is_abandoned("whimbrel_t1_x"));
    // No system has a process of this number; without /proc the age of 1970 decides.
    assert!(is_abandoned("whimbrel_t1_4294967295_0"));
}

#[tokio::test]
async fn each_database_is_fresh() {
    needs_postgres!();
    let (first, second) = tokio::join!(fresh_database(), fresh_database());
    first.connect().await.batch_execute("CREATE TABLE only_here ()").await.unwrap();
    assert!(first.connect().await.batch_execute("SELECT FROM only_here").await.is_ok());
    assert!(second.connect().await.batch_execute("SELECT FROM only_here").await.is_err());
    assert!(first.server().major() >= 13);
}

#[tokio::test]
async fn a_name_may_hold_anything() {
    needs_postgres!();
    let name = format!("it's \"ü\" {}", unique_name("t"));
    let database = shared_server().await.database_named(&name).await;
    let client = super::connect(&database.url().parse().unwrap()).await;
    let row = client.query_one("SELECT current_database()::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), name);
    drop(client);
    drop(database);
}

#[tokio::test]
async fn a_role_logs_in_with_its_own_rights() {
    needs_postgres!();
    let database = fresh_database().await;
    let role = database.server().role("NOSUPERUSER NOCREATEDB").await;
    database.connect().await.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await.unwrap();
    let client = super::connect(&database.url_as(&role).parse().unwrap()).await;
    let error = client.batch_execute("CREATE TABLE t ()").await.unwrap_err();
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("42501"));
    assert!(database.connect_as(&role).await.batch_execute("SELECT 1").await.is_ok());
}

#[tokio::test]
async fn databases_of_gone_processes_are_dropped() {
    needs_postgres!();
    let server = shared_server().await;
    let admin = server.admin().await;
    let name = "whimbrel_t1_4294967295_7";
    let _ = admin.batch_execute(&format!("CREATE DATABASE {name}")).await;
    for _ in 0..200 {
        super::sweep::sweep(&admin).await;
        let left = admin.query("SELECT FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
        if left.is_empty() {
            return;
        }
    }
    assert_eq!("still there", name);
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_was_committed() {
    needs_postgres!();
    let mut server = own_server(&["max_connections=20"]).await;
    let database = server.fresh_database().await;
    let client = database.connect().await;
    client.batch_execute("CREATE TABLE t ()").await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO t DEFAULT VALUES").await.unwrap();
    server.kill();
    assert!(client.batch_execute("COMMIT").await.is_err());
    server.start().await;
    let client = database.connect().await;
    assert_eq!(client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get::<_, i64>(0), 0);
    for (setting, value) in [("fsync", "on"), ("max_connections", "20")] {
        let row = client.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), value);
    }
    server.stop();
    server.start().await;
    server.checkpoint().await;
}

#[tokio::test]
async fn a_frozen_server_does_not_answer() {
    needs_postgres!();
    let mut server = own_server(&[]).await;
    let client = server.admin().await;
    server.freeze();
    assert!(tokio::time::timeout(Duration::from_millis(500), client.batch_execute("SELECT 1")).await.is_err());
    server.thaw();
    tokio::time::timeout(Duration::from_secs(10), client.batch_execute("SELECT 1")).await.unwrap().unwrap();
}
