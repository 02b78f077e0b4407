//! One schema file, two dialects: generated migrations on databases that have rows.

mod changes;
mod drizzle_snapshots;
mod fuzz;
mod interrupted;
mod killed;
mod online;
mod pull;
mod random;
mod reference;
mod roundtrip;
mod server;
mod shrunk;
mod squash;

use std::collections::BTreeMap;
use std::path::PathBuf;

use whimbrel::history::DEFAULT_HISTORY_TABLE;
use whimbrel::postgres::PostgresBackend;
use whimbrel::schema::generate::{Options, Plan, Refused, Scratch, Target, generate, write};
use whimbrel::schema::model::ObjectName;
use whimbrel::schema::read::read;
use whimbrel::schema::{
    Folder, MemoryScratch, Rename, Schema, SchemaDialect, ServerScratch, compare_live, dialect, read_database,
};
use whimbrel::{DirectorySource, Timestamp};
use whimbrel_tests::database::TestDatabase;

/// A database that follows a schema file.
struct Project {
    database: TestDatabase,
    folder: PathBuf,
    scratch: Box<dyn Scratch>,
    fills: BTreeMap<(ObjectName, String), String>,
    renames: Vec<Rename>,
    accept_data_loss: bool,
    online: bool,
}

impl Project {
    fn new(database: TestDatabase) -> Self {
        let folder = database.folder("migrations");
        let scratch: Box<dyn Scratch> = match database.server() {
            Some(_) => Box::new(ServerScratch::on(PostgresBackend::from_url(database.url()).expect("a URL"))),
            None => Box::new(MemoryScratch::new()),
        };
        let (fills, renames) = (BTreeMap::new(), Vec::new());
        Self { database, folder, scratch, fills, renames, accept_data_loss: false, online: false }
    }

    fn dialect(&self) -> &'static dyn SchemaDialect {
        dialect(self.database.dialect()).expect("this build has both")
    }

    /// How a column gets its values in the next step.
    fn fill(&mut self, table: &str, column: &str, expression: &str) {
        self.fills.insert((ObjectName::new(table), column.to_owned()), expression.to_owned());
    }

    async fn plan(&self, schema: &str) -> Result<Vec<Plan>, Refused> {
        let document = read("schema.sql", schema).map_err(Refused::from)?;
        let (portable, storage) = document.for_dialect(self.database.dialect());
        let target = Target {
            name: self.database.dialect().to_owned(),
            folder: self.folder.clone(),
            format: None,
            dialect: self.dialect(),
            schema: portable,
            storage,
            renames: document.renames().iter().chain(&self.renames).cloned().collect(),
            scratch: Some(&*self.scratch),
        };
        let options = Options {
            name: None,
            fills: self.fills.clone(),
            accept_data_loss: self.accept_data_loss,
            online: self.online,
            now: Timestamp::now(),
        };
        generate(&[target], &options).await
    }

    /// Generates, proves, migrates; then the database is what the snapshot says, and there is nothing more to do.
    async fn becomes(&mut self, schema: &str) {
        let plans = self.plan(schema).await.unwrap_or_else(|why| panic!("{why}"));
        assert!(plans[0].migrations.is_empty() || plans[0].proved, "it was proved on a scratch database");
        write(&plans).expect("the files are written");
        let texts = || plans[0].migrations.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join("\n");
        let migrator = self.database.migrator().source(DirectorySource::new(&self.folder));
        migrator.migrate().await.unwrap_or_else(|error| panic!("{error}\n{}", texts()));
        self.is_as_the_snapshot_says().await;
        self.fills.clear();
        self.renames.clear();
        let again = self.plan(schema).await.unwrap_or_else(|why| panic!("a second time: {why}"));
        assert!(again[0].files.is_empty(), "a second time there is nothing to do: {:#?}", again[0].changes);
        self.accept_data_loss = false;
    }

    async fn is_as_the_snapshot_says(&self) {
        let snapshot = Folder::read(&self.folder).expect("it can be read").snapshot.expect("there is one");
        let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
        let migrator = self.database.migrator();
        let live = read_database(migrator.backend(), self.dialect(), &ignored).await.expect("it can be read");
        let compared = compare_live(&snapshot.schema, &live.schema, &self.dialect().rules());
        let differences: Vec<String> = compared.differences.iter().map(ToString::to_string).collect();
        assert!(differences.is_empty(), "{differences:#?}");
    }

    /// What the database is now.
    async fn live(&self) -> Schema {
        let ignored = [ObjectName::new(DEFAULT_HISTORY_TABLE)];
        let migrator = self.database.migrator();
        read_database(migrator.backend(), self.dialect(), &ignored).await.expect("it can be read").schema
    }

    /// Why a schema is refused.
    async fn refused(&self, schema: &str) -> String {
        match self.plan(schema).await {
            Ok(plans) => panic!("it is not refused: {:#?}", plans[0].migrations),
            Err(why) => why.to_string(),
        }
    }

    async fn run(&self, statements: &[&str]) {
        self.database.transact(statements).await.unwrap_or_else(|halted| panic!("{}", halted.error));
    }

    /// The rows of a query, each as its values with a space between.
    async fn rows(&self, sql: &str) -> Vec<String> {
        let value = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
        let rows = self.database.query(sql).await;
        rows.into_iter().map(|row| row.into_iter().map(value).collect::<Vec<_>>().join(" ")).collect()
    }
}
