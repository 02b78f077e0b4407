//! From SQLite's schema back to portable SQL.
//!
//! Nothing in the database says what a column of integers means, so a type is guessed from its name and from the check that
//! stands for it, and the guess counts only where lowering gives exactly what is there. What a guess leaves open is said by
//! options: the declared type, the default, whether checks stand for types.

use std::collections::BTreeMap;

use whimbrel_core::split::Lexer;
use whimbrel_schema::model::{Column, Table};
use whimbrel_schema::{Expr, Schema, Storage, Type};

use super::lower::lower;
use super::types::Affinity;

type Said = BTreeMap<String, String>;

/// The portable form of each table, where it has one, and how it is stored.
pub(super) fn raise(native: &Schema) -> (Schema, Storage) {
    let mut raised = native.clone();
    let mut storage = Storage::default();
    for table in &mut raised.tables {
        if let Some((portable, columns)) = raise_table(table) {
            let options = options_of(table);
            if !options.is_empty() {
                storage.tables.insert(table.name.clone(), options);
            }
            for (column, options) in columns.into_iter().filter(|(_, options)| !options.is_empty()) {
                storage.columns.insert((table.name.clone(), column), options);
            }
            *table = portable;
        }
    }
    (raised, storage)
}

fn options_of(table: &Table) -> Said {
    let said = [("strict", table.options.strict), ("without-rowid", table.options.without_rowid)];
    said.into_iter().filter(|(_, is)| *is).map(|(name, _)| (name.to_owned(), "on".to_owned())).collect()
}

/// `None`: it says what only SQLite knows.
fn raise_table(table: &Table) -> Option<(Table, Vec<(String, Said)>)> {
    if !table.options.native.is_empty() {
        return None;
    }
    let mut portable = table.clone();
    portable.options = Default::default();
    let mut columns = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let (guess, said, checks) =
            guesses(table, column).into_iter().find_map(|guess| confirmed(table, column, guess))?;
        if let Some(place) = portable.columns.get_mut(at) {
            *place = guess;
        }
        for check in checks {
            let at = portable.checks.iter().position(|it| it.name.is_none() && it.expr == check)?;
            portable.checks.remove(at);
        }
        columns.push((column.name.clone(), said));
    }
    Some((portable, columns))
}

/// What a column may be, the likeliest first.
fn guesses(table: &Table, column: &Column) -> Vec<(Column, Said)> {
    let Type::Native(declared) = &column.ty else { return Vec::new() };
    let key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name));
    let mut guesses = Vec::new();
    for ty in types(declared).into_iter().chain(lengths(table, column)) {
        for default in defaults(column, &ty) {
            for bits in 0..8_u8 {
                let mut said = Said::new();
                let mut say = |name: &str, value: &str| said.insert(name.to_owned(), value.to_owned());
                let mut guess = Column { ty: ty.clone(), default: default.clone(), comment: None, ..column.clone() };
                if bits & 1 != 0 {
                    say("checks", "none");
                }
                if bits & 2 != 0 {
                    say("type", declared);
                }
                if bits & 4 != 0 {
                    // What is said for SQLite alone is not said again for all.
                    let Some(own) = column.default.as_ref().filter(|own| default.as_ref() != Some(*own)) else {
                        continue;
                    };
                    say("default", own.as_str());
                }
                if key && !column.not_null {
                    say("keys", "nullable");
                }
                if let Some(generated) = guess.generated.as_mut().filter(|generated| !generated.stored) {
                    generated.stored = true;
                    say("generated", "virtual");
                }
                // What SQLite numbers without AUTOINCREMENT is so because of its key.
                guess.identity = guess.identity.filter(|identity| identity.never_reuse);
                guesses.push((guess, said));
            }
        }
    }
    // The fewest options first, among equals the likeliest type; a length is tried before none.
    let is_long = |ty: &Type| !matches!(ty, Type::Varchar(_));
    guesses.sort_by_key(|(guess, said)| (said.len(), is_long(&guess.ty)));
    guesses
}

