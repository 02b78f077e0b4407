//! The `whimbrel` command: arguments, configuration and rendering around the library `whimbrel`, which decides
//! everything.
//!
//! [`exit_code`] is for programs that start the command and look at how it ended.

mod arguments;
mod commands;
mod config;
mod environment;
mod error;
pub mod exit_code;
mod output;
mod progress;
mod render;
mod signals;
mod target;

use std::process::ExitCode;

use clap::Parser;

/// Reads the arguments of the process, does what they say, and gives how it ended, see [`exit_code`].
///
/// Wrong arguments and `--help` end the process at once, with [`exit_code::USAGE`] or [`exit_code::DONE`].
#[must_use]
pub fn run() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
            return ExitCode::from(exit_code::FAILED);
        }
    };
    let code = runtime.block_on(commands::run(arguments));
    // A statement may still be at work on a blocking thread; it must not keep a command that is done.
    runtime.shutdown_background();
    ExitCode::from(code)
}
