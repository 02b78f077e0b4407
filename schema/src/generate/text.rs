//! The text of a migration's file.

use whimbrel_core::split::{Lexer, split};

use crate::dialect::{Loss, Part};

/// Directives, what is lost, then the statements.
pub(super) fn of(part: &Part, losses: &[Loss]) -> String {
    let mut text = String::new();
    for directive in &part.directives {
        text.push_str(&format!("-- whimbrel: {directive}\n"));
    }
    if !part.directives.is_empty() {
        text.push('\n');
    }
    for loss in losses {
        text.push_str(&format!("-- DATA LOSS: {}: {}\n", loss.object, loss.what));
    }
    if !losses.is_empty() {
        text.push('\n');
    }
    if part.statements.is_empty() {
        text.push_str("-- Nothing to do here: the change is of another dialect alone.\n");
    }
    let statements: Vec<String> = part.statements.iter().map(|statement| format!("{statement};\n")).collect();
    text.push_str(&statements.join("\n"));
    text
}

/// Whether a text may change a schema, by the first words of its statements.
pub(crate) fn changes_a_schema(lexer: Lexer, text: &str) -> bool {
    const DATA: [&str; 12] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "SET", "RESET", "ANALYZE", "VACUUM", "PRAGMA",
        "REINDEX",
    ];
    let is_data = |statement: &str| {
        let first = statement.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty());
        first.is_some_and(|word| DATA.iter().any(|known| known.eq_ignore_ascii_case(word)))
    };
    split(lexer, text).map_or(true, |statements| !statements.iter().all(|statement| is_data(statement.text)))
}
