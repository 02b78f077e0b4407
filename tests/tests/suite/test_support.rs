//! Databases for the tests of other people's programs.

use std::process::{Command, Stdio};

use whimbrel::test_support::Template;
use whimbrel::{CodeSource, Sql, SqlSession};
use whimbrel_tests::postgres;

use super::block_on;

fn notes() -> Template {
    Template::new(|migrator| migrator.source(CodeSource::new().sql("1", "notes", "create table notes (body text)")))
}

fn broken() -> Template {
    Template::new(|migrator| migrator.source(CodeSource::new().sql("1", "notes", "create table notes (")))
}

/// Starts processes at once; gives what each printed: runs of the migrations, rows, URL.
fn processes(place: &str, mark: &str, count: usize) -> Vec<(usize, String, String)> {
    let start = |_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_with-test-database"));
        command.args([place, mark]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a process starts")
    };
    let started: Vec<_> = (0..count).map(start).collect();
    let end = |process: std::process::Child| {
        let output = process.wait_with_output().expect("a process ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().expect("three words");
        (word().parse().expect("a number"), word(), word())
    };
    started.into_iter().map(end).collect()
}

#[test]
fn each_test_has_a_sqlite_file_of_its_own_that_goes_with_it() {
    let folder = whimbrel_tests::subjects::folder();
    let template = notes().sqlite_folder(folder.path());
    block_on(async {
        let (one, two) = (template.sqlite().await.unwrap(), template.sqlite().await.unwrap());
        let mut sql = SqlSession::connect(one.backend()).await.unwrap();
        sql.execute("insert into notes values ('only here')").await.unwrap();
        sql.close().await.unwrap();
        let mut sql = SqlSession::connect(two.backend()).await.unwrap();
        assert_eq!(sql.query("select count(*) from notes").await.unwrap(), [[Some("0".to_owned())]]);
        sql.close().await.unwrap();
        assert!(one.path().exists() && two.url().starts_with("sqlite:"));
    });
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.len() == 1 && left[0].to_string_lossy().starts_with("whimbrel-template-"), "{left:?}");
    let error = block_on(broken().sqlite_folder(folder.path()).sqlite()).unwrap_err();
    assert!(error.to_string().contains("could not be migrated"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a template that failed leaves nothing");
}

#[test]
fn processes_share_a_sqlite_template() {
    let folder = whimbrel_tests::subjects::folder();
    let place = folder.path().to_str().unwrap();
    let first = processes(place, "a", 1);
    assert_eq!((first[0].0, &*first[0].1), (1, "2"));
    for (ran, rows, _) in processes(place, "a", 8) {
        assert_eq!((ran, &*rows), (0, "2"), "the template is there");
    }
    assert_eq!(processes(place, "b", 1)[0].0, 1, "another content is another template");
    for (_, rows, _) in processes(place, "c", 8) {
        assert_eq!(rows, "2", "whoever made it, nobody sees another one's rows");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "templates stay, tests go");
}

#[test]
fn processes_share_a_postgres_template_that_one_of_them_makes() {
    crate::needs_postgres!();
    block_on(async {
        let database = postgres::fresh_database().await;
        // Its name makes a content that no other test has.
        let mark = database.name().to_owned();
        let url = database.url();
        let ended = tokio::task::spawn_blocking(move || processes(&url, &mark, 8)).await.unwrap();
        assert_eq!(ended.iter().map(|(ran, ..)| ran).sum::<usize>(), 1, "one of them made the template");
        assert!(ended.iter().all(|(_, rows, _)| rows == "2"), "{ended:?}");
        let client = database.connect().await;
        for (_, _, url) in &ended {
            let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
            let found = client.query("select 1 from pg_database where datname = $1", &[&name]).await.unwrap();
            assert!(found.is_empty(), "{name} went with its test");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_test_has_a_postgres_database_of_its_own() {
    crate::needs_postgres!();
    let server = postgres::fresh_database().await;
    let (one, two) = (notes().postgres(&server.url()).await.unwrap(), notes().postgres(&server.url()).await.unwrap());
    let mut sql = SqlSession::connect(one.backend()).await.unwrap();
    sql.execute("insert into notes values ('only here')").await.unwrap();
    let mut other = SqlSession::connect(two.backend()).await.unwrap();
    assert_eq!(other.query("select count(*) from notes").await.unwrap(), [[Some("0".to_owned())]]);
    let name = one.name().to_owned();
    // A session that is still open does not keep the database.
    drop((one, two));
    let client = server.connect().await;
    let found = client.query("select 1 from pg_database where datname = $1", &[&name]).await.unwrap();
    assert!(found.is_empty(), "both went when the last one was dropped");
    let error = broken().postgres(&server.url()).await.unwrap_err();
    assert!(error.to_string().contains("could not be migrated"), "{error}");
}
