//! Proof that a database is as its history tells.

use std::fmt;

use async_trait::async_trait;

use super::{Adoption, Finding, FindingKind, Verdict};
use crate::history::MigrationId;
use crate::migration::Migration;
use crate::sql::{BoxError, Sql};
use crate::version::Version;

/// Compares a database with what its migrations lead to, see [`Migrator::proving`](crate::Migrator::proving).
#[async_trait]
pub trait SchemaProof: fmt::Debug + Send + Sync {
    /// Whether the database is as the migrations up to this version leave it. `migrations` are all of its namespace, in order.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from comparing. That is told, and in nobody's way.
    async fn prove(&self, migrations: &[Migration], upto: &Version, sql: &mut dyn Sql) -> Result<Proved, BoxError>;
}

/// What a comparison showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// The database is so, but for what is named: what was not compared, and what is no business of the migrations.
    Equal(Vec<String>),
    /// It is not.
    Different {
        /// The version that it is at instead, where there is one.
        instead: Option<Version>,
        /// The differences, each a line.
        differences: Vec<String>,
    },
}

/// How many differences a message names.
const NAMED: usize = 20;

/// The newest version that a history tells as applied, where it tells all before it too, with nothing wrong in it.
pub(crate) fn newest<'a>(adoption: &'a Adoption, migrations: &[Migration]) -> Result<&'a MigrationId, &'static str> {
    use Verdict::{ByHand, Recorded, Unverified, Verified};
    let plain = |it: &&super::Match| matches!(it.verdict, Verified | Unverified | ByHand | Recorded);
    let told: Vec<&MigrationId> = adoption.matches.iter().filter(plain).filter_map(|it| it.id.as_ref()).collect();
    let newest = told.iter().copied().max_by_key(|id| id.version()).ok_or("nothing is recorded")?;
    let own = migrations.iter().filter(|it| it.id.namespace == newest.namespace && it.id.version() <= newest.version());
    let all = own.filter(|it| it.id.version().is_some()).all(|it| told.contains(&&it.id));
    let plain = adoption.matches.iter().all(|it| it.findings.is_empty());
    if all && plain {
        Ok(newest)
    } else {
        Err("the history does not tell everything up to its newest migration as applied")
    }
}

/// Enters what the comparison showed.
pub(crate) fn enter(adoption: &mut Adoption, newest: &MigrationId, proved: Proved, accept: &[FindingKind]) {
    let Some(matched) = adoption.matches.iter_mut().find(|it| it.id.as_ref() == Some(newest)) else { return };
    let (file, version) = (matched.file.clone().unwrap_or_default(), newest.to_string());
    let (instead, differences) = match proved {
        Proved::Equal(notes) => {
            adoption.proved = Some(version);
            // The schema that only that tool's table is in.
            let own = adoption.table.split_once('.').map(|(schema, _)| format!("not compared: the schema {schema}: "));
            let is_own = |note: &String| own.as_ref().is_some_and(|own| note.starts_with(own));
            adoption.notes.extend(notes.into_iter().filter(|note| !is_own(note)));
            return;
        }
        Proved::Different { instead, differences } => (instead, differences),
    };
    let row = matched.row.as_ref().map(|row| format!(", which is the newest by {row} of {}", adoption.table));
    let mut message = format!("the database is not as {file} leaves it{}", row.unwrap_or_default());
    if let Some(instead) = &instead {
        message.push_str(&format!("; it is as {instead} leaves it"));
    }
    let more = differences.len().saturating_sub(NAMED);
    differences.iter().take(NAMED).for_each(|line| message.push_str(&format!("\n  {line}")));
    if more > 0 {
        message.push_str(&format!("\n  and {more} more"));
    }
    if matched.verdict == Verdict::ByHand {
        // Whoever wrote the newest row by hand has said that the database is near enough.
        adoption.notes.push(message);
        return;
    }
    let remedy = match instead {
        Some(instead) => {
            format!(
                "put the rows of the history right. Migrations that change rows alone leave the schema as it is: look which of those \
                 up to {instead} ran"
            )
        }
        None => {
            "rows of the history are gone, a migration was applied in part, or something was changed by hand: make the \
                 database equal"
                .to_owned()
        }
    };
    let hint = format!("{remedy}; or record what the history tells with `--accept differs`");
    let accepted = accept.contains(&FindingKind::Differs);
    matched.findings.push(Finding { kind: FindingKind::Differs, message, hint, accepted });
    matched.verdict = if accepted { Verdict::Accepted } else { Verdict::InTheWay };
}
