//! Which changes of a type keep every value.

use whimbrel_schema::Type;

use super::step::Work;
use super::types;

/// How a column gets another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Every value stays what it is.
    Lossless {
        /// The cast that must be asked for; none where an assignment makes it.
        cast: Option<String>,
        /// What the server does for it.
        work: Work,
    },
    /// Values may be lost, refused, or mean something else afterwards.
    Doubtful {
        /// Which, in a sentence without a subject.
        why: String,
    },
}

use Conversion::{Doubtful, Lossless};

/// A type's base name and numbers: `character varying(320)` is `("character varying", [320])`.
fn parts(ty: &str) -> (String, Vec<i64>) {
    let Some((before, rest)) = ty.split_once('(') else { return (ty.to_owned(), Vec::new()) };
    let (args, after) = rest.split_once(')').unwrap_or((rest, ""));
    let numbers = args.split(',').filter_map(|arg| arg.trim().parse().ok()).collect();
    (format!("{before}{after}"), numbers)
}

/// Finds the way from one type to another.
pub(super) fn conversion(from: &Type, to: &Type) -> Conversion {
    if from == to {
        return plain(Work::Catalog);
    }
    match (from, to) {
        (Type::Enum(_), to) if is_unbounded_text(&types::sql(to)) => plain(Work::Rewrite),
        // A text that is no value of the enum is refused, and nothing is lost then.
        (from, Type::Enum(ty)) if is_text(&types::sql(from)) => {
            let cast = format!("::text::{}", super::words::object(ty));
            Lossless { cast: Some(cast), work: Work::Rewrite }
        }
        (Type::Enum(_), _) | (_, Type::Enum(_)) => doubtful("no rule tells which value becomes which"),
        (from, to) => between(&types::sql(from), &types::sql(to)),
    }
}

fn plain(work: Work) -> Conversion {
    Lossless { cast: None, work }
}

fn doubtful(why: &str) -> Conversion {
    Doubtful { why: why.to_owned() }
}

fn is_text(ty: &str) -> bool {
    let (base, _) = parts(ty);
    matches!(base.as_str(), "text" | "character varying")
}

fn is_unbounded_text(ty: &str) -> bool {
    matches!(ty, "text" | "character varying")
}

/// From the spelling of one native type to another.
fn between(from: &str, to: &str) -> Conversion {
    if let (Some(a), Some(b)) = (from.strip_suffix("[]"), to.strip_suffix("[]")) {
        return match between(a, b) {
            Lossless { work, .. } => Lossless { cast: Some(format!("::{to}")), work },
            doubt => doubt,
        };
    }
    let ((a, given), (b, wanted)) = (parts(from), parts(to));
    if is_unbounded_text(to) {
        return to_text(&a);
    }
    match (a.as_str(), b.as_str()) {
        ("text" | "character varying" | "character", "character varying") => shortened(&a, &given, &wanted),
        ("numeric", "numeric") => numeric(&given, &wanted),
        ("boolean", "smallint" | "bigint") => Lossless { cast: Some(format!("::integer::{to}")), work: Work::Rewrite },
        ("boolean", "integer") => Lossless { cast: Some("::integer".to_owned()), work: Work::Rewrite },
        ("cidr", "inet") => plain(Work::Catalog),
        ("jsonb", "json") | ("date", "timestamp without time zone") | ("real", "double precision") => {
            plain(Work::Rewrite)
        }
        ("bit varying", "bit varying") if grows(&given, &wanted) => plain(Work::Catalog),
        (a, b) if a == b && is_time(a) && grows(&given, &wanted) => plain(Work::Catalog),
        (a, b) if is_time(a) || is_time(b) => time(a, b),
        (a, b) => number(a, b, &wanted),
    }
}

/// Every type can be written as text; the ones named here are read back as they were.
fn to_text(from: &str) -> Conversion {
    match from {
        "text" | "character varying" => plain(Work::Catalog),
        "bytea" => doubtful(
            "bytes become the text of their hexadecimal form; `convert_from(column, 'UTF8')` reads them as text",
        ),
        _ => plain(Work::Rewrite),
    }
}

fn grows(given: &[i64], wanted: &[i64]) -> bool {
    match (given, wanted) {
        (_, []) => true,
        ([a], [b]) => b >= a,
        _ => false,
    }
}

fn shortened(from: &str, given: &[i64], wanted: &[i64]) -> Conversion {
    let [limit] = wanted else { return plain(Work::Catalog) };
    match given {
        [length] if length <= limit => plain(if from == "character" { Work::Rewrite } else { Work::Catalog }),
        _ => Doubtful { why: format!("values longer than {limit} characters do not fit (`length(column) > {limit}`)") },
    }
}

