//! What a run costs: round trips, flushes. Counted, because times vary.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use whimbrel::postgres::PostgresBackend;
use whimbrel::{BoxError, CancelToken, CodeSource, Hooks, MigrateError, Migrator, Sql, TransactionMode, async_trait};
use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::long::{Part, is_long};
use whimbrel_tests::postgres::own_server;

use super::on_both;

fn source(count: usize) -> CodeSource {
    (1..=count).fold(CodeSource::new(), |source, n| {
        source.sql(&n.to_string(), "some", format!("create table t{n} (id integer);\ninsert into t{n} values (1)"))
    })
}

/// Stands between a client and the server, and counts how often the server said that it is ready: one round trip each.
async fn counting_proxy(server: (String, u16)) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let ready = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ready);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect((&*server.0, server.1)).await.expect("the server answers");
            let (mut from_client, mut to_client) = client.into_split();
            let (from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            let count = Arc::clone(&count);
            tokio::spawn(async move { pass_on(from_server, &mut to_client, &count).await });
        }
    });
    (port, ready)
}

/// Passes the server's messages on: a kind, a length that counts itself, a body.
async fn pass_on(
    mut from: impl AsyncReadExt + Unpin,
    to: &mut (impl AsyncWriteExt + Unpin),
    ready: &AtomicUsize,
) -> std::io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let length = from.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        from.read_exact(&mut body).await?;
        if kind == b'Z' {
            ready.fetch_add(1, Ordering::SeqCst);
        }
        to.write_u8(kind).await?;
        to.write_u32(length).await?;
        to.write_all(&body).await?;
    }
}

#[test]
fn a_migration_is_one_round_trip_on_postgres() {
    crate::needs_postgres!();
    crate::block_on(async {
        let database = TestDatabase::postgres().await;
        let on_server = database.server().expect("it is Postgres");
        let server = on_server.server();
        let (port, ready) = counting_proxy((server.host().to_owned(), server.port())).await;
        let url = database.url().replace(&format!(":{}/", server.port()), &format!(":{port}/")) + "?sslmode=disable";
        let backend = PostgresBackend::from_url(&url).expect("the URL is right");
        let migrate = async |count| {
            ready.store(0, Ordering::SeqCst);
            let report = Migrator::new(backend.clone()).source(source(count)).migrate().await.expect("it goes well");
            (report.applied.len(), ready.load(Ordering::SeqCst))
        };
        let (_, first) = migrate(5).await;
        // The end of the start-up, the history, whether there are tables, the lock, the history's table, and one for each
        // migration.
        assert!(first <= 5 + 5, "{first} round trips for the first five");
        let (applied, few) = migrate(6).await;
        let (more_applied, many) = migrate(26).await;
        assert_eq!((applied, more_applied), (1, 20));
        assert_eq!(many - few, 19, "{few} round trips for one migration, {many} for twenty");
        let (applied, nothing) = migrate(26).await;
        assert_eq!((applied, nothing), (0, 2), "the end of the start-up, and the history");
    });
}

/// The session's own timeout, as a program may set it.
struct OwnTimeout;

#[async_trait]
impl Hooks for OwnTimeout {
    async fn on_connect(&self, sql: &mut dyn Sql) -> Result<(), BoxError> {
        Ok(sql.execute("set lock_timeout = '3s'").await.map(drop)?)
    }
}

/// Three migrations that note under which timeouts they run, each with its header.
fn noting(headers: [&str; 3]) -> CodeSource {
    let note = "insert into seen select current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')";
    let first = "create table seen (settings text, n serial)";
    CodeSource::new()
        .sql("1", "a", format!("{}\n{first};\n{note}", headers[0]))
        .sql("2", "b", format!("{}\n{note}", headers[1]))
        .sql("3", "c", format!("{}\n{note}", headers[2]))
}

#[test]
fn directives_end_with_their_migration_in_one_message_for_all_on_postgres() {
    crate::needs_postgres!();
    let (five, nine) =
        ("-- whimbrel: lock-timeout 5s", "-- whimbrel: lock-timeout 9s\n-- whimbrel: statement-timeout 8s");
    crate::block_on(async {
        let run = async |headers: [&str; 3]| {
            let database = TestDatabase::postgres().await;
            let on_server = database.server().expect("it is Postgres");
            let server = on_server.server();
            let (port, ready) = counting_proxy((server.host().to_owned(), server.port())).await;
            let url =
                database.url().replace(&format!(":{}/", server.port()), &format!(":{port}/")) + "?sslmode=disable";
            let backend = PostgresBackend::from_url(&url).expect("the URL is right");
            let migrator = Migrator::new(backend).source(noting(headers)).hooks(OwnTimeout);
            migrator.transaction(TransactionMode::All).migrate().await.expect("it goes well");
            (database.column("select settings from seen order by n").await, ready.load(Ordering::SeqCst))
        };
        let (settings, plain) = run(["", "", ""]).await;
        assert_eq!(settings, ["3s 0", "3s 0", "3s 0"]);
        let (settings, to_the_end) = run(["", five, five]).await;
        assert_eq!((settings, to_the_end), (vec!["3s 0".into(), "5s 0".into(), "5s 0".into()], plain));
        // One more, which asks what there was before: the rest is the one message still.
        let (settings, with_question) = run([five, nine, ""]).await;
        assert_eq!((settings, with_question), (vec!["5s 0".into(), "9s 8s".into(), "3s 0".into()], plain + 1));
    });
}

