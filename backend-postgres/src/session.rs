//! A session: one connection that reads the history, takes the lock and runs programs.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryStream};
use whimbrel_core::backend::{Measurement, TextRow};
use whimbrel_core::history::HistoryReader;
use whimbrel_core::{
    BackendError, BackendErrorKind, Backup, Halted, HistoryDetail, HistoryRow, Interrupt, LockOutcome, Notice,
    Observer, Op, OpOutcome, Session, TransactionState, async_trait, quote_identifier,
};

use crate::error::{Circumstances, of_session};
use crate::history::{self, HistoryTable, ReadFailure};
use crate::interrupt::{Canceller, PostgresInterrupt};
use crate::program::{Circle, Message, Step, plan};
use crate::sql::literal;

mod failure;
mod reply;

use reply::Reply;

/// The client of a session, whose connection is its own.
pub(crate) enum Link {
    /// Connected by us.
    Own(Client),
    /// Taken out of a caller's pool for good.
    Pooled(deadpool_postgres::ClientWrapper),
}

impl Link {
    fn client(&self) -> &Client {
        match self {
            Self::Own(client) => client,
            Self::Pooled(wrapper) => wrapper,
        }
    }
}

/// How long a request to stop may be on its way.
const LATE_REQUEST: Duration = Duration::from_millis(200);

/// A session of a [`PostgresBackend`](crate::PostgresBackend).
pub(crate) struct PostgresSession {
    link: Link,
    table: Arc<HistoryTable>,
    version: String,
    notices: Option<UnboundedReceiver<Notice>>,
    lost: Arc<OnceLock<String>>,
    task: Option<JoinHandle<()>>,
    canceller: Arc<Canceller>,
    interrupted: Arc<AtomicBool>,
    at_work: Arc<AtomicBool>,
    /// A transaction that a program began is open, as far as is known.
    open: bool,
    /// The seal of the open transaction stands.
    sealed: bool,
    locked: bool,
    /// The process that the client was told when it connected.
    announced: Option<i32>,
    /// Another process than that has answered: a pooler stands between.
    shared: bool,
    /// A message was sent and its answer has not been read to the end.
    busy: bool,
}

/// What a connection brings into its session.
pub(crate) struct Connected {
    pub(crate) link: Link,
    pub(crate) version: String,
    pub(crate) notices: Option<UnboundedReceiver<Notice>>,
    pub(crate) lost: Arc<OnceLock<String>>,
    pub(crate) task: Option<JoinHandle<()>>,
    pub(crate) canceller: Canceller,
    /// The process that the client was told when it connected, see [`announced`](crate::pooler::announced).
    pub(crate) announced: Option<i32>,
}

impl PostgresSession {
    pub(crate) fn new(connected: Connected, table: Arc<HistoryTable>) -> Self {
        let Connected { link, version, notices, lost, task, canceller, announced } = connected;
        Self {
            link,
            table,
            version,
            notices,
            lost,
            task,
            canceller: Arc::new(canceller),
            interrupted: Arc::default(),
            at_work: Arc::default(),
            open: false,
            sealed: false,
            locked: false,
            announced,
            shared: false,
            busy: false,
        }
    }

