//! Real processes: several at once, and killed ones.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use whimbrel_tests::database::TestDatabase;
use whimbrel_tests::long::{Part, is_long, seed};

use super::on_both;

on_both! {
    eight_at_once_apply_each_migration_once
    sixteen_at_once_add_up
    killed_ones_are_completed_by_the_next
}

pub(crate) fn start(database: &TestDatabase, folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate-once"));
    command.arg(database.url()).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("a process starts")
}

/// Waits for all, which must end well; gives how many migrations they applied together.
pub(crate) fn end_well(processes: Vec<Child>) -> usize {
    let mut applied = 0;
    for process in processes {
        let output = process.wait_with_output().expect("a process ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {told}", output.status);
        applied += String::from_utf8_lossy(&output.stdout).trim().parse::<usize>().expect("a number");
    }
    applied
}

/// A folder whose migrations mark that they ran; nothing keeps a second mark away.
fn marking(database: &TestDatabase, count: usize) -> std::path::PathBuf {
    let folder = database.folder("migrations");
    let write = |name: String, text: String| std::fs::write(folder.join(name), text).expect("a file is written");
    write("00000_marks.sql".to_owned(), "create table marks (version integer);\n".to_owned());
    for n in 1..=count {
        let text = format!("insert into marks values ({n});\ncreate table t{n} (id integer);\ndrop table t{n};\n");
        write(format!("{n:05}_mark.sql"), text);
    }
    folder
}

async fn is_marked_once(database: &TestDatabase, count: usize) {
    let found = database.query("select count(*), count(distinct version) from marks").await.remove(0);
    let count = Some(count.to_string());
    assert_eq!(found, [count.clone(), count], "each migration ran exactly once");
}

async fn eight_at_once_apply_each_migration_once(database: TestDatabase) {
    let folder = marking(&database, 12);
    let applied = end_well((0..8).map(|_| start(&database, &folder)).collect());
    assert_eq!(applied, 13, "each is reported by the process that applied it");
    is_marked_once(&database, 12).await;
}

async fn sixteen_at_once_add_up(database: TestDatabase) {
    let folder = database.folder("balance");
    let mut sum = 0_i64;
    let first = "create table balance (n bigint);\ninsert into balance values (0);\n";
    std::fs::write(folder.join("000_balance.sql"), first).expect("a file is written");
    for n in 1..=25 {
        sum = sum * 2 + n;
        let text = format!("update balance set n = n * 2 + {n};\n");
        std::fs::write(folder.join(format!("{n:03}_add.sql")), text).expect("a file is written");
    }
    let applied = end_well((0..16).map(|_| start(&database, &folder)).collect());
    assert_eq!(applied, 26);
    assert_eq!(database.column("select n from balance").await, [sum.to_string()]);
}

/// Numbers that are the same in every run with the same seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

async fn killed_ones_are_completed_by_the_next(database: TestDatabase) {
    let (mut part, count) = (Part::begin("kills", 5, Some(50)), if is_long() { 1_000 } else { 200 });
    let mut chance = Chance(seed());
    let folder = marking(&database, count);
    // How long a whole run takes here; moments are chosen within it.
    let before = Instant::now();
    end_well(vec![start(&database, &folder)]);
    let whole = before.elapsed();
    while part.has_another() {
        wipe(&database, count).await;
        let after = Duration::from_micros(chance.below(u64::try_from(whole.as_micros()).expect("a short time").max(1)));
        let mut process = start(&database, &folder);
        std::thread::sleep(after);
        // It may have ended already; then this was a moment after the end.
        process.kill().expect("it can be killed");
        process.wait().expect("it is gone");
        let run = end_well(vec![start(&database, &folder)]);
        println!("kill {}: after {after:?}, the next applied {run}", part.done());
        is_marked_once(&database, count).await;
        let rows = database.column("select count(*) from whimbrel_history where state = 'applied'").await;
        assert_eq!(rows, [(count + 1).to_string()]);
    }
    part.tell();
}

/// An empty database again.
async fn wipe(database: &TestDatabase, count: usize) {
    let mut statements = vec!["drop table if exists marks".to_owned(), "drop table whimbrel_history".to_owned()];
    statements.extend((1..=count).map(|n| format!("drop table if exists t{n}")));
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    database.transact(&statements).await.unwrap_or_else(|halted| panic!("{}", halted.error));
}
