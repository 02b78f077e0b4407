use super::*;

#[test]
fn a_refusal_names_some_tables_and_counts_the_rest() {
    let tables: Vec<String> = (1..=7).map(|n| format!("t{n}")).collect();
    let refusal = UntrackedRefusal::of(&tables);
    assert_eq!(refusal.to_string(), "the database has tables (t1, t2, t3, t4, t5 and 2 more) and no history");
    let refusal = UntrackedRefusal {
        reason: Some("it differs from 0001".to_owned()),
        details: vec!["table a is missing".to_owned(), "table b is missing".to_owned()],
        ..UntrackedRefusal::of(&tables[..2])
    };
    let told = "the database has tables (t1, t2) and no history: it differs from 0001\n  table a is missing\n  \
                table b is missing";
    assert_eq!(refusal.to_string(), told);
}

#[test]
fn books_of_tools_are_known_by_name_in_any_schema() {
    for name in
        ["_sqlx_migrations", "drizzle.__drizzle_migrations", "sequelizemeta", "public.schema_migrations", "migrations"]
    {
        assert!(is_bookkeeping(name), "{name}");
    }
    for name in ["users", "migrations_of_birds", "my_sqlx_migrations", "_sqlx_migrations.users"] {
        assert!(!is_bookkeeping(name), "{name}");
    }
}
