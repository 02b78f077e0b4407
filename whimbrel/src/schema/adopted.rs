//! A database that another tool has migrated: whether its schema is what its history tells.

use std::collections::BTreeSet;

use whimbrel_core::{BoxError, Migration, Problem, Proved, SchemaProof, Sql, Version, async_trait};
use whimbrel_schema::Introspected;
use whimbrel_schema::baseline::{Evidence, Placed, Proof, prove};

use super::Baseline;

/// What is said of the other tool's own table.
const BOOKS: &str = "it looks like the books of a tool for migrations";

/// The same comparison as for a database without a history, at the version that the other history tells.
#[async_trait]
impl SchemaProof for Baseline {
    async fn prove(&self, migrations: &[Migration], upto: &Version, sql: &mut dyn Sql) -> Result<Proved, BoxError> {
        let live = self.live(sql).await?;
        let told = self.at_version(migrations, &live, Some(upto)).await?;
        if told.differences.is_empty() {
            return Ok(Proved::Equal(not_compared(&told)));
        }
        let best = self.at_version(migrations, &live, None).await?;
        if best.differences.is_empty() {
            return Ok(Proved::Different { instead: Some(best.version), differences: lines(&told.differences) });
        }
        // What no migration makes is somebody else's, unless a later one makes it.
        let newest = migrations.iter().filter_map(|it| it.id.version()).max();
        let end = self.at_version(migrations, &live, newest).await?;
        let at_end: BTreeSet<_> = end.differences.iter().map(|it| &it.difference).collect();
        let (others, own): (Vec<Placed>, Vec<Placed>) =
            told.differences.iter().cloned().partition(|it| it.files.is_none() && at_end.contains(&it.difference));
        if own.is_empty() {
            let mut notes = not_compared(&told);
            notes.extend(lines(&others));
            return Ok(Proved::Equal(notes));
        }
        Ok(Proved::Different { instead: None, differences: lines(&own) })
    }
}

impl Baseline {
    async fn at_version(
        &self,
        migrations: &[Migration],
        live: &Introspected,
        version: Option<&Version>,
    ) -> Result<Proof, BoxError> {
        let evidence = Evidence {
            dialect: self.dialect,
            scratch: self.scratch.as_deref(),
            migrations,
            snapshots: &self.snapshots,
            live,
        };
        prove(evidence, version).await.map_err(|problems| told(&problems).into())
    }
}

fn told(problems: &[Problem]) -> String {
    let told = problems.iter().map(|problem| format!("{}: {}", problem.file, problem.message));
    told.collect::<Vec<_>>().join("; ")
}

fn lines(differences: &[Placed]) -> Vec<String> {
    differences.iter().map(ToString::to_string).collect()
}

fn not_compared(proof: &Proof) -> Vec<String> {
    let worth_telling = |what: &&String| !what.ends_with(BOOKS);
    proof.uncompared.iter().filter(worth_telling).map(|what| format!("not compared: {what}")).collect()
}
