//! Histories that look right, in databases that are not as they tell.

use whimbrel::schema::{Baseline, scratch};
use whimbrel::{FindingKind, Migrator};
use whimbrel_tests::database::TestDatabase;

use super::{BASELINE, DRIZZLE_1, END, MIDDLE, Point, drizzle_fixtures, has_history, kinds, migrator, point};
use crate::on_both;

on_both! {
    every_point_is_proved
    a_history_that_lost_its_end_is_refused
    a_migration_that_was_applied_in_part_is_refused
    what_is_somebody_elses_is_told_and_in_nobodys_way
}

/// With a proof, on throw-away databases beside the database.
pub(super) fn proving(migrator: Migrator, database: &TestDatabase) -> Migrator {
    let scratch = scratch(database.dialect(), Some(database.url())).expect("a place");
    let baseline = Baseline::new(migrator.backend()).expect("this build has the engine").scratch(scratch);
    migrator.proving(baseline)
}

fn drizzle(database: &TestDatabase, folder: &std::path::Path) -> Migrator {
    proving(migrator(database, "drizzle", folder), database)
}

async fn like(database: &TestDatabase) -> TestDatabase {
    if database.server().is_some() { TestDatabase::postgres().await } else { TestDatabase::sqlite() }
}

async fn every_point_is_proved(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let newer = point("v1/sqlite_fresh.db", "v1/pg_fresh.full.sql", DRIZZLE_1);
    for at in [BASELINE, MIDDLE, END, newer, Point { folders: DRIZZLE_1, ..MIDDLE }] {
        let database = like(&database).await;
        let folder = at.load(&database, &fixtures).await;
        let adoption = drizzle(&database, &folder).adopt(&[]).await.expect("it is judged");
        let found: Vec<String> = adoption.in_the_way().map(ToString::to_string).collect();
        assert!(found.is_empty() && adoption.proved.is_some(), "{at:?}: {found:?} {:?}", adoption.notes);
        assert!(adoption.notes.is_empty(), "{at:?}: {:?}", adoption.notes);
    }
}

async fn a_history_that_lost_its_end_is_refused(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    let (table, key) = match database.server() {
        Some(_) => ("drizzle.__drizzle_migrations", "id"),
        None => ("__drizzle_migrations", "rowid"),
    };
    database.transact(&[&format!("DELETE FROM {table} WHERE {key} > 7")]).await.expect("rows are removed");
    let unproved = migrator(&database, "drizzle", &folder).plan_adoption(&[]).await.expect("it is judged");
    assert_eq!(kinds(&unproved), [""; 0], "the rows that are left look right");
    let adoption = drizzle(&database, &folder).adopt(&[]).await.expect("it is judged");
    assert_eq!(kinds(&adoption), ["differs"]);
    let finding = adoption.in_the_way().next().expect("one");
    let all = format!("{finding} {}", finding.hint);
    for word in ["0006_", &format!("row with {key} 7 ("), "as 0009 leaves it", "up to 0009", "--accept differs"] {
        assert!(all.contains(word), "{word}: {all}");
    }
    assert!(!has_history(&database).await, "nothing is recorded");
    let accepted = drizzle(&database, &folder).adopt(&[FindingKind::Differs]).await.expect("it is judged");
    assert_eq!(accepted.recorded, 7);
}

async fn a_migration_that_was_applied_in_part_is_refused(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    // A later migration makes it, with more.
    let part = "CREATE TABLE user_profiles (user_id integer PRIMARY KEY)";
    database.transact(&[part]).await.expect("a part of it");
    let adoption = drizzle(&database, &folder).adopt(&[]).await.expect("it is judged");
    assert_eq!(kinds(&adoption), ["differs"]);
    let told = adoption.in_the_way().next().expect("one").to_string();
    assert!(told.contains("user_profiles"), "{told}");
    assert!(!has_history(&database).await, "nothing is recorded");
}

async fn what_is_somebody_elses_is_told_and_in_nobodys_way(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    database.transact(&["CREATE TABLE theirs (id integer PRIMARY KEY)"]).await.expect("a table");
    let adoption = drizzle(&database, &folder).adopt(&[]).await.expect("it is judged");
    assert_eq!((adoption.recorded, adoption.is_refused()), (10, false));
    assert!(adoption.notes.iter().any(|note| note.contains("theirs")), "{:?}", adoption.notes);
}
