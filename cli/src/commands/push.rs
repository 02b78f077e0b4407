//! `push`: a development database becomes what schema.sql says, without migration files.

use std::io::{self, BufRead, IsTerminal};

use serde::Serialize;
use whimbrel::schema::generate::texts;
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::{Between, Choices, Schema, Side, between, compare_live, read_database};
use whimbrel::{AsFresh, CodeSource, Migrator, Sql, SqlSession};

use super::generate::{answers, flags};
use super::place::{Engine, PLACES, Place, document, explained};
use super::schema_targets::schema_file;
use super::{Context, Opened};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::json;

/// The table in which the runner keeps what it has done, removed at the end. One that a killed push left behind says nothing:
/// what is to be done is always found out from the database itself.
const PUSH_TABLE: &str = "whimbrel_push";

#[derive(Debug, Serialize)]
struct Pushed {
    up_to_date: bool,
    sql: Vec<String>,
    losses: Vec<String>,
}

pub(super) async fn run(context: &Context, flags: &arguments::Push) -> Result<u8, CliError> {
    let opened = context.open()?;
    not_migrated(&opened).await?;
    let file = schema_file(context)?.display().to_string();
    let document = document(&file, PLACES)?;
    let place = Place::Url(opened.target.url().to_owned());
    let engine = Engine::of(context, &[&place])?;
    let after = Side { schema: engine.lowered(&file, &document)?, is_live: false };
    let mut choices =
        Choices { renames: document.renames().to_vec(), fills: flags::fills(&flags.told.fill)?, online: false };
    choices.renames.extend(flags::renames(&flags.told.rename, &document)?);
    let way = loop {
        let before = Side { schema: live(&opened).await?, is_live: true };
        match between(engine.dialect, engine.scratch(), before, after.clone(), &choices).await {
            Ok(way) => break way,
            Err(why) => match why.problems.is_empty().then(|| answers::ask(context, &why.questions)).flatten() {
                Some(answers) => choices.renames.extend(answers),
                None => return Err(explained(&file, why)),
            },
        }
    };
    if way.changes.is_empty() {
        context.output.done(format_args!("{} is as {file} says", printable(&opened.name())));
        report(&opened, &way);
        return Ok(exit_code::DONE);
    }
    accepted(&opened, &way, flags)?;
    if let Some(code) = apply(&opened, &way).await? {
        return Ok(code);
    }
    let compared = compare_live(&after.schema, &live(&opened).await?, &engine.dialect.rules());
    if let Some(difference) = compared.differences.first() {
        let message = format!("the database is still not as {file} says: {difference}");
        return Err(CliError::failed(message, "push again; if it stays, this is a fault of the tool: report it"));
    }
    context.output.done(format_args!("{} is now as {file} says", printable(&opened.name())));
    report(&opened, &way);
    Ok(exit_code::DONE)
}

/// A database that has a history is changed by migrations alone. What cannot be read is an error, not a database without one.
async fn not_migrated(opened: &Opened<'_>) -> Result<(), CliError> {
    let failed = |error: whimbrel::BackendError| CliError::database("read the history", &error);
    let history = opened.target.history_table();
    let everything = read_database(&*opened.database.backend, opened.engine()?, &[]).await.map_err(failed)?;
    // The schema that names leave out may be named in the configuration.
    let is_it = |name: &ObjectName| {
        name.name == history.name
            && (name.schema == history.schema || name.schema.is_none() || history.schema.is_none())
    };
    let Some(table) = everything.schema.tables.iter().find(|table| is_it(&table.name)) else { return Ok(()) };
    let mut session = connect(opened).await?;
    let rows = session.query(&format!("SELECT 1 FROM {} LIMIT 1", table.name.quoted())).await.map_err(failed)?;
    session.close().await.map_err(failed)?;
    if rows.is_empty() {
        return Ok(());
    }
    let message = format!("{} has a history of migrations, which a push would leave behind", opened.name());
    let hint = "write the next migration with `whimbrel generate`, or push to another database";
    Err(CliError::failed(printable(&message), hint))
}

async fn connect(opened: &Opened<'_>) -> Result<SqlSession, CliError> {
    let session = SqlSession::connect(&*opened.database.backend).await;
    session.map_err(|error| CliError::database(&format!("connect to {}", printable(&opened.name())), &error))
}

async fn live(opened: &Opened<'_>) -> Result<Schema, CliError> {
    Ok(opened.live(&[PUSH_TABLE]).await?.schema)
}

/// Shows the SQL, and asks.
fn accepted(opened: &Opened<'_>, way: &Between, flags: &arguments::Push) -> Result<(), CliError> {
    let output = &opened.context.output;
    for text in texts(&way.script) {
        output.data(text.trim_end());
    }
    if !way.script.losses.is_empty() && !flags.accept_data_loss {
        let loss = |loss: &whimbrel::schema::Loss| {
            whimbrel::Problem::new(opened.name(), loss.to_string(), "give `--accept-data-loss` if that is meant")
        };
        return Err(super::schema_targets::refused(way.script.losses.iter().map(loss).collect()));
    }
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

/// Runs the SQL as migrations of their own. `Some`: it failed, was shown, and this is the exit code.
async fn apply(opened: &Opened<'_>, way: &Between) -> Result<Option<u8>, CliError> {
    let database = opened.target.database_with_history(PUSH_TABLE)?;
    let texts = texts(&way.script).into_iter().enumerate();
    let source = texts.fold(CodeSource::new(), |source, (at, text)| source.sql(&(at + 1).to_string(), "push", text));
    let mut migrator = Migrator::shared(database.backend).source(source).untracked(AsFresh);
    if let Some(role) = &opened.target.role {
        migrator = migrator.role(role);
    }
    without_push_table(opened).await?;
    let result = migrator.migrate().await;
    let code = result.err().map(|error| opened.show(&error));
    without_push_table(opened).await?;
    Ok(code)
}

async fn without_push_table(opened: &Opened<'_>) -> Result<(), CliError> {
    let mut session = connect(opened).await?;
    let dropped = session.execute(&format!("DROP TABLE IF EXISTS {}", ObjectName::new(PUSH_TABLE).quoted())).await;
    dropped.map_err(|error| CliError::database(&format!("remove the table {PUSH_TABLE}"), &error))?;
    session.close().await.map_err(|error| CliError::database("close the connection", &error))
}

fn report(opened: &Opened<'_>, way: &Between) {
    if opened.context.output.json {
        let losses = way.script.losses.iter().map(ToString::to_string).collect();
        let done = Some(Pushed { up_to_date: way.changes.is_empty(), sql: texts(&way.script), losses });
        opened.context.output.document(&json::Other { place: opened.place(), done, error: None });
    }
}
