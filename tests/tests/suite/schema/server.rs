//! What tests of Postgres schemas share: steps and scripts without a folder.

use std::collections::BTreeMap;

use tokio_postgres::{Client, SimpleQueryMessage};
use whimbrel::postgres::PostgresBackend;
use whimbrel::schema::change::apply_all;
use whimbrel::schema::diff::{Question, Questions, diff};
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::read::{Document, read};
use whimbrel::schema::{
    Change, Introspected, Rename, Schema, SchemaDialect, Script, ScriptRequest, compare, dialect, read_database,
};
use whimbrel_tests::postgres;

/// How columns get values, see [`ScriptRequest::fills`].
pub(super) type Fills = BTreeMap<(ObjectName, String), String>;

pub(super) fn postgres_dialect() -> &'static dyn SchemaDialect {
    dialect("postgres").expect("this build has it")
}

/// A file, and what it is in Postgres.
pub(super) fn lowered(what: &str, sql: &str) -> Result<(Document, Schema), String> {
    let shown = |problems: Vec<whimbrel::Problem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n" + sql
    };
    let document = read("schema.sql", sql).map_err(|it| format!("{what} cannot be read: {}", shown(it)))?;
    let (portable, storage) = document.for_dialect("postgres");
    let schema = postgres_dialect()
        .lower(&portable, &storage)
        .map_err(|it| format!("{what} cannot be lowered: {}", shown(it)))?;
    Ok((document, schema))
}

pub(super) async fn introspected(database: &postgres::Database) -> Introspected {
    let backend = PostgresBackend::from_url(&database.url()).expect("a URL");
    read_database(&backend, postgres_dialect(), &[]).await.expect("it can be read")
}

/// The steps, where everything that is asked and not told is no rename.
pub(super) fn steps(before: &Schema, after: &Schema, told: &[Rename]) -> Result<(Vec<Change>, Vec<Rename>), String> {
    let mut renames = told.to_vec();
    loop {
        let Questions(questions) = match diff(before, after, &renames, &postgres_dialect().rules()) {
            Ok(steps) => return Ok((steps, renames)),
            Err(questions) => questions,
        };
        for question in questions {
            match question {
                Question::Renamed { object, from, .. } => renames.push(Rename { object, from, to: String::new() }),
                Question::Wrong(_) => return Err(format!("{question}")),
            }
        }
    }
}

pub(super) fn written(before: &Schema, after: &Schema, changes: &[Change], fills: &Fills) -> Result<Script, String> {
    let request = ScriptRequest { before, after, changes, online: false, fills, conversions: &BTreeMap::new() };
    postgres_dialect().script(&request).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("no script: {}", problems.join("\n"))
    })
}

pub(super) async fn run(client: &Client, script: &Script) -> Result<(), String> {
    for part in &script.parts {
        let text = part.statements.join(";\n");
        if let Err(error) = client.batch_execute(&format!("BEGIN;\n{text};\nCOMMIT")).await {
            let _ = client.batch_execute("ROLLBACK").await;
            let why = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
            return Err(format!("the script fails: {why}\n{text}"));
        }
    }
    Ok(())
}

/// Makes an empty database the schema.
pub(super) async fn build(client: &Client, schema: &Schema) -> Result<(), String> {
    let nothing = Schema::default();
    let (changes, _) = steps(&nothing, schema, &[])?;
    let after = apply_all(nothing.clone(), &changes).map_err(|error| format!("from nothing: {error}"))?;
    same("from nothing, the steps", schema, &after)?;
    run(client, &written(&nothing, schema, &changes, &Fills::new())?)
        .await
        .map_err(|why| format!("from nothing: {why}"))
}

pub(super) fn same(what: &str, expected: &Schema, actual: &Schema) -> Result<(), String> {
    let differences: Vec<String> = compare(expected, actual).iter().map(ToString::to_string).collect();
    if differences.is_empty() { Ok(()) } else { Err(format!("{what}: {}", differences.join("\n"))) }
}

/// The same to the last comment, but for the order of columns.
pub(super) fn equal(expected: &Schema, actual: &Schema) -> Result<(), String> {
    same("the database", expected, actual)?;
    let sorted = |schema: &Schema| {
        let mut schema = schema.clone().sorted();
        schema.tables.iter_mut().for_each(|it| it.columns.sort_by(|a, b| a.name.cmp(&b.name)));
        schema
    };
    let (expected, actual) = (sorted(expected), sorted(actual));
    if expected == actual { Ok(()) } else { Err(format!("expected {expected:#?}\nthere is {actual:#?}")) }
}

pub(super) async fn query(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let messages = client.simple_query(sql).await.map_err(|error| format!("{error:?}: {sql}"))?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect::<Vec<_>>())
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}
