//! A session: one connection, its programs, and its end.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use libsql::Value;
use tokio::sync::OwnedMutexGuard;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backup, BoxFuture, Halted, HistoryDetail, HistoryRow, Interrupt, LockOutcome,
    Observer, Op, Session, TransactionState,
};

use crate::backend::Place;
use crate::backup::Order;
use crate::config::Access;
use crate::connection::{Connection, at_once, exists};
use crate::history::{End, HistoryTable, Moments, Write};
use crate::prepared::Prepared;
use crate::program::{self, Events, Step, Switch};
use crate::settings::{self, Settings};
use crate::worker::Worker;

/// The one connection of a backend that has no more; `None`: not opened yet.
pub(crate) type Single = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// How often the observer hears of a program under way: to wake its task for each operation would cost more than most
/// operations do.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// How long a session waits for the only connection while another session uses it.
const TURN_WAIT: Duration = Duration::from_secs(30);

/// What a session needs to know of its backend.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) history: HistoryTable,
    pub(crate) busy_timeout: Duration,
}

/// Whose connection it is, which decides what is left behind on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The session's: it is closed at the end.
    Session,
    /// The backend's: every session of it uses the same, and leaves it clean.
    Backend,
    /// The caller's: as `Backend`, and temporary objects and attached databases on it are the caller's.
    Caller,
}

/// A connection in the hands of a session.
pub(crate) struct Link {
    /// Before the connection, so that they go first.
    prepared: Prepared,
    connection: Arc<Connection>,
    owner: Owner,
    /// What [`Setting::Reset`](whimbrel_core::Setting::Reset) goes back to.
    settings: Option<Settings>,
    /// The busy timeout that the connection had, in milliseconds.
    busy_timeout: Option<u64>,
    /// Whether a transaction of core's is open: `Begin` opened it.
    begun: bool,
    /// Whether the end has been made already.
    left: bool,
    /// The turn at a connection that others use too.
    _turn: Option<Turn>,
}

type Turn = OwnedMutexGuard<Option<Arc<Connection>>>;

impl Link {
    fn new(connection: Arc<Connection>, owner: Owner, busy_timeout: Option<u64>, turn: Option<Turn>) -> Self {
        let prepared = Prepared::new(is_local(&connection, owner));
        Self { prepared, connection, owner, settings: None, busy_timeout, begun: false, left: false, _turn: turn }
    }

    /// A connection for this session only.
    pub(crate) fn own(connection: Connection, options: &Options) -> Result<Self, BackendError> {
        let link = Self::new(Arc::new(connection), Owner::Session, None, None);
        link.wait_at_most(options.busy_timeout)?;
        Ok(link)
    }

    /// The only connection, once it is this session's turn.
    ///
    /// # Errors
    ///
    /// `Busy` where another session does not end; `Config` where a transaction of the caller is open.
    async fn single(single: &Single, owner: Owner, options: &Options) -> Result<Self, BackendError> {
        let turn = tokio::time::timeout(TURN_WAIT, Arc::clone(single).lock_owned()).await;
        let mut turn = turn.map_err(|_| {
            BackendError::new(BackendErrorKind::Busy, "another session uses the only connection to this database")
                .with_hint(
                    "end the other session first: a database in memory and a connection of yours have one at a time",
                )
        })?;
        let connection = match turn.as_ref() {
            Some(connection) => Arc::clone(connection),
            None => Arc::clone(turn.insert(Arc::new(Connection::open_memory().await?))),
        };
        check_idle(&connection)?;
        let busy_timeout = match connection.value("PRAGMA busy_timeout", Vec::new()).await? {
            Some(Value::Integer(ms)) => u64::try_from(ms).ok(),
            _ => None,
        };
        let link = Self::new(connection, owner, busy_timeout, Some(turn));
        link.wait_at_most(options.busy_timeout)?;
        Ok(link)
    }

    /// Whether the text that runs is inside a transaction of core's, which it may not touch.
    pub(crate) fn begun(&self) -> bool {
        self.begun
    }

    pub(crate) fn set_begun(&mut self, begun: bool) {
        self.begun = begun;
    }

