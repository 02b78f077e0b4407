//! Copies of the database: exact, of one moment, and never half of one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whimbrel_backend_sqlite::{SqliteBackend, libsql};
use whimbrel_core::{BackendErrorKind, Backup, Backups, MigrationBackend, Session};

use crate::support::{exec, file, history, migrate, one};

async fn back_up(session: &mut Box<dyn Session>) -> Backup {
    session.backup("main").await.unwrap().unwrap()
}

/// Opens a copy as a database of its own.
async fn opened(backup: &Backup) -> Box<dyn Session> {
    SqliteBackend::open(&backup.file).connect().await.unwrap()
}

/// Names in a folder that are neither the database nor what SQLite keeps beside it.
fn others(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let own = ["app.db", "app.db-wal", "app.db-shm", "app.db-journal"];
    let mut others: Vec<_> = names.filter(|path| !own.iter().any(|own| path.ends_with(own))).collect();
    others.sort();
    others
}

/// The bytes without those in which SQLite counts the changes of a file: they differ from copy to copy.
fn without_counters(mut bytes: Vec<u8>) -> Vec<u8> {
    // The change counter, the schema cookie, and for which change and release the counters are valid.
    for range in [24..28, 40..44, 92..100] {
        bytes[range].fill(0);
    }
    bytes
}

#[tokio::test]
async fn every_page_is_the_same() {
    for mode in ["delete", "wal"] {
        let (folder, backend, mut session) = file().await;
        exec(&mut session, &[&format!("pragma journal_mode = {mode}"), "create table t (a, b)"]).await;
        let fill = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) \
                    insert into t select i, hex(randomblob(20)) from n";
        migrate(&mut session, "3", &[fill, "delete from t where a % 7 = 0", "create index by_b on t (b)"])
            .await
            .unwrap();
        let rowids = one(&mut session, "select sum(rowid * length(b)) from t").await;
        let backup = back_up(&mut session).await;
        let name = backup.file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("app.db.20") && name.ends_with("Z.at-3.backup"), "{name}");
        assert_eq!((backup.exact, backup.version.as_ref().unwrap().as_str()), (true, "3"));
        assert_eq!(others(folder.path()), std::slice::from_ref(&backup.file));
        // What is in the log only is in the copy.
        exec(&mut session, &["pragma wal_checkpoint(truncate)"]).await;
        session.close().await.unwrap();
        let bytes = fs::read(&backup.file).unwrap();
        assert_eq!(backup.bytes, u64::try_from(bytes.len()).unwrap());
        assert!(bytes.len() > 256 * 4096, "more than one piece is copied");
        let original = fs::read(folder.path().join("app.db")).unwrap();
        assert!(without_counters(bytes) == without_counters(original), "{mode}");
        drop(backend);
        let mut copy = opened(&backup).await;
        assert_eq!(one(&mut copy, "select sum(rowid * length(b)) from t").await, rowids);
        assert_eq!(one(&mut copy, "pragma integrity_check").await, "ok");
        assert_eq!(history(&mut copy).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_second_one_has_another_name() {
    let (folder, _backend, mut session) = file().await;
    let mut files = Vec::new();
    for n in 0..4 {
        exec(&mut session, &[&format!("create table t{n} (a)")]).await;
        let backup = back_up(&mut session).await;
        assert_eq!(backup.version, None);
        assert!(backup.file.to_str().unwrap().contains(".at-none"), "{backup:?}");
        files.push(backup);
    }
    assert_eq!(others(folder.path()).len(), 4);
    for (n, backup) in files.iter().enumerate() {
        let tables = "select count(*) from sqlite_schema where name glob 't[0-9]'";
        assert_eq!(one(&mut opened(backup).await, tables).await, (n + 1).to_string(), "none was overwritten");
    }
}

#[tokio::test]
async fn a_writer_at_work_neither_waits_nor_comes_in_between() {
    let (_folder, backend, mut session) = file().await;
    exec(&mut session, &["pragma journal_mode = wal", "create table pairs (n, half)", "create table open (n)"]).await;
    // Each commit adds two rows that belong together; the file grows all the time.
    let database = libsql::Builder::new_local(_folder.path().join("app.db")).build().await.unwrap();
    let writer = database.connect().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let writing = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut n = 0;
            while !stopped.load(Ordering::SeqCst) {
                let pair = format!(
                    "begin immediate; insert into pairs values ({n}, zeroblob(3000)); \
                     insert into pairs values ({n}, zeroblob(3000)); commit"
                );
                writer.execute_batch(&pair).await.unwrap();
                n += 1;
            }
            // A transaction that is open is in no copy.
            writer.execute_batch("begin immediate; insert into open values (1)").await.unwrap();
            (writer, n)
        })
    });
    while one(&mut session, "select count(*) > 600 from pairs").await == "0" {}
    let mut copies = Vec::new();
    for _ in 0..5 {
        copies.push(back_up(&mut session).await);
    }
    stop.store(true, Ordering::SeqCst);
    let (writer, written) = writing.join().unwrap();
    copies.push(back_up(&mut session).await);
    let mut last = 0;
    for backup in &copies {
        let mut copy = opened(backup).await;
        assert_eq!(one(&mut copy, "pragma integrity_check").await, "ok");
        assert_eq!(
            one(&mut copy, "select count(*) from (select 1 from pairs group by n having count(*) <> 2)").await,
            "0"
        );
        assert_eq!(one(&mut copy, "select count(*) from open").await, "0");
        let pairs = one(&mut copy, "select count(*) / 2 from pairs").await.parse().unwrap();
        assert!(pairs >= last, "{pairs} after {last}");
        last = pairs;
    }
    assert_eq!(last, written, "the last one has everything that was committed");
    writer.execute_batch("rollback").await.unwrap();
    drop(backend);
}

