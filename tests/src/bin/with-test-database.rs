//! A test of somebody's program, as a process of its own: `with-test-database FOLDER_OR_URL MARK`.
//!
//! Takes a fresh database from a template with one table, writes a row, and prints how often it ran the template's
//! migrations, the rows that it then sees, and the database's URL. `MARK` tells templates of different tests apart.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use whimbrel::test_support::Template;
use whimbrel::{CodeSource, Event, MigrationBackend, Sql, SqlSession};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<String, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (place, mark) = (arguments.next().ok_or("give a place")?, arguments.next().ok_or("give a mark")?);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let table = format!("create table notes (body text);\ninsert into notes values ('{mark}')");
    let template = Template::new(move |migrator| {
        let count = Arc::clone(&count);
        migrator.source(CodeSource::new().sql("1", "notes", table.clone())).on_event(move |event| {
            count.fetch_add(usize::from(matches!(event, Event::RunStarted { .. })), Ordering::SeqCst);
        })
    });
    let (rows, url) = if place.starts_with("postgres") {
        let database = template.postgres(&place).await?;
        (rows(database.backend()).await?, database.url().to_owned())
    } else {
        let database = template.sqlite_folder(place).sqlite().await?;
        (rows(database.backend()).await?, database.url())
    };
    Ok(format!("{} {rows} {url}", ran.load(Ordering::SeqCst)))
}

async fn rows(backend: &dyn MigrationBackend) -> Result<String, Box<dyn std::error::Error>> {
    let mut sql = SqlSession::connect(backend).await?;
    sql.execute("insert into notes values ('mine')").await?;
    let rows = sql.query("select count(*) from notes").await?;
    sql.close().await?;
    Ok(rows.into_iter().flatten().next().flatten().unwrap_or_default())
}
