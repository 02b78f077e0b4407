//! Named, timed steps, and the commands in them.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write as _},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, root, tally::Tally};

/// Runs `work` under a heading, and prints how it ended after how many seconds.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => println!("    {name}: done in {seconds:.1} s"),
        Err(message) => println!("    {name}: failed after {seconds:.1} s: {message}"),
    }
    let _ = std::io::stdout().flush();
    outcome
}

/// A command that starts in the workspace's folder.
pub(crate) fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Cargo, the one that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments);
    // What is set for the run of this program is not meant for what it runs.
    cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    cargo
}

/// Runs a command to its end, its output for everybody to see.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| describe(command, &error.to_string()))?;
    ended(command, status)
}

/// Runs a command and returns what it printed; what it said on standard error is in the failure.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| describe(command, &error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(describe(command, String::from_utf8_lossy(&output.stderr).trim()))
}

/// Like [`output`], for what may hang on a network; what it prints must be short.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<String, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| describe(command, &error.to_string()))?;
    let deadline = Instant::now() + limit;
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err(describe(command, &format!("no answer within {} s", limit.as_secs())));
        }
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(describe(command, String::from_utf8_lossy(&output.stderr).trim()))
}

/// Runs a test command, shows its output, adds its results to `tally` and hands each line to `hear`.
pub(crate) fn run_tests(command: &mut Command, tally: &mut Tally, hear: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| describe(command, &error.to_string()))?;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            tally.read(&text);
            hear(&text);
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    ended(command, status)
}

fn ended(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() { Ok(()) } else { Err(describe(command, &format!("ended with {status}"))) }
}

/// The program and its arguments, without its environment, where passwords are.
fn describe(command: &Command, what: &str) -> Failure {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    format!("`{name} {}`: {what}", arguments.join(" "))
}
