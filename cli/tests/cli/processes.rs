//! What takes two processes: signals, locks, a terminal.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use whimbrel::sqlite::libsql;

use crate::case::whimbrel;

const SLOW: &str = "create table slow (n integer);
insert into slow with recursive c(n) as (select 1 union all select n + 1 from c where n < 4000000000) select n from c;
";

fn project(slow: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("migrations")).unwrap();
    fs::write(folder.path().join("migrations/0000_first.sql"), "create table first (n integer);").unwrap();
    fs::write(folder.path().join("migrations/0001_slow.sql"), slow).unwrap();
    folder
}

fn status(folder: &Path) -> serde_json::Value {
    let output = whimbrel(folder).args(["--url", "sqlite:app.db", "status", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Starts `migrate`, sends the signal while the slow migration is at work, and gives exit code and stderr.
#[cfg(unix)]
fn interrupt(folder: &Path, signal: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = whimbrel(folder)
        .args(["--url", "sqlite:app.db", "--verbose", "migrate"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("applying 0001 slow") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "ended too early: {told}");
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    io::Read::read_to_string(&mut stderr, &mut told).unwrap();
    (child.wait().unwrap().code(), told)
}

#[test]
#[cfg(unix)]
fn a_signal_rolls_back_what_is_under_way() {
    for signal in ["-INT", "-TERM"] {
        let folder = project(SLOW);
        let (code, told) = interrupt(folder.path(), signal, &[]);
        assert_eq!(code, Some(130), "{told}");
        assert!(told.contains("error: interrupted; migration 0001 slow: rolled back; 1 of 2 applied"), "{told}");
        assert!(told.contains("next: run `whimbrel migrate` again"), "{told}");
        let status = status(folder.path());
        assert_eq!(status["migrations"][0]["state"], "applied");
        assert_eq!(status["migrations"][1]["state"], "pending");
        fs::write(folder.path().join("migrations/0001_slow.sql"), "create table slow (n integer);").unwrap();
        let again = whimbrel(folder.path()).args(["--url", "sqlite:app.db", "migrate"]).output().unwrap();
        assert!(again.status.success(), "{again:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_signal_outside_a_transaction_needs_a_person() {
    let folder = project(&format!("-- whimbrel: no-transaction\n{SLOW}"));
    let (code, told) = interrupt(folder.path(), "-INT", &[]);
    assert!(code == Some(5), "{code:?} {told}");
    let state = status(folder.path())["migrations"][1].clone();
    assert_eq!(state["statements_done"], 1, "{state} {told}");
    assert!(matches!(state["state"].as_str(), Some("failed" | "interrupted")), "{state}");
}

const JOURNAL: &str = r#"{
  "version": "7",
  "dialect": "sqlite",
  "entries": []
}
"#;

#[test]
#[cfg(unix)]
fn commands_that_write_at_once_take_versions_one_after_the_other() {
    for journal in [None, Some(JOURNAL)] {
        let folder = tempfile::tempdir().unwrap();
        let migrations = folder.path().join("migrations");
        fs::create_dir(&migrations).unwrap();
        if let Some(journal) = journal {
            fs::create_dir(migrations.join("meta")).unwrap();
            fs::write(migrations.join("meta/_journal.json"), journal).unwrap();
        }
        let start = |number: usize| {
            let mut command = whimbrel(folder.path());
            command.args(["new", "--dir", "migrations", &format!("step {number}")]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let started: Vec<_> = (0..12).map(start).collect();
        for child in started {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let files = fs::read_dir(&migrations).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut versions: Vec<String> =
            files.filter(|name| name.ends_with(".sql")).map(|name| name[..4].to_owned()).collect();
        versions.sort();
        assert_eq!(versions, (0..12).map(|number| format!("{number:04}")).collect::<Vec<_>>());
        if journal.is_some() {
            let text = fs::read_to_string(migrations.join("meta/_journal.json")).unwrap();
            let journal: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(journal["entries"].as_array().unwrap().len(), 12, "{text}");
        }
    }
}

#[tokio::test]
async fn a_locked_database_is_waited_for_and_given_up() {
    let folder = project("create table second (n integer);");
    let path = folder.path().join("app.db");
    let database = libsql::Builder::new_local(&path).build().await.unwrap();
    let connection = database.connect().unwrap();
    connection.execute("pragma user_version = 1", ()).await.unwrap();
    connection.execute("begin immediate", ()).await.unwrap();
    let run = |wait: &'static str| {
        whimbrel(folder.path()).args(["--url", "sqlite:app.db", "migrate", "--lock-wait", wait, "--json"]).output()
    };
    let output = run("400ms").unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(told.contains("waiting for the lock, which another connection holds"), "{told}");
    assert!(told.contains("hint: wait until it is done, or wait longer with `--lock-wait`"), "{told}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["error"]["exit_code"], &document["up_to_date"]), (&6.into(), &false.into()));
    connection.execute("rollback", ()).await.unwrap();
    assert_eq!(run("10s").unwrap().status.code(), Some(0));
}

/// Runs the command on a terminal that `script` makes; `None`, said loudly, where that program is not there.
#[cfg(target_os = "linux")]
fn on_a_terminal(folder: &Path, arguments: &str, answer: &str) -> Option<(Option<i32>, String)> {
    let binary = env!("CARGO_BIN_EXE_whimbrel");
    let mut command = Command::new("script");
    command.args(["-qefc", &format!("'{binary}' {arguments}"), "/dev/null"]).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env_remove("WHIMBREL_URL");
    let Ok(mut child) = command.spawn() else {
        eprintln!("NOT RUN: questions on a terminal, because the program `script` is not there");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while stdout.read_line(&mut told).unwrap() > 0 {
        if told.ends_with("to go on:\r\n") {
            stdin.write_all(answer.as_bytes()).unwrap();
        }
    }
    Some((child.wait().unwrap().code(), told))
}

#[test]
#[cfg(target_os = "linux")]
fn drop_shows_what_is_lost_and_asks() {
    let folder = project("create table second (n integer); insert into second values (1), (2);");
    fs::write(folder.path().join("whimbrel.toml"), "[target.a]\nurl = \"sqlite:app.db\"\ndir = \"migrations\"\n")
        .unwrap();
    assert!(whimbrel(folder.path()).arg("migrate").status().unwrap().success());
    let Some((code, told)) = on_a_terminal(folder.path(), "drop", "no\n") else { return };
    assert!(told.contains("app.db will be removed, with 2 tables and 2 rows:"), "{told}");
    assert!(told.contains("second (2 rows)") && told.contains("not confirmed, nothing was touched"), "{told}");
    assert_eq!((code, folder.path().join("app.db").exists()), (Some(1), true));
    let (code, told) = on_a_terminal(folder.path(), "drop", "yes\n").unwrap();
    assert_eq!((code, folder.path().join("app.db").exists()), (Some(0), false), "{told}");
}
