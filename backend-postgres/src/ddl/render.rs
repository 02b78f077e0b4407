//! Definitions as SQL.

use whimbrel_schema::Expr;
use whimbrel_schema::expr::Node;
use whimbrel_schema::model::{
    Action, Check, Column, Deferrable, EnumType, ForeignKey, Identity, Index, IndexKey, IndexTarget, NullsOrder,
    ObjectName, PrimaryKey, RawConstraint, Sequence, SequenceOptions, Table, Unique, View,
};

use super::names::object_name;
use super::types;
use super::words::{ident, list, literal, object};

/// What follows `DEFAULT`.
pub(super) fn default(expr: &Expr) -> String {
    match expr.node() {
        Some(node) if node.is_literal() => expr.as_str().to_owned(),
        Some(Node::Call { .. } | Node::Keyword(_) | Node::Array(_)) => expr.as_str().to_owned(),
        _ => format!("({})", expr.as_str()),
    }
}

/// A column's definition, for `CREATE TABLE` and `ADD COLUMN`.
pub(super) fn column(column: &Column) -> String {
    let mut sql = format!("{} {}", ident(&column.name), types::sql(&column.ty));
    if let Some(collation) = &column.collation {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if column.not_null {
        sql.push_str(" NOT NULL");
    }
    if let Some(value) = &column.default {
        sql.push_str(&format!(" DEFAULT {}", default(value)));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
        sql.push_str(&format!(" GENERATED ALWAYS AS ({}) {kind}", generated.expr));
    }
    if let Some(numbered) = &column.identity {
        sql.push_str(&format!(" {}", identity(numbered)));
    }
    sql
}

/// `GENERATED … AS IDENTITY (…)`.
pub(super) fn identity(identity: &Identity) -> String {
    let said = counting(&identity.options);
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(" ")) };
    format!("GENERATED {} AS IDENTITY{said}", always(identity))
}

pub(super) fn always(identity: &Identity) -> &'static str {
    if identity.always { "ALWAYS" } else { "BY DEFAULT" }
}

/// What is said of a sequence.
pub(super) fn counting(options: &SequenceOptions) -> Vec<String> {
    let number = |word: &str, value: Option<i64>| value.map(|value| format!("{word} {value}"));
    let said = [
        number("INCREMENT BY", options.increment),
        number("MINVALUE", options.min),
        number("MAXVALUE", options.max),
        number("START WITH", options.start),
        number("CACHE", options.cache),
        options.cycle.then(|| "CYCLE".to_owned()),
    ];
    said.into_iter().flatten().collect()
}

pub(super) fn primary_key(key: &PrimaryKey) -> String {
    constraint(key.name.as_deref(), &format!("PRIMARY KEY {}", list(&key.columns)))
}

pub(super) fn unique(unique: &Unique) -> String {
    let nulls = if unique.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let sql = format!("UNIQUE{nulls} {}{}", list(&unique.columns), deferrable(unique.deferrable));
    constraint(unique.name.as_deref(), &sql)
}

pub(super) fn check(check: &Check) -> String {
    constraint(check.name.as_deref(), &format!("CHECK ({})", check.expr))
}

pub(super) fn raw_constraint(raw: &RawConstraint) -> String {
    constraint(Some(&raw.name), &raw.definition)
}

pub(super) fn foreign_key(key: &ForeignKey) -> String {
    let on = |event: &str, action: Action| match action {
        Action::NoAction => String::new(),
        action => format!(" ON {event} {}", action.sql()),
    };
    let parent = object(&key.parent);
    let full = if key.match_full { " MATCH FULL" } else { "" };
    let sql = format!(
        "FOREIGN KEY {} REFERENCES {parent} {}{full}{}{}{}",
        list(&key.columns),
        list(&key.parent_columns),
        on("DELETE", key.on_delete),
        on("UPDATE", key.on_update),
        deferrable(key.deferrable)
    );
    constraint(key.name.as_deref(), &sql)
}

