//! A database with tables and no history: recorded where its schema is proved to be that of a version.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::history::{DEFAULT_HISTORY_TABLE, DEFAULT_NAMESPACE};
use whimbrel_core::{
    BOOKKEEPING, BackendError, BackendErrorKind, BoxError, MigrateError, Migration, MigrationBackend, MigrationId,
    Migrator, Problem, Recorded, Sql, Treatment, Untracked, UntrackedDatabase, UntrackedRefusal, Version, async_trait,
};
use whimbrel_schema::baseline::{Evidence, Placed, Proof, prove};
use whimbrel_schema::generate::Scratch;
use whimbrel_schema::model::ObjectName;
use whimbrel_schema::{Introspected, Schema, SchemaDialect, Snapshots};

/// Where the row of a migration comes from that was recorded because the database had it.
const ORIGIN: &str = "baseline";

/// Records what a database with tables and no history has, once its schema is proved to be that of a version.
///
/// It is a policy of [`Migrator::untracked`]: each start of a program then proves by itself at which version such a
/// database is, records that, and goes on from there; a database that is at no version is refused, and the refusal names
/// every difference. [`record`](Self::record) does the same by itself, for the version that a person names, too.
///
/// The live schema is compared with the snapshot of a version; versions without one are replayed on the scratch database.
/// Repeatables and seeds are never recorded: they run when the database is migrated next.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn start() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use whimbrel::schema::{Baseline, Snapshots, scratch};
/// use whimbrel::{Database, DirectorySource, Migrator};
///
/// let url = "sqlite:app.db";
/// let backend = Database::from_url(url)?.backend;
/// let baseline = Baseline::new(&*backend)?
///     .snapshots(Snapshots::of_folder("migrations".as_ref()).map_err(|problem| problem.to_string())?)
///     .scratch(scratch(backend.dialect().name, Some(url))?);
/// let migrator = Migrator::shared(backend).source(DirectorySource::new("migrations")).untracked(baseline);
/// migrator.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Baseline {
    pub(super) dialect: &'static dyn SchemaDialect,
    pub(super) scratch: Option<Arc<dyn Scratch>>,
    pub(super) snapshots: Snapshots,
    ignored: Vec<ObjectName>,
    namespace: Arc<str>,
    version: Option<Version>,
    force: bool,
}

impl fmt::Debug for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baseline")
            .field("dialect", &self.dialect)
            .field("scratch", &self.scratch.is_some())
            .field("version", &self.version)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

impl Baseline {
    /// For a database of this backend, without snapshots and without a scratch database yet.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](BackendErrorKind::Unsupported) where this build has no schema engine for its dialect.
    pub fn new(backend: &dyn MigrationBackend) -> Result<Self, BackendError> {
        let name = backend.dialect().name;
        let dialect = super::dialect(name).ok_or_else(|| {
            let message = format!("this build has no schema engine for {name}");
            BackendError::new(BackendErrorKind::Unsupported, message)
        })?;
        let mut ignored: Vec<ObjectName> = BOOKKEEPING.iter().map(|name| ObjectName::new(*name)).collect();
        ignored.push(ObjectName::new(DEFAULT_HISTORY_TABLE));
        Ok(Self {
            dialect,
            scratch: None,
            snapshots: Snapshots::default(),
            ignored,
            namespace: DEFAULT_NAMESPACE.into(),
            version: None,
            force: false,
        })
    }

