//! Drops the databases and roles of tests that are over.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use tokio_postgres::Client;

use super::quoted;

/// What a test leaves on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Database,
    Role,
}

/// What this process has finished with.
static FINISHED: Mutex<Vec<(Object, String)>> = Mutex::new(Vec::new());

/// How many objects one test drops for others: a few milliseconds' worth.
const AT_ONCE: usize = 4;

/// Names of another process are taken for abandoned after this time where nobody can say whether it lives.
const ABANDONED_SECONDS: u64 = 2 * 60 * 60;

/// Marks an object to be dropped.
pub(super) fn finished(object: Object, name: &str) {
    FINISHED.lock().unwrap_or_else(PoisonError::into_inner).push((object, name.to_owned()));
}

/// Drops a few objects that this process has finished with, or else that a process which is gone has left.
///
/// A refusal is no failure: the object is in use, or another test was faster. What this process marked and could not
/// drop is left to a later process.
pub(super) async fn sweep(admin: &Client) {
    let mut objects = take_finished();
    if objects.is_empty() {
        objects = abandoned(admin).await;
    }
    for (object, name) in objects {
        let kind = match object {
            Object::Database => "DATABASE",
            Object::Role => "ROLE",
        };
        let _ = admin.batch_execute(&format!("DROP {kind} IF EXISTS {}", quoted(&name))).await;
    }
}

/// Databases first, since a role cannot go before what it owns.
fn take_finished() -> Vec<(Object, String)> {
    let mut finished = FINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    finished.sort_by_key(|(object, _)| *object == Object::Role);
    let count = finished.len().min(AT_ONCE);
    finished.drain(..count).collect()
}

async fn abandoned(admin: &Client) -> Vec<(Object, String)> {
    let sql = "SELECT 'd', datname::text FROM pg_database d \
               WHERE datname ~ '^whimbrel_t[0-9]+_[0-9]+_[0-9]+$' \
               AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid) \
               UNION ALL SELECT 'r', rolname::text FROM pg_roles WHERE rolname ~ '^whimbrel_r[0-9]+_[0-9]+_[0-9]+$' \
               ORDER BY 1 LIMIT 50";
    let rows = admin.query(sql, &[]).await.unwrap_or_default();
    rows.iter()
        .map(|row| {
            (if row.get::<_, &str>(0) == "d" { Object::Database } else { Object::Role }, row.get::<_, String>(1))
        })
        .filter(|(_, name)| is_abandoned(name))
        .take(AT_ONCE)
        .collect()
}

/// Whether the process in `whimbrel_t<seconds>_<process>_<number>` is gone. This process's own names never are: they
/// are dropped when they are marked.
pub(super) fn is_abandoned(name: &str) -> bool {
    let Some((seconds, rest)) = name.get("whimbrel_t".len()..).and_then(|tail| tail.split_once('_')) else {
        return false;
    };
    let (Ok(seconds), Some((process, _))) = (seconds.parse::<u64>(), rest.split_once('_')) else {
        return false;
    };
    if process == std::process::id().to_string() {
        return false;
    }
    let processes = Path::new("/proc");
    if processes.join("self").exists() {
        return !processes.join(process).exists();
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    now.saturating_sub(seconds) > ABANDONED_SECONDS
}
