//! What SQLite keeps is read back as it was said.

use whimbrel_schema::Type;
use whimbrel_schema::model::{Action, Deferrable, IndexTarget, Table};

use super::support::{Database, schema_of};

async fn table_of(sql: &str) -> Table {
    schema_of(sql).await.tables.remove(0)
}

#[tokio::test]
async fn what_pragmas_do_not_tell_is_read_from_the_statement() {
    let table = table_of(
        "CREATE TABLE t (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- a comment with a ) and a ,
            a VARCHAR ( 10 ) NOT NULL ON CONFLICT IGNORE DEFAULT 'x,)' COLLATE NOCASE CHECK (a <> ','),
            b numeric(12,6) CONSTRAINT b_positive CHECK (b > 0) DEFAULT -1.5,
            c double precision GENERATED ALWAYS AS (b * 2) STORED,
            d AS (b + 1),
            e DEFAULT (strftime('%s', 'now')),
            [f g] text REFERENCES t,
            CONSTRAINT u UNIQUE (a COLLATE binary, b DESC) ON CONFLICT REPLACE
            CHECK (a IS NOT b)
            FOREIGN KEY (b, a) REFERENCES t (b, a) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
        )",
    )
    .await;
    let types: Vec<_> = table.columns.iter().map(|column| column.ty.clone()).collect();
    let native = |text: &str| Type::Native(text.to_owned());
    assert_eq!(
        types,
        [
            native("integer"),
            native("varchar(10)"),
            native("numeric(12, 6)"),
            native("double precision"),
            native(""),
            native(""),
            native("text")
        ]
    );
    let identity = table.columns[0].identity.clone().unwrap();
    assert!(identity.never_reuse);
    assert_eq!(table.columns[1].collation.as_deref(), Some("nocase"));
    assert_eq!(table.columns[1].default.as_ref().unwrap().as_str(), "'x,)'");
    assert_eq!(table.columns[2].default.as_ref().unwrap().as_str(), "-1.5");
    assert!(table.columns[3].generated.as_ref().unwrap().stored);
    assert!(!table.columns[4].generated.as_ref().unwrap().stored);
    assert_eq!(table.checks.len(), 3);
    assert_eq!(table.checks[1].name.as_deref(), Some("b_positive"));
    assert_eq!(table.checks[1].at_column.as_deref(), Some("b"));
    assert_eq!(table.checks[2].at_column, None);
    assert_eq!(table.foreign_keys[0].parent_columns, ["id"]);
    assert!(table.foreign_keys[0].at_column);
    let key = &table.foreign_keys[1];
    assert_eq!(
        (key.on_update, key.on_delete, key.deferrable),
        (Action::Cascade, Action::SetNull, Deferrable::Deferred)
    );
    assert_eq!(table.options.native["unique (a, b)"], "(a COLLATE \"binary\", b DESC) ON CONFLICT REPLACE");
    assert_eq!(table.options.native["not null a"], "NOT NULL ON CONFLICT IGNORE");
}

#[tokio::test]
async fn only_an_integer_key_is_a_name_of_the_rowid() {
    for (sql, numbers) in [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY)", true),
        ("CREATE TABLE t (id integer, PRIMARY KEY (id DESC))", true),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)", false),
        ("CREATE TABLE t (id INT PRIMARY KEY)", false),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY) WITHOUT ROWID", false),
        ("CREATE TABLE t (id INTEGER, b, PRIMARY KEY (id, b))", false),
    ] {
        assert_eq!(table_of(sql).await.columns[0].identity.is_some(), numbers, "{sql}");
    }
}

#[tokio::test]
async fn names_are_spelled_as_they_are_defined() {
    let schema = schema_of(
        "CREATE TABLE Users (userId text PRIMARY KEY, Name text CHECK (NAME <> '' AND users.name <> 'x'));
         CREATE TABLE posts (id text, owner text REFERENCES USERS (USERID));
         CREATE INDEX by_name ON users (NAME, lower(name)) WHERE USERID IS NOT NULL",
    )
    .await;
    let users = &schema.tables[0];
    assert_eq!(schema.tables[1].foreign_keys[0].parent.name, "Users");
    assert_eq!(schema.tables[1].foreign_keys[0].parent_columns, ["userId"]);
    assert_eq!(users.checks[0].expr.as_str(), "\"Name\" NOT IN ('', 'x')");
    assert_eq!(users.indexes[0].keys[0].on, IndexTarget::Column("Name".to_owned()));
    assert_eq!(users.indexes[0].predicate.as_ref().unwrap().as_str(), "\"userId\" IS NOT NULL");
}

