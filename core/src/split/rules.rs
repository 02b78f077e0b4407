//! What a statement is, told by its words alone.

use super::lexer::{Kind, Tokens};
use super::phrase::Phrase;
use super::{Lexer, Statement, settings};

/// The savepoint that core puts around a migration's own text; the text itself must not touch it.
pub const SEAL_SAVEPOINT: &str = "whimbrel_seal";

/// A `COPY` that wants to talk to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyKind {
    /// `COPY … FROM STDIN`: the server waits for data.
    FromStdin,
    /// `COPY … TO STDOUT`: the server sends data.
    ToStdout,
}

/// Reads a `COPY`: its first `FROM` or `TO` outside of parentheses, and what stands behind it. The server takes `STDIN`
/// and `STDOUT` for the same.
pub(super) fn copy_kind(mut tokens: Tokens<'_>) -> Option<CopyKind> {
    let mut depth = 0_usize;
    let mut qualified = false;
    while let Ok(Some(token)) = tokens.next() {
        let text = tokens.text(token);
        let is = |word: &str| token.kind == Kind::Word && text.eq_ignore_ascii_case(word);
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ if depth == 0 && !qualified && (is("from") || is("to")) => {
                let target = tokens.next().ok()??;
                let name = tokens.text(target);
                let client = name.eq_ignore_ascii_case("stdin") || name.eq_ignore_ascii_case("stdout");
                let kind = if is("from") { CopyKind::FromStdin } else { CopyKind::ToStdout };
                return (target.kind == Kind::Word && client).then_some(kind);
            }
            _ => {}
        }
        qualified = text == ".";
    }
    None
}

/// What a statement does to the transaction in which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// It begins one.
    Begins,
    /// It ends one.
    Ends {
        /// What was done in it stays.
        commits: bool,
        /// The next one begins behind it.
        chains: bool,
    },
    /// Neither. `SAVEPOINT` outside of a transaction begins one on SQLite, and its `RELEASE` ends it; on Postgres it fails.
    None,
}

impl<'a> Statement<'a> {
    /// What it does to the transaction in which it stands.
    pub(crate) fn control(&self, lexer: Lexer) -> Control {
        if !self.is_transaction_control(lexer) {
            return Control::None;
        }
        let has = |word: &str| self.words.iter().any(|it| it == word);
        let chains = has("chain") && !has("no");
        match self.words.get(0).unwrap_or_default() {
            "begin" | "start" => Control::Begins,
            "commit" | "end" => Control::Ends { commits: true, chains },
            "rollback" if has("to") && !chains => Control::None,
            // A prepared transaction is committed, if at all, by somebody else.
            "rollback" | "abort" | "prepare" => Control::Ends { commits: false, chains },
            _ => Control::None,
        }
    }

