//! A development database becomes what a schema says, without migration files.

use whimbrel_core::{AsFresh, BackendError, CodeSource, MigrateError, Migrator, Sql, SqlSession};
use whimbrel_schema::generate::{Refused, Scratch, texts};
use whimbrel_schema::model::{ObjectName, Schema};
use whimbrel_schema::{Between, Choices, Difference, Loss, SchemaDialect, Side, between, compare_live};

use crate::{Database, HistoryPlace};

/// The table in which the runner keeps what it has done, removed at the end. One that a killed push left behind says nothing:
/// what is to be done is always found out from the database itself.
const PUSH_TABLE: &str = "whimbrel_push";

/// Makes one database what a schema says.
///
/// It is for databases whose rows can be had again: nothing is recorded, and no file tells later what was done.
pub struct Push<'a> {
    /// Where the database is.
    url: &'a str,
    /// Where its history would be.
    history: ObjectName,
    dialect: &'a dyn SchemaDialect,
    scratch: Option<&'a dyn Scratch>,
    role: Option<&'a str>,
    database: Database,
}

/// Why a push did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The database has a history of migrations, which a push would leave behind.
    #[error("the database has a history of migrations, which a push would leave behind")]
    HasHistory,
    /// What was being done, and the database's error.
    #[error("{0}: {1}")]
    Backend(String, #[source] BackendError),
    /// What only a person can say, or cannot be done.
    #[error("{0}")]
    Refused(Refused),
    /// Data that would be lost, and that was not accepted.
    #[error("the change loses data: {}", lines(.0))]
    Losses(Vec<Loss>),
    /// A step failed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The steps were taken, and the database is still different.
    #[error("the database is still different: {0}")]
    StillDifferent(Difference),
}

fn lines(losses: &[Loss]) -> String {
    losses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn failed(doing: &str) -> impl Fn(BackendError) -> PushError {
    move |error| PushError::Backend(doing.to_owned(), error)
}

impl std::fmt::Debug for Push<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Push").field(&self.database).finish()
    }
}

impl<'a> Push<'a> {
    /// The database at `url`, whose history would be at `history`. Views and functions are compared by what the server makes
    /// of them where there is a scratch database.
    ///
    /// # Errors
    ///
    /// A URL that is wrong.
    pub fn new(
        url: &'a str,
        history: &HistoryPlace,
        dialect: &'a dyn SchemaDialect,
        scratch: Option<&'a dyn Scratch>,
    ) -> Result<Self, BackendError> {
        let database = Database::from_url_with(url, history)?;
        let name = history.table.clone().unwrap_or_else(|| whimbrel_core::history::DEFAULT_HISTORY_TABLE.to_owned());
        let history = ObjectName { schema: history.schema.clone(), name };
        Ok(Self { url, history, dialect, scratch, role: None, database })
    }

    /// The role that the session becomes for the steps.
    #[must_use]
    pub fn role(mut self, role: Option<&'a str>) -> Self {
        self.role = role;
        self
    }

    /// The way from what the database is to what is wanted.
    ///
    /// # Errors
    ///
    /// A database that has a history, or cannot be read, and what stands in the way.
    pub async fn plan(&self, wanted: &Schema, choices: &Choices) -> Result<Between, PushError> {
        self.not_migrated().await?;
        let before = Side { schema: self.live().await?, is_live: true };
        let after = Side { schema: wanted.clone(), is_live: false };
        between(self.dialect, self.scratch, before, after, choices).await.map_err(PushError::Refused)
    }

    /// Takes that way, each part in a transaction where its database can, and compares again.
    ///
    /// # Errors
    ///
    /// Losses that were not accepted: nothing was changed. A part that failed, which was rolled back where it had a
    /// transaction; the parts before it stay. A database that is still different.
    pub async fn apply(&self, way: &Between, wanted: &Schema, accept_data_loss: bool) -> Result<(), PushError> {
        if !way.script.losses.is_empty() && !accept_data_loss {
            return Err(PushError::Losses(way.script.losses.clone()));
        }
        self.run(way).await?;
        let compared = compare_live(wanted, &self.live().await?, &self.dialect.rules());
        compared.differences.into_iter().next().map_or(Ok(()), |difference| Err(PushError::StillDifferent(difference)))
    }

    /// Runs the SQL as migrations of their own.
    async fn run(&self, way: &Between) -> Result<(), PushError> {
        let place = HistoryPlace { table: Some(PUSH_TABLE.to_owned()), schema: None };
        let database = Database::from_url_with(self.url, &place).map_err(failed("open the database"))?;
        let texts = texts(&way.script).into_iter().enumerate();
        let source =
            texts.fold(CodeSource::new(), |source, (at, text)| source.sql(&(at + 1).to_string(), "push", text));
        let mut migrator = Migrator::shared(database.backend).source(source).untracked(AsFresh);
        if let Some(role) = self.role {
            migrator = migrator.role(role);
        }
        self.without_push_table().await?;
        let result = migrator.migrate().await;
        self.without_push_table().await?;
        result.map(drop).map_err(PushError::Migrate)
    }

    /// A database that has a history is changed by migrations alone. What cannot be read is an error, not a database without
    /// one.
    async fn not_migrated(&self) -> Result<(), PushError> {
        let everything = super::read_database(&*self.database.backend, self.dialect, &[]).await;
        let everything = everything.map_err(failed("read the history"))?;
        // The schema that names leave out may be named in the configuration.
        let is_it = |name: &ObjectName| {
            name.name == self.history.name
                && (name.schema == self.history.schema || name.schema.is_none() || self.history.schema.is_none())
        };
        let Some(table) = everything.schema.tables.iter().find(|table| is_it(&table.name)) else { return Ok(()) };
        let mut session = self.connect().await?;
        let rows = session.query(&format!("SELECT 1 FROM {} LIMIT 1", table.name.quoted())).await;
        let rows = rows.map_err(failed("read the history"))?;
        session.close().await.map_err(failed("close the connection"))?;
        if rows.is_empty() { Ok(()) } else { Err(PushError::HasHistory) }
    }

    async fn live(&self) -> Result<Schema, PushError> {
        let ignored = [self.history.clone(), ObjectName::new(PUSH_TABLE)];
        let live = super::read_database(&*self.database.backend, self.dialect, &ignored).await;
        Ok(live.map_err(failed("read the schema"))?.schema)
    }

    async fn connect(&self) -> Result<SqlSession, PushError> {
        SqlSession::connect(&*self.database.backend).await.map_err(failed("connect"))
    }

    async fn without_push_table(&self) -> Result<(), PushError> {
        let mut session = self.connect().await?;
        let dropped = session.execute(&format!("DROP TABLE IF EXISTS {}", ObjectName::new(PUSH_TABLE).quoted())).await;
        dropped.map_err(failed("remove the runner's table"))?;
        session.close().await.map_err(failed("close the connection"))
    }
}