#[test]
fn a_migration_is_one_flush_of_the_wal_on_postgres() {
    crate::needs_postgres!();
    crate::block_on(async {
        let server = own_server(&["autovacuum=off", "checkpoint_timeout=1h", "bgwriter_lru_maxpages=0"]).await;
        let flushes = match server.major() {
            ..14 => {
                println!("NOT COUNTED: Postgres {} has no view that tells its WAL flushes", server.major());
                return;
            }
            14..18 => "select wal_sync::text from pg_stat_wal",
            18.. => "select sum(fsyncs)::bigint::text from pg_stat_io where object = 'wal'",
        };
        let database = server.fresh_database().await;
        let backend = PostgresBackend::from_url(&database.url()).expect("the URL is right");
        let warm = Migrator::new(backend.clone()).source(source(5));
        warm.migrate().await.expect("it goes well");
        server.checkpoint().await;
        let read = async || {
            // A session's figures arrive when it ends, or a second later.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let row = database.connect().await.query_one(flushes, &[]).await.expect("the view is there");
            row.get::<_, String>(0).parse::<i64>().expect("a number")
        };
        let before = read().await;
        let report = Migrator::new(backend).source(source(105)).migrate().await.expect("it goes well");
        assert_eq!(report.applied.len(), 100);
        let flushed = read().await - before;
        println!("{flushed} WAL flushes for 100 migrations on Postgres {}", server.major());
        // The server's own writers may add a few; two for each would be 200.
        assert!((100..=110).contains(&flushed), "{flushed} flushes for 100 migrations");
    });
}

fn syncs(database: &TestDatabase, folder: &Path) -> usize {
    let trace = database.folder("trace").join("calls");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_migrate-once"))
        .arg(database.url())
        .arg(folder)
        .status()
        .expect("strace starts");
    assert!(status.success());
    let calls = std::fs::read_to_string(trace).expect("strace writes");
    calls.lines().filter(|line| line.contains("sync(")).count()
}

/// Counts the flushes of one more migration, from runs of 10 and 30 more.
fn syncs_each(database: &TestDatabase) -> Option<(usize, usize)> {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("NOT COUNTED: strace is not installed, so the flushes of SQLite were not counted");
        return None;
    }
    let folder = database.folder("migrations");
    let write = |from: usize, to: usize| {
        for n in from..to {
            let text = format!("create table t{n} (id integer);\n");
            std::fs::write(folder.join(format!("{n:04}_some.sql")), text).expect("a file is written");
        }
    };
    write(0, 2);
    syncs(database, &folder);
    write(2, 12);
    let few = syncs(database, &folder);
    write(12, 42);
    Some((few, syncs(database, &folder)))
}

#[test]
fn a_migration_is_one_flush_on_sqlite_in_wal_mode() {
    let database = TestDatabase::sqlite();
    crate::block_on(async {
        drop(database.query("pragma journal_mode = wal").await);
        assert_eq!(database.column("pragma journal_mode").await, ["wal"]);
    });
    let Some((few, many)) = syncs_each(&database) else { return };
    assert_eq!(many - few, 20, "{few} flushes for 10 migrations, {many} for 30");
}

#[test]
fn a_migration_is_four_flushes_on_sqlite_with_a_rollback_journal() {
    let database = TestDatabase::sqlite();
    let Some((few, many)) = syncs_each(&database) else { return };
    assert_eq!(many - few, 20 * 4, "{few} flushes for 10 migrations, {many} for 30");
}

on_both! { ten_thousand_migrations_cost_no_more_each }

/// Migrates, and stops where the part's time is over; gives how many are applied.
async fn within(part: &Part, migrator: Migrator) -> u64 {
    let token = CancelToken::new();
    let migrator = migrator.cancel(token.clone());
    let late = async {
        match part.time_left() {
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
        token.cancel();
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        result = migrator.migrate() => result,
        () = late => unreachable!("it never ends"),
    };
    let applied = match result {
        Ok(report) => report.applied.len(),
        Err(MigrateError::Cancelled { report, .. }) => report.applied.len(),
        Err(error) => panic!("{error}"),
    };
    applied as u64
}

async fn ten_thousand_migrations_cost_no_more_each(database: TestDatabase) {
    if !is_long() {
        println!("did not run: it is part of the long form (WHIMBREL_LONG=1)");
        return;
    }
    let part = Part::begin("migrations", 0, Some(10_001));
    let text = |n: u64| format!("insert into marks values ({n})");
    let first = CodeSource::new().sql("0", "marks", "create table marks (n integer)");
    let source = (1..part.of()).fold(first, |source, n| source.sql(&n.to_string(), "mark", text(n)));
    let applied = within(&part, database.migrator().source(source.clone())).await;
    part.tell_of(applied);
    let marks = database.column("select count(distinct n) from marks").await;
    assert_eq!(marks, [applied.saturating_sub(1).to_string()], "each is applied once, and each that is told");
    if applied == part.of() {
        assert!(database.migrator().source(source).migrate().await.expect("nothing is pending").applied.is_empty());
    }
}
