#![expect(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use serde_json::{Value, json};
use whimbrel::{BackendError, BackendErrorKind, FailedStatement};

use super::*;

fn failed(code: &str) -> MigrateError {
    let error = BackendError::new(BackendErrorKind::Statement, "relation \"t\" does not exist")
        .with_code(code)
        .with_detail("a detail")
        .with_hint("a hint");
    let statement = FailedStatement {
        number: 2,
        total: 3,
        text: "select * from t".to_owned(),
        line: 4,
        column: 1,
        error_at: Some((4, 15)),
    };
    let failed = FailedMigration {
        id: MigrationId { namespace: "main".into(), key: "0007".parse().unwrap() },
        name: "add_boards".to_owned(),
        file: "m/0007_add_boards.sql".to_owned(),
        statement: Some(statement),
        cause: Cause::Backend { doing: "statement 2 of 3".to_owned(), error },
        aftermath: Aftermath::RolledBack,
    };
    MigrateError::Migration { failed: Box::new(failed), report: Box::default() }
}

fn document(error: &MigrateError) -> Value {
    serde_json::to_value(Migrate::stopped(Place::default(), error)).unwrap()
}

#[test]
fn every_key_of_a_failure_is_filled_from_what_the_server_told() {
    let expected = json!({
        "namespace": "main", "version": "0007", "name": "add_boards", "kind": "migration",
        "file": "m/0007_add_boards.sql", "line": 4, "column": 15, "statement": "select * from t",
        "sqlstate": "42P01", "code": "42P01", "message": "relation \"t\" does not exist",
        "detail": "a detail", "hint": "a hint", "rolled_back": true, "state": "rolled back",
    });
    assert_eq!(document(&failed("42P01"))["failed"], expected);
}

#[test]
fn a_code_of_another_kind_is_no_sqlstate() {
    let failed = &document(&failed("SQLITE_ERROR (1)"))["failed"];
    assert_eq!((&failed["sqlstate"], &failed["code"]), (&Value::Null, &"SQLITE_ERROR (1)".into()));
}
