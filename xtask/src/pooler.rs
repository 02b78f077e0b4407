//! Arranges the PgBouncer that tests put in front of their Postgres server.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    Failure, docker,
    postgres::Postgres,
    steps::{command, output},
};

/// A PgBouncer; each test starts its own.
#[derive(Debug)]
pub(crate) enum Pooler {
    Image(String),
    Local { program: PathBuf, version: String },
}

impl Pooler {
    /// Finds or makes a way to run one that reaches this server, or says what to install.
    pub(crate) fn arrange(server: &Postgres) -> Result<Self, Failure> {
        let refused = match server {
            Postgres::Image { major, .. } => match docker::pooler_image(*major) {
                Ok(name) => return Ok(Self::Image(name)),
                Err(error) => error,
            },
            Postgres::Local { .. } => "the server runs in no container, so neither can the pooler".to_owned(),
        };
        let found = program().ok_or_else(|| missing(&refused))?;
        println!("    no container: {}", refused.lines().next().unwrap_or_default());
        Ok(found)
    }

    /// What tests read to find it.
    pub(crate) fn environment(&self) -> (&'static str, String) {
        match self {
            Self::Image(name) => ("WHIMBREL_TEST_PGBOUNCER_IMAGE", name.clone()),
            Self::Local { program, .. } => ("WHIMBREL_TEST_PGBOUNCER_BIN", program.display().to_string()),
        }
    }

    /// What it says it is, and where it comes from.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Image(name) => format!("{} from containers of the image {name}", version_in(name)),
            Self::Local { program, version } => format!("{version} from {}", program.display()),
        }
    }
}

/// A program of this machine that tells its version. Distributions keep it where only root's PATH leads.
fn program() -> Option<Pooler> {
    let mut folders: Vec<PathBuf> = env::var_os("PATH").iter().flat_map(env::split_paths).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(|folder| Path::new(folder).to_path_buf()));
    folders.into_iter().map(|folder| folder.join("pgbouncer")).filter(|file| file.is_file()).find_map(|program| {
        let version = first_line(&output(&mut command(&program, &["--version"])).ok()?);
        Some(Pooler::Local { program, version })
    })
}

fn version_in(image: &str) -> String {
    let mut ask = command("docker", &["run", "--rm", "--entrypoint", "pgbouncer", image, "--version"]);
    output(&mut ask).map_or_else(|_| "PgBouncer of an unknown version".to_owned(), |told| first_line(&told))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn missing(refused: &str) -> Failure {
    format!(
        "no way to run PgBouncer on this machine, which tests put in front of Postgres:\n  - {refused}\n  - no program \
         `pgbouncer` (looked along PATH and where distributions put it)\n  \
         hint: install it (Debian, Ubuntu: `apt-get install pgbouncer`, `dnf install pgbouncer`, `brew install \
         pgbouncer`), or test without Postgres: `cargo xtask test --sqlite-only`"
    )
}
