//! `squash`: the oldest migrations become one that only fresh databases run.

use serde::Serialize;
use whimbrel::Timestamp;
use whimbrel::schema::squash;

use super::Context;
use super::schema_targets::{Ahead, Project, refused};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Squashed {
    targets: Vec<OfTarget>,
}

#[derive(Debug, Serialize)]
struct OfTarget {
    target: String,
    file: String,
    folded: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: &arguments::Squash) -> Result<u8, CliError> {
    let project = Project::open(context, true, Ahead::Nothing)?;
    let _lock = project.write_lock(context)?;
    let squashed = stoppable(squash(&project.targets(&[]), &arguments.version, Timestamp::now())).await?;
    let squashed = squashed.map_err(|why| refused(project.located(why.problems)))?;
    let output = &context.output;
    for squash in &squashed {
        squash.carry_out().map_err(|problem| refused(vec![problem]))?;
        output.data(format_args!("{}: {} migrations in one", squash.file.display(), squash.folded.len()));
    }
    output.say("a database that stopped inside of them must finish with the release that has them");
    if output.json {
        let of_target = |squash: &whimbrel::schema::Squash| OfTarget {
            target: squash.target.clone(),
            file: squash.file.display().to_string(),
            folded: squash.folded.iter().map(|path| path.display().to_string()).collect(),
        };
        let done = Some(Squashed { targets: squashed.iter().map(of_target).collect() });
        output.document(&json::Other { place: json::Place::default(), done, error: None });
    }
    Ok(exit_code::DONE)
}
