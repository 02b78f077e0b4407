//! The schema engine's side of Postgres: what portable SQL becomes, and how changes are written.

mod column;
mod conversion;
mod enums;
mod lower;
mod names;
mod native;
mod online;
mod raise;
mod render;
mod script;
mod state;
mod step;
mod types;
pub(crate) mod typing;
mod words;

use async_trait::async_trait;
use whimbrel_core::{BackendError, Dialect, Problem, Sql};
use whimbrel_schema::diff::Rules;
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Introspected, Schema, SchemaDialect, Script, ScriptRequest, Storage};

pub(crate) use words::ident;

/// Postgres 13 to 18, as the schema engine needs it.
///
/// Names that portable SQL leaves open are those that the server would choose. Every statement of a script tells the lock
/// that it takes, and takes the weakest that does; nothing is ever dropped with `CASCADE`.
///
/// A view that was read from a database has the query as the server prints it (`pg_get_viewdef`), which no reading of the
/// schema file can give. Where the two differ as tokens, compare the introspection of a scratch database that was made
/// from the schema file: there the same server printed both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PostgresSchema {}

impl PostgresSchema {
    /// The dialect.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

#[async_trait]
impl SchemaDialect for PostgresSchema {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::POSTGRES
    }

    fn rules(&self) -> Rules {
        Rules::NAMED
    }

    fn lower(&self, portable: &Schema, storage: &Storage) -> Result<Schema, Vec<Problem>> {
        lower::lower(portable, storage)
    }

    fn raise(&self, native: &Schema) -> (Schema, Storage) {
        raise::raise(native)
    }

    fn script(&self, request: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>> {
        script::script(request)
    }

    async fn introspect(&self, sql: &mut dyn Sql, ignored: &[ObjectName]) -> Result<Introspected, BackendError> {
        crate::introspect::introspect(sql, ignored).await
    }
}