    /// The rows of a query of our own.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, Error> {
        let mut rows = Vec::new();
        self.each(sql, |row| {
            rows.push((0..row.len()).map(|index| row.try_get(index).ok().flatten().map(str::to_owned)).collect());
        })
        .await?;
        Ok(rows)
    }

    /// Hands over the rows of a query one by one; reads the answer to its end, and then tells the first error.
    async fn each(&mut self, sql: &str, mut take: impl FnMut(&tokio_postgres::SimpleQueryRow)) -> Result<(), Error> {
        self.busy = true;
        let mut stream = Box::pin(self.link.client().simple_query_raw(sql).await?);
        let mut failure = None;
        while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            match item {
                Ok(SimpleQueryMessage::Row(row)) => take(&row),
                Ok(_) => {}
                Err(error) => {
                    let gone = error.as_db_error().is_none();
                    failure.get_or_insert(error);
                    if gone {
                        break;
                    }
                }
            }
        }
        self.busy = false;
        if let Some(notices) = &mut self.notices {
            while notices.try_recv().is_ok() {}
        }
        failure.map_or(Ok(()), Err)
    }

    pub(crate) fn explain(&self, error: Error) -> BackendError {
        let interrupted = self.interrupted.load(Ordering::Acquire);
        of_session(error, Circumstances { interrupted, lost: self.lost.get().map(String::as_str) })
    }

    fn state(&self) -> TransactionState {
        if self.open { TransactionState::Open } else { TransactionState::None }
    }

    /// Sends one message and reads its answer to the end.
    async fn send(
        &mut self,
        program: &[Op<'_>],
        message: &Message,
        observer: &mut (dyn Observer + Send),
    ) -> Result<(), Halted> {
        self.interrupted.store(false, Ordering::Release);
        self.busy = true;
        let was_open = self.open;
        let sent = self.link.client().simple_query_raw(&message.text).await;
        let mut stream = match sent {
            Ok(stream) => Box::pin(stream),
            Err(error) => return Err(self.not_sent(message, error)),
        };
        let quiet = matches!(message.pieces.as_slice(), [piece] if matches!(program.get(piece.op), Some(Op::Rollback)));
        let mut reply = Reply::new(message);
        let mut failure: Option<Error> = None;
        loop {
            match next(&mut stream, &mut self.notices).await {
                Event::Notice(notice) if quiet && notice.code.as_deref() == Some(NO_TRANSACTION) => {}
                Event::Notice(notice) => observer.notice(notice),
                Event::End => break,
                Event::Failed(error) => {
                    let gone = error.as_db_error().is_none();
                    failure.get_or_insert(error);
                    if gone {
                        break;
                    }
                }
                Event::Item(item) if failure.is_none() => {
                    if let Some((op, outcome)) = reply.take(item) {
                        self.note(program, op);
                        observer.done(op, outcome);
                    }
                }
                Event::Item(_) => {}
            }
        }
        self.busy = false;
        while let Some(notice) = self.notices.as_mut().and_then(|notices| notices.try_recv().ok()) {
            if !quiet {
                observer.notice(notice);
            }
        }
        let halted = match failure {
            // Everything was answered, so the end of the connection comes after this message.
            Some(error) if reply.is_complete() && error.as_db_error().is_none() => {
                self.broken(&error);
                return reply.oddity(message, self.state());
            }
            Some(error) => self.halted(program, message, &reply, error, was_open),
            None => return reply.oddity(message, self.state()),
        };
        Err(self.look_behind(program, halted).await)
    }

    /// Keeps account of the transaction.
    fn note(&mut self, program: &[Op<'_>], op: usize) {
        match program.get(op) {
            Some(Op::Begin) => (self.open, self.sealed) = (true, false),
            Some(Op::Commit | Op::Rollback) => (self.open, self.sealed) = (false, false),
            Some(Op::Seal) => self.sealed = true,
            Some(Op::Unseal) => self.sealed = false,
            _ => {}
        }
    }

    /// Counts rows in two messages: which tables there are, and their rows.
    async fn count(&mut self, tables: &[String]) -> Result<Measurement, BackendError> {
        if tables.is_empty() {
            return Ok(Measurement::RowCounts(Vec::new()));
        }
        let found = match self.rows(&find_tables(tables)).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.explain(error)),
        };
        let names: Vec<Option<String>> = found.into_iter().map(|row| row.into_iter().next().flatten()).collect();
        let wanted: Vec<&String> = names.iter().flatten().collect();
        let mut counts = Vec::new();
        for some in wanted.chunks(50) {
            let rows = match self.rows(&count_rows(some.iter().map(|name| name.as_str()))).await {
                Ok(rows) => rows,
                Err(error) => return Err(self.explain(error)),
            };
            counts.extend(
                rows.into_iter().map(|row| row.into_iter().nth(1).flatten().and_then(|n| n.parse::<u64>().ok())),
            );
        }
        let mut counts = counts.into_iter();
        let counts = names.iter().map(|name| name.as_ref().and_then(|_| counts.next().flatten())).collect();
        Ok(Measurement::RowCounts(counts))
    }
}

