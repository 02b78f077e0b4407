//! From Postgres' schema back to portable SQL.
//!
//! Types get their portable names; one that has none is the nearest portable one, with the option that says what it is.
//! What a table says besides (row security, partitions, storage parameters) is an option too.

use std::collections::BTreeMap;

use whimbrel_schema::model::{Column, Identity, ObjectName, Sequence, Table};
use whimbrel_schema::{Schema, Storage, Type};

use super::lower::{self, lower, serial_default};
use super::names::object_name;
use super::types::sql;

/// Portable types and names, and the options under which they become what is there.
pub(super) fn raise(native: &Schema) -> (Schema, Storage) {
    let mut raised = native.clone();
    let mut storage = Storage::default();
    for table in &mut raised.tables {
        let of = table.name.clone();
        for column in &mut table.columns {
            let mut said = BTreeMap::new();
            if let Some(sequence) = serial(&of, column, &native.sequences) {
                said.insert("identity".to_owned(), "serial".to_owned());
                raised.sequences.retain(|it| it.name != sequence);
                column.default = None;
                let options = Default::default();
                column.identity = Some(Identity { always: false, never_reuse: true, options });
            }
            if let Type::Native(text) = &column.ty {
                let (portable, exact) = portable(text);
                if !exact {
                    said.insert("type".to_owned(), text.clone());
                }
                column.ty = portable;
            }
            if !said.is_empty() {
                storage.columns.insert((of.clone(), column.name.clone()), said);
            }
        }
        let options = std::mem::take(&mut table.options.native);
        if !options.is_empty() {
            let named = options.into_iter().map(|(name, value)| (lower::option_of(&name), value)).collect();
            storage.tables.insert(of, named);
        }
    }
    unname(&mut raised, native, &storage);
    (raised, storage)
}

/// The sequence that `serial` would have made for the column.
fn serial(table: &ObjectName, column: &Column, sequences: &[Sequence]) -> Option<ObjectName> {
    let name = table.sibling(object_name(&table.name, &column.name, "seq"));
    let Type::Native(ty) = &column.ty else { return None };
    let made = Sequence {
        name: name.clone(),
        ty: (ty != "bigint").then(|| ty.clone()),
        options: Default::default(),
        owned_by: Some((table.clone(), column.name.clone())),
    };
    let is_number = matches!(ty.as_str(), "smallint" | "integer" | "bigint");
    let is_serial = is_number && column.not_null && column.default.as_ref() == Some(&serial_default(&name));
    (is_serial && sequences.contains(&made)).then_some(name)
}

/// The portable type, and whether it is exactly that.
fn portable(text: &str) -> (Type, bool) {
    let (item, dimensions) = text.strip_suffix("[]").map_or((text, false), |item| (item, true));
    let (base, arguments, tail) = match item.split_once('(') {
        Some((base, rest)) => rest.split_once(')').map_or((base, "", ""), |(args, tail)| (base, args, tail)),
        None => (item, "", ""),
    };
    let words = format!("{} {}", base.trim(), tail.trim());
    let numbers: Vec<i64> = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let digits = numbers.first().and_then(|digits| u8::try_from(*digits).ok());
    let length = numbers.first().and_then(|length| u32::try_from(*length).ok());
    let ty = match (words.trim(), numbers.as_slice()) {
        ("boolean", _) => Type::Boolean,
        ("smallint", _) => Type::SmallInt,
        ("integer", _) => Type::Integer,
        ("bigint" | "oid", _) => Type::BigInt,
        ("real", _) => Type::Real,
        ("double precision", _) => Type::Double,
        ("numeric", [precision, scale]) => match (u16::try_from(*precision), i16::try_from(*scale)) {
            (Ok(precision), Ok(scale)) if scale >= 0 => Type::Numeric(Some((precision, scale))),
            _ => Type::Numeric(None),
        },
        ("numeric" | "money", _) => Type::Numeric(None),
        ("character varying" | "character", [_]) => length.map_or(Type::Text, Type::Varchar),
        ("bytea", _) => Type::Bytea,
        ("json", _) => Type::Json,
        ("jsonb", _) => Type::Jsonb,
        ("uuid", _) => Type::Uuid,
        ("date", _) => Type::Date,
        ("time without time zone" | "time with time zone", _) => Type::Time(digits),
        ("timestamp without time zone", _) => Type::Timestamp(digits),
        ("timestamp with time zone", _) => Type::Timestamptz(digits),
        _ => Type::Text,
    };
    let ty = if dimensions { Type::Array(Box::new(ty)) } else { ty };
    let exact = sql(&ty) == text;
    (ty, exact)
}

/// Takes away the names of constraints that the database gives by itself.
fn unname(raised: &mut Schema, native: &Schema, storage: &Storage) {
    let mut bare = raised.clone();
    bare.tables.iter_mut().for_each(nameless);
    let Ok(named) = lower(&bare, storage) else { return };
    for (table, named) in raised.tables.iter_mut().zip(&named.tables) {
        let is = native.table(&table.name);
        if is.is_some_and(|is| names(is) == names(named)) {
            nameless(table);
        } else if is.is_some_and(|is| is.primary_key == named.primary_key) {
            // Where one has a name of its own, those that are given go by the others.
            table.primary_key.iter_mut().for_each(|it| it.name = None);
        }
    }
}

fn nameless(table: &mut Table) {
    table.primary_key.iter_mut().for_each(|it| it.name = None);
    table.uniques.iter_mut().for_each(|it| it.name = None);
    table.foreign_keys.iter_mut().for_each(|it| it.name = None);
    table.checks.iter_mut().for_each(|it| it.name = None);
}

fn names(table: &Table) -> Vec<Option<&String>> {
    let key = table.primary_key.iter().map(|it| it.name.as_ref());
    let uniques = table.uniques.iter().map(|it| it.name.as_ref());
    let foreign_keys = table.foreign_keys.iter().map(|it| it.name.as_ref());
    key.chain(uniques).chain(foreign_keys).chain(table.checks.iter().map(|it| it.name.as_ref())).collect()
}
