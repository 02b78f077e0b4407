//! The text of a migration that was written for another tool, run as its author meant it.

use super::position::Position;
use super::refusal::{Refusal, Rules, check};
use super::rules::Control;
use super::statement::Words;
use super::{Lexer, Span, Statement};

/// How such a text runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant<'t> {
    /// Its statements in order, see [`as_meant`].
    pub statements: Vec<Statement<'t>>,
    /// Each runs alone: the tool's mark says so, a statement works only outside of a transaction, or the text begins and
    /// ends transactions itself.
    pub alone: bool,
    /// It sets foreign keys, or drops a table, which would empty the tables that refer to it: they must be off while it runs.
    pub foreign_keys_off: bool,
    /// SQLite: it changes or removes rows, which may change rows that refer to them while foreign keys are enforced.
    pub changes_rows: bool,
}

/// Words without which a text runs in one transaction and with foreign keys as they are. Most have none of them, and need
/// not be split to be loaded.
const TELLING: [&str; 17] = [
    "abort",
    "begin",
    "cluster",
    "commit",
    "concurrently",
    "discard",
    "end",
    "foreign_keys",
    "pragma",
    "prepare",
    "rollback",
    "start",
    "subscription",
    "system",
    "tablespace",
    "vacuum",
    "database",
];

/// Whether the text has to be split to know how it runs.
#[must_use]
pub fn may_run_otherwise(text: &str) -> bool {
    let telling = |word: &str| {
        let word = word.to_ascii_lowercase();
        TELLING.contains(&&*word)
            || matches!(&*word, "delete" | "drop" | "reindex" | "release" | "replace" | "savepoint" | "update")
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(telling)
}

/// Reads a text that was written for another tool, which ran it in a transaction unless it is `marked` to run without.
///
/// - `PRAGMA foreign_keys = …` is left out: the runner switches them off before the transaction, and back after it.
/// - A text that ends its runner's transaction (`COMMIT` without a `BEGIN` before it) had one, so what stands before the end
///   gets a `BEGIN`. An end without a beginning is left out, as is a beginning inside of a transaction, which both only gave
///   a warning; what is open at the end is committed, as the runner did.
///
/// # Errors
///
/// What nobody can run: text that is no SQL, `COPY` from or to the client.
pub fn as_meant(lexer: Lexer, text: &str, marked: bool) -> Result<Meant<'_>, Vec<Refusal>> {
    let mut statements = check(lexer, text, Rules { transactional: false })?;
    let sets_keys = |statement: &Statement<'_>| lexer == Lexer::Sqlite && statement.sets_foreign_keys().is_some();
    let before = statements.len();
    statements.retain(|statement| !sets_keys(statement));
    let drops = statements.iter().any(|statement| statement.words.starts_with(&["drop", "table"]));
    let changes = |statement: &Statement<'_>| {
        let first = statement.words.get(0).unwrap_or_default();
        matches!(first, "delete" | "replace" | "update" | "with")
            || statement.words.starts_with(&["insert", "or", "replace"])
    };
    let changes_rows = lexer == Lexer::Sqlite && statements.iter().any(changes);
    let foreign_keys_off = lexer == Lexer::Sqlite && (statements.len() < before || drops);
    let alone = marked
        || statements.iter().any(|it| it.is_transaction_control(lexer) || it.refuses_transaction(lexer).is_some());
    if alone {
        statements = in_own_transactions(lexer, statements, marked);
    }
    Ok(Meant { statements, alone, foreign_keys_off, changes_rows })
}

/// The statements with every transaction begun and ended.
fn in_own_transactions<'t>(lexer: Lexer, statements: Vec<Statement<'t>>, marked: bool) -> Vec<Statement<'t>> {
    let first = statements.iter().map(|it| it.control(lexer)).enumerate().find(|(_, it)| *it != Control::None);
    let mut kept: Vec<Statement<'t>> = Vec::with_capacity(statements.len() + 2);
    let mut open = false;
    if let (Some((1.., Control::Ends { .. })), false) = (first, marked) {
        kept.push(implied("begin", statements[0].span.start));
        open = true;
    }
    for statement in statements {
        let stays = match statement.control(lexer) {
            Control::None => true,
            Control::Begins => !std::mem::replace(&mut open, true),
            Control::Ends { chains: true, .. } => open,
            Control::Ends { chains: false, .. } => std::mem::replace(&mut open, false),
        };
        if stays {
            kept.push(statement);
        }
    }
    if open {
        match kept.last().map(|last| (last.control(lexer), last.span.end)) {
            // Nothing stands behind the last `BEGIN`.
            Some((Control::Begins, _)) => drop(kept.pop()),
            Some((_, end)) => kept.push(implied("commit", end)),
            None => {}
        }
    }
    kept
}

