//! Every `console` block is run, in order, page by page, each page in a folder of its own.
//!
//! A line that begins with `$ ` is a command, what follows is what it prints. `…` stands for any text in a line; a line of
//! `…` alone for any lines. A block with `file=NAME` writes that file. An exit code that is not 0 must be printed by the
//! command itself: `; echo "exit code $?"`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::blocks::{Block, blocks, pages};

#[test]
fn the_commands_of_the_guide_print_what_it_says() {
    if cfg!(windows) {
        println!("NOT RUN: the guide's commands are written for a POSIX shell");
        return;
    }
    let programs = tempfile::tempdir().unwrap();
    // A copy could not be started while a process that another test starts just then has it open for writing.
    #[cfg(unix)]
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_guide-whimbrel"), programs.path().join("whimbrel")).unwrap();
    let (mut commands, mut wrong) = (0, Vec::new());
    for page in pages() {
        let folder = tempfile::tempdir().unwrap();
        for block in blocks(&page) {
            if let Some(file) = &block.file {
                let path = folder.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, &block.text).unwrap();
            }
            if block.language == "console" {
                commands += run(&block, folder.path(), programs.path(), &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 15, "only {commands} commands were found: are the blocks still marked?");
}

/// Runs a block's commands; gives how many.
fn run(block: &Block, folder: &Path, programs: &Path, wrong: &mut Vec<String>) -> usize {
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command, Vec::new())),
            (None, Some((_, expected))) => expected.push(line),
            (None, None) => panic!("{}: a console block begins with `$ `", block.place),
        }
    }
    for (command, expected) in &steps {
        let (success, printed) = shell(command, folder, programs);
        let lines: Vec<&str> = printed.lines().collect();
        if !success || !fits(expected, &lines) {
            let expected = expected.join("\n");
            wrong.push(format!("{}: $ {command}\n-- the guide says:\n{expected}\n-- it is:\n{printed}", block.place));
        }
    }
    steps.len()
}

fn shell(command: &str, folder: &Path, programs: &Path) -> (bool, String) {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{path}", programs.display())).env("HOME", folder);
    for variable in ["DATABASE_URL", "WHIMBREL_URL", "APP_DB"] {
        shell.env_remove(variable);
    }
    let output = shell.output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// Whether lines are as expected.
fn fits(expected: &[&str], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        Some((first, rest)) => lines.split_first().is_some_and(|(line, lines)| alike(first, line) && fits(rest, lines)),
    }
}

fn alike(expected: &str, line: &str) -> bool {
    match expected.split_once('…') {
        None => expected == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| alike(after, &rest[at..]))
        }),
    }
}

#[test]
fn the_comparison_can_fail() {
    assert!(fits(&["a … c", "…", "z"], &["a b c", "x", "y", "z"]));
    assert!(fits(&["…"], &[]) && alike("… ms)", "(12 ms)"));
    assert!(!fits(&["a"], &["a", "b"]) && !fits(&["a", "b"], &["a"]) && !fits(&["…", "z"], &["a"]));
    assert!(!alike("a … c", "a b") && !alike("a", "ab"));
}
