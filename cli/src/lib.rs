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
/// Wrong arguments end with [`exit_code::USAGE`], `--help` with [`exit_code::DONE`].
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return ExitCode::from(not_understood(&refused)),
    };
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

/// Shows why the arguments are wrong, or the help that was asked for. A script that wants JSON gets its document too.
fn not_understood(refused: &clap::Error) -> u8 {
    // Nobody is left to tell where it cannot be written.
    let _ = refused.print();
    if !refused.use_stderr() {
        return exit_code::DONE;
    }
    let asked =
        std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json");
    if asked {
        output::print_document(&render::json::of_arguments(&refused.render().to_string()));
    }
    exit_code::USAGE
}