#[tokio::test]
async fn a_database_that_another_holds_is_busy() {
    let (folder, _backend, mut session) = file().await;
    let database = libsql::Builder::new_local(folder.path().join("app.db")).build().await.unwrap();
    let other = database.connect().unwrap();
    other.execute_batch("begin exclusive").await.unwrap();
    let error = session.backup("main").await.unwrap_err();
    assert_eq!((error.kind(), others(folder.path())), (BackendErrorKind::Busy, Vec::new()), "{error}");
    other.execute_batch("rollback").await.unwrap();
    back_up(&mut session).await;
    migrate(&mut session, "1", &["create table t (a)"]).await.unwrap();
}

#[tokio::test]
async fn where_there_is_no_file_there_is_nothing_to_copy() {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("deep/app.db"));
    assert_eq!(backend.capabilities().backups, Backups::Beside);
    let mut session = backend.connect().await.unwrap();
    assert_eq!(session.backup("main").await.unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let Backups::Instead(instead) = SqliteBackend::memory().capabilities().backups else { panic!("it has no file") };
    assert!(instead.contains("migrate without one"), "{instead}");
}

#[tokio::test]
async fn a_file_that_is_only_read_can_be_copied() {
    let (_folder, backend, mut session) = file().await;
    migrate(&mut session, "1", &["create table t (a)"]).await.unwrap();
    session.close().await.unwrap();
    let mut reader = backend.read_only().connect().await.unwrap();
    let backup = back_up(&mut reader).await;
    assert_eq!(history(&mut opened(&backup).await).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_caller_opened_is_copied_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let database = libsql::Builder::new_local(&path).build().await.unwrap();
    let own = database.connect().unwrap();
    own.execute_batch("create table t (a); insert into t values (1), (2), (3); delete from t where a = 2")
        .await
        .unwrap();

    let mut session = SqliteBackend::from_database(database).connect().await.unwrap();
    let exact = back_up(&mut session).await;
    assert!(exact.exact);
    assert_eq!(one(&mut opened(&exact).await, "select group_concat(rowid || '=' || a) from t").await, "1=1,3=3");

    // Its handle is out of reach, so the copy has the rows, and says that it is no more than that.
    let backend = SqliteBackend::from_connection(own);
    let mut session = backend.connect().await.unwrap();
    migrate(&mut session, "7", &["create table more (a)"]).await.unwrap_err();
    crate::support::run(&mut session, &[whimbrel_core::Op::CreateHistory]).await.unwrap();
    migrate(&mut session, "7", &["create table more (a)"]).await.unwrap();
    let rows = back_up(&mut session).await;
    assert_eq!((rows.exact, rows.version.as_ref().unwrap().as_str()), (false, "7"));
    let mut copy = opened(&rows).await;
    assert_eq!(one(&mut copy, "select group_concat(a) from t").await, "1,3");
    assert_eq!(history(&mut copy).await.unwrap().len(), 1);
    assert_eq!(others(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_database_in_memory_of_the_caller_cannot_be_copied() {
    let database = libsql::Builder::new_local(":memory:").build().await.unwrap();
    let backend = SqliteBackend::from_connection(database.connect().unwrap());
    let mut session = backend.connect().await.unwrap();
    let error = session.backup("main").await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unsupported, "{error}");
    assert!(error.hint().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn who_may_not_read_the_database_may_not_read_its_copy() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o600, 0o640, 0o644] {
        let (folder, _backend, mut session) = file().await;
        fs::set_permissions(folder.path().join("app.db"), fs::Permissions::from_mode(mode)).unwrap();
        let backup = back_up(&mut session).await;
        assert_eq!(fs::metadata(&backup.file).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[tokio::test]
async fn an_interrupt_stops_it_and_leaves_nothing() {
    let (folder, _backend, mut session) = file().await;
    let fill = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 64) \
                insert into t select zeroblob(1000000) from n";
    exec(&mut session, &["create table t (a)", fill]).await;
    let interrupt = session.interrupt();
    {
        let mut copying = std::pin::pin!(session.backup("main"));
        tokio::select! {
            biased;
            made = &mut copying => panic!("64 MB were copied at once: {made:?}"),
            () = std::future::ready(()) => {}
        }
        interrupt.interrupt().await;
        let error = copying.await.unwrap_err();
        assert_eq!(error.kind(), BackendErrorKind::Interrupted, "{error}");
    }
    assert_eq!(others(folder.path()), Vec::<PathBuf>::new());
    migrate(&mut session, "1", &["create table more (a)"]).await.unwrap();
}