fn numeric(given: &[i64], wanted: &[i64]) -> Conversion {
    match (given, wanted) {
        (_, []) => plain(Work::Catalog),
        ([p, s], [q, t]) if s == t && q >= p => plain(Work::Catalog),
        ([p, s], [q, t]) if t > s && q - t >= p - s => plain(Work::Rewrite),
        (_, [q, t]) => Doubtful {
            why: format!(
                "values are rounded to {t} digits after the point, and those of more than {} before it are refused (`column <> round(column, {t})`)",
                q - t
            ),
        },
        _ => doubtful("values may be rounded"),
    }
}

fn is_time(ty: &str) -> bool {
    ty == "date" || ty.starts_with("time") || ty == "interval"
}

fn time(a: &str, b: &str) -> Conversion {
    let zoned = |ty: &str| ty == "timestamp with time zone";
    if zoned(a) != zoned(b) && (a.starts_with("timestamp") || a == "date") {
        return doubtful(
            "which moment a value means depends on the session's time zone; say it: `column AT TIME ZONE 'UTC'`",
        );
    }
    doubtful("parts of a value are cut off or cannot be converted")
}

fn number(a: &str, b: &str, wanted: &[i64]) -> Conversion {
    const INTEGERS: [&str; 3] = ["smallint", "integer", "bigint"];
    let rank = |ty: &str| INTEGERS.iter().position(|integer| *integer == ty);
    match (rank(a), rank(b)) {
        (Some(from), Some(to)) if from < to => plain(Work::Rewrite),
        (Some(_), Some(_)) => Doubtful { why: format!("numbers outside of the range of {b} do not fit") },
        (Some(_), None) if b == "numeric" && wanted.is_empty() => plain(Work::Rewrite),
        (Some(from), None) if b == "double precision" && from < 2 => plain(Work::Rewrite),
        (Some(0), None) if b == "real" => plain(Work::Rewrite),
        _ => Doubtful { why: format!("not every {a} is a {b}, and different values may become one") },
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_schema::Type;
    use whimbrel_schema::model::ObjectName;

    use super::{Conversion, Work, conversion};

    fn native(ty: &str) -> Type {
        Type::Native(ty.to_owned())
    }

    fn work(from: &str, to: &str) -> Option<Work> {
        match conversion(&native(from), &native(to)) {
            Conversion::Lossless { work, .. } => Some(work),
            Conversion::Doubtful { .. } => None,
        }
    }

    #[test]
    fn what_keeps_every_value_is_known_with_its_cost() {
        for (from, to, expected) in [
            ("character varying(50)", "character varying(100)", Some(Work::Catalog)),
            ("character varying(50)", "text", Some(Work::Catalog)),
            ("text", "character varying", Some(Work::Catalog)),
            ("character varying(50)", "character varying(3)", None),
            ("text", "character varying(50)", None),
            ("character(5)", "text", Some(Work::Rewrite)),
            ("integer", "bigint", Some(Work::Rewrite)),
            ("bigint", "integer", None),
            ("bigint", "double precision", None),
            ("numeric(10,2)", "numeric(12,2)", Some(Work::Catalog)),
            ("numeric(10,2)", "numeric(12,3)", Some(Work::Rewrite)),
            ("numeric(10,2)", "numeric(10,3)", None),
            ("numeric(10,6)", "numeric(10,1)", None),
            ("numeric(10,2)", "numeric", Some(Work::Catalog)),
            ("text", "integer", None),
            ("integer", "boolean", None),
            ("boolean", "integer", Some(Work::Rewrite)),
            ("json", "jsonb", None),
            ("jsonb", "json", Some(Work::Rewrite)),
            ("timestamp without time zone", "timestamp with time zone", None),
            ("timestamp(3) with time zone", "timestamp with time zone", Some(Work::Catalog)),
            ("timestamp with time zone", "timestamp(3) with time zone", None),
            ("integer[]", "bigint[]", Some(Work::Rewrite)),
            ("bytea", "text", None),
            ("uuid", "text", Some(Work::Rewrite)),
        ] {
            assert_eq!(work(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn enums_become_text_and_texts_become_enums_by_their_labels() {
        let mood = Type::Enum(ObjectName::new("mood"));
        assert_eq!(conversion(&mood, &native("text")), Conversion::Lossless { cast: None, work: Work::Rewrite });
        let cast = Some("::text::mood".to_owned());
        assert_eq!(conversion(&native("text"), &mood), Conversion::Lossless { cast, work: Work::Rewrite });
        assert!(matches!(conversion(&native("boolean"), &mood), Conversion::Doubtful { .. }));
    }
}