#[tokio::test]
async fn views_triggers_and_virtual_tables_are_carried_without_shadow_tables() {
    let schema = schema_of(
        "CREATE TABLE docs (id INTEGER PRIMARY KEY, body text);
         CREATE VIRTUAL TABLE docs_fts USING fts5(body, content='docs', content_rowid='id');
         CREATE TRIGGER docs_added AFTER INSERT ON docs BEGIN
             INSERT INTO docs_fts (rowid, body) VALUES (new.id, new.body);
         END;
         CREATE VIEW IF NOT EXISTS bodies (b) AS SELECT body FROM docs",
    )
    .await;
    assert_eq!(schema.tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>(), ["docs"]);
    let natives: Vec<_> = schema.natives.iter().map(|native| (native.kind.as_str(), native.name.as_str())).collect();
    assert_eq!(natives, [("virtual table", "docs_fts"), ("trigger", "docs_added")]);
    assert_eq!(schema.natives[1].table.as_ref().unwrap().name, "docs");
    assert_eq!(schema.views[0].columns, ["b"]);
    assert_eq!(schema.views[0].query, "SELECT body FROM docs");
}

#[tokio::test]
async fn bookkeeping_is_left_out_and_nothing_else() {
    let database = Database::with(
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
         CREATE TABLE _litestream_lock (id INTEGER);
         CREATE TABLE _litestream_mine (id INTEGER);
         INSERT INTO a DEFAULT VALUES",
    )
    .await;
    database.execute("ANALYZE").await;
    let names: Vec<_> = database.schema().await.tables.into_iter().map(|table| table.name.name).collect();
    assert_eq!(names, ["a", "_litestream_mine"]);
}

#[tokio::test]
async fn a_string_in_double_quotes_becomes_one() {
    // As old databases have them: written while such strings were allowed.
    let database = Database::with("CREATE TABLE t (a text DEFAULT x CHECK (a <> 'y'), b text DEFAULT 'q')").await;
    database.execute("PRAGMA writable_schema = ON").await;
    let mut session = database.session().await;
    use whimbrel_core::Sql;
    session.execute("PRAGMA writable_schema = ON").await.unwrap();
    session
        .execute(
            "UPDATE sqlite_master SET sql = replace(replace(sql, '''y''', '\"y\"'), '''q''', '\"q\"') WHERE name = 't'",
        )
        .await
        .unwrap();
    let rows = session.query("SELECT sql FROM sqlite_master WHERE name = 't'").await.unwrap();
    assert!(rows[0][0].as_deref().unwrap().contains("\"y\""), "{rows:?}");
    let found = {
        use whimbrel_schema::SchemaDialect;
        let schema = whimbrel_backend_sqlite::SqliteSchema::new();
        schema.introspect(&mut session, &[whimbrel_schema::model::ObjectName::new("whimbrel_history")]).await.unwrap()
    };
    let table = &found.schema.tables[0];
    assert_eq!(table.checks[0].expr.as_str(), "a <> 'y'");
    assert_eq!(table.columns[0].default.as_ref().unwrap().as_str(), "'x'");
    assert_eq!(table.columns[1].default.as_ref().unwrap().as_str(), "'q'");
}

#[tokio::test]
async fn a_schema_of_many_tables_is_read_in_its_order_and_each_index_finds_its_table() {
    let table = |n: usize| {
        let parent = if n == 0 { String::new() } else { format!(", parent REFERENCES T{} ON DELETE CASCADE", n - 1) };
        format!("CREATE TABLE t{n} (Id INTEGER PRIMARY KEY, name text{parent}); CREATE INDEX i{n} ON T{n} (NAME);")
    };
    let tables: Vec<String> = (0..300).map(table).collect();
    let schema = schema_of(&tables.concat()).await;
    assert_eq!(schema.tables.len(), 300);
    for (n, table) in schema.tables.iter().enumerate() {
        assert_eq!(table.name.name, format!("t{n}"));
        let indexes: Vec<&str> = table.indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(indexes, [format!("i{n}")]);
        if n > 0 {
            let key = &table.foreign_keys[0];
            assert_eq!(
                (key.parent.name.clone(), &*key.parent_columns),
                (format!("t{}", n - 1), &["Id".to_owned()][..])
            );
        }
    }
}
