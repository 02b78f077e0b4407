#![cfg(unix)]

use std::process::Command;
use std::time::Duration;

use super::{End, run_tests_within};
use crate::tally::Tally;

fn shell(script: &str, limit: Duration) -> (Result<End, String>, Vec<String>) {
    let mut heard = Vec::new();
    let mut command = Command::new("sh");
    let mut hear = |line: &str| heard.push(line.trim().to_owned());
    let end = run_tests_within(command.args(["-c", script]), limit, &mut Tally::default(), &mut hear);
    (end, heard)
}

#[test]
fn a_command_that_ends_is_heard_to_its_end() {
    let (end, heard) = shell("echo one; echo two", Duration::from_secs(60));
    assert_eq!((end, heard), (Ok(End::ByItself), vec!["one".to_owned(), "two".to_owned()]));
    assert!(shell("exit 3", Duration::from_secs(60)).0.is_err());
}

#[test]
fn a_command_that_does_not_end_is_killed_with_what_it_started() {
    // The child of the shell holds the pipe open for as long as it lives.
    let (end, heard) = shell("echo one; sleep 600 & wait", Duration::from_millis(300));
    assert_eq!((end, heard), (Ok(End::Killed), vec!["one".to_owned()]));
}
