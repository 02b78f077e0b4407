//! From the catalog's rows to the model.

use std::collections::BTreeMap;

use whimbrel_schema::Type;
use whimbrel_schema::model::{
    Action, Check, Column, Deferrable, ForeignKey, Generated, Identity, Index, IndexKey, IndexTarget, NullsOrder,
    ObjectName, PrimaryKey, RawConstraint, Sequence, SequenceOptions, Table, Unique,
};

use super::{expr, name, rows};

pub(super) fn sequence(row: rows::Sequence) -> Sequence {
    let owned_by = row.owner_table.zip(row.owner_column).map(|(table, column)| (name(row.owner_schema, table), column));
    let ty = (row.counting.ty != "bigint").then(|| row.counting.ty.clone());
    Sequence { name: name(row.schema, row.name), ty, options: counting(&row.counting), owned_by }
}

/// How a sequence counts, without what is usual for its type and direction.
fn counting(row: &rows::Counting) -> SequenceOptions {
    let (least, greatest) = limits(&row.ty);
    let (min, max) = if row.increment < 0 { (least, -1) } else { (1, greatest) };
    let start = if row.increment < 0 { row.max } else { row.min };
    let unusual = |value: i64, usual: i64| (value != usual).then_some(value);
    SequenceOptions {
        start: unusual(row.start, start),
        increment: unusual(row.increment, 1),
        min: unusual(row.min, min),
        max: unusual(row.max, max),
        cache: unusual(row.cache, 1),
        cycle: row.cycle,
    }
}

/// The least and the greatest number of an integer type.
fn limits(ty: &str) -> (i64, i64) {
    match ty {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

pub(super) fn table(row: rows::Table) -> Table {
    let mut table = Table::new(name(row.schema, row.name));
    table.comment = row.comment;
    let partition_of =
        row.parents.as_ref().filter(|_| row.bound.is_some()).and_then(|parents| parents.first().cloned());
    let inherits = row.parents.as_ref().filter(|_| row.bound.is_none()).map(|parents| parents.join(", "));
    let row_security = row.row_security.then(|| if row.forced { "forced" } else { "enabled" }.to_owned());
    let identity = row.replica_identity.map(|letter| match letter.as_str() {
        "f" => "full".to_owned(),
        "n" => "nothing".to_owned(),
        _ => "index".to_owned(),
    });
    let options = [
        ("unlogged", row.unlogged.then(String::new)),
        ("with", row.options.map(|options| options.join(", "))),
        ("partition by", row.partition_key),
        ("partition of", partition_of),
        ("partition bound", row.bound),
        ("inherits", inherits),
        ("of", row.of_type),
        ("using", row.method),
        ("row security", row_security),
        ("replica identity", identity),
    ];
    let said = options.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    table.options.native = said.collect();
    table
}

pub(super) fn column(row: rows::Column, enums: &[ObjectName]) -> Column {
    let ty = type_of(&row, enums);
    let value = row.value.as_deref().map(expr);
    let (default, generated) = match (row.generated.as_str(), value) {
        ("", value) => (value, None),
        (kind, Some(expr)) => (None, Some(Generated { expr, stored: kind == "s" })),
        (_, None) => (None, None),
    };
    let options = row.sequence.as_ref().map(counting).unwrap_or_default();
    let identity =
        (!row.identity.is_empty()).then(|| Identity { always: row.identity == "a", never_reuse: true, options });
    Column {
        name: row.name,
        ty,
        not_null: row.not_null,
        default,
        generated,
        identity,
        collation: row.collation,
        comment: row.comment,
    }
}

/// An enum of the schema by its name, anything else as the server spells it.
fn type_of(row: &rows::Column, enums: &[ObjectName]) -> Type {
    let of = row.enum_name.as_ref().map(|ty| name(row.enum_schema.clone(), ty.clone()));
    match of.filter(|ty| enums.contains(ty)) {
        Some(ty) if row.is_array => Type::Array(Box::new(Type::Enum(ty))),
        Some(ty) => Type::Enum(ty),
        None => Type::Native(row.ty.clone()),
    }
}

pub(super) fn constraint(row: rows::Constraint, table: &mut Table) {
    let deferrable = match (row.deferrable, row.deferred) {
        (false, _) => Deferrable::No,
        (true, false) => Deferrable::Immediate,
        (true, true) => Deferrable::Deferred,
    };
    // What the model has no words for is kept as the server's.
    let special =
        row.special || !row.valid || (row.kind == "p" && row.deferrable) || (row.kind == "c" && row.no_inherit);
    let columns = row.columns.unwrap_or_default();
    let named = Some(row.name.clone());
    match (row.kind.as_str(), row.expr, row.parent) {
        ("p", ..) if !special => table.primary_key = Some(PrimaryKey { name: named, columns }),
        ("u", ..) if !special => {
            let nulls_not_distinct = row.nulls_not_distinct;
            table.uniques.push(Unique { name: named, columns, nulls_not_distinct, deferrable });
        }
        ("c", Some(text), _) if !special => {
            table.checks.push(Check { name: named, expr: expr(&text), at_column: None });
        }
        ("f", _, Some(parent)) if !special => table.foreign_keys.push(ForeignKey {
            name: named,
            columns,
            parent: name(row.parent_schema, parent),
            parent_columns: row.parent_columns.unwrap_or_default(),
            on_delete: action(&row.on_delete),
            on_update: action(&row.on_update),
            match_full: row.match_full,
            deferrable,
            at_column: false,
        }),
        _ => table.raw_constraints.push(RawConstraint { name: row.name, definition: row.definition }),
    }
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

pub(super) fn index(row: rows::Index) -> Index {
    let is_btree = row.method == "btree";
    Index {
        name: row.name,
        unique: row.unique,
        method: (!is_btree).then_some(row.method),
        keys: row.keys.into_iter().map(key).collect(),
        include: row.include.unwrap_or_default(),
        predicate: row.predicate.as_deref().map(expr),
        nulls_not_distinct: row.nulls_not_distinct,
        with: parameters(row.options),
    }
}

fn key(row: rows::Key) -> IndexKey {
    let on = match (row.column, row.expr) {
        (Some(column), _) => IndexTarget::Column(column),
        (None, text) => IndexTarget::Expr(expr(&text.unwrap_or_default())),
    };
    // Nulls are the greatest, so they stand first where the greatest stand first.
    let nulls = match (row.descending, row.nulls_first) {
        (true, false) => Some(NullsOrder::Last),
        (false, true) => Some(NullsOrder::First),
        _ => None,
    };
    IndexKey { on, descending: row.descending, nulls, collation: row.collation, opclass: row.opclass }
}

/// `fillfactor=70` and its like, by name.
fn parameters(options: Option<Vec<String>>) -> BTreeMap<String, String> {
    let pairs = options.into_iter().flatten();
    pairs
        .map(|pair| pair.split_once('=').map_or((pair.clone(), String::new()), |(k, v)| (k.to_owned(), v.to_owned())))
        .collect()
}