fn deferrable(deferrable: Deferrable) -> &'static str {
    match deferrable {
        Deferrable::No => "",
        Deferrable::Immediate => " DEFERRABLE",
        Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    }
}

fn constraint(name: Option<&str>, definition: &str) -> String {
    name.map_or_else(|| definition.to_owned(), |name| format!("CONSTRAINT {} {definition}", ident(name)))
}

/// The table with everything of it but its indexes and comments.
pub(super) fn table(table: &Table) -> String {
    let said = |option: &str| table.options.native.get(option).map(String::as_str);
    let unlogged = if said("unlogged").is_some() { "UNLOGGED " } else { "" };
    let inherited = said("partition of").or(said("of")).is_some();
    let items = items(table, inherited);
    let body = match (items.is_empty(), inherited) {
        (true, true) => String::new(),
        (true, false) => " ()".to_owned(),
        (false, _) => format!(" (\n    {}\n)", items.join(",\n    ")),
    };
    let mut sql = format!("CREATE {unlogged}TABLE {}", object(&table.name));
    if let Some(ty) = said("of") {
        sql.push_str(&format!(" OF {ty}"));
    }
    if let Some(parent) = said("partition of") {
        sql.push_str(&format!(" PARTITION OF {parent}"));
    }
    sql.push_str(&body);
    let clauses = [
        said("partition bound").map(str::to_owned),
        said("inherits").map(|parents| format!("INHERITS ({parents})")),
        said("partition by").map(|key| format!("PARTITION BY {key}")),
        said("using").map(|method| format!("USING {method}")),
        said("with").map(|options| format!("WITH ({options})")),
    ];
    clauses.into_iter().flatten().for_each(|clause| sql.push_str(&format!(" {clause}")));
    sql
}

/// Columns and constraints. A table that gets its columns from elsewhere says only what they have of their own.
fn items(table: &Table, inherited: bool) -> Vec<String> {
    let own_key = object_name(&table.name.name, "", "pkey");
    let inline = table.primary_key.as_ref().filter(|key| key.columns.len() == 1 && key.name.as_ref() == Some(&own_key));
    let mut items: Vec<String> = Vec::new();
    for of in &table.columns {
        if inherited {
            items.extend(overridden(of));
        } else if inline.is_some_and(|key| key.columns[0] == of.name) {
            items.push(keyed(of));
        } else {
            items.push(column(of));
        }
    }
    items.extend(table.primary_key.iter().filter(|_| inline.is_none() || inherited).map(primary_key));
    items.extend(table.uniques.iter().filter(|it| !is_twin(table, it)).map(unique));
    items.extend(table.checks.iter().map(check));
    items.extend(table.raw_constraints.iter().filter(|raw| !is_foreign(raw)).map(raw_constraint));
    items.extend(table.foreign_keys.iter().map(foreign_key));
    items
}

/// Whether `CREATE TABLE` would not make it: one that says what the primary key or another says is taken for the same
/// (`transformIndexConstraints` in the server's `parse_utilcmd.c`). It can be added afterwards.
pub(super) fn is_twin(table: &Table, unique: &Unique) -> bool {
    let keyed = |key: &PrimaryKey| {
        key.columns == unique.columns && unique.deferrable == Deferrable::No && !unique.nulls_not_distinct
    };
    let nameless = |it: &Unique| Unique { name: None, ..it.clone() };
    let mut before = table.uniques.iter().take_while(|it| it.name != unique.name);
    table.primary_key.as_ref().is_some_and(keyed) || before.any(|it| nameless(it) == nameless(unique))
}

/// Whether a constraint that is carried as text refers to another table; it is added when that is there.
pub(super) fn is_foreign(raw: &RawConstraint) -> bool {
    raw.definition.starts_with("FOREIGN KEY") || raw.definition.ends_with("NOT VALID")
}

