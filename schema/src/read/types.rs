//! Types of columns.

use whimbrel_core::split::{LexemeKind, Lexer, tokens};

use super::node::object_name;
use crate::model::{ObjectName, Type};

/// A column's type as it is written, with what else the word says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub(super) ty: Type,
    /// `serial` and its like: a column that numbers itself.
    pub(super) serial: bool,
}

/// Reads a type. A name that is none of the portable types is an enum type, which must be in the file.
///
/// # Errors
///
/// What is wrong, and what to write instead.
pub(super) fn portable(text: &str) -> Result<Written, (String, String)> {
    let outside = |hint: &str| (format!("`{text}` is no portable type"), hint.to_owned());
    let general = "write one of boolean, smallint, integer, bigint, real, double precision, numeric, text, varchar(n), bytea, json, jsonb, uuid, date, time, timestamp, timestamptz, an enum type, or T[]; or put the table behind `-- @only postgres`";
    let lexemes = tokens(Lexer::Postgres, text).map_err(|_| outside(general))?;
    let mut dimensions = 0;
    let (mut words, mut arguments) = (Vec::new(), Vec::new());
    for lexeme in &lexemes {
        match (lexeme.kind, lexeme.text) {
            (LexemeKind::Mark, "[") => dimensions += 1,
            (LexemeKind::Mark, "[]") => dimensions += 1,
            (LexemeKind::Number, number) if dimensions == 0 => {
                arguments.push(number.parse::<u32>().map_err(|_| outside(general))?)
            }
            (LexemeKind::Word, word) if word.eq_ignore_ascii_case("array") => dimensions += 1,
            (LexemeKind::Word, word) => words.push(word.to_ascii_lowercase()),
            _ => {}
        }
    }
    if lexemes.iter().any(|it| it.kind == LexemeKind::Quoted || it.text == ".") {
        let end = text.find('[').unwrap_or(text.len());
        let name = text.get(..end).and_then(object_name).ok_or_else(|| outside(general))?;
        return Ok(plain(array(Type::Enum(name), dimensions)));
    }
    let joined = words.join(" ");
    let (ty, serial) = of_words(&joined, &arguments).ok_or_else(|| outside(hint_for(&joined).unwrap_or(general)))?;
    Ok(Written { ty: array(ty, dimensions), serial })
}

fn plain(ty: Type) -> Written {
    Written { ty, serial: false }
}

fn array(element: Type, dimensions: usize) -> Type {
    if dimensions == 0 { element } else { Type::Array(Box::new(element)) }
}

fn of_words(words: &str, arguments: &[u32]) -> Option<(Type, bool)> {
    let digits = || arguments.first().map(|digits| u8::try_from(*digits).ok()).map_or(Some(None), |it| it.map(Some));
    let ty = match (words, arguments) {
        ("boolean" | "bool", []) => Type::Boolean,
        ("smallint" | "int2", []) => Type::SmallInt,
        ("integer" | "int" | "int4", []) => Type::Integer,
        ("bigint" | "int8", []) => Type::BigInt,
        ("smallserial" | "serial2", []) => return Some((Type::SmallInt, true)),
        ("serial" | "serial4", []) => return Some((Type::Integer, true)),
        ("bigserial" | "serial8", []) => return Some((Type::BigInt, true)),
        ("real" | "float4", []) => Type::Real,
        ("double precision" | "float8" | "float", []) => Type::Double,
        ("numeric" | "decimal" | "dec", []) => Type::Numeric(None),
        ("numeric" | "decimal" | "dec", [precision]) => Type::Numeric(Some((u16::try_from(*precision).ok()?, 0))),
        ("numeric" | "decimal" | "dec", [precision, scale]) => {
            Type::Numeric(Some((u16::try_from(*precision).ok()?, i16::try_from(*scale).ok()?)))
        }
        ("text" | "varchar" | "character varying", []) => Type::Text,
        ("varchar" | "character varying" | "char varying", [length]) => Type::Varchar(*length),
        ("bytea", []) => Type::Bytea,
        ("json", []) => Type::Json,
        ("jsonb", []) => Type::Jsonb,
        ("uuid", []) => Type::Uuid,
        ("date", []) => Type::Date,
        ("time" | "time without time zone", _) => Type::Time(digits()?),
        ("timestamp" | "timestamp without time zone", _) => Type::Timestamp(digits()?),
        ("timestamptz" | "timestamp with time zone", _) => Type::Timestamptz(digits()?),
        (name, []) if !name.contains(' ') && !name.is_empty() && hint_for(name).is_none() => {
            Type::Enum(ObjectName::new(name))
        }
        _ => return None,
    };
    Some((ty, false))
}

/// What to write for types that people know and that are not portable.
fn hint_for(words: &str) -> Option<&'static str> {
    Some(match words {
        "char" | "character" | "bpchar" => {
            "write varchar(n) or text: char pads with spaces in one dialect and not in the other"
        }
        "blob" => "write bytea",
        "datetime" => "write timestamp or timestamptz",
        "timetz" | "time with time zone" => "write time, or timestamptz",
        "money" => "write numeric(p, s)",
        "interval" => "write bigint for a number of seconds, or put the table behind `-- @only postgres`",
        "tinyint" | "mediumint" => "write smallint or integer",
        "xml" | "inet" | "cidr" | "macaddr" | "tsvector" | "tsquery" | "point" | "bit" | "varbit" | "hstore"
        | "citext" => "write text, or put the table behind `-- @only postgres`",
        _ => return None,
    })
}
