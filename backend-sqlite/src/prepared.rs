//! This backend's own statements, prepared once for a session and run again and again.

use libsql::{Statement, Value};

use crate::connection::{Connection, rows_of};

/// The prepared statements of a session.
pub(crate) struct Prepared {
    /// Whether statements are kept. Over the network they are not: there they belong to a stream, which ends.
    keeps: bool,
    /// By their text. There are fewer than ten.
    statements: Vec<(Box<str>, Statement)>,
}

impl Prepared {
    pub(crate) fn new(keeps: bool) -> Self {
        Self { keeps, statements: Vec::new() }
    }

    /// Runs one statement to its end; it is prepared where it was not before.
    pub(crate) async fn run(
        &mut self,
        connection: &Connection,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Vec<Value>>, libsql::Error> {
        if !self.keeps {
            return rows_of(&connection.driver().prepare(sql).await?, values).await;
        }
        let statement = self.statement(connection, sql).await?;
        let rows = rows_of(statement, values).await;
        // Without it the next run would keep these values and bind nothing.
        statement.reset();
        rows
    }

    async fn statement(&mut self, connection: &Connection, sql: &str) -> Result<&Statement, libsql::Error> {
        let at = match self.statements.iter().position(|(text, _)| **text == *sql) {
            Some(at) => at,
            None => {
                self.statements.push((sql.into(), connection.driver().prepare(sql).await?));
                self.statements.len() - 1
            }
        };
        Ok(&self.statements[at].1)
    }

    /// Forgets them, so that none is left on a connection that others use.
    pub(crate) fn clear(&mut self) {
        self.statements.clear();
    }
}
