//! What a migration costs: how often the disk is waited for, counted by `strace` in a process of its own.

use std::process::Command;

use whimbrel_backend_sqlite::SqliteBackend;
use whimbrel_core::{MigrationBackend, Op};

use crate::support::{exec, migrate, run};

const CHILD: &str = "WHIMBREL_SYNC_COST";
const MIGRATIONS: usize = 20;

#[tokio::test]
async fn a_migration_waits_for_the_disk_as_seldom_as_it_can() {
    if let Ok(path) = std::env::var(CHILD) {
        return child(&path).await;
    }
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("NOT RUN: the cost of a migration (1 check), because there is no `strace`");
        return;
    }
    for (mode, most) in [("wal", 1), ("delete", 4)] {
        let none = syncs(mode, 0);
        let some = syncs(mode, MIGRATIONS);
        let each = (some - none) as f64 / MIGRATIONS as f64;
        eprintln!("{mode}: {each} waits for the disk for each migration");
        assert!(each > 0.5 && each <= f64::from(most) + 0.1, "{mode}: {each} waits for each migration");
    }
}

fn syncs(mode: &str, migrations: usize) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sync_cost::a_migration_waits_for_the_disk_as_seldom_as_it_can"])
        .env(CHILD, format!("{mode}:{migrations}:{}", directory.path().join("app.db").display()))
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    // A call that another thread interrupts in the trace has a second line, `<... fsync resumed>`.
    let is_call = |line: &&str| line.contains("fsync(") || line.contains("fdatasync(");
    std::fs::read_to_string(&trace).unwrap().lines().filter(is_call).count()
}

async fn child(setup: &str) {
    let mut parts = setup.splitn(3, ':');
    let (mode, migrations, path) =
        (parts.next().unwrap(), parts.next().unwrap().parse::<usize>().unwrap(), parts.next().unwrap());
    let mut session = SqliteBackend::open(path).connect().await.unwrap();
    exec(&mut session, &[&format!("pragma journal_mode = {mode}"), "create table t (a)"]).await;
    run(&mut session, &[Op::CreateHistory]).await.unwrap();
    for version in 0..migrations {
        migrate(&mut session, &version.to_string(), &["insert into t values (1)"]).await.unwrap();
    }
}
