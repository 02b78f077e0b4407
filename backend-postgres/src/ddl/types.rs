//! Types as `format_type` spells them.

use whimbrel_schema::Type;
use whimbrel_schema::model::ObjectName;

use super::words::object;

/// The type in Postgres: enums of the schema (and their arrays) by name, all others as the server spells them.
pub(crate) fn lowered(ty: &Type) -> Type {
    match ty {
        Type::Enum(_) => ty.clone(),
        Type::Array(item) if matches!(**item, Type::Enum(_)) => ty.clone(),
        Type::Native(text) => Type::Native(spelled(text)),
        other => Type::Native(sql(other)),
    }
}

/// The type as SQL, portable ones as the server spells them.
pub(crate) fn sql(ty: &Type) -> String {
    match ty {
        Type::Enum(name) => object(name),
        Type::Array(item) => format!("{}[]", sql(item)),
        Type::Native(text) => text.clone(),
        portable => spelled(&portable.to_string()),
    }
}

/// The enum that a type is, or is an array of.
pub(crate) fn enum_of(ty: &Type) -> Option<&ObjectName> {
    match ty {
        Type::Enum(name) => Some(name),
        Type::Array(item) => enum_of(item),
        _ => None,
    }
}

/// A native type in the server's spelling, where the short ones that people write are known.
pub(super) fn spelled(text: &str) -> String {
    let text = text.trim();
    if text.contains('"') {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    if let Some(item) = lower.strip_suffix("[]") {
        return format!("{}[]", spelled(item.trim()).trim_end_matches("[]"));
    }
    let (base, rest) = lower.split_once('(').map_or((lower.as_str(), ""), |(base, rest)| (base, rest));
    let (args, tail) = rest.split_once(')').unwrap_or(("", ""));
    let args: String = args.split_whitespace().collect();
    let args = if args.is_empty() { args } else { format!("({args})") };
    let words = format!("{} {}", base.trim(), tail.trim());
    with_args(words.trim(), &args)
}

fn with_args(words: &str, args: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.as_str() {
        "int" | "int4" => "integer".to_owned(),
        "int8" => "bigint".to_owned(),
        "int2" => "smallint".to_owned(),
        "bool" => "boolean".to_owned(),
        "float4" => "real".to_owned(),
        "float" | "float8" => "double precision".to_owned(),
        "decimal" | "dec" => format!("numeric{args}"),
        "varchar" | "char varying" => format!("character varying{args}"),
        "char" | "bpchar" if args.is_empty() => if words == "char" { "character(1)" } else { "bpchar" }.to_owned(),
        "character" if args.is_empty() => "character(1)".to_owned(),
        "char" | "bpchar" => format!("character{args}"),
        "varbit" => format!("bit varying{args}"),
        "bit" if args.is_empty() => "bit(1)".to_owned(),
        "timestamptz" | "timestamp with time zone" => format!("timestamp{args} with time zone"),
        "timestamp" | "timestamp without time zone" => format!("timestamp{args} without time zone"),
        "timetz" | "time with time zone" => format!("time{args} with time zone"),
        "time" | "time without time zone" => format!("time{args} without time zone"),
        _ => format!("{words}{args}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{spelled, sql};
    use whimbrel_schema::Type;

    #[test]
    fn portable_types_are_spelled_too() {
        for (ty, server) in [
            (Type::Varchar(40), "character varying(40)"),
            (Type::Numeric(Some((10, 2))), "numeric(10,2)"),
            (Type::Double, "double precision"),
            (Type::Time(None), "time without time zone"),
            (Type::Timestamp(Some(3)), "timestamp(3) without time zone"),
            (Type::Array(Box::new(Type::Timestamptz(None))), "timestamp with time zone[]"),
        ] {
            assert_eq!(sql(&ty), server);
        }
    }

    #[test]
    fn types_are_spelled_as_the_server_does() {
        for (written, server) in [
            ("varchar(320)", "character varying(320)"),
            ("VARCHAR", "character varying"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("char", "character(1)"),
            ("int4[]", "integer[]"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("bit varying(5)", "bit varying(5)"),
            ("tsvector", "tsvector"),
            ("\"Odd\"", "\"Odd\""),
            ("interval", "interval"),
        ] {
            assert_eq!(spelled(written), server);
        }
    }
}
