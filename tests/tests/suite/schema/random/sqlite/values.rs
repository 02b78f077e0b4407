//! What SQLite holds of a row before and after.

use std::collections::BTreeMap;

use whimbrel::schema::model::ObjectName;

use super::super::Case;
use super::super::offer::said;
use super::super::text::{literal, quoted};
use super::super::world::{Column, Table, Ty, World};

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    /// So many halves.
    Halves(i64),
    Text(String),
    Blob(String),
}

impl Value {
    /// As `quote()` shows it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Halves(number) => halves(*number),
            Self::Text(text) => literal(text),
            Self::Blob(hex) => format!("X'{hex}'"),
        }
    }
}

fn halves(number: i64) -> String {
    format!("{}.{}", number / 2, if number % 2 == 0 { 0 } else { 5 })
}

/// In which form a column stores values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Affinity {
    Integer,
    Numeric,
    Text,
    Blob,
}

impl World {
    pub(super) fn affinity(&self, table: &Table, column: &Column) -> Affinity {
        match column.ty {
            Ty::Int | Ty::Big | Ty::Bool => Affinity::Integer,
            Ty::Time if self.stored(table, column, "timestamps").is_some_and(|it| it != "text") => Affinity::Integer,
            Ty::Numeric if self.stored(table, column, "numerics") != Some("text") => Affinity::Numeric,
            Ty::Bytes => Affinity::Blob,
            _ => Affinity::Text,
        }
    }

    /// A time in the form of the column.
    fn time(&self, table: &Table, column: &Column, row: usize) -> Value {
        let day = i64::try_from(row).expect("there are few rows");
        let seconds = 1_577_836_800 + day * 86_400;
        match self.stored(table, column, "timestamps") {
            Some("integer-ms") => Value::Integer(seconds * 1_000),
            Some("integer-s") => Value::Integer(seconds),
            _ => Value::Text(format!("2020-01-0{}T00:00:00Z", row + 1)),
        }
    }

    /// The value of a row in the form of a column of `self`.
    fn value_of(&self, case: &Case, table: &Table, column: &Column, row: usize) -> Value {
        let number = i64::try_from(row).expect("there are few rows");
        let of_enum = |id| case.before.enum_value(self, &case.after, id, row);
        match column.ty {
            Ty::Int | Ty::Big => Value::Integer(number * 3 + 4_000_000_000_000_001),
            Ty::Text | Ty::Varchar => Value::Text(format!("v{row} \"';{{")),
            Ty::Bool => Value::Integer(1 - number % 2),
            Ty::Numeric if self.affinity(table, column) == Affinity::Text => Value::Text(format!("{row}.50")),
            Ty::Numeric => Value::Halves(number * 2 + 1),
            Ty::Time => self.time(table, column, row),
            Ty::Json => Value::Text(format!("{{\"k\": {row}}}")),
            Ty::Bytes => Value::Blob(format!("00FF0{row}")),
            Ty::Uuid => Value::Text(format!("01234567-89ab-4cde-8f01-23456789ab0{row}")),
            Ty::Texts => Value::Text(format!("[\"a\",\"b{row}\"]")),
            Ty::Enum(id) => Value::Text(of_enum(id)),
            Ty::Enums(id) => Value::Text(format!("[\"{}\"]", of_enum(id).replace('"', "\\\""))),
        }
    }

    /// The value that a default gives; `None`: one that nobody knows.
    fn default_value(&self, table: &Table, column: &Column) -> Option<Value> {
        match said(&column.options, "default") {
            Some("40 + 2") => return Some(Value::Integer(42)),
            Some("CURRENT_TIMESTAMP") => return None,
            Some(_) => return Some(Value::Text("OWN".to_owned())),
            None => {}
        }
        let (_, text) = self.default_sql(column)?;
        let text = text?;
        Some(match column.ty {
            Ty::Int | Ty::Big => Value::Integer(text.parse().expect("a number")),
            Ty::Bool => Value::Integer(1),
            Ty::Numeric if self.affinity(table, column) == Affinity::Numeric => Value::Halves(3),
            Ty::Bytes => Value::Blob("C0FFEE".to_owned()),
            Ty::Texts | Ty::Enums(_) => Value::Text("[]".to_owned()),
            _ => Value::Text(text),
        })
    }
}

