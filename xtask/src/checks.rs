//! What must hold besides the tests: format, lints, dependencies, words in the source, documentation.

mod code;
mod crates;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Failure, root,
    steps::{cargo, output, run as run_command, step},
};

/// The one file that may hold unsafe code.
const UNSAFE_FILE: &str = "backend-sqlite/src/native.rs";

/// What a crate's normal and build dependencies must and must not hold, on every platform.
struct Rule {
    /// What the rule is about, for the reader of a failure.
    subject: &'static str,
    arguments: &'static [&'static str],
    /// So that a rule about a tree that has become empty cannot hold by accident.
    present: &'static [&'static str],
    absent: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        subject: "whimbrel-core, which names no driver, no runtime and no terminal",
        arguments: &["--package", "whimbrel-core"],
        present: &["sha2", "thiserror"],
        absent: &[
            "tokio",
            "async-std",
            "smol",
            "tokio-postgres",
            "postgres-protocol",
            "deadpool",
            "deadpool-postgres",
            "libsql",
            "libsql-ffi",
            "libsql-sys",
            "rusqlite",
            "libsqlite3-sys",
            "rustls",
            "clap",
            "indicatif",
            "console",
            "crossterm",
            "termcolor",
            "sqlparser",
        ],
    },
    Rule {
        subject: "a program with only whimbrel's feature `sqlite`",
        arguments: &["--package", "whimbrel", "--no-default-features", "--features", "sqlite"],
        present: &["whimbrel-core", "whimbrel-backend-sqlite", "libsql"],
        absent: &[
            "tokio-postgres",
            "postgres-protocol",
            "deadpool-postgres",
            "whimbrel-backend-postgres",
            "whimbrel-schema",
            "rustls",
            "clap",
            "clap_builder",
            "indicatif",
            "sqlparser",
            "pg_query",
            "squawk-syntax",
            "libsqlite3-sys",
        ],
    },
    Rule {
        subject: "a program with only whimbrel's feature `postgres`",
        arguments: &["--package", "whimbrel", "--no-default-features", "--features", "postgres"],
        present: &["whimbrel-core", "whimbrel-backend-postgres", "tokio-postgres"],
        absent: &[
            "libsql",
            "libsql-ffi",
            "libsql-sys",
            "rusqlite",
            "libsqlite3-sys",
            "whimbrel-backend-sqlite",
            "whimbrel-schema",
            "clap",
            "clap_builder",
            "indicatif",
            "sqlparser",
            "pg_query",
            "squawk-syntax",
            "openssl-sys",
        ],
    },
];

/// Every check, each with its heading; goes on after a failure.
pub(crate) fn run() -> Result<(), Failure> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let outcomes = [
        step("format", || run_command(&mut cargo(&["fmt", "--all", "--check"]))),
        step("clippy", || run_command(&mut cargo(&clippy))),
        step("dependency rules", dependencies),
        step("unsafe code", unsafe_code),
        step("names of backends", words::names),
        step("programs of operations", words::operations),
        step("the command line", words::command_line),
        step("generated migrations", generated),
        documentation(),
    ];
    let failures: Vec<Failure> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n  ")) }
}

/// The documentation of every crate, warnings being errors.
pub(crate) fn documentation() -> Result<(), Failure> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    step("documentation", || run_command(doc.env("RUSTDOCFLAGS", "-D warnings")))
}

/// The reference application's folders lead to its schema file.
fn generated() -> Result<(), Failure> {
    run_command(&mut cargo(&["run", "--quiet", "--package", "whimbrel-cli", "--", "generate", "--check"]))
}

fn dependencies() -> Result<(), Failure> {
    let mut failures: Vec<Failure> = RULES.iter().filter_map(|rule| holds(rule).err()).collect();
    failures.extend(metadata().and_then(|metadata| crates::check(&metadata)).err());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n  ")) }
}

fn holds(rule: &Rule) -> Result<(), Failure> {
    let mut tree = cargo(&["tree", "--edges", "normal,build", "--target", "all", "--prefix", "none"]);
    let listing = output(tree.args(["--format", "{p}"]).args(rule.arguments))?;
    violation(rule, &names(&listing)).map_or(Ok(()), Err)
}

/// The first word of every line of `cargo tree`.
fn names(listing: &str) -> BTreeSet<&str> {
    listing.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

fn violation(rule: &Rule, names: &BTreeSet<&str>) -> Option<Failure> {
    let lacks: Vec<&str> = rule.present.iter().copied().filter(|name| !names.contains(name)).collect();
    let has: Vec<&str> = rule.absent.iter().copied().filter(|name| names.contains(name)).collect();
    match (lacks.is_empty(), has.is_empty()) {
        (true, true) => None,
        (false, _) => {
            Some(format!("{} no longer depends on {}: is this rule still about it?", rule.subject, lacks.join(", ")))
        }
        (true, false) => Some(format!(
            "{} depends on {}\n  hint: `cargo tree {} --invert {}` shows through what",
            rule.subject,
            has.join(", "),
            rule.arguments.join(" "),
            has.first().unwrap_or(&"")
        )),
    }
}

fn metadata() -> Result<Value, Failure> {
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&metadata).map_err(|error| error.to_string())
}

/// The compiler refuses unsafe code wherever the lint is on: so it must be on everywhere, and off in one file only.
fn unsafe_code() -> Result<(), Failure> {
    let metadata = metadata()?;
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("`cargo metadata` names no packages")?;
    let mut failures = Vec::new();
    for manifest in packages.iter().filter_map(|package| package.get("manifest_path")?.as_str()).map(Path::new) {
        let text = fs::read_to_string(manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        if !inherits_lints(&text) {
            failures.push(format!("{} does not take the workspace's lints", relative(manifest)));
        }
        for file in manifest.parent().map(rust_files).transpose()?.unwrap_or_default() {
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            if relative(&file) != UNSAFE_FILE && permits_unsafe(&text) {
                failures.push(format!("{} permits unsafe code, which only {UNSAFE_FILE} may", relative(&file)));
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n  ")) }
}

fn inherits_lints(manifest: &str) -> bool {
    let lines: Vec<&str> = manifest.lines().map(str::trim).collect();
    lines.contains(&"lints.workspace = true") || lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"])
}

/// Whether an attribute turns the lint off; white space may stand anywhere in it.
fn permits_unsafe(text: &str) -> bool {
    let code: String = text
        .lines()
        .map(|line| line.trim_start())
        .filter(|line| !line.starts_with("//"))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    ["allow", "expect", "warn"].iter().any(|level| {
        code.split(&format!("{level}("))
            .skip(1)
            .any(|rest| rest.split(')').next().is_some_and(|list| list.split(',').any(|lint| lint == "unsafe_code")))
    })
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// A path as people write it in this workspace.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
