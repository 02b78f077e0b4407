//! The surface that programs use: sources in, `migrate`, `status` and `plan` out.

#[cfg(feature = "other-tools")]
mod adopt;
mod apply;
mod backup;
mod doubt;
mod functions;
mod load;
mod look;
#[cfg(feature = "other-tools")]
mod other_history;
mod record;
mod refuse;
mod resolve;
mod status;
mod untracked;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

pub use resolve::Resolution;
use resolve::Stopped;
pub use status::{MigrationStatus, PlannedMigration, Preview, Status};

use crate::backend::MigrationBackend;
use crate::cancel::CancelToken;
use crate::checksum::Checksum;
use crate::event::{Event, Listeners};
use crate::execute::Settings;
use crate::history::DEFAULT_NAMESPACE;
use crate::hook::Hooks;
use crate::plan::{DatabaseAhead, OutOfOrder, Policy};
use crate::report::{MigrateError, Report};
use crate::source::{Seed, Source};
use crate::untracked::Untracked;
use crate::version::Version;

/// How migrations share transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransactionMode {
    /// Each has its own: what was applied before a failure stays.
    #[default]
    Each,
    /// One for everything that is pending: all or none. Refused where a pending migration says `no-transaction` or
    /// `foreign-keys off`.
    All,
}

/// Applies migrations to one database.
///
/// ```no_run
/// # use whimbrel_core as whimbrel;
/// # async fn start(backend: impl whimbrel::MigrationBackend) -> Result<(), whimbrel::MigrateError> {
/// use whimbrel::{DirectorySource, Migrator};
///
/// let report = Migrator::new(backend).source(DirectorySource::new("migrations")).migrate().await?;
/// println!("{} migrations applied", report.applied.len());
/// # Ok(())
/// # }
/// ```
///
/// Several instances of a program may call [`migrate`](Self::migrate) at the same time: each migration is applied
/// once, and every call returns when all are applied.
#[derive(Clone)]
pub struct Migrator {
    backend: Arc<dyn MigrationBackend>,
    sources: Vec<(Arc<str>, Arc<dyn Source>)>,
    seeds: Vec<(Arc<str>, Seed)>,
    policy: Policy,
    mode: TransactionMode,
    backup: bool,
    untracked: Option<Arc<dyn Untracked>>,
    settings: Arc<Settings>,
    lock_wait: Duration,
    connect_wait: Duration,
    hooks: Vec<Arc<dyn Hooks>>,
    listeners: Listeners,
    cancel: CancelToken,
    #[cfg(feature = "other-tools")]
    other_history: crate::adopt::OtherHistory,
    #[cfg(feature = "other-tools")]
    proof: Option<Arc<dyn crate::adopt::SchemaProof>>,
    /// The other tool's history is gone on with, in its own table too.
    #[cfg(feature = "other-tools")]
    shares_history: bool,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator")
            .field("backend", &self.backend)
            .field("sources", &self.sources)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

const DEFAULT_LOCK_WAIT: Duration = Duration::from_secs(60);
const DEFAULT_LEASE: Duration = Duration::from_secs(15);
const DEFAULT_BUSY_RETRIES: u32 = 3;

impl Migrator {
    /// A migrator for this database, without migrations yet.
    pub fn new(backend: impl MigrationBackend) -> Self {
        Self::shared(Arc::new(backend))
    }

    /// The same for a backend that is used elsewhere too.
    #[must_use]
    pub fn shared(backend: Arc<dyn MigrationBackend>) -> Self {
        let settings = Settings {
            role: None,
            lock_timeout: None,
            statement_timeout: None,
            lease: DEFAULT_LEASE,
            busy_retries: DEFAULT_BUSY_RETRIES,
            run_by: load::who_runs(),
        };
        Self {
            backend,
            sources: Vec::new(),
            seeds: Vec::new(),
            policy: Policy::default(),
            mode: TransactionMode::Each,
            backup: false,
            untracked: None,
            settings: Arc::new(settings),
            lock_wait: DEFAULT_LOCK_WAIT,
            connect_wait: Duration::ZERO,
            hooks: Vec::new(),
            listeners: Listeners::default(),
            cancel: CancelToken::new(),
            #[cfg(feature = "other-tools")]
            other_history: crate::adopt::OtherHistory::default(),
            #[cfg(feature = "other-tools")]
            proof: None,
            #[cfg(feature = "other-tools")]
            shares_history: false,
        }
    }

