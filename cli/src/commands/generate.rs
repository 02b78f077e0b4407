//! `generate`: the next migration of every target, from the schema file.

pub(super) mod answers;
pub(super) mod flags;

use serde::Serialize;
use whimbrel::Timestamp;
use whimbrel::schema::Rename;
use whimbrel::schema::generate::{Options, Plan, Refused, generate, write};

use super::Context;
use super::schema_targets::{Ahead, Project, refused};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Written {
    up_to_date: bool,
    targets: Vec<OfTarget>,
}

#[derive(Debug, Serialize)]
struct OfTarget {
    target: String,
    files: Vec<String>,
    losses: Vec<String>,
    proved: bool,
}

pub(super) async fn run(context: &Context, flags: &arguments::Generate) -> Result<u8, CliError> {
    let project = Project::open(context, false, Ahead::Changed)?;
    let _lock = (!flags.check).then(|| project.write_lock(context)).transpose()?;
    let mut renames = flags::renames(&flags.told.rename, &project.document)?;
    let options = Options {
        name: (!flags.name.is_empty()).then(|| flags.name.join(" ")),
        fills: flags::fills(&flags.told.fill)?,
        accept_data_loss: flags.accept_data_loss,
        online: flags.online,
        now: Timestamp::now(),
    };
    let plans = plans(context, &project, &options, &mut renames).await?;
    let up_to_date = plans.iter().all(|plan| plan.files.is_empty());
    if !flags.check && !up_to_date {
        write(&plans).map_err(|error| {
            CliError::failed(format!("{error}; nothing was written"), "give this program the right to write there")
        })?;
    }
    show(context, &project, &plans, flags.check);
    Ok(if flags.check && !up_to_date { exit_code::NOT_AS_ASKED } else { exit_code::DONE })
}

/// Asks what only a person knows, as long as there is somebody to ask.
async fn plans(
    context: &Context,
    project: &Project,
    options: &Options,
    renames: &mut Vec<Rename>,
) -> Result<Vec<Plan>, CliError> {
    loop {
        let why = match stoppable(generate(&project.targets(renames), options)).await? {
            Ok(plans) => return Ok(plans),
            Err(why) => why,
        };
        let only_questions = why.problems.is_empty() && why.losses.is_empty();
        match only_questions.then(|| answers::ask(context, &why.questions)).flatten() {
            Some(answers) => renames.extend(answers),
            None => return Err(explained(project, why)),
        }
    }
}

/// Everything that stands in the way, with what to write.
fn explained(project: &Project, why: Refused) -> CliError {
    let mut problems = project.located(why.problems);
    problems.extend(answers::as_problems(&project.schema_file, &why.questions));
    problems.extend(why.losses.iter().map(|(target, loss)| {
        whimbrel::Problem::new(
            project.schema_file.clone(),
            format!("{target}: {loss}"),
            "give `--accept-data-loss` if that is meant",
        )
    }));
    refused(problems)
}

fn show(context: &Context, project: &Project, plans: &[Plan], only_check: bool) {
    let output = &context.output;
    for (plan, place) in plans.iter().zip(&project.places) {
        for loss in &plan.losses {
            output.say(format_args!("{}: {}: {loss}", output.err().notable("note"), plan.target));
        }
        if !plan.changes.is_empty() && !plan.proved {
            let why = "there is no throw-away database for it (scratch-url)";
            output.say(format_args!("{}: {} was NOT proved: {why}", output.err().notable("note"), place.target.name));
        }
        for (path, _) in &plan.files {
            output.data(format_args!("{}{}", if only_check { "would write " } else { "" }, path.display()));
        }
    }
    let up_to_date = plans.iter().all(|plan| plan.files.is_empty());
    if up_to_date {
        output.done("nothing to do: the folders lead to the schema");
    }
    if output.json {
        let targets = plans.iter().map(of_target).collect();
        let done = Some(Written { up_to_date, targets });
        output.document(&json::Other { place: json::Place::default(), done, error: None });
    }
}

fn of_target(plan: &Plan) -> OfTarget {
    OfTarget {
        target: plan.target.clone(),
        files: plan.files.iter().map(|(path, _)| path.display().to_string()).collect(),
        losses: plan.losses.iter().map(ToString::to_string).collect(),
        proved: plan.proved,
    }
}
