//! What is carried as text: functions, triggers, policies, extensions.

use whimbrel_core::Problem;
use whimbrel_core::split::{Lexer, tokens};
use whimbrel_schema::model::Native;

use super::super::step::{Lock, Step, Work};
use super::super::words::{ident, object};
use super::Writer;

impl Writer<'_> {
    pub(super) fn create_native(&mut self, native: &Native) {
        let is_trigger = native.kind == "trigger";
        match native.table.as_ref().filter(|table| !self.state.is_fresh(table)) {
            Some(table) if is_trigger => {
                self.push(Step::statement(Lock::ShareRowExclusive, Work::Catalog, native.sql.clone()).locking(table));
            }
            Some(table) if native.kind == "policy" || native.kind == "rule" => {
                self.push(Step::statement(Lock::AccessExclusive, Work::Catalog, native.sql.clone()).locking(table));
            }
            _ => self.push(Step::free(native.sql.clone())),
        }
    }

    pub(super) fn drop_native(&mut self, native: &Native) {
        let Some(text) = drop_native(native) else {
            let message = format!("how a {} is dropped is not known", native.kind);
            let hint = "write the migration by hand: `whimbrel new`";
            self.problems.push(Problem::new(format!("{} {}", native.kind, native.name), message, hint));
            return;
        };
        match &native.table {
            Some(table) => self.push(Step::statement(Lock::AccessExclusive, Work::Catalog, text).locking(table)),
            None => self.push(Step::free(text)),
        }
    }
}

/// `CREATE FUNCTION …` as `CREATE OR REPLACE FUNCTION …`, also where it says so already.
pub(super) fn replacing(sql: &str) -> String {
    let rest = sql.get("create".len()..).unwrap_or_default().trim_start();
    let says_so = rest.get(.."or ".len()).is_some_and(|word| word.eq_ignore_ascii_case("or "));
    if says_so { sql.to_owned() } else { format!("CREATE OR REPLACE {rest}") }
}

/// The statement that drops an object that is carried as text.
fn drop_native(native: &Native) -> Option<String> {
    let kind = native.kind.to_uppercase();
    // A name with arguments or a schema is SQL already.
    let name = if native.name.contains(['(', '"', '.']) { native.name.clone() } else { ident(&native.name) };
    match (kind.as_str(), &native.table) {
        // Another one of this name may be there, or come with the server.
        ("FUNCTION" | "PROCEDURE", _) if !native.name.contains('(') => {
            Some(format!("DROP {kind} {name}{}", arguments(&native.sql)))
        }
        ("TRIGGER" | "POLICY" | "RULE", Some(table)) => {
            Some(format!("DROP {kind} {} ON {}", ident(&native.name), object(table)))
        }
        ("INDEX" | "STATISTICS", Some(table)) => {
            Some(format!("DROP {kind} {}", object(&table.sibling(native.name.clone()))))
        }
        (
            "FUNCTION" | "PROCEDURE" | "AGGREGATE" | "EXTENSION" | "SCHEMA" | "DOMAIN" | "TYPE" | "COLLATION"
            | "SEQUENCE" | "FOREIGN TABLE" | "SERVER" | "PUBLICATION" | "OPERATOR" | "EVENT TRIGGER" | "STATISTICS"
            | "TABLE" | "VIEW" | "INDEX" | "MATERIALIZED VIEW",
            _,
        ) => Some(format!("DROP {kind} {name}")),
        _ => None,
    }
}

/// The arguments of a routine as its statement declares them, without their defaults: `(x integer, OUT y text)`.
fn arguments(sql: &str) -> String {
    let (mut depth, mut in_default, mut declared) = (0_usize, false, Vec::new());
    for token in tokens(Lexer::Postgres, sql).unwrap_or_default().into_iter().skip_while(|token| token.text != "(") {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let begins = token.text.eq_ignore_ascii_case("default") || token.text == "=" || token.text == ":=";
        in_default = depth > 0 && ((in_default && !(depth == 1 && token.text == ",")) || (depth == 1 && begins));
        if !in_default {
            declared.push(token.text);
        }
        if depth == 0 {
            break;
        }
    }
    declared.join(" ")
}
