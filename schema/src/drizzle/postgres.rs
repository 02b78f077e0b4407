//! What a snapshot says, as the model has it for Postgres.

use whimbrel_core::quote_identifier;
use whimbrel_core::split::{LexemeKind, Lexer, tokens};

use super::said::{self, Said};
use super::written::{Made, Written};
use crate::expr::{Expr, name_sql};
use crate::model::{
    Check, Column, EnumType, Generated, Identity, Index, IndexKey, IndexTarget, Native, NullsOrder, ObjectName, Schema,
    Sequence, SequenceOptions, Table, Type, View,
};
use crate::read::read;

/// The schema; what has no place in it is named in `unread`. Where the migrations do otherwise than the snapshot says, it is
/// as they do, and told in `corrected`.
pub(super) fn schema(said: Said, written: &Written, unread: &mut Vec<String>, corrected: &mut Vec<String>) -> Schema {
    let mut schema = Schema { enums: said.enums, ..Schema::default() };
    for name in &said.schemas {
        let sql = format!("CREATE SCHEMA {}", name_sql(name));
        let name = ObjectName::new(name.clone()).to_string();
        schema.natives.push(Native { kind: "schema".to_owned(), name, table: None, sql });
    }
    let sequence =
        |(name, options)| Sequence { name, ty: None, options: usual_left_out(options, "bigint"), owned_by: None };
    schema.sequences = said.sequences.into_iter().map(sequence).collect();
    for mut table in said.tables {
        let made = written.table(&table.name);
        keys(&mut table, made, corrected);
        schema.natives.extend(table.policies.iter().map(|it| policy(&table.name, it)));
        let made = self::table(table, &schema.enums, unread);
        schema.tables.push(made);
    }
    schema.views = said.views.into_iter().map(view).collect();
    schema
}

fn table(said: said::Table, enums: &[EnumType], unread: &mut Vec<String>) -> Table {
    let mut table = Table::new("");
    table.indexes = said.indexes.iter().map(|index| self::index(&said, index, unread)).collect();
    let of = said.name.name.as_str();
    let check = |it: &said::Check| Check { name: Some(it.name.clone()), expr: expr(&it.expr, of), at_column: None };
    table.checks = said.checks.iter().map(check).collect();
    table.columns = said.columns.iter().map(|it| column(it, of, enums)).collect();
    if said.row_security {
        table.options.native.insert("row security".to_owned(), "enabled".to_owned());
    }
    table.primary_key = said.primary_key;
    table.uniques = said.uniques;
    table.foreign_keys = said.foreign_keys;
    table.name = said.name;
    table
}

/// Gives the primary key its name, and leaves out what it covers.
///
/// A key that is given no name gets one after its table, and keeps that when the table is renamed. Of a primary key and a
/// unique constraint that one statement puts on the same columns the server makes one, with the name of the other where the
/// key has none.
fn keys(table: &mut said::Table, made: Option<&Made>, corrected: &mut Vec<String>) {
    let Some(key) = &mut table.primary_key else { return };
    let usual = format!("{}_pkey", table.name.name);
    let is_named = key.name.as_ref().is_some_and(|name| *name != usual);
    let Some(made) = made else { return };
    if !is_named {
        key.name = (made.key() != usual).then(|| made.key());
    }
    table.uniques.retain(|unique| {
        let named = unique.name.as_ref().filter(|name| made.names(name));
        let in_statement = named.is_some() || unique.columns.iter().all(|column| made.says_unique(column));
        if unique.columns != key.columns || unique.nulls_not_distinct || !in_statement {
            return true;
        }
        if !is_named && named.is_some() {
            key.name = named.cloned();
        }
        let unique = unique.name.as_deref().unwrap_or("without a name");
        corrected.push(format!("table {}, unique constraint {unique}: the primary key stands for it", table.name));
        false
    });
    if let Some(name) = key.name.as_ref().filter(|_| !is_named) {
        corrected.push(format!("table {}: its primary key is called {name}", table.name));
    }
}

