#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use whimbrel_core::split::{Lexer, split};
use whimbrel_core::{DirectorySource, Migrator, SqlSession};
use whimbrel_schema::model::{
    Check, Column, EnumType, Identity, Index, IndexKey, Native, ObjectName, PrimaryKey, SequenceOptions, Table, Unique,
    View,
};
use whimbrel_schema::{Expr, Schema, SchemaDialect, Storage, Type};

use super::SqliteSchema;
use super::render::create_table;
use crate::SqliteBackend;

fn postgres(text: &str) -> Expr {
    Expr::parse(text, Lexer::Postgres)
}

fn table(columns: Vec<Column>) -> Table {
    Table { columns, ..Table::new("t") }
}

fn storage(options: &[(&str, &str)]) -> Storage {
    let target = options.iter().map(|(option, value)| ((*option).to_owned(), (*value).to_owned())).collect();
    Storage { target, ..Storage::default() }
}

fn lowered(table: Table, options: &[(&str, &str)]) -> Table {
    let enums = vec![EnumType {
        name: ObjectName::new("mood"),
        values: vec!["sad".to_owned(), "it's".to_owned()],
        comment: None,
    }];
    let schema = Schema { enums, tables: vec![table], ..Schema::default() };
    SqliteSchema::new().lower(&schema, &storage(options)).unwrap().tables.remove(0)
}

/// How a column of this type, NOT NULL or not, stands in SQLite.
fn column_sql(ty: Type, not_null: bool, default: Option<&str>, options: &[(&str, &str)]) -> String {
    let mut column = Column::new("c", ty);
    column.not_null = not_null;
    column.default = default.map(postgres);
    let sql = create_table(&lowered(table(vec![column]), options), "t");
    sql.trim_start_matches("CREATE TABLE t (\n    c ").trim_end_matches("\n)").to_owned()
}

#[test]
fn every_portable_type_has_its_form() {
    let now = "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";
    let mood = || Type::Enum(ObjectName::new("mood"));
    for (ty, not_null, default, expected) in [
        (Type::Boolean, true, Some("false"), "integer NOT NULL DEFAULT 0 CHECK (c IN (0, 1))".to_owned()),
        (Type::SmallInt, false, None, "integer".to_owned()),
        (Type::BigInt, false, Some("'5'::bigint"), "integer DEFAULT 5".to_owned()),
        (Type::Double, false, Some("-1.5"), "real DEFAULT -1.5".to_owned()),
        (Type::Numeric(Some((12, 6))), true, Some("0"), "numeric(12, 6) NOT NULL DEFAULT 0".to_owned()),
        (Type::Varchar(7), false, None, "text CHECK (length(c) <= 7)".to_owned()),
        (Type::Bytea, false, Some("'\\x00ff'"), "blob DEFAULT X'00FF'".to_owned()),
        (Type::Jsonb, true, Some("'{}'"), "text NOT NULL DEFAULT '{}' CHECK (json_valid(c))".to_owned()),
        (Type::Json, false, None, "text CHECK (c IS NULL OR json_valid(c))".to_owned()),
        (Type::Uuid, false, None, "text".to_owned()),
        (Type::Timestamptz(None), true, Some("now()"), format!("text NOT NULL DEFAULT {now}")),
        (Type::Date, false, Some("CURRENT_DATE"), "text DEFAULT CURRENT_DATE".to_owned()),
        (mood(), false, Some("'sad'"), "text DEFAULT 'sad' CHECK (c IN ('sad', 'it''s'))".to_owned()),
        (
            Type::Array(Box::new(Type::Text)),
            false,
            Some("ARRAY['a', 'b\"c']"),
            "text DEFAULT '[\"a\",\"b\\\"c\"]' CHECK (json_type(c) = 'array')".to_owned(),
        ),
    ] {
        assert_eq!(column_sql(ty, not_null, default, &[]), expected);
    }
}

#[test]
fn storage_is_an_option() {
    let at = Type::Timestamptz(None);
    let ms = "integer DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS integer))";
    assert_eq!(column_sql(at.clone(), false, Some("now()"), &[("timestamps", "integer-ms")]), ms);
    let seconds = "integer DEFAULT (CAST(strftime('%s', 'now') AS integer))";
    assert_eq!(column_sql(at, false, Some("now()"), &[("timestamps", "integer-s")]), seconds);
    assert_eq!(column_sql(Type::Boolean, false, None, &[("checks", "none")]), "integer");
    assert_eq!(column_sql(Type::Numeric(None), false, Some("1.50"), &[("numerics", "text")]), "text DEFAULT '1.50'");
}

