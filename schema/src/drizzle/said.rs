//! What a snapshot says, whatever its format: names and rules as data, types and expressions as Drizzle's texts.

use std::collections::BTreeMap;

use super::fields::{Fields, Reading};
use super::json::Json;
use crate::model::{Action, EnumType, ForeignKey, NullsOrder, ObjectName, PrimaryKey, SequenceOptions, Unique};

#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) schemas: Vec<String>,
    pub(super) enums: Vec<EnumType>,
    pub(super) sequences: Vec<(ObjectName, SequenceOptions)>,
    pub(super) tables: Vec<Table>,
    pub(super) views: Vec<View>,
    /// What is in it and was not read.
    pub(super) unread: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: ObjectName,
    pub(super) columns: Vec<Column>,
    pub(super) primary_key: Option<PrimaryKey>,
    pub(super) uniques: Vec<Unique>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
    pub(super) policies: Vec<Policy>,
    pub(super) row_security: bool,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: String,
    /// The schema of a type that the schema file defines.
    pub(super) ty_schema: Option<String>,
    pub(super) is_array: bool,
    pub(super) not_null: bool,
    pub(super) autoincrement: bool,
    pub(super) default: Option<String>,
    pub(super) generated: Option<Generated>,
    pub(super) identity: Option<Identity>,
}

#[derive(Debug)]
pub(super) struct Generated {
    pub(super) expr: String,
    pub(super) stored: bool,
}

#[derive(Debug)]
pub(super) struct Identity {
    pub(super) always: bool,
    pub(super) options: SequenceOptions,
}

#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) expr: String,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) keys: Vec<Key>,
    pub(super) predicate: Option<String>,
    pub(super) method: Option<String>,
    pub(super) with: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub(super) struct Key {
    /// A column's name, or SQL.
    pub(super) text: String,
    pub(super) descending: bool,
    pub(super) nulls: Option<NullsOrder>,
    pub(super) opclass: Option<String>,
}

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) restrictive: bool,
    /// `None`: for all commands.
    pub(super) command: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) using: Option<String>,
    pub(super) with_check: Option<String>,
}

#[derive(Debug)]
pub(super) struct View {
    pub(super) name: ObjectName,
    pub(super) query: String,
    pub(super) materialized: bool,
    pub(super) options: Vec<(String, String)>,
}

impl Table {
    pub(super) fn new(name: ObjectName) -> Self {
        Self {
            name,
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            policies: Vec::new(),
            row_security: false,
        }
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }
}

/// The schema in which unqualified names are made, as Drizzle knows it.
const DEFAULT_SCHEMA: &str = "public";

/// A name in a schema, which is left out where it is the default one.
pub(super) fn name(schema: Option<&str>, name: &str) -> ObjectName {
    let schema = schema.filter(|schema| !schema.is_empty() && *schema != DEFAULT_SCHEMA);
    ObjectName { schema: schema.map(str::to_owned), name: name.to_owned() }
}

/// Whether a schema is made by a migration.
pub(super) fn is_made(schema: &str) -> bool {
    schema != DEFAULT_SCHEMA
}

/// What happens to referring rows; nothing said is no action.
pub(super) fn action(fields: &mut Fields<'_>, key: &str) -> Reading<Action> {
    let Some(text) = fields.text_or_none(key)? else { return Ok(Action::NoAction) };
    let actions = [Action::NoAction, Action::Restrict, Action::Cascade, Action::SetNull, Action::SetDefault];
    let found = actions.into_iter().find(|action| action.sql().eq_ignore_ascii_case(text));
    found.ok_or_else(|| fields.wrong(format!("`{key}` is `{text}`, which is no action")))
}

/// The SQL behind `DEFAULT`. Numbers and booleans stand in JSON, everything else as SQL.
pub(super) fn default(fields: &mut Fields<'_>) -> Reading<Option<String>> {
    match fields.take("default") {
        None => Ok(None),
        Some(Json::Bool(value)) => Ok(Some(value.to_string())),
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(Json::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(fields.wrong("`default` is no value and no SQL")),
    }
}

/// `{as, type}`
pub(super) fn generated(fields: &mut Fields<'_>, place: &str, unread: &mut Vec<String>) -> Reading<Option<Generated>> {
    let Some(json) = fields.take("generated") else { return Ok(None) };
    let mut fields = Fields::of(json, format!("{place}, generated"))?;
    let expr = fields.text("as")?.to_owned();
    let stored = match fields.text_or_none("type")? {
        Some("stored") => true,
        // What SQLite does where nothing is said.
        Some("virtual") | None => false,
        Some(other) => return Err(fields.wrong(format!("`type` is `{other}`, which is neither stored nor virtual"))),
    };
    fields.finish(unread);
    Ok(Some(Generated { expr, stored }))
}

/// How a sequence counts, under the names that a format has for it.
pub(super) fn counting(fields: &mut Fields<'_>, increment: &str, cache: &str) -> Reading<SequenceOptions> {
    Ok(SequenceOptions {
        start: fields.number("startWith")?,
        increment: fields.number(increment)?,
        min: fields.number("minValue")?,
        max: fields.number("maxValue")?,
        cache: fields.number(cache)?,
        cycle: fields.flag("cycle")?,
    })
}

/// An identity column's; the name of its sequence means nothing.
pub(super) fn identity(fields: &mut Fields<'_>, place: &str, unread: &mut Vec<String>) -> Reading<Option<Identity>> {
    let Some(json) = fields.take("identity") else { return Ok(None) };
    let mut fields = Fields::of(json, format!("{place}, identity"))?;
    let always = match fields.text("type")? {
        "always" => true,
        "byDefault" => false,
        other => return Err(fields.wrong(format!("`type` is `{other}`, which is neither always nor byDefault"))),
    };
    let options = counting(&mut fields, "increment", "cache")?;
    fields.pass_over(&["name", "schema"]);
    fields.finish(unread);
    Ok(Some(Identity { always, options }))
}

/// A policy; the list of its roles has this name.
pub(super) fn policy(fields: &mut Fields<'_>, roles: &str) -> Reading<Policy> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let restrictive = fields.text_or_none("as")?.is_some_and(|kind| kind.eq_ignore_ascii_case("restrictive"));
    let command = fields.text_or_none("for")?.map(str::to_uppercase).filter(|command| command != "ALL");
    Ok(Policy {
        name: fields.text("name")?.to_owned(),
        restrictive,
        command,
        roles: fields.texts(roles)?,
        using: text(fields.text_or_none("using")?),
        with_check: text(fields.text_or_none("withCheck")?),
    })
}

/// A view; `None`: it is there without Drizzle, which is told.
pub(super) fn view(fields: &mut Fields<'_>, name: ObjectName, unread: &mut Vec<String>) -> Reading<Option<View>> {
    let existing = fields.flag("isExisting")?;
    let query = fields.text_or_none("definition")?;
    let materialized = fields.flag("materialized")?;
    let options = fields.object("with")?.iter().filter(|(_, value)| *value != Json::Null);
    let options = options.map(|(key, value)| (snake_case(key), value.to_string())).collect();
    // They are the query's.
    fields.pass_over(&["columns", "name", "schema", "error"]);
    match query {
        Some(query) if !existing => Ok(Some(View { name, query: query.to_owned(), materialized, options })),
        Some(_) | None if existing => {
            unread.push(format!("view {name}: Drizzle reads it and did not make it"));
            Ok(None)
        }
        _ => Err(fields.wrong("has no `definition`")),
    }
}

/// `securityInvoker` is `security_invoker` in SQL.
fn snake_case(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 2);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
