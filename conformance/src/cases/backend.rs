//! The backend: what it says of itself, its clock, and its sessions.

use std::time::Duration;

use whimbrel_core::{BackendErrorKind, Op};

use super::{Outcome, need};
use crate::bench::{Bench, run};

pub(super) async fn its_capabilities_stay(bench: &Bench) -> Outcome {
    let client = bench.client();
    let before = client.capabilities();
    let mut session = client.connect().await.expect("a client is let in");
    assert_eq!(client.capabilities(), before, "a session changes nothing of them");
    run(&mut *session, &[Op::Begin, Op::Statement("create table t (id integer)"), Op::Commit]).await.expect("it runs");
    session.close().await.expect("a session closes");
    assert_eq!(client.capabilities(), before, "a program changes nothing of them");
    assert_eq!(bench.client().capabilities(), before, "another client has the same");
    Outcome::Passed
}

pub(super) async fn its_name_holds_no_secret(bench: &Bench) -> Outcome {
    let secrets = bench.secrets();
    need!(!secrets.is_empty(), "its configuration has no secret");
    let client = bench.client();
    let session = client.connect().await.expect("a client is let in");
    let mut shown = vec![client.database(), format!("{client:?}"), session.server()];
    session.close().await.expect("a session closes");
    if let Some(unreachable) = bench.unreachable() {
        shown.extend([unreachable.database(), format!("{unreachable:?}")]);
        let error = unreachable.connect().await.err().expect("nothing answers");
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    for text in shown {
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "a secret is shown: {text}");
    }
    Outcome::Passed
}

pub(super) async fn its_clock_goes_forward(bench: &Bench) -> Outcome {
    let client = bench.client();
    let mut last = client.clock().now();
    for _ in 0..20 {
        let pause = Duration::from_millis(5);
        client.clock().sleep(pause).await;
        let now = client.clock().now();
        assert!(now >= last + pause, "a pause of {pause:?} took the clock from {last:?} to {now:?}");
        last = now;
    }
    Outcome::Passed
}

pub(super) async fn sessions_have_transactions_of_their_own(bench: &Bench) -> Outcome {
    need!(bench.capabilities().second_session, "there is but one connection");
    bench.execute("create table t (id integer primary key)").await;
    let (client, add) = (bench.client(), Op::Statement("insert into t values (1)"));
    let mut one = client.connect().await.expect("a client is let in");
    let mut two = client.connect().await.expect("a second session of the same client is let in");
    run(&mut *one, &[Op::Begin, add]).await.expect("a transaction is open");
    run(&mut *two, &[Op::Rollback]).await.expect("the other session has none to roll back");
    assert_eq!(bench.value("select count(*) from t").await, "0", "nobody else sees what is not committed");
    run(&mut *one, &[Op::Commit]).await.expect("it is open still");
    assert_eq!(bench.value("select count(*) from t").await, "1");
    Outcome::Passed
}

pub(super) async fn connecting_makes_no_history(bench: &Bench) -> Outcome {
    bench.session().await.close().await.expect("a session closes");
    drop(bench.session().await);
    assert_eq!(bench.tables().await, Vec::<String>::new());
    Outcome::Passed
}

pub(super) async fn what_does_not_answer_is_unreachable(bench: &Bench) -> Outcome {
    let Some(client) = bench.unreachable() else {
        return Outcome::Skipped("there is no place for it where nothing answers");
    };
    let error = client.connect().await.err().expect("nothing answers");
    assert_eq!(error.kind(), BackendErrorKind::Unreachable, "{error}");
    Outcome::Passed
}