    /// Adds migrations of the application, in the namespace `main`.
    #[must_use]
    pub fn source(self, source: impl Source + 'static) -> Self {
        self.source_in(DEFAULT_NAMESPACE, source)
    }

    /// Adds migrations in a namespace of their own, such as those of a library. Namespaces run in the order in which
    /// they were added; versions of one are not compared with versions of another.
    #[must_use]
    pub fn source_in(mut self, namespace: &str, source: impl Source + 'static) -> Self {
        self.sources.push((namespace.into(), Arc::new(source)));
        self
    }

    /// Adds a seed, which runs after the migrations.
    #[must_use]
    pub fn seed(self, seed: Seed) -> Self {
        self.seed_in(DEFAULT_NAMESPACE, seed)
    }

    /// Adds a seed in a namespace.
    #[must_use]
    pub fn seed_in(mut self, namespace: &str, seed: Seed) -> Self {
        self.seeds.push((namespace.into(), seed));
        self
    }

    /// Stops after this version; repeatables and seeds are left for a run without a target.
    #[must_use]
    pub fn to(mut self, version: Version) -> Self {
        self.policy.target = Some(version);
        self
    }

    /// Leaves seeds out.
    #[must_use]
    pub fn without_seeds(mut self) -> Self {
        self.policy.skip_seeds = true;
        self
    }

    /// How migrations share transactions.
    #[must_use]
    pub fn transaction(mut self, mode: TransactionMode) -> Self {
        self.mode = mode;
        self
    }

    /// Copies the database to a file beside it before the first pending migration is applied, and after the hooks'
    /// [`before_run`](Hooks::before_run), which may stop those who write. With nothing pending no copy is made.
    ///
    /// A database that cannot be copied so ([`Capabilities::backups`](crate::Capabilities)) is refused with
    /// [`Unsupported`](crate::BackendErrorKind::Unsupported). Several runs that begin at the same moment each make one.
    #[must_use]
    pub fn backup_first(mut self) -> Self {
        self.backup = true;
        self
    }

    /// What to do with a pending migration that is older than an applied one.
    #[must_use]
    pub fn out_of_order(mut self, policy: OutOfOrder) -> Self {
        self.policy.out_of_order = policy;
        self
    }

    /// What to do with a database that is newer than the program.
    #[must_use]
    pub fn database_ahead(mut self, policy: DatabaseAhead) -> Self {
        self.policy.database_ahead = policy;
        self
    }

    /// What to do with a database that has tables and no history. Unless this is set, a run refuses it before anything is
    /// touched; a database whose history is there is not even asked.
    #[must_use]
    pub fn untracked(mut self, policy: impl Untracked + 'static) -> Self {
        self.untracked = Some(Arc::new(policy));
        self
    }

    /// How long to wait for another runner that makes no progress. 60 s unless set.
    #[must_use]
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// How long to wait for a database that cannot be reached yet. Not at all unless set.
    #[must_use]
    pub fn connect_wait(mut self, limit: Duration) -> Self {
        self.connect_wait = limit;
        self
    }

    /// How long a statement waits for a lock on a table, unless its migration says otherwise; zero: for ever.
    /// A migration that was rolled back for this is tried again three times.
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.settings_mut().lock_timeout = Some(limit);
        self
    }

