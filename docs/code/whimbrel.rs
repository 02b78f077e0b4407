//! The `whimbrel` command, as the guide's tests run it.

fn main() -> std::process::ExitCode {
    whimbrel_cli::run()
}
