//! From the model to portable SQL: what [`read`](crate::read::read) reads back to the same model.

use std::collections::BTreeMap;

use whimbrel_core::quote_literal;

use crate::dialect::Storage;
use crate::expr::{Expr, name_sql};
use crate::model::{
    Action, Check, Column, EnumType, ForeignKey, Identity, Index, IndexKey, IndexTarget, NullsOrder, ObjectName,
    PrimaryKey, RawConstraint, Sequence, SequenceOptions, Table, Unique, View,
};

/// `CREATE TYPE … AS ENUM`, with its comment.
pub(crate) fn enum_type(ty: &EnumType) -> String {
    let values: Vec<String> = ty.values.iter().map(|value| quote_literal(value)).collect();
    let name = ty.name.sql();
    let comment = comment("TYPE", &name, ty.comment.as_ref());
    format!("CREATE TYPE {name} AS ENUM ({});\n{comment}", values.join(", "))
}

/// `CREATE TABLE` without its indexes and raw constraints, with annotations for how it is stored, and its comments.
pub(crate) fn table(table: &Table, dialect: &str, storage: &Storage) -> String {
    let name = table.name.sql();
    let mut placed = Placed::default();
    let mut lines: Vec<String> = Vec::new();
    for column in &table.columns {
        let options = storage.columns.get(&(table.name.clone(), column.name.clone()));
        let annotation = options.map(|options| annotations(dialect, options, "    ")).unwrap_or_default();
        lines.push(format!("{annotation}    {}", column_line(table, column, &mut placed)));
    }
    let rest = constraints(table, &placed);
    lines.extend(rest.into_iter().map(|constraint| format!("    {constraint}")));
    let annotation = storage.tables.get(&table.name).map(|options| annotations(dialect, options, ""));
    let mut text = format!("{}CREATE TABLE {name} (\n{}\n);\n", annotation.unwrap_or_default(), lines.join(",\n"));
    text.push_str(&comment("TABLE", &name, table.comment.as_ref()));
    for column in &table.columns {
        let column_name = format!("{name}.{}", name_sql(&column.name));
        text.push_str(&comment("COLUMN", &column_name, column.comment.as_ref()));
    }
    text
}

/// A view, with its comment.
pub(crate) fn view(view: &View) -> String {
    let name = view.name.sql();
    let kind = if view.materialized { "MATERIALIZED VIEW" } else { "VIEW" };
    let columns = if view.columns.is_empty() { String::new() } else { format!(" ({})", names(&view.columns)) };
    let options = view.options.as_ref().map(|options| format!(" {options}")).unwrap_or_default();
    let comment = comment(kind, &name, view.comment.as_ref());
    format!("CREATE {kind} {name}{columns}{options} AS\n{};\n{comment}", view.query.trim())
}

/// A sequence of its own.
pub(crate) fn sequence(sequence: &Sequence) -> String {
    let ty = sequence.ty.as_ref().map(|ty| format!(" AS {ty}")).unwrap_or_default();
    let owner = sequence.owned_by.as_ref();
    let owner = owner.map(|(table, column)| format!(" OWNED BY {}.{}", table.sql(), name_sql(column)));
    let options = counting(&sequence.options);
    let options = if options.is_empty() { options } else { format!(" {options}") };
    format!("CREATE SEQUENCE {}{ty}{options}{};\n", sequence.name.sql(), owner.unwrap_or_default())
}

/// A constraint that is carried as text.
pub(crate) fn raw_constraint(table: &ObjectName, constraint: &RawConstraint) -> String {
    let (table, name) = (table.sql(), name_sql(&constraint.name));
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} {};\n", constraint.definition)
}

/// `CREATE INDEX`.
pub(crate) fn index(table: &ObjectName, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    format!("CREATE {unique}INDEX {} ON {}{};\n", name_sql(&index.name), table.sql(), index_words(index))
}

