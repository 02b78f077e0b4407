//! `diff`: the SQL that turns one schema into another.

use serde::Serialize;
use whimbrel::schema::generate::texts;
use whimbrel::schema::{Between, Choices, between};

use super::Context;
use super::generate::flags;
use super::place::{Engine, Place, explained};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;
use crate::signals::stoppable;

#[derive(Debug, Serialize)]
struct Differs {
    dialect: &'static str,
    equal: bool,
    /// One text for each migration that would be needed.
    sql: Vec<String>,
    losses: Vec<String>,
    uncompared: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: &arguments::Diff) -> Result<u8, CliError> {
    if context.common.url.is_some() {
        let message = "`diff` takes two places, and has no use for --url";
        return Err(CliError::usage(message, "write the URL as FROM or TO"));
    }
    let (from, to) = (Place::named(&arguments.from), Place::named(&arguments.to));
    let engine = Engine::of(context, &[&from, &to])?;
    let (before, after) = (engine.schema(&from).await?, engine.schema(&to).await?);
    let choices = Choices {
        renames: flags::renames_in(&arguments.told.rename, &after.schema)?,
        fills: flags::fills(&arguments.told.fill)?,
        online: arguments.online,
    };
    let way = stoppable(between(engine.dialect, engine.scratch(), before, after, &choices)).await?;
    let way = way.map_err(|why| explained("diff", why))?;
    show(context, engine.dialect.dialect().name, &way);
    Ok(if way.changes.is_empty() { exit_code::DONE } else { exit_code::NOT_AS_ASKED })
}

fn show(context: &Context, dialect: &'static str, way: &Between) {
    let output = &context.output;
    let sql = texts(&way.script);
    for line in &way.uncompared {
        output.say(format_args!("{}: not compared: {}", output.err().notable("note"), printable(line)));
    }
    for loss in &way.script.losses {
        let note = output.err().notable("note");
        output.say(format_args!("{note}: {}", printable(&loss.to_string())));
    }
    for text in &sql {
        output.data(text.trim_end());
    }
    if way.changes.is_empty() {
        output.done("no difference");
    }
    if output.json {
        let losses = way.script.losses.iter().map(ToString::to_string).collect();
        let equal = way.changes.is_empty();
        let done = Some(Differs { dialect, equal, sql, losses, uncompared: way.uncompared.clone() });
        output.document(&json::Other { place: json::Place::default(), done, error: None });
    }
}
