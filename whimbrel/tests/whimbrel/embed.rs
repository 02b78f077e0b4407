//! `embed_migrations!` in a package of its own, built again after each change of its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BUILD_SCRIPT: &str = r#"fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
"#;

const PROGRAM: &str = r#"fn main() {
    let source = whimbrel::embed_migrations!("migrations");
    let loaded = whimbrel::Source::load(&source, &"main".into()).complete().expect("what compiled also loads");
    assert_eq!(loaded.len(), source.files().len());
    for file in source.files() {
        println!("{}: {}", file.path, file.text.trim());
    }
}
"#;

/// A package that embeds its folder `migrations`.
struct Package {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Package {
    /// The package with one migration. Each test's has another name, as all are built in one target folder.
    fn new(name: &'static str) -> Self {
        let package = Self { folder: tempfile::tempdir().unwrap(), name };
        let whimbrel = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nwhimbrel = {{ path = {whimbrel:?} }}\n\n[workspace]\n"
        );
        package.write("Cargo.toml", &manifest);
        // The same versions as the workspace's, which are on this machine.
        fs::copy(Path::new(whimbrel).join("../Cargo.lock"), package.path("Cargo.lock")).unwrap();
        package.write("build.rs", BUILD_SCRIPT);
        package.write("src/main.rs", PROGRAM);
        package.write("migrations/0000_first.sql", "create table first (id integer);\n");
        package
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn cargo(&self, verb: &str) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command.args([verb, "--offline", "--quiet"]).current_dir(self.folder.path());
        // What cargo tells the tests that it runs is not meant for another package.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed");
        command.env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "never").env_remove("RUSTFLAGS");
        command.output().unwrap()
    }

    /// Builds what changed, and gives what the program prints.
    fn run(&self) -> Vec<String> {
        let output = self.cargo("run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} did not build or run:\n{errors}", self.name);
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// The compiler's message about a folder that must not compile.
    fn refused(&self) -> String {
        let output = self.cargo("build");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{} compiled", self.name);
        assert!(errors.contains("embed_migrations!"), "another error than expected:\n{errors}");
        errors
    }
}

const FIRST: &str = "migrations/0000_first.sql: create table first (id integer);";
const SECOND: &str = "migrations/0001_second.sql: create table second (id integer);";

#[test]
fn a_changed_a_new_and_a_removed_file_rebuild_the_program() {
    let package = Package::new("embed-rebuild");
    assert_eq!(package.run(), [FIRST]);

    package.write("migrations/0000_first.sql", "create table changed (id integer);\n");
    assert_eq!(package.run(), ["migrations/0000_first.sql: create table changed (id integer);"]);
    package.write("migrations/0000_first.sql", "create table first (id integer);\n");

    package.write("migrations/0001_second.sql", "create table second (id integer);\n");
    assert_eq!(package.run(), [FIRST, SECOND]);

    fs::remove_file(package.path("migrations/0000_first.sql")).unwrap();
    assert_eq!(package.run(), [SECOND]);
}

#[test]
fn without_the_line_in_the_build_script_it_does_not_compile() {
    let package = Package::new("embed-unwatched");
    fs::remove_file(package.path("build.rs")).unwrap();
    let message = package.refused();
    assert!(message.contains("cargo::rerun-if-changed=migrations"), "{message}");
    assert!(message.contains("build.rs"), "{message}");

    // A folder whose name only begins alike is not the folder.
    package.write("build.rs", &BUILD_SCRIPT.replace("=migrations", "=migrations-pg"));
    assert!(package.refused().contains("cargo::rerun-if-changed=migrations"));

    package.write("build.rs", BUILD_SCRIPT);
    assert_eq!(package.run(), [FIRST]);
}

#[test]
fn what_a_folder_must_not_hold_is_a_compile_error_that_names_the_file() {
    let package = Package::new("embed-refused");
    package.write("migrations/notes.txt", "later");
    let message = package.refused();
    assert!(message.contains("notes.txt") && message.contains("only .sql files are migrations"), "{message}");
    fs::remove_file(package.path("migrations/notes.txt")).unwrap();

    package.write("migrations/000_again.sql", "select 1;");
    let message = package.refused();
    assert!(message.contains("stands twice"), "{message}");
    assert!(message.contains("0000_first.sql") && message.contains("000_again.sql"), "{message}");
    fs::remove_file(package.path("migrations/000_again.sql")).unwrap();

    fs::write(package.path("migrations/0002_latin.sql"), b"-- caf\xe9\nselect 1;").unwrap();
    let message = package.refused();
    assert!(message.contains("0002_latin.sql:1:7") && message.contains("is not UTF-8"), "{message}");
    fs::remove_file(package.path("migrations/0002_latin.sql")).unwrap();
    assert_eq!(package.run(), [FIRST]);
}

