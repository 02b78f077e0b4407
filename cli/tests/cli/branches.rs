//! Two branches that each add a migration of the same version, in a real repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::case::whimbrel;

/// Runs git in the folder; `None`, aloud, where there is no git.
fn git(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main"];
    match Command::new("git").current_dir(folder).args(identity).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("DID NOT RUN: there is no git here: {error}");
            None
        }
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = whimbrel(folder).args(arguments).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), told)
}

/// The files of the migrations, in order.
fn migrations(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder.join("m")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".sql")).collect();
    names.sort();
    names
}

const FIRST: &str = "CREATE TABLE notes (id integer PRIMARY KEY, body text);\n";
const OTHER: &str = "CREATE TABLE other (id integer PRIMARY KEY);\n";

/// A repository in which `mine` and `main` both added a migration 0001, in the midst of their merge. `None`: no git.
fn merged(mine: &str, theirs: &str, both: &str) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git(path, &["init", "-q"])?;
    git(path, &["checkout", "-q", "-b", "main"])?;
    fs::write(path.join("whimbrel.toml"), "[target.sqlite]\nurl = \"sqlite:app.db\"\ndir = \"m\"\n").unwrap();
    let commit = |schema: &str, name: &str| {
        fs::write(path.join("schema.sql"), schema).unwrap();
        let (code, told) = run(path, &["generate", name, "--accept-data-loss"]);
        assert_eq!(code, Some(0), "{told}");
        git(path, &["add", "-A"]).unwrap();
        assert!(git(path, &["commit", "-q", "-m", name]).unwrap().status.success());
    };
    commit(FIRST, "first");
    git(path, &["checkout", "-q", "-b", "mine"])?;
    commit(mine, "mine");
    git(path, &["checkout", "-q", "main"])?;
    commit(theirs, "theirs");
    git(path, &["checkout", "-q", "mine"])?;
    assert!(!git(path, &["merge", "main"])?.status.success(), "the journal is in conflict");
    fs::write(path.join("schema.sql"), both).unwrap();
    Some(folder)
}

#[test]
fn a_branch_is_moved_behind_what_was_merged_before_it() {
    let mine = FIRST.replace("body text", "body text, size integer");
    let Some(folder) = merged(&mine, &format!("{FIRST}{OTHER}"), &format!("{mine}{OTHER}")) else { return };
    let path = folder.path();
    let (code, told) = run(path, &["migrate"]);
    assert_eq!((code, told.contains("0001 stands twice")), (Some(1), true), "{told}");
    let (_, told) = run(path, &["generate"]);
    assert!(told.contains("`whimbrel rebase` mends it"), "{told}");

    let (code, told) = run(path, &["rebase"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("0001_mine.sql is now 0002_mine.sql"), "{told}");
    assert_eq!(migrations(path), ["0000_first.sql", "0001_theirs.sql", "0002_mine.sql"]);
    let (code, told) = run(path, &["check", "--require-replay"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(path, &["generate", "--check"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(path, &["migrate"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(path, &["verify"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(path, &["rebase"]);
    assert_eq!((code, told.contains("nothing to do")), (Some(0), true), "{told}");
}

#[test]
fn a_rebuild_that_would_undo_what_was_merged_is_refused_and_nothing_is_moved() {
    // Each rebuilds the table from the columns that it knew: the later one would drop the other's column.
    let mine = FIRST.replace("body text", "body text NOT NULL DEFAULT ''");
    let theirs = FIRST.replace("body text", "body text, size integer");
    let both = FIRST.replace("body text", "body text NOT NULL DEFAULT '', size integer");
    let Some(folder) = merged(&mine, &theirs, &both) else { return };
    let path = folder.path();
    let journal = fs::read(path.join("m/meta/_journal.json")).unwrap();
    let (code, told) = run(path, &["rebase"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("does not lead to the schema") && told.contains("notes.size"), "{told}");
    assert!(told.contains("generate it again"), "{told}");
    assert_eq!(migrations(path), ["0000_first.sql", "0001_mine.sql", "0001_theirs.sql"]);
    assert_eq!(fs::read(path.join("m/meta/_journal.json")).unwrap(), journal);

    // The remedy.
    fs::remove_file(path.join("m/0001_mine.sql")).unwrap();
    let (code, told) = run(path, &["rebase", "0001_theirs"]);
    assert_eq!(code, Some(1), "what it leads to is not yet the schema: {told}");
    git(path, &["checkout", "--theirs", "m/meta"]).unwrap();
    let (code, told) = run(path, &["generate"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(path, &["check", "--require-replay"]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn without_git_the_branchs_migrations_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("whimbrel.toml"), "[target.sqlite]\nurl = \"sqlite:app.db\"\ndir = \"m\"\n").unwrap();
    fs::write(path.join("schema.sql"), format!("{FIRST}{OTHER}")).unwrap();
    fs::create_dir(path.join("m")).unwrap();
    for (name, text) in [("1.9_notes", FIRST), ("1.9_other", OTHER)] {
        fs::write(path.join("m").join(format!("{name}.sql")), text).unwrap();
    }
    let mut command = whimbrel(path);
    let output = command.env("GIT_CEILING_DIRECTORIES", path.parent().unwrap()).arg("rebase").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, told) = run(path, &["rebase", "1.9_other.sql", "2_none"]);
    assert_eq!((code, told.contains("2_none")), (Some(1), true), "{told}");
    let (code, told) = run(path, &["rebase", "1.9_other.sql", "--json"]);
    assert_eq!((code, told.contains("1.10_other.sql")), (Some(0), true), "{told}");
    assert_eq!(migrations(path), ["1.10_other.sql", "1.9_notes.sql"]);
    let (code, told) = run(path, &["check"]);
    assert_eq!(code, Some(0), "{told}");
}
