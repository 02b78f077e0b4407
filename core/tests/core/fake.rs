//! A database in memory with a clock of its own: transactions, claims, leases, session locks, and faults on demand.
//!
//! Statements are what they say: `wait 5` takes five seconds, `fail` fails, `break x` leaves a row that breaks a foreign
//! key, anything else leaves itself among the effects.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use whimbrel_core::backend::{Claim, ClaimMode, Fenced, Measure, Measurement};
use whimbrel_core::history::newest_applied;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backup, Backups, BoxFuture, Capabilities, Clock, Dialect, Halted, HistoryDetail,
    HistoryRow, Interrupt, LockOutcome, MigrationBackend, Observer, Op, OpOutcome, RowState, RunLock, Session, Setting,
    Timestamp, TransactionState, async_trait,
};

/// A fault at one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database answers with this error, and the operation had no effect.
    Refused(BackendErrorKind),
    /// The connection is lost before the operation had an effect.
    LostBefore,
    /// The operation had its effect, and the answer is lost.
    LostAfter,
    /// The connection is lost at a commit; the server goes on with it for so long and then commits, or does not.
    Lingers { seconds: u64, commits: bool },
}

#[derive(Debug, Clone)]
struct Stored {
    row: HistoryRow,
    lease_until: Option<Duration>,
}

/// Rows by namespace and stored key; `None` in a transaction's changes: removed.
type Rows = BTreeMap<String, Stored>;

#[derive(Debug, Default)]
struct Transaction {
    rows: BTreeMap<String, Option<Stored>>,
    effects: Vec<String>,
    creates: bool,
}

/// What is left of a session that was lost, and ends later.
#[derive(Debug)]
struct Lingering {
    until: Duration,
    commits: bool,
    transaction: Transaction,
    session: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) now: Duration,
    timers: Vec<(Duration, Waker)>,
    rows: Option<Rows>,
    /// What statements left, in the order of their commits.
    pub(crate) effects: Vec<String>,
    claims: Option<u64>,
    pub(crate) lock: Option<u64>,
    /// Sessions lead to a pooler's, see [`LockOutcome::Shared`].
    pub(crate) shared: bool,
    sessions: u64,
    lingering: Vec<Lingering>,
    operations: usize,
    faults: BTreeMap<usize, Fault>,
    /// Every operation that was tried, with its session.
    pub(crate) log: Vec<(u64, String)>,
    /// No connection is answered until then.
    pub(crate) down_until: Duration,
    /// A lost connection makes the database unreachable for so long.
    pub(crate) down_after_loss: Duration,
    /// How long a request to stop is under way.
    pub(crate) interrupt_latency: Duration,
    /// Migrations are loaded in the middle of a schedule: before the clock goes on, the loading thread gets its time.
    pub(crate) loads_late: bool,
    /// Restoring this setting is refused.
    pub(crate) refuse_reset: bool,
    /// How long a copy takes.
    pub(crate) backup_takes: Duration,
}

/// A database, and the backend that leads to it.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) capabilities: Capabilities,
    /// A program is one message: whatever is lost of it may have been committed.
    pub(crate) one_message: bool,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    pub(crate) fn new() -> Self {
        let mut capabilities = Capabilities::MINIMAL;
        capabilities.transactional_ddl = true;
        capabilities.run_lock = RunLock::Session;
        capabilities.foreign_keys_switch = true;
        capabilities.lock_timeout = true;
        capabilities.statement_timeout = true;
        capabilities.roles = true;
        capabilities.second_session = true;
        capabilities.backups = Backups::Beside;
        Self { state: Arc::default(), capabilities, one_message: false }
    }

    pub(crate) fn without_lock() -> Self {
        let mut fake = Self::new();
        fake.capabilities.run_lock = RunLock::None;
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The operation with this number, counted over all sessions, meets a fault.
    pub(crate) fn fault(&self, at: usize, fault: Fault) {
        self.state().faults.insert(at, fault);
    }

    pub(crate) fn operations(&self) -> usize {
        self.state().operations
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.state().effects.clone()
    }

    /// The rows as a reader sees them now.
    pub(crate) fn rows(&self) -> Vec<HistoryRow> {
        self.state().read().unwrap_or_default()
    }

    pub(crate) fn has_history(&self) -> bool {
        self.state().rows.is_some()
    }

    /// The operations since the last call, without the sessions' numbers.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log).into_iter().map(|(_, op)| op).collect()
    }

    pub(crate) fn pass(&self, time: Duration) {
        let now = self.state().now + time;
        self.state().advance_to(now);
    }
}