const JOURNAL: &str = r#"{"version":"7","dialect":"postgresql","entries":[
{"idx":0,"version":"7","when":1700000000000,"tag":"0000_first","breakpoints":true},
{"idx":1,"version":"7","when":1700000000001,"tag":"0001_second","breakpoints":true}]}"#;

#[test]
fn a_folder_of_another_tool_is_embedded_as_that_tool_reads_it() {
    let package = Package::new("embed-others");
    package.write("migrations/meta/_journal.json", JOURNAL);
    package.write("migrations/0001_second.sql", "create table second (id integer);\n");
    package.write("migrations/0002_stray.sql", "drop table first;\n");
    assert!(package.refused().contains("the feature `other-tools` reads more"));

    package.write(
        "Cargo.toml",
        &package.read("Cargo.toml").replace(" }\n\n[workspace]", ", features = [\"other-tools\"] }\n\n[workspace]"),
    );
    let message = package.refused();
    assert!(message.contains("migrations: is a folder of drizzle"), "{message}");
    let with = |arguments: &str| {
        // The program loads what it holds: the journal is no migration of its own.
        let program = PROGRAM.replace("\"migrations\"", &format!("\"migrations\", {arguments}"));
        package
            .write("src/main.rs", &program.replace("assert_eq!(loaded.len(), source.files().len())", "drop(loaded)"));
    };
    with("dialect = \"oracle\"");
    assert!(package.refused().contains("`oracle` is no dialect that Whimbrel knows"));
    with("dialect = \"sqlite\"");
    assert!(package.refused().contains("_journal.json"), "the journal says that it is of another database");
    with("dialect = \"postgres\", kind = \"drizzle\"");
    assert!(package.refused().contains("`kind` is nothing that is asked for"));

    with("dialect = \"postgres\"");
    let printed = package.run();
    assert_eq!(printed.iter().filter(|line| line.starts_with("migrations/")).count(), 3, "{printed:?}");
    assert!(printed.contains(&FIRST.to_owned()) && printed.contains(&SECOND.to_owned()), "{printed:?}");
    assert!(!printed.iter().any(|line| line.contains("stray")), "{printed:?}");

    // A journal that changes rebuilds the program.
    package.write("migrations/meta/_journal.json", &JOURNAL.replace("0001_second", "0002_stray"));
    assert!(package.run().iter().any(|line| line.contains("0002_stray.sql")));
}

#[test]
fn a_folder_that_is_empty_or_missing_is_a_compile_error() {
    let package = Package::new("embed-empty");
    fs::remove_file(package.path("migrations/0000_first.sql")).unwrap();
    assert!(package.refused().contains("there are no migrations in the folder"));
    fs::remove_dir(package.path("migrations")).unwrap();
    assert!(package.refused().contains("migrations: the folder cannot be read"));
}

#[test]
fn anything_but_one_string_is_a_compile_error_that_shows_what_to_write() {
    let package = Package::new("embed-argument");
    for argument in ["", "FOLDER", "\"migrations\", \"more\"", "\"\""] {
        package.write("src/main.rs", &PROGRAM.replace("\"migrations\"", argument));
        let message = package.refused();
        assert!(
            message.contains(r#"embed_migrations!(\"migrations\")"#)
                || message.contains(r#"embed_migrations!("migrations")"#),
            "{argument}: {message}"
        );
    }
}

#[test]
fn a_program_that_does_not_ask_for_it_compiles_no_schema_engine() {
    let package = Package::new("embeds-alone");
    let output = package.cargo("tree");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && tree.contains("whimbrel-core"), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!tree.contains("whimbrel-schema"), "{tree}");
    package.write(
        "Cargo.toml",
        &package.read("Cargo.toml").replace(" }\n\n[workspace]", ", features = [\"schema\"] }\n\n[workspace]"),
    );
    let output = package.cargo("tree");
    assert!(String::from_utf8_lossy(&output.stdout).contains("whimbrel-schema"), "the feature brings it");
}
