//! A Postgres server from programs that this machine has.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Failure, root,
    steps::{command, output},
};

/// The superuser of the servers that are started here; no secret.
pub(crate) const USER: &str = "whimbrel";
pub(crate) const PASSWORD: &str = "whimbrel-test";

/// After so many seconds without a client the server stops, which one for developers may.
const IDLE_SECONDS: u32 = 900;

/// A running server; dropping it stops it and removes its data.
#[derive(Debug)]
pub(crate) struct LocalServer {
    pub(crate) programs: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Child,
}

/// The folder of server programs of this major version.
pub(crate) fn programs(major: u32) -> Option<PathBuf> {
    let mut folders = vec![
        format!("/usr/lib/postgresql/{major}/bin").into(),
        format!("/usr/pgsql-{major}/bin").into(),
        format!("/opt/homebrew/opt/postgresql@{major}/bin").into(),
        format!("/usr/local/opt/postgresql@{major}/bin").into(),
    ];
    folders.extend(output(&mut command("pg_config", &["--bindir"])).ok().map(PathBuf::from));
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.into_iter().find(|folder: &PathBuf| folder.join("initdb").exists() && major_of(folder) == Some(major))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
fn major_of(folder: &Path) -> Option<u32> {
    let version = output(&mut command(folder.join("postgres"), &["--version"])).ok()?;
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl LocalServer {
    /// Starts a server on a port of its own, with its data in a temporary folder.
    pub(crate) fn start(major: u32, programs: PathBuf) -> Result<Self, Failure> {
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| format!("no free port: {error}"))?.port();
        let folder = env::temp_dir().join(format!("whimbrel-postgres-{major}-{}", std::process::id()));
        prepare(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let process = spawn(&folder, &programs, port)?;
        let mut server = Self { programs, folder, port, process };
        server.await_ready()?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{USER}", self.port)
    }

    /// What the server says it is.
    pub(crate) fn version(&self) -> Result<String, Failure> {
        let psql = self.programs.join("psql");
        let arguments = ["--no-psqlrc", "-At", "-d", &self.url(), "-c", "select version()"];
        output(&mut command(psql, &arguments)).map_err(|error| error.replace(PASSWORD, "…"))
    }

    /// Waits for the end of the server, which the terminal's Ctrl-C brings.
    pub(crate) fn wait(&mut self) -> Result<(), Failure> {
        self.process.wait().map(|_| ()).map_err(|error| error.to_string())
    }

    fn await_ready(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.version() {
            if let Ok(Some(status)) = self.process.try_wait() {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("the server ended at once ({status}): {}", log.trim()));
            }
            if Instant::now() > deadline {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: {} could not be removed: {error}", self.folder.display());
        }
    }
}

/// Copies the scripts, since the server may run as a user who cannot read the workspace.
fn prepare(folder: &Path) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    for script in ["idle_exit.sh", "entrypoint.sh"] {
        fs::copy(root().join("tests/image").join(script), folder.join(script))?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        for script in ["idle_exit.sh", "entrypoint.sh"] {
            fs::set_permissions(folder.join(script), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn spawn(folder: &Path, programs: &Path, port: u16) -> Result<Child, Failure> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([programs.to_path_buf()].into_iter().chain(env::split_paths(&folders)));
    let path = path.map_err(|error| error.to_string())?;
    let log = fs::File::create(folder.join("log")).map_err(|error| error.to_string())?;
    let output = log.try_clone().map_err(|error| error.to_string())?;
    let (idle, port) = (IDLE_SECONDS.to_string(), port.to_string());
    let mut server = command("sh", &[]);
    server.arg(folder.join("idle_exit.sh")).args([idle.as_str(), &port, "sh"]).arg(folder.join("entrypoint.sh"));
    server
        .arg("postgres")
        .args(["fsync=off", "full_page_writes=off", "max_connections=300"].iter().flat_map(|s| ["-c", s]));
    server
        .current_dir(folder)
        .envs([("PATH", path.as_os_str()), ("PGDATA", folder.join("data").as_os_str())])
        .envs([("POSTGRES_USER", USER), ("POSTGRES_PASSWORD", PASSWORD), ("LISTEN_ADDRESSES", "127.0.0.1")])
        .envs([("SOCKET_DIRECTORY", ""), ("PGPORT", &port)])
        .env("WHIMBREL_OWNER", std::process::id().to_string())
        .env("WHIMBREL_OWNED", folder)
        .env_remove("POSTGRES_DB")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(log);
    server.spawn().map_err(|error| format!("the server does not start: {error}"))
}
