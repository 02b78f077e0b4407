#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

use super::*;

mod hash;
mod postgres;
mod rules;
mod sqlite;
mod work;

/// The statements' texts, or what is wrong and at which byte.
fn texts(lexer: Lexer, sql: &str) -> Result<Vec<&str>, (SplitErrorKind, usize)> {
    match split(lexer, sql) {
        Ok(statements) => Ok(statements.into_iter().map(|statement| statement.text).collect()),
        Err(error) => Err((error.kind, error.at.byte)),
    }
}

/// Checks a table of texts and the statements in them; reports every row that is wrong.
fn check_table(lexer: Lexer, table: &[(&str, &[&str])]) {
    let wrong: Vec<String> = table
        .iter()
        .filter(|(sql, expected)| texts(lexer, sql).as_deref() != Ok(*expected))
        .map(|(sql, expected)| format!("{sql:?}\n  is       {:?}\n  expected {expected:?}", texts(lexer, sql)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

fn check_faults(lexer: Lexer, table: &[(&str, SplitErrorKind, usize)]) {
    for (sql, kind, at) in table {
        assert_eq!(texts(lexer, sql), Err((kind.clone(), *at)), "{sql:?}");
    }
}

fn only(lexer: Lexer, sql: &str) -> Statement<'_> {
    let mut statements = split(lexer, sql).unwrap();
    assert_eq!(statements.len(), 1, "{sql:?}");
    statements.remove(0)
}

#[test]
fn positions_count_characters_and_lines() {
    let sql = "\u{feff}select 'ä€😀';\r\n  -- é\r\n\tselect\u{a0}2 ;select\n3";
    let spans: Vec<_> = split(Lexer::Postgres, sql).unwrap().iter().map(|s| s.span).collect();
    let place = |p: Position| (p.byte, p.line, p.column);
    assert_eq!(place(spans[0].start), (3, 1, 1));
    assert_eq!(place(spans[0].end), (3 + 7 + 11, 1, 13));
    assert_eq!(place(spans[1].start), (34, 3, 2));
    assert_eq!(place(spans[1].end), (34 + 9, 3, 10));
    assert_eq!(place(spans[2].start), (45, 3, 12));
    assert_eq!(place(spans[2].end), (45 + 8, 4, 2));
    assert_eq!(Position::of(sql, 45), spans[2].start);
    assert_eq!(Position::of(sql, usize::MAX), spans[2].end);
}

#[test]
fn a_cr_alone_ends_no_line() {
    let statements = split(Lexer::Sqlite, "select 1;\rselect 2;\r\nselect 3").unwrap();
    let places: Vec<_> = statements.iter().map(|s| (s.span.start.line, s.span.start.column)).collect();
    assert_eq!(places, [(1, 1), (1, 11), (2, 1)]);
}

#[test]
fn words_are_few_lower_case_and_short() {
    let statement = only(Lexer::Postgres, "CREATE \"a b\" Table ÄB ('x') , $$y$$ \"q\" -- no\n 1 AS t");
    assert_eq!(statement.words.iter().collect::<Vec<_>>(), ["create", "table", "Äb", "as", "t"]);
    assert_eq!(statement.words.as_str(), "create table Äb as t");
    assert_eq!(statement.words.get(1), Some("table"));
    assert_eq!(statement.words.get(5), None);
    assert!(statement.words.starts_with(&["create", "table"]));
    assert!(!statement.words.starts_with(&["create", "t"]));
    assert!(!only(Lexer::Sqlite, "a").words.starts_with(&["a", "b"]));

    assert_eq!(only(Lexer::Sqlite, &"w ".repeat(40)).words.len(), 12);
    let long = format!("x{}", "é".repeat(50));
    assert_eq!(only(Lexer::Sqlite, &long).words.as_str().len(), 63);
    let none = only(Lexer::Sqlite, "('a')");
    assert!(none.words.is_empty() && none.words.get(0).is_none() && none.words.iter().next().is_none());
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let error = split(Lexer::Postgres, "select 1;\n select 'x").unwrap_err();
    assert_eq!(error.to_string(), "string is never closed (line 2, column 9)");
    assert!(error.hint().contains("single quote"));
}
