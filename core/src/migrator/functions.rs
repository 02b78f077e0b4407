//! Functions that an application brings itself, missed before anything runs.

use std::collections::HashSet;

use super::Migrator;
use crate::backend::Session;
use crate::error::BackendError;
use crate::migration::Migration;
use crate::problem::Problem;
use crate::split::calls;
use crate::sql::Sql;

/// Part of the syntax, and in no list of functions.
const SYNTAX: [&str; 2] = ["cast", "raise"];

impl Migrator {
    /// The calls of functions that this session does not have, in migrations that were written for another tool: whose
    /// program may have registered them. Asks the database only where something is called.
    pub(super) async fn missing_functions(
        &self,
        session: &mut dyn Session,
        migrations: &[&Migration],
    ) -> Result<Vec<Problem>, BackendError> {
        let dialect = self.backend.dialect();
        let Some(query) = dialect.functions else { return Ok(Vec::new()) };
        let mut called = Vec::new();
        for migration in migrations.iter().filter(|migration| migration.foreign().is_some()) {
            // A text that cannot be read is refused for that.
            let Ok(text) = migration.text() else { continue };
            let of_file = calls(dialect.lexer, &text).into_iter().map(|call| (migration, call));
            called.extend(of_file.filter(|(_, call)| !SYNTAX.contains(&&*call.name)));
        }
        if called.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.sql(session).query(query).await?;
        let known: HashSet<String> = rows
            .into_iter()
            .filter_map(|mut row| row.first_mut()?.take())
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let missing = called.into_iter().filter(|(_, call)| !known.contains(&call.name));
        Ok(missing
            .map(|(migration, call)| {
                let message = format!("calls {}, which this database does not have", call.name);
                let hint = "migrate from the program that registers the function, on its own connection";
                Problem::new(migration.file(), message, hint).at(call.at.line, call.at.column)
            })
            .collect())
    }
}
