//! Behind a real PgBouncer that pools by transaction: a session of the server serves one client after another there.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};
use whimbrel::{Aftermath, DirectorySource, MigrateError, Migrator, TransactionMode};
use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::pooler::Pooler;
use whimbrel_tests::postgres::Database;

/// How many connections to the server the pool has.
const SIZE: u32 = 3;

/// How long one test may take.
const LIMIT: Duration = Duration::from_secs(150);

/// Writes a test for every function named: `async fn(Bench)`.
macro_rules! through_the_pooler {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            crate::needs_postgres!();
            crate::block_on(async {
                let test = async { tests::$name(Bench::start(0).await).await };
                tokio::time::timeout(LIMIT, test).await.expect("it ends in time");
            });
        })*
    };
}

through_the_pooler! {
    a_fresh_database_is_migrated_and_the_second_run_does_nothing
    eight_processes_at_once_apply_each_migration_once
    eight_commands_at_once_all_end_well
    all_migrations_in_one_transaction
    eight_processes_share_a_migration_outside_a_transaction
    a_failure_is_rolled_back_and_reported
    a_failure_outside_a_transaction_is_recorded
    a_killed_runner_is_completed_by_the_next
    a_runner_killed_outside_a_transaction_is_completed_after_its_lease
    nothing_that_is_set_reaches_another_client
    a_setting_that_would_leak_is_refused
    a_leaked_lock_stops_nobody
    other_clients_prepare_statements_meanwhile
    a_pool_of_the_program_may_lead_to_the_pooler
}

/// PgBouncer keeps no statement by name with `0`, and 200 a client by default since 1.21.
#[test]
fn prepared_statements_may_be_kept_by_the_pooler() {
    crate::needs_postgres!();
    crate::block_on(async {
        let test = async {
            let bench = Bench::start(200).await;
            println!("on {}", bench.pooler.version().await);
            tests::eight_processes_at_once_apply_each_migration_once(bench).await;
        };
        tokio::time::timeout(LIMIT, test).await.expect("it ends in time");
    });
}

/// A database, the pooler in front of it, and a folder of migrations.
struct Bench {
    database: TestDatabase,
    pooler: Pooler,
    folder: PathBuf,
}

impl Bench {
    async fn start(prepared: u32) -> Self {
        let database = TestDatabase::postgres().await;
        let pooler = Pooler::start(database.server().expect("it is on a server"), SIZE, prepared).await;
        let folder = database.folder("migrations");
        Self { database, pooler, folder }
    }

    fn server(&self) -> &Database {
        self.database.server().expect("it is on a server")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file is written");
    }

    /// Migrations that mark that they ran; nothing keeps a second mark away.
    fn mark(&self, count: usize) {
        self.write("00000_marks.sql", "create table marks (version integer);\n");
        for n in 1..=count {
            let text = format!("insert into marks values ({n});\ncreate table t{n} (id integer);\ndrop table t{n};\n");
            self.write(&format!("{n:05}_mark.sql"), &text);
        }
    }

    fn url(&self) -> String {
        self.pooler.url(self.server())
    }

    /// Through the pooler.
    fn migrator(&self) -> Migrator {
        let database = whimbrel::Database::from_url(&self.url()).expect("the URL is understood");
        Migrator::shared(database.backend).source(DirectorySource::new(&self.folder))
    }

    fn process(&self, lease: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrate-once"));
        spawn(command.arg(self.url()).arg(&self.folder).arg(lease))
    }

    fn command(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"));
        let dir = self.folder.display().to_string();
        command.current_dir(self.database.folder("empty"));
        spawn(command.args(["migrate", "--url", &self.url(), "--dir", &dir]))
    }

    /// A client of the pooler.
    async fn client(&self) -> Client {
        let (client, connection) = self.pooler.config(self.server()).connect(NoTls).await.expect("it is let in");
        tokio::spawn(connection);
        client
    }

