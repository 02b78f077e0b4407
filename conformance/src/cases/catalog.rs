//! Queries about the database itself: what is somebody's, and what time it is.

use whimbrel_core::{Catalog, CodeSource, Timestamp};

use super::{Outcome, history, need};
use crate::bench::Bench;

fn catalog(bench: &Bench) -> Option<Catalog> {
    bench.capabilities().catalog
}

async fn named(bench: &Bench, catalog: Catalog) -> Vec<String> {
    let rows = bench.query(catalog.tables).await;
    rows.into_iter().map(|row| row[0].clone().expect("a table has a name")).collect()
}

pub(super) async fn names_what_migrations_made(bench: &Bench) -> Outcome {
    let found = catalog(bench);
    need!(found.is_some(), "it has no catalog");
    let source = CodeSource::new().sql("1", "tables", "create table one (id integer); create table two (id integer)");
    let source = source.sql("2", "view", "create view both_of_them as select id from one union select id from two");
    bench.migrator(source).migrate().await.expect("it goes well");
    let mut names = match found {
        Some(found) => named(bench, found).await,
        None => Vec::new(),
    };
    names.sort();
    assert_eq!(names, ["both_of_them", "one", "two"]);
    Outcome::Passed
}

pub(super) async fn names_nothing_in_a_fresh_database(bench: &Bench) -> Outcome {
    let Some(found) = catalog(bench) else { return Outcome::Skipped("it has no catalog") };
    assert_eq!(named(bench, found).await, Vec::<String>::new());
    // What the database makes by itself is nobody's either.
    bench.execute("create table one (id integer primary key)").await;
    bench.execute("drop table one").await;
    assert_eq!(named(bench, found).await, Vec::<String>::new());
    Outcome::Passed
}

pub(super) async fn names_no_history(bench: &Bench) -> Outcome {
    let Some(found) = catalog(bench) else { return Outcome::Skipped("it has no catalog") };
    let mut session = bench.session().await;
    history::create(&mut *session).await;
    session.close().await.expect("a session closes");
    if let Some(client) = bench.client_with_history("somebody's own history") {
        let mut session = client.connect().await.expect("it is let in");
        history::create(&mut *session).await;
        session.close().await.expect("a session closes");
    }
    assert_eq!(named(bench, found).await, Vec::<String>::new());
    Outcome::Passed
}

pub(super) async fn tells_the_time(bench: &Bench) -> Outcome {
    let Some(found) = catalog(bench) else { return Outcome::Skipped("it has no catalog") };
    let before = Timestamp::now().microseconds();
    let told: i64 = bench.value(found.now).await.parse().expect("a number");
    // The server may be on another machine; a wrong unit is a thousand times off.
    let day = 24 * 3_600 * 1_000_000;
    assert!((told - before).abs() < day, "{told} against {before}");
    let later: i64 = bench.value(found.now).await.parse().expect("a number");
    assert!(later >= told, "{later} after {told}");
    Outcome::Passed
}