/// The portable types that a declared one may stand for.
fn types(declared: &str) -> Vec<Type> {
    let (base, arguments) = declared.split_once('(').unwrap_or((declared, ""));
    let numbers: Vec<u16> =
        arguments.trim_end_matches(')').split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let length = numbers.first().map(|length| u32::from(*length)).filter(|length| *length > 0);
    match (base.trim(), Affinity::of(declared)) {
        ("boolean" | "bool", _) => vec![Type::Boolean],
        ("date", _) => vec![Type::Date],
        ("time", _) => vec![Type::Time(None)],
        ("datetime" | "timestamp", _) => vec![Type::Timestamp(None)],
        ("timestamptz", _) => vec![Type::Timestamptz(None)],
        ("uuid", _) => vec![Type::Uuid],
        ("json", _) => vec![Type::Json],
        ("jsonb", _) => vec![Type::Jsonb],
        ("integer", _) => vec![Type::Boolean, Type::BigInt],
        ("text", _) => vec![Type::Jsonb, Type::Uuid, Type::Timestamptz(None), Type::Text],
        ("numeric" | "decimal", _) => match numbers.as_slice() {
            [precision, scale] => vec![Type::Numeric(Some((*precision, i16::try_from(*scale).unwrap_or(0))))],
            [precision] => vec![Type::Numeric(Some((*precision, 0))), Type::Numeric(None)],
            _ => vec![Type::Numeric(None)],
        },
        (_, Affinity::Integer) => vec![Type::BigInt],
        (_, Affinity::Text) => length.map(Type::Varchar).into_iter().chain([Type::Text]).collect(),
        (_, Affinity::Real) => vec![Type::Double],
        (_, Affinity::Blob) => vec![Type::Bytea],
        (_, Affinity::Numeric) => vec![Type::Numeric(None)],
    }
}

/// The length that a check of the column allows.
fn lengths(table: &Table, column: &Column) -> Vec<Type> {
    let start = format!("length({}) <= ", super::name_sql(&column.name));
    let lengths = table.checks.iter().filter_map(|check| check.expr.as_str().strip_prefix(&start)?.parse().ok());
    lengths.filter(|length| *length > 0).map(Type::Varchar).collect()
}

/// A default as it is, as one of the portable type, and none.
fn defaults(column: &Column, ty: &Type) -> Vec<Option<Expr>> {
    let Some(default) = &column.default else { return vec![None] };
    let portable = match (ty, default.as_str()) {
        (Type::Boolean, "0") => Some("false"),
        (Type::Boolean, "1") => Some("true"),
        (_, "CURRENT_TIMESTAMP" | "CURRENT_DATE" | "CURRENT_TIME") | (Type::Timestamptz(_), _) => Some("now()"),
        (Type::Uuid, _) => Some("gen_random_uuid()"),
        _ => None,
    };
    let portable = portable.map(|text| Expr::parse(text, Lexer::Postgres));
    portable.into_iter().map(Some).chain([Some(default.clone()), None]).collect()
}

/// The guess, where it leads to exactly this column, with the checks that it brings, all of which are there.
fn confirmed(table: &Table, column: &Column, guess: (Column, Said)) -> Option<(Column, Said, Vec<Expr>)> {
    let (guess, said) = guess;
    let mut alone = Table::new(table.name.clone());
    alone.primary_key = table.primary_key.clone();
    alone.columns = vec![guess.clone()];
    let mut storage = Storage::default();
    storage.tables.insert(table.name.clone(), options_of(table));
    storage.columns.insert((table.name.clone(), column.name.clone()), said.clone());
    let lowered = lower(&Schema { tables: vec![alone], ..Schema::default() }, &storage).ok()?;
    let lowered = lowered.tables.into_iter().next()?;
    let is_there = |expr: &Expr| table.checks.iter().any(|it| it.name.is_none() && it.expr == *expr);
    let checks: Vec<Expr> = lowered.checks.iter().map(|check| check.expr.clone()).collect();
    // A guess that brings nothing to tell it by is worth no more than the plain one.
    let by_default = guess.default.is_some() && guess.default != column.default && !said.contains_key("default");
    let is_told = match guess.ty {
        Type::Boolean | Type::Jsonb => !checks.is_empty() || declares(column, &guess.ty),
        Type::Uuid | Type::Timestamptz(_) => by_default || declares(column, &guess.ty),
        _ => true,
    };
    (is_told && lowered.columns == [column.clone()] && checks.iter().all(is_there)).then_some((guess, said, checks))
}

/// Whether the name of the declared type says it.
fn declares(column: &Column, ty: &Type) -> bool {
    let Type::Native(declared) = &column.ty else { return false };
    match ty {
        Type::Boolean => declared.starts_with("bool"),
        Type::Jsonb => declared == "jsonb",
        Type::Uuid => declared == "uuid",
        Type::Timestamptz(_) => declared == "timestamptz",
        _ => true,
    }
}
