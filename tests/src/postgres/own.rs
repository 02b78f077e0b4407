//! A server of one test's own, for faults.

use std::{
    net::TcpListener,
    ops::Deref,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use testcontainers::{ImageExt, core::IntoContainerPort, runners::AsyncRunner};

use super::{
    OWN_IDLE_SECONDS, Server, Unavailable, await_ready,
    container::{self, START},
    local::LocalServer,
    run,
};

/// Marks the containers of single tests; its value is the test's process.
const LABEL: &str = "whimbrel.test.process";

/// A server that nobody else uses; dropping it removes it.
#[derive(Debug)]
pub struct OwnServer {
    server: Server,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Container(String),
    Local(LocalServer),
}

impl Deref for OwnServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl OwnServer {
    pub(super) async fn container(image: &str, settings: &[&str]) -> Result<Self, Unavailable> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        remove_abandoned();
        let process = std::process::id();
        let name = format!("whimbrel-own-{process}-{}-own", NEXT.fetch_add(1, Ordering::Relaxed));
        // Chosen here, since the engine would choose another one at each start.
        let port = free_port()?;
        let started = container::request(image, &name, OWN_IDLE_SECONDS, settings)
            .with_mapped_port(port, 5432.tcp())
            .with_label(LABEL, process.to_string())
            .start()
            .await
            .map_err(|error| container::with_remedy(image, error.into()))?;
        let machine = Machine::Container(started.id().to_owned());
        let server = Server::started(&container::host(&started).await?, port);
        let mut own = Self { server, machine };
        own.server = await_ready(&own.server, START).await?;
        Ok(own)
    }

    pub(super) async fn local(programs: &str, settings: &[&str]) -> Result<Self, Unavailable> {
        let port = free_port()?;
        let machine = Machine::Local(LocalServer::start(programs, port, settings)?);
        let server = Server::started("127.0.0.1", port);
        let mut own = Self { server, machine };
        own.server = await_ready(&own.server, START).await?;
        Ok(own)
    }

    /// Kills the server as a power cut would: nothing is flushed, no client is told.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        match &mut self.machine {
            Machine::Container(id) => docker(&["kill", "--signal", "KILL", id]),
            Machine::Local(server) => server.kill(),
        }
    }

    /// Shuts the server down in its fast mode: sessions end with an error, everything is flushed.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&mut self) {
        match &mut self.machine {
            Machine::Container(id) => docker(&["stop", "--time", "30", id]),
            Machine::Local(server) => server.stop(),
        }
    }

    /// Starts the killed or stopped server again, on the same port with the same data, and waits until it answers.
    ///
    /// # Panics
    /// When it does not answer within a minute.
    pub async fn start(&mut self) {
        match &mut self.machine {
            Machine::Container(id) => docker(&["start", id]),
            Machine::Local(server) => server.start_again(),
        }
        self.server = match await_ready(&self.server, START).await {
            Ok(server) => server,
            Err(error) => panic!("the server did not come back: {error}"),
        };
    }

    /// Freezes the server: its connections stay open and nothing answers.
    ///
    /// # Panics
    /// When it cannot be frozen.
    pub fn freeze(&mut self) {
        match &mut self.machine {
            Machine::Container(id) => docker(&["pause", id]),
            Machine::Local(server) => server.signal_all("STOP"),
        }
    }

    /// Ends [`freeze`](Self::freeze).
    ///
    /// # Panics
    /// When it cannot go on.
    pub fn thaw(&mut self) {
        match &mut self.machine {
            Machine::Container(id) => docker(&["unpause", id]),
            Machine::Local(server) => server.signal_all("CONT"),
        }
    }

    /// Makes the server write down everything it has in memory, so that what follows is counted from a quiet state.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn checkpoint(&self) {
        run(&self.admin().await, "CHECKPOINT").await;
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Machine::Container(id) = &self.machine {
            remove(id);
        }
    }
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16, Unavailable> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn docker(arguments: &[&str]) {
    match command(arguments) {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("docker {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => panic!("docker {}: {error}", arguments.join(" ")),
    }
}

fn command(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("docker").args(arguments).stdin(Stdio::null()).output()
}

/// Says what stays behind rather than panic while another panic may be under way.
fn remove(id: &str) {
    let removed = command(&["rm", "--force", "--volumes", id]);
    if !removed.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("warning: container {id} could not be removed: {removed:?}");
    }
}

/// Removes what killed test processes have left, where it can be told that they are gone.
fn remove_abandoned() {
    if !Path::new("/proc/self").exists() {
        return;
    }
    let filter = format!("label={LABEL}");
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
    let Ok(output) = command(&["ps", "--all", "--filter", &filter, "--format", &format]) else { return };
    for (id, process) in String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.split_once(' ')) {
        if !Path::new("/proc").join(process).exists() {
            let _ = command(&["rm", "--force", "--volumes", id]);
        }
    }
}