impl State {
    fn advance_to(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let (due, later) = std::mem::take(&mut self.timers).into_iter().partition(|(at, _)| *at <= now);
        self.timers = later;
        let _: Vec<()> = Vec::<(Duration, Waker)>::into_iter(due).map(|(_, waker)| waker.wake()).collect();
        let (ended, alive) = std::mem::take(&mut self.lingering).into_iter().partition(|l| l.until <= now);
        self.lingering = alive;
        for lingering in Vec::<Lingering>::into_iter(ended) {
            if lingering.commits {
                self.commit(lingering.transaction);
            }
            self.claims.take_if(|session| *session == lingering.session);
        }
    }

    /// Goes to the next moment at which someone wakes up; `false`: there is none.
    pub(crate) fn advance(&mut self) -> bool {
        let Some(next) = self.timers.iter().map(|(at, _)| *at).min() else { return false };
        self.advance_to(next);
        true
    }

    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Writes down what is tried, and gives the fault that it meets.
    fn tried(&mut self, session: u64, what: String) -> Option<Fault> {
        let number = self.operations;
        self.operations += 1;
        self.log.push((session, what));
        self.faults.remove(&number)
    }

    fn commit(&mut self, transaction: Transaction) {
        if transaction.creates {
            self.rows.get_or_insert_default();
        }
        for (key, row) in transaction.rows {
            let rows = self.rows.get_or_insert_default();
            match row {
                Some(row) => drop(rows.insert(key, row)),
                None => drop(rows.remove(&key)),
            }
        }
        self.effects.extend(transaction.effects);
    }

    fn read(&self) -> Option<Vec<HistoryRow>> {
        let now = self.now;
        let rows = self.rows.as_ref()?.values().map(|stored| {
            let left = stored.lease_until.and_then(|until| until.checked_sub(now)).filter(|left| !left.is_zero());
            HistoryRow { lease_left: left.filter(|_| stored.row.state == RowState::Running), ..stored.row.clone() }
        });
        Some(rows.collect())
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    until: Duration,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock().unwrap();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        let until = self.until;
        state.timers.push((until, context.waker().clone()));
        Poll::Pending
    }
}

impl Clock for Fake {
    fn now(&self) -> Duration {
        self.state().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.state().now + duration;
        Box::pin(Sleep { state: Arc::clone(&self.state), until })
    }
}

