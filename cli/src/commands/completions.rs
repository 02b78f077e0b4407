//! `completions`: what a shell needs to complete the command.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Context;
use crate::arguments::Arguments;
use crate::error::CliError;
use crate::exit_code;

pub(super) fn run(context: &Context, shell: Shell) -> Result<u8, CliError> {
    if context.output.json {
        return Err(CliError::usage("completions are no JSON", "take `--json` away"));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "whimbrel", &mut script);
    context.output.data(String::from_utf8_lossy(&script).trim_end());
    Ok(exit_code::DONE)
}
