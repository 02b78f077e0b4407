//! The values of `--rename` and `--fill`.

use std::collections::BTreeMap;

use whimbrel::schema::model::{EnumType, ObjectName, Schema, Table};
use whimbrel::schema::read::Document;
use whimbrel::schema::{Rename, RenamedObject};

use crate::error::CliError;

/// `users=people`, `users.email=mail`, `users.email=`.
pub(in crate::commands) fn renames(values: &[String], document: &Document) -> Result<Vec<Rename>, CliError> {
    let known = Known { tables: document.tables().collect(), enums: document.enums().collect() };
    values.iter().map(|value| rename(value, &known)).collect()
}

/// The same for a schema of a dialect.
pub(in crate::commands) fn renames_in(values: &[String], schema: &Schema) -> Result<Vec<Rename>, CliError> {
    let known = Known { tables: schema.tables.iter().collect(), enums: schema.enums.iter().collect() };
    values.iter().map(|value| rename(value, &known)).collect()
}

/// What there is after the renames.
struct Known<'a> {
    tables: Vec<&'a Table>,
    enums: Vec<&'a EnumType>,
}

fn rename(value: &str, document: &Known<'_>) -> Result<Rename, CliError> {
    let wrong = || {
        let hint =
            "write OLD=NEW: users=people for a table, users.email=mail for a column, an index or a value of a type";
        CliError::usage(format!("`--rename {value}` is not understood"), hint)
    };
    let (from, to) = value.split_once('=').ok_or_else(wrong)?;
    let (from, to): (ObjectName, &str) = (from.trim().parse().map_err(|_| wrong())?, to.trim());
    let to = to.trim_matches('"').to_owned();
    let known = |name: &ObjectName| document.tables.iter().any(|table| table.name == *name);
    let is_enum = |name: &ObjectName| document.enums.iter().any(|ty| ty.name == *name);
    let Some(owner) = from.schema.clone().map(ObjectName::new) else {
        let object = if is_enum(&ObjectName::new(to.clone())) { RenamedObject::Enum } else { RenamedObject::Table };
        return Ok(Rename { object, from: from.to_string(), to });
    };
    let table = document.tables.iter().find(|table| table.name == owner);
    let object = match table {
        _ if is_enum(&owner) && !known(&owner) => RenamedObject::EnumValue(owner),
        Some(table) if table.indexes.iter().any(|index| index.name == to) => RenamedObject::Index(owner),
        _ => RenamedObject::Column(owner),
    };
    Ok(Rename { object, from: from.name, to })
}

/// `users.name=lower(email)`.
pub(in crate::commands) fn fills(values: &[String]) -> Result<BTreeMap<(ObjectName, String), String>, CliError> {
    let fill = |value: &String| {
        let wrong = || {
            let hint = "write TABLE.COLUMN=EXPRESSION, such as users.name=lower(email)";
            CliError::usage(format!("`--fill {value}` is not understood"), hint)
        };
        let (column, expression) = value.split_once('=').ok_or_else(wrong)?;
        let column: ObjectName = column.trim().parse().map_err(|_| wrong())?;
        let table = column.schema.clone().ok_or_else(wrong)?;
        if expression.trim().is_empty() {
            return Err(wrong());
        }
        Ok(((ObjectName::new(table), column.name), expression.trim().to_owned()))
    };
    values.iter().map(fill).collect()
}
