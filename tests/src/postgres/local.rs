//! A server from the machine's own programs, where there are no containers.

use std::{
    env, fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{IDLE_EXIT, OWN_IDLE_SECONDS, PASSWORD, USER, Unavailable};

const ENTRYPOINT: &str = include_str!("../../image/entrypoint.sh");

/// A running server and its data, both gone when dropped.
#[derive(Debug)]
pub(super) struct LocalServer {
    folder: TempDir,
    programs: String,
    port: u16,
    settings: Vec<String>,
    process: Child,
}

impl LocalServer {
    pub(super) fn start(programs: &str, port: u16, settings: &[&str]) -> Result<Self, Unavailable> {
        let folder = tempfile::Builder::new().prefix("whimbrel-postgres-").tempdir()?;
        fs::write(folder.path().join("idle_exit.sh"), IDLE_EXIT)?;
        fs::write(folder.path().join("entrypoint.sh"), ENTRYPOINT)?;
        open_to_others(&folder)?;
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let process = spawn(&folder, programs, port, &settings)?;
        Ok(Self { folder, programs: programs.to_owned(), port, settings, process })
    }

    pub(super) fn kill(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(ended.is_ok(), "the server cannot be killed: {ended:?}");
    }

    pub(super) fn stop(&mut self) {
        signal("INT", &[self.process.id()]);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !matches!(self.process.try_wait(), Ok(Some(_))) {
            assert!(Instant::now() < deadline, "the server does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The sessions of a killed server need a moment to see that it is gone, and the next one waits for none of them.
    pub(super) fn start_again(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match spawn(&self.folder, &self.programs, self.port, &self.settings) {
                Ok(process) => self.process = process,
                Err(error) => panic!("the server does not start: {error}"),
            }
            std::thread::sleep(Duration::from_millis(500));
            if matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            assert!(Instant::now() < deadline, "the server ends at once, see its messages above");
        }
    }

    /// Signals the server and its sessions.
    pub(super) fn signal_all(&self, name: &str) {
        let server = self.process.id();
        let children = Command::new("pgrep").args(["-P", &server.to_string()]).output();
        let children = children.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let mut all = vec![server];
        all.extend(children.lines().filter_map(|line| line.trim().parse::<u32>().ok()));
        signal(name, &all);
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn signal(name: &str, processes: &[u32]) {
    let sent = Command::new("kill").arg(format!("-{name}")).args(processes.iter().map(u32::to_string)).status();
    assert!(sent.as_ref().is_ok_and(std::process::ExitStatus::success), "kill -{name} {processes:?}: {sent:?}");
}

fn spawn(folder: &TempDir, programs: &str, port: u16, settings: &[String]) -> Result<Child, Unavailable> {
    let path = env::join_paths(
        [programs.into()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut command = Command::new("sh");
    command
        .arg(folder.path().join("idle_exit.sh"))
        .args([OWN_IDLE_SECONDS.to_string(), port.to_string(), "sh".to_owned()])
        .arg(folder.path().join("entrypoint.sh"))
        .arg("postgres")
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .envs([("POSTGRES_USER", USER), ("POSTGRES_PASSWORD", PASSWORD), ("LISTEN_ADDRESSES", "127.0.0.1")])
        .envs([("PATH", path.as_os_str()), ("PGDATA", folder.path().join("data").as_os_str())])
        .env("SOCKET_DIRECTORY", "")
        .env("PGPORT", port.to_string())
        .env("WHIMBREL_OWNER", std::process::id().to_string())
        .env("WHIMBREL_OWNED", folder.path())
        .env_remove("POSTGRES_DB")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command.spawn()?)
}

/// The server may run as another user than the tests do: it must get to its data, which only it can read.
fn open_to_others(folder: &TempDir) -> Result<(), Unavailable> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        for script in ["idle_exit.sh", "entrypoint.sh"] {
            fs::set_permissions(folder.path().join(script), fs::Permissions::from_mode(0o755))?;
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
