//! What the daemon is told when it starts: by arguments, else by the environment.

use std::net::SocketAddr;

/// How the daemon is called.
pub(crate) const USAGE: &str = "\
usage: example-daemon [--database URL] [--listen ADDRESS] [--allow-database-ahead]

  --database URL           sqlite:PATH or postgres://USER@HOST/NAME; else $DATABASE_URL, else sqlite:app.db
  --listen ADDRESS         where to serve; else $LISTEN, else 127.0.0.1:3030; port 0 takes a free one
  --allow-database-ahead   start on a database that is newer than this program: for rolling deploys

exit codes: 0 stopped by a signal, 1 failed, 2 called wrongly, 3 the database is newer than this program,
            130 interrupted while it migrated";

/// What the daemon is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) database: String,
    pub(crate) listen: SocketAddr,
    pub(crate) allow_database_ahead: bool,
}

impl Settings {
    /// Reads them; `Ok(None)` where help was asked for. No error shows the URL: it may hold a password.
    pub(crate) fn read(
        mut arguments: impl Iterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let mut database = variable("DATABASE_URL").unwrap_or_else(|| "sqlite:app.db".to_owned());
        let mut listen = variable("LISTEN").unwrap_or_else(|| "127.0.0.1:3030".to_owned());
        let mut allow_database_ahead = false;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--database" => database = value()?,
                "--listen" => listen = value()?,
                "--allow-database-ahead" => allow_database_ahead = true,
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown argument `{other}`")),
            }
        }
        let listen = listen.parse().map_err(|_| format!("`{listen}` is no address: write 127.0.0.1:3030"))?;
        Ok(Some(Self { database, listen, allow_database_ahead }))
    }
}

#[cfg(test)]
mod tests;
