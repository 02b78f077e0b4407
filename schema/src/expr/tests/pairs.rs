//! `postgres.tsv` holds what Postgres 15 prints for what was written: the place (`check`, or the type of the column whose
//! default it is), the text, the print.

use whimbrel_core::split::Lexer;

use super::super::Expr;
use super::{postgres, sqlite, types};
use crate::model::{ObjectName, Type};

const PAIRS: &str = include_str!("postgres.tsv");

fn unescape(text: &str) -> String {
    text.replace("\\\\", "\u{0}").replace("\\n", "\n").replace("\\t", "\t").replace('\u{0}', "\\")
}

fn pairs() -> impl Iterator<Item = (&'static str, String, String)> {
    PAIRS.lines().map(|line| {
        let mut parts = line.split('\t');
        let mut part = || parts.next().unwrap_or_default();
        (part(), unescape(part()), unescape(part()))
    })
}

fn column_type(name: &str) -> Type {
    match name {
        "integer" => Type::Integer,
        "bigint" => Type::BigInt,
        "numeric(10,2)" => Type::Numeric(Some((10, 2))),
        "text" => Type::Text,
        "varchar(20)" => Type::Varchar(20),
        "boolean" => Type::Boolean,
        "jsonb" => Type::Jsonb,
        "uuid" => Type::Uuid,
        "timestamptz" => Type::Timestamptz(None),
        "mood" => Type::Enum(ObjectName::new("mood")),
        "text[]" => Type::Array(Box::new(Type::Text)),
        other => Type::Native(other.to_owned()),
    }
}

fn canonical(place: &str, text: &str) -> Expr {
    let result = if place == "check" { Type::Boolean } else { column_type(place) };
    postgres(text).with_column_types(&types, Some(&result))
}