/// A statement that does not stand in the text, at the place where its author had the tool run it.
fn implied<'t>(text: &'static str, at: Position) -> Statement<'t> {
    let mut words = Words::default();
    words.push(text);
    Statement { text, span: Span { start: at, end: at }, words, conforming: true }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "a test may stop where it fails")]

    use super::*;

    /// Lexer, text, whether it is marked; its statements, whether each runs alone, whether foreign keys are off.
    type Case<'a> = (Lexer, &'a str, bool, &'a [&'a str], bool, bool);

    fn texts(lexer: Lexer, sql: &str, marked: bool) -> (Vec<String>, bool, bool) {
        let meant = as_meant(lexer, sql, marked).unwrap_or_else(|refusals| panic!("{refusals:?}"));
        let texts = meant.statements.iter().map(|it| it.text.to_owned()).collect();
        (texts, meant.alone, meant.foreign_keys_off)
    }

    #[test]
    fn a_text_runs_as_its_author_meant() {
        let (p, s) = (Lexer::Postgres, Lexer::Sqlite);
        #[rustfmt::skip]
        let cases: &[Case<'_>] = &[
            (p, "create table a (x int); drop table a", false, &["create table a (x int)", "drop table a"], false, false),
            (s, "create table a (x int); drop table a", false, &["create table a (x int)", "drop table a"], false, true),
            (p, "create index concurrently i on t (a)", false, &["create index concurrently i on t (a)"], true, false),
            (p, "select 1; select 2", true, &["select 1", "select 2"], true, false),
            // It ends the runner's transaction at once, and leaves one open for the runner to commit.
            (s, "COMMIT TRANSACTION; PRAGMA foreign_keys = OFF; BEGIN; select 1; COMMIT; PRAGMA foreign_keys = ON; BEGIN",
                false, &["BEGIN", "select 1", "COMMIT"], true, true),
            (s, "PRAGMA foreign_keys=OFF; select 1; PRAGMA foreign_keys=ON;", false, &["select 1"], false, true),
            (s, "pragma foreign_keys; select 1", false, &["pragma foreign_keys", "select 1"], false, false),
            // What stands before the end was in the runner's transaction.
            (p, "select 1; commit; vacuum t", false, &["begin", "select 1", "commit", "vacuum t"], true, false),
            (p, "begin; select 1; commit;", false, &["begin", "select 1", "commit"], true, false),
            (p, "begin; select 1; begin; select 2; commit; commit", false,
                &["begin", "select 1", "select 2", "commit"], true, false),
            (p, "select 1; begin; select 2", false, &["select 1", "begin", "select 2", "commit"], true, false),
            (p, "commit; select 1", true, &["select 1"], true, false),
            (p, "select 1; rollback; select 2", false, &["begin", "select 1", "rollback", "select 2"], true, false),
            (p, "commit; begin; select 1; commit and chain; select 2", false,
                &["begin", "select 1", "commit and chain", "select 2", "commit"], true, false),
            (p, "savepoint a; select 1; rollback to a; release a", false,
                &["savepoint a", "select 1", "rollback to a", "release a"], false, false),
            (p, "-- nothing\n", false, &[], false, false),
        ];
        for (lexer, sql, marked, expected, alone, keys_off) in cases {
            let found = texts(*lexer, sql, *marked);
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!((&found.0, found.1, found.2), (&expected, *alone, *keys_off), "{sql}");
        }
    }

    #[test]
    fn what_runs_otherwise_is_seen_without_splitting() {
        for sql in ["COMMIT", "drop table t", "PRAGMA x", "create index CONCURRENTLY i", "ALTER SYSTEM SET a = 1"] {
            assert!(may_run_otherwise(sql), "{sql}");
        }
        assert!(!may_run_otherwise("create table committed (weekend text, dropped int, vacuumed int)"));
    }

    #[test]
    fn nobody_can_run_a_copy_from_the_client() {
        assert!(as_meant(Lexer::Postgres, "copy t from stdin;\n1\n\\.\n", false).is_err());
    }
}