/// SQLSTATE of the warning that there is no transaction in progress.
const NO_TRANSACTION: &str = "25P01";

/// One row for each table, in order: its quoted name, or null. A name with a dot may be schema and table.
fn find_tables(tables: &[String]) -> String {
    let values: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let mut found = format!("pg_catalog.to_regclass({})", literal(&quote_identifier(name)));
            if let Some((schema, table)) = name.split_once('.') {
                let qualified = format!("{}.{}", quote_identifier(schema), quote_identifier(table));
                found = format!("coalesce({found}, pg_catalog.to_regclass({}))", literal(&qualified));
            }
            format!("({index}, {found})")
        })
        .collect();
    format!(
        "select case when c.oid is not null then pg_catalog.format('%I.%I', n.nspname, c.relname) end \
         from (values {}) as wanted (place, found) left join pg_catalog.pg_class c on c.oid = wanted.found \
         left join pg_catalog.pg_namespace n on n.oid = c.relnamespace order by place",
        values.join(", ")
    )
}

/// One row for each table, in order: its place and its number of rows. The names are quoted already.
pub(crate) fn count_rows<'a>(tables: impl Iterator<Item = &'a str>) -> String {
    let counts: Vec<String> = tables
        .enumerate()
        .map(|(place, name)| format!("select {place} as place, pg_catalog.count(*) from {name}"))
        .collect();
    // A parallel plan may bring them in any order.
    format!("{} order by place", counts.join(" union all "))
}

enum Event {
    Notice(Notice),
    Item(SimpleQueryMessage),
    Failed(Error),
    End,
}

/// The next notice or part of the answer. The connection hands notices over before what came after them.
async fn next(stream: &mut Pin<Box<SimpleQueryStream>>, notices: &mut Option<UnboundedReceiver<Notice>>) -> Event {
    poll_fn(|cx| {
        if let Some(notices) = notices
            && let Poll::Ready(Some(notice)) = notices.poll_recv(cx)
        {
            return Poll::Ready(Event::Notice(notice));
        }
        stream.as_mut().poll_next(cx).map(|item| match item {
            Some(Ok(item)) => Event::Item(item),
            Some(Err(error)) => Event::Failed(error),
            None => Event::End,
        })
    })
    .await
}