#[test]
fn what_is_written_and_what_postgres_prints_are_one() {
    let mut wrong = Vec::new();
    let mut seen = String::new();
    for (place, written, printed) in pairs() {
        let (a, b) = (canonical(place, &written), canonical(place, &printed));
        seen.push_str(&format!("{place} | {written} | {a}{}\n", if a.is_raw() { " (raw)" } else { "" }));
        if a != b {
            wrong.push(format!("{place}: {written}\n   written: {a}\n   printed: {b}\n   postgres: {printed}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(seen);
}

#[test]
fn the_form_stays_as_it_is() {
    for (place, written, printed) in pairs() {
        for text in [&written, &printed] {
            let once = canonical(place, text);
            assert_eq!(canonical(place, once.as_str()), once, "{text}");
            assert_eq!(postgres(once.as_str()), once, "{text}");
            // Where SQLite's reader takes the text, it sees the same; a raw text is of no other dialect.
            if let (Some(node), Some(other)) = (once.node(), sqlite_node(&once)) {
                assert_eq!(other, node, "{text}");
            }
        }
    }
}

/// What SQLite's lexer and precedences make of a canonical text, where it can read it.
fn sqlite_node(expr: &Expr) -> Option<super::super::Node> {
    super::super::parse::parse(Lexer::Sqlite, expr.as_str()).ok()
}

#[test]
fn what_sqlite_stores() {
    let cases = [
        ("a>=0 AND a<=10", "a >= 0 AND a <= 10"),
        ("a between 1 and 10", "a >= 1 AND a <= 10"),
        ("a == 1", "a = 1"),
        ("a IS 1", "a IS NOT DISTINCT FROM 1"),
        ("a IS NOT b", "a IS DISTINCT FROM b"),
        ("a ISNULL", "a IS NULL"),
        ("a NOT NULL", "a IS NOT NULL"),
        ("`a b` > 0", "\"a b\" > 0"),
        ("[order] > 0", "\"order\" > 0"),
        ("\"userId\" <> ''", "\"userId\" <> ''"),
        ("userId <> ''", "\"userId\" <> ''"),
        ("a || b = c", "a || b = c"),
        ("a || b || c", "a || b || c"),
        ("a + b || c", "a + (b || c)"),
        ("a & 1 + b", "a & (1 + b)"),
        ("a < b = c", "(a < b) = c"),
        ("a = b < c", "a = (b < c)"),
        ("-a || b", "-a || b"),
        ("a COLLATE NOCASE = 'x'", "a COLLATE \"NOCASE\" = 'x'"),
        ("json_valid(c)", "json_valid(c)"),
        ("JSON_TYPE(c) = 'array'", "json_type(c) = 'array'"),
        ("a -> '$.x' ->> 'y' > 1", "a -> '$.x' ->> 'y' > 1"),
        ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        ("datetime('now')", "datetime('now')"),
        ("(strftime('%s','now') * 1000)", "strftime('%s', 'now') * 1000"),
        ("unixepoch('subsec')", "unixepoch('subsec')"),
        ("x'00fF'", "X'00fF'"),
        ("a GLOB '[a-z]*'", "a GLOB '[a-z]*'"),
        ("a NOT LIKE 'x!%' ESCAPE '!'", "a NOT LIKE 'x!%' ESCAPE '!'"),
        ("typeof(a) IN ('integer', 'null')", "typeof(a) IN ('integer', 'null')"),
        ("iif(a, 1, 0)", "iif(a, 1, 0)"),
        ("CAST(a AS INT) > 0", "CAST(a AS integer) > 0"),
        ("length(a) /* at most */ <= 3 -- three", "length(a) <= 3"),
        ("1e3 < a", "1000.0 < a"),
        ("0x1F & a", "0x1f & a"),
        ("NOT a IN (1)", "NOT a = 1"),
        ("a NOT IN (1)", "a <> 1"),
        ("a MATCH 'b'", "a MATCH 'b'"),
        ("CASE WHEN a THEN 1 END", "CASE WHEN a THEN 1 END"),
        ("(a, b) = (1, 2)", "a = 1 AND b = 2"),
        ("~a & b", "(~a) & b"),
        ("a % 2 == 0", "a % 2 = 0"),
        ("'it''s'", "'it''s'"),
    ];
    for (stored, canonical) in cases {
        let expr = sqlite(stored);
        assert_eq!(expr.as_str(), canonical, "{stored}");
        assert!(!expr.is_raw(), "{stored}");
        assert_eq!(sqlite(canonical), expr, "{stored}");
        assert_eq!(sqlite_node(&expr), expr.node(), "{stored}");
    }
}

#[test]
fn what_is_not_understood_stays_as_its_tokens() {
    let cases = [
        ("row_number()  over (order by a)", "row_number ( ) over ( order by a )"),
        ("a  ==> -- why\n b", "a ==> b"),
        ("(t).x\n> 1", "( t ) . x > 1"),
        ("a ~", "a ~"),
        ("'open", "'open"),
        ("", ""),
    ];
    for (text, kept) in cases {
        let expr = postgres(text);
        assert_eq!(expr.as_str(), kept, "{text}");
        assert!(expr.is_raw() || text.contains("==>"), "{text}");
        assert_eq!(postgres(kept), expr);
    }
}

#[test]
fn renaming_touches_names_only() {
    let renamed = |text: &str| postgres(text).rename_column("a", "Big").to_string();
    assert_eq!(renamed("a > 0 AND t.a <> 'a' AND a(b) = 1"), "\"Big\" > 0 AND t.\"Big\" <> 'a' AND a(b) = 1");
    assert_eq!(renamed("sum(a) over (order by a) > 'a'"), "sum ( \"Big\" ) over ( order by \"Big\" ) > 'a'");
    let columns = postgres("lower(a) = b AND c IN (SELECT d FROM e)").columns();
    assert_eq!(columns.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn nothing_is_too_deep() {
    for text in ["(".repeat(100_000), "-".repeat(50_000), "a+".repeat(100_000), format!("{}a+", "(".repeat(5000))] {
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            let expr = Expr::parse(&text, lexer);
            assert!(expr.is_raw());
        }
    }
    let wrapped = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(postgres(&wrapped).as_str(), "a");
    let long = vec!["a = 1"; 5000].join(" AND ");
    assert!(!postgres(&long).is_raw());
}
