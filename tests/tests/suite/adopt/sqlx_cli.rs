//! Databases that sqlx itself made, at every version of real folders: adopted and migrated on, they end as sqlx ends them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::long::{Part, is_long};

use super::proved::proving;
use super::{assert_same, contents, copy, migrator, verified};
use crate::corpora::{Corpus, corpora};
use crate::on_both;

on_both! {
    every_version_that_sqlx_leaves_goes_on
}

/// What the long form tries as a whole, and the short one at a few versions. None of them writes the time of its run.
const CORPORA: [&str; 5] =
    ["atuin-client-sqlite", "atuin-server-postgres", "bors-postgres", "docsrs-postgres", "zero2prod-postgres"];

/// sqlx-cli, where it is installed as for `cargo xtask bench --peers`; the long form installs it.
fn sqlx_cli() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WHIMBREL_SQLX_CLI") {
        return Some(named.into());
    }
    let root = crate::root().join("target/release/peers");
    let program = root.join("bin").join(format!("sqlx{}", std::env::consts::EXE_SUFFIX));
    if program.exists() {
        return Some(program);
    }
    if !is_long() {
        println!("DID NOT RUN: sqlx-cli is not there; `cargo xtask bench --peers` and the long form install it");
        return None;
    }
    println!("installing sqlx-cli, which takes some minutes");
    let arguments = ["--no-default-features", "--features", "postgres,sqlite,rustls"];
    let installed = Command::new("cargo").args(["install", "sqlx-cli", "--root"]).arg(&root).args(arguments).status();
    assert!(installed.expect("cargo starts").success(), "sqlx-cli could not be installed");
    Some(program)
}

/// A folder, and the corpus that it is of.
struct Folder {
    name: String,
    path: PathBuf,
    corpus: Option<Corpus>,
}

/// The reference application's folder as sqlx has it, and those of the corpora.
fn folders(database: &TestDatabase) -> Vec<Folder> {
    let own = if database.server().is_some() { "migrations-pg" } else { "migrations-sqlite" };
    let application = database.folder("application");
    copy(&crate::root().join(own), &application);
    std::fs::remove_dir_all(application.join("meta")).expect("its journal is Whimbrel's");
    let mut folders = vec![Folder { name: own.to_owned(), path: application, corpus: None }];
    for folder in corpora(database.dialect()).unwrap_or_default() {
        let corpus = Corpus::load(&folder);
        if CORPORA.contains(&corpus.name()) {
            folders.push(Folder {
                name: corpus.name().to_owned(),
                path: folder.join("migrations"),
                corpus: Some(corpus),
            });
        }
    }
    folders
}

/// The versions of a folder, in order.
fn versions(folder: &Path) -> Vec<u64> {
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8")).filter(|name| !name.ends_with(".down.sql"));
    let mut versions: Vec<u64> = names.filter_map(|name| name.split_once('_')?.0.parse().ok()).collect();
    versions.sort_unstable();
    versions
}

/// A database that sqlx has migrated so far; `None`: to the end.
async fn made_by_sqlx(sqlx: &Path, like: &TestDatabase, folder: &Folder, version: Option<u64>) -> TestDatabase {
    let database = if like.server().is_some() { TestDatabase::postgres().await } else { TestDatabase::sqlite() };
    if let Some(corpus) = &folder.corpus {
        corpus.set_up(&database).await;
    }
    let url = match database.server() {
        Some(_) => database.url().to_owned(),
        None => format!("{}?mode=rwc", database.url()),
    };
    let mut command = Command::new(sqlx);
    command.args(["migrate", "run", "--no-dotenv", "--source"]).arg(&folder.path).args(["--database-url", &url]);
    command.args(version.map(|version| format!("--target-version={version}")));
    let output = command.stdin(Stdio::null()).output().expect("sqlx starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{} {version:?}: {told}", folder.name);
    database
}

async fn without_history(database: &TestDatabase) -> Vec<String> {
    contents(database).await.into_iter().filter(|line| !line.contains("_sqlx_migrations")).collect()
}

async fn every_version_that_sqlx_leaves_goes_on(database: TestDatabase) {
    let Some(sqlx) = sqlx_cli() else { return };
    let folders = folders(&database);
    let all: u64 = folders.iter().map(|folder| versions(&folder.path).len() as u64).sum();
    let mut part = Part::begin("versions", all, Some(all));
    for folder in &folders {
        let versions = versions(&folder.path);
        let end = without_history(&made_by_sqlx(&sqlx, &database, folder, None).await).await;
        // The short form takes the first, the last and two between.
        let step = if is_long() { 1 } else { (versions.len() / 3).max(1) };
        for (index, version) in versions.iter().enumerate().step_by(step) {
            if !part.has_another() {
                break;
            }
            let what = format!("{} at {version}", folder.name);
            let stopped = made_by_sqlx(&sqlx, &database, folder, Some(*version)).await;
            let migrator = proving(migrator(&stopped, "sqlx", &folder.path), &stopped);
            let adoption = migrator.adopt(&[]).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            let found: Vec<String> = adoption.in_the_way().map(ToString::to_string).collect();
            assert!(found.is_empty(), "{what}: {found:?}");
            assert_eq!((verified(&adoption), adoption.recorded), (index + 1, index + 1), "{what}");
            assert!(adoption.proved.is_some(), "{what}: {:?}", adoption.notes);
            let report = migrator.migrate().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(report.applied.len(), versions.len() - index - 1, "{what}");
            assert_same(&what, &without_history(&stopped).await, &end);
        }
    }
    if is_long() {
        part.tell();
    }
}