    fn tokens(&self, lexer: Lexer) -> Tokens<'a> {
        Tokens::new(lexer, self.text, self.conforming)
    }

    fn phrase(&self, lexer: Lexer) -> Phrase<'a> {
        Phrase::of(self.tokens(lexer))
    }

    /// Whether it begins or ends a transaction, or touches the savepoint that core puts around a migration.
    ///
    /// Other savepoints are free to use: they nest. A `BEGIN` or `COMMIT` inside a function's body or a `DO` block is
    /// not seen; the seal finds it when it runs.
    #[must_use]
    pub fn is_transaction_control(&self, lexer: Lexer) -> bool {
        let first = self.words.get(0).unwrap_or_default();
        match (lexer, first) {
            (_, "begin" | "commit" | "end") => self.starts_with_word(),
            (Lexer::Postgres, "abort") => self.starts_with_word(),
            (Lexer::Postgres, "start") => self.phrase(lexer).reads(0, &["start", "transaction"]),
            // `PREPARE transaction AS …` is a prepared statement with an unlucky name.
            (Lexer::Postgres, "prepare") => {
                let phrase = self.phrase(lexer);
                phrase.reads(0, &["prepare", "transaction"]) && phrase.kind(2) == Some(Kind::Text)
            }
            (_, "rollback" | "savepoint" | "release") => ends_seal(lexer, &self.phrase(lexer)),
            _ => false,
        }
    }

    fn starts_with_word(&self) -> bool {
        self.text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
    }

    /// Whether it is a Postgres `COPY` from or to the client.
    ///
    /// A migration cannot hold one: the data is no SQL, and `COPY … FROM STDIN` without any breaks the connection.
    #[must_use]
    pub fn copies(&self) -> Option<CopyKind> {
        if self.words.get(0) != Some("copy") {
            return None;
        }
        copy_kind(self.tokens(Lexer::Postgres))
    }

    /// What it is, if it fails inside a transaction, or does nothing there.
    ///
    /// Only what is sure from the words: Postgres answers SQLSTATE 25001 to these; SQLite answers an error to most and
    /// silently ignores `PRAGMA foreign_keys = …` and `PRAGMA journal_mode = …`. Statements for which it depends on the
    /// database (`CLUSTER` or `REINDEX` of a partitioned table, `DROP SUBSCRIPTION`) are not told.
    #[must_use]
    pub fn refuses_transaction(&self, lexer: Lexer) -> Option<&'static str> {
        match lexer {
            Lexer::Postgres => self.postgres_refuses(),
            Lexer::Sqlite if self.begins_with(&["pragma", "vacuum"]) => sqlite_refuses(&self.phrase(lexer)),
            Lexer::Sqlite => None,
        }
    }

    /// Whether it may commit by itself what it has done so far, where it stands in no transaction (Postgres: a procedure, a `DO`
    /// block with that word in it).
    #[must_use]
    pub fn may_commit(&self, lexer: Lexer) -> bool {
        lexer == Lexer::Postgres
            && (self.begins_with(&["call"])
                || self.begins_with(&["do"]) && self.text.to_ascii_lowercase().contains("commit"))
    }

    /// Whether it leaves an invalid index behind where it fails (Postgres: `CREATE INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY`).
    #[must_use]
    pub fn may_leave_an_index(&self, lexer: Lexer) -> bool {
        let label = self.refuses_transaction(lexer);
        matches!(label, Some("CREATE INDEX CONCURRENTLY" | "REINDEX CONCURRENTLY"))
    }

    /// The index that it builds beside other work unless one of that name is there, and the table, both as they are written
    /// (Postgres: `CREATE INDEX CONCURRENTLY IF NOT EXISTS`). It passes over one that a failed build has left.
    pub(crate) fn index_unless_there(&self, lexer: Lexer) -> Option<(&str, String)> {
        if lexer != Lexer::Postgres || !self.begins_with(&["create"]) {
            return None;
        }
        let phrase = self.phrase(lexer);
        let kind = phrase.past(1, &["unique"]);
        if !phrase.reads(kind, &["index", "concurrently", "if", "not", "exists"]) {
            return None;
        }
        let name = kind + 5;
        let on = phrase.is(name + 1, &["on"]).then_some(name + 2)?;
        let table = phrase.past(on, &["only"]);
        let qualified = phrase.is_mark(table + 1, ".");
        let parts = if qualified { table..table + 3 } else { table..table + 1 };
        Some((phrase.text(name)?, parts.filter_map(|at| phrase.text(at)).collect()))
    }

    /// Whether its first token may be one of these words; a glance at what is known already.
    fn begins_with(&self, words: &[&str]) -> bool {
        self.words.get(0).is_some_and(|first| words.contains(&first))
    }

    fn postgres_refuses(&self) -> Option<&'static str> {
        let first = self.words.get(0)?;
        if !self.begins_with(&["create", "drop", "alter", "reindex", "vacuum", "cluster", "discard"]) {
            return None;
        }
        let phrase = self.phrase(Lexer::Postgres);
        match first {
            "create" => create_refuses(&phrase).or_else(|| self.subscription_refuses(&phrase)),
            "drop" => drop_refuses(&phrase),
            "alter" => self.alter_refuses(&phrase),
            "reindex" => reindex_refuses(&phrase),
            "vacuum" => phrase.is(0, &["vacuum"]).then_some("VACUUM"),
            "cluster" => cluster_refuses(&phrase),
            _ => phrase.reads(0, &["discard", "all"]).then_some("DISCARD ALL"),
        }
    }

    /// `CREATE SUBSCRIPTION` makes a replication slot on the publisher, unless an option says not to.
    fn subscription_refuses(&self, phrase: &Phrase<'_>) -> Option<&'static str> {
        let creates = phrase.reads(0, &["create", "subscription"]);
        let spared = || self.has_word(&["create_slot", "connect"], Lexer::Postgres);
        (creates && !spared()).then_some("CREATE SUBSCRIPTION")
    }

    fn alter_refuses(&self, phrase: &Phrase<'_>) -> Option<&'static str> {
        if phrase.reads(0, &["alter", "system"]) {
            return Some("ALTER SYSTEM");
        }
        if phrase.reads(0, &["alter", "database"]) && phrase.reads(3, &["set", "tablespace"]) {
            return Some("ALTER DATABASE … SET TABLESPACE");
        }
        if phrase.reads(0, &["alter", "subscription"]) && phrase.reads(3, &["refresh", "publication"]) {
            return Some("ALTER SUBSCRIPTION … REFRESH PUBLICATION");
        }
        if phrase.reads(0, &["alter", "table"]) && self.ends_in_concurrent_detach(phrase) {
            return Some("ALTER TABLE … DETACH PARTITION … CONCURRENTLY");
        }
        None
    }

    /// `ALTER TABLE … DETACH PARTITION p CONCURRENTLY`: the words at the end, so that no name can be taken for them.
    fn ends_in_concurrent_detach(&self, phrase: &Phrase<'_>) -> bool {
        let Some(detach) = phrase.find(2, &["detach"]) else {
            return false;
        };
        let last = phrase.len().checked_sub(1);
        phrase.is(detach + 1, &["partition"])
            && last.is_some_and(|last| last > detach + 2 && phrase.is(last, &["concurrently"]))
            && last.is_some_and(|last| !phrase.is_mark(last - 1, "."))
    }

    fn has_word(&self, words: &[&str], lexer: Lexer) -> bool {
        let mut tokens = self.tokens(lexer);
        while let Ok(Some(token)) = tokens.next() {
            let text = tokens.text(token);
            if token.kind == Kind::Word && words.iter().any(|word| text.eq_ignore_ascii_case(word)) {
                return true;
            }
        }
        false
    }

    /// Whether running it a second time is harmless, both after it was done and after it was interrupted.
    ///
    /// `false` when in doubt. `CREATE INDEX CONCURRENTLY IF NOT EXISTS` is in doubt: an interrupted one leaves an
    /// invalid index, which the second run would take for done.
    #[must_use]
    pub fn safe_to_repeat(&self, lexer: Lexer) -> bool {
        let phrase = self.phrase(lexer);
        creates_if_missing(&phrase)
            || drops_if_present(&phrase)
            || match lexer {
                Lexer::Postgres => postgres_repeats(&phrase) || self.alters_once(&phrase),
                Lexer::Sqlite => sqlite_repeats(&phrase),
            }
    }

    /// One action that asks first, or that has the same end whatever was before.
    fn alters_once(&self, phrase: &Phrase<'_>) -> bool {
        if phrase.reads(0, &["alter", "type"]) {
            return phrase
                .find(2, &["add"])
                .is_some_and(|add| phrase.reads(add + 1, &["value", "if", "not", "exists"]));
        }
        if !phrase.reads(0, &["alter", "table"]) || self.has_comma() {
            return false;
        }
        let name = phrase.past(2, &["if", "exists", "only"]);
        let action = if phrase.is_mark(name + 1, ".") { name + 3 } else { name + 1 };
        let action = if phrase.is_mark(action, "*") { action + 1 } else { action };
        phrase.reads(action, &["validate", "constraint"])
            || phrase.reads(action, &["add", "column", "if", "not", "exists"])
            || phrase.reads(action, &["drop", "column", "if", "exists"])
            || phrase.reads(action, &["drop", "constraint", "if", "exists"])
    }

    fn has_comma(&self) -> bool {
        let mut tokens = self.tokens(Lexer::Postgres);
        let mut depth = 0_usize;
        while let Ok(Some(token)) = tokens.next() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Mark if depth == 0 && tokens.text(token) == "," => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether it changes a setting of the session that outlives the transaction.
    ///
    /// A query with the word `set_config` counts, whatever it sets and for how long. What a function does to the session
    /// is not seen.
    #[must_use]
    pub fn sets_session(&self, lexer: Lexer) -> bool {
        match lexer {
            Lexer::Postgres => {
                let phrase = self.phrase(lexer);
                phrase.is(0, &["reset", "discard"])
                    || phrase.is(0, &["set"]) && !phrase.is(1, &["local", "transaction", "constraints"])
                    || self.has_word(&["set_config"], lexer)
                    || phrase.is(0, &["do"]) && self.text.to_ascii_lowercase().contains("set_config")
            }
            Lexer::Sqlite => {
                self.begins_with(&["pragma"])
                    && Pragma::of(&self.phrase(lexer)).is_some_and(|pragma| pragma.sets_session())
            }
        }
    }

    /// The value that a SQLite `PRAGMA foreign_keys = …` sets.
    ///
    /// Inside a transaction SQLite ignores it without a word. `None` for every other statement, and for the pragma that
    /// only asks.
    #[must_use]
    pub fn sets_foreign_keys(&self) -> Option<bool> {
        let phrase = self.phrase(Lexer::Sqlite);
        let pragma = Pragma::of(&phrase)?;
        if pragma.name != "foreign_keys" {
            return None;
        }
        let value = pragma.value?.trim_matches(['\'', '"']).to_ascii_lowercase();
        Some(match value.parse::<i64>() {
            Ok(number) => number != 0,
            Err(_) => matches!(value.as_str(), "on" | "yes" | "true"),
        })
    }

    /// Whether it can change how Postgres reads the strings after it (`SET standard_conforming_strings`).
    ///
    /// The server reads a message as a whole before it runs any of it, so such a statement must be the last of its
    /// message. Always `false` for SQLite's text.
    #[must_use]
    pub fn changes_lexing(&self, lexer: Lexer) -> bool {
        let first = self.words.get(0).unwrap_or_default();
        lexer == Lexer::Postgres && settings::may_matter(first) && settings::changes(&self.phrase(lexer))
    }
}

/// For `ROLLBACK`, `SAVEPOINT` and `RELEASE`.
fn ends_seal(lexer: Lexer, phrase: &Phrase<'_>) -> bool {
    let to = phrase.find(1, &["to"]);
    let before_name = match (phrase.is(0, &["rollback"]), to) {
        (true, None) => return true,
        (true, Some(to)) => to + 1,
        (false, _) => 1,
    };
    let keyword = phrase.is(before_name, &["savepoint"]) && phrase.kind(before_name + 1).is_some();
    let name = if keyword { before_name + 1 } else { before_name };
    let exact = lexer == Lexer::Postgres && phrase.kind(name) == Some(Kind::Quoted);
    phrase
        .unquoted(name)
        .is_some_and(|name| if exact { name == SEAL_SAVEPOINT } else { name.eq_ignore_ascii_case(SEAL_SAVEPOINT) })
}

fn create_refuses(phrase: &Phrase<'_>) -> Option<&'static str> {
    let kind = phrase.past(1, &["unique"]);
    if phrase.reads(kind, &["index", "concurrently"]) {
        return Some("CREATE INDEX CONCURRENTLY");
    }
    if phrase.is(1, &["database"]) {
        return Some("CREATE DATABASE");
    }
    phrase.is(1, &["tablespace"]).then_some("CREATE TABLESPACE")
}

fn drop_refuses(phrase: &Phrase<'_>) -> Option<&'static str> {
    if phrase.reads(1, &["index", "concurrently"]) {
        return Some("DROP INDEX CONCURRENTLY");
    }
    if phrase.is(1, &["database"]) {
        return Some("DROP DATABASE");
    }
    phrase.is(1, &["tablespace"]).then_some("DROP TABLESPACE")
}

/// `REINDEX [(option, …)] {INDEX | TABLE | SCHEMA | DATABASE | SYSTEM} [CONCURRENTLY] name`
fn reindex_refuses(phrase: &Phrase<'_>) -> Option<&'static str> {
    let mut kind = 1;
    let mut concurrent = false;
    if phrase.kind(1) == Some(Kind::Open) {
        kind = (1..phrase.len()).find(|&at| phrase.kind(at) == Some(Kind::Close))? + 1;
        concurrent = (2..kind).any(|at| {
            let off = phrase.is(at + 1, &["off", "false"]) || phrase.is_mark(at + 1, "0");
            phrase.is(at, &["concurrently"]) && !off
        });
    }
    if concurrent || phrase.is(kind + 1, &["concurrently"]) {
        return Some("REINDEX CONCURRENTLY");
    }
    if phrase.is(kind, &["schema"]) {
        return Some("REINDEX SCHEMA");
    }
    phrase.is(kind, &["database", "system"]).then_some("REINDEX DATABASE")
}

/// Only without a table: `CLUSTER`, `CLUSTER VERBOSE`, `CLUSTER (VERBOSE)`.
fn cluster_refuses(phrase: &Phrase<'_>) -> Option<&'static str> {
    let all = match phrase.kind(1) {
        None => true,
        Some(Kind::Open) => phrase.kind(phrase.len() - 1) == Some(Kind::Close),
        _ => phrase.is(1, &["verbose"]) && phrase.len() == 2,
    };
    all.then_some("CLUSTER of all tables")
}

fn sqlite_refuses(phrase: &Phrase<'_>) -> Option<&'static str> {
    if phrase.is(0, &["vacuum"]) {
        return Some("VACUUM");
    }
    let pragma = Pragma::of(phrase)?;
    match (pragma.name.as_str(), pragma.value.is_some()) {
        ("wal_checkpoint", _) => Some("PRAGMA wal_checkpoint"),
        ("foreign_keys", true) => Some("PRAGMA foreign_keys = …"),
        ("journal_mode", true) => Some("PRAGMA journal_mode = …"),
        ("synchronous", true) => Some("PRAGMA synchronous = …"),
        _ => None,
    }
}

/// `PRAGMA [schema.]name [= value | (value)]`
struct Pragma<'a> {
    name: String,
    value: Option<&'a str>,
}

impl<'a> Pragma<'a> {
    fn of(phrase: &Phrase<'a>) -> Option<Self> {
        if !phrase.is(0, &["pragma"]) {
            return None;
        }
        let at = if phrase.is_mark(2, ".") { 3 } else { 1 };
        let assigns = phrase.is_mark(at + 1, "=") || phrase.is_mark(at + 1, "(");
        let sign = usize::from(phrase.is_mark(at + 2, "+") || phrase.is_mark(at + 2, "-"));
        let value = if assigns { phrase.text(at + 2 + sign) } else { None };
        Some(Self { name: phrase.unquoted(at)?.to_ascii_lowercase(), value })
    }

    /// With a value, unless the value says what to read or do, or goes into the database file.
    fn sets_session(&self) -> bool {
        const OTHER: [&str; 16] = [
            "application_id",
            "foreign_key_check",
            "foreign_key_list",
            "incremental_vacuum",
            "index_info",
            "index_list",
            "index_xinfo",
            "integrity_check",
            "optimize",
            "quick_check",
            "shrink_memory",
            "table_info",
            "table_list",
            "table_xinfo",
            "user_version",
            "wal_checkpoint",
        ];
        self.value.is_some() && !OTHER.contains(&self.name.as_str())
    }
}

/// `CREATE … IF NOT EXISTS`, with nothing but the kind of the object between.
fn creates_if_missing(phrase: &Phrase<'_>) -> bool {
    const KINDS: [&str; 20] = [
        "collation",
        "extension",
        "foreign",
        "global",
        "index",
        "local",
        "mapping",
        "materialized",
        "schema",
        "sequence",
        "server",
        "statistics",
        "table",
        "temp",
        "temporary",
        "trigger",
        "unique",
        "unlogged",
        "view",
        "virtual",
    ];
    let name = phrase.past(1, &KINDS);
    phrase.is(0, &["create"]) && name > 1 && phrase.reads(name, &["if", "not", "exists"])
}

/// `DROP … IF EXISTS`. An interrupted `DROP INDEX CONCURRENTLY` leaves an index that can be dropped again.
fn drops_if_present(phrase: &Phrase<'_>) -> bool {
    let exists = (1..6).find(|&at| phrase.reads(at, &["if", "exists"]));
    phrase.is(0, &["drop"]) && exists.is_some_and(|at| at > 1 && (1..at).all(|i| phrase.kind(i) == Some(Kind::Word)))
}

fn postgres_repeats(phrase: &Phrase<'_>) -> bool {
    if phrase.reads(0, &["create", "or", "replace"]) {
        return phrase.is(
            phrase.past(3, &["temp", "temporary", "recursive", "trusted", "procedural", "constraint"]),
            &["aggregate", "function", "language", "procedure", "rule", "transform", "trigger", "view"],
        );
    }
    phrase.is(0, &["analyze", "analyse", "vacuum", "set", "reset", "grant", "revoke", "checkpoint"])
        || phrase.reads(0, &["comment", "on"])
        || phrase.reads(0, &["refresh", "materialized", "view"])
        || phrase.is(0, &["reindex"]) && reindex_refuses(phrase) != Some("REINDEX CONCURRENTLY")
}

fn sqlite_repeats(phrase: &Phrase<'_>) -> bool {
    phrase.is(0, &["analyze", "reindex", "pragma"])
        || phrase.is(0, &["vacuum"]) && !phrase.is(1, &["into"]) && !phrase.is(2, &["into"])
}
