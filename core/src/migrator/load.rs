//! Loading the sources on a thread of its own, beside the connection.

use std::sync::Arc;
use std::thread;

use futures_channel::oneshot;

use super::Migrator;
use crate::history::check_namespace;
use crate::problem::Problem;
use crate::source::{Loaded, Seed, Source, in_order};

/// Sources being loaded.
pub(super) struct Loading(oneshot::Receiver<Loaded>);

impl Loading {
    pub(super) fn start(migrator: &Migrator) -> Self {
        let (sender, receiver) = oneshot::channel();
        let (sources, seeds) = (migrator.sources.clone(), migrator.seeds.clone());
        let load = move || {
            // Nobody waits any more when the run was dropped.
            let _ = sender.send(load_all(&sources, &seeds));
        };
        if let Err(error) = thread::Builder::new().name("whimbrel-load".to_owned()).spawn(load) {
            tracing::warn!(%error, "no thread to load the migrations on");
        }
        Self(receiver)
    }

    pub(super) async fn finish(self) -> Loaded {
        self.0.await.unwrap_or_else(|_| {
            let hint = "this is the system's limit of threads, or a fault of the source: its panic was printed";
            Loaded { problems: vec![Problem::new("migrations", "could not be loaded", hint)], ..Loaded::default() }
        })
    }
}

type InNamespace<T> = (Arc<str>, T);

pub(super) fn load_all(sources: &[InNamespace<Arc<dyn Source>>], seeds: &[InNamespace<Seed>]) -> Loaded {
    let (mut migrations, mut problems, mut passed_over) = (Vec::new(), Vec::new(), Vec::new());
    let namespaces = sources.iter().map(|(namespace, _)| namespace).chain(seeds.iter().map(|(namespace, _)| namespace));
    for (namespace, why) in namespaces.filter_map(|n| check_namespace(n).err().map(|why| (n, why))) {
        problems.push(crate::Problem::new(format!("{namespace:?}"), why, "give its migrations another namespace"));
    }
    for (namespace, source) in sources {
        let loaded = source.load(namespace);
        problems.extend(loaded.problems);
        passed_over.extend(loaded.passed_over);
        if migrations.is_empty() {
            migrations = loaded.migrations;
        } else {
            migrations.extend(loaded.migrations);
        }
    }
    for (namespace, seed) in seeds {
        match seed.load(namespace) {
            Ok(loaded) => migrations.push(loaded),
            Err(problem) => problems.push(problem),
        }
    }
    Loaded { passed_over, ..in_order(migrations, problems) }
}

/// Who runs, for the history and for those who wait: user, host, process, and a number of this run.
pub(super) fn who_runs() -> String {
    let variable =
        |names: [&str; 2]| names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let user = variable(["USER", "USERNAME"]);
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let host = variable(["HOSTNAME", "COMPUTERNAME"]).or_else(kernel);
    let who = [user, host].into_iter().flatten().collect::<Vec<_>>().join("@");
    let run = crate::lock::random() & 0xffff_ffff;
    format!("{who} pid {} run {run:08x}", std::process::id()).trim_start().to_owned()
}
