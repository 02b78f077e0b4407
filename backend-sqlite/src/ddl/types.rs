//! Types: what SQLite makes of their names, and what becomes of values when one changes.

/// What SQLite does with values that are stored in a column, by the name of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    /// The rule of SQLite, in its order.
    pub(super) fn of(ty: &str) -> Self {
        let ty = ty.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| ty.contains(part));
        if has(&["int"]) {
            Self::Integer
        } else if has(&["char", "clob", "text"]) {
            Self::Text
        } else if ty.is_empty() || has(&["blob"]) || ty == "any" {
            Self::Blob
        } else if has(&["real", "floa", "doub"]) {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

/// What becomes of the values of a column whose type changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// All are equal to what they were.
    Kept,
    /// Some may change, in this way.
    Loses(&'static str),
    /// A person must say how: SQLite would change those that look like numbers, and leave the others.
    Told,
}

pub(super) fn conversion(from: &str, to: &str) -> Conversion {
    use Affinity::{Blob, Integer, Numeric, Real, Text};
    match (Affinity::of(from), Affinity::of(to)) {
        (from, to) if from == to => Conversion::Kept,
        (_, Blob) | (Blob | Integer, Text) | (Integer | Numeric | Real, Numeric | Integer) => Conversion::Kept,
        (Real | Numeric, Text) => Conversion::Loses("the digits of its numbers beyond the 15th"),
        (Integer | Numeric, Real) => Conversion::Loses("the last digits of whole numbers beyond 9007199254740992"),
        (Text | Blob, Integer | Real | Numeric) => Conversion::Told,
        // Equal ones came first.
        (Text, Text) | (Real, Real) => Conversion::Kept,
    }
}
