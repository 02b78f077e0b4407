//! Copies of the whole database, and their refusal where there are none.

use whimbrel_core::history::DEFAULT_NAMESPACE;
use whimbrel_core::{BackendErrorKind, Backup, Backups, CodeSource, Op, Session};

use super::{Outcome, need};
use crate::bench::{Bench, run};

async fn copy(session: &mut dyn Session) -> Backup {
    let copied = session.backup(DEFAULT_NAMESPACE).await.expect("it can be copied");
    copied.expect("there is a database to copy")
}

fn remove(backup: &Backup) {
    std::fs::remove_file(&backup.file).expect("a copy can be removed");
}

pub(super) async fn tells_the_newest_version_in_it(bench: &Bench) -> Outcome {
    need!(bench.capabilities().backups == Backups::Beside, "it makes no backups");
    let source = CodeSource::new().sql("1", "one", "create table t (id integer)").sql("2", "two", "drop table t");
    bench.migrator(source).migrate().await.expect("it goes well");
    let backup = copy(&mut *bench.session().await).await;
    assert_eq!(backup.version, Some("2".parse().expect("a version")));
    assert_eq!(std::fs::metadata(&backup.file).expect("it is a file").len(), backup.bytes);
    remove(&backup);
    Outcome::Passed
}

pub(super) async fn overwrites_nothing(bench: &Bench) -> Outcome {
    need!(bench.capabilities().backups == Backups::Beside, "it makes no backups");
    bench.execute("create table t (id integer)").await;
    let mut session = bench.session().await;
    let first = copy(&mut *session).await;
    let before = std::fs::read(&first.file).expect("it is a file");
    bench.execute("create table u (id integer)").await;
    let second = copy(&mut *session).await;
    assert_ne!(first.file, second.file, "each copy has a file of its own");
    assert!(std::fs::read(&first.file).expect("it is there still") == before, "and the first stays as it was");
    remove(&first);
    remove(&second);
    Outcome::Passed
}

pub(super) async fn leaves_no_transaction_open(bench: &Bench) -> Outcome {
    need!(bench.capabilities().backups == Backups::Beside, "it makes no backups");
    bench.execute("create table t (id integer)").await;
    let mut session = bench.session().await;
    remove(&copy(&mut *session).await);
    let program = [Op::Begin, Op::Statement("insert into t values (1)"), Op::Commit];
    run(&mut *session, &program).await.expect("a transaction can begin");
    assert_eq!(bench.value("select count(*) from t").await, "1");
    Outcome::Passed
}

pub(super) async fn is_refused_where_none_is_made(bench: &Bench) -> Outcome {
    need!(bench.capabilities().backups != Backups::Beside, "it makes backups");
    let mut session = bench.session().await;
    let refused = session.backup(DEFAULT_NAMESPACE).await.expect_err("it makes none");
    assert_eq!(refused.kind(), BackendErrorKind::Unsupported, "{refused}");
    run(&mut *session, &[Op::Statement("create table t (id integer)")]).await.expect("the session goes on");
    Outcome::Passed
}
