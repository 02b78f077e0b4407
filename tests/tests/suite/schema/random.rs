//! From any schema to any other one near it: the database becomes what a new one would be, doing it again finds nothing to
//! do, and every value that was not given up is there.

mod mutate;
mod offer;
mod postgres;
mod rows;
mod shrink;
mod sqlite;
mod text;
mod tidy;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use whimbrel_tests::long;

use offer::Offer;
use world::{Chance, World};

/// A way from one schema to another.
#[derive(Debug, Clone, PartialEq)]
struct Case {
    before: World,
    after: World,
    /// How many rows each table has.
    rows: usize,
    /// The way begins at what was read from the database, not at what was written.
    from_live: bool,
    /// Foreign keys act while tables are made anew.
    keys_stay_on: bool,
}

impl Case {
    fn random(seed: u64, offer: &'static Offer) -> Self {
        let mut chance = Chance::new(seed);
        let mut before = World::random(&mut chance, offer);
        before.tidy();
        let mut after = before.clone();
        for _ in 0..1 + chance.below(8) {
            after.mutate(&mut chance);
            after.tidy();
        }
        after.tidy_after(&before);
        let (rows, from_live) = ([0, 3, 3, 3][chance.below(4)], chance.percent(25));
        Self { before, after, rows, from_live, keys_stay_on: chance.percent(30) }
    }

    /// Both files.
    fn texts(&self) -> (String, String) {
        let nothing = World::empty(self.before.offer);
        (self.before.sql(&nothing), self.after.sql(&self.before))
    }
}

/// Where a way is gone.
trait Ground {
    /// What schemas hold there.
    fn offer() -> &'static Offer;

    /// Goes the way, and finds everything as it should be.
    async fn go(&self, case: &Case) -> Result<(), String>;
}

/// Whether rows are those that are expected, in any order; an outer `None` is any value.
fn all_there(
    table: &str,
    found: &[Vec<Option<String>>],
    expected: impl Iterator<Item = Vec<Option<Option<String>>>>,
) -> Result<(), String> {
    let mut left: Vec<&Vec<Option<String>>> = found.iter().collect();
    for row in expected {
        let fits = |is: &&Vec<Option<String>>| {
            row.iter().zip(is.iter()).all(|(wanted, is)| wanted.as_ref().is_none_or(|it| it == is))
        };
        let at = left.iter().position(fits).ok_or_else(|| format!("{table} has lost {row:?}, there are {found:?}"))?;
        left.remove(at);
    }
    if left.is_empty() { Ok(()) } else { Err(format!("{table} has more rows than it had: {left:?}")) }
}

#[test]
fn any_schema_of_postgres_becomes_any_other() {
    crate::needs_postgres!();
    ways(long::Part::begin("ways between schemas", 250, Some(20_000)), || async {
        futures_util::future::join_all((0..4).map(|_| postgres::Bench::new())).await
    });
}

#[test]
fn any_schema_of_sqlite_becomes_any_other() {
    ways(long::Part::begin("ways between schemas", 150, Some(20_000)), || async { vec![sqlite::Files, sqlite::Files] });
}

/// Goes as many ways as the part has, on all grounds side by side.
fn ways<G: Ground>(mut part: long::Part, grounds: impl AsyncFnOnce() -> Vec<G>) {
    let seed = long::seed();
    let only = std::env::var("WHIMBREL_CASE").ok().and_then(|it| it.parse::<u64>().ok());
    let (next, keep_going) = (AtomicU64::new(0), std::env::var_os("WHIMBREL_ALL_FAILURES").is_some());
    let failures: Vec<String> = crate::block_on(async {
        let mut failures = Vec::new();
        let grounds = grounds().await;
        if let Some(only) = only {
            failures.extend(one(&grounds[0], only, true).await);
            return failures;
        }
        while (failures.is_empty() || keep_going) && part.has_another() {
            // As many side by side as there are grounds.
            let more = grounds.len() as u64 - 1;
            let count = 1 + (0..more).filter(|_| part.has_another()).count();
            let round = grounds.iter().take(count).map(|ground| {
                let number = next.fetch_add(1, Ordering::Relaxed);
                one(ground, seed.wrapping_mul(1_000_003).wrapping_add(number), !keep_going)
            });
            failures.extend(futures_util::future::join_all(round).await.into_iter().flatten());
        }
        failures
    });
    part.tell();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n========\n\n"));
}

/// A case; its failure, as small as it can be made where that is asked for.
async fn one<G: Ground>(ground: &G, seed: u64, small: bool) -> Option<String> {
    let case = Case::random(seed, G::offer());
    let mut why = ground.go(&case).await.err()?;
    if small {
        why = shrink::smallest(ground, case, why).await.1;
    }
    Some(format!("WHIMBREL_CASE={seed}\n{why}"))
}