#[test]
fn options_of_a_column_say_what_a_database_has_already() {
    let column = Column { default: Some(postgres("now()")), ..Column::new("c", Type::Timestamp(None)) };
    let options = [("type", "DATETIME"), ("default", "CURRENT_TIMESTAMP")];
    let options: BTreeMap<_, _> = options.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    let mut storage = Storage::default();
    storage.columns.insert((ObjectName::new("t"), "c".to_owned()), options);
    let schema = Schema { tables: vec![table(vec![column])], ..Schema::default() };
    let lowered = SqliteSchema::new().lower(&schema, &storage).unwrap();
    assert_eq!(create_table(&lowered.tables[0], "t"), "CREATE TABLE t (\n    c datetime DEFAULT CURRENT_TIMESTAMP\n)");
}

#[test]
fn options_that_are_not_known_are_problems() {
    let problems = SqliteSchema::new().lower(&Schema::default(), &storage(&[("timestamps", "iso"), ("colour", "red")]));
    let messages: Vec<String> = problems.unwrap_err().iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(messages, ["unknown storage option `colour`", "`iso` is no value of the storage option `timestamps`"]);
}

#[test]
fn an_identity_is_the_rowid() {
    let identity = Some(Identity { always: true, never_reuse: true, options: SequenceOptions::default() });
    let column = Column { identity, ..Column::new("id", Type::BigInt).not_null() };
    let key = PrimaryKey { name: None, columns: vec!["id".to_owned()] };
    let keyed = || Table { primary_key: Some(key.clone()), ..table(vec![column.clone()]) };
    let sql = |options: &[(&str, &str)]| create_table(&lowered(keyed(), options), "t");
    assert_eq!(sql(&[]), "CREATE TABLE t (\n    id integer PRIMARY KEY AUTOINCREMENT\n)");
    assert_eq!(sql(&[("identity", "rowid")]), "CREATE TABLE t (\n    id integer PRIMARY KEY\n)");
}

#[test]
fn what_has_no_equal_meaning_is_refused_with_its_place() {
    let mut wrong = table(vec![
        Column { default: Some(postgres("gen_salt('bf')")), ..Column::new("a", Type::Text) },
        Column { default: Some(postgres("extract(epoch from now())")), ..Column::new("b", Type::Double) },
        Column { collation: Some("de_DE".to_owned()), ..Column::new("c", Type::Text) },
        Column::new("d", Type::Native("tsvector".to_owned())),
    ]);
    wrong.name = ObjectName::in_schema("audit", "log");
    let check = |text: &str| Check { name: None, expr: postgres(text), at_column: None };
    wrong.checks = vec![check("a ILIKE 'x'"), check("a ~ '^x'"), check("a LIKE 'x%' AND b::integer > 1")];
    wrong.uniques = vec![Unique {
        name: None,
        columns: vec!["a".to_owned()],
        nulls_not_distinct: true,
        deferrable: Default::default(),
    }];
    let index = Index {
        name: "i".to_owned(),
        unique: false,
        method: Some("gin".to_owned()),
        keys: vec![IndexKey::column("a")],
        include: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
        with: BTreeMap::new(),
    };
    wrong.indexes = vec![index];
    let view = View {
        name: ObjectName::new("v"),
        columns: Vec::new(),
        query: "SELECT a::text FROM t".to_owned(),
        materialized: true,
        options: None,
        comment: None,
    };
    let schema = Schema { tables: vec![wrong], views: vec![view], ..Schema::default() };
    let problems = SqliteSchema::new().lower(&schema, &Storage::default()).unwrap_err();
    let told: Vec<String> = problems.iter().map(|it| format!("{}: {}", it.file, it.message)).collect();
    assert_eq!(
        told,
        [
            "table audit.log: SQLite has no schemas",
            "table audit.log: SQLite has nothing like ILIKE",
            "table audit.log: SQLite has nothing like regular expressions",
            "table audit.log, column a: SQLite has nothing like the function gen_salt()",
            "table audit.log, column b: SQLite has nothing like EXTRACT",
            "table audit.log, column c: SQLite does not know the collation de_DE",
            "table audit.log, column d: SQLite has nothing like the type tsvector",
            "table audit.log: index i: SQLite's indexes have no access methods",
            "table audit.log: two NULLs are never equal to a unique constraint of SQLite",
            "view v: SQLite has no materialized views",
            "view v: SQLite does not read `a::type`",
        ]
    );
    assert!(problems.iter().all(|problem| !problem.hint.is_empty()));
}

