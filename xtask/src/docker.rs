//! Images of Postgres and PgBouncer: found, pulled or built.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    time::Duration,
};

use crate::{
    Failure, debian, root,
    steps::{command, output, output_within},
};

/// How long the engine may take to answer.
const ENGINE: Duration = Duration::from_secs(20);

/// How long a pull of some hundred megabytes may take.
const PULL: Duration = Duration::from_secs(240);

/// What the script that builds images calls PgBouncer.
const POOLER: &str = "pgbouncer";

/// The label with which an image says what it was built from.
const RECIPE: &str = "whimbrel.recipe";

/// Whether there is an engine that answers; else why not.
pub(crate) fn engine() -> Result<(), Failure> {
    output_within(&mut command("docker", &["version", "--format", "{{.Server.Version}}"]), ENGINE).map(|_| ())
}

/// The name of an image with this Postgres: one that is here, else the official one pulled, else one built from
/// Debian's packages. Every way that failed is in the failure.
pub(crate) fn image(major: u32) -> Result<String, Failure> {
    let official = [format!("postgres:{major}-alpine"), format!("postgres:{major}")];
    let built = format!("whimbrel-test-postgres:{major}");
    if let Some(name) = official.iter().find(|name| is_here(name)) {
        return Ok(name.clone());
    }
    if label(&built).is_some_and(|label| label == recipe()) {
        return Ok(built);
    }
    let pulled = official.first().map_or_else(|| Err("no name".to_owned()), |name| pull(name));
    pulled.or_else(|refused| {
        println!("    not pulled: {}", first_line(&refused));
        build(&major.to_string(), debian::suites(major), &built)
            .map_err(|error| format!("{}\n  - {error}", first_line(&refused)))
    })
}

/// The name of an image with PgBouncer: the one that is here, else one built from Debian's packages, of the release
/// that has this Postgres version where there is one.
pub(crate) fn pooler_image(major: u32) -> Result<String, Failure> {
    let built = format!("whimbrel-test-pgbouncer:{major}");
    if label(&built).is_some_and(|label| label == recipe()) {
        return Ok(built);
    }
    build(POOLER, debian::pooler_suites(major), &built)
}

fn is_here(name: &str) -> bool {
    output(&mut command("docker", &["image", "inspect", "--format", "{{.Id}}", name])).is_ok()
}

fn label(name: &str) -> Option<String> {
    let format = format!("{{{{index .Config.Labels \"{RECIPE}\"}}}}");
    output(&mut command("docker", &["image", "inspect", "--format", &format, name])).ok()
}

fn pull(name: &str) -> Result<String, Failure> {
    println!("    pulling {name}");
    output_within(&mut command("docker", &["pull", "--quiet", name]), PULL).map(|_| name.to_owned())
}

/// Tells images that were built from other versions of the files.
fn recipe() -> String {
    let mut hasher = DefaultHasher::new();
    for file in ["Dockerfile", "build.sh", "entrypoint.sh"] {
        fs::read(root().join("tests/image").join(file)).unwrap_or_default().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// `what`: as the script takes it, a version or [`POOLER`].
fn build(what: &str, suites: &[&str], name: &str) -> Result<String, Failure> {
    if suites.is_empty() {
        return Err(format!("Debian packages no Postgres {what}, so no image of it can be built here"));
    }
    for program in ["bash", "apt-get", "dpkg-deb"] {
        output(&mut command(program, &["--version"]))
            .map_err(|_| format!("building an image needs `{program}`, which this machine lacks"))?;
    }
    let mirrors = debian::mirrors();
    if mirrors.is_empty() {
        return Err("building an image needs a Debian mirror, and apt is configured with none".to_owned());
    }
    let mut failures = Vec::new();
    for suite in suites {
        for mirror in &mirrors {
            println!("    building {name} from the packages of Debian {suite}");
            match build_from(suite, what, mirror, name) {
                Ok(()) => return Ok(name.to_owned()),
                Err(error) => failures.push(format!("Debian {suite} has no usable packages here: {}", tail(&error))),
            }
        }
    }
    Err(failures.join("\n  - "))
}

fn build_from(suite: &str, what: &str, mirror: &debian::Mirror, name: &str) -> Result<(), Failure> {
    let work = root().join("target/xtask").join(format!("image-{what}-{suite}"));
    let script = root().join("tests/image/build.sh");
    let (work, script) = (work.to_string_lossy(), script.to_string_lossy());
    let arguments = [&script, suite, what, &mirror.uri, &mirror.keyring, &work, name, &recipe()];
    output(&mut command("bash", &arguments)).map(|_| ())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// The last lines of a long message, on one.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join(" / ")
}
