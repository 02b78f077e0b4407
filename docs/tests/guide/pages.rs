//! The pages themselves: code, flags, workflows.

use std::collections::BTreeSet;

use crate::blocks::{blocks, guide, pages};

/// Rust code stands in programs that are compiled and tested; the guide shows a part of one.
#[test]
fn rust_code_is_taken_from_examples_that_are_tested() {
    let mut shown = 0;
    for page in pages() {
        for block in blocks(&page).into_iter().filter(|block| block.language.starts_with("rust")) {
            let include = block.text.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}"));
            let Some(include) = include else {
                assert!(examples().contains(&block.text), "{}: Rust code that nobody compiles", block.place);
                continue;
            };
            let (file, anchor) = include.split_once(':').map_or((include, None), |(file, anchor)| (file, Some(anchor)));
            assert!(file.starts_with("../../examples/"), "{}: {file} is no example", block.place);
            let code = std::fs::read_to_string(guide().join("src").join(file));
            let code = code.unwrap_or_else(|error| panic!("{}: {file}: {error}", block.place));
            if let Some(anchor) = anchor {
                let marks = [format!("// ANCHOR: {anchor}\n"), format!("// ANCHOR_END: {anchor}\n")];
                assert!(marks.iter().all(|mark| code.contains(mark)), "{}: {file} has no {anchor}", block.place);
            }
            shown += 1;
        }
    }
    assert!(shown > 10, "the guide shows only {shown} pieces of code");
}

/// The programs of the examples, as a page that cannot include them repeats one.
fn examples() -> Vec<String> {
    let folders = std::fs::read_dir(guide().join("../examples")).unwrap();
    folders.filter_map(|folder| std::fs::read_to_string(folder.unwrap().path().join("src/main.rs")).ok()).collect()
}

#[test]
fn toml_blocks_are_toml() {
    for page in pages() {
        for block in blocks(&page).into_iter().filter(|block| block.language == "toml") {
            let parsed: Result<toml::Table, _> = block.text.parse();
            assert!(parsed.is_ok(), "{}: {parsed:?}", block.place);
        }
    }
}

#[test]
fn every_language_is_one_that_is_checked() {
    // The others are compiled, run, parsed or applied; `text` is for pictures, `sh` and `yaml` are read below.
    let checked = ["console", "rust", "toml", "sql", "yaml", "sh", "text"];
    for page in pages() {
        for block in blocks(&page) {
            assert!(checked.contains(&block.language.as_str()), "{}: language `{}`", block.place, block.language);
            assert!(block.language != "sql" || block.file.is_some(), "{}: SQL that no command runs", block.place);
        }
    }
}

/// What a workflow, a script or a sentence calls exists: each `whimbrel COMMAND --flag` is in that command's help.
#[test]
fn flags_that_are_named_exist() {
    let mut named = BTreeSet::new();
    for page in pages() {
        let text = std::fs::read_to_string(page).unwrap();
        for call in text.split("whimbrel ").skip(1) {
            let call = call.split(['`', '\n', ';', '|', '&']).next().unwrap_or_default();
            let mut words = call.split_whitespace();
            let Some(command) = words.next().filter(|word| COMMANDS.contains(word)) else { continue };
            let flags = words.filter(|word| word.starts_with("--")).map(|flag| flag.split('=').next().unwrap_or(flag));
            named.extend(flags.map(|flag| (command.to_owned(), flag.to_owned())));
        }
    }
    assert!(named.len() > 5, "{named:?}");
    for (command, flag) in named {
        let help = crate::tables::help(&[&command]);
        assert!(crate::tables::flags(&help).contains(&flag), "`whimbrel {command}` has no `{flag}`");
    }
}

const COMMANDS: [&str; 9] = ["migrate", "status", "new", "init", "create", "drop", "reset", "resolve", "completions"];

#[test]
fn links_of_the_readme_lead_somewhere() {
    let text = std::fs::read_to_string(guide().join("../README.md")).unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    for link in links.filter(|link| !link.contains("://")) {
        let file = link.split('#').next().unwrap_or_default();
        assert!(guide().join("..").join(file).exists(), "README.md: the link {link} leads nowhere");
    }
}