    fn wait_at_most(&self, wait: Duration) -> Result<(), BackendError> {
        self.connection.driver().busy_timeout(wait).map_err(|error| self.connection.failure(error, ""))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Keeps the settings as they are before the first program.
    pub(crate) async fn remember_settings(&mut self) -> Result<(), BackendError> {
        if self.settings.is_none() && self.is_local() {
            self.settings = Some(Settings::read(&self.connection).await?);
        }
        Ok(())
    }

    fn is_local(&self) -> bool {
        is_local(&self.connection, self.owner)
    }

    /// Runs a statement that every migration needs; it is prepared once.
    pub(crate) async fn run_own(&mut self, sql: &str) -> Result<(), BackendError> {
        let done = self.prepared.run(&self.connection, sql, Vec::new()).await;
        done.map(drop).map_err(|error| self.connection.failure(error, sql))
    }

    /// Writes to the history.
    pub(crate) async fn write(&mut self, write: Write) -> Result<(), BackendError> {
        let moments = self.moments();
        write.run(&self.connection, &mut self.prepared, moments).await
    }

    /// Records the end of a migration; answers the moment and the duration, as they are stored.
    pub(crate) async fn finish(&mut self, end: End) -> Result<Vec<Vec<Value>>, BackendError> {
        let moments = self.moments();
        end.run(&self.connection, &mut self.prepared, moments).await
    }

    fn moments(&self) -> Moments {
        if self.is_local() { Moments::System } else { Moments::Database }
    }

    /// Makes the session what it was before the first program.
    pub(crate) async fn reset_settings(&self) -> Result<(), BackendError> {
        if let Some(settings) = &self.settings {
            settings.restore(&self.connection).await?;
        }
        // After the pragmas, one of which (`query_only`) forbids it.
        if self.is_local() && self.owner != Owner::Caller { settings::clear(&self.connection).await } else { Ok(()) }
    }

    /// Leaves a connection that others use out of a transaction and with the settings that it had.
    async fn leave(&mut self) -> Result<(), BackendError> {
        self.left = true;
        self.prepared.clear();
        self.connection.roll_back().await?;
        let restored = match &self.settings {
            Some(_) => self.reset_settings().await,
            None => Ok(()),
        };
        if let Some(ms) = self.busy_timeout {
            self.wait_at_most(Duration::from_millis(ms))?;
        }
        restored
    }
}

/// A server of libSQL keeps neither settings nor statements.
fn is_local(connection: &Connection, owner: Owner) -> bool {
    connection.has_native() || owner == Owner::Caller
}

impl Drop for Link {
    fn drop(&mut self) {
        // A connection of the session's own is closed when its last owner goes, and SQLite rolls back.
        if self.owner == Owner::Session || self.left {
            return;
        }
        if let Some(Err(error)) = at_once(self.leave()) {
            tracing::warn!(%error, "the connection could not be left as it was before the migrations");
        }
    }
}

/// The caller's own transaction is not ours to commit, roll back, or hide from.
pub(crate) fn check_idle(connection: &Connection) -> Result<(), BackendError> {
    if connection.in_transaction() {
        return Err(BackendError::new(BackendErrorKind::Config, "a transaction is open on the connection")
            .with_hint("commit it or roll it back, then migrate"));
    }
    Ok(())
}

/// A session of [`SqliteBackend`](crate::SqliteBackend).
pub(crate) struct SqliteSession {
    place: Place,
    options: Options,
    state: State,
    stopper: Arc<Stopper>,
    /// Started for the first program.
    worker: Option<Worker>,
}

enum State {
    /// Nothing is open: the file may not be there, or it is another session's turn.
    Waiting,
    Open(Link),
    /// A program was dropped, or it panicked; its connection is gone or will be.
    Lost,
}

impl SqliteSession {
    pub(crate) fn new(place: Place, options: Options, link: Option<Link>) -> Self {
        let stopper = Arc::new(Stopper::default());
        if let Some(link) = &link {
            stopper.watch(link);
        }
        Self { place, options, state: link.map_or(State::Waiting, State::Open), stopper, worker: None }
    }

    /// Takes the connection out, opening it first where it is not; `create`: also where the file is not there.
    async fn take(&mut self, create: bool) -> Result<Option<Link>, BackendError> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Open(link) => return Ok(Some(link)),
            State::Lost => {
                self.state = State::Lost;
                return Err(BackendError::new(
                    BackendErrorKind::ConnectionLost,
                    "the session ended with a program that was dropped",
                ));
            }
            State::Waiting => {}
        }
        let link = match &self.place {
            Place::Single { single, owner } => Link::single(single, *owner, &self.options).await?,
            Place::File { path, access } => match open_file(path.clone(), *access, create, self.options.clone()).await?
            {
                Some(link) => link,
                None => return Ok(None),
            },
            Place::Database(_) | Place::Remote(_) => {
                return Err(BackendError::new(BackendErrorKind::Internal, "the session has lost its connection"));
            }
        };
        self.stopper.watch(&link);
        Ok(Some(link))
    }

    /// Puts the connection back; one that others use too only where this session still needs it.
    fn put(&mut self, link: Link, keep: bool) {
        self.state = if keep || link.owner == Owner::Session { State::Open(link) } else { State::Waiting };
    }
}

async fn open_file(
    path: PathBuf,
    access: Access,
    create: bool,
    options: Options,
) -> Result<Option<Link>, BackendError> {
    blocking(async move || {
        if !create && access == Access::Create && !exists(&path)? {
            return Ok(None);
        }
        Link::own(Connection::open_file(&path, access, create).await?, &options).map(Some)
    })
    .await?
}