    /// With the snapshots of the folder, or those in the program.
    #[must_use]
    pub fn snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = snapshots;
        self
    }

    /// With throw-away databases for what has no snapshot, see [`scratch`](super::scratch()).
    #[must_use]
    pub fn scratch(mut self, scratch: Option<Box<dyn Scratch>>) -> Self {
        self.scratch = scratch.map(Arc::from);
        self
    }

    /// Leaves another table out of the comparison, as the history and the books of other tools are: a history table of
    /// another name.
    #[must_use]
    pub fn ignoring(mut self, table: ObjectName) -> Self {
        self.ignored.push(table);
        self
    }

    /// For migrations of another namespace than `main`.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// At this version, and no other.
    #[must_use]
    pub fn at(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// At this version, whether or not the database is equal. In what it is not is kept in the history:
    /// [`MigrationStatus::differences`](crate::MigrationStatus::differences).
    #[must_use]
    pub fn forced_at(mut self, version: Version) -> Self {
        self.force = true;
        self.at(version)
    }

    /// Proves at which version the database is, and records every migration up to that without running it.
    ///
    /// Where migrations change rows and no schema, the schema does not tell whether they ran. They are recorded, and told
    /// by [`Proof::untold`]; a policy that nobody watches refuses such a database instead.
    ///
    /// # Errors
    ///
    /// [`BaselineError`]; nothing is recorded then.
    ///
    /// # Cancel safety
    ///
    /// As [`Migrator::track`].
    pub async fn record(&self, migrator: &Migrator) -> Result<Baselined, BaselineError> {
        let watched = Watched { baseline: self, found: Mutex::new(None) };
        let result = migrator.track(&watched).await;
        let found = watched.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (result, found) {
            (Ok(report), Some(Ok(proof))) => Ok(Baselined { recorded: report.recorded, proof }),
            (Err(MigrateError::Plan { error, report }), Some(found)) if is_untracked(&error) => Err(match found {
                Ok(proof) => BaselineError::Different(Box::new(Different { asked: self.version.is_some(), proof })),
                Err(Undecided::Problems(problems)) => BaselineError::Problems(problems),
                Err(Undecided::Empty) => BaselineError::Run(MigrateError::Plan { error, report }),
            }),
            (Err(error), _) => Err(BaselineError::Run(error)),
            (Ok(_), _) => Err(BaselineError::Problems(vec![Problem::new("baseline", "nothing was decided", "")])),
        }
    }

    /// The schema of the database, without histories.
    #[cfg(feature = "other-tools")]
    pub(super) async fn live(&self, sql: &mut dyn Sql) -> Result<Introspected, BackendError> {
        self.dialect.introspect(sql, &self.ignored).await
    }

    async fn judge(
        &self,
        database: &UntrackedDatabase<'_>,
        sql: &mut dyn Sql,
    ) -> Result<Result<Proof, Undecided>, BoxError> {
        let live = self.dialect.introspect(sql, &self.ignored).await?;
        if is_empty(&live) {
            return Ok(Err(Undecided::Empty));
        }
        let migrations: Vec<Migration> = self.own(database).cloned().collect();
        let evidence = Evidence {
            dialect: self.dialect,
            scratch: self.scratch.as_deref(),
            migrations: &migrations,
            snapshots: &self.snapshots,
            live: &live,
        };
        Ok(prove(evidence, self.version.as_ref()).await.map_err(Undecided::Problems))
    }

    fn own<'a>(&'a self, database: &UntrackedDatabase<'a>) -> impl Iterator<Item = &'a Migration> + 'a {
        database.migrations.iter().filter(|migration| migration.id.namespace == self.namespace)
    }

    /// Every migration up to the version; the newest keeps in what the database differs.
    fn recorded(&self, database: &UntrackedDatabase<'_>, proof: &Proof) -> Vec<Recorded> {
        let versioned = self.own(database).filter_map(|migration| Some((migration, migration.id.version()?)));
        let upto = versioned.filter(|(_, version)| **version <= proof.version);
        let differences: Vec<String> = proof.differences.iter().map(told).collect();
        let difference = (!differences.is_empty()).then(|| differences.join("\n"));
        let recorded = upto.map(|(migration, version)| Recorded {
            id: migration.id.clone(),
            origin: ORIGIN.into(),
            at: None,
            difference: difference.clone().filter(|_| *version == proof.version),
        });
        recorded.collect()
    }

    /// Why the database is left alone.
    fn refusal(&self, tables: &[String], found: &Result<Proof, Undecided>) -> UntrackedRefusal {
        let plain = UntrackedRefusal::of(tables);
        let proof = match found {
            Ok(proof) => proof,
            Err(Undecided::Problems(problems)) => {
                let details = problems.iter().map(ToString::to_string).collect();
                let reason = "at which version it is cannot be found out".to_owned();
                return UntrackedRefusal { reason: Some(reason), details, ..plain };
            }
            Err(Undecided::Empty) => return nothing_there(plain),
        };
        if proof.differences.is_empty() {
            let files = proof.untold.join(", ");
            let reason = format!(
                "its schema is that of {}, and does not tell whether {files} ran, which changes rows alone",
                proof.version
            );
            let hint = format!(
                "look at the rows, then run `whimbrel baseline {}`, or name the version before it",
                proof.version
            );
            return UntrackedRefusal { reason: Some(reason), hint, ..plain };
        }
        let different = Different { asked: self.version.is_some(), proof: proof.clone() };
        let details = proof.differences.iter().map(ToString::to_string).collect();
        UntrackedRefusal { reason: Some(different.reason()), details, hint: different.hint(), ..plain }
    }
}

