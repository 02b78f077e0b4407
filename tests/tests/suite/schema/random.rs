//! From any schema to any other one near it, on Postgres: the database becomes what a new one would be, doing it again
//! finds nothing to do, and every value that was not given up is there.

mod mutate;
mod shrink;
mod text;
mod tidy;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use tokio_postgres::Client;
use whimbrel::schema::change::apply_all;
use whimbrel::schema::diff::{circles, diff};
use whimbrel::schema::{Rename, Schema, compare_live};
use whimbrel_tests::{long, postgres};

use super::server::{Fills, build, equal, introspected, lowered, postgres_dialect, query, run, same, steps, written};
use text::quoted;
use world::{Chance, Ty, World};

/// A way from one schema to another.
#[derive(Debug, Clone, PartialEq)]
struct Case {
    before: World,
    after: World,
    /// How many rows each table has.
    rows: usize,
    /// The way begins at what was read from the database, not at what was written.
    from_live: bool,
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut before = World::random(&mut chance);
        before.tidy();
        let mut after = before.clone();
        for _ in 0..1 + chance.below(8) {
            after.mutate(&mut chance);
            after.tidy();
        }
        after.tidy_after(&before);
        Self { before, after, rows: [0, 3, 3, 3][chance.below(4)], from_live: chance.percent(25) }
    }
}

/// Two databases, used again for every case.
struct Bench {
    database: postgres::Database,
    other: postgres::Database,
    client: Client,
    second: Client,
}

impl Bench {
    async fn new() -> Self {
        let (database, other) = (postgres::fresh_database().await, postgres::fresh_database().await);
        let (client, second) = (database.connect().await, other.connect().await);
        Self { database, other, client, second }
    }

    async fn empty(&self) {
        let sql = "RESET ALL; DROP SCHEMA public CASCADE; CREATE SCHEMA public; SET timezone = 'UTC'; \
                   SET client_min_messages = error";
        for client in [&self.client, &self.second] {
            client.batch_execute(sql).await.expect("it can be emptied");
        }
    }
}

/// What columns become that no rule converts.
fn fills(case: &Case) -> Fills {
    let mut fills = Fills::new();
    for table in &case.after.tables {
        let Some(was) = case.before.table(table.id) else { continue };
        for column in &table.columns {
            let Some(old) = was.column(column.id).filter(|it| it.ty != column.ty && it.generated.is_none()) else {
                continue;
            };
            let cast = match column.ty {
                Ty::Int => "integer",
                Ty::Varchar => "varchar(40)",
                _ => continue,
            };
            fills.insert((table.name.as_str().into(), column.name.clone()), format!("{}::{cast}", quoted(&old.name)));
        }
    }
    fills
}

/// Goes the way, and finds everything as it should be.
async fn go(bench: &Bench, case: &Case) -> Result<(), String> {
    bench.empty().await;
    let (from, to) = (case.before.sql(&World::default()), case.after.sql(&case.before));
    let told = |why: String| format!("{why}\n\n== from\n{from}\n== to\n{to}");
    let (_, before) = lowered("the first", &from).map_err(&told)?;
    let (document, after) = lowered("the second", &to).map_err(&told)?;
    build(&bench.client, &before).await.map_err(&told)?;
    let live = introspected(&bench.database).await.schema;
    let compared = compare_live(&before, &live, &postgres_dialect().rules());
    if let Some(first) = compared.differences.first() {
        return Err(told(format!("from nothing, the database: {first}")));
    }
    let rows = case.before.rows_sql(&case.after, case.rows);
    bench.client.batch_execute(&rows).await.map_err(|error| told(format!("rows: {error:?}\n{rows}")))?;
    let start = if case.from_live { live } else { before };
    let (changes, renames) = steps(&start, &after, document.renames()).map_err(&told)?;
    let script = written(&start, &after, &changes, &fills(case)).map_err(&told)?;
    let shown = || {
        let texts: Vec<String> = script.parts.iter().map(|it| it.statements.join(";\n")).collect();
        format!("\n== script\n{}", texts.join(";\n== next part\n"))
    };
    run(&bench.client, &script).await.map_err(&told)?;
    let state = apply_all(start, &changes).map_err(|error| told(format!("the steps cannot be taken: {error}")))?;
    same("the steps", &after, &state).map_err(&told)?;
    let is = introspected(&bench.database).await.schema;
    // A new one with columns in the same order: `SELECT *` has it.
    let mut fresh = state.clone();
    for table in &mut fresh.tables {
        let Some(is) = is.table(&table.name) else { continue };
        table.columns.sort_by_key(|column| is.columns.iter().position(|it| it.name == column.name));
    }
    build(&bench.second, &fresh).await.map_err(&told)?;
    equal(&introspected(&bench.other).await.schema, &is).map_err(|why| told(why + &shown()))?;
    rows_are_there(bench, case).await.map_err(|why| told(why + &shown()))?;
    again(&state, &after, document.renames(), &renames).map_err(&told)
}

