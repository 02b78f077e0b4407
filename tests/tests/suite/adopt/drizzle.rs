//! The databases that Drizzle itself made, at each point.

use whimbrel::{MigrateErrorKind, MigrationState, OtherHistory};
use whimbrel_tests::database::TestDatabase;

use super::{BASELINE, DRIZZLE_0, DRIZZLE_1, END, MIDDLE, Point};
use super::{assert_same, contents, drizzle_fixtures, has_history, migrator, point, recorded, verified};
use crate::on_both;

on_both! {
    every_point_goes_on_to_the_end_of_the_real_tool
    the_newer_layout_and_table_go_on_too
    what_is_recorded_has_the_times_of_the_other_table
    a_dry_run_writes_nothing_and_a_second_run_changes_nothing
    a_run_before_it_is_refused_and_touches_nothing
    rows_that_the_other_tool_adds_later_are_added
    tables_of_other_names_are_named
}

async fn like(database: &TestDatabase) -> TestDatabase {
    if database.server().is_some() { TestDatabase::postgres().await } else { TestDatabase::sqlite() }
}

/// Adopts and migrates; the end is the expected one, and the other table is as it was.
async fn goes_on(database: &TestDatabase, from: Point, end: Point, rows: usize) {
    let Some(fixtures) = drizzle_fixtures(database) else { return };
    let (database, expected) = (like(database).await, like(database).await);
    let folder = from.load(&database, &fixtures).await;
    end.load(&expected, &fixtures).await;
    let own = |lines: Vec<String>| -> (Vec<String>, Vec<String>) {
        lines.into_iter().partition(|line| line.contains("__drizzle_migrations"))
    };
    let (before, _) = own(contents(&database).await);
    let migrator = migrator(&database, "drizzle", &folder);
    let adoption = migrator.adopt(&[]).await.unwrap_or_else(|error| panic!("{from:?}: {error}"));
    let found: Vec<String> = adoption.in_the_way().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{from:?}: {found:?}");
    assert_eq!((verified(&adoption), adoption.recorded), (rows, rows), "{from:?}");
    let report = migrator.migrate().await.unwrap_or_else(|error| panic!("{from:?}: {error}"));
    let all = if database.server().is_some() { 22 } else { 20 };
    assert_eq!(report.applied.len(), all - rows, "{from:?}");
    let (after, contents) = own(contents(&database).await);
    assert_eq!(after, before, "{from:?}: the other table stays as it is");
    assert_same(&format!("{from:?}"), &contents, &own(super::contents(&expected).await).1);
    assert!(migrator.status().await.expect("a status").up_to_date);
}

async fn every_point_goes_on_to_the_end_of_the_real_tool(database: TestDatabase) {
    let all = if database.server().is_some() { 22 } else { 20 };
    goes_on(&database, BASELINE, END, 1).await;
    goes_on(&database, MIDDLE, END, 10).await;
    goes_on(&database, END, END, all).await;
    let fresh = point("sqlite/fresh.db", "pg/fresh.full.sql", DRIZZLE_0);
    goes_on(&database, fresh, fresh, all).await;
    if database.server().is_none() {
        let other_driver = point("sqlite/fresh_better_sqlite3.db", "", DRIZZLE_0);
        goes_on(&database, other_driver, other_driver, all).await;
    }
}

async fn the_newer_layout_and_table_go_on_too(database: TestDatabase) {
    let all = if database.server().is_some() { 22 } else { 20 };
    let fresh = point("v1/sqlite_fresh.db", "v1/pg_fresh.full.sql", DRIZZLE_1);
    goes_on(&database, fresh, fresh, all).await;
    // The folder was converted, the table is still the old one; and the other way round.
    goes_on(&database, Point { folders: DRIZZLE_1, ..MIDDLE }, END, 10).await;
    goes_on(&database, Point { folders: DRIZZLE_0, ..fresh }, fresh, all).await;
    if database.server().is_none() {
        let upgraded = point("v1/sqlite_upgraded_tracking.db", "", DRIZZLE_1);
        goes_on(&database, upgraded, END, all).await;
    }
}

async fn what_is_recorded_has_the_times_of_the_other_table(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    migrator(&database, "drizzle", &folder).adopt(&[]).await.expect("it is adopted");
    let rows = recorded(&database).await;
    let first = if database.server().is_some() { "2026-11-22T16:05:06.113Z" } else { "2026-11-22T16:03:48.257Z" };
    assert_eq!(rows.len(), 10);
    assert_eq!(rows[0], ("adopted:drizzle".to_owned(), Some(first.to_owned()), None));
    let status = migrator(&database, "drizzle", &folder).status().await.expect("a status");
    let adopted = status.migrations.iter().filter(|it| it.state == MigrationState::Adopted).count();
    assert_eq!((adopted, status.applied(), status.up_to_date), (10, 10, false));
    // Drizzle 1.0 knows when.
    let newer = like(&database).await;
    let point = point("v1/sqlite_fresh.db", "v1/pg_fresh.full.sql", DRIZZLE_1);
    let folder = point.load(&newer, &fixtures).await;
    migrator(&newer, "drizzle", &folder).adopt(&[]).await.expect("it is adopted");
    let at = recorded(&newer).await.remove(0).1.expect("a moment");
    assert!(
        at.starts_with("2026-11-22T16:5") || at.starts_with("2026-11-22T17"),
        "{at}: not the journal's 16:03 or 16:05"
    );
}