    /// As many clients as the pool has connections, each in a transaction, so that each has another one; what each
    /// answers to a query of one column.
    async fn on_each_connection(&self, sql: &str) -> Vec<String> {
        let (mut clients, mut answers) = (Vec::new(), Vec::new());
        for _ in 0..SIZE {
            let client = self.client().await;
            client.batch_execute("begin").await.expect("a transaction begins");
            let messages = client.simple_query(sql).await.expect("it is answered");
            answers.extend(messages.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                _ => None,
            }));
            clients.push(client);
        }
        for client in clients {
            client.batch_execute("rollback").await.expect("it ends");
        }
        answers
    }

    /// Every connection of the pool has what a new session has, and no session holds an advisory lock.
    async fn is_clean(&self) {
        const SEEN: &str = "select pg_catalog.format('%s %s %s %s %s %s', current_user, session_user, \
            pg_catalog.current_setting('search_path'), pg_catalog.current_setting('lock_timeout'), \
            pg_catalog.current_setting('statement_timeout'), pg_catalog.current_setting('work_mem'))";
        let expected = self.database.column(SEEN).await;
        for seen in self.on_each_connection(SEEN).await {
            assert_eq!([seen], *expected, "a setting reached another client");
        }
        let held = "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from \
            pg_database where datname = current_database())";
        // A lock that is let go of takes a moment.
        for _ in 0..50 {
            if self.database.column(held).await == ["0"] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("a lock stays with the pool");
    }

    async fn is_marked_once(&self, count: usize) {
        let found = self.database.query("select count(*), count(distinct version) from marks").await.remove(0);
        let count = Some(count.to_string());
        assert_eq!(found, [count.clone(), count], "each migration ran exactly once");
    }
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a process starts")
}

