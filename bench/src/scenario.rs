//! What is measured on each database, and how contestants take turns.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::measure::{self, Sample};

/// A line of the result.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) migrations: usize,
    pub(crate) contestant: &'static str,
    pub(crate) median_s: f64,
    pub(crate) ratio: f64,
    pub(crate) peak_kib: i64,
}

/// One that takes part: how to prepare for a run, and what to run.
pub(crate) struct Contestant<'a> {
    pub(crate) name: &'static str,
    pub(crate) prepare: Box<dyn Fn() -> Result<(), Box<dyn Error>> + 'a>,
    pub(crate) command: Vec<String>,
    pub(crate) input: Option<PathBuf>,
}

/// Lets the contestants take turns, so that what the machine does meanwhile meets all of them. The first is the floor.
pub(crate) fn compare(
    what: &str,
    migrations: usize,
    runs: usize,
    contestants: &[Contestant<'_>],
) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); contestants.len()];
    for _ in 0..runs {
        for (contestant, samples) in contestants.iter().zip(&mut samples) {
            (contestant.prepare)()?;
            samples.push(measure::run(&contestant.command, contestant.input.as_deref())?);
        }
    }
    let medians: Vec<f64> = samples.iter().map(|samples| median(samples)).collect();
    let rows = contestants.iter().zip(&samples).zip(&medians).map(|((contestant, samples), median_s)| Row {
        what: what.to_owned(),
        migrations,
        contestant: contestant.name,
        median_s: *median_s,
        ratio: median_s / medians[0],
        peak_kib: samples.iter().map(|sample| sample.peak_kib).max().unwrap_or(0),
    });
    let rows: Vec<Row> = rows.collect();
    for row in &rows {
        let Row { what, migrations, contestant, median_s, ratio, peak_kib } = row;
        eprintln!(
            "{what:28} {migrations:>6} {contestant:26} {:>10.1} ms {ratio:>6.2} x {peak_kib:>8} KiB",
            median_s * 1e3
        );
    }
    Ok(rows)
}

fn median(samples: &[Sample]) -> f64 {
    let mut seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// A migration: mostly one row, now and then a table.
fn text(number: usize) -> String {
    match number {
        0 => "create table ledger (id integer primary key, note text not null);\n".to_owned(),
        n if n % 100 == 0 => format!("create table t{n} (id integer primary key, name text not null);\n"),
        n => format!("insert into ledger (id, note) values ({n}, 'entry number {n}');\n"),
    }
}

/// A folder of `count` small migrations.
pub(crate) fn folder(at: &Path, count: usize) -> Result<PathBuf, Box<dyn Error>> {
    let folder = at.join(format!("migrations-{count}"));
    fs::create_dir_all(&folder)?;
    for number in 0..count {
        fs::write(folder.join(format!("{number:05}_step.sql")), text(number))?;
    }
    Ok(folder)
}

/// The same script with what any history must at least write: one row in each transaction, of the columns and the key of
/// whimbrel's own.
pub(crate) fn script_with_history(at: &Path, count: usize, begin: &str) -> Result<PathBuf, Box<dyn Error>> {
    let columns = "namespace text not null, id text not null, format integer not null, kind text not null, version text, \
                   name text not null, checksum text not null, token_checksum text, state text not null, \
                   statements_done integer not null, statements_total integer not null, prefix_checksum text, \
                   fence integer not null, lease_until text, started_at text, finished_at text, duration_ms integer, \
                   origin text, tool_version text, run_by text, error text, primary key (namespace, id)";
    let mut script = format!("create table history ({columns}) without rowid;\n");
    for number in 0..count {
        let checksum = format!("v1:sha256:{:064x}", number as u128 * 0x9e37_79b9_7f4a_7c15);
        let moment = "2026-11-22T15:58:35.854Z";
        write!(
            script,
            "{begin};\n{}insert into history values ('main', 'v:{number:08}', 1, 'migration', '{number:05}', 'step', \
             '{checksum}', '{checksum}', 'applied', 1, 1, null, 1, null, '{moment}', '{moment}', 0, 'applied', \
             'whimbrel 0.1.0', 'user@host pid 12345 run 12345678', null);\ncommit;\n",
            text(number)
        )?;
    }
    let path = at.join(format!("script-with-history-{count}.sql"));
    fs::write(&path, script)?;
    Ok(path)
}

/// The same statements as one script, a transaction for each.
pub(crate) fn script(at: &Path, count: usize, begin: &str) -> Result<PathBuf, Box<dyn Error>> {
    let mut script = String::new();
    for number in 0..count {
        write!(script, "{begin};\n{}commit;\n", text(number))?;
    }
    let path = at.join(format!("script-{count}.sql"));
    fs::write(&path, script)?;
    Ok(path)
}
