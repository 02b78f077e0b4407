use super::*;

const PG: Lexer = Lexer::Postgres;
const LITE: Lexer = Lexer::Sqlite;

fn holds(lexer: Lexer, test: impl Fn(&Statement<'_>) -> bool, yes: &[&str], no: &[&str]) {
    for sql in yes {
        assert!(test(&only(lexer, sql)), "is not: {sql}");
    }
    for sql in no {
        assert!(!test(&only(lexer, sql)), "is: {sql}");
    }
}

#[test]
fn transaction_control_in_postgres() {
    holds(
        PG,
        |s| s.is_transaction_control(PG),
        &[
            "begin",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "start transaction",
            "START /* c */ TRANSACTION READ ONLY",
            "commit",
            "commit and chain",
            "commit prepared 'a'",
            "end",
            "END WORK",
            "rollback",
            "rollback work",
            "rollback prepared 'a'",
            "abort",
            "prepare transaction 'a'",
            "prepare transaction E'a'",
            "savepoint whimbrel_seal",
            "release WHIMBREL_seal",
            "release savepoint \"whimbrel_seal\"",
            "rollback to whimbrel_seal",
            "rollback transaction to savepoint whimbrel_seal",
        ],
        &[
            "savepoint a",
            "release a",
            "release savepoint a",
            "rollback to a",
            "rollback work to savepoint a",
            "savepoint \"Whimbrel_seal\"",
            "release savepoint",
            "set transaction read only",
            "set session characteristics as transaction read only",
            "prepare a as select 1",
            "prepare transaction as select 1",
            "prepare transaction(text) as select $1",
            "do $$ begin commit; end $$",
            "create table begin (a int)",
            "(select 1) union select 2",
            "create function f() begin atomic select 1; end",
            "select 1 as commit",
            "\"commit\" begin",
        ],
    );
}

#[test]
fn transaction_control_in_sqlite() {
    holds(
        LITE,
        |s| s.is_transaction_control(LITE),
        &[
            "begin",
            "BEGIN IMMEDIATE",
            "begin exclusive transaction",
            "commit",
            "commit transaction",
            "end",
            "End transaction",
            "rollback",
            "rollback transaction",
            "savepoint whimbrel_seal",
            "release 'whimbrel_seal'",
            "release savepoint [Whimbrel_Seal]",
            "rollback to `whimbrel_seal`",
            "rollback transaction to savepoint whimbrel_seal",
        ],
        &[
            "savepoint a",
            "release savepoint a",
            "rollback to a",
            "rollback transaction to a",
            "explain commit",
            "create trigger t after insert on a begin select 1; end",
            "start transaction",
            "abort",
        ],
    );
}

#[test]
fn copies() {
    let kind = |sql| only(PG, sql).copies();
    for sql in [
        "copy t from stdin",
        "COPY s.t (a, b) FROM STDIN WITH (FORMAT csv)",
        "copy \"from\".\"to\" from stdin",
        "copy s.from from stdin",
        "copy t from stdin where stdin = 1",
        "copy binary t from stdin",
        "copy t from stdout",
    ] {
        assert_eq!(kind(sql), Some(CopyKind::FromStdin), "{sql}");
    }
    for sql in [
        "copy t to stdout",
        "copy (select 1 from stdin) TO STDOUT",
        "copy (with a as (select 1) select * from a) to stdin",
    ] {
        assert_eq!(kind(sql), Some(CopyKind::ToStdout), "{sql}");
    }
    for sql in [
        "copy t from 'stdin'",
        "copy t (stdin, stdout) from '/f'",
        "copy t from program 'stdin'",
        "copy (select 1 from stdin) to '/f'",
        "copy t from \"stdin\"",
        "select stdin from stdin",
        "\"copy\" t from stdin",
    ] {
        assert_eq!(kind(sql), None, "{sql}");
    }
}

#[test]
fn what_postgres_refuses_in_a_transaction() {
    holds(
        PG,
        |s| s.refuses_transaction(PG).is_some(),
        &[
            "create index concurrently a on b (c)",
            "CREATE UNIQUE INDEX /* c */ CONCURRENTLY IF NOT EXISTS a on b (c)",
            "create index concurrently on b (c)",
            "drop index concurrently a",
            "drop index concurrently if exists a",
            "reindex index concurrently a",
            "reindex table concurrently a",
            "reindex (concurrently) table a",
            "reindex (verbose, concurrently true) table a",
            "reindex schema s",
            "reindex database d",
            "reindex (verbose) system d",
            "vacuum",
            "vacuum full t",
            "vacuum (analyze) t",
            "create database d",
            "drop database if exists d",
            "create tablespace t location '/x'",
            "drop tablespace t",
            "alter system set a = 1",
            "alter table a detach partition b concurrently",
            "alter table only \"s\".\"a\" detach partition \"s\".\"b\" CONCURRENTLY",
            "create subscription s connection '' publication p",
            "alter subscription s refresh publication",
            "alter database d set tablespace t",
            "cluster",
            "cluster verbose",
            "cluster (verbose)",
            "discard all",
        ],
        &[
            "create index a on b (c)",
            "create index \"concurrently\" on b (c)",
            "drop index a",
            "reindex index a",
            "reindex table a",
            "reindex (concurrently off) table a",
            "reindex (concurrently false, verbose) table a",
            "analyze",
            "alter table a detach partition b",
            "alter table a detach partition b finalize",
            "alter table a add column concurrently int",
            "alter table a detach partition s.concurrently",
            "create subscription s connection '' publication p with (create_slot = false)",
            "create subscription s connection '' publication p with (connect = false)",
            "drop subscription s",
            "alter database d set a = 1",
            "cluster t",
            "cluster verbose t",
            "cluster t using i",
            "discard temp",
            "alter type t add value 'x'",
            "create table vacuum (a int)",
            "select 1",
            "drop table database",
            "alter table a detach partition concurrently",
        ],
    );
    assert_eq!(only(PG, "reindex index concurrently a").refuses_transaction(PG), Some("REINDEX CONCURRENTLY"));
}

#[test]
fn what_sqlite_refuses_in_a_transaction() {
    holds(
        LITE,
        |s| s.refuses_transaction(LITE).is_some(),
        &[
            "vacuum",
            "VACUUM main INTO 'x'",
            "pragma journal_mode = wal",
            "pragma main.journal_mode(off)",
            "PRAGMA foreign_keys=OFF",
            "pragma \"foreign_keys\" = 0",
            "pragma synchronous = normal",
            "pragma wal_checkpoint",
            "pragma wal_checkpoint(truncate)",
        ],
        &[
            "pragma journal_mode",
            "pragma foreign_keys",
            "pragma main.synchronous",
            "pragma defer_foreign_keys = on",
            "pragma user_version = 1",
            "pragma foreign_key_check(t)",
            "attach ':memory:' as a",
            "detach a",
            "reindex",
            "explain vacuum",
            "create table vacuum (a)",
        ],
    );
}

#[test]
fn what_is_safe_to_repeat_in_postgres() {
    holds(
        PG,
        |s| s.safe_to_repeat(PG),
        &[
            "analyze t",
            "vacuum",
            "reindex table t",
            "reindex (verbose) table t",
            "create table if not exists t (a int)",
            "create unlogged table if not exists t (a int)",
            "create unique index if not exists i on t (a)",
            "create extension if not exists e",
            "create schema if not exists s",
            "drop table if exists t",
            "drop index concurrently if exists i",
            "drop materialized view if exists v",
            "create or replace function f() returns int return 1",
            "create or replace temp view v as select 1",
            "create or replace procedural language l",
            "refresh materialized view concurrently v",
            "set a = 1",
            "comment on table t is 'x'",
            "grant select on t to u",
            "revoke all on t from u",
            "alter type t add value if not exists 'x' before 'y'",
            "alter type s.t add value if not exists 'x'",
            "alter table t validate constraint c",
            "alter table if exists only s.t validate constraint c",
            "alter table t add column if not exists a numeric(1, 2)",
            "alter table t drop constraint if exists c",
        ],
        &[
            "create index concurrently if not exists i on t (a)",
            "reindex index concurrently i",
            "create table t (a int)",
            "create index if_not_exists on t (a)",
            "drop table t",
            "drop table t, if",
            "insert into t values (1)",
            "update t set a = 1",
            "select f()",
            "alter table t add column a int",
            "alter table t add column if not exists a int, add column b int",
            "alter type t add value 'x'",
            "alter table t detach partition p concurrently",
            "create database d",
            "create table \"if\" (a int)",
            "do $$ begin end $$",
            "call p()",
            "explain analyze insert into t values (1)",
            "drop index concurrently i",
        ],
    );
}

#[test]
fn an_index_that_is_built_unless_one_is_there_is_known_with_its_table() {
    for (sql, expected) in [
        ("create index concurrently if not exists i on t (a)", Some(("i", "t"))),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I\" /* x */ ON ONLY s.\"T\" using btree (a)",
            Some(("\"I\"", "s.\"T\"")),
        ),
        ("create index concurrently i on t (a)", None),
        ("create index if not exists i on t (a)", None),
        ("create index concurrently on t (a)", None),
        ("drop index concurrently if exists i", None),
    ] {
        let statements = split(PG, sql).unwrap();
        let found = statements[0].index_unless_there(PG);
        assert_eq!(found.as_ref().map(|(index, table)| (*index, &**table)), expected, "{sql}");
        assert_eq!(split(LITE, sql).unwrap()[0].index_unless_there(LITE), None, "{sql}");
    }
}

