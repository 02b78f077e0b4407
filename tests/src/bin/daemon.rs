//! The daemon of the examples, so that the suite runs what this build made.

fn main() -> std::process::ExitCode {
    example_daemon::start()
}
