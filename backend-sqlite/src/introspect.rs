//! Reading the schema of a database.
//!
//! What SQLite's pragmas do not tell (checks, names of constraints, conflict clauses, collations of keys, AUTOINCREMENT)
//! stands in the statement that it keeps of each object, so that statement is what is read; the pragmas confirm it. An
//! object whose statement is not understood, or that the pragmas show otherwise, is named as not compared.
//!
//! Left out without a word: SQLite's own tables (`sqlite_…`), the shadow tables of virtual tables and of libSQL's vector
//! indexes, the bookkeeping of Litestream (`_litestream_seq`, `_litestream_lock`), of Cloudflare D1 (`_cf_…`) and of libSQL
//! (`libsql_wasm_func_table`, `libsql_vector_meta_shadow`), and what the caller names.

use std::collections::{BTreeMap, HashMap};

use whimbrel_core::backend::TextRow;
use whimbrel_core::{BackendError, Sql, parallel};
use whimbrel_schema::model::{ObjectName, Table};
use whimbrel_schema::{Introspected, Schema};

use scope::Scope;

mod object;
pub(crate) mod reader;
pub(crate) mod scope;
mod statement;
mod table;

pub(crate) use object::{trigger, view, virtual_table};

const OBJECTS: &str = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid";
const SHADOWS: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'";
/// Hidden columns of 1 belong to virtual tables.
const COLUMNS: &str = "SELECT m.name, x.name, x.\"notnull\", x.pk FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS x \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY m.rowid, x.cid";
const COUNTS: &str = "SELECT m.name, (SELECT count(DISTINCT f.id) FROM pragma_foreign_key_list(m.name) AS f), \
     (SELECT count(*) FROM pragma_index_list(m.name) AS i WHERE i.origin = 'u') \
     FROM sqlite_master AS m WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY m.rowid";

/// A row of `sqlite_master`.
#[derive(Debug)]
struct Object {
    kind: String,
    name: String,
    table: String,
    /// An index that a constraint brings has none.
    sql: Option<String>,
}

/// What the pragmas say of a table.
#[derive(Debug, Default)]
struct Confirmed {
    /// Name, whether it says NOT NULL, whether it is in the primary key.
    columns: Vec<(String, bool, bool)>,
    foreign_keys: usize,
    unique_indexes: usize,
}

/// Reads the schema behind `sql`.
pub(crate) async fn introspect(sql: &mut dyn Sql, ignored: &[ObjectName]) -> Result<Introspected, BackendError> {
    let objects: Vec<Object> = sql.query(OBJECTS).await?.into_iter().filter_map(object).collect();
    let shadows: Vec<String> = sql.query(SHADOWS).await?.into_iter().filter_map(first).collect();
    let confirmed = confirmed(sql).await?;
    let left_out = LeftOut::new(&objects, shadows, ignored);
    let objects: Vec<Object> = objects.into_iter().filter(|object| !left_out.holds(object)).collect();
    Ok(assemble(&objects, &confirmed))
}

fn object(row: TextRow) -> Option<Object> {
    let mut values = row.into_iter();
    Some(Object { kind: values.next()??, name: values.next()??, table: values.next()??, sql: values.next()? })
}

fn first(row: TextRow) -> Option<String> {
    row.into_iter().next()?
}

async fn confirmed(sql: &mut dyn Sql) -> Result<BTreeMap<String, Confirmed>, BackendError> {
    let mut tables: BTreeMap<String, Confirmed> = BTreeMap::new();
    for row in sql.query(COLUMNS).await? {
        if let [Some(table), Some(column), not_null, key] = row.as_slice() {
            let said = |value: &Option<String>| value.as_deref() != Some("0");
            let columns = &mut tables.entry(table.clone()).or_default().columns;
            columns.push((column.clone(), said(not_null), said(key)));
        }
    }
    for row in sql.query(COUNTS).await? {
        if let [Some(table), Some(keys), Some(uniques)] = row.as_slice() {
            let entry = tables.entry(table.clone()).or_default();
            entry.foreign_keys = keys.parse().unwrap_or(0);
            entry.unique_indexes = uniques.parse().unwrap_or(0);
        }
    }
    Ok(tables)
}

