//! The ways on Postgres.

use tokio_postgres::Client;
use whimbrel::schema::change::apply_all;
use whimbrel::schema::diff::{circles, diff};
use whimbrel::schema::{Rename, Schema, compare_live};
use whimbrel_tests::postgres;

use super::super::server::{
    Fills, build, equal, introspected, lowered, postgres_dialect, query, run, same, steps, written,
};
use super::offer::{self, Offer};
use super::text::{literal, quoted};
use super::world::{Column, Table, Ty, World};
use super::{Case, Ground};

/// Two databases, used again for every case.
pub(super) struct Bench {
    database: postgres::Database,
    other: postgres::Database,
    client: Client,
    second: Client,
}

impl Bench {
    pub(super) async fn new() -> Self {
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

impl Ground for Bench {
    fn offer() -> &'static Offer {
        &offer::POSTGRES
    }

    async fn go(&self, case: &Case) -> Result<(), String> {
        self.empty().await;
        let (from, to) = case.texts();
        let told = |why: String| format!("{why}\n\n== from\n{from}\n== to\n{to}");
        let (_, before) = lowered("the first", &from).map_err(&told)?;
        let (document, after) = lowered("the second", &to).map_err(&told)?;
        build(&self.client, &before).await.map_err(&told)?;
        let live = introspected(&self.database).await.schema;
        let compared = compare_live(&before, &live, &postgres_dialect().rules());
        if let Some(first) = compared.differences.first() {
            return Err(told(format!("from nothing, the database: {first}")));
        }
        let rows = case.before.rows_sql(&case.after, case.rows);
        self.client.batch_execute(&rows).await.map_err(|error| told(format!("rows: {error:?}\n{rows}")))?;
        let start = if case.from_live { live } else { before };
        let (changes, renames) = steps(&start, &after, document.renames()).map_err(&told)?;
        let script = written(&start, &after, &changes, &fills(case)).map_err(&told)?;
        let shown = || {
            let texts: Vec<String> = script.parts.iter().map(|it| it.statements.join(";\n")).collect();
            format!("\n== script\n{}", texts.join(";\n== next part\n"))
        };
        run(&self.client, &script).await.map_err(&told)?;
        let state = apply_all(start, &changes).map_err(|error| told(format!("the steps cannot be taken: {error}")))?;
        same("the steps", &after, &state).map_err(&told)?;
        let is = introspected(&self.database).await.schema;
        // A new one with columns in the same order: `SELECT *` has it.
        let mut fresh = state.clone();
        for table in &mut fresh.tables {
            let Some(is) = is.table(&table.name) else { continue };
            table.columns.sort_by_key(|column| is.columns.iter().position(|it| it.name == column.name));
        }
        build(&self.second, &fresh).await.map_err(&told)?;
        equal(&introspected(&self.other).await.schema, &is).map_err(|why| told(why + &shown()))?;
        rows_are_there(self, case).await.map_err(|why| told(why + &shown()))?;
        again(&state, &after, document.renames(), &renames).map_err(&told)
    }
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
        let expected = |row| kept.iter().map(|it| case.expected(table, it, row)).collect();
        super::all_there(&now.name, &found, (0..case.rows).map(expected))?;
    }
    Ok(())
}

impl Case {
    /// What a row holds once it is a row of `after`; the outer `None`: anything.
    fn expected(&self, table: &Table, column: &Column, row: usize) -> Option<Option<String>> {
        let Self { before, after, rows, .. } = self;
        let later = after.table(table.id)?.column(column.id)?;
        if later.generated.is_some() || column.generated.is_some() {
            return None;
        }
        match (before.is_null(after, table, column, row), later.not_null) {
            (true, true) => after.default_sql(later).and_then(|(_, text)| text).map(Some),
            (true, false) => Some(None),
            (false, _) => {
                let row = before.turned(after, column, row, *rows);
                Some(Some(before.cell(after, after, column.ty, row)))
            }
        }
    }
}

impl World {
    /// The value in a row, as the database shows it, by the names of `named`: the values of enums may have others there.
    fn cell(&self, named: &Self, after: &Self, ty: Ty, row: usize) -> String {
        match ty {
            Ty::Int | Ty::Big => (row * 3 + 1).to_string(),
            Ty::Text | Ty::Varchar => format!("v{row} \"';{{"),
            Ty::Bool => row.is_multiple_of(2).to_string(),
            Ty::Numeric => format!("{row}.50"),
            Ty::Time => format!("2020-01-0{} 00:00:00+00", row + 1),
            Ty::Json => format!("{{\"k\": {row}}}"),
            Ty::Bytes => format!("\\x00ff0{row}"),
            Ty::Uuid => format!("01234567-89ab-4cde-8f01-23456789ab0{row}"),
            Ty::Texts => format!("{{a,b{row}}}"),
            Ty::Enum(id) => self.enum_value(named, after, id, row),
            Ty::Enums(id) => array_of(&self.enum_value(named, after, id, row)),
        }
    }

    /// Statements that put rows into every table.
    fn rows_sql(&self, after: &Self, rows: usize) -> String {
        // Rows are referred to before they are there; triggers do not run.
        let mut sql = String::from("SET session_replication_role = replica;\n");
        for table in &self.tables {
            for row in 0..rows {
                let stored = || table.columns.iter().filter(|it| it.generated.is_none());
                let named: Vec<String> = stored().map(|it| quoted(&it.name)).collect();
                let value = |it| {
                    let turned = self.turned(after, it, row, rows);
                    let null = self.is_null(after, table, it, row);
                    if null { "NULL".to_owned() } else { literal(&self.cell(self, after, it.ty, turned)) }
                };
                let values: Vec<String> = stored().map(value).collect();
                let (named, values) = (named.join(", "), values.join(", "));
                sql.push_str(&match named.is_empty() {
                    true => format!("INSERT INTO {} DEFAULT VALUES;\n", quoted(&table.name)),
                    false => format!(
                        "INSERT INTO {} ({named}) OVERRIDING SYSTEM VALUE VALUES ({values});\n",
                        quoted(&table.name)
                    ),
                });
            }
        }
        sql + "SET session_replication_role = origin;\n"
    }
}

/// One value as an array of it is shown.
fn array_of(value: &str) -> String {
    let plain = value.chars().all(|c| c.is_alphanumeric() || c == '\'');
    if plain { format!("{{{value}}}") } else { format!("{{\"{}\"}}", value.replace('"', "\\\"")) }
}