fn column(said: &said::Column, of: &str, enums: &[EnumType]) -> Column {
    let ty = type_of(said, enums);
    let of_sequence = said.ty.to_lowercase();
    let mut column = Column::new(said.name.clone(), if said.is_array { array(ty) } else { ty });
    column.not_null = said.not_null;
    let default = said.default.as_ref().map(|text| Expr::parse(text, Lexer::Postgres));
    column.default = default.filter(|default| !default.as_str().eq_ignore_ascii_case("null"));
    column.generated = said.generated.as_ref().map(|it| Generated { expr: expr(&it.expr, of), stored: it.stored });
    column.identity = said.identity.as_ref().map(|it| Identity {
        always: it.always,
        never_reuse: true,
        options: usual_left_out(it.options.clone(), &of_sequence),
    });
    column
}

/// An enum of the schema by its name, anything else as Drizzle writes it.
fn type_of(said: &said::Column, enums: &[EnumType]) -> Type {
    let name = said::name(said.ty_schema.as_deref(), &said.ty);
    if enums.iter().any(|ty| ty.name == name) {
        return Type::Enum(name);
    }
    Type::Native(if said.ty_schema.is_some() { name.sql() } else { said.ty.clone() })
}

/// Postgres does not tell arrays of several dimensions from others.
fn array(item: Type) -> Type {
    match item {
        Type::Native(text) => Type::Native(format!("{text}[]")),
        item => Type::Array(Box::new(item)),
    }
}