#[test]
fn views_and_triggers_are_written_as_sqlite_keeps_them() {
    let view = View {
        name: ObjectName::new("v"),
        columns: Vec::new(),
        query: " SELECT count(*), now() AS \"at\" FROM t WHERE a LIKE 'now()' -- end\n".to_owned(),
        materialized: false,
        options: None,
        comment: Some("said".to_owned()),
    };
    let native = Native {
        kind: "trigger".to_owned(),
        name: "r".to_owned(),
        table: Some(ObjectName::new("t")),
        sql: "create trigger if not exists main.r after insert on t begin select 1; end;".to_owned(),
    };
    let schema = Schema { views: vec![view], natives: vec![native], ..Schema::default() };
    let lowered = SqliteSchema::new().lower(&schema, &Storage::default()).unwrap();
    let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    assert_eq!(lowered.views[0].query, format!("SELECT count(*), {now} AS \"at\" FROM t WHERE a LIKE 'now()'"));
    assert_eq!(lowered.natives[0].sql, "CREATE TRIGGER r after insert on t begin select 1; end");
}

/// The reference application's schema as the model has it, as far as SQLite's own reader takes the file.
fn reference() -> Schema {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("schema.sql")).unwrap();
    let text = text
        .replace("DEFAULT now()", "DEFAULT (now())")
        .replace("DEFAULT gen_random_uuid()", "DEFAULT (gen_random_uuid())");
    let numbered = "GENERATED BY DEFAULT AS IDENTITY";
    let mut schema = Schema::default();
    for statement in split(Lexer::Sqlite, &text).unwrap() {
        if statement.words.starts_with(&["create", "table"]) {
            let identities = statement.text.contains(numbered);
            let mut table = crate::introspect::read_table(&statement.text.replace(numbered, "")).unwrap();
            table.columns.iter_mut().for_each(|column| column.ty = portable(&column.ty));
            let identity = Identity { always: false, never_reuse: true, options: SequenceOptions::default() };
            table.columns.iter_mut().filter(|column| identities && column.name == "id").for_each(|column| {
                column.identity = Some(identity.clone());
            });
            schema.tables.push(table);
        } else {
            let at = schema.tables.len() - 1;
            let table = &mut schema.tables[at];
            let index = crate::introspect::read_index(statement.text, table).unwrap();
            table.indexes.push(index);
        }
    }
    crate::introspect::resolve(&mut schema);
    schema
}

fn portable(ty: &Type) -> Type {
    let Type::Native(name) = ty else { panic!("{ty:?}") };
    match name.as_str() {
        "uuid" => Type::Uuid,
        "text" => Type::Text,
        "jsonb" => Type::Jsonb,
        "boolean" => Type::Boolean,
        "timestamptz" => Type::Timestamptz(None),
        "bigint" => Type::BigInt,
        "integer" => Type::Integer,
        "smallint" => Type::SmallInt,
        "double precision" => Type::Double,
        "numeric(12, 6)" => Type::Numeric(Some((12, 6))),
        other => Type::Varchar(other.trim_start_matches("varchar(").trim_end_matches(')').parse().unwrap()),
    }
}

#[tokio::test]
async fn the_reference_applications_schema_is_what_its_folder_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lowered = SqliteSchema::new().lower(&reference(), &Storage::default()).unwrap();
    let backend = SqliteBackend::memory();
    let folder = DirectorySource::new(root.join("migrations-sqlite"));
    Migrator::new(backend.clone()).source(folder).migrate().await.unwrap();
    let mut session = SqlSession::connect(&backend).await.unwrap();
    let ignored = [ObjectName::new("whimbrel_history")];
    let found = SqliteSchema::new().introspect(&mut session, &ignored).await.unwrap();
    assert_eq!(found.uncompared, Vec::<String>::new());
    let (lowered, found) = (lowered.sorted(), found.schema.sorted());
    assert_eq!(lowered.tables.len(), 12);
    for (expected, found) in lowered.tables.iter().zip(&found.tables) {
        assert_eq!(create_table(expected, "t"), create_table(found, "t"));
        assert_eq!(expected, found);
    }
    assert_eq!(lowered, found);
}

#[test]
fn columns_whose_values_cannot_be_renamed_are_told() {
    let mood = || Type::Enum(ObjectName::new("mood"));
    let schema = Schema {
        tables: vec![table(vec![Column::new("one", mood()), Column::new("many", Type::Array(Box::new(mood())))])],
        ..Schema::default()
    };
    let told = |options: &[(&str, &str)]| {
        let notes = SqliteSchema::new().differences_of_meaning(&schema, &storage(options));
        notes.into_iter().find(|it| it.contains("another name")).and_then(|it| Some(it.rsplit_once(": ")?.1.to_owned()))
    };
    assert_eq!(told(&[]).as_deref(), Some("t.many"));
    assert_eq!(told(&[("checks", "none")]).as_deref(), Some("t.one, t.many"));
}
