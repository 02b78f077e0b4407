//! How a program tests itself: the guide shows this file.

// ANCHOR: test
use whimbrel::embed_migrations;
use whimbrel::sqlite::libsql;
use whimbrel::test_support::Template;

fn template() -> Template {
    Template::new(|migrator| migrator.source(embed_migrations!("migrations")))
}

#[tokio::test]
async fn a_person_can_be_added() {
    let database = template().sqlite().await.unwrap();
    let connection = libsql::Builder::new_local(database.path()).build().await.unwrap().connect().unwrap();
    let added = connection.execute("INSERT INTO people (name) VALUES ('Ada')", ()).await.unwrap();
    assert_eq!(added, 1);
}
// ANCHOR_END: test

#[tokio::test]
async fn the_next_test_sees_nothing_of_it() {
    let database = template().sqlite().await.unwrap();
    let connection = libsql::Builder::new_local(database.path()).build().await.unwrap().connect().unwrap();
    let mut rows = connection.query("SELECT count(*) FROM people", ()).await.unwrap();
    assert_eq!(rows.next().await.unwrap().unwrap().get::<i64>(0).unwrap(), 0);
}
