//! What leads from one schema to another, whatever they were read from.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::compare::settle;
use crate::dialect::{Rename, SchemaDialect, Script, ScriptRequest};
use crate::diff::{Questions, diff};
use crate::generate::{Refused, Scratch, in_order_of, printed};
use crate::model::{ObjectName, Schema};

/// A schema of a dialect, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The schema.
    pub schema: Schema,
    /// It was read from a database, which may have written queries and functions anew.
    pub is_live: bool,
}

/// What only a person can say about a change.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// What was renamed.
    pub renames: Vec<Rename>,
    /// How values get into columns that need one, see [`ScriptRequest::fills`].
    pub fills: BTreeMap<(ObjectName, String), String>,
    /// Take the ways that do not stop an application that is at work.
    pub online: bool,
}

/// The way from one schema to another.
#[derive(Debug, Clone, Default)]
pub struct Between {
    /// The steps. Empty: they are equal.
    pub changes: Vec<Change>,
    /// The SQL.
    pub script: Script,
    /// What could not be compared and counts as equal: see [`Compared::uncompared`](crate::Compared::uncompared).
    pub uncompared: Vec<String>,
}

/// The way from one schema to another one of the same dialect.
///
/// Where one was written and the other read from a database that writes queries anew, the written one is made on the scratch
/// database, so that the same server writes both; without one, such texts of equal names count as equal and are told.
///
/// # Errors
///
/// [`Refused`], with every question and problem. Losses are no reason here: they are in [`Script::losses`].
pub async fn between(
    dialect: &dyn SchemaDialect,
    scratch: Option<&dyn Scratch>,
    from: Side,
    to: Side,
    choices: &Choices,
) -> Result<Between, Refused> {
    let rules = dialect.rules();
    let (mut before, mut after) = (from.schema, to.schema);
    let mut uncompared = Vec::new();
    if rules.rewrites_views && from.is_live != to.is_live {
        let (written, live) = if to.is_live { (&before, &mut after) } else { (&after, &mut before) };
        let differs = !settle(written, None, &mut live.clone()).is_empty();
        let printed = match scratch.filter(|_| differs) {
            Some(scratch) => {
                let printed = printed(dialect, scratch, &in_order_of(live, written)).await;
                Some(printed.map_err(|problem| Refused::from(vec![problem]))?)
            }
            None => None,
        };
        uncompared = settle(written, printed.as_ref(), live);
    }
    let changes = diff(&before, &after, &choices.renames, &rules).map_err(|Questions(questions)| {
        let questions = questions.into_iter().map(|question| (dialect.dialect().name.to_owned(), question)).collect();
        Refused { questions, ..Refused::default() }
    })?;
    let request = ScriptRequest {
        before: &before,
        after: &after,
        changes: &changes,
        online: choices.online,
        fills: &choices.fills,
        conversions: &BTreeMap::new(),
    };
    let script =
        if changes.is_empty() { Script::default() } else { dialect.script(&request).map_err(Refused::from)? };
    Ok(Between { changes, script, uncompared })
}