/// A second time there is nothing to do, though the notes of the renames stand in the file.
fn again(state: &Schema, after: &Schema, told: &[Rename], renames: &[Rename]) -> Result<(), String> {
    // A circle is noted in the snapshot.
    let circles = circles(told);
    let told: Vec<Rename> = told.iter().filter(|it| !circles.contains(it)).cloned().collect();
    let left = match diff(state, after, &told, &postgres_dialect().rules()) {
        Ok(changes) if changes.is_empty() => return Ok(()),
        Ok(changes) => format!("{changes:#?}"),
        Err(questions) => questions.to_string(),
    };
    Err(format!("a second time there is more to do: {left}\nrenames {renames:?}"))
}

async fn rows_are_there(bench: &Bench, case: &Case) -> Result<(), String> {
    for table in &case.before.tables {
        let Some(now) = case.after.table(table.id) else { continue };
        let kept: Vec<_> = table.columns.iter().filter(|it| now.column(it.id).is_some()).collect();
        let name = |id| now.column(id).map(|it| format!("{}::text", quoted(&it.name))).unwrap_or_default();
        let named: Vec<String> = kept.iter().map(|it| name(it.id)).collect();
        let named = if named.is_empty() { "1".to_owned() } else { named.join(", ") };
        let found = query(&bench.client, &format!("SELECT {named} FROM {}", quoted(&now.name))).await?;
        if found.len() != case.rows {
            return Err(format!("{} has {} rows, of {}", now.name, found.len(), case.rows));
        }
        for row in 0..case.rows {
            let expected: Vec<_> = kept.iter().map(|it| case.before.expected(&case.after, table, it, row)).collect();
            let fits = |row: &&Vec<Option<String>>| {
                expected.iter().zip(row.iter()).all(|(wanted, is)| wanted.as_ref().is_none_or(|it| it == is))
            };
            if !found.iter().any(|it| fits(&it)) {
                return Err(format!("{} has lost {expected:?}, there are {found:?}", now.name));
            }
        }
    }
    Ok(())
}

#[test]
fn any_schema_of_postgres_becomes_any_other() {
    crate::needs_postgres!();
    let mut part = long::Part::begin("ways between schemas", 250, Some(20_000));
    let seed = long::seed();
    let only = std::env::var("WHIMBREL_CASE").ok().and_then(|it| it.parse::<u64>().ok());
    let (next, keep_going) = (AtomicU64::new(0), std::env::var_os("WHIMBREL_ALL_FAILURES").is_some());
    let failures: Vec<String> = crate::block_on(async {
        let mut failures = Vec::new();
        let benches = futures_util::future::join_all((0..4).map(|_| Bench::new())).await;
        if let Some(only) = only {
            failures.extend(one(&benches[0], only, true).await);
            return failures;
        }
        while (failures.is_empty() || keep_going) && part.has_another() {
            // As many side by side as there are benches.
            let more = benches.len() as u64 - 1;
            let count = 1 + (0..more).filter(|_| part.has_another()).count();
            let round = benches.iter().take(count).map(|bench| {
                let number = next.fetch_add(1, Ordering::Relaxed);
                one(bench, seed.wrapping_mul(1_000_003).wrapping_add(number), !keep_going)
            });
            failures.extend(futures_util::future::join_all(round).await.into_iter().flatten());
        }
        failures
    });
    part.tell();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n========\n\n"));
}

/// A case; its failure, as small as it can be made where that is asked for.
async fn one(bench: &Bench, seed: u64, small: bool) -> Option<String> {
    let case = Case::random(seed);
    let mut why = go(bench, &case).await.err()?;
    if small {
        why = shrink::smallest(bench, case, why).await.1;
    }
    Some(format!("WHIMBREL_CASE={seed}\n{why}"))
}
