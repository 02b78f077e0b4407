//! `check`: folders, snapshots and the schema file agree, on every target.

use std::collections::BTreeSet;

use serde::Serialize;
use whimbrel::schema::generate::checked;

use super::Context;
use super::schema_targets::{Ahead, Project};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Checked {
    agrees: bool,
    problems: Vec<String>,
    not_replayed: Vec<String>,
    differences_of_meaning: Vec<String>,
}

pub(super) async fn run(context: &Context, flags: &arguments::Check) -> Result<u8, CliError> {
    let project = Project::open(context, true, Ahead::Everything)?;
    let found = stoppable(checked(&project.targets(&[]))).await?;
    // With one dialect there is nothing that it could differ from.
    let dialects: BTreeSet<&str> = project.places.iter().map(|place| place.target.dialect).collect();
    let meaning = found.meaning.iter().filter(|_| dialects.len() > 1);
    let meaning = meaning.map(|(target, note)| printable(&format!("{target}: {note}"))).collect();
    let checked = Checked {
        agrees: found.problems.is_empty(),
        problems: project.located(found.problems).iter().map(|problem| printable(&problem.to_string())).collect(),
        not_replayed: found.not_replayed,
        differences_of_meaning: meaning,
    };
    let code = match (checked.agrees, checked.not_replayed.is_empty() || !flags.require_replay) {
        (false, _) => exit_code::NOT_AS_ASKED,
        (true, false) => exit_code::FAILED,
        (true, true) => exit_code::DONE,
    };
    show(context, checked);
    Ok(code)
}

fn show(context: &Context, checked: Checked) {
    let output = &context.output;
    checked.problems.iter().for_each(|problem| output.data(problem));
    for target in &checked.not_replayed {
        output.say(format_args!(
            "{}: the folder of {target} was NOT replayed: there is no throw-away database for it (scratch-url)",
            output.err().notable("note")
        ));
    }
    for note in &checked.differences_of_meaning {
        output.say(format_args!("{}: {note}", output.err().notable("note")));
    }
    if checked.agrees {
        output.done("folders, snapshots and the schema agree");
    }
    if output.json {
        output.document(&json::Other { place: json::Place::default(), done: Some(checked), error: None });
    }
}