impl PostgresSession {
    async fn run_steps(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        let table = Arc::clone(&self.table);
        for step in plan(program, Circle { open: self.open, shared: self.shared }, &table) {
            match step {
                Step::Send(message) => self.send(program, &message, observer).await?,
                Step::Refuse { op, error } => return Err(Halted { at: op, error, transaction: self.state() }),
                Step::Count { op, tables } => match self.count(tables).await {
                    Ok(measured) => observer.done(op, OpOutcome::Measured(measured)),
                    Err(error) => {
                        let lost = error.kind() == BackendErrorKind::ConnectionLost;
                        let transaction = if lost { TransactionState::Lost } else { self.state() };
                        return Err(Halted { at: op, error, transaction });
                    }
                },
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn history(&mut self, detail: HistoryDetail) -> Result<Option<Vec<HistoryRow>>, BackendError> {
        let mut reader = HistoryReader::default();
        let mut unreadable = None;
        let sql = self.table.select(detail);
        let read = self
            .each(&sql, |row| {
                if unreadable.is_none() {
                    unreadable = history::read(&mut reader, row, detail).err();
                }
            })
            .await;
        match (read, unreadable) {
            (Ok(()), None) => Ok(Some(reader.finish())),
            (Ok(()), Some(error)) => Err(error),
            (Err(error), _) => match error.code().map_or(ReadFailure::Other, ReadFailure::of) {
                ReadFailure::Missing => Ok(None),
                kind => Err(self.history_error(error, &kind)),
            },
        }
    }

    async fn try_lock(&mut self) -> Result<LockOutcome, BackendError> {
        if self.locked {
            return Ok(LockOutcome::Acquired);
        }
        let rows = match self.rows(&lock_statement(self.table.run_key(), self.announced)).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.explain(error)),
        };
        let mut row = rows.into_iter().next().unwrap_or_default().into_iter();
        let locked = row.next().flatten();
        (self.locked, self.shared) = (locked.as_deref() == Some("t"), locked.is_none());
        Ok(match (self.locked, self.shared) {
            (true, _) => LockOutcome::Acquired,
            (_, true) => LockOutcome::Shared,
            _ => LockOutcome::Held { holder: row.next().flatten() },
        })
    }

    async fn run(&mut self, program: &[Op<'_>], observer: &mut (dyn Observer + Send)) -> Result<(), Halted> {
        self.at_work.store(true, Ordering::Release);
        let result = self.run_steps(program, observer).await;
        self.at_work.store(false, Ordering::Release);
        let stopped = matches!(&result, Err(halted) if halted.error.kind() == BackendErrorKind::Interrupted);
        if self.interrupted.load(Ordering::Acquire) && !stopped {
            // The request may still be on its way: a server that is idle when it arrives forgets it.
            tokio::time::sleep(LATE_REQUEST).await;
        }
        result
    }

    async fn backup(&mut self, _: &str) -> Result<Option<Backup>, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "postgres keeps no file that could be copied"))
    }

    fn interrupt(&self) -> Box<dyn Interrupt> {
        Box::new(PostgresInterrupt {
            canceller: Arc::clone(&self.canceller),
            asked: Arc::clone(&self.interrupted),
            at_work: Arc::clone(&self.at_work),
        })
    }

    fn server(&self) -> String {
        format!("PostgreSQL {}", self.version)
    }

    async fn close(mut self: Box<Self>) -> Result<(), BackendError> {
        let task = self.task.take();
        drop(self);
        if let Some(task) = task {
            // The task ends when the goodbye is on its way; a dead network must not hold anybody up.
            let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
        }
        Ok(())
    }
}

impl Drop for PostgresSession {
    /// A statement that nobody waits for any more is cancelled, so that its locks do not outlive its caller.
    fn drop(&mut self) {
        if self.busy
            && !self.link.client().is_closed()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let canceller = Arc::clone(&self.canceller);
            runtime.spawn(async move { canceller.cancel().await });
        }
    }
}

/// Tries the run's lock and, where another session has it, says which, in one statement. Where another process answers
/// than the one that was announced it is not tried, and nothing says whether it is held.
fn lock_statement(key: i64, announced: Option<i32>) -> String {
    let own = announced.map_or("true".to_owned(), |process| format!("pg_catalog.pg_backend_pid() = {process}"));
    let bits = key.cast_unsigned();
    let (high, low) = (bits >> 32, bits & 0xffff_ffff);
    format!(
        "select tried.locked, case when not tried.locked then (\
           select pg_catalog.format('pid %s, %s%s, connected for %s s', l.pid, \
             coalesce(nullif(a.application_name, ''), nullif(a.usename, ''), 'unknown'), \
             coalesce(' on ' || pg_catalog.host(a.client_addr), ''), \
             coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.backend_start)::int8::text, '?')) \
           from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid \
           where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
             and l.classid = {high}::pg_catalog.oid and l.objid = {low}::pg_catalog.oid \
             and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) \
           limit 1) end \
         from (select case when {own} then pg_catalog.pg_try_advisory_lock({key}) end as locked offset 0) as tried"
    )
}
