//! Schemas that nobody would write, and that are valid.

use proptest::prelude::*;
use whimbrel_core::split::Lexer;

use crate::expr::Expr;
use crate::model::*;

/// A schema of up to five tables. `named`: constraints have names, as Postgres gives them.
pub(super) fn schema(named: bool) -> impl Strategy<Value = Schema> {
    let tables = prop::collection::btree_map(0..5_u8, table(), 0..5);
    let views = prop::collection::btree_map(0..3_u8, any::<u8>(), 0..3);
    let enums = prop::collection::btree_map(0..2_u8, prop::collection::btree_set(0..4_u8, 1..4), 0..2);
    let natives = prop::collection::vec((any::<u8>(), any::<bool>()), 0..4);
    (tables, views, enums, natives).prop_map(move |(tables, views, enums, natives)| {
        let mut schema = Schema::default();
        for (number, values) in enums {
            let values = values.into_iter().map(|value| format!("v{value}")).collect();
            schema.enums.push(EnumType { name: format!("e{number}").as_str().into(), values, comment: None });
        }
        for (number, sketch) in &tables {
            schema.tables.push(sketch.draw(*number, named, &schema.enums));
        }
        let drawn = schema.tables.clone();
        for ((_, sketch), table) in tables.iter().zip(&mut schema.tables) {
            sketch.refer(table, &drawn, named);
        }
        for (number, pick) in views {
            let names: Vec<String> = schema.tables.iter().map(|table| table.name.name.clone()).collect();
            let earlier = schema.views.last().map(|view| view.name.name.clone());
            let readable: Vec<String> = names.into_iter().chain(earlier).collect();
            if let Some(name) = readable.get(usize::from(pick) % readable.len().max(1)) {
                schema.views.push(View {
                    name: format!("view{number}").as_str().into(),
                    columns: vec![],
                    query: query(&schema, name, pick),
                    materialized: false,
                    options: None,
                    comment: None,
                });
            }
        }
        for (number, (pick, is_trigger)) in natives.into_iter().enumerate() {
            schema.natives.extend(native(&schema, number, pick, is_trigger));
        }
        schema
    })
}

/// All columns, or one of a table.
fn query(schema: &Schema, name: &str, pick: u8) -> String {
    let columns = schema.table(&name.into()).map(|it| it.columns.as_slice()).unwrap_or_default();
    match columns.get(usize::from(pick / 16)) {
        Some(column) if !pick.is_multiple_of(4) => format!("SELECT {} FROM {name}", column.name),
        _ => format!("SELECT * FROM {name}"),
    }
}

/// A function that reads a table, a view or nothing, or a trigger that calls an earlier function.
fn native(schema: &Schema, number: usize, pick: u8, is_trigger: bool) -> Option<Native> {
    let functions: Vec<&Native> = schema.natives.iter().filter(|it| it.kind == "function").collect();
    let (function, table) = (functions.first(), schema.tables.get(usize::from(pick) % schema.tables.len().max(1)));
    if let (true, Some(function), Some(table)) = (is_trigger, function, table) {
        let sql =
            format!("CREATE TRIGGER tr{number} BEFORE INSERT ON {} EXECUTE FUNCTION {}", table.name, function.name);
        let name = format!("tr{number}");
        return Some(Native { kind: "trigger".to_owned(), name, table: Some(table.name.clone()), sql });
    }
    let relations: Vec<&ObjectName> =
        schema.tables.iter().map(|it| &it.name).chain(schema.views.iter().map(|it| &it.name)).collect();
    let read = relations.get(usize::from(pick) % (relations.len() + 1)).map(|name| format!(" FROM {name}"));
    let sql = format!(
        "CREATE FUNCTION f{number}() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*){} $$",
        read.unwrap_or_default()
    );
    Some(Native { kind: "function".to_owned(), name: format!("f{number}()"), table: None, sql })
}

#[derive(Debug, Clone)]
struct Sketch {
    /// The type of each column.
    columns: Vec<u8>,
    key: u8,
    unique: Option<u8>,
    checks: Vec<u8>,
    indexes: Vec<(u8, bool, bool)>,
    references: Vec<(u8, u8, u8)>,
    generated: bool,
    comment: Option<bool>,
}