/// How a sequence counts, without what is usual for its type and direction.
fn usual_left_out(said: SequenceOptions, ty: &str) -> SequenceOptions {
    let (least, greatest) = match ty {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let down = said.increment.is_some_and(|step| step < 0);
    let (usual_min, usual_max) = if down { (least, -1) } else { (1, greatest) };
    let first = if down { said.max.unwrap_or(usual_max) } else { said.min.unwrap_or(usual_min) };
    let unusual = |value: Option<i64>, usual: i64| value.filter(|value| *value != usual);
    SequenceOptions {
        start: unusual(said.start, first),
        increment: unusual(said.increment, 1),
        min: unusual(said.min, usual_min),
        max: unusual(said.max, usual_max),
        cache: unusual(said.cache, 1),
        cycle: said.cycle,
    }
}

/// An expression over the columns of a table, whose name the server leaves out before them.
fn expr(text: &str, table: &str) -> Expr {
    Expr::parse(&unqualified(text, table), Lexer::Postgres)
}

fn unqualified(text: &str, table: &str) -> String {
    let Ok(lexemes) = tokens(Lexer::Postgres, text) else { return text.to_owned() };
    let is_name = |at: usize| {
        lexemes.get(at).is_some_and(|it| match it.kind {
            LexemeKind::Word => it.text.eq_ignore_ascii_case(table),
            LexemeKind::Quoted => it.text == quote_identifier(table),
            _ => false,
        })
    };
    let is_dot = |at: usize| lexemes.get(at).is_some_and(|it| it.text == ".");
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while at < lexemes.len() {
        // The name of its schema may stand before it.
        let length = match (is_name(at) && is_dot(at + 1), is_dot(at + 1) && is_name(at + 2) && is_dot(at + 3)) {
            (_, true) => 4,
            (true, false) => 2,
            (false, false) => {
                at += 1;
                continue;
            }
        };
        let (from, to) = (lexemes[at].start, lexemes.get(at + length).map_or(text.len(), |it| it.start));
        out.push_str(text.get(copied..from).unwrap_or_default());
        copied = to;
        at += length + 1;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

fn index(table: &said::Table, said: &said::Index, unread: &mut Vec<String>) -> Index {
    let method = said.method.clone().filter(|method| method != "btree");
    let keys = said.keys.iter().map(|key| match table.columns.iter().find(|column| column.name == key.text) {
        Some(column) => {
            let opclass = key.opclass.clone().filter(|it| !is_usual(it, method.as_deref(), column));
            IndexKey { descending: key.descending, nulls: key.nulls, opclass, ..IndexKey::column(key.text.clone()) }
        }
        None => of_sql(table, key, method.as_deref()).unwrap_or_else(|| {
            unread
                .push(format!("table {}, index {}: the key `{}` is compared as text", table.name, said.name, key.text));
            let on = IndexTarget::Expr(expr(&key.text, &table.name.name));
            IndexKey { on, ..IndexKey::column("") }
        }),
    });
    Index {
        name: said.name.clone(),
        unique: said.unique,
        keys: keys.collect(),
        method,
        include: Vec::new(),
        predicate: said.predicate.as_ref().map(|text| expr(text, &table.name.name)),
        nulls_not_distinct: false,
        with: said.with.clone(),
    }
}

/// A key that is SQL, in which a direction and an operator class may stand: read as a part of `CREATE INDEX`.
fn of_sql(table: &said::Table, key: &said::Key, method: Option<&str>) -> Option<IndexKey> {
    let columns: Vec<String> = table.columns.iter().map(|it| format!("{} text", quote_identifier(&it.name))).collect();
    let direction = if key.descending { " DESC" } else { "" };
    let nulls = match key.nulls {
        Some(NullsOrder::First) => " NULLS FIRST",
        Some(NullsOrder::Last) if key.descending => " NULLS LAST",
        _ => "",
    };
    let opclass = key.opclass.as_ref().map(|opclass| format!(" {opclass}")).unwrap_or_default();
    let (method, text) = (name_sql(method.unwrap_or("btree")), unqualified(&key.text, &table.name.name));
    let text = format!(
        "-- @only postgres\nCREATE TABLE t ({});\n\
         -- @only postgres\nCREATE INDEX i ON t USING {method} ({text}{opclass}{direction}{nulls});\n",
        columns.join(", ")
    );
    let (schema, _) = read("", &text).ok()?.for_dialect("postgres");
    let index = schema.tables.into_iter().next()?.indexes.into_iter().next()?;
    let [key] = <[IndexKey; 1]>::try_from(index.keys).ok()?;
    Some(key)
}

/// Whether an operator class is the one that the server takes for the type by itself.
fn is_usual(opclass: &str, method: Option<&str>, column: &said::Column) -> bool {
    let ty = column.ty.to_lowercase();
    let ty = ty.split('(').next().unwrap_or_default().trim();
    let usual = match (method.unwrap_or("btree"), ty) {
        ("gin", _) if column.is_array => "array_ops",
        ("gin", "jsonb") => "jsonb_ops",
        ("gin" | "gist", "tsvector") => "tsvector_ops",
        ("gist", "point") => "point_ops",
        ("btree", _) if column.is_array => "array_ops",
        ("btree" | "hash", ty) => match ty {
            "text" | "varchar" | "character varying" => "text_ops",
            "char" | "character" => "bpchar_ops",
            "smallint" | "smallserial" => "int2_ops",
            "integer" | "serial" => "int4_ops",
            "bigint" | "bigserial" => "int8_ops",
            "real" => "float4_ops",
            "double precision" => "float8_ops",
            "numeric" => "numeric_ops",
            "boolean" => "bool_ops",
            "uuid" => "uuid_ops",
            "date" => "date_ops",
            "time" => "time_ops",
            "timestamp" if column.ty.ends_with("with time zone") => "timestamptz_ops",
            "timestamp with time zone" => "timestamptz_ops",
            "timestamp" => "timestamp_ops",
            "jsonb" => "jsonb_ops",
            "inet" | "cidr" => "inet_ops",
            _ => return false,
        },
        _ => return false,
    };
    opclass == usual
}

fn view(said: said::View) -> View {
    let options: Vec<String> = said.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    View {
        name: said.name,
        columns: Vec::new(),
        query: said.query,
        materialized: said.materialized,
        options: (!options.is_empty()).then(|| format!("WITH ({})", options.join(", "))),
        comment: None,
    }
}

/// A policy as the catalog's statement has it.
fn policy(table: &ObjectName, said: &said::Policy) -> Native {
    let restrictive = if said.restrictive { " AS RESTRICTIVE" } else { "" };
    let command = said.command.as_ref().map(|command| format!(" FOR {command}")).unwrap_or_default();
    let role = |role: &String| match role.as_str() {
        "public" => "PUBLIC".to_owned(),
        role @ ("current_user" | "current_role" | "session_user") => role.to_uppercase(),
        role => name_sql(role),
    };
    let roles: Vec<String> = said.roles.iter().map(role).collect();
    let roles = if roles.is_empty() { "PUBLIC".to_owned() } else { roles.join(", ") };
    let clause = |word: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!(" {word} ({})", expr(text, &table.name))).unwrap_or_default()
    };
    let sql = format!(
        "CREATE POLICY {} ON {}{restrictive}{command} TO {roles}{}{}",
        name_sql(&said.name),
        table.sql(),
        clause("USING", &said.using),
        clause("WITH CHECK", &said.with_check)
    );
    Native { kind: "policy".to_owned(), name: said.name.clone(), table: Some(table.clone()), sql }
}
