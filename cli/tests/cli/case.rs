//! A case is a text file: what it shows, commands with what they print, then the files that are there before.
//!
//! `$ whimbrel …` runs the command (`NAME=value` before it sets a variable); the lines below are stdout, those after
//! `! ` stderr, `? 3` the exit code where it is not 0. `| json /a /b` prints the values at these pointers instead, and
//! fails unless stdout is one JSON document. Further commands: `exists`, `missing`, `cat`, `cp`, `rm`, `cd`.
//! `-- name --` begins a file. With `WHIMBREL_BLESS=1` the outputs are written anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// The binary that is tested, without the variables of the machine.
pub(crate) fn whimbrel(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("USERPROFILE", folder);
    // Windows needs it to load libraries.
    command.envs(env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    command
}

struct Step {
    command: String,
    expected: String,
}

pub(crate) fn run(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/cases").join(format!("{name}.txt"));
    let text = fs::read_to_string(&file).unwrap().replace("\r\n", "\n");
    let (script, files) = text.split_at(first_file(&text));
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), files);
    let (about, steps) = parse(script);
    assert!(!steps.is_empty(), "{name} runs nothing");
    let mut current = folder.path().to_owned();
    let mut actual = about;
    let mut differences = Vec::new();
    for step in &steps {
        let output = normal(&execute(&step.command, &mut current, folder.path()), folder.path());
        if output != step.expected {
            differences.push(format!("$ {}\n--- expected\n{}--- actual\n{output}", step.command, step.expected));
        }
        actual.push_str(&format!("\n$ {}\n{output}", step.command));
    }
    if env::var_os("WHIMBREL_BLESS").is_some() {
        let separator = if files.is_empty() { "" } else { "\n" };
        fs::write(&file, format!("{actual}{separator}{files}")).unwrap();
    } else {
        assert!(differences.is_empty(), "{name}:\n{}", differences.join("\n"));
    }
}

/// The name in a line that begins a file.
fn file_name(line: &str) -> Option<&str> {
    line.trim_end_matches('\n').strip_prefix("-- ")?.strip_suffix(" --")
}

fn first_file(text: &str) -> usize {
    let mut lines =
        text.split_inclusive('\n').scan(0, |at, line| Some((std::mem::replace(at, *at + line.len()), line)));
    lines.find(|(_, line)| file_name(line).is_some()).map_or(text.len(), |(at, _)| at)
}

fn write_files(folder: &Path, files: &str) {
    let mut rest = files;
    while let Some((header, after)) = rest.split_once('\n') {
        let path = folder.join(file_name(header).unwrap());
        let (text, next) = after.split_at(first_file(after));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // What editors do not keep: `␉` is a tab, `␍` a carriage return.
        fs::write(path, text.replace('␉', "\t").replace('␍', "\r")).unwrap();
        rest = next;
    }
}

fn parse(script: &str) -> (String, Vec<Step>) {
    let mut about = String::new();
    let mut steps: Vec<Step> = Vec::new();
    for line in script.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), expected: String::new() }),
            (None, Some(_)) if line.is_empty() => {}
            (None, Some(step)) => step.expected.push_str(&format!("{line}\n")),
            (None, None) if line.is_empty() => {}
            (None, None) => about.push_str(&format!("{line}\n")),
        }
    }
    (about, steps)
}

fn execute(line: &str, current: &mut PathBuf, root: &Path) -> String {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let there = |path: &&str| current.join(path).exists();
    match words.as_slice() {
        ["exists", paths @ ..] => paths.iter().filter(|p| !there(p)).map(|p| format!("{p} is missing\n")).collect(),
        ["missing", paths @ ..] => paths.iter().filter(|p| there(p)).map(|p| format!("{p} exists\n")).collect(),
        ["cat", path] => fs::read_to_string(current.join(path)).unwrap(),
        ["rm", path] => fs::remove_file(current.join(path)).map(|()| String::new()).unwrap(),
        ["cp", from, to] => fs::copy(current.join(from), current.join(to)).map(|_| String::new()).unwrap(),
        ["cd", path] => {
            *current = if *path == "/" { root.to_owned() } else { current.join(path) };
            String::new()
        }
        words => whimbrel_command(words, current),
    }
}