fn table() -> impl Strategy<Value = Sketch> {
    let columns = prop::collection::vec(0..5_u8, 1..5);
    let checks = prop::collection::vec(any::<u8>(), 0..3);
    let indexes = prop::collection::vec((any::<u8>(), any::<bool>(), any::<bool>()), 0..3);
    let references = prop::collection::vec((any::<u8>(), any::<u8>(), 0..5_u8), 0..3);
    let rest = (any::<bool>(), prop::option::of(any::<bool>()));
    (columns, 0..3_u8, prop::option::of(any::<u8>()), checks, indexes, references, rest).prop_map(
        |(columns, key, unique, checks, indexes, references, (generated, comment))| Sketch {
            columns,
            key,
            unique,
            checks,
            indexes,
            references,
            generated,
            comment,
        },
    )
}

impl Sketch {
    fn draw(&self, number: u8, named: bool, enums: &[EnumType]) -> Table {
        let mut table = Table::new(format!("t{number}").as_str());
        let name = |kind: &str| named.then(|| format!("t{number}_{kind}"));
        for (at, ty) in self.columns.iter().enumerate() {
            let ty = match (ty, enums.first()) {
                (0, _) => Type::Integer,
                (1, _) => Type::Text,
                (2, _) => Type::BigInt,
                (3, Some(ty)) => Type::Enum(ty.name.clone()),
                _ => Type::Boolean,
            };
            table.columns.push(Column::new(format!("c{at}"), ty));
        }
        table.columns[0].not_null = self.key > 0;
        let column = |pick: u8| format!("c{}", usize::from(pick) % self.columns.len());
        if self.generated {
            let expr = Expr::parse("c0 IS NULL", Lexer::Postgres);
            let generated = Some(Generated { expr, stored: true });
            table.columns.push(Column { generated, ..Column::new("g", Type::Boolean) });
        }
        if self.key > 0 {
            table.primary_key = Some(PrimaryKey { name: name("pkey"), columns: vec![column(self.key - 1)] });
        }
        if let Some(pick) = self.unique {
            let columns = vec![column(pick)];
            let deferrable = Deferrable::No;
            table.uniques.push(Unique { name: name("key"), columns, nulls_not_distinct: false, deferrable });
        }
        for pick in &self.checks {
            let expr = Expr::parse(&format!("{} IS NOT NULL OR c0 IS NULL", column(*pick)), Lexer::Postgres);
            let check = Check { name: name(&format!("check{pick}")), expr, at_column: None };
            if !table.checks.iter().any(|it| it.name == check.name && (named || it.expr == check.expr)) {
                table.checks.push(check);
            }
        }
        for (pick, unique, partial) in &self.indexes {
            let index = Index {
                name: format!("i{}", pick % 8),
                unique: *unique,
                method: None,
                keys: vec![IndexKey::column(column(*pick))],
                include: vec![],
                predicate: partial.then(|| Expr::parse("c0 IS NOT NULL", Lexer::Postgres)),
                nulls_not_distinct: false,
                with: std::collections::BTreeMap::new(),
            };
            // An index's name is of the whole schema: each table has its own.
            let index = Index { name: format!("t{number}_{}", index.name), ..index };
            if !table.indexes.iter().any(|it| it.name == index.name) {
                table.indexes.push(index);
            }
        }
        table.comment = self.comment.map(|long| if long { "long".to_owned() } else { "short".to_owned() });
        table
    }

    fn refer(&self, table: &mut Table, all: &[Table], named: bool) {
        for (column, parent, action) in &self.references {
            let Some(parent) = all.get(usize::from(*parent) % all.len()) else { continue };
            let Some(key) = &parent.primary_key else { continue };
            let ty = parent.column(&key.columns[0]).map(|column| &column.ty);
            let fitting: Vec<&Column> =
                table.columns.iter().filter(|it| Some(&it.ty) == ty && it.generated.is_none()).collect();
            let Some(own) = fitting.get(usize::from(*column) % fitting.len().max(1)) else { continue };
            let key = ForeignKey {
                name: named.then(|| format!("{}_{}_{}_fkey", table.name, own.name, parent.name)),
                columns: vec![own.name.clone()],
                parent: parent.name.clone(),
                parent_columns: key.columns.clone(),
                on_delete: [Action::NoAction, Action::Restrict, Action::Cascade, Action::SetNull, Action::SetDefault]
                    [usize::from(*action)],
                on_update: Action::NoAction,
                match_full: false,
                deferrable: Deferrable::No,
                at_column: true,
            };
            let is_there = |it: &ForeignKey| it.columns == key.columns && it.parent == key.parent;
            if !table.foreign_keys.iter().any(is_there) {
                table.foreign_keys.push(key);
            }
        }
    }
}