/// What follows the table: method, key and options.
pub(crate) fn index_words(index: &Index) -> String {
    let method = index.method.as_ref().map(|method| format!(" USING {}", name_sql(method))).unwrap_or_default();
    let keys: Vec<String> = index.keys.iter().map(key).collect();
    let include = match index.include.as_slice() {
        [] => String::new(),
        columns => format!(" INCLUDE ({})", names(columns)),
    };
    let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let with: Vec<String> = index.with.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let with = if with.is_empty() { String::new() } else { format!(" WITH ({})", with.join(", ")) };
    let predicate = index.predicate.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
    format!("{method} ({}){include}{nulls}{with}{predicate}", keys.join(", "))
}

/// Whether every dialect can have such an index.
pub(crate) fn is_portable_index(index: &Index) -> bool {
    index.method.is_none()
        && index.include.is_empty()
        && !index.nulls_not_distinct
        && index.with.is_empty()
        && index.keys.iter().all(|key| key.opclass.is_none() && key.nulls.is_none())
}

fn key(key: &IndexKey) -> String {
    let on = match &key.on {
        IndexTarget::Column(column) => name_sql(column),
        IndexTarget::Expr(expr) => format!("({expr})"),
    };
    let collation = key.collation.as_deref().map(|it| format!(" COLLATE {}", collation_sql(it))).unwrap_or_default();
    let opclass = key.opclass.as_ref().map(|opclass| format!(" {opclass}")).unwrap_or_default();
    let direction = if key.descending { " DESC" } else { "" };
    let nulls = match key.nulls {
        Some(NullsOrder::First) => " NULLS FIRST",
        Some(NullsOrder::Last) => " NULLS LAST",
        None => "",
    };
    format!("{on}{collation}{opclass}{direction}{nulls}")
}

/// Constraints that stand at their column, so that they are not written again below it.
#[derive(Default)]
struct Placed {
    key: bool,
    uniques: Vec<usize>,
    foreign_keys: Vec<usize>,
    checks: Vec<usize>,
}

fn column_line(table: &Table, column: &Column, placed: &mut Placed) -> String {
    let mut line = format!("{} {}", name_sql(&column.name), column.ty);
    if let Some(collation) = &column.collation {
        line += &format!(" COLLATE {}", collation_sql(collation));
    }
    if let Some(identity) = &column.identity {
        line += &identity_sql(identity);
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        line += &format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expr);
    }
    let alone = |columns: &[String]| columns == [column.name.as_str()];
    let key = table.primary_key.as_ref();
    let in_key = key.is_some_and(|key| key.columns.contains(&column.name));
    if column.not_null && !in_key && column.identity.is_none() {
        line += " NOT NULL";
    }
    if let Some(default) = &column.default {
        line += &format!(" DEFAULT {}", default_sql(default));
    }
    if key.is_some_and(|key| key.name.is_none() && alone(&key.columns)) {
        placed.key = true;
        line += " PRIMARY KEY";
    }
    for (at, unique) in table.uniques.iter().enumerate().filter(|(_, it)| it.name.is_none() && alone(&it.columns)) {
        placed.uniques.push(at);
        line += &format!(" {}", unique_words(unique, false));
    }
    for (at, key) in table.foreign_keys.iter().enumerate().filter(|(_, it)| it.name.is_none() && alone(&it.columns)) {
        placed.foreign_keys.push(at);
        line += &format!(" {}", references(key));
    }
    let own = |check: &Check| check.name.is_none() && check.at_column.as_ref() == Some(&column.name);
    for (at, check) in table.checks.iter().enumerate().filter(|(_, it)| own(it)) {
        placed.checks.push(at);
        line += &format!(" CHECK ({})", check.expr);
    }
    line
}

/// What does not stand at a column.
fn constraints(table: &Table, placed: &Placed) -> Vec<String> {
    let left = |at: usize, placed: &[usize]| !placed.contains(&at);
    let mut lines = Vec::new();
    if let Some(PrimaryKey { name, columns }) = table.primary_key.as_ref().filter(|_| !placed.key) {
        lines.push(format!("{}PRIMARY KEY ({})", constraint(name.as_ref()), names(columns)));
    }
    for (_, unique) in table.uniques.iter().enumerate().filter(|(at, _)| left(*at, &placed.uniques)) {
        lines.push(format!("{}{}", constraint(unique.name.as_ref()), unique_words(unique, true)));
    }
    for (_, key) in table.foreign_keys.iter().enumerate().filter(|(at, _)| left(*at, &placed.foreign_keys)) {
        let columns = names(&key.columns);
        lines.push(format!("{}FOREIGN KEY ({columns}) {}", constraint(key.name.as_ref()), references(key)));
    }
    for (_, check) in table.checks.iter().enumerate().filter(|(at, _)| left(*at, &placed.checks)) {
        lines.push(format!("{}CHECK ({})", constraint(check.name.as_ref()), check.expr));
    }
    lines
}