/// The names of what is no part of the schema, in lower case.
#[derive(Debug)]
struct LeftOut(Vec<String>);

impl LeftOut {
    fn new(objects: &[Object], shadows: Vec<String>, ignored: &[ObjectName]) -> Self {
        let mut names: Vec<String> = shadows;
        names.extend(ignored.iter().map(|name| name.name.clone()));
        let own = ["_litestream_seq", "_litestream_lock", "libsql_wasm_func_table", "libsql_vector_meta_shadow"];
        names.extend(own.map(str::to_owned));
        let vectors = objects.iter().filter(|object| {
            object.kind == "index"
                && object.sql.as_deref().is_some_and(|sql| sql.to_ascii_lowercase().contains("libsql_vector_idx"))
        });
        names.extend(vectors.map(|index| format!("{}_shadow", index.name)));
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    fn holds(&self, object: &Object) -> bool {
        let named = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.starts_with("sqlite_") || name.starts_with("_cf_") || self.0.contains(&name)
        };
        named(&object.table) || (object.kind != "trigger" && named(&object.name))
    }
}

fn assemble(objects: &[Object], confirmed: &BTreeMap<String, Confirmed>) -> Introspected {
    let mut found = Introspected::default();
    let tables: Vec<&Object> = objects.iter().filter(|object| object.kind == "table").collect();
    for (object, read) in tables.iter().zip(read_all(&tables)) {
        take_table(object, read, confirmed, &mut found);
    }
    let places = found.schema.tables.iter().enumerate();
    let places: HashMap<String, usize> = places.map(|(at, table)| (folded(&table.name), at)).collect();
    for object in objects {
        match object.kind.as_str() {
            "index" => take_index(object, &places, &mut found),
            "view" => take_view(object, &mut found),
            "trigger" => take_native(object, trigger, &mut found),
            _ => {}
        }
    }
    resolve(&mut found.schema);
    note_dangling(&mut found);
    found
}

/// So many tables are read at once before another thread is worth it.
const FOR_A_THREAD: usize = 64;

/// Reads the statement of every table, on several threads where there are many.
fn read_all(tables: &[&Object]) -> Vec<reader::Reading<table::Read>> {
    let mut all = Vec::with_capacity(tables.len());
    let read = |object: &&Object| table::read(object.sql.as_deref().unwrap_or_default());
    parallel::each(tables, FOR_A_THREAD, &read, |read| all.push(read));
    all
}

fn take_table(
    object: &Object,
    read: reader::Reading<table::Read>,
    confirmed: &BTreeMap<String, Confirmed>,
    found: &mut Introspected,
) {
    if virtual_table(object.sql.as_deref().unwrap_or_default()).is_ok() {
        return take_native(object, virtual_table, found);
    }
    match read {
        Ok(read) if confirmed.get(&object.name).is_some_and(|said| said.agrees(&read.table)) => {
            found.schema.tables.push(read.table);
            found.uncompared.extend(read.left_out);
        }
        _ => found.uncompared.push(format!("table {}", ObjectName::new(object.name.clone()))),
    }
}

impl Confirmed {
    /// Whether the pragmas tell the same as the statement.
    fn agrees(&self, table: &Table) -> bool {
        let key = table.primary_key.as_ref().map(|key| key.columns.as_slice()).unwrap_or_default();
        let alike = |(told, column): (&(String, bool, bool), &whimbrel_schema::model::Column)| {
            let (name, not_null, in_key) = told;
            *name == column.name && (!*not_null || column.not_null) && *in_key == key.contains(name)
        };
        // Two equal constraints share an index; one that a primary key covers has none.
        self.columns.len() == table.columns.len()
            && self.columns.iter().zip(&table.columns).all(alike)
            && self.foreign_keys == table.foreign_keys.len()
            && self.unique_indexes <= table.uniques.len()
    }
}

