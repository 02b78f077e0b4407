//! `push`: a development database becomes what schema.sql says, without migration files.

use std::io::{self, BufRead, IsTerminal};

use serde::Serialize;
use whimbrel::schema::generate::texts;
use whimbrel::schema::{Between, Choices, Loss, Push, PushError};

use super::generate::{answers, flags};
use super::place::{Engine, PLACES, Place, document, explained};
use super::schema_targets::schema_file;
use super::{Context, Opened};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Pushed {
    up_to_date: bool,
    sql: Vec<String>,
    losses: Vec<String>,
}

pub(super) async fn run(context: &Context, flags: &arguments::Push) -> Result<u8, CliError> {
    let opened = context.open()?;
    let file = schema_file(context)?.display().to_string();
    let document = document(&file, PLACES)?;
    let place = Place::Url(opened.target.url().to_owned());
    let engine = Engine::of(context, &[&place])?;
    let wanted = engine.lowered(&file, &document)?;
    let push = Push::new(opened.target.url(), opened.target.history(), engine.dialect, engine.scratch())
        .map_err(|error| CliError::database("", &error))?
        .role(opened.target.role.as_deref());
    let mut choices =
        Choices { renames: document.renames().to_vec(), fills: flags::fills(&flags.told.fill)?, online: false };
    choices.renames.extend(flags::renames(&flags.told.rename, &document)?);
    let way = loop {
        match stoppable(push.plan(&wanted, &choices)).await? {
            Ok(way) => break way,
            Err(PushError::Refused(why)) => {
                match why.problems.is_empty().then(|| answers::ask(context, &why.questions)).flatten() {
                    Some(answers) => choices.renames.extend(answers),
                    None => return Err(explained(&file, why)),
                }
            }
            Err(error) => return failed(&opened, &file, error),
        }
    };
    let name = printable(&opened.name());
    if way.changes.is_empty() {
        context.output.done(format_args!("{name} is as {file} says"));
        report(&opened, &way);
        return Ok(exit_code::DONE);
    }
    for text in texts(&way.script) {
        context.output.data(text.trim_end());
    }
    // What would be refused is not asked for.
    if flags.accept_data_loss || way.script.losses.is_empty() {
        accepted(&opened, flags)?;
    }
    if let Err(error) = push.apply(&way, &wanted, flags.accept_data_loss).await {
        return failed(&opened, &file, error);
    }
    context.output.done(format_args!("{name} is now as {file} says"));
    report(&opened, &way);
    Ok(exit_code::DONE)
}

/// Shows why there is no push.
fn failed(opened: &Opened<'_>, file: &str, error: PushError) -> Result<u8, CliError> {
    let name = printable(&opened.name());
    Err(match error {
        PushError::Migrate(error) => return Ok(opened.show(&error)),
        PushError::HasHistory => CliError::failed(
            format!("{name} has a history of migrations, which a push would leave behind"),
            "write the next migration with `whimbrel generate`, or push to another database",
        ),
        PushError::Losses(losses) => {
            let loss = |loss: &Loss| {
                whimbrel::Problem::new(opened.name(), loss.to_string(), "give `--accept-data-loss` if that is meant")
            };
            super::schema_targets::refused(losses.iter().map(loss).collect())
        }
        PushError::StillDifferent(difference) => CliError::failed(
            format!("the database is still not as {file} says: {difference}"),
            "push again; if it stays, this is a fault of the tool: report it",
        ),
        PushError::Refused(why) => explained(file, why),
        PushError::Backend(doing, error) => CliError::database(&format!("{doing} ({name})"), &error),
        error => CliError::failed(error.to_string(), ""),
    })
}

/// Asks.
fn accepted(opened: &Opened<'_>, flags: &arguments::Push) -> Result<(), CliError> {
    let output = &opened.context.output;
    if flags.yes {
        return Ok(());
    }
    if output.json || !io::stdin().is_terminal() {
        return Err(CliError::usage("there is nobody to ask", "give `--yes` to run this SQL"));
    }
    output.error(format_args!("run this on {}? Write yes:", printable(&opened.name())));
    let mut answer = String::new();
    let answered = io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes";
    if answered { Ok(()) } else { Err(CliError::failed("nothing was changed", "")) }
}

fn report(opened: &Opened<'_>, way: &Between) {
    if opened.context.output.json {
        let losses = way.script.losses.iter().map(ToString::to_string).collect();
        let done = Some(Pushed { up_to_date: way.changes.is_empty(), sql: texts(&way.script), losses });
        opened.context.output.document(&json::Other { place: opened.place(), done, error: None });
    }
}