impl Case {
    /// What is in a row before.
    pub(super) fn value(&self, table: &Table, column: &Column, row: usize) -> Value {
        let Self { before, after, rows, .. } = self;
        if before.is_null(after, table, column, row) {
            return Value::Null;
        }
        before.value_of(self, table, column, before.turned(after, column, row, *rows))
    }

    /// What is in the row after; `None`: something else, or nobody knows what.
    pub(super) fn expected_value(&self, table: &Table, column: &Column, row: usize) -> Option<Value> {
        let Self { before, after, .. } = self;
        let now = after.table(table.id)?;
        let later = now.column(column.id)?;
        if later.generated.is_some() || column.generated.is_some() {
            return None;
        }
        let value = self.value(table, column, row);
        if value == Value::Null && later.not_null {
            let filled = self.fills().contains_key(&(ObjectName::new(now.name.as_str()), later.name.clone()));
            return match after.affinity(now, later) {
                Affinity::Text if filled => Some(Value::Text("0".to_owned())),
                _ if filled => Some(Value::Integer(0)),
                _ => after.default_value(now, later),
            };
        }
        let tells = |world: &World, table: &Table, column: &Column| {
            let mut checks = table.checks.iter().filter(|it| it.column == column.id);
            world.stored(table, column, "checks") != Some("none") || checks.any(|it| it.kind < 2)
        };
        let are_told = tells(before, table, column) || tells(after, now, later);
        if let (Value::Text(_), Ty::Enum(_), Ty::Enum(_), true) = (&value, column.ty, later.ty, are_told) {
            return Some(after.value_of(self, now, later, before.turned(after, column, row, self.rows)));
        }
        Some(match (value, after.affinity(now, later), later.ty) {
            (Value::Integer(number), Affinity::Text, _) => Value::Text(number.to_string()),
            (Value::Halves(number), Affinity::Text, _) => Value::Text(halves(number)),
            (Value::Text(_), Affinity::Integer | Affinity::Numeric, _) => {
                after.value_of(self, now, later, before.turned(after, column, row, self.rows))
            }
            (value, ..) => value,
        })
    }

    /// How texts become numbers, and numbers that were times become texts.
    pub(super) fn fills(&self) -> BTreeMap<(ObjectName, String), String> {
        let mut fills = BTreeMap::new();
        for table in &self.after.tables {
            let Some(was) = self.before.table(table.id) else { continue };
            for column in &table.columns {
                let Some(old) = was.column(column.id).filter(|it| it.generated.is_none()) else { continue };
                let told = (self.before.affinity(was, old), self.after.affinity(table, column));
                let name = quoted(&old.name);
                let number = match (told, self.after.stored(table, column, "timestamps")) {
                    _ if column.generated.is_some() => continue,
                    ((Affinity::Text, Affinity::Numeric), _) => format!("CAST({name} AS numeric)"),
                    ((Affinity::Text, Affinity::Integer), Some("integer-ms")) => {
                        format!("CAST(strftime('%s', {name}) AS integer) * 1000")
                    }
                    ((Affinity::Text, Affinity::Integer), _) => format!("CAST(strftime('%s', {name}) AS integer)"),
                    ((Affinity::Integer, Affinity::Text), _) if old.ty == Ty::Time => format!("CAST({name} AS text)"),
                    _ => continue,
                };
                let asks = column.not_null && !old.not_null;
                let nothing = if told.1 == Affinity::Text { "'0'" } else { "0" };
                let number = if asks { format!("coalesce({number}, {nothing})") } else { number };
                fills.insert((ObjectName::new(table.name.as_str()), column.name.clone()), number);
            }
        }
        fills
    }
}