fn take_index(object: &Object, places: &HashMap<String, usize>, found: &mut Introspected) {
    // Without a statement it comes with a constraint.
    let Some(sql) = &object.sql else {
        return;
    };
    let place = places.get(&object.table.to_ascii_lowercase());
    let table = place.and_then(|at| found.schema.tables.get_mut(*at));
    let read = table.and_then(|table| {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        let index = object::index(sql, &Scope { table: &object.table, columns }).ok()?;
        table.indexes.push(index);
        Some(())
    });
    if read.is_none() {
        found.uncompared.push(format!("index {}", ObjectName::new(object.name.clone())));
    }
}

fn take_view(object: &Object, found: &mut Introspected) {
    match view(object.sql.as_deref().unwrap_or_default()) {
        Ok(view) => found.schema.views.push(view),
        Err(_) => found.uncompared.push(format!("view {}", ObjectName::new(object.name.clone()))),
    }
}

type ReadNative = fn(&str) -> reader::Reading<whimbrel_schema::model::Native>;

fn take_native(object: &Object, read: ReadNative, found: &mut Introspected) {
    match read(object.sql.as_deref().unwrap_or_default()) {
        Ok(native) => found.schema.natives.push(native),
        Err(_) => found.uncompared.push(format!("{} {}", object.kind, ObjectName::new(object.name.clone()))),
    }
}

/// A name as SQLite compares it with others.
fn folded(name: &ObjectName) -> String {
    name.name.to_ascii_lowercase()
}

/// What a reference asks of its parent.
struct Parent {
    name: ObjectName,
    key: Vec<String>,
    columns: Vec<String>,
}

/// Spells the names of other tables and of their columns as these do, and writes the columns out that a reference leaves
/// out.
pub(crate) fn resolve(schema: &mut Schema) {
    let mut known: HashMap<String, Parent> = HashMap::with_capacity(schema.tables.len());
    for table in &schema.tables {
        let key = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        known.entry(folded(&table.name)).or_insert_with(|| Parent { name: table.name.clone(), key, columns });
    }
    for key in schema.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        let Some(Parent { name, key: of_parent, columns }) = known.get(&folded(&key.parent)) else {
            continue;
        };
        key.parent.clone_from(name);
        if key.parent_columns.is_empty() {
            key.parent_columns.clone_from(of_parent);
        }
        key.parent_columns.iter_mut().for_each(|column| *column = scope::spelled(columns, column));
    }
    let views: Vec<ObjectName> = schema.views.iter().map(|view| view.name.clone()).collect();
    for table in schema.natives.iter_mut().filter_map(|native| native.table.as_mut()) {
        let of_view = || views.iter().find(|owner| owner.name.eq_ignore_ascii_case(&table.name));
        if let Some(owner) = known.get(&folded(table)).map(|parent| &parent.name).or_else(of_view) {
            *table = owner.clone();
        }
    }
}

fn scope_of(table: &Table) -> Scope<'_> {
    Scope { table: &table.name.name, columns: table.columns.iter().map(|column| column.name.clone()).collect() }
}

/// A reference to a table that is not there is valid in SQLite.
fn note_dangling(found: &mut Introspected) {
    let Schema { tables, .. } = &found.schema;
    let dangling = tables.iter().flat_map(|table| {
        let broken = table.foreign_keys.iter().filter(|key| key.parent_columns.is_empty());
        broken.map(|key| format!("table {}: the columns that a reference to {} means", table.name, key.parent))
    });
    let dangling: Vec<String> = dangling.collect();
    found.uncompared.extend(dangling);
}

/// Reads one `CREATE TABLE`.
pub(crate) fn read_table(sql: &str) -> reader::Reading<Table> {
    table::read(sql).map(|read| read.table)
}

/// Reads one `CREATE INDEX` on this table.
pub(crate) fn read_index(sql: &str, table: &Table) -> reader::Reading<whimbrel_schema::model::Index> {
    object::index(sql, &scope_of(table))
}