fn whimbrel_command(words: &[&str], current: &Path) -> String {
    let at = words.iter().position(|word| *word == "whimbrel").unwrap_or_else(|| panic!("unknown command {words:?}"));
    let mut command = whimbrel(current);
    command.envs(words[..at].iter().map(|word| word.split_once('=').unwrap()));
    let pipe = words.iter().position(|word| *word == "|");
    command.args(&words[at + 1..pipe.unwrap_or(words.len())]);
    let output = command.output().unwrap();
    match pipe {
        Some(pipe) => shown(&output, &json(&words[pipe + 1..], &output)),
        None => shown(&output, &String::from_utf8(output.stdout.clone()).unwrap()),
    }
}

fn shown(output: &Output, stdout: &str) -> String {
    let mut text = stdout.to_owned();
    for line in String::from_utf8(output.stderr.clone()).unwrap().lines() {
        text.push_str(format!("! {line}").trim_end());
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => text.push_str(&format!("? {code:?}\n").replace("Some(", "").replace(')', "")),
    }
    // Empty lines stand between commands.
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

fn json(words: &[&str], output: &Output) -> String {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no JSON: {error}\n{}", String::from_utf8_lossy(&output.stdout)));
    let ["json", pointers @ ..] = words else { panic!("unknown filter {words:?}") };
    let value = |pointer: &&str| match document.pointer(pointer) {
        Some(value) => format!("{pointer} = {value}\n"),
        None => format!("{pointer} is absent\n"),
    };
    pointers.iter().map(value).collect()
}

/// Words between spaces; quotes of both kinds keep them together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What differs from run to run and from system to system, as a word: times, durations, the folder, checksums, the
/// system's own messages.
fn normal(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "DIR").replace(env!("CARGO_PKG_VERSION"), "RELEASE");
    let text = if cfg!(windows) { with_slashes(&text.replace("\\\\", "/")) } else { text };
    text.lines().map(|line| format!("{}\n", without_os_error(&normal_line(&without_stamp(line))))).collect()
}

/// Paths as elsewhere; a value out of a JSON document may have backslashes of its own.
fn with_slashes(text: &str) -> String {
    let line = |line: &str| if line.starts_with('/') { line.replace("m\\", "m/") } else { line.replace('\\', "/") };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// The moment in the name of a backup.
fn without_stamp(line: &str) -> String {
    let is_stamp = |word: &str| word.len() == 16 && word.starts_with("20") && word.ends_with('Z') && word.contains('T');
    let words: Vec<&str> = line.split('.').map(|word| if is_stamp(word) { "STAMP" } else { word }).collect();
    words.join(".")
}

/// `No such file or directory (os error 2)` has other words and another number elsewhere.
fn without_os_error(line: &str) -> String {
    let Some((before, after)) = line.split_once(" (os error ") else { return line.to_owned() };
    let message = before.rfind(": ").map_or(0, |at| at + 2);
    let rest = after.split_once(')').map_or("", |(_, rest)| rest);
    format!("{}OS ERROR{rest}", &before[..message])
}

fn normal_line(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        result.push_str(before);
        let end = from.find(|c: char| !matches!(c, '0'..='9' | 'T' | ':' | '.' | 'Z' | '-')).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        if number.len() >= 20 && number.ends_with('Z') && number.contains('T') {
            result.push_str("TIME");
        } else if after.starts_with(" ms") || result.ends_with("duration_ms = ") {
            result.push('N');
        } else if result.ends_with("v1:sha") {
            let hash = after.len() + number.len();
            rest = &from[hash.min("256:".len() + 64)..];
            result.push_str("256:HASH");
            continue;
        } else {
            result.push_str(number);
        }
        rest = after;
    }
    result + rest
}