fn constraint(name: Option<&String>) -> String {
    name.map(|name| format!("CONSTRAINT {} ", name_sql(name))).unwrap_or_default()
}

fn unique_words(unique: &Unique, with_columns: bool) -> String {
    let nulls = if unique.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let columns = if with_columns { format!(" ({})", names(&unique.columns)) } else { String::new() };
    format!("UNIQUE{nulls}{columns}{}", unique.deferrable.sql())
}

pub(crate) fn references(key: &ForeignKey) -> String {
    let action = |when: &str, action: Action| match action {
        Action::NoAction => String::new(),
        action => format!(" ON {when} {}", action.sql()),
    };
    let full = if key.match_full { " MATCH FULL" } else { "" };
    format!(
        "REFERENCES {} ({}){full}{}{}{}",
        key.parent.sql(),
        names(&key.parent_columns),
        action("DELETE", key.on_delete),
        action("UPDATE", key.on_update),
        key.deferrable.sql()
    )
}

fn identity_sql(identity: &Identity) -> String {
    let when = if identity.always { "ALWAYS" } else { "BY DEFAULT" };
    let options = counting(&identity.options);
    let options = if options.is_empty() { options } else { format!(" ({options})") };
    format!(" GENERATED {when} AS IDENTITY{options}")
}

fn counting(options: &SequenceOptions) -> String {
    let numbers = [
        ("INCREMENT BY", options.increment),
        ("MINVALUE", options.min),
        ("MAXVALUE", options.max),
        ("START WITH", options.start),
        ("CACHE", options.cache),
    ];
    let mut words: Vec<String> =
        numbers.into_iter().filter_map(|(name, number)| Some(format!("{name} {}", number?))).collect();
    words.extend(options.cycle.then(|| "CYCLE".to_owned()));
    words.join(" ")
}

/// A default stands in parentheses unless it is one word, literal or call: Postgres' grammar takes no more without.
fn default_sql(expr: &Expr) -> String {
    let text = expr.as_str();
    let (mut depth, mut quote, mut is_simple) = (0_i32, None, true);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, c) if depth == 0 && (c.is_whitespace() || "+*/%<>=|&~^".contains(c)) => is_simple = false,
            _ => {}
        }
    }
    if is_simple { text.to_owned() } else { format!("({text})") }
}

fn collation_sql(collation: &str) -> String {
    let is_sql = collation.contains('"') || collation.contains('.');
    if is_sql { collation.to_owned() } else { name_sql(collation) }
}

pub(crate) fn names(names: &[String]) -> String {
    names.iter().map(|name| name_sql(name)).collect::<Vec<_>>().join(", ")
}

fn comment(kind: &str, name: &str, comment: Option<&String>) -> String {
    comment.map(|text| format!("COMMENT ON {kind} {name} IS {};\n", quote_literal(text))).unwrap_or_default()
}

/// Options on one line; a default's value goes on to the end of its line, so it has one of its own.
fn annotations(dialect: &str, options: &BTreeMap<String, String>, indent: &str) -> String {
    let said = |(name, value): (&String, &String)| format!("{name} = {value}");
    let (own, shared): (Vec<_>, Vec<_>) = options.iter().partition(|(name, _)| *name == "default");
    let shared: Vec<String> = shared.into_iter().map(said).collect();
    let lines = (!shared.is_empty()).then(|| shared.join(", ")).into_iter().chain(own.into_iter().map(said));
    lines.map(|line| format!("{indent}-- @{dialect} {line}\n")).collect()
}