#[test]
fn what_is_safe_to_repeat_in_sqlite() {
    holds(
        LITE,
        |s| s.safe_to_repeat(LITE),
        &[
            "analyze",
            "reindex",
            "vacuum",
            "vacuum main",
            "pragma journal_mode = wal",
            "create table if not exists t (a)",
            "create virtual table if not exists t using fts5(a)",
            "create temp trigger if not exists t after insert on a begin select 1; end",
            "drop index if exists i",
        ],
        &[
            "vacuum into 'x'",
            "vacuum main into 'x'",
            "create table t (a)",
            "drop table t",
            "insert into t values (1)",
            "attach 'x' as y",
            "delete from t",
            "set a = 1",
        ],
    );
}

#[test]
fn what_sets_the_session() {
    holds(
        PG,
        |s| s.sets_session(PG),
        &[
            "set search_path = a",
            "set session a = 1",
            "set role r",
            "set time zone 'UTC'",
            "reset all",
            "discard all",
            "select pg_catalog.set_config('search_path', '', false)",
            "do $$ begin perform SET_CONFIG('a', 'b', false); end $$",
            "set session characteristics as transaction read only",
        ],
        &[
            "set local search_path = a",
            "set transaction read only",
            "set constraints all deferred",
            "update t set a = 1",
            "select 'set_config'",
            "select 1",
        ],
    );
    holds(
        LITE,
        |s| s.sets_session(LITE),
        &["pragma foreign_keys = on", "pragma main.cache_size(10)", "pragma busy_timeout = 5"],
        &["pragma foreign_keys", "pragma table_info(t)", "pragma user_version = 1", "set a = 1", "select 1"],
    );
}