/// Runs work on a thread that may block: calls of a local libsql connection do, although they are `async`.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl AsyncFnOnce() -> T + Send + 'static,
) -> Result<T, BackendError> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work())).await;
    done.map_err(|error| {
        let message =
            if error.is_panic() { "the thread of the database panicked" } else { "the runtime is shutting down" };
        BackendError::new(BackendErrorKind::Internal, message).with_source(error)
    })
}

#[async_trait]
impl Session for SqliteSession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        let was_open = matches!(self.state, State::Open(_));
        let Some(link) = self.take(false).await? else { return Ok(None) };
        let table = self.options.history.clone();
        self.state = State::Lost;
        let (link, rows) = blocking(async move || {
            let rows = table.read(link.connection(), detail).await;
            (link, rows)
        })
        .await?;
        self.put(link, was_open);
        rows
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        Err(BackendError::new(
            BackendErrorKind::Unsupported,
            "sqlite has no lock that a session could hold beside its transactions",
        ))
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        let steps: Vec<_> = program.iter().map(|op| Step::new(op, &self.options.history)).collect();
        let not_begun = |error| Halted { at: 0, error, transaction: TransactionState::None };
        let only_reads = steps.iter().all(Step::only_reads);
        let (mut link, keep) = match self.take(!only_reads).await.map_err(not_begun)? {
            Some(link) => (link, true),
            // What only reads finds in an empty database what it would find in one that is not there.
            None => (stand_in(&self.options).await.map_err(not_begun)?, false),
        };
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start().map_err(not_begun)?,
        };
        let worker = &*self.worker.insert(worker);
        self.state = State::Lost;
        let events = Events::default();
        let told = events.clone();
        let stopper = Arc::clone(&self.stopper);
        let mut work = std::pin::pin!(worker.run(async move || {
            let result = program::run(&mut link, steps, &stopper.switch, &told).await;
            (link, result)
        }));
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut work => break ended,
                () = tokio::time::sleep(TELL_EVERY) => {
                    events.take().into_iter().for_each(|(at, outcome)| observer.done(at, outcome));
                }
            }
        };
        events.take().into_iter().for_each(|(at, outcome)| observer.done(at, outcome));
        let (link, result) = ended.map_err(|error| Halted { at: 0, error, transaction: TransactionState::Lost })?;
        self.state = if keep { State::Open(link) } else { State::Waiting };
        result
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError> {
        let was_open = matches!(self.state, State::Open(_));
        let Some(link) = self.take(false).await? else { return Ok(None) };
        let file = if let Place::File { path, .. } = &self.place { Some(path.clone()) } else { None };
        let order = Order { file, history: self.options.history.clone(), namespace: namespace.to_owned() };
        let stopper = Arc::clone(&self.stopper);
        // A request to stop may come before the other thread begins.
        stopper.switch.set_running(true);
        self.state = State::Lost;
        let (link, made) = blocking(async move || {
            let made = order.carry_out(link.connection(), &stopper.switch).await;
            stopper.switch.set_running(false);
            (link, made)
        })
        .await?;
        self.put(link, was_open);
        made.map(Some)
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        Box::new(StopHandle(Arc::clone(&self.stopper)))
    }

    fn server(&self) -> String {
        match self.place {
            Place::Remote(_) => "libSQL server".to_owned(),
            _ => format!("SQLite {}", libsql::version()),
        }
    }

    async fn close(mut self: Box<Self>) -> Result<(), BackendError> {
        let State::Open(mut link) = std::mem::replace(&mut self.state, State::Lost) else { return Ok(()) };
        blocking(async move || {
            if link.owner == Owner::Session {
                return link.connection.roll_back().await;
            }
            link.leave().await
        })
        .await?
    }
}

async fn stand_in(options: &Options) -> Result<Link, BackendError> {
    Link::own(Connection::open_memory().await?, options)
}

/// What core holds of a [`Stopper`].
struct StopHandle(Arc<Stopper>);

/// Stops the program under way from another task. It does not keep the connection open.
#[derive(Default)]
struct Stopper {
    switch: Switch,
    connection: Mutex<Weak<Connection>>,
}

impl Stopper {
    fn watch(&self, link: &Link) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&link.connection);
    }

    fn stop(&self) {
        if !self.switch.stop() {
            return;
        }
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(connection) = connection
            && let Err(error) = connection.driver().interrupt()
        {
            tracing::debug!(%error, "the statement under way cannot be interrupted");
        }
    }
}

impl Interrupt for StopHandle {
    fn interrupt(&self) -> BoxFuture<'static, ()> {
        let stopper = Arc::clone(&self.0);
        Box::pin(async move { stopper.stop() })
    }
}
