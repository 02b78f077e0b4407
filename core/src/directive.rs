//! Directives: what a migration asks of its runner, in comments at its top.
//!
//! ```sql
//! -- whimbrel: no-transaction
//! -- whimbrel: lock-timeout 5s
//! create index concurrently sessions_by_board on sessions (board_id);
//! ```

mod keep_rows;

use std::time::Duration;

pub use keep_rows::KeptTable;

use crate::checksum::Checksum;
use crate::duration::parse_duration;
use crate::problem::Problem;
use crate::version::Version;

/// How a directive's comment begins.
pub const DIRECTIVE_PREFIX: &str = "whimbrel:";

const KNOWN: &str = "known are no-transaction, foreign-keys off, keep-rows TABLE, lock-timeout 5s, statement-timeout 10min, accept-checksum v1:sha256:…, checkpoint VERSION…, repeatable";

/// What a migration asks of its runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-transaction`: each statement runs alone, with recorded progress.
    pub no_transaction: bool,
    /// `foreign-keys off`: foreign keys are not enforced while it runs, and nothing that it leaves may break one.
    pub foreign_keys_off: bool,
    /// `keep-rows users, old=new`: tables that must have as many rows after it as before it, counted in its transaction;
    /// else it is rolled back.
    pub kept_tables: Vec<KeptTable>,
    /// `lock-timeout 5s`: how long a statement waits for a table. Zero: for ever.
    pub lock_timeout: Option<Duration>,
    /// `statement-timeout 10min`: how long a statement may run. Zero: for ever.
    pub statement_timeout: Option<Duration>,
    /// `accept-checksum …`: earlier checksums of this file that count as this one.
    pub accepted_checksums: Vec<Checksum>,
    /// `checkpoint 0000 0001`: the versions that were folded into this migration, which stands for all of them; its own
    /// version, the last of them, is not among them.
    pub folded: Vec<Version>,
    /// `repeatable`: it runs again whenever its content changed, after the versioned migrations.
    pub repeatable: bool,
}

impl Directives {
    /// Reads the header of a migration: the comment lines before its first statement.
    ///
    /// Gives what is understood, and beside it a problem for every directive that is unknown, has a wrong value, or stands
    /// twice, with its line. A migration with a problem must not run.
    #[must_use]
    pub fn read(file: &str, text: &str) -> (Self, Vec<Problem>) {
        let mut directives = Self::default();
        let mut problems = Vec::new();
        for (number, body) in header(text) {
            if let Err((message, hint)) = directives.take(body) {
                problems.push(Problem::new(file, message, hint).at(number, 1));
            }
        }
        if directives.no_transaction && directives.foreign_keys_off {
            let hint = "without a transaction write the pragma into the migration itself";
            problems.push(Problem::new(file, "`foreign-keys off` and `no-transaction` exclude each other", hint));
        }
        if directives.no_transaction && !directives.kept_tables.is_empty() {
            let hint = "without a transaction nothing could be taken back: compare the counts by hand";
            problems.push(Problem::new(file, "`keep-rows` and `no-transaction` exclude each other", hint));
        }
        (directives, problems)
    }

    fn take(&mut self, body: &str) -> Result<(), (String, String)> {
        let (name, value) =
            body.split_once(char::is_whitespace).map_or((body, ""), |(name, value)| (name, value.trim()));
        let invalid = |expected: &str| {
            (format!("directive `{body}` is not understood"), format!("write `-- whimbrel: {expected}`"))
        };
        let duration = || parse_duration(value).map_err(|message| (message, KNOWN.to_owned()));
        match (name, value) {
            ("no-transaction", "") => switch_on(&mut self.no_transaction, body),
            ("repeatable", "") => switch_on(&mut self.repeatable, body),
            ("foreign-keys", "off") => switch_on(&mut self.foreign_keys_off, body),
            ("foreign-keys", _) => Err(invalid("foreign-keys off")),
            ("keep-rows", _) => {
                let tables = keep_rows::read(value).ok_or_else(|| invalid("keep-rows users, old=new"))?;
                self.kept_tables.extend(tables);
                Ok(())
            }
            ("lock-timeout", _) => set_once(&mut self.lock_timeout, duration()?, body),
            ("statement-timeout", _) => set_once(&mut self.statement_timeout, duration()?, body),
            ("accept-checksum", _) => {
                let checksum = Checksum::parse(value);
                if !checksum.is_known() {
                    return Err(invalid("accept-checksum v1:sha256:<64 hex digits>"));
                }
                self.accepted_checksums.push(checksum);
                Ok(())
            }
            ("checkpoint", _) => {
                let versions = value.split_whitespace().map(str::parse::<Version>).collect::<Result<Vec<_>, _>>();
                let versions = versions.ok().filter(|versions| !versions.is_empty());
                self.folded.extend(versions.ok_or_else(|| invalid("checkpoint 0000 0001"))?);
                Ok(())
            }
            _ => Err((format!("unknown directive `{body}`"), KNOWN.to_owned())),
        }
    }
}

fn twice(body: &str) -> (String, String) {
    (format!("directive `{body}` stands twice"), "keep one of them".to_owned())
}

fn switch_on(flag: &mut bool, body: &str) -> Result<(), (String, String)> {
    if std::mem::replace(flag, true) { Err(twice(body)) } else { Ok(()) }
}

fn set_once<T>(slot: &mut Option<T>, value: T, body: &str) -> Result<(), (String, String)> {
    if slot.replace(value).is_some() { Err(twice(body)) } else { Ok(()) }
}

/// The directives of the header with their line numbers. The header ends at the first line that is neither empty nor
/// a line comment.
fn header(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let comments =
        text.lines().map(str::trim).zip(1_u32..).take_while(|(line, _)| line.is_empty() || line.starts_with("--"));
    comments.filter_map(|(line, number)| Some((number, directive(line)?)))
}

/// The directive in a comment line, if it is one.
pub(crate) fn directive(line: &str) -> Option<&str> {
    Some(line.strip_prefix("--")?.trim_start().strip_prefix(DIRECTIVE_PREFIX)?.trim())
}

#[cfg(test)]
mod tests;