async fn a_dry_run_writes_nothing_and_a_second_run_changes_nothing(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    let migrator = migrator(&database, "drizzle", &folder);
    let plan = migrator.plan_adoption(&[]).await.expect("it is planned");
    assert_eq!((plan.recorded, plan.rows), (10, 10));
    assert!(!has_history(&database).await, "a dry run writes nothing");
    assert_eq!(migrator.adopt(&[]).await.expect("it is adopted").recorded, 10);
    let before = recorded(&database).await;
    let again = migrator.adopt(&[]).await.expect("it is adopted");
    assert_eq!((again.recorded, again.is_refused()), (0, false));
    assert_eq!(recorded(&database).await, before);
}

async fn a_run_before_it_is_refused_and_touches_nothing(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    let before = contents(&database).await;
    let migrator = migrator(&database, "drizzle", &folder);
    for refused in [migrator.migrate().await.err(), migrator.plan().await.err()] {
        let error = refused.expect("it is refused");
        assert_eq!(error.kind(), MigrateErrorKind::Refused);
        let told = error.to_string();
        assert!(told.contains("__drizzle_migrations") && told.contains("whimbrel adopt"), "{told}");
    }
    assert!(!has_history(&database).await);
    assert_eq!(contents(&database).await, before);
    // A fresh database with that folder is nobody's but Whimbrel's.
    let fresh = like(&database).await;
    super::migrator(&fresh, "drizzle", &folder).migrate().await.expect("a fresh one is migrated");
}

async fn rows_that_the_other_tool_adds_later_are_added(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = END.load(&database, &fixtures).await;
    let table = if database.server().is_some() { "drizzle.__drizzle_migrations" } else { "__drizzle_migrations" };
    let last = format!("created_at = (SELECT max(created_at) FROM {table})");
    let keep = format!("CREATE TABLE kept AS SELECT * FROM {table} WHERE {last}");
    let remove = format!("DELETE FROM {table} WHERE {last}");
    database.transact(&[&keep, &remove]).await.expect("the last row is put away");
    let migrator = migrator(&database, "drizzle", &folder);
    let first = migrator.adopt(&[]).await.expect("it is adopted").recorded;
    database.transact(&[&format!("INSERT INTO {table} SELECT * FROM kept")]).await.expect("it is put back");
    assert_eq!(migrator.adopt(&[]).await.expect("it is adopted").recorded, 1, "after {first}");
    assert!(migrator.status().await.expect("a status").up_to_date);
}

async fn tables_of_other_names_are_named(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let folder = MIDDLE.load(&database, &fixtures).await;
    let place = |schema: Option<&str>, table: Option<&str>| OtherHistory {
        table: table.map(str::to_owned),
        schema: schema.map(str::to_owned),
    };
    let name = r#"The "old" one"#;
    let quoted = r#""The ""old"" one""#;
    if database.server().is_some() {
        let copy = "CREATE TABLE public.__drizzle_migrations AS TABLE drizzle.__drizzle_migrations LIMIT 3";
        database.transact(&[copy]).await.expect("a second one");
        let error =
            migrator(&database, "drizzle", &folder).adopt(&[]).await.expect_err("nothing is picked").to_string();
        let both = ["drizzle.__drizzle_migrations", "public.__drizzle_migrations", "--from-schema"];
        assert!(both.iter().all(|name| error.contains(name)), "{error}");
        let other = migrator(&database, "drizzle", &folder).other_history(place(Some("public"), None));
        assert_eq!(other.plan_adoption(&[]).await.expect("it is found").rows, 3);
        let rename = format!("ALTER TABLE drizzle.__drizzle_migrations RENAME TO {quoted}");
        database.transact(&["DROP TABLE public.__drizzle_migrations", &rename]).await.expect("it is renamed");
    } else {
        let rename = format!("ALTER TABLE __drizzle_migrations RENAME TO {quoted}");
        database.transact(&[&rename]).await.expect("it is renamed");
    }
    let plain = migrator(&database, "drizzle", &folder);
    let error = plain.adopt(&[]).await.expect_err("it is not there").to_string();
    assert!(error.contains("no table __drizzle_migrations") && error.contains("--from-table"), "{error}");
    let named = plain.other_history(place(None, Some(name)));
    let error = named.migrate().await.expect_err("the guard knows the name too").to_string();
    assert!(error.contains("whimbrel adopt"), "{error}");
    assert_eq!(named.adopt(&[]).await.expect("it is adopted").recorded, 10);
}