/// Lets others run.
async fn step() {
    let mut stepped = false;
    poll_fn(|context| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn error(kind: BackendErrorKind, message: &str) -> BackendError {
    BackendError::new(kind, message)
}

#[async_trait]
impl MigrationBackend for Fake {
    fn dialect(&self) -> &'static Dialect {
        &Dialect::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn database(&self) -> String {
        "fake".to_owned()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, BackendError> {
        let mut state = self.state();
        if state.now < state.down_until {
            return Err(error(BackendErrorKind::Unreachable, "nothing answers"));
        }
        state.sessions += 1;
        let stop = Arc::new(Stop::default());
        Ok(Box::new(FakeSession { fake: self.clone(), number: state.sessions, transaction: None, dead: false, stop }))
    }
}

/// A request to stop.
#[derive(Default)]
struct Stop {
    asked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct FakeSession {
    fake: Fake,
    number: u64,
    transaction: Option<Transaction>,
    dead: bool,
    stop: Arc<Stop>,
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        let mut state = self.fake.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.lock.take_if(|session| *session == self.number);
        if !state.lingering.iter().any(|lingering| lingering.session == self.number) {
            state.claims.take_if(|session| *session == self.number);
        }
    }
}

struct FakeInterrupt {
    fake: Fake,
    stop: Arc<Stop>,
}

impl Interrupt for FakeInterrupt {
    fn interrupt(&self) -> BoxFuture<'static, ()> {
        let latency = self.fake.state().interrupt_latency;
        let (sleep, stop) = (self.fake.sleep(latency), Arc::clone(&self.stop));
        Box::pin(async move {
            sleep.await;
            stop.asked.store(true, Ordering::SeqCst);
            stop.waker.lock().unwrap().take().into_iter().for_each(Waker::wake);
        })
    }
}

#[async_trait]
impl Session for FakeSession {
    async fn history(&mut self, _: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        self.alive()?;
        assert!(self.transaction.is_none(), "the history is read between transactions");
        Ok(self.fake.state().read())
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        self.alive()?;
        step().await;
        let mut state = self.fake.state();
        if state.shared {
            return Ok(LockOutcome::Shared);
        }
        let holder = *state.lock.get_or_insert(self.number);
        if holder == self.number {
            return Ok(LockOutcome::Acquired);
        }
        Ok(LockOutcome::Held { holder: Some(format!("session {holder}")) })
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        // A request to stop has no effect on what begins later.
        self.stop.asked.store(false, Ordering::SeqCst);
        let commits = program.iter().any(|op| matches!(op, Op::Commit));
        for (at, op) in program.iter().enumerate() {
            step().await;
            match self.one(op, commits).await {
                Ok(outcome) => observer.done(at, outcome),
                Err((error, transaction)) => return Err(Halted { at, error, transaction }),
            }
        }
        Ok(())
    }

    async fn backup(&mut self, namespace: &str) -> Result<Option<Backup>, BackendError> {
        self.alive()?;
        assert!(self.transaction.is_none(), "the database is copied between transactions");
        self.stop.asked.store(false, Ordering::SeqCst);
        let fault = self.fake.state().tried(self.number, format!("Backup {namespace}"));
        let takes = self.fake.state().backup_takes;
        match fault {
            None => self.wait(takes).await?,
            Some(Fault::Refused(kind)) => return Err(error(kind, "a fault")),
            Some(_) => {
                self.dead = true;
                return Err(error(BackendErrorKind::ConnectionLost, "lost"));
            }
        }
        let state = self.fake.state();
        let Some(rows) = state.read() else { return Ok(None) };
        let bytes = u64::try_from(state.effects.len()).unwrap();
        let version = newest_applied(&rows, namespace);
        Ok(Some(Backup { file: "fake.backup".into(), version, bytes, exact: true }))
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        Box::new(FakeInterrupt { fake: self.fake.clone(), stop: Arc::clone(&self.stop) })
    }

    fn server(&self) -> String {
        "Fake 1".to_owned()
    }

    async fn close(self: Box<Self>) -> Result<(), BackendError> {
        assert!(self.transaction.is_none(), "a session is closed between transactions");
        Ok(())
    }
}

type Answer = Result<OpOutcome, (BackendError, TransactionState)>;

impl FakeSession {
    fn alive(&self) -> Result<(), BackendError> {
        if self.dead { Err(error(BackendErrorKind::ConnectionLost, "the connection is closed")) } else { Ok(()) }
    }

    fn open(&self) -> TransactionState {
        if self.transaction.is_some() { TransactionState::Open } else { TransactionState::None }
    }

    async fn one(&mut self, op: &Op<'_>, commits: bool) -> Answer {
        self.alive().map_err(|error| (error, TransactionState::None))?;
        let fault = self.fake.state().tried(self.number, describe(op));
        match fault {
            None => self.carry_out(op).await.map_err(|error| (error, self.open())),
            Some(Fault::Refused(kind)) => Err((error(kind, "a fault"), self.open())),
            Some(Fault::LostBefore) => Err(self.lose(op, commits)),
            Some(Fault::LostAfter) => {
                let _ = self.carry_out(op).await;
                Err(self.lose(op, commits))
            }
            Some(Fault::Lingers { seconds, commits: will }) => {
                if let (Op::Commit, Some(transaction)) = (op, self.transaction.take()) {
                    let mut state = self.fake.state();
                    let until = state.now + Duration::from_secs(seconds);
                    state.lingering.push(Lingering { until, commits: will, transaction, session: self.number });
                    let waker = Waker::noop().clone();
                    state.timers.push((until, waker));
                    drop(state);
                    self.dead = true;
                    return Err((error(BackendErrorKind::ConnectionLost, "lost"), TransactionState::InDoubt));
                }
                Err(self.lose(op, commits))
            }
        }
    }

    fn lose(&mut self, op: &Op<'_>, commits: bool) -> (BackendError, TransactionState) {
        let was_open = self.transaction.take().is_some();
        self.dead = true;
        let mut state = self.fake.state();
        state.lock.take_if(|session| *session == self.number);
        state.claims.take_if(|session| *session == self.number);
        state.down_until = state.now + state.down_after_loss;
        let doubt = matches!(op, Op::Commit) || (commits && self.fake.one_message);
        let transaction = match (doubt, was_open) {
            (true, _) => TransactionState::InDoubt,
            (false, true) => TransactionState::Lost,
            (false, false) => TransactionState::None,
        };
        (error(BackendErrorKind::ConnectionLost, "lost"), transaction)
    }

    async fn carry_out(&mut self, op: &Op<'_>) -> Result<OpOutcome, BackendError> {
        match op {
            Op::Statement(text) => return self.statement(text).await,
            Op::Query(_) => {
                return Ok(OpOutcome::Rows { columns: vec!["one".into()], rows: vec![vec![Some("1".into())]] });
            }
            Op::Set(setting) => return self.set(setting),
            Op::Measure(Measure::RowCounts(_)) => {}
            Op::Measure(Measure::ForeignKeyViolations) => {
                return Ok(OpOutcome::Measured(Measurement::ForeignKeyViolations(self.violations())));
            }
            Op::Begin => {
                assert!(self.transaction.is_none(), "begin within a transaction");
                self.transaction = Some(Transaction::default());
            }
            Op::Seal | Op::Unseal => assert!(self.transaction.is_some(), "a seal outside of a transaction"),
            Op::Commit => {
                let transaction =
                    self.transaction.take().ok_or_else(|| error(BackendErrorKind::Internal, "none open"))?;
                let mut state = self.fake.state();
                state.commit(transaction);
                state.claims.take_if(|session| *session == self.number);
            }
            Op::Rollback => {
                self.transaction = None;
                self.fake.state().claims.take_if(|session| *session == self.number);
            }
            Op::CreateHistory => match &mut self.transaction {
                Some(transaction) => transaction.creates = true,
                None => drop(self.fake.state().rows.get_or_insert_default()),
            },
            Op::Probe => self.take_claims()?,
            Op::Claim(claim) => {
                self.take_claims()?;
                let claimed = self.claim(claim);
                if self.transaction.is_none() {
                    self.fake.state().claims.take_if(|session| *session == self.number);
                }
                claimed?;
            }
            Op::Checkpoint(checkpoint) => self.update(checkpoint.row, |stored, now| {
                stored.row.statements_done = checkpoint.statements_done;
                stored.row.prefix_checksum = Some(checkpoint.prefix_checksum.clone());
                stored.lease_until = Some(now + checkpoint.lease);
            })?,
            Op::Fail(failure) => self.update(failure.row, |stored, _| {
                stored.row.state = RowState::Failed;
                stored.row.error = Some(failure.error.into());
                stored.lease_until = None;
            })?,
            Op::Heartbeat(beat) => self.update(beat.row, |stored, now| stored.lease_until = Some(now + beat.lease))?,
            Op::Finish(finish) => return self.finish(finish.row),
            Op::Remove(row) => {
                self.update(**row, |_, _| {})?;
                self.write(key_of(row.id), None);
            }
            Op::Record(rows) => {
                for row in *rows {
                    self.write(key_of(&row.id), Some(Stored { row: row.clone(), lease_until: None }));
                }
            }
        }
        Ok(OpOutcome::Done)
    }

    /// Takes its time, unless it is asked to stop.
    async fn wait(&self, time: Duration) -> Result<(), BackendError> {
        let mut sleep = self.fake.sleep(time);
        poll_fn(|context| {
            *self.stop.waker.lock().unwrap() = Some(context.waker().clone());
            let stopped = time.is_zero() || self.stop.asked.load(Ordering::SeqCst);
            if stopped { Poll::Ready(()) } else { sleep.as_mut().poll(context) }
        })
        .await;
        if self.stop.asked.swap(false, Ordering::SeqCst) {
            return Err(error(BackendErrorKind::Interrupted, "cancelled by a request"));
        }
        Ok(())
    }

    async fn statement(&mut self, text: &str) -> Result<OpOutcome, BackendError> {
        let seconds = text.strip_prefix("wait ").and_then(|seconds| seconds.parse().ok());
        self.wait(seconds.map_or(Duration::ZERO, Duration::from_secs)).await?;
        if text.starts_with("fail") {
            return Err(error(BackendErrorKind::Statement, "no such thing").with_position(3));
        }
        match &mut self.transaction {
            Some(transaction) => transaction.effects.push(text.to_owned()),
            None => self.fake.state().effects.push(text.to_owned()),
        }
        Ok(OpOutcome::Affected(1))
    }

    fn set(&self, setting: &Setting) -> Result<OpOutcome, BackendError> {
        let foreign_keys = matches!(setting, Setting::ForeignKeys(_));
        assert!(!foreign_keys || self.transaction.is_none(), "foreign keys are set outside of a transaction");
        if self.fake.state().refuse_reset && matches!(setting, Setting::ForeignKeys(true)) {
            return Err(error(BackendErrorKind::SettingRefused, "it stayed off"));
        }
        Ok(OpOutcome::Previous(match setting {
            Setting::Role(_) => Setting::Role(None),
            Setting::LockTimeout(_) => Setting::LockTimeout(Duration::ZERO),
            Setting::StatementTimeout(_) => Setting::StatementTimeout(Duration::ZERO),
            Setting::ForeignKeys(on) => Setting::ForeignKeys(!on),
            Setting::Reset => Setting::Reset,
        }))
    }

    fn violations(&self) -> Vec<String> {
        let state = self.fake.state();
        let own = self.transaction.iter().flat_map(|transaction| &transaction.effects);
        state.effects.iter().chain(own).filter(|effect| effect.starts_with("break")).cloned().collect()
    }

    /// The lock that a transaction with a claim holds.
    fn take_claims(&self) -> Result<(), BackendError> {
        let holder = *self.fake.state().claims.get_or_insert(self.number);
        if holder == self.number { Ok(()) } else { Err(error(BackendErrorKind::AlreadyClaimed, "at work")) }
    }

    fn stored(&self, key: &str) -> Option<Stored> {
        match self.transaction.as_ref().and_then(|transaction| transaction.rows.get(key)) {
            Some(changed) => changed.clone(),
            None => self.fake.state().rows.as_ref().and_then(|rows| rows.get(key).cloned()),
        }
    }

    fn write(&mut self, key: String, row: Option<Stored>) {
        match &mut self.transaction {
            Some(transaction) => drop(transaction.rows.insert(key, row)),
            None => {
                let change = Transaction { rows: BTreeMap::from([(key, row)]), ..Transaction::default() };
                self.fake.state().commit(change);
            }
        }
    }

    fn claim(&mut self, claim: &Claim<'_>) -> Result<(), BackendError> {
        let (key, now) = (key_of(claim.id), self.fake.state().now);
        let creates = self.transaction.as_ref().is_some_and(|transaction| transaction.creates);
        if !creates && !self.fake.has_history() {
            return Err(error(BackendErrorKind::Statement, "no history table"));
        }
        let there = self.stored(&key);
        let free = match (claim.mode, &there) {
            (ClaimMode::New, None) => true,
            (ClaimMode::Takeover { fence }, Some(stored)) => {
                let ended = stored.lease_until.is_none_or(|until| until <= now);
                stored.row.fence == fence
                    && (stored.row.state == RowState::Failed || (stored.row.state == RowState::Running && ended))
            }
            (ClaimMode::Rerun { fence }, Some(stored)) => {
                stored.row.fence == fence && stored.row.state == RowState::Applied
            }
            _ => false,
        };
        if !free {
            return Err(error(BackendErrorKind::AlreadyClaimed, "not as it was read"));
        }
        let prefix = there.and_then(|stored| stored.row.prefix_checksum).filter(|_| claim.statements_done > 0);
        let row = HistoryRow {
            id: claim.id.clone(),
            name: claim.name.into(),
            checksum: claim.checksum.clone(),
            token_checksum: Some(claim.token_checksum.clone()),
            state: RowState::Running,
            statements_done: claim.statements_done,
            statements_total: claim.statements_total,
            prefix_checksum: prefix,
            fence: claim.fence_after(),
            lease_left: None,
            started_at: Some(moment(now)),
            finished_at: None,
            duration_ms: None,
            origin: "applied".into(),
            tool_version: claim.tool_version.into(),
            run_by: claim.run_by.into(),
            error: None,
        };
        self.write(key, Some(Stored { row, lease_until: claim.lease.map(|lease| now + lease) }));
        Ok(())
    }

    fn update(&mut self, row: Fenced<'_>, change: impl FnOnce(&mut Stored, Duration)) -> Result<(), BackendError> {
        let (key, now) = (key_of(row.id), self.fake.state().now);
        let stored = self.stored(&key).filter(|stored| stored.row.fence == row.fence);
        let mut stored = stored.ok_or_else(|| error(BackendErrorKind::LostClaim, "taken over"))?;
        change(&mut stored, now);
        self.write(key, Some(stored));
        Ok(())
    }

    fn finish(&mut self, row: Fenced<'_>) -> Result<OpOutcome, BackendError> {
        let (mut at, mut duration_ms) = (moment(Duration::ZERO), 0);
        self.update(row, |stored, now| {
            at = moment(now);
            let started = stored.row.started_at.unwrap_or(at);
            duration_ms = (at.microseconds() - started.microseconds()).unsigned_abs() / 1_000;
            stored.row.state = RowState::Applied;
            stored.row.statements_done = stored.row.statements_total;
            stored.row.prefix_checksum = None;
            (stored.row.finished_at, stored.row.duration_ms) = (Some(at), Some(duration_ms));
            stored.lease_until = None;
        })?;
        Ok(OpOutcome::Finished { at, duration_ms })
    }
}

fn moment(now: Duration) -> Timestamp {
    Timestamp::from_microseconds(i64::try_from(now.as_micros()).unwrap())
}

fn key_of(id: &whimbrel_core::MigrationId) -> String {
    format!("{} {}", id.namespace, id.stored_key())
}

fn describe(op: &Op<'_>) -> String {
    match op {
        Op::Statement(text) => (*text).to_owned(),
        Op::Set(setting) => format!("Set {setting:?}"),
        Op::Claim(claim) => format!("Claim {} {:?}", claim.id, claim.mode),
        Op::Checkpoint(checkpoint) => format!("Checkpoint {}", checkpoint.statements_done),
        Op::Measure(_) => "Measure".to_owned(),
        Op::Finish(_) => "Finish".to_owned(),
        Op::Fail(_) => "Fail".to_owned(),
        Op::Remove(_) => "Remove".to_owned(),
        Op::Heartbeat(_) => "Heartbeat".to_owned(),
        Op::Query(_) => "Query".to_owned(),
        other => format!("{other:?}"),
    }
}
