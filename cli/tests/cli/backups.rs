//! Backups that are needed, and backups that cannot be made: whatever happens, no half of one looks like a whole one.

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Command, Output};

use whimbrel::sqlite::libsql;

use crate::case::whimbrel;

const ROWS: usize = 3_000;

/// A database with rows of about four megabytes, and a migration that is pending.
async fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("m")).unwrap();
    fs::write(folder.path().join("m/0000_first.sql"), "create table first (n integer primary key, data);").unwrap();
    assert!(migrate(folder.path(), &[]).status.success());
    let fill = format!(
        "with recursive c (n) as (select 1 union all select n + 1 from c where n < {ROWS}) \
         insert into first select n, zeroblob(1200) || n from c"
    );
    let database = libsql::Builder::new_local(folder.path().join("app.db")).build().await.unwrap();
    database.connect().unwrap().execute(&fill, ()).await.unwrap();
    fs::write(folder.path().join("m/0001_second.sql"), "create table second (n integer);").unwrap();
    folder
}

fn migrate(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = whimbrel(folder);
    command.args(["--url", "sqlite:app.db", "--dir", "m", "migrate"]).args(arguments).output().unwrap()
}

/// What stands beside the database, without the migrations.
fn beside(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "m" && name != "app.db").collect();
    names.sort();
    names
}

/// The number of rows and tables that the file has, if it is a whole database.
async fn contents(file: &Path) -> (i64, i64) {
    let database = libsql::Builder::new_local(file).build().await.unwrap();
    let connection = database.connect().unwrap();
    let number = async |sql: &str| {
        let row = connection.query(sql, ()).await.unwrap().next().await.unwrap().unwrap();
        row.get::<i64>(0).unwrap()
    };
    assert_eq!(number("select count(*) from pragma_integrity_check where integrity_check = 'ok'").await, 1);
    (
        number("select count(*) from first").await,
        number("select count(*) from sqlite_schema where type = 'table'").await,
    )
}

async fn is_untouched(folder: &Path) {
    assert_eq!(contents(&folder.join("app.db")).await, (3_000, 2), "the first table, and the history");
}

#[tokio::test]
async fn after_a_failure_the_backup_has_every_row() {
    let folder = project().await;
    // The first one loses rows, and only the next one fails.
    fs::write(folder.path().join("m/0001_second.sql"), "delete from first where n % 2 = 0;").unwrap();
    fs::write(folder.path().join("m/0002_third.sql"), "insert into nowhere values (1);").unwrap();
    let output = migrate(folder.path(), &["--backup"]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(4), "{err}");
    let [name] = beside(folder.path()).try_into().unwrap();
    assert!(out.starts_with(&format!("backup {name}\napplied 0001 second")), "{out}");
    assert!(err.contains(&format!("backup: {name}\n")) && err.contains("1 of 2 applied"), "{err}");
    let database = folder.path().join("app.db");
    assert_eq!(contents(&database).await.0, 1_500);
    // As the guide says: the backup takes the database's place.
    fs::copy(folder.path().join(&name), &database).unwrap();
    is_untouched(folder.path()).await;
    fs::write(folder.path().join("m/0001_second.sql"), "create table second (n integer);").unwrap();
    fs::remove_file(folder.path().join("m/0002_third.sql")).unwrap();
    assert!(migrate(folder.path(), &[]).status.success());
    assert_eq!(contents(&database).await, (3_000, 3));
    assert_eq!(contents(&folder.path().join(&name)).await, (3_000, 2), "the backup is what it was");
}

/// Runs the command below limits that a shell sets.
#[cfg(unix)]
fn limited(folder: &Path, limits: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_whimbrel");
    let script = format!("{limits}\nexec '{binary}' --url sqlite:app.db --dir m migrate --backup");
    Command::new("sh").args(["-c", &script]).current_dir(folder).env_remove("WHIMBREL_URL").output().unwrap()
}

/// The system kills a process that makes a file longer than it may be: here, in the middle of the copy.
#[cfg(unix)]
#[tokio::test]
async fn killed_in_the_middle_nothing_looks_like_a_backup() {
    use std::os::unix::process::ExitStatusExt;
    let folder = project().await;
    let output = limited(folder.path(), "ulimit -c 0; ulimit -f 1000");
    assert!(output.status.signal().is_some(), "{output:?}");
    let names = beside(folder.path());
    assert!(matches!(&*names, [name] if name.ends_with(".partial")), "{names:?}");
    is_untouched(folder.path()).await;
    // What is left is in nobody's way.
    let output = migrate(folder.path(), &["--backup"]);
    assert!(output.status.success(), "{output:?}");
    let whole: Vec<String> = beside(folder.path()).into_iter().filter(|name| name.ends_with(".backup")).collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(contents(&folder.path().join(&whole[0])).await, (3_000, 2));
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_that_cannot_be_written_to_its_end_stops_the_run() {
    let folder = project().await;
    let output = limited(folder.path(), "trap '' XFSZ; ulimit -f 1000");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("back up the database: cannot write `app.db."), "{told}");
    assert!(told.contains("hint: make room") && told.contains("0 of 1 applied"), "{told}");
    assert_eq!(beside(folder.path()), [""; 0], "the part that was written is gone");
    is_untouched(folder.path()).await;
}

/// A disk of its own, which has no room for a second copy.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_the_run() {
    let folder = project().await;
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let binary = env!("CARGO_BIN_EXE_whimbrel");
    let script = format!(
        "mount -t tmpfs -o size=6m none disk || exit 99\ncp -r app.db m disk\ncd disk\n\
         '{binary}' --url sqlite:app.db --dir m migrate --backup\necho \"code $?\"\nls\n\
         '{binary}' --url sqlite:app.db --dir m status"
    );
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]).current_dir(folder.path());
    let output = command.env_remove("WHIMBREL_URL").output();
    let Ok(output) = output else {
        eprintln!("NOT RUN: a full disk, because the program `unshare` is not there");
        return;
    };
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if !out.contains("code ") {
        eprintln!("NOT RUN: a full disk, because this system lets nobody mount one: {err}");
        return;
    }
    assert!(err.contains("database or disk is full (SQLITE_FULL (13))") && err.contains("hint: make room"), "{err}");
    assert!(out.starts_with("code 1\napp.db\nm\n"), "no part of a backup is left: {out}");
    assert!(out.contains("pending  0001 second") && out.contains("1 applied, 1 pending"), "{out}");
}

/// Who runs the tests may be one whom no right stops; then the command is run by another.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_written_stops_the_run() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let folder = project().await;
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = whimbrel(folder.path());
    if is_root {
        chown(folder.path().join("app.db"), Some(NOBODY), None).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_whimbrel"), folder.path().join("command")).unwrap();
        command = Command::new(folder.path().join("command"));
        command.current_dir(folder.path()).env_clear().uid(NOBODY);
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    command.args(["--url", "sqlite:app.db", "--dir", "m", "migrate", "--backup"]);
    let output = loop {
        match command.output() {
            // A process that another test starts just now still has the copy of the command open.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => break output,
        }
    };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let output = output.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("back up the database: cannot make a copy beside `app.db`: Permission denied"), "{told}");
    assert!(
        told.contains("hint: a backup needs room and the right to write") && told.contains("0 of 1 applied"),
        "{told}"
    );
    let left: Vec<PathBuf> = beside(folder.path()).into_iter().map(PathBuf::from).collect();
    assert_eq!(left, if is_root { vec![PathBuf::from("command")] } else { Vec::new() });
    is_untouched(folder.path()).await;
}