#[test]
fn what_sets_foreign_keys() {
    for (sql, value) in [
        ("pragma foreign_keys = off", Some(false)),
        ("PRAGMA main.FOREIGN_KEYS(ON)", Some(true)),
        ("pragma foreign_keys=0", Some(false)),
        ("pragma foreign_keys='yes'", Some(true)),
        ("pragma foreign_keys = -1", Some(true)),
        ("pragma foreign_keys", None),
        ("pragma foreign_key_check", None),
        ("select 1", None),
    ] {
        assert_eq!(only(LITE, sql).sets_foreign_keys(), value, "{sql}");
    }
}

/// The refusals' lines, columns and messages.
fn refusals(lexer: Lexer, sql: &str, transactional: bool) -> Vec<String> {
    let refusals = check(lexer, sql, Rules { transactional }).err().unwrap_or_default();
    refusals
        .iter()
        .map(|r| format!("{}:{}-{}:{} {}", r.at.line, r.at.column, r.end.line, r.end.column, r.message()))
        .collect()
}

#[test]
fn all_refusals_come_at_once_and_in_order() {
    let sql =
        "create table t (a int);\ncommit;\ncopy t from stdin;\n1\n'\n\\.\n\\d t\nvacuum; copy t to\n stdout;\nselect '";
    assert_eq!(
        refusals(PG, sql, true),
        [
            "2:1-2:7 transaction control in a transactional migration",
            "3:1-3:18 COPY FROM STDIN needs data that a migration cannot send",
            "7:1-7:5 `\\d` is a command of the database's shell, not SQL",
            "8:1-8:7 VACUUM does not work inside a transaction",
            "8:9-9:8 COPY TO STDOUT sends data that a migration does not read",
            "10:8-10:9 string is never closed",
        ]
    );
    assert_eq!(refusals(PG, sql, false).len(), 4);
}

#[test]
fn every_refusal_has_a_remedy() {
    let sql = "select 1\0;pragma foreign_keys=off; begin; vacuum;\n.tables\n--> statement-breakpoint x\n[";
    let refusals = check(LITE, sql, Rules { transactional: true }).unwrap_err();
    let hints: Vec<_> = refusals.iter().map(Refusal::hint).collect();
    assert_eq!(hints.len(), 7);
    assert!(hints.iter().all(|hint| hint.len() > 20 || *hint == "close the quoted name"), "{hints:?}");
    assert!(hints[0].contains("NUL") && hints[1].contains("-- whimbrel: foreign-keys off"));
    assert!(hints[2].contains("-- whimbrel: no-transaction") && hints[3].contains("-- whimbrel: no-transaction"));
    assert_eq!(refusals[2].to_string(), "transaction control in a transactional migration (line 1, column 36)");
}

#[test]
fn a_nul_inside_something_unterminated_has_its_own_place() {
    assert_eq!(
        refusals(PG, "select '\n\0\n", true),
        ["1:8-3:1 string is never closed", "2:1-2:2 text has a NUL byte",]
    );
}

#[test]
fn what_is_allowed_gives_the_statements() {
    let sql = "savepoint a; release a; copy t from '/f'; vacuum";
    assert_eq!(check(PG, sql, Rules { transactional: false }).unwrap().len(), 4);
    assert_eq!(refusals(PG, sql, true).len(), 1);
    assert_eq!(check(LITE, "begin; vacuum; commit", Rules { transactional: false }).unwrap().len(), 3);
}
