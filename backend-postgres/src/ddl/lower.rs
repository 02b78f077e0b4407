//! From portable SQL to Postgres'.

use std::collections::BTreeMap;

use whimbrel_core::Problem;
use whimbrel_core::split::Lexer;
use whimbrel_schema::model::{Column, IndexKey, NullsOrder, ObjectName, Sequence, Table};
use whimbrel_schema::{Expr, Schema, Storage, Type};

use super::names::{Taken, object_name, truncated};
use super::words::{literal, object};
use super::{types, typing};

/// Lowers a schema. What is portable is Postgres' own, so little changes: spellings, names, keys that refuse NULL.
pub(super) fn lower(portable: &Schema, storage: &Storage) -> Result<Schema, Vec<Problem>> {
    let mut schema = portable.clone();
    let problems = options(storage);
    let mut lowering = Lowering { storage, problems, taken: Taken::default(), sequences: Vec::new() };
    lowering.take(&schema);
    for table in &mut schema.tables {
        lowering.table(table);
    }
    schema.natives.iter_mut().for_each(super::native::named);
    lowering.known_enums(&schema);
    schema.sequences.append(&mut lowering.sequences);
    typing::settle(&mut schema);
    if lowering.problems.is_empty() { Ok(schema) } else { Err(lowering.problems) }
}

/// What a table says beside its columns, under the names of the model.
const TABLE_OPTIONS: [&str; 10] = [
    "unlogged",
    "with",
    "partition by",
    "partition of",
    "partition bound",
    "inherits",
    "of",
    "using",
    "row security",
    "replica identity",
];

/// What a table says, as an option in the schema file: `row-security`.
pub(super) fn option_of(name: &str) -> String {
    name.replace(' ', "-")
}

/// Every option that is not known here.
///
/// | option | values | |
/// | --- | --- | --- |
/// | `type` | a type of Postgres | of a column, in place of the portable one |
/// | `identity` | `identity`, `serial` | of a column: `serial` is a sequence and a default |
/// | `row-security`, `partition-by`, … | as Postgres writes it | of a table |
fn options(storage: &Storage) -> Vec<Problem> {
    let of_column = |name: &str, value: &str| match name {
        "type" => !value.is_empty(),
        "identity" => matches!(value, "identity" | "serial"),
        _ => false,
    };
    let of_table = |name: &str, _: &str| TABLE_OPTIONS.iter().any(|known| option_of(known) == name);
    let of_target = |name: &str, value: &str| name == "identity" && of_column(name, value);
    let mut problems = Vec::new();
    let mut look = |place: String, options: &BTreeMap<String, String>, known: &dyn Fn(&str, &str) -> bool| {
        for (name, value) in options.iter().filter(|(name, value)| !known(name, value)) {
            let message = format!("`{name} = {value}` is no option of storage here");
            let hint = "of a column: type, identity = serial; of a table: row-security, partition-by, unlogged, with …";
            problems.push(Problem::new(place.clone(), message, hint));
        }
    };
    look("storage options".to_owned(), &storage.target, &of_target);
    for (table, options) in &storage.tables {
        look(format!("table {table}"), options, &|name, value| of_table(name, value) || of_target(name, value));
    }
    for ((table, column), options) in &storage.columns {
        look(format!("table {table}, column {column}"), options, &of_column);
    }
    problems
}

struct Lowering<'a> {
    storage: &'a Storage,
    problems: Vec<Problem>,
    taken: Taken,
    /// Those that `serial` columns bring.
    sequences: Vec<Sequence>,
}

