//! The least that a start with nothing pending can do: read and hash the files, fetch the rows, compare their number.
//!
//! `floor sqlite DATABASE FOLDER` and `floor postgres URL FOLDER`.

use std::error::Error;

use sha2::{Digest, Sha256};
use tokio_postgres::{NoTls, SimpleQueryMessage};

const QUERY: &str = "select version, checksum from whimbrel_history where kind = 'migration'";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dialect, database, folder] = &*arguments else { return Err("floor DIALECT DATABASE FOLDER".into()) };
    let files = hash_all(folder)?;
    let rows = if dialect == "sqlite" { sqlite_rows(database).await? } else { postgres_rows(database).await? };
    if files == rows { Ok(()) } else { Err(format!("{files} files, {rows} rows").into()) }
}

fn hash_all(folder: &str) -> Result<usize, Box<dyn Error>> {
    let mut digests = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        digests.push(Sha256::digest(std::fs::read(entry?.path())?));
    }
    Ok(digests.len())
}

async fn sqlite_rows(path: &str) -> Result<usize, Box<dyn Error>> {
    let connection = libsql::Builder::new_local(path).build().await?.connect()?;
    let mut rows = connection.query(QUERY, ()).await?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next().await? {
        kept.push((row.get::<String>(0)?, row.get::<String>(1)?));
    }
    Ok(kept.len())
}

async fn postgres_rows(url: &str) -> Result<usize, Box<dyn Error>> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let rows = client.simple_query(QUERY).await?;
    Ok(rows.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count())
}