    /// How long a statement may run, unless its migration says otherwise; zero: for ever.
    #[must_use]
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.settings_mut().statement_timeout = Some(limit);
        self
    }

    /// The role that the session becomes while it creates the history table and runs a migration, so that both belong
    /// to it.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.settings_mut().role = Some(role.into());
        self
    }

    /// How long the claim of a non-transactional migration lasts after the last sign of life of its runner, on the
    /// database's clock. 15 s unless set; at least 3 s.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings_mut().lease = lease.max(Duration::from_secs(3));
        self
    }

    /// Adds hooks. Those that were added first run first.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Hooks + 'static) -> Self {
        self.hooks.push(Arc::new(hooks));
        self
    }

    /// Adds a listener. It is called on the task of the run and must not block.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// The token that stops the run, see [`CancelToken`].
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Where the history of another tool is, where it is not at its usual place.
    #[cfg(feature = "other-tools")]
    #[must_use]
    pub fn other_history(mut self, place: crate::adopt::OtherHistory) -> Self {
        self.other_history = place;
        self
    }

    /// Shares the database with programs that still use the tool for which the migrations were written: what they applied is
    /// taken over at every run, and what a run applies is recorded in their table too, in the same transaction and exactly as
    /// the tool does it, so that either goes on where the other stopped. Today that is Drizzle, of both layouts.
    ///
    /// A unique index on that table, which is made before the first migration is applied, keeps two programs that start at
    /// once from both recording one: the slower one is rolled back. A run with nothing pending costs two queries more.
    #[cfg(feature = "other-tools")]
    #[must_use]
    pub fn share_other_history(mut self) -> Self {
        self.shares_history = true;
        self
    }

    /// Has [`adopt`](Self::adopt) compare the database with what the migrations lead to that the other history tells as
    /// applied. Where it differs, as where rows of that history are gone or a migration was applied in part, that is a finding;
    /// what could not be compared is among the notes.
    #[cfg(feature = "other-tools")]
    #[must_use]
    pub fn proving(mut self, proof: impl crate::adopt::SchemaProof + 'static) -> Self {
        self.proof = Some(Arc::new(proof));
        self
    }

    /// Goes on with the history of the tool for which the migrations were written: reads its table, pairs its rows with the
    /// files, verifies each file by the hash that the tool kept, and records what is applied, with the original times, in
    /// one transaction. The other table stays as it is.
    ///
    /// Where something is in the way ([`Adoption::is_refused`](crate::Adoption::is_refused)) nothing is recorded, unless
    /// `accept` names each kind of it. What is recorded already is left as it is, so that a second call changes nothing and
    /// needs no right to write. Several programs may call it at once.
    ///
    /// ```no_run
    /// # use whimbrel_core as whimbrel;
    /// # async fn start(migrator: whimbrel::Migrator) -> Result<(), whimbrel::MigrateError> {
    /// let adoption = migrator.adopt(&[]).await?;
    /// for finding in adoption.in_the_way() {
    ///     eprintln!("{finding}: {}", finding.hint);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`MigrateError::Load`] where a file cannot be loaded, and [`MigrateError::Backend`] where there is no such history, or more
    /// than one table that could be it. What is in the way of the adoption is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the session: all rows are recorded, or none.
    #[cfg(feature = "other-tools")]
    pub fn adopt<'a>(
        &'a self,
        accept: &'a [crate::adopt::FindingKind],
    ) -> impl Future<Output = Result<crate::adopt::Adoption, MigrateError>> + Send + 'a {
        let span = tracing::info_span!("adopt", database = %self.backend.database());
        self.adopt_history(adopt::Wish { accept, write: true, remember: true }).instrument(span)
    }

    /// What [`adopt`](Self::adopt) would do. Takes no lock and writes nothing.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt).
    #[cfg(feature = "other-tools")]
    pub fn plan_adoption<'a>(
        &'a self,
        accept: &'a [crate::adopt::FindingKind],
    ) -> impl Future<Output = Result<crate::adopt::Adoption, MigrateError>> + Send + 'a {
        let span = tracing::info_span!("plan adoption", database = %self.backend.database());
        self.adopt_history(adopt::Wish { accept, write: false, remember: true }).instrument(span)
    }

    /// Applies what is pending.
    ///
    /// With nothing pending it takes no lock, writes nothing, and needs no right but to read.
    ///
    /// # Errors
    ///
    /// [`MigrateError`], whose [`kind`](MigrateError::kind) is for programs. What was applied before is in it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the session: the migration under way is rolled back by the database, or, if its
    /// commit was on the way, may be applied. Use a [`CancelToken`] to stop and know.
    pub fn migrate(&self) -> impl Future<Output = Result<Report, MigrateError>> + Send + '_ {
        let span = tracing::info_span!("migrate", database = %self.backend.database());
        self.run().instrument(span)
    }

    /// Gives a database without a history its first one, and runs nothing: `policy` says what it has.
    ///
    /// [`Treatment::AsFresh`](crate::Treatment::AsFresh) makes the history without a row in it.
    ///
    /// # Errors
    ///
    /// [`MigrateError::Plan`] where the policy refuses, and where migrations of these namespaces are recorded already.
    ///
    /// # Cancel safety
    ///
    /// As [`migrate`](Self::migrate): everything is recorded, or nothing.
    pub fn track<'a>(
        &'a self,
        policy: &'a dyn Untracked,
    ) -> impl Future<Output = Result<Report, MigrateError>> + Send + 'a {
        let span = tracing::info_span!("track", database = %self.backend.database());
        self.begin_history(policy).instrument(span)
    }

    /// What a run would do, without doing it. Takes no lock and writes nothing.
    ///
    /// # Errors
    ///
    /// What [`migrate`](Self::migrate) would be refused for.
    pub fn plan(&self) -> impl Future<Output = Result<Preview, MigrateError>> + Send + '_ {
        self.preview().instrument(tracing::info_span!("plan", database = %self.backend.database()))
    }

    /// Where every migration stands. Takes no lock and writes nothing.
    ///
    /// # Errors
    ///
    /// Migrations that cannot be loaded, and a database that cannot be read. A state that a run would be refused for
    /// is no error here.
    pub fn status(&self) -> impl Future<Output = Result<Status, MigrateError>> + Send + '_ {
        self.read_status().instrument(tracing::info_span!("status", database = %self.backend.database()))
    }

    /// Looks through every migration and seed, as a run does before it touches anything: names, statements, directives,
    /// and what the database does not have. Asks no database: what passes here can fail there still.
    ///
    /// # Errors
    ///
    /// [`MigrateError::Load`] with all problems, and [`MigrateError::Backend`] for a setting that the database lacks.
    pub fn check(&self) -> impl Future<Output = Result<(), MigrateError>> + Send + '_ {
        self.refuse_files().instrument(tracing::info_span!("check", database = %self.backend.database()))
    }

    /// Settles a migration that stopped part-way, after a person has looked at the one statement in question.
    ///
    /// # Errors
    ///
    /// [`MigrateError::Backend`] where no migration of that version stopped part-way, where it is at work, and where the
    /// statements that are recorded as done are no longer the beginning of its file (but for [`Resolution::Forget`]).
    pub fn resolve(
        &self,
        version: &Version,
        resolution: Resolution,
    ) -> impl Future<Output = Result<(), MigrateError>> + Send + '_ {
        let span = tracing::info_span!("resolve", database = %self.backend.database(), %version);
        self.settle(Stopped::Version(version.clone()), resolution).instrument(span)
    }

    /// [`resolve`](Self::resolve), for a repeatable or a seed, or where several namespaces have the version.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_migration(
        &self,
        id: &crate::MigrationId,
        resolution: Resolution,
    ) -> impl Future<Output = Result<(), MigrateError>> + Send + '_ {
        let span = tracing::info_span!("resolve", database = %self.backend.database(), %id);
        self.settle(Stopped::Id(id.clone()), resolution).instrument(span)
    }

    /// A checksum of all that a run would bring into an empty database: every migration and seed, with its content.
    ///
    /// Reads the sources on this thread, and asks no database.
    ///
    /// # Errors
    ///
    /// [`MigrateError::Load`] where they cannot be loaded.
    pub fn fingerprint(&self) -> Result<Checksum, MigrateError> {
        let migrations = load::load_all(&self.sources, &self.seeds)
            .complete()
            .map_err(|error| MigrateError::load(error.into_problems()))?;
        let lines = migrations.iter().map(|m| format!("{} {} {}\n", m.id.namespace, m.id.stored_key(), m.checksum));
        Ok(Checksum::of_text(&lines.collect::<String>()))
    }

    /// The backend.
    #[must_use]
    pub fn backend(&self) -> &dyn MigrationBackend {
        &*self.backend
    }

    fn settings_mut(&mut self) -> &mut Settings {
        // Clones share their settings until one is changed.
        Arc::make_mut(&mut self.settings)
    }

    fn namespaces(&self) -> Vec<Arc<str>> {
        let mut namespaces: Vec<Arc<str>> = Vec::new();
        for namespace in self.sources.iter().map(|(n, _)| n).chain(self.seeds.iter().map(|(n, _)| n)) {
            if !namespaces.contains(namespace) {
                namespaces.push(Arc::clone(namespace));
            }
        }
        namespaces
    }
}
