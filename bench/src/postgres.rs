//! Postgres: against `psql`, on a server with fsync on.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use crate::options::Options;
use crate::peers::Peers;
use crate::scenario::{self, Contestant, Row};

pub(crate) fn run(options: &Options, url: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for &size in &options.sizes {
        let folder = scenario::folder(place.path(), size)?;
        rows.extend(apply(options, url, place.path(), &folder, size)?);
        rows.extend(nothing_pending(options, url, &folder, size)?);
    }
    Ok(rows)
}

fn apply(options: &Options, url: &str, place: &Path, folder: &Path, size: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let database = database_url(url, "whimbrel_bench_apply");
    let fresh = || fresh(url, "whimbrel_bench_apply");
    let script = scenario::script(place, size, "begin")?;
    let floor = Contestant {
        name: "psql",
        prepare: Box::new(fresh),
        command: psql(&database, &["-q", "-v", "ON_ERROR_STOP=1", "-f", &script.display().to_string()]),
        input: None,
    };
    let own = Contestant {
        name: "whimbrel",
        prepare: Box::new(fresh),
        command: whimbrel(options, &database, folder),
        input: None,
    };
    let mut contestants = vec![floor, own];
    if let Some(peers) = Peers::prepare(options, folder, place)? {
        for (name, command) in peers.commands("postgres", &database)? {
            contestants.push(Contestant { name, prepare: Box::new(fresh), command, input: None });
        }
    }
    scenario::compare("Postgres, apply", size, options.runs, &contestants)
}

fn nothing_pending(options: &Options, url: &str, folder: &Path, size: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let database = database_url(url, "whimbrel_bench_applied");
    fresh(url, "whimbrel_bench_applied")?;
    crate::measure::run(&whimbrel(options, &database, folder), None)?;
    let floor = options.binaries.join("floor").display().to_string();
    let floor = vec![floor, "postgres".into(), database.clone(), folder.display().to_string()];
    let nothing = || Box::new(|| Ok(())) as Box<dyn Fn() -> Result<(), Box<dyn Error>>>;
    let contestants = [
        Contestant { name: "floor", prepare: nothing(), command: floor, input: None },
        Contestant { name: "whimbrel", prepare: nothing(), command: whimbrel(options, &database, folder), input: None },
    ];
    scenario::compare("Postgres, nothing pending", size, options.runs * 3, &contestants)
}

/// The command, applying a folder to a database.
pub(crate) fn whimbrel(options: &Options, url: &str, folder: &Path) -> Vec<String> {
    let program = options.binaries.join("whimbrel").display().to_string();
    let folder = folder.display().to_string();
    [&program, "migrate", "--quiet", "--no-progress", "--url", url, "--dir", &folder].map(str::to_owned).to_vec()
}

fn psql(url: &str, arguments: &[&str]) -> Vec<String> {
    ["psql", "-X", "-d", url].iter().chain(arguments).map(|argument| (*argument).to_owned()).collect()
}

fn database_url(server: &str, name: &str) -> String {
    let (base, query) =
        server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
    let host = base.rsplit_once('/').map_or(base, |(host, _)| host);
    format!("{host}/{name}{query}")
}

fn fresh(server: &str, name: &str) -> Result<(), Box<dyn Error>> {
    for statement in
        [format!("drop database if exists {name}"), format!("create database {name}"), "checkpoint".to_owned()]
    {
        let command = psql(server, &["-q", "-c", &statement]);
        let made =
            Command::new(&command[0]).args(&command[1..]).env("PGOPTIONS", "-c client_min_messages=warning").status();
        match made {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("psql: {status}").into()),
            Err(error) => {
                return Err(format!(
                    "psql is the floor and cannot be run: {error}; install the package postgresql-client"
                )
                .into());
            }
        }
    }
    Ok(())
}