impl Lowering<'_> {
    fn take(&mut self, schema: &Schema) {
        schema.tables.iter().for_each(|table| self.taken.relation(&table.name));
        schema.sequences.iter().for_each(|sequence| self.taken.relation(&sequence.name));
        schema.views.iter().for_each(|view| self.taken.relation(&view.name));
    }

    fn table(&mut self, table: &mut Table) {
        let of = table.name.clone();
        let said = self.storage.tables.get(&of);
        for name in TABLE_OPTIONS {
            if let Some(value) = said.and_then(|said| said.get(&option_of(name))) {
                table.options.native.insert(name.to_owned(), value.clone());
            }
        }
        for column in &mut table.columns {
            self.column(&of, column);
        }
        if let Some(key) = &table.primary_key {
            let keyed = table.columns.iter_mut().filter(|column| key.columns.contains(&column.name));
            keyed.for_each(|column| column.not_null = true);
        }
        table.checks.iter_mut().for_each(|check| check.at_column = None);
        table.foreign_keys.iter_mut().for_each(|key| key.at_column = false);
        table.indexes.iter_mut().flat_map(|index| &mut index.keys).for_each(key);
        for index in &mut table.indexes {
            index.method =
                index.method.take().map(|method| method.to_ascii_lowercase()).filter(|method| method != "btree");
        }
        self.taken.name_all(table);
    }

    fn column(&mut self, table: &ObjectName, column: &mut Column) {
        let of_column = self.storage.columns.get(&(table.clone(), column.name.clone()));
        if let Some(ty) = of_column.and_then(|said| said.get("type")) {
            column.ty = Type::Native(ty.clone());
        }
        let by_option = self.storage.get(table, &column.name, "identity") == Some("serial");
        if let Some(counting) = serial(&column.ty) {
            self.serial(table, column, counting);
        } else if let Some(counting) = whole(&column.ty).filter(|_| by_option && column.identity.is_some()) {
            column.identity = None;
            self.serial(table, column, counting);
        }
        column.ty = types::lowered(&column.ty);
        column.collation = column.collation.take().and_then(|collation| collation_sql(&collation));
        // A column of Postgres refuses NULL where it is numbered, and no number is given twice.
        if let Some(identity) = &mut column.identity {
            identity.never_reuse = true;
            column.not_null = true;
        }
    }

    /// `serial` is a sequence, a default and NOT NULL.
    fn serial(&mut self, table: &ObjectName, column: &mut Column, ty: &str) {
        let name = table.sibling(object_name(&table.name, &column.name, "seq"));
        self.taken.relation(&name);
        column.ty = Type::Native(ty.to_owned());
        column.not_null = true;
        column.default = Some(serial_default(&name));
        self.sequences.push(Sequence {
            name,
            ty: (ty != "bigint").then(|| ty.to_owned()),
            options: Default::default(),
            owned_by: Some((table.clone(), column.name.clone())),
        });
    }

    /// Every enum that a column is of must be there.
    fn known_enums(&mut self, schema: &Schema) {
        for table in &schema.tables {
            for column in &table.columns {
                if let Some(ty) = types::enum_of(&column.ty).filter(|ty| schema.enum_type(ty).is_none()) {
                    let place = format!("table {}, column {}", table.name, column.name);
                    let message = format!("there is no enum type {ty}");
                    self.problems.push(Problem::new(place, message, "make it with `CREATE TYPE … AS ENUM (…)`"));
                }
            }
        }
        for ty in &schema.enums {
            for value in ty.values.iter().filter(|value| truncated(value) != **value) {
                let message = format!("the value '{value}' is longer than 63 bytes");
                self.problems.push(Problem::new(format!("enum {}", ty.name), message, "choose a shorter one"));
            }
        }
    }
}

/// The default of a column that a sequence numbers.
pub(super) fn serial_default(sequence: &ObjectName) -> Expr {
    Expr::parse(&format!("nextval({}::regclass)", literal(&object(sequence))), Lexer::Postgres)
}

/// The name of an integer type.
fn whole(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::SmallInt => Some("smallint"),
        Type::Integer => Some("integer"),
        Type::BigInt => Some("bigint"),
        _ => None,
    }
}

/// The integer type behind a `serial`.
fn serial(ty: &Type) -> Option<&'static str> {
    let Type::Native(text) = ty else { return None };
    match text.to_ascii_lowercase().as_str() {
        "serial" | "serial4" => Some("integer"),
        "bigserial" | "serial8" => Some("bigint"),
        "smallserial" | "serial2" => Some("smallint"),
        _ => None,
    }
}

/// Brings the part of a key into the form that the catalog gives.
fn key(key: &mut IndexKey) {
    let usual = if key.descending { NullsOrder::First } else { NullsOrder::Last };
    key.nulls = key.nulls.filter(|nulls| *nulls != usual);
    key.collation = key.collation.take().and_then(|collation| collation_sql(&collation));
}

/// A collation as SQL; none where it is the database's own.
fn collation_sql(text: &str) -> Option<String> {
    let bare = text.strip_prefix("pg_catalog.").unwrap_or(text);
    if bare.trim_matches('"') == "default" {
        return None;
    }
    let is_sql = bare.contains('"') || bare.contains('.');
    Some(if is_sql { bare.to_owned() } else { super::ident(bare) })
}
