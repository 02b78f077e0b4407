//! The daemon's process.

fn main() -> std::process::ExitCode {
    example_daemon::start()
}
