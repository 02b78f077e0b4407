//! What the crates of the workspace depend on, directly.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Failure;

/// The crates of the workspace that each uses, and no others; those of its tests are not counted.
const OWN: &[(&str, &[&str])] = &[
    ("whimbrel-core", &[]),
    ("whimbrel-macros", &["whimbrel-core"]),
    ("whimbrel-schema", &["whimbrel-core"]),
    ("whimbrel-backend-sqlite", &["whimbrel-core"]),
    ("whimbrel-backend-postgres", &["whimbrel-core"]),
    ("whimbrel", &["whimbrel-core", "whimbrel-macros", "whimbrel-backend-sqlite", "whimbrel-backend-postgres"]),
    ("whimbrel-cli", &["whimbrel"]),
    ("whimbrel-conformance", &["whimbrel-core"]),
];

/// What a crate may use besides, where a feature asks for it: a program that applies migrations compiles none of it.
const OPTIONAL: &[(&str, &str)] = &[
    ("whimbrel-backend-sqlite", "whimbrel-schema"),
    ("whimbrel-backend-postgres", "whimbrel-schema"),
    ("whimbrel", "whimbrel-schema"),
];

/// Crates that only backends use.
const DRIVERS: &[&str] = &[
    "libsql",
    "libsql-sys",
    "libsql-ffi",
    "rusqlite",
    "libsqlite3-sys",
    "sqlx",
    "postgres",
    "tokio-postgres",
    "tokio-postgres-rustls",
    "deadpool-postgres",
];

/// A package, with the names of what it uses outside of its tests.
#[derive(Debug)]
struct Package {
    name: String,
    uses: BTreeSet<String>,
    /// Those of them that a feature asks for.
    optional: BTreeSet<String>,
}

/// Looks at what `cargo metadata --no-deps` says.
pub(super) fn check(metadata: &Value) -> Result<(), Failure> {
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("`cargo metadata` names no packages")?;
    let packages: Vec<Package> = packages.iter().filter_map(package).collect();
    let wrong: Vec<Failure> = OWN.iter().flat_map(|(name, may)| violations(name, may, &packages)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ")) }
}

fn package(package: &Value) -> Option<Package> {
    let dependencies = package.get("dependencies")?.as_array()?.iter();
    let of_program = dependencies.filter(|one| one.get("kind").and_then(Value::as_str) != Some("dev"));
    let named = |one: &Value| Some(one.get("name")?.as_str()?.to_owned());
    let is_optional = |one: &&Value| one.get("optional").and_then(Value::as_bool) == Some(true);
    let of_program: Vec<&Value> = of_program.collect();
    let uses = of_program.iter().filter_map(|one| named(one)).collect();
    let optional = of_program.iter().copied().filter(is_optional).filter_map(named).collect();
    Some(Package { name: package.get("name")?.as_str()?.to_owned(), uses, optional })
}

fn violations(name: &str, may: &[&str], packages: &[Package]) -> Vec<Failure> {
    let Some(package) = packages.iter().find(|package| package.name == name) else {
        return vec![format!("there is no package {name}: is this rule still about it?")];
    };
    let own = |used: &&String| packages.iter().any(|package| package.name == **used);
    let asked_for = |used: &str| package.optional.contains(used) && OPTIONAL.contains(&(name, used));
    let mut wrong = Vec::new();
    for used in package.uses.iter().filter(own).filter(|used| !may.contains(&used.as_str()) && !asked_for(used)) {
        wrong.push(format!("{name} depends on {used}, and may use {may:?} alone of this workspace"));
    }
    for missing in may.iter().filter(|allowed| !package.uses.contains(**allowed)) {
        wrong.push(format!("{name} no longer depends on {missing}: take it off the list"));
    }
    if !name.starts_with("whimbrel-backend-") {
        for driver in package.uses.iter().filter(|used| DRIVERS.contains(&used.as_str())) {
            wrong.push(format!("{name} depends on the driver {driver}, which only a backend may"));
        }
    }
    wrong
}
