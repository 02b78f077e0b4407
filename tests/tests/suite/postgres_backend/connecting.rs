//! Connecting: what it costs, what it refuses, and what stays secret.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use whimbrel::postgres::{deadpool_postgres, tokio_postgres};

use super::*;

/// Passes bytes on and counts the client's messages by their letter.
struct Proxy {
    port: u16,
    queries: Arc<AtomicUsize>,
    others: Arc<AtomicUsize>,
}

impl Proxy {
    async fn new(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy =
            Self { port: listener.local_addr().unwrap().port(), queries: Arc::default(), others: Arc::default() };
        let counters = (Arc::clone(&proxy.queries), Arc::clone(&proxy.others));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((host.as_str(), port)).await.unwrap();
                let counters = counters.clone();
                tokio::spawn(async move {
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_server, mut to_server) = server.into_split();
                    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                    // Start-up messages have no letter: the one that asks for TLS, and the one that names user and database.
                    let mut named = false;
                    loop {
                        let mut head = vec![0; if named { 5 } else { 4 }];
                        if from_client.read_exact(&mut head).await.is_err() {
                            return;
                        }
                        let length =
                            usize::try_from(u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap())).unwrap();
                        let mut body = vec![0; length - 4];
                        from_client.read_exact(&mut body).await.unwrap();
                        match (named, head[0]) {
                            (false, _) => named = body.len() > 4,
                            (true, b'Q') => drop(counters.0.fetch_add(1, Ordering::SeqCst)),
                            // The password and the goodbye.
                            (true, b'p' | b'X') => {}
                            (true, _) => drop(counters.1.fetch_add(1, Ordering::SeqCst)),
                        }
                        head.extend_from_slice(&body);
                        if to_server.write_all(&head).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        proxy
    }

    fn counted(&self) -> (usize, usize) {
        (self.queries.swap(0, Ordering::SeqCst), self.others.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn nothing_to_do_is_one_query_and_a_migration_one_message() {
    needs_postgres!();
    let bench = Bench::new().await;
    let server = bench.database.server();
    let proxy = Proxy::new(server.host().to_owned(), server.port()).await;
    let mut config = bench.database.config();
    let user = config.get_user().unwrap_or_default().to_owned();
    let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap();
    config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(proxy.port).user(user).password(password).dbname(bench.database.name());
    let backend = PostgresBackend::from_config(&config).unwrap();
    let mut session = backend.connect().await.unwrap();
    assert_eq!(proxy.counted(), (0, 0));
    assert!(session.server().starts_with("PostgreSQL "));
    session.history(HistoryDetail::Check).await.unwrap();
    assert_eq!(proxy.counted(), (1, 0));
    session
        .run(&transaction(version("1"), &["create table t (a int)", "select 1"]), &mut Heard::default())
        .await
        .unwrap();
    assert_eq!(proxy.counted(), (1, 0));
    session.try_lock().await.unwrap();
    assert_eq!(proxy.counted(), (1, 0));
    session
        .run(&[claim(version("2")), Op::Statement("vacuum"), finish(version("2"))], &mut Heard::default())
        .await
        .unwrap();
    assert_eq!(proxy.counted(), (3, 0));
    session.close().await.unwrap();
    assert_eq!(proxy.counted(), (0, 0));
}

#[tokio::test]
async fn a_password_of_any_characters_works_and_is_never_shown() {
    needs_postgres!();
    let database = fresh_database().await;
    let role = database.server().role("").await;
    let url = database.url_as(&role);
    let backend = PostgresBackend::from_url(&url).unwrap();
    backend.connect().await.unwrap();
    let shown = format!("{backend:?} {}", backend.database());
    assert!(!shown.contains(&role.password) && !shown.contains("pässw"), "{shown}");
    let server = database.server();
    let place = format!("{}:{}/{}", server.host(), server.port(), database.name());
    assert_eq!(backend.database(), place);

    let wrong = server.url_as(&role.name, "hush-hush", database.name());
    let error = PostgresBackend::from_url(&wrong).unwrap().connect().await.map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (BackendErrorKind::Authentication, Some("28P01")));
    assert!(!format!("{error} {error:?}").contains("hush"));
    let none = format!("postgres://{}@{}:{}/{}", role.name, server.host(), server.port(), database.name());
    let error = PostgresBackend::from_url(&none).unwrap().connect().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Authentication);
    assert!(error.hint().unwrap().contains("PGPASSWORD"), "{:?}", error.hint());
    let pairs = format!(
        "host={} port={} dbname={} user={} password='{}'",
        server.host(),
        server.port(),
        database.name(),
        role.name,
        role.password.replace('\\', "\\\\").replace('\'', "\\'")
    );
    PostgresBackend::from_url(&pairs).unwrap().connect().await.unwrap();
}

#[tokio::test]
async fn failures_to_connect_have_their_kinds() {
    needs_postgres!();
    let database = fresh_database().await;
    let server = database.server();
    let kind =
        async |url: String| PostgresBackend::from_url(&url).unwrap().connect().await.map(|_| ()).unwrap_err().kind();
    assert_eq!(kind(server.url("no such database")).await, BackendErrorKind::NoSuchDatabase);
    assert_eq!(kind("postgres://u:p@127.0.0.1:1/d".to_owned()).await, BackendErrorKind::Unreachable);
    assert_eq!(
        kind("postgres://u:p@no-such-host.invalid/d?sslmode=disable".to_owned()).await,
        BackendErrorKind::Unreachable
    );

    // A host that takes the connection and says nothing, then one that is right.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = std::time::Instant::now();
    let lone = format!("postgres://u:p@127.0.0.1:{port}/d");
    let backend = PostgresBackend::from_url(&lone).unwrap().connect_timeout(Duration::from_millis(300));
    let error = backend.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unreachable);
    assert!(started.elapsed() < Duration::from_secs(3) && error.message().contains("no answer"), "{error}");
    let url = database.url().replacen('@', &format!("@127.0.0.1:{port},"), 1);
    let backend = PostgresBackend::from_url(&url).unwrap().connect_timeout(Duration::from_millis(1500));
    backend.connect().await.unwrap();
    let standby = format!("{}?target_session_attrs=standby", database.url());
    assert_eq!(kind(standby).await, BackendErrorKind::Unreachable);
    for attrs in ["read-write", "primary", "prefer-standby"] {
        let url = format!("{}?target_session_attrs={attrs}", database.url());
        PostgresBackend::from_url(&url).unwrap().connect().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_wrong_password() {
    needs_postgres!();
    let database = fresh_database().await;
    if first(&database.connect().await, "show ssl").await.as_deref() != Some("off") {
        eprintln!("did not run: the server offers TLS");
        return;
    }
    for (mode, works) in
        [("disable", true), ("allow", true), ("prefer", true), ("require", false), ("verify-full", false)]
    {
        let url = format!("{}?sslmode={mode}", database.url());
        let connected = PostgresBackend::from_url(&url).unwrap().connect().await.map(|_| ());
        assert_eq!(connected.is_ok(), works, "{mode}: {connected:?}");
        if let Err(error) = connected {
            assert_eq!(error.kind(), BackendErrorKind::Authentication, "{error}");
            assert!(error.hint().unwrap().contains("no TLS"), "{:?}", error.hint());
        }
    }
}

#[tokio::test]
async fn a_pools_client_is_taken_for_good() {
    needs_postgres!();
    let database = fresh_database().await;
    let manager = deadpool_postgres::Manager::new(database.config(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(1).build().unwrap();
    let backend = PostgresBackend::from_pool(pool.clone());
    let mut session = backend.connect().await.unwrap();
    session.run(&[Op::CreateHistory], &mut Heard::default()).await.unwrap();
    session.run(&[Op::Statement("set work_mem = '1MB'")], &mut Heard::default()).await.unwrap();
    let other = pool.get().await.unwrap();
    assert_ne!(first(&other, "show work_mem").await.as_deref(), Some("1MB"));
    drop(other);
    let asked = session.interrupt().interrupt();
    let task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        asked.await;
    });
    let program = transaction(version("1"), &["select pg_sleep(20)"]);
    let halted = session.run(&program, &mut Heard::default()).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::Interrupted);
    task.await.unwrap();
    session.run(&[Op::Rollback], &mut Heard::default()).await.unwrap();
    session.run(&transaction(version("1"), &["select 1"]), &mut Heard::default()).await.unwrap();
    assert!(session.server().starts_with("PostgreSQL 1"));
    session.close().await.unwrap();
    assert!(backend.exists().await.is_err());
    drop(backend.contents().await.unwrap());
}

#[tokio::test]
async fn databases_are_made_looked_into_and_dropped() {
    needs_postgres!();
    let home = fresh_database().await;
    let name = format!("{} it's \"ü\"", home.name());
    let backend = PostgresBackend::from_url(&home.url()).unwrap().with_database(&name).unwrap();
    assert_eq!(backend.database_name(), Some(name.as_str()));
    assert!(!backend.exists().await.unwrap());
    assert!(!backend.drop().await.unwrap());
    assert!(backend.create().await.unwrap());
    assert!(!backend.create().await.unwrap());
    assert!(backend.exists().await.unwrap());
    let mut session = backend.connect().await.unwrap();
    let setup = ["create table \"T'\" as select generate_series(1, 3)", "create table p (a int) partition by list (a)"];
    for text in
        setup.into_iter().chain(["create table p1 partition of p for values in (1)", "insert into p values (1)"])
    {
        session.run(&[Op::Statement(text)], &mut Heard::default()).await.unwrap();
    }
    let contents = backend.contents().await.unwrap();
    assert_eq!(contents, [("public.T'".to_owned(), 3), ("public.p1".to_owned(), 1)]);
    let error = backend.drop().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (BackendErrorKind::Busy, Some("55006")));
    assert!(error.detail().unwrap().contains("whimbrel"), "{:?}", error.detail());
    assert!(backend.drop_forced().await.unwrap());
    assert!(!backend.exists().await.unwrap());
    let own = backend.with_database("postgres").unwrap();
    assert_eq!(own.drop().await.unwrap_err().kind(), BackendErrorKind::Config);
    let low = home.server().role("nocreatedb").await;
    let poor = PostgresBackend::from_url(&home.url_as(&low)).unwrap().with_database(&name).unwrap();
    let error = poor.create().await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Permission);
    assert!(error.hint().unwrap().contains("createdb"));
}
