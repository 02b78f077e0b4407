//! Other tools, applying the same statements: sqlx-cli and refinery_cli, installed from their registry.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::options::Options;

/// A peer's name, and what it runs.
pub(crate) type Peer = (&'static str, Vec<String>);

/// The peers, installed, with the folder of each.
pub(crate) struct Peers {
    sqlx: PathBuf,
    refinery: PathBuf,
    sqlx_folder: PathBuf,
    refinery_folder: PathBuf,
    place: PathBuf,
}

impl Peers {
    /// Installs both below the build folder, unless they are there, and writes the folder again in their layouts.
    pub(crate) fn prepare(options: &Options, folder: &Path, place: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        if !options.peers {
            return Ok(None);
        }
        let root = options.binaries.join("peers");
        let sqlx =
            install(&root, "sqlx-cli", "sqlx", &["--no-default-features", "--features", "postgres,sqlite,rustls"])?;
        let refinery = install(&root, "refinery_cli", "refinery", &[])?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sqlx_folder = rewrite(folder, &place.join(format!("sqlx-{name}")), |number| format!("{number}_step.sql"))?;
        let refinery_folder =
            rewrite(folder, &place.join(format!("refinery-{name}")), |number| format!("V{number}__step.sql"))?;
        Ok(Some(Self { sqlx, refinery, sqlx_folder, refinery_folder, place: place.to_owned() }))
    }

    /// What each runs against a database.
    pub(crate) fn commands(&self, dialect: &str, url: &str) -> Result<[Peer; 2], Box<dyn Error>> {
        let config = self.place.join(format!("refinery-{dialect}.toml"));
        fs::write(&config, refinery_config(dialect, url)?)?;
        let text = |path: &Path| path.display().to_string();
        let sqlx = [&text(&self.sqlx), "migrate", "run", "--source", &text(&self.sqlx_folder), "--database-url", url];
        let refinery = [&text(&self.refinery), "migrate", "-c", &text(&config), "-p", &text(&self.refinery_folder)];
        Ok([("sqlx", sqlx.map(str::to_owned).to_vec()), ("refinery", refinery.map(str::to_owned).to_vec())])
    }
}

fn install(root: &Path, package: &str, program: &str, arguments: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    let path = root.join("bin").join(program);
    if !path.exists() {
        eprintln!("installing {package}, which takes some minutes");
        let status = Command::new("cargo").args(["install", package, "--root"]).arg(root).args(arguments).status()?;
        if !status.success() {
            return Err(format!("{package} could not be installed: {status}").into());
        }
    }
    Ok(path)
}

/// Versions from 1, since not every peer takes 0.
fn rewrite(from: &Path, to: &Path, name: impl Fn(usize) -> String) -> Result<PathBuf, Box<dyn Error>> {
    fs::create_dir_all(to)?;
    let mut files: Vec<PathBuf> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.sort();
    for (index, file) in files.iter().enumerate() {
        fs::copy(file, to.join(name(index + 1)))?;
    }
    Ok(to.to_owned())
}

fn refinery_config(dialect: &str, url: &str) -> Result<String, Box<dyn Error>> {
    if dialect == "sqlite" {
        let path = url.strip_prefix("sqlite:").ok_or("a SQLite URL begins with sqlite:")?;
        return Ok(format!("[main]\ndb_type = \"Sqlite\"\ndb_path = \"{path}\"\n"));
    }
    let config: tokio_postgres::Config = url.parse()?;
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
        _ => return Err("refinery wants a host".into()),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or("postgres");
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned();
    let name = config.get_dbname().unwrap_or(user);
    Ok(format!(
        "[main]\ndb_type = \"Postgres\"\ndb_host = \"{host}\"\ndb_port = \"{port}\"\ndb_user = \"{user}\"\n\
         db_pass = \"{password}\"\ndb_name = \"{name}\"\n"
    ))
}
