//! Times one process as a whole, with the most memory that it held.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run of a process took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) peak_kib: i64,
}

/// Runs a command in a process of its own, which tells its figures: the peak memory of a child is only known as the
/// largest of all children of a process.
pub(crate) fn run(command: &[String], input: Option<&Path>) -> Result<Sample, Box<dyn Error>> {
    let mut measuring = Command::new(std::env::current_exe()?);
    // Away from any configuration file.
    measuring.current_dir(std::env::temp_dir());
    measuring.arg("measure").args(command).env_remove("DATABASE_URL").env_remove("WHIMBREL_URL");
    if let Some(path) = input {
        measuring.stdin(File::open(path)?);
    }
    let output = measuring.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace();
    match (output.status.success(), numbers.next(), numbers.next()) {
        (true, Some(seconds), Some(kib)) => Ok(Sample { seconds: seconds.parse()?, peak_kib: kib.parse()? }),
        _ => Err(format!("`{}` failed", command.join(" ")).into()),
    }
}

/// The measuring process: runs the command and prints seconds and KiB.
pub(crate) fn child(command: &[String]) -> Result<(), Box<dyn Error>> {
    let (program, arguments) = command.split_first().ok_or("no command to measure")?;
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    println!("{seconds} {}", peak_kib()?);
    Ok(())
}

/// The most memory that a child held.
#[cfg(unix)]
fn peak_kib() -> Result<i64, Box<dyn Error>> {
    use nix::sys::resource::{UsageWho, getrusage};
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}

#[cfg(not(unix))]
fn peak_kib() -> Result<i64, Box<dyn Error>> {
    Err("the peak memory of a child is only known on Unix".into())
}
