//! Objects that are carried as text, named as the catalog names them.
//!
//! A schema file says `CREATE FUNCTION f(n int)`, the catalog `f(integer)`: both are one function, and another one than
//! `f(text)`. Names of the default schema are left out, as everywhere.

use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, tokens};
use whimbrel_schema::model::{Native, ObjectName};

use super::types::spelled;
use super::words::object;

/// The schema in which unqualified names are made, as a rule.
const DEFAULT_SCHEMA: &str = "public";

/// Names an object as introspection does.
pub(super) fn named(native: &mut Native) {
    if let Some(table) = &mut native.table {
        without_default(table);
    }
    let Ok(mut name) = native.name.parse::<ObjectName>() else { return };
    without_default(&mut name);
    native.name = match native.kind.as_str() {
        "function" | "procedure" | "aggregate" => match arguments(&native.sql) {
            Some(types) => format!("{}({})", object(&name), types.join(",")),
            None => return,
        },
        "trigger" | "policy" | "rule" | "schema" | "extension" | "statistics" => name.name,
        _ => name.to_string(),
    };
}

fn without_default(name: &mut ObjectName) {
    if name.schema.as_deref() == Some(DEFAULT_SCHEMA) {
        name.schema = None;
    }
}

/// The types of a routine's arguments that tell it from others of its name: those that go in.
fn arguments(sql: &str) -> Option<Vec<String>> {
    let lexemes = tokens(Lexer::Postgres, sql).ok()?;
    let open = lexemes.iter().position(|it| it.text == "(")?;
    let mut types = Vec::new();
    let (mut depth, mut argument) = (0_i32, Vec::new());
    for lexeme in lexemes.get(open + 1..)? {
        match lexeme.text {
            ")" if depth == 0 => {
                types.extend(argument_type(sql, &argument));
                return Some(types);
            }
            "," if depth == 0 => {
                types.extend(argument_type(sql, &argument));
                argument.clear();
                continue;
            }
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            _ => {}
        }
        argument.push(*lexeme);
    }
    None
}

/// `[IN | INOUT | VARIADIC] [name] type [DEFAULT …]`; `None` for one that only comes out.
fn argument_type(sql: &str, argument: &[Lexeme<'_>]) -> Option<String> {
    let is = |lexeme: &Lexeme<'_>, word: &str| lexeme.text.eq_ignore_ascii_case(word);
    let end = argument.iter().position(|it| is(it, "default") || it.text == "=" || it.text == ":=");
    let mut words = argument.get(..end.unwrap_or(argument.len()))?;
    if words.first().is_some_and(|first| is(first, "out") && words.len() > 1) {
        return None;
    }
    if words.first().is_some_and(|first| words.len() > 1 && ["in", "inout", "variadic"].iter().any(|it| is(first, it)))
    {
        words = words.get(1..)?;
    }
    // A type of several words begins with one of these; anything else before another word is the argument's name.
    let begins = ["double", "character", "char", "timestamp", "time", "bit", "national", "setof"];
    if let [first, second, ..] = words
        && matches!(second.kind, LexemeKind::Word | LexemeKind::Quoted)
        && (first.kind == LexemeKind::Quoted || !begins.iter().any(|it| is(first, it)) || is_base(second))
    {
        words = words.get(1..)?;
    }
    let (from, to) = (words.first()?.start, words.last().map(|last| last.start + last.text.len())?);
    let text = sql.get(from..to)?.trim();
    // Quotes that people write and that the catalog does not need.
    let (item, brackets) = text.find('[').map_or((text, ""), |at| (text.get(..at).unwrap_or(text), "[]"));
    if let (true, Ok(mut name)) = (item.contains('"'), item.trim().parse::<ObjectName>()) {
        without_default(&mut name);
        return Some(format!("{}{brackets}", object(&name)));
    }
    Some(without_modifiers(&spelled(text.strip_prefix("public.").unwrap_or(text))))
}

/// Whether a word behind one that may begin a type is a type of its own: `time timestamptz` is an argument called time.
fn is_base(word: &Lexeme<'_>) -> bool {
    let goes_on = ["precision", "varying", "with", "without", "character", "zone"];
    !goes_on.iter().any(|it| word.text.eq_ignore_ascii_case(it))
}

/// `numeric(10,2)` is `numeric` where routines are told apart.
fn without_modifiers(text: &str) -> String {
    match (text.find('('), text.find(')')) {
        (Some(open), Some(close)) if open < close => {
            let (before, after) = (text.get(..open), text.get(close + 1..));
            [before, after].into_iter().flatten().collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::named;
    use whimbrel_schema::model::Native;

    #[test]
    fn routines_are_named_as_the_catalog_does() {
        for (kind, name, sql, expected) in [
            ("function", "f", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", "f()"),
            (
                "function",
                "public.f",
                "CREATE FUNCTION public.f(n int, t varchar(3) DEFAULT 'a,)')",
                "f(integer,character varying)",
            ),
            (
                "function",
                "app.f",
                "create function app.f(out a int, in b double precision, variadic c text[])",
                "app.f(double precision,text[])",
            ),
            (
                "function",
                "f",
                "CREATE FUNCTION f(time timestamptz, timestamp with time zone, numeric(10, 2)[])",
                "f(timestamp with time zone,timestamp with time zone,numeric[])",
            ),
            (
                "function",
                "\"order\"",
                "CREATE FUNCTION \"order\"(x \"c1\", y public.\"Odd\"[])",
                "\"order\"(c1,\"Odd\"[])",
            ),
            ("procedure", "\"P\"", "CREATE PROCEDURE \"P\"(\"Odd\" app.kind)", "\"P\"(app.kind)"),
            ("trigger", "t", "CREATE TRIGGER t AFTER INSERT ON public.a EXECUTE FUNCTION f()", "t"),
            ("domain", "public.email", "CREATE DOMAIN public.email AS text", "email"),
        ] {
            let mut native = Native { kind: kind.into(), name: name.into(), table: None, sql: sql.into() };
            named(&mut native);
            assert_eq!(native.name, expected, "{sql}");
        }
    }
}