/// Waits for its end, but not for ever.
fn end(mut process: Child) -> Output {
    let deadline = Instant::now() + Duration::from_secs(90);
    while process.try_wait().expect("it can be asked").is_none() {
        if Instant::now() > deadline {
            process.kill().expect("it can be killed");
            let output = process.wait_with_output().expect("it is gone");
            panic!("a process hangs: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    process.wait_with_output().expect("a process ends")
}

/// Waits for all, which must end well; gives what each printed.
fn end_well(processes: Vec<Child>) -> Vec<String> {
    let printed = |process| {
        let output = end(process);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {told}", output.status);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    processes.into_iter().map(printed).collect()
}

fn sum(printed: &[String]) -> usize {
    printed.iter().map(|number| number.parse::<usize>().expect("a number")).sum()
}

async fn until(database: &TestDatabase, sql: &str) {
    for _ in 0..400 {
        if database.column(sql).await == ["t"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never comes to this: {sql}");
}

fn failed(error: &MigrateError) -> &whimbrel::FailedMigration {
    match error {
        MigrateError::Migration { failed, .. } => failed,
        other => panic!("another failure: {other:?}"),
    }
}

mod tests {
    use super::*;

    pub(super) async fn a_fresh_database_is_migrated_and_the_second_run_does_nothing(bench: Bench) {
        bench.mark(5);
        let report = bench.migrator().migrate().await.expect("it is migrated");
        assert_eq!(report.applied.len(), 6);
        let before = bench.database.column("select max(finished_at)::text from whimbrel_history").await;
        let report = bench.migrator().migrate().await.expect("nothing is pending");
        assert!(report.applied.is_empty());
        assert_eq!(bench.database.column("select max(finished_at)::text from whimbrel_history").await, before);
        bench.is_marked_once(5).await;
        bench.is_clean().await;
    }

    pub(super) async fn eight_processes_at_once_apply_each_migration_once(bench: Bench) {
        bench.mark(20);
        let applied = end_well((0..8).map(|_| bench.process("15")).collect());
        assert_eq!(sum(&applied), 21, "each is reported by the process that applied it");
        bench.is_marked_once(20).await;
        bench.is_clean().await;
    }

    pub(super) async fn eight_commands_at_once_all_end_well(bench: Bench) {
        bench.mark(12);
        end_well((0..8).map(|_| bench.command()).collect());
        bench.is_marked_once(12).await;
        bench.is_clean().await;
    }

    pub(super) async fn all_migrations_in_one_transaction(bench: Bench) {
        bench.mark(8);
        bench.write("00009_wrong.sql", "insert into no_such_table values (1);\n");
        let error = bench.migrator().transaction(TransactionMode::All).migrate().await.expect_err("one fails");
        assert_eq!(failed(&error).id.to_string(), "00009");
        assert_eq!(bench.database.column("select count(*) from whimbrel_history").await, ["0"], "all or none");
        bench.write("00009_wrong.sql", "insert into marks values (9);\n");
        let report = bench.migrator().transaction(TransactionMode::All).migrate().await.expect("it is migrated");
        assert_eq!(report.applied.len(), 10);
        let moments = bench.database.column("select count(distinct xmin::text) from whimbrel_history").await;
        assert_eq!(moments, ["1"], "one transaction wrote all rows");
        bench.is_marked_once(9).await;
        bench.is_clean().await;
    }

    pub(super) async fn eight_processes_share_a_migration_outside_a_transaction(bench: Bench) {
        bench.mark(3);
        let text = "-- whimbrel: no-transaction\ninsert into marks values (4);\n\
            create index concurrently marks_by_version on marks (version);\ninsert into marks values (5);\n";
        bench.write("00004_index.sql", text);
        bench.write("00005_after.sql", "insert into marks values (6);\n");
        let applied = end_well((0..8).map(|_| bench.process("15")).collect());
        assert_eq!(sum(&applied), 6);
        bench.is_marked_once(6).await;
        let index = "select indisvalid::text from pg_index where indexrelid = 'marks_by_version'::regclass";
        assert_eq!(bench.database.column(index).await, ["true"]);
        let row = "select state || ' ' || statements_done || ' of ' || statements_total from whimbrel_history where \
            version = '00004'";
        assert_eq!(bench.database.column(row).await, ["applied 3 of 3"]);
        bench.is_clean().await;
    }

    pub(super) async fn a_failure_is_rolled_back_and_reported(bench: Bench) {
        bench.mark(2);
        bench.write("00003_wrong.sql", "insert into marks values (3);\ninsert into marks values ('x');\n");
        let error = bench.migrator().migrate().await.expect_err("the last one fails");
        let failed = failed(&error);
        assert_eq!((failed.id.to_string().as_str(), failed.aftermath), ("00003", Aftermath::RolledBack));
        let statement = failed.statement.as_ref().expect("a statement is to blame");
        assert_eq!((statement.number, statement.line), (2, 2));
        assert_eq!(failed.cause.backend().and_then(whimbrel::BackendError::code), Some("22P02"));
        assert_eq!(error.report().applied.len(), 3);
        bench.is_marked_once(2).await;
        assert_eq!(bench.database.column("select count(*) from whimbrel_history").await, ["3"]);
        bench.is_clean().await;
    }

    pub(super) async fn a_failure_outside_a_transaction_is_recorded(bench: Bench) {
        bench.mark(1);
        let wrong =
            "-- whimbrel: no-transaction\ninsert into marks values (2);\nselect 1/0;\ninsert into marks values (3);\n";
        bench.write("00002_wrong.sql", wrong);
        let error = bench.migrator().migrate().await.expect_err("the second statement fails");
        assert_eq!(failed(&error).aftermath, Aftermath::PartWay { done: 1, total: 3 });
        let row = "select state || ' ' || statements_done from whimbrel_history where version = '00002'";
        assert_eq!(bench.database.column(row).await, ["failed 1"]);
        bench.write("00002_wrong.sql", &wrong.replace("1/0", "1/1"));
        bench.migrator().migrate().await.expect("it goes on where it stopped");
        bench.is_marked_once(3).await;
        bench.is_clean().await;
    }

    pub(super) async fn a_killed_runner_is_completed_by_the_next(bench: Bench) {
        bench.mark(60);
        bench.write("00030_slow.sql", "insert into marks values (30);\nselect pg_sleep(1);\n");
        fs::remove_file(bench.folder.join("00030_mark.sql")).expect("one of them is replaced");
        let mut process = bench.process("15");
        until(
            &bench.database,
            "select (exists (select from pg_stat_activity where query like '%pg_sleep(1)%' and state = 'active' and \
             pid <> pg_backend_pid()))::text = 'true'",
        )
        .await;
        process.kill().expect("it can be killed");
        process.wait().expect("it is gone");
        let applied = end_well(vec![bench.process("15")]);
        assert!((30..=31).contains(&sum(&applied)), "{applied:?}");
        bench.is_marked_once(60).await;
        let rows = "select count(*) from whimbrel_history where state = 'applied'";
        assert_eq!(bench.database.column(rows).await, ["61"]);
    }

    pub(super) async fn a_runner_killed_outside_a_transaction_is_completed_after_its_lease(bench: Bench) {
        bench.mark(1);
        bench.write(
            "00002_slow.sql",
            "create materialized view slow as select pg_sleep(2)::text as slept with no data;\n",
        );
        let text = "-- whimbrel: no-transaction\ninsert into marks values (2);\nrefresh materialized view slow;\n\
            insert into marks values (3);\n";
        bench.write("00003_refresh.sql", text);
        bench.write("00004_after.sql", "insert into marks values (4);\n");
        let mut process = bench.process("3");
        until(
            &bench.database,
            "select (exists (select from pg_stat_activity where query like 'refresh%' and state = 'active'))",
        )
        .await;
        let killed = Instant::now();
        process.kill().expect("it can be killed");
        process.wait().expect("it is gone");
        let left = "select state || ' ' || statements_done from whimbrel_history where version = '00003'";
        assert_eq!(bench.database.column(left).await, ["running 1"]);
        let applied = end_well(vec![bench.process("3")]);
        assert!(killed.elapsed() > Duration::from_secs(1), "the lease was respected");
        assert_eq!(sum(&applied), 2, "the one that was cut off, and the one after it");
        bench.is_marked_once(4).await;
        bench.is_clean().await;
    }

    /// What a migration's text sets, and what Whimbrel sets for it.
    pub(super) async fn nothing_that_is_set_reaches_another_client(bench: Bench) {
        let admin = bench.server().connect().await;
        let role = format!("{}_owner", bench.server().name());
        admin.batch_execute(&format!("create role {role}; grant create on schema public to {role}")).await.unwrap();
        bench.write(
            "1_set.sql",
            "set search_path = pg_catalog;\nset work_mem = '77MB';\ncreate table public.a (id integer);\n",
        );
        bench.write(
            "2_config.sql",
            "select set_config('search_path', '', false);\ncreate table public.b (id integer);\n",
        );
        bench.write(
            "3_timeouts.sql",
            "-- whimbrel: lock-timeout 7s\n-- whimbrel: statement-timeout 77s\ncreate table c (id integer);\n",
        );
        bench.write("4_none.sql", "create table d (id integer);\n");
        let migrator = bench.migrator().role(&role).lock_timeout(Duration::from_secs(9));
        // Others take the pool's connections in turn meanwhile.
        let others = async {
            for _ in 0..20 {
                bench.on_each_connection("select 1").await;
            }
        };
        let (report, ()) = tokio::join!(migrator.migrate(), others);
        assert_eq!(report.expect("it is migrated").applied.len(), 4);
        let owners = "select distinct tableowner from pg_tables where schemaname = 'public'";
        assert_eq!(bench.database.column(owners).await, std::slice::from_ref(&role), "the history is the role's too");
        bench.is_clean().await;
        let all = bench.migrator().role(&role).transaction(TransactionMode::All);
        bench.write("5_set.sql", "set lock_timeout = '3s';\ncreate table e (id integer);\n");
        bench.write("6_more.sql", "set statement_timeout = '99s';\ncreate table f (id integer);\n");
        all.migrate().await.expect("it is migrated");
        bench.is_clean().await;
        admin.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
    }

    /// Outside a transaction a setting stays with the connection, and the next message may go to another.
    pub(super) async fn a_setting_that_would_leak_is_refused(bench: Bench) {
        bench.mark(1);
        let text = "create index concurrently marks_by_version on marks (version);\n";
        let refused: [(&str, &str); 3] = [
            ("directive", "-- whimbrel: no-transaction\n-- whimbrel: lock-timeout 5s\n"),
            ("text", "-- whimbrel: no-transaction\nset lock_timeout = '5s';\n"),
            ("run", "-- whimbrel: no-transaction\n"),
        ];
        for (what, header) in refused {
            bench.write("00002_index.sql", &format!("{header}{text}"));
            let mut migrator = bench.migrator();
            if what == "run" {
                migrator = migrator.lock_timeout(Duration::from_secs(5));
            }
            let error = migrator.migrate().await.expect_err("it is refused");
            let failed = failed(&error);
            assert_eq!(failed.aftermath, Aftermath::RolledBack, "{what}");
            let cause = failed.cause.backend().expect("the reason");
            assert_eq!(cause.kind(), whimbrel::BackendErrorKind::Unsupported, "{what}: {cause}");
            assert!(cause.to_string().contains("pooler") && cause.hint().is_some(), "{what}: {cause:?}");
            let rows = "select count(*) from whimbrel_history where version = '00002'";
            assert_eq!(bench.database.column(rows).await, ["0"], "{what}: nothing was begun");
        }
        bench.is_clean().await;
        // The same migration is no trouble on a connection of its own.
        bench.write("00002_index.sql", &format!("{}{text}", refused[0].1));
        let direct = bench.database.migrator().source(DirectorySource::new(&bench.folder));
        assert_eq!(direct.migrate().await.expect("it is migrated").applied.len(), 1);
    }

    /// As an earlier release, or another tool, left it: the pool's connection keeps the lock when its client is gone.
    pub(super) async fn a_leaked_lock_stops_nobody(bench: Bench) {
        bench.mark(2);
        let key = run_key(&bench).await;
        let client = bench.client().await;
        // In a transaction that stays open, so that the runs get the pool's other connections.
        client.batch_execute(&format!("begin; select pg_advisory_lock({key})")).await.expect("it locks");
        let begun = Instant::now();
        assert_eq!(bench.migrator().migrate().await.expect("it is migrated").applied.len(), 3);
        assert!(begun.elapsed() < Duration::from_secs(4), "it waited for {:?}", begun.elapsed());
        let text = "-- whimbrel: no-transaction\ncreate index concurrently marks_by_version on marks (version);\n";
        bench.write("00003_index.sql", text);
        assert_eq!(bench.migrator().migrate().await.expect("it is migrated").applied.len(), 1);
        assert!(begun.elapsed() < Duration::from_secs(8), "it waited for {:?}", begun.elapsed());

        client.batch_execute("commit").await.expect("the pool gets its connection back");
        drop(client);
        let held = "select count(*) = 1 from pg_locks where locktype = 'advisory' and database = (select oid from \
            pg_database where datname = current_database())";
        assert_eq!(bench.database.column(held).await, ["t"], "with the lock");
        // A run on a connection of its own sees the lock, waits a while, and goes on.
        bench.write("00004_more.sql", "insert into marks values (3);\n");
        let direct = bench.database.migrator().source(DirectorySource::new(&bench.folder));
        assert_eq!(direct.migrate().await.expect("it is migrated").applied.len(), 1);
        bench.is_marked_once(3).await;
    }

    /// The key of the run's lock, as a run on a connection of its own takes it.
    async fn run_key(bench: &Bench) -> String {
        let migrator = bench.database.migrator();
        let mut session = migrator.backend().connect().await.expect("it is let in");
        assert_eq!(session.try_lock().await.expect("it can be tried"), whimbrel::LockOutcome::Acquired);
        let key = "select ((classid::bigint << 32) | objid::bigint)::text from pg_locks where locktype = 'advisory' and \
            database = (select oid from pg_database where datname = current_database())";
        bench.database.column(key).await.remove(0)
    }

    /// Programs beside a run prepare statements by the names that their drivers choose, all the same ones.
    pub(super) async fn other_clients_prepare_statements_meanwhile(bench: Bench) {
        bench.mark(30);
        let named = async {
            for _ in 0..40 {
                let client = bench.client().await;
                // Named in one message, as a program that knows of its pooler does; left behind by one that does not.
                let messages = "begin; prepare s0 as select 1; execute s0; deallocate s0; commit";
                client.batch_execute(messages).await.expect("it is answered");
            }
            let client = bench.client().await;
            client.batch_execute("prepare s0 as select 2").await.expect("it is left behind");
        };
        let processes: Vec<Child> = (0..4).map(|_| bench.process("15")).collect();
        named.await;
        assert_eq!(sum(&end_well(processes)), 31);
        bench.is_marked_once(30).await;
    }

    pub(super) async fn a_pool_of_the_program_may_lead_to_the_pooler(bench: Bench) {
        bench.mark(4);
        let manager = deadpool_postgres::Manager::new(bench.pooler.config(bench.server()), NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(4).build().expect("a pool is made");
        let migrate = || {
            let backend = whimbrel::postgres::PostgresBackend::from_pool(pool.clone());
            let migrator = Migrator::new(backend).source(DirectorySource::new(&bench.folder));
            async move { migrator.migrate().await.expect("it is migrated").applied.len() }
        };
        let (one, two) = tokio::join!(migrate(), migrate());
        assert_eq!(one + two, 5);
        bench.is_marked_once(4).await;
        bench.is_clean().await;
    }
}
