//! `schema`: prints a schema.

use serde::Serialize;
use whimbrel::schema::generate::texts;
use whimbrel::schema::model::Schema;
use whimbrel::schema::{Choices, Side, between, mermaid};

use super::Context;
use super::place::{Engine, PLACES, Place, document, explained};
use super::schema_targets::schema_file;
use crate::arguments::{self, SchemaForm};
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Printed {
    dialect: &'static str,
    schema: Schema,
}

pub(super) async fn run(context: &Context, arguments: &arguments::Schema) -> Result<u8, CliError> {
    if context.common.url.is_some() {
        return Err(CliError::usage("`schema` has no use for --url", "write the URL as PLACE"));
    }
    let place = match &arguments.place {
        Some(place) => Place::named(place),
        None => Place::File(schema_file(context)?),
    };
    let engine = Engine::of(context, &[&place])?;
    let side = engine.schema(&place).await?;
    let form = if context.output.json { SchemaForm::Json } else { arguments.form };
    let output = &context.output;
    match form {
        SchemaForm::Sql => {
            let nothing = Side { schema: Schema::default(), is_live: side.is_live };
            let way = between(engine.dialect, None, nothing, side, &Choices::default()).await;
            let way = way.map_err(|why| explained("schema", why))?;
            texts(&way.script).iter().for_each(|text| output.data(text.trim_end()));
        }
        SchemaForm::Mermaid => output.data(mermaid(&portable(&engine, &place, side)?).trim_end()),
        SchemaForm::Json => {
            let done = Printed { dialect: engine.dialect.dialect().name, schema: side.schema };
            match output.json {
                true => output.document(&json::Other { place: json::Place::default(), done: Some(done), error: None }),
                false => output.data(serde_json::to_string_pretty(&done).unwrap_or_default()),
            }
        }
    }
    Ok(exit_code::DONE)
}

/// A picture shows the types that people write.
fn portable(engine: &Engine, place: &Place, side: Side) -> Result<Schema, CliError> {
    match place {
        Place::File(path) => {
            Ok(document(&path.display().to_string(), PLACES)?.for_dialect(engine.dialect.dialect().name).0)
        }
        _ => Ok(engine.dialect.raise(&side.schema).0),
    }
}
