use super::super::code::tokens;
use super::{backend_in, name_in, operation_in};

fn names(file: &str, text: &str) -> usize {
    name_in(file, &tokens(text)).len()
}

#[test]
fn the_workspace_keeps_the_rules() {
    assert_eq!(super::names(), Ok(()));
    assert_eq!(super::operations(), Ok(()));
    assert_eq!(super::command_line(), Ok(()));
}

#[test]
fn a_backend_is_not_told_by_its_name() {
    for text in [
        "if kind == \"sqlite\" {}",
        "match url { \"PostgreSQL\" => 1, _ => 2 }",
        "backend.dialect().name == other",
        "if other != backend.dialect.name {}",
        "match self.backend.dialect().name { _ => {} }",
        "matches!(dialect.name, x)",
        "dialect.name.starts_with(x)",
        "if dialect == Dialect::SQLITE {}",
        "matches!(dialect.lexer, Lexer::Postgres)",
        "type_of(backend) == \"whimbrel_backend_sqlite\"",
    ] {
        assert!(names("core/src/plan.rs", text) > 0, "{text}");
    }
}

#[test]
fn a_name_may_be_shown_and_a_feature_asked_for() {
    for text in [
        "let place = Place { dialect: Some(self.database.backend.dialect().name) };",
        "#[cfg(feature = \"sqlite\")] fn f() {}",
        "if cfg!(feature = \"postgres\") {}",
        "const TEXT: &str = \"default-target = sqlite, postgres\";",
        "// \"sqlite\"",
        "let dialect = Dialect::new(name, lexer);",
        "#[cfg(test)] mod tests { const X: &str = \"sqlite\"; }",
    ] {
        assert_eq!(names("core/src/plan.rs", text), 0, "{text}");
    }
    assert_eq!(names("whimbrel/src/database.rs", "match scheme { \"sqlite\" => 1, _ => 2 }"), 0);
    assert_eq!(names("core/src/split/rules.rs", "match lexer { Lexer::Sqlite => 1, _ => 2 }"), 0);
    assert_eq!(names("core/src/splitter.rs", "match lexer { Lexer::Sqlite => 1, _ => 2 }"), 1);
}

#[test]
fn programs_are_written_in_one_place() {
    let text = "drive(session, &[Op::Begin, Op::Commit])";
    assert_eq!(operation_in("core/src/migrator/apply.rs", &tokens(text)).len(), 2);
    assert_eq!(operation_in("core/src/migrator/apply.rs", &tokens("use crate::backend::{Op as O};")).len(), 1);
    assert!(operation_in("core/src/execute/transaction.rs", &tokens(text)).is_empty());
    assert!(operation_in("core/src/migrator/apply.rs", &tokens("/// [`Op::Begin`]\nfn f(OpOutcome: T) {}")).is_empty());
}

#[test]
fn the_command_line_uses_the_library_alone() {
    for text in ["use whimbrel::sqlite::SqliteBackend;", "use whimbrel::{postgres, Migrator};", "libsql::open()"] {
        assert_eq!(backend_in("cli/src/target.rs", &tokens(text)).len(), 1, "{text}");
    }
    assert!(backend_in("cli/src/target.rs", &tokens("const X: &str = \"sqlite:app.db\";")).is_empty());
}
