//! From any schema to any other one near it: the database becomes what it should, and no value goes that was not told.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::diff::Renamed;
use super::support::{Database, Step, statements};

#[derive(Debug, Clone)]
struct Column {
    name: String,
    ty: &'static str,
    not_null: bool,
    default: Option<&'static str>,
    check: bool,
    unique: bool,
    collate: bool,
    /// The table that it refers to, and what happens to it.
    reference: Option<(usize, &'static str)>,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    key: Key,
    columns: Vec<Column>,
    generated: Option<bool>,
    index: Option<&'static str>,
    strict: bool,
    without_rowid: bool,
    table_check: bool,
    view: bool,
    trigger: bool,
    rows: u8,
    there: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Rowid,
    Counter,
    Text,
    None,
}

#[derive(Debug, Clone)]
enum Mutation {
    AddColumn(usize, Column, bool),
    DropColumn(usize, usize),
    RenameColumn(usize, usize),
    AsText(usize, usize),
    NotNull(usize, usize),
    Default(usize, usize, Option<&'static str>),
    Check(usize, usize),
    TableCheck(usize),
    Reference(usize, usize, Option<(usize, &'static str)>),
    Collate(usize, usize),
    Index(usize, Option<&'static str>),
    Generated(usize, Option<bool>),
    Counter(usize),
    Strict(usize),
    WithoutRowid(usize),
    RenameTable(usize),
    DropTable(usize),
    View(usize),
    Trigger(usize),
    NewTable,
}

const ACTIONS: [&str; 5] = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];
const DEFAULTS: [&str; 3] = ["'d'", "(lower('E'))", "CURRENT_TIMESTAMP"];
const INDEXES: [&str; 4] = ["{c}", "{c} COLLATE nocase DESC", "lower({c}), {c}", "{c}) WHERE ({c} IS NOT NULL"];

fn column() -> impl Strategy<Value = Column> {
    let ty = prop_oneof![Just("text"), Just("integer"), Just("blob")];
    let default = prop_oneof![2 => Just(None), 1 => Just(Some(DEFAULTS[0]))];
    let flags = (any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let reference = prop::option::weighted(0.35, (0..4_usize, prop::sample::select(&ACTIONS[..])));
    (ty, default, flags, reference).prop_map(|(ty, default, (not_null, check, unique, collate), reference)| {
        let refers = reference.is_some();
        let ty = if refers { "text" } else { ty };
        let default = if refers || ty != "text" { None } else { default };
        let not_null = not_null && !refers;
        Column {
            name: String::new(),
            ty,
            not_null,
            default,
            check,
            unique: unique && !refers,
            collate: collate && ty == "text",
            reference,
        }
    })
}

fn table() -> impl Strategy<Value = Table> {
    let key = prop_oneof![Just(Key::Rowid), Just(Key::Counter), Just(Key::Text), Just(Key::None)];
    let shape =
        (prop::option::weighted(0.4, any::<bool>()), prop::option::weighted(0.5, prop::sample::select(&INDEXES[..])));
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), any::<bool>(), any::<bool>(), any::<bool>());
    (key, prop::collection::vec(column(), 1..4), shape, flags, 0..4_u8).prop_map(
        |(key, columns, shape, flags, rows)| {
            let (generated, index) = shape;
            let (strict, without_rowid, table_check, view, trigger) = flags;
            let without_rowid = without_rowid && key == Key::Text;
            let name = String::new();
            Table {
                name,
                key,
                columns,
                generated,
                index,
                strict,
                without_rowid,
                table_check,
                view,
                trigger,
                rows,
                there: true,
            }
        },
    )
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = || (0..4_usize, 0..4_usize);
    prop_oneof![
        (0..4_usize, column(), any::<bool>()).prop_map(|(t, c, first)| Mutation::AddColumn(t, c, first)),
        at().prop_map(|(t, c)| Mutation::DropColumn(t, c)),
        at().prop_map(|(t, c)| Mutation::RenameColumn(t, c)),
        at().prop_map(|(t, c)| Mutation::AsText(t, c)),
        at().prop_map(|(t, c)| Mutation::NotNull(t, c)),
        (at(), prop::option::of(prop::sample::select(&DEFAULTS[..])))
            .prop_map(|((t, c), d)| Mutation::Default(t, c, d)),
        at().prop_map(|(t, c)| Mutation::Check(t, c)),
        (0..4_usize).prop_map(Mutation::TableCheck),
        (at(), prop::option::of((0..4_usize, prop::sample::select(&ACTIONS[..]))))
            .prop_map(|((t, c), r)| Mutation::Reference(t, c, r)),
        at().prop_map(|(t, c)| Mutation::Collate(t, c)),
        (0..4_usize, prop::option::of(prop::sample::select(&INDEXES[..]))).prop_map(|(t, i)| Mutation::Index(t, i)),
        (0..4_usize, prop::option::of(any::<bool>())).prop_map(|(t, g)| Mutation::Generated(t, g)),
        (0..4_usize).prop_map(Mutation::Counter),
        (0..4_usize).prop_map(Mutation::Strict),
        (0..4_usize).prop_map(Mutation::WithoutRowid),
        (0..4_usize).prop_map(Mutation::RenameTable),
        (0..4_usize).prop_map(Mutation::DropTable),
        (0..4_usize).prop_map(Mutation::View),
        (0..4_usize).prop_map(Mutation::Trigger),
        Just(Mutation::NewTable),
    ]
}

/// Names that are never used twice, and that differ from one another in more than their case.
fn name_all(tables: &mut [Table]) {
    let count = tables.len();
    for (t, table) in tables.iter_mut().enumerate() {
        table.name = ["users", "Order", "t_new", "group by"][t % 4].to_owned();
        for (c, column) in table.columns.iter_mut().enumerate() {
            column.name = ["name", "Select", "from", "a b"][c % 4].to_owned();
            // A table that comes later has no rows that could be referred to.
            column.reference = column.reference.filter(|(parent, _)| *parent < count);
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn key_column(key: Key) -> Option<&'static str> {
    match key {
        Key::Rowid => Some("id INTEGER PRIMARY KEY"),
        Key::Counter => Some("id INTEGER PRIMARY KEY AUTOINCREMENT"),
        Key::Text => Some("id TEXT NOT NULL PRIMARY KEY"),
        Key::None => None,
    }
}

fn column_sql(column: &Column, tables: &[Table]) -> String {
    let name = quoted(&column.name);
    let mut sql = format!("{name} {}", column.ty);
    sql.push_str(if column.not_null { " NOT NULL" } else { "" });
    sql.push_str(&column.default.map(|default| format!(" DEFAULT {default}")).unwrap_or_default());
    sql.push_str(if column.collate { " COLLATE nocase" } else { "" });
    if column.check {
        sql.push_str(&format!(" CHECK ({name} <> 'never;')"));
    }
    if column.unique {
        sql.push_str(" UNIQUE");
    }
    if let Some((parent, action)) = target(column, tables) {
        sql.push_str(&format!(" REFERENCES {} (id) ON DELETE {action}", quoted(&parent.name)));
    }
    sql
}

/// Only tables with a text key are referred to: references are texts.
fn target<'a>(column: &Column, tables: &'a [Table]) -> Option<(&'a Table, &'static str)> {
    let (at, action) = column.reference?;
    let parent = tables.get(at).filter(|parent| parent.there && parent.key == Key::Text)?;
    (column.ty == "text").then_some((parent, action))
}

fn table_sql(table: &Table, tables: &[Table]) -> String {
    let name = quoted(&table.name);
    let mut parts: Vec<String> = key_column(table.key).map(str::to_owned).into_iter().collect();
    parts.extend(table.columns.iter().map(|column| column_sql(column, tables)));
    let first = quoted(&table.columns[0].name);
    if let Some(stored) = table.generated {
        let kind = if stored { "STORED" } else { "VIRTUAL" };
        parts.push(format!("computed integer GENERATED ALWAYS AS (length({first})) {kind}"));
    }
    if table.table_check {
        parts.push(format!("CONSTRAINT \"not' nothing\" CHECK ({first} IS NULL OR {first} <> 'nothing')"));
    }
    let mut options = Vec::new();
    options.extend((table.without_rowid && table.key == Key::Text).then_some("WITHOUT ROWID"));
    options.extend(table.strict.then_some("STRICT"));
    let mut sql = format!("CREATE TABLE {name} ({}) {};\n", parts.join(", "), options.join(", "));
    if let Some(index) = table.index {
        let keys = index.replace("{c}", &first);
        let keys = format!("{keys})");
        sql.push_str(&format!("CREATE INDEX \"index {}\" ON {name} ({keys};\n", table.name));
    }
    if table.view {
        sql.push_str(&format!("CREATE VIEW \"view {}\" AS SELECT {first} FROM {name};\n", table.name));
    }
    if table.trigger {
        sql.push_str(&format!(
            "CREATE TRIGGER \"trigger {}\" AFTER DELETE ON {name} BEGIN INSERT INTO log SELECT count({first}) FROM {name}; END;\n",
            table.name
        ));
    }
    sql
}

fn schema_sql(tables: &[Table]) -> String {
    let there = tables.iter().filter(|table| table.there);
    there.map(|table| table_sql(table, tables)).collect::<String>() + "CREATE TABLE log (what);"
}

fn rows_sql(tables: &[Table]) -> String {
    let mut sql = String::from("PRAGMA defer_foreign_keys = ON;\n");
    for (t, table) in tables.iter().enumerate() {
        for row in 0..table.rows {
            sql.push_str(&row_sql(t, table, row, tables));
        }
        // A number that was given and is not there any more.
        if table.key == Key::Counter && table.rows > 0 {
            sql.push_str(&format!("UPDATE sqlite_sequence SET seq = 50 WHERE name = '{}';\n", table.name));
        }
    }
    sql + "DELETE FROM log;"
}

fn row_sql(t: usize, table: &Table, row: u8, tables: &[Table]) -> String {
    let mut names = Vec::new();
    let mut values = Vec::new();
    if table.key != Key::None {
        names.push("id".to_owned());
        values.push(if table.key == Key::Text { format!("'{t}-{row}'") } else { (row * 3 + 1).to_string() });
    }
    for (c, column) in table.columns.iter().enumerate() {
        let value = match (target(column, tables), column.ty) {
            (Some((parent, _)), _) if parent.rows > 0 => {
                let at = tables.iter().position(|it| it.name == parent.name).unwrap();
                format!("'{at}-{}'", row % parent.rows)
            }
            (Some(_), _) => "NULL".to_owned(),
            (None, _) if !column.not_null && (row + c as u8).is_multiple_of(3) => "NULL".to_owned(),
            (None, "integer") => (i64::from(row) * 7 + 4_000_000_000_000_000 + c as i64).to_string(),
            (None, "blob") => format!("X'00FF{row:02}{c:02}'"),
            _ => format!("'v{row}{c} \"''; {{'"),
        };
        names.push(quoted(&column.name));
        values.push(value);
    }
    format!("INSERT INTO {} ({}) VALUES ({});\n", quoted(&table.name), names.join(", "), values.join(", "))
}

/// What changes, and what is told of it.
#[derive(Debug, Default)]
struct Told {
    tables: BTreeMap<String, String>,
    /// (table after, column before) to column after
    columns: Vec<(usize, String, String)>,
}

fn mutate(tables: &mut Vec<Table>, mutations: &[Mutation]) -> Told {
    let mut told = Told::default();
    for (number, mutation) in mutations.iter().enumerate() {
        one(tables, mutation, number, &mut told);
    }
    told
}

fn one(tables: &mut Vec<Table>, mutation: &Mutation, number: usize, told: &mut Told) {
    let count = tables.len();
    let at = |t: &usize| t % count;
    let pick = |tables: &[Table], t: &usize, c: &usize| (t % count, c % tables[t % count].columns.len());
    match mutation {
        Mutation::AddColumn(t, column, first) => {
            let mut column = column.clone();
            column.name = format!("added {number}");
            // Rows are there, and all get the same.
            column.unique = false;
            column.reference = column.reference.filter(|_| !column.not_null);
            if column.not_null {
                column.default = Some(if column.ty == "text" {
                    "'d'"
                } else if column.ty == "blob" {
                    "X'00'"
                } else {
                    "7"
                });
            }
            let columns = &mut tables[at(t)].columns;
            columns.insert(if *first { 1.min(columns.len()) } else { columns.len() }, column);
        }
        Mutation::DropColumn(t, c) => {
            let (t, c) = pick(tables, t, c);
            if tables[t].columns.len() > 1 {
                let gone = tables[t].columns.remove(c);
                told.columns.retain(|(of, _, to)| *of != t || *to != gone.name);
            }
        }
        Mutation::RenameColumn(t, c) => {
            let (t, c) = pick(tables, t, c);
            let from = std::mem::replace(&mut tables[t].columns[c].name, format!("Renamed {number}"));
            let to = tables[t].columns[c].name.clone();
            match told.columns.iter_mut().find(|(of, _, now)| *of == t && *now == from) {
                Some((.., now)) => *now = to,
                None if !from.starts_with("added") => told.columns.push((t, from, to)),
                None => {}
            }
        }
        Mutation::AsText(t, c) => {
            let (t, c) = pick(tables, t, c);
            if tables[t].columns[c].ty == "integer" && !tables[t].columns[c].name.starts_with("added") {
                tables[t].columns[c].ty = "text";
                tables[t].columns[c].reference = None;
            }
        }
        Mutation::NotNull(t, c) => {
            let (t, c) = pick(tables, t, c);
            let column = &mut tables[t].columns[c];
            if column.ty == "text" && column.reference.is_none() && !column.unique {
                (column.not_null, column.default) = (true, Some("'d'"));
            }
        }
        Mutation::Default(t, c, default) => {
            let (t, c) = pick(tables, t, c);
            let column = &mut tables[t].columns[c];
            if column.ty == "text" && column.reference.is_none() && !column.not_null && !column.name.contains("added") {
                column.default = *default;
            }
        }
        Mutation::Check(t, c) => {
            let (t, c) = pick(tables, t, c);
            tables[t].columns[c].check ^= true;
        }
        Mutation::TableCheck(t) => tables[at(t)].table_check ^= true,
        Mutation::Reference(t, c, reference) => {
            let (t, c) = pick(tables, t, c);
            let column = &mut tables[t].columns[c];
            // Only where every value is one of the same table already, or none is.
            if let (Some((parent, _)), Some((_, action))) = (column.reference, reference) {
                column.reference = Some((parent, action));
            } else if reference.is_none() {
                column.reference = None;
            }
        }
        Mutation::Collate(t, c) => {
            let (t, c) = pick(tables, t, c);
            if tables[t].columns[c].ty == "text" {
                tables[t].columns[c].collate ^= true;
            }
        }
        Mutation::Index(t, index) => tables[at(t)].index = *index,
        Mutation::Generated(t, generated) => tables[at(t)].generated = *generated,
        Mutation::Counter(t) => {
            let key = &mut tables[at(t)].key;
            *key = match *key {
                Key::Rowid => Key::Counter,
                Key::Counter => Key::Rowid,
                other => other,
            };
        }
        Mutation::Strict(t) => tables[at(t)].strict ^= true,
        Mutation::WithoutRowid(t) => tables[at(t)].without_rowid ^= tables[at(t)].key == Key::Text,
        Mutation::RenameTable(t) => {
            let t = at(t);
            if tables[t].there && tables[t].name.len() < 20 {
                let from = std::mem::replace(&mut tables[t].name, format!("Renamed table {number}"));
                let to = tables[t].name.clone();
                match told.tables.values_mut().find(|now| **now == from) {
                    Some(now) => *now = to,
                    None if !from.starts_with("New") => drop(told.tables.insert(from, to)),
                    None => {}
                }
            }
        }
        Mutation::DropTable(t) => tables[at(t)].there = false,
        Mutation::View(t) => tables[at(t)].view ^= true,
        Mutation::Trigger(t) => tables[at(t)].trigger ^= true,
        Mutation::NewTable => {
            let mut new = tables[0].clone();
            new.name = format!("New table number {number}");
            new.rows = 0;
            new.there = true;
            new.columns.iter_mut().for_each(|column| column.reference = None);
            tables.push(new);
        }
    }
}

/// The rows of a table in the order of its key, as `(rowid or key, column)` names ask for them.
async fn look(database: &Database, table: &str, columns: &[String], key: Key) -> Vec<String> {
    let order = if key == Key::None { "rowid" } else { "id" };
    let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let names = if names.is_empty() { "1".to_owned() } else { names.join(", ") };
    database.rows(&format!("SELECT {order}, {names} FROM {} ORDER BY {order}", quoted(table))).await
}

async fn check(before: Vec<Table>, mutations: Vec<Mutation>, foreign_keys_on: bool) {
    let mut after = before.clone();
    let told = mutate(&mut after, &mutations);
    let (sql, next, rows) = (schema_sql(&before), schema_sql(&after), rows_sql(&before));
    let mut step = Step::new(&sql, &next).rows(&rows);
    if foreign_keys_on {
        step = step.foreign_keys_on();
    }
    let dropped: Vec<bool> = after.iter().map(|table| !table.there).collect();
    let tables: Vec<_> =
        told.tables.iter().filter(|(_, to)| after.iter().any(|it| it.there && it.name == **to)).collect();
    step.renamed.extend(tables.iter().map(|(from, to)| Renamed { table: "", from, to }));
    let columns: Vec<_> = told.columns.iter().filter(|(t, ..)| *t < before.len() && !dropped[*t]).collect();
    step.renamed.extend(columns.iter().map(|(t, from, to)| Renamed { table: &after[*t].name, from, to }));
    let original = Database::with(&format!("{sql}\n{rows}")).await;
    let (database, script) = step.apply().await;
    for (was, now) in before.iter().zip(&after).filter(|(_, now)| now.there) {
        let t = before.iter().position(|it| it.name == was.name).unwrap();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for column in &was.columns {
            let to = told.columns.iter().find(|(of, from, _)| *of == t && *from == column.name).map(|(.., to)| to);
            let to = to.unwrap_or(&column.name);
            let Some(kept) = now.columns.iter().find(|it| it.name == *to) else { continue };
            // NULL becomes the default where NULL is refused.
            let from = if kept.not_null && !column.not_null { continue } else { &column.name };
            pairs.push((from.clone(), to.clone()));
        }
        let (from, to): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let expected = look(&original, &was.name, &from, was.key).await;
        let found = look(&database, &now.name, &to, now.key).await;
        assert_eq!(found, expected, "{}: {:#?}", was.name, statements(&script));
        if (was.key, now.key) == (Key::Counter, Key::Counter) && was.rows > 0 {
            let seq = database.rows(&format!("SELECT seq FROM sqlite_sequence WHERE name = '{}'", now.name)).await;
            assert_eq!(seq, ["50"], "{}: {:#?}", was.name, statements(&script));
        }
    }
    assert_eq!(database.rows("SELECT * FROM log").await, Vec::<String>::new(), "no trigger fired");
}

fn cases() -> u32 {
    let long = std::env::var_os("WHIMBREL_LONG").is_some_and(|value| !value.is_empty() && value != "0");
    if long { 4000 } else { 200 }
}

#[test]
fn a_database_becomes_what_it_should_and_keeps_its_values() {
    let seed: u64 = std::env::var("WHIMBREL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed);
    println!("WHIMBREL_SEED={seed}");
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: cases(), failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let strategy = (prop::collection::vec(table(), 1..4), prop::collection::vec(mutation(), 0..5), any::<bool>());
    let result = runner.run(&strategy, |(mut tables, mutations, foreign_keys_on)| {
        name_all(&mut tables);
        let attempt = std::panic::AssertUnwindSafe(|| runtime.block_on(check(tables, mutations, foreign_keys_on)));
        std::panic::catch_unwind(attempt).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".to_owned());
            TestCaseError::fail(text)
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
