//! Arranges the Postgres server that tests run on, and hands it to them by environment.

use std::{thread, time::Duration};

use crate::{
    Failure, docker,
    local::{self, LocalServer, PASSWORD, USER},
    steps::{command, output, step},
};

/// A server of one major version; a container is started by the first test that needs it.
#[derive(Debug)]
pub(crate) enum Postgres {
    Image { major: u32, name: String },
    Local { major: u32, server: LocalServer },
}

impl Postgres {
    /// Finds or makes a way to run this major version, or says what to install.
    pub(crate) fn arrange(major: u32) -> Result<Self, Failure> {
        let image = docker::engine().and_then(|()| docker::image(major));
        let refused = match image {
            Ok(name) => return Ok(Self::Image { major, name }),
            Err(error) => error,
        };
        let Some(programs) = local::programs(major) else { return Err(missing(major, &refused)) };
        println!("    no container: {}", refused.lines().next().unwrap_or_default());
        let server = LocalServer::start(major, programs)?;
        Ok(Self::Local { major, server })
    }

    pub(crate) fn major(&self) -> u32 {
        match self {
            Self::Image { major, .. } | Self::Local { major, .. } => *major,
        }
    }

    /// What tests read to find it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Image { name, .. } => vec![("WHIMBREL_TEST_POSTGRES_IMAGE", name.clone())],
            Self::Local { server, .. } => vec![
                ("WHIMBREL_TEST_POSTGRES_URL", server.url()),
                ("WHIMBREL_TEST_POSTGRES_BIN", server.programs.display().to_string()),
            ],
        }
    }

    /// Where the server comes from.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Image { name, .. } => format!("containers of the image {name}"),
            Self::Local { server, .. } => format!("the programs in {}", server.programs.display()),
        }
    }

    /// What the server that tests have just used says it is; it is asked itself, not the image's name.
    pub(crate) fn version(&self) -> Result<String, Failure> {
        match self {
            Self::Image { name, .. } => version_in(&shared_container(name)),
            Self::Local { server, .. } => server.version(),
        }
    }
}

/// The name that tests give to the container they share.
fn shared_container(image: &str) -> String {
    format!("whimbrel-{}-shared", image.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn version_in(container: &str) -> Result<String, Failure> {
    let password = format!("PGPASSWORD={PASSWORD}");
    let mut ask = command("docker", &["exec", "--env", &password, container, "psql", "--no-psqlrc"]);
    ask.args(["-h", "127.0.0.1", "-U", USER, "-Atc", "select version()"]);
    output(&mut ask).map_err(|error| error.replace(PASSWORD, "…"))
}

fn missing(major: u32, refused: &str) -> Failure {
    format!(
        "no way to run Postgres {major} on this machine:\n  - {refused}\n  - no server programs of version {major} \
         (looked where distributions put them, at `pg_config --bindir`, and along PATH)\n  \
         hint: install Docker and start it (Debian, Ubuntu: `apt-get install docker.io`), or the server itself \
         (`apt-get install postgresql-{major}`, `dnf install postgresql{major}-server`, `brew install \
         postgresql@{major}`), or test without it: `cargo xtask test --sqlite-only`"
    )
}

/// Starts a server that stays, and prints how to reach and how to end it.
pub(crate) fn for_developers(major: u32) -> Result<(), Failure> {
    match step(&format!("Postgres {major}"), || Postgres::arrange(major))? {
        Postgres::Image { name, .. } => {
            let container = format!("whimbrel-postgres-{major}");
            let (version, url) = serve(&container, &name)?;
            println!("{version}\n{url}");
            println!("it runs until `docker rm -f {container}`, which also removes its data");
            Ok(())
        }
        Postgres::Local { mut server, .. } => {
            println!("{}\n{}", server.version()?, server.url());
            println!("it runs until Ctrl-C, or for a quarter of an hour without a client; its data goes with it");
            server.wait()
        }
    }
}

/// A server in a container of this name, with the image's own settings (fsync on): its version and URL.
fn serve(container: &str, image: &str) -> Result<(String, String), Failure> {
    start_container(container, image)?;
    let version = await_version(container)?;
    let address = output(&mut command("docker", &["port", container, "5432/tcp"]))?;
    let port = address.lines().next().and_then(|line| line.rsplit_once(':')).map_or("", |(_, port)| port);
    Ok((version, format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{USER}")))
}

/// Runs `work` with the URL of a server whose data is on disk, and removes the server afterwards.
pub(crate) fn with_server(postgres: Postgres, work: impl FnOnce(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    match postgres {
        Postgres::Local { server, .. } => work(&server.url()),
        Postgres::Image { major, name } => {
            let container = format!("whimbrel-bench-{major}");
            let done = serve(&container, &name).and_then(|(version, url)| {
                println!("    {version}");
                work(&url)
            });
            let removed = output(&mut command("docker", &["rm", "--force", "--volumes", &container]));
            done.and(removed.map(drop))
        }
    }
}

/// Starts the container unless it runs.
fn start_container(container: &str, image: &str) -> Result<(), Failure> {
    let state = output(&mut command("docker", &["inspect", "--format", "{{.State.Running}}", container]));
    match state.as_deref() {
        Ok("true") => return Ok(()),
        Ok(_) => return output(&mut command("docker", &["start", container])).map(|_| ()),
        Err(_) => {}
    }
    let (user, password) = (format!("POSTGRES_USER={USER}"), format!("POSTGRES_PASSWORD={PASSWORD}"));
    let arguments = ["run", "--detach", "--name", container, "--publish", "127.0.0.1::5432"];
    let mut run = command("docker", &arguments);
    run.args(["--env", &user, "--env", &password, "--env", "PGDATA=/whimbrel-data", image]);
    output(&mut run).map(|_| ())
}

fn await_version(container: &str) -> Result<String, Failure> {
    for _ in 0..300 {
        if let Ok(version) = version_in(container) {
            return Ok(version);
        }
        thread::sleep(Duration::from_millis(200));
    }
    version_in(container)
}
