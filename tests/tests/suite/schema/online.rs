//! Changes of Postgres that do not stop the application: the whole way, and the locks that are held on it.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use whimbrel_core::split::{Lexer, split};
use whimbrel_tests::database::TestDatabase;

use super::Project;
use super::server::query;

const BEFORE: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE users (id integer PRIMARY KEY, email text, age integer, mood mood NOT NULL DEFAULT 'ok', note text);
    CREATE TABLE posts (id integer PRIMARY KEY, user_id integer, title text NOT NULL, gone text);
    CREATE INDEX posts_gone_idx ON posts (gone);";

const AFTER: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE users (
        id integer PRIMARY KEY,
        email text NOT NULL,
        age integer NOT NULL DEFAULT 1,
        mood mood NOT NULL DEFAULT 'happy',
        note text,
        token uuid NOT NULL DEFAULT gen_random_uuid(),
        CHECK (age > 0),
        UNIQUE (email)
    );
    CREATE TABLE posts (
        id integer PRIMARY KEY,
        user_id integer REFERENCES users ON DELETE CASCADE,
        title text NOT NULL CHECK (title <> ''),
        gone text
    );
    CREATE TABLE tags (post_id integer NOT NULL REFERENCES posts, tag text NOT NULL, PRIMARY KEY (post_id, tag));
    CREATE INDEX posts_user_id_idx ON posts (user_id);
    CREATE UNIQUE INDEX users_token_idx ON users (token) WHERE mood <> 'happy';";

const ROWS: [&str; 2] = [
    "insert into users (id, email, age, mood) values (1, 'a@x', null, 'sad'), (2, null, 7, 'ok')",
    "insert into posts values (10, 1, 'one', 'g'), (11, 2, 'two', null), (12, null, 'three', null)",
];

/// The project on a database with rows, and then on its way in the careful form.
async fn way() -> (Project, Vec<String>) {
    let mut project = Project::new(TestDatabase::postgres().await);
    project.becomes(BEFORE).await;
    project.run(&ROWS).await;
    project.online = true;
    project.fill("users", "email", "'user-' || id");
    let plans = project.plan(AFTER).await.unwrap_or_else(|why| panic!("{why}"));
    let texts = plans[0].migrations.iter().map(|it| it.text.clone()).collect();
    (project, texts)
}

#[test]
fn a_database_with_rows_goes_the_careful_way() {
    crate::needs_postgres!();
    crate::block_on(async {
        let (mut project, texts) = way().await;
        let has = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
        assert!(has("CREATE INDEX CONCURRENTLY") + has("CREATE UNIQUE INDEX CONCURRENTLY") > 0, "{texts:#?}");
        assert!(has("NOT VALID") > 0 && has("VALIDATE CONSTRAINT") > 0, "{texts:#?}");
        for text in &texts {
            assert!(
                !(text.contains("NOT VALID") && text.contains("VALIDATE CONSTRAINT")),
                "another transaction: {text}"
            );
            let concurrent = text.contains("CONCURRENTLY");
            assert_eq!(text.contains("-- whimbrel: no-transaction"), concurrent, "{text}");
            // A value is used only once it is there for all.
            let uses = text.contains("DEFAULT 'happy'") || text.contains("<> 'happy'");
            assert!(!(text.contains("ADD VALUE") && uses), "{text}");
        }
        project.becomes(AFTER).await;
        let users = project.rows("select id, email, age, mood, token is null from users order by id").await;
        assert_eq!(users, ["1 a@x 1 sad f", "2 user-2 7 ok f"]);
        assert_eq!(project.rows("select id, user_id from posts order by id").await, ["10 1", "11 2", "12 NULL"]);
        for refused in [
            "insert into users (id, email) values (3, 'a@x')",
            "insert into users (id, email, age) values (3, 'c', 0)",
            "insert into posts values (13, 99, 'x')",
            "insert into posts values (13, 1, '')",
        ] {
            assert!(project.database.transact(&[refused]).await.is_err(), "{refused}");
        }
        let invalid = "select conname from pg_constraint where not convalidated union all \
                       select indexrelid::regclass::text from pg_index where not indisvalid";
        assert_eq!(project.rows(invalid).await, [""; 0]);
    });
}

/// The tables on which this session holds a lock of this mode.
async fn held(client: &Client, mode: &str) -> BTreeSet<String> {
    let sql = format!(
        "SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() \
         AND l.mode = '{mode}' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    );
    let rows = query(client, &sql).await.expect("it can be read");
    rows.into_iter().flatten().flatten().collect()
}

#[test]
fn no_row_is_read_under_a_lock_that_stops_the_application() {
    crate::needs_postgres!();
    crate::block_on(async {
        let (project, texts) = way().await;
        let client = project.database.server().expect("it is on a server").connect().await;
        let mut validated = 0;
        for text in &texts {
            let transactional = !text.contains("-- whimbrel: no-transaction");
            if transactional {
                client.batch_execute("BEGIN").await.expect("it begins");
            }
            let mut told = String::new();
            let mut end = 0;
            for statement in split(Lexer::Postgres, text).expect("it is SQL") {
                // With the comments above it.
                let start = std::mem::replace(&mut end, statement.span.end.byte);
                let statement = &text[start..end];
                let statement = statement.trim_start_matches(';');
                let before = held(&client, "AccessExclusiveLock").await;
                client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
                let now = held(&client, "AccessExclusiveLock").await;
                told = format!("{told}\n{statement}");
                if statement.contains("VALIDATE CONSTRAINT") {
                    validated += 1;
                    assert_eq!(now, BTreeSet::new(), "{statement}");
                    assert!(!held(&client, "ShareUpdateExclusiveLock").await.is_empty(), "{statement}");
                }
                // A table that was there before is locked so only where the file says it.
                for table in now.difference(&before).filter(|table| *table != "tags") {
                    let says = told.lines().any(|line| {
                        line.starts_with("-- Lock: ACCESS EXCLUSIVE")
                            && line.split([' ', ';']).any(|word| word == table)
                    });
                    assert!(says, "{table} is locked, and nothing tells it: {told}");
                }
            }
            if transactional {
                client.batch_execute("COMMIT").await.expect("it commits");
            }
        }
        assert!(validated >= 4, "{validated} in {texts:#?}");
    });
}