/// The one column of a primary key, in the words of the house: `id uuid PRIMARY KEY DEFAULT …`.
fn keyed(of: &Column) -> String {
    let bare = Column { not_null: false, default: None, ..of.clone() };
    let default = of.default.as_ref().map(|value| format!(" DEFAULT {}", default(value))).unwrap_or_default();
    format!("{} PRIMARY KEY{default}", column(&bare))
}

fn overridden(of: &Column) -> Option<String> {
    let not_null = if of.not_null { " NOT NULL" } else { "" };
    let default = of.default.as_ref().map(|value| format!(" DEFAULT {}", default(value))).unwrap_or_default();
    let says = of.not_null || of.default.is_some();
    says.then(|| format!("{} WITH OPTIONS{not_null}{default}", ident(&of.name)))
}

/// `CREATE INDEX`, with `CONCURRENTLY` where asked.
pub(super) fn index(on: &ObjectName, index: &Index, concurrently: bool) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
    let method = index.method.as_ref().map(|method| format!(" USING {method}")).unwrap_or_default();
    let keys = index.keys.iter().map(key).collect::<Vec<_>>().join(", ");
    let mut sql =
        format!("CREATE {unique}INDEX {concurrently}{} ON {}{method} ({keys})", ident(&index.name), object(on));
    if !index.include.is_empty() {
        sql.push_str(&format!(" INCLUDE {}", list(&index.include)));
    }
    if index.nulls_not_distinct {
        sql.push_str(" NULLS NOT DISTINCT");
    }
    if !index.with.is_empty() {
        let pairs = index.with.iter().map(|(key, value)| format!("{key} = {value}"));
        sql.push_str(&format!(" WITH ({})", pairs.collect::<Vec<_>>().join(", ")));
    }
    if let Some(predicate) = &index.predicate {
        sql.push_str(&format!(" WHERE {predicate}"));
    }
    sql
}

fn key(key: &IndexKey) -> String {
    let mut sql = match &key.on {
        IndexTarget::Column(name) => ident(name),
        IndexTarget::Expr(expr) if matches!(expr.node(), Some(Node::Call { .. })) => expr.as_str().to_owned(),
        IndexTarget::Expr(expr) => format!("({expr})"),
    };
    if let Some(collation) = &key.collation {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(class) = &key.opclass {
        sql.push_str(&format!(" {class}"));
    }
    if key.descending {
        sql.push_str(" DESC");
    }
    sql.push_str(match key.nulls {
        Some(NullsOrder::First) => " NULLS FIRST",
        Some(NullsOrder::Last) => " NULLS LAST",
        None => "",
    });
    sql
}

pub(super) fn enum_type(ty: &EnumType) -> String {
    let values = ty.values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
    format!("CREATE TYPE {} AS ENUM ({values})", object(&ty.name))
}

pub(super) fn sequence(sequence: &Sequence) -> String {
    let ty = sequence.ty.as_ref().map(|ty| format!(" AS {ty}")).unwrap_or_default();
    let counting: String = counting(&sequence.options).iter().map(|said| format!(" {said}")).collect();
    format!("CREATE SEQUENCE {}{ty}{counting}", object(&sequence.name))
}

pub(super) fn view(view: &View) -> String {
    let kind = view_kind(view.materialized);
    let columns = if view.columns.is_empty() { String::new() } else { format!(" {}", list(&view.columns)) };
    let options = view.options.as_ref().map(|options| format!(" {options}")).unwrap_or_default();
    format!("CREATE {kind} {}{columns}{options} AS\n{}", object(&view.name), view.query.trim())
}

pub(super) fn view_kind(materialized: bool) -> &'static str {
    if materialized { "MATERIALIZED VIEW" } else { "VIEW" }
}

/// `COMMENT ON what IS …`.
pub(super) fn comment(what: &str, comment: Option<&str>) -> String {
    format!("COMMENT ON {what} IS {}", comment.map_or_else(|| "NULL".to_owned(), literal))
}
