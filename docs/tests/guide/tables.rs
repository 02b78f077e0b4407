//! The reference tables list what there is: no more and no less.

use std::collections::BTreeSet;
use std::process::Command;

use crate::blocks::guide;

const COMMANDS: [&str; 20] = [
    "migrate",
    "status",
    "generate",
    "verify",
    "check",
    "diff",
    "push",
    "pull",
    "schema",
    "baseline",
    "adopt",
    "rebase",
    "squash",
    "new",
    "init",
    "create",
    "drop",
    "reset",
    "resolve",
    "completions",
];

/// What the command says about itself.
pub(crate) fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_guide-whimbrel")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?} --help failed");
    String::from_utf8(output.stdout).unwrap()
}

/// The long flags in a help text.
pub(crate) fn flags(help: &str) -> BTreeSet<String> {
    let defined = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = defined.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    names.map(|name| name.trim_end_matches(',').to_owned()).collect()
}

/// The first cells, in back quotes, of the table under a heading of the reference.
fn first_cells(heading: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(guide().join("src/reference.md")).unwrap();
    let (_, section) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(|cell| cell.split(' ').next().unwrap_or(cell).to_owned()).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn commands_are_listed() {
    assert_eq!(first_cells("## Commands"), set(COMMANDS));
    let text = help(&[]);
    let (_, listed) = text.split_once("Commands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.trim().is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: BTreeSet<String> = names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert_eq!(names, set(COMMANDS), "the command has others than the guide");
}

#[test]
fn flags_are_listed() {
    let common: BTreeSet<String> = flags(&help(&[])).into_iter().filter(|flag| flag != "--version").collect();
    assert_eq!(first_cells("## Flags of every command"), common);
    let mut own = BTreeSet::new();
    for command in COMMANDS {
        let more: BTreeSet<_> = flags(&help(&[command])).difference(&common).cloned().collect();
        own.extend(more.into_iter().map(|flag| format!("{command} {flag}")));
    }
    let text = std::fs::read_to_string(guide().join("src/reference.md")).unwrap();
    let (_, section) = text.split_once("\n## Flags of one command\n").unwrap();
    let rows = section.split("\n## ").next().unwrap_or_default().lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows
        .filter_map(|row| row.split('`').next())
        .map(|cell| cell.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(listed, own);
}

#[test]
fn exit_codes_are_listed() {
    // The constants are public; that none is forgotten here, their file shows.
    let file = std::fs::read_to_string(guide().join("../cli/src/exit_code.rs")).unwrap();
    let constants = file.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once("= "));
    let values: BTreeSet<String> = constants.map(|(_, value)| value.trim_end_matches(';').to_owned()).collect();
    assert!(values.contains(&whimbrel_cli::exit_code::INTERRUPTED.to_string()), "{values:?}");
    assert_eq!(first_cells("## Exit codes"), values);
}

#[test]
fn configuration_keys_are_listed() {
    let file = std::fs::read_to_string(guide().join("../cli/src/config.rs")).unwrap();
    let (_, keys) = file.split_once("TARGET_KEYS: [&str; ").unwrap();
    let (keys, _) = keys.split_once("];").unwrap();
    let keys = keys.split('"').skip(1).step_by(2);
    assert_eq!(first_cells("## Keys of a target"), set(keys));
    assert_eq!(first_cells("## Keys at the top"), set(["schema", "default-target"]));
}
