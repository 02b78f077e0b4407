//! The `whimbrel` command under another name, so that it is built with the tests that start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    whimbrel_cli::run()
}