/// Why nothing can be said of a version.
#[derive(Debug, Clone)]
enum Undecided {
    /// The database is empty.
    Empty,
    Problems(Vec<Problem>),
}

fn nothing_there(plain: UntrackedRefusal) -> UntrackedRefusal {
    UntrackedRefusal {
        reason: Some("there is nothing in it that a migration could have made".to_owned()),
        hint: "`whimbrel migrate` makes its tables".to_owned(),
        ..plain
    }
}

fn is_empty(live: &Introspected) -> bool {
    let Schema { tables, views, enums, sequences, .. } = &live.schema;
    tables.is_empty() && views.is_empty() && enums.is_empty() && sequences.is_empty()
}

/// A difference on one line.
fn told(placed: &Placed) -> String {
    placed.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_untracked(error: &whimbrel_core::PlanError) -> bool {
    error.refusals().iter().all(|refusal| matches!(refusal, whimbrel_core::Refusal::Untracked(_)))
}

#[async_trait]
impl Untracked for Baseline {
    async fn treat(&self, database: &UntrackedDatabase<'_>, sql: &mut dyn Sql) -> Result<Treatment, BoxError> {
        let found = self.judge(database, sql).await?;
        Ok(match &found {
            Ok(proof) if self.force || (proof.differences.is_empty() && proof.untold.is_empty()) => {
                Treatment::Record(self.recorded(database, proof))
            }
            found => Treatment::Refuse(self.refusal(database.tables, found)),
        })
    }
}

/// The same, and keeps what it found.
#[derive(Debug)]
struct Watched<'a> {
    baseline: &'a Baseline,
    found: Mutex<Option<Result<Proof, Undecided>>>,
}

#[async_trait]
impl Untracked for Watched<'_> {
    async fn treat(&self, database: &UntrackedDatabase<'_>, sql: &mut dyn Sql) -> Result<Treatment, BoxError> {
        let found = self.baseline.judge(database, sql).await?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(match &found {
            Ok(proof) if self.baseline.force || proof.differences.is_empty() => {
                Treatment::Record(self.baseline.recorded(database, proof))
            }
            found => Treatment::Refuse(self.baseline.refusal(database.tables, found)),
        })
    }
}

/// What was recorded of a database.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Baselined {
    /// The migrations, in order.
    pub recorded: Vec<MigrationId>,
    /// The version, and what is to be known of it.
    pub proof: Proof,
}

/// A database that is not as the migrations leave it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Different {
    /// The version was asked for; else it is the nearest.
    pub asked: bool,
    /// The version, and in what the database differs from it.
    pub proof: Proof,
}

impl Different {
    /// Why nothing was recorded, in a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let (version, number) = (&self.proof.version, self.proof.differences.len());
        let differences = if number == 1 { "1 difference".to_owned() } else { format!("{number} differences") };
        match self.asked {
            true => format!("it is not as {version} leaves it: {differences}"),
            false => format!("it is at no version; {version} is the nearest: {differences}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        format!(
            "make the database equal, or name another version; `whimbrel baseline {} --force` records it as it is",
            self.proof.version
        )
    }
}

/// Why nothing was recorded.
#[derive(Debug)]
#[non_exhaustive]
pub enum BaselineError {
    /// The database is not as the migrations leave it.
    Different(Box<Different>),
    /// At which version it is cannot be found out.
    Problems(Vec<Problem>),
    /// The database has a history, is empty, or failed; or the migrations cannot be loaded.
    Run(MigrateError),
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Different(different) => {
                f.write_str(&different.reason())?;
                different.proof.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))?;
                write!(f, "\n  hint: {}", different.hint())
            }
            Self::Problems(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Run(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BaselineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(error) => Some(error),
            Self::Different(_) | Self::Problems(_) => None,
        }
    }
}
