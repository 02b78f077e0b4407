//! SQLite: against the `sqlite3` shell, in both journal modes.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::options::Options;
use crate::peers::Peers;
use crate::scenario::{self, Contestant, Row};

/// In rollback mode every migration waits for the disk four times: ten thousand of them measure the disk only.
const MOST_IN_ROLLBACK_MODE: usize = 1_000;

pub(crate) fn run(options: &Options) -> Result<Vec<Row>, Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for &size in &options.sizes {
        let folder = scenario::folder(place.path(), size)?;
        for mode in ["wal", "delete"] {
            if mode == "wal" || size <= MOST_IN_ROLLBACK_MODE {
                rows.extend(apply(options, place.path(), &folder, size, mode)?);
            }
        }
        rows.extend(nothing_pending(options, place.path(), &folder, size)?);
    }
    Ok(rows)
}

fn apply(options: &Options, place: &Path, folder: &Path, size: usize, mode: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let database = place.join("apply.db");
    let fresh = || fresh(&database, mode);
    let floor = Contestant {
        name: "sqlite3",
        prepare: Box::new(fresh),
        command: vec!["sqlite3".into(), "-bail".into(), database.display().to_string()],
        input: Some(scenario::script(place, size, "begin immediate")?),
    };
    let with_history = Contestant {
        name: "sqlite3 with a history row",
        prepare: Box::new(fresh),
        command: floor.command.clone(),
        input: Some(scenario::script_with_history(place, size, "begin immediate")?),
    };
    let own = Contestant {
        name: "whimbrel",
        prepare: Box::new(fresh),
        command: whimbrel(options, &database, folder),
        input: None,
    };
    let mut contestants = vec![floor, with_history, own];
    if let Some(peers) = Peers::prepare(options, folder, place)? {
        for (name, command) in peers.commands("sqlite", &format!("sqlite:{}", database.display()))? {
            contestants.push(Contestant { name, prepare: Box::new(fresh), command, input: None });
        }
    }
    scenario::compare(&format!("SQLite, apply, {mode}"), size, options.runs, &contestants)
}

fn nothing_pending(options: &Options, place: &Path, folder: &Path, size: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let database = place.join("applied.db");
    fresh(&database, "wal")?;
    crate::measure::run(&whimbrel(options, &database, folder), None)?;
    let floor = vec![
        options.binaries.join("floor").display().to_string(),
        "sqlite".into(),
        database.display().to_string(),
        folder.display().to_string(),
    ];
    let nothing = || Box::new(|| Ok(())) as Box<dyn Fn() -> Result<(), Box<dyn Error>>>;
    let contestants = [
        Contestant { name: "floor", prepare: nothing(), command: floor, input: None },
        Contestant { name: "whimbrel", prepare: nothing(), command: whimbrel(options, &database, folder), input: None },
    ];
    scenario::compare("SQLite, nothing pending", size, options.runs * 3, &contestants)
}

fn fresh(database: &Path, mode: &str) -> Result<(), Box<dyn Error>> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let made = std::process::Command::new("sqlite3")
        .arg(database)
        .arg(format!("pragma journal_mode = {mode}; create table before (id integer); drop table before"))
        .stdout(std::process::Stdio::null())
        .status();
    match made {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("sqlite3: {status}").into()),
        Err(error) => {
            Err(format!("sqlite3 is the floor and cannot be run: {error}; install the package sqlite3").into())
        }
    }
}

fn whimbrel(options: &Options, database: &Path, folder: &Path) -> Vec<String> {
    crate::postgres::whimbrel(options, &format!("sqlite:{}", database.display()), folder)
}
