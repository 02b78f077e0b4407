//! A database on a Postgres server that is gone when its proof is, also where that is cut off.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use whimbrel_backend_postgres::PostgresBackend;
use whimbrel_core::{BackendError, Problem, Timestamp};

use super::refused;

/// How the names begin: what comes behind is the moment in microseconds, the process, and a number.
const PREFIX: &str = "whimbrel_scratch_";

/// How old a database without a session must be, by the clock of the process that made it, to count as left behind.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// How often, and how far apart, a database is looked for that was being made when the proof was cut off.
const LOOKS: (u32, Duration) = (30, Duration::from_millis(100));

/// Dropping it removes the database, where [`removed`](Self::removed) has not.
pub(super) struct ThrowAway {
    pub(super) backend: PostgresBackend,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was asked for, and the server has not answered.
    Asked,
    Made,
    /// It is gone, or was never made.
    Gone,
}

impl ThrowAway {
    /// Makes one.
    pub(super) async fn on(server: &PostgresBackend) -> Result<Self, Problem> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep_once(server).await;
        let now = Timestamp::now().microseconds();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{now}_{}_{number}", std::process::id());
        let backend = server.with_database(&name).map_err(|error| refused("name it", &error))?;
        let mut database = Self { backend, stage: Stage::Asked };
        let made = database.backend.create().await;
        database.stage = if made.is_ok() { Stage::Made } else { Stage::Gone };
        made.map_err(|error| refused("make it", &error))?;
        Ok(database)
    }

    /// Removes it, whatever came of the proof.
    pub(super) async fn removed<T>(mut self, proved: Result<T, Problem>) -> Result<T, Problem> {
        // The server ends the sessions of the replay in its own time.
        let dropped = self.backend.drop_forced().await;
        self.stage = Stage::Gone;
        let proved = proved?;
        dropped.map_err(|error| refused("remove it", &error))?;
        Ok(proved)
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        if self.stage == Stage::Gone {
            return;
        }
        let looks = if self.stage == Stage::Asked { LOOKS.0 } else { 1 };
        let backend = self.backend.clone();
        // The proof may run on a runtime, which must not be blocked by another one on its own thread.
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(self::remove(&backend, looks));
            }
        };
        match std::thread::Builder::new().spawn(remove) {
            Ok(removing) => drop(removing.join()),
            Err(error) => tracing::warn!(%error, "a throw-away database is left: there is no thread to remove it"),
        }
    }
}

async fn remove(backend: &PostgresBackend, looks: u32) {
    for _ in 0..looks {
        match backend.drop_forced().await {
            Ok(true) => return,
            Ok(false) => tokio::time::sleep(LOOKS.1).await,
            Err(error) => {
                return tracing::warn!(%error, "a throw-away database could not be removed; a run after an hour does it");
            }
        }
    }
}

/// Removes what killed processes left, once in a process. Others may be doing the same, so what fails is left to them.
async fn sweep_once(server: &PostgresBackend) {
    static ONCE: Once = Once::new();
    let mut first = false;
    ONCE.call_once(|| first = true);
    if first && let Err(error) = sweep(server).await {
        tracing::debug!(%error, "abandoned throw-away databases were not looked for");
    }
}

/// Only those that have the very form of such a name, are old, belong to this role, and have no session.
async fn sweep(server: &PostgresBackend) -> Result<(), BackendError> {
    let now = Timestamp::now();
    for name in server.idle_databases(PREFIX).await?.into_iter().filter(|name| is_abandoned(name, now)) {
        match server.with_database(&*name)?.drop().await {
            Ok(_) => tracing::info!(database = %name, "removed: a killed process left it"),
            Err(error) => tracing::debug!(%error, database = %name, "was not removed"),
        }
    }
    Ok(())
}

fn is_abandoned(name: &str, now: Timestamp) -> bool {
    let parts: Vec<&str> = name.strip_prefix(PREFIX).map(|rest| rest.split('_').collect()).unwrap_or_default();
    let numbers: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok().filter(|number| *number >= 0)).collect();
    let Some([made, _, _]) = numbers.as_deref() else { return false };
    u64::try_from(now.microseconds() - made).is_ok_and(|age| Duration::from_micros(age) > ABANDONED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_very_form_is_abandoned() {
        let now = Timestamp::from_microseconds(7_200_000_000);
        for (name, expected) in [
            ("whimbrel_scratch_1_2_3", true),
            ("whimbrel_scratch_7000000000_2_3", false),
            ("whimbrel_scratch_9000000000_2_3", false),
            ("whimbrel_scratch_1_2", false),
            ("whimbrel_scratch_1_2_3_4", false),
            ("whimbrel_scratch_mine", false),
            ("whimbrel_scratch_-1_2_3", false),
            ("scratch_1_2_3", false),
        ] {
            assert_eq!(is_abandoned(name, now), expected, "{name}");
        }
    }
}
