#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod made_up;

use proptest::prelude::*;
use whimbrel_core::split::Lexer;

use super::*;
use crate::dialect::RenamedObject;
use crate::expr::Expr;
use crate::model::{Action, Check, Column, ForeignKey, Index, IndexKey, IndexTarget, PrimaryKey, Type, Unique, View};

/// Answers every question with no.
fn answered(before: &Schema, after: &Schema, mut renames: Vec<Rename>, rules: &Rules) -> Vec<Change> {
    loop {
        match diff(before, after, &renames, rules) {
            Ok(steps) => return steps,
            Err(Questions(questions)) => {
                for question in questions {
                    let Question::Renamed { object, from, .. } = question else { panic!("{question}") };
                    renames.push(Rename { object, from, to: String::new() });
                }
            }
        }
    }
}

/// The schema with everything in an order of its own, columns too.
fn plain(schema: Schema) -> Schema {
    let mut schema = schema.sorted();
    schema.tables.iter_mut().for_each(|table| table.columns.sort_by(|a, b| a.name.cmp(&b.name)));
    for table in &mut schema.tables {
        table.foreign_keys.iter_mut().for_each(|key| key.at_column = false);
        table.checks.iter_mut().for_each(|check| check.at_column = None);
    }
    schema
}

/// What the model's own steps do not look at, and a database does: views, triggers and functions are of what is there, and
/// where views hold what they read nothing of that changes under them.
fn allowed(state: &Schema, step: &Change, rules: &Rules) -> Result<(), String> {
    let is_relation = |name: &str| state.table(&name.into()).is_some() || state.view(&name.into()).is_some();
    let column = |name: &str, column: &str| state.table(&name.into()).is_none_or(|it| it.column(column).is_some());
    let held = |table: &ObjectName, name: Option<&str>| {
        let reads = |view: &&View| {
            let (columns, from) = parts(&view.query);
            from == table.name && name.is_none_or(|name| columns == "*" || columns == name)
        };
        match state.views.iter().find(reads).filter(|_| rules.views_hold_columns) {
            Some(view) => Err(format!("{} reads {table}", view.name)),
            None => Ok(()),
        }
    };
    match step {
        Change::CreateView(view) => {
            let (columns, from) = parts(&view.query);
            let there = is_relation(from) && (columns == "*" || column(from, columns));
            if there { Ok(()) } else { Err(format!("{} reads what is not there", view.name)) }
        }
        Change::DropView(gone) => {
            let reader = state.views.iter().find(|view| parts(&view.query).1 == gone.name.name);
            reader.filter(|_| rules.views_hold_columns).map_or(Ok(()), |view| Err(format!("{} reads it", view.name)))
        }
        Change::CreateNative(native) | Change::ReplaceNative { after: native, .. } => {
            let read = native.sql.split(" FROM ").nth(1).and_then(|rest| rest.split(' ').next());
            let called = native.sql.split(" EXECUTE FUNCTION ").nth(1);
            let there = read.is_none_or(is_relation)
                && called.is_none_or(|name| state.natives.iter().any(|it| it.name == name))
                && native.table.as_ref().is_none_or(|table| state.table(table).is_some());
            if there { Ok(()) } else { Err(format!("{} names what is not there", native.name)) }
        }
        Change::DropNative(gone) if gone.kind == "function" && rules.views_hold_columns => {
            let caller = state.natives.iter().find(|it| it.kind == "trigger" && it.sql.ends_with(&gone.name));
            caller.map_or(Ok(()), |it| Err(format!("{} calls it", it.name)))
        }
        Change::DropTable(table) => held(&table.name, None),
        Change::DropColumn { table, column } => held(table, Some(&column.name)),
        Change::AlterColumn { table, before, after }
            if before.ty != after.ty || before.generated != after.generated =>
        {
            held(table, Some(&before.name))
        }
        _ => Ok(()),
    }
}

/// What a made-up view gives, and of what.
fn parts(query: &str) -> (&str, &str) {
    query.strip_prefix("SELECT ").and_then(|it| it.split_once(" FROM ")).unwrap_or(("*", ""))
}

fn proves(before: &Schema, after: &Schema, rules: &Rules) -> Result<(), TestCaseError> {
    let steps = answered(before, after, Vec::new(), rules);
    let mut reached = before.clone();
    for step in &steps {
        let taken = allowed(&reached, step, rules)
            .and_then(|()| apply_all(reached.clone(), [step]).map_err(|error| error.to_string()));
        reached = taken.map_err(|why| TestCaseError::fail(format!("{why} (at {step:?}, of {steps:#?})")))?;
    }
    prop_assert_eq!(plain(reached.clone()), plain(after.clone()));
    let again = diff(&reached, after, &[], rules);
    prop_assert_eq!(again, Ok(Vec::new()), "a second time there is nothing to do");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_steps_lead_from_any_schema_to_any_other(a in made_up::schema(true), b in made_up::schema(true)) {
        proves(&a, &b, &Rules::NAMED)?;
    }

    #[test]
    fn they_do_where_constraints_have_no_names(a in made_up::schema(false), b in made_up::schema(false)) {
        proves(&a, &b, &Rules::FREE)?;
    }

    #[test]
    fn a_schema_needs_no_step_to_itself(a in made_up::schema(true)) {
        prop_assert_eq!(diff(&a, &a.clone().sorted(), &[], &Rules::NAMED), Ok(Vec::new()));
    }

    #[test]
    fn renames_that_are_told_are_all_that_happens(a in made_up::schema(true), pick in any::<prop::sample::Index>()) {
        let columns: Vec<_> =
            a.tables.iter().flat_map(|t| t.columns.iter().map(|c| (t.name.clone(), c.name.clone()))).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let (table, from) = pick.get(&columns).clone();
        let to = "renamed".to_owned();
        let step = Change::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() };
        let b = apply_all(a.clone(), [&step]).unwrap();
        let renames = [Rename { object: RenamedObject::Column(table), from, to }];
        let steps = diff(&a, &b, &renames, &Rules::NAMED).unwrap();
        // A view that reads the column gives it under its new name.
        let remade = |it: &&Change| {
            let views = matches!(it, Change::DropView(_) | Change::CreateView(_));
            views || matches!(it, Change::DropNative(_) | Change::CreateNative(_))
        };
        prop_assert_eq!(steps.iter().filter(|it| !remade(it)).collect::<Vec<_>>(), vec![&step]);
        prop_assert_eq!(diff(&b, &b, &renames, &Rules::NAMED), Ok(Vec::new()), "the note may stay in the file");
    }
}

/// More of them in the long form of the tests.
fn cases() -> u32 {
    let long = std::env::var_os("WHIMBREL_LONG").is_some_and(|value| !value.is_empty() && value != "0");
    if long { 20_000 } else { 500 }
}

fn users() -> Table {
    let mut users = Table::new("users");
    users.columns = vec![
        Column::new("id", Type::Integer).not_null(),
        Column::new("email", Type::Text).not_null(),
        Column::new("age", Type::Integer),
    ];
    users.primary_key = Some(PrimaryKey { name: Some("users_pkey".into()), columns: vec!["id".into()] });
    users
}

fn of(tables: &[&Table]) -> Schema {
    Schema { tables: tables.iter().map(|table| (*table).clone()).collect(), ..Schema::default() }
}

#[test]
fn a_rename_is_asked_and_never_guessed() {
    let (before, mut after) = (users(), users());
    after.columns[1].name = "mail".into();
    let (before, after) = (of(&[&before]), of(&[&after]));
    let Questions(questions) = diff(&before, &after, &[], &Rules::NAMED).unwrap_err();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].to_string(), "the column of users `email` is gone and `mail` is new: is it a rename?");
    let object = RenamedObject::Column("users".into());
    assert_eq!(object.qualified("email"), "users.email");
    let refused = [Rename { object: object.clone(), from: "email".into(), to: String::new() }];
    let steps = diff(&before, &after, &refused, &Rules::NAMED).unwrap();
    assert!(matches!(&*steps, [Change::AddColumn { .. }, Change::DropColumn { .. }]), "{steps:?}");
    let wrong = [Rename { object, from: "email".into(), to: "nothing".into() }];
    let error = diff(&before, &after, &wrong, &Rules::NAMED).unwrap_err().to_string();
    assert!(error.contains("fits neither"), "{error}");
}

#[test]
fn another_type_is_no_rename() {
    let (before, mut after) = (users(), users());
    after.columns[2] = Column::new("born", Type::Date);
    let steps = diff(&of(&[&before]), &of(&[&after]), &[], &Rules::NAMED).unwrap();
    assert_eq!(steps.len(), 2);
}

#[test]
fn a_table_with_the_same_columns_is_asked_for() {
    let (before, mut after) = (users(), users());
    after.name = "people".into();
    let questions = diff(&of(&[&before]), &of(&[&after]), &[], &Rules::NAMED).unwrap_err();
    assert!(questions.to_string().contains("the table `users` is gone and `people` is new"), "{questions}");
    let rename = [Rename { object: RenamedObject::Table, from: "users".into(), to: "people".into() }];
    after.columns[2].name = "years".into();
    let renames = [
        rename[0].clone(),
        Rename { object: RenamedObject::Column("people".into()), from: "age".into(), to: "years".into() },
    ];
    let steps = diff(&of(&[&before]), &of(&[&after]), &renames, &Rules::NAMED).unwrap();
    assert!(matches!(&*steps, [Change::RenameTable { .. }, Change::RenameColumn { .. }]), "{steps:?}");
}

#[test]
fn a_rename_goes_through_everything_that_names_it() {
    let mut before = users();
    before.checks = vec![Check {
        name: Some("users_age_check".into()),
        expr: Expr::parse("age > 0", Lexer::Postgres),
        at_column: None,
    }];
    before.indexes = vec![Index {
        name: "users_lower_idx".into(),
        unique: true,
        method: None,
        keys: vec![IndexKey {
            on: IndexTarget::Expr(Expr::parse("lower(email)", Lexer::Postgres)),
            ..IndexKey::column("")
        }],
        include: vec![],
        predicate: Some(Expr::parse("age IS NOT NULL", Lexer::Postgres)),
        nulls_not_distinct: false,
        with: std::collections::BTreeMap::new(),
    }];
    let mut schema = of(&[&before]);
    schema.views = vec![view("adults", "SELECT id, age FROM users WHERE age >= 18 -- age")];
    let step = Change::RenameColumn { table: "users".into(), from: "age".into(), to: "years".into() };
    let renamed = apply_all(schema.clone(), [&step]).unwrap();
    assert_eq!(renamed.views[0].query, "SELECT id, years FROM users WHERE years >= 18 -- age");
    assert_eq!(renamed.tables[0].checks[0].expr.as_str(), "years > 0");
    // Postgres keeps the constraint's old name; the schema wants the one that it would choose now.
    let mut after = renamed.clone();
    after.tables[0].checks[0].name = Some("users_years_check".into());
    let renames = [Rename { object: RenamedObject::Column("users".into()), from: "age".into(), to: "years".into() }];
    let steps = diff(&schema, &after, &renames, &Rules::NAMED).unwrap();
    let [Change::RenameColumn { .. }, Change::DropView(_), Change::RenameConstraint { .. }, Change::CreateView(_)] =
        &*steps
    else {
        panic!("{steps:?}");
    };
}

fn view(name: &str, query: &str) -> View {
    View { name: name.into(), columns: vec![], query: query.into(), materialized: false, options: None, comment: None }
}

#[test]
fn views_that_read_what_changes_are_made_again_in_order() {
    let mut before = of(&[&users()]);
    before.views = vec![
        view("a_names", "SELECT email FROM z_users"),
        view("other", "SELECT 1"),
        view("z_users", "SELECT * FROM users"),
    ];
    let mut after = before.clone();
    after.tables[0].columns[2].ty = Type::BigInt;
    let steps = diff(&before, &after, &[], &Rules::NAMED).unwrap();
    let told: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Change::DropView(view) => format!("drop {}", view.name),
            Change::CreateView(view) => format!("create {}", view.name),
            _ => "alter".to_owned(),
        })
        .collect();
    assert_eq!(told, ["drop a_names", "drop z_users", "alter", "create z_users", "create a_names"]);
    assert_eq!(diff(&before, &after, &[], &Rules::FREE).unwrap().len(), 1, "where views hold nothing they stay");
}

#[test]
fn circles_of_references_are_made_and_removed() {
    let refers = |name: &str, parent: &str| {
        let mut table = users();
        table.name = name.into();
        table.foreign_keys = vec![ForeignKey {
            name: Some(format!("{name}_fkey")),
            columns: vec!["age".into()],
            parent: parent.into(),
            parent_columns: vec!["id".into()],
            on_delete: Action::Cascade,
            on_update: Action::NoAction,
            match_full: false,
            deferrable: crate::model::Deferrable::No,
            at_column: false,
        }];
        table
    };
    let circle = of(&[&refers("a", "b"), &refers("b", "c"), &refers("c", "a"), &refers("self", "self")]);
    let nothing = Schema::default();
    proves(&nothing, &circle, &Rules::NAMED).unwrap();
    proves(&circle, &nothing, &Rules::NAMED).unwrap();
}

#[test]
fn a_key_that_is_referred_to_is_replaced_without_a_moment_that_is_wrong() {
    let mut parent = users();
    parent.uniques = vec![Unique {
        name: Some("users_email_key".into()),
        columns: vec!["email".into()],
        nulls_not_distinct: false,
        deferrable: crate::model::Deferrable::No,
    }];
    let mut child = Table::new("notes");
    child.columns = vec![Column::new("email", Type::Text)];
    child.foreign_keys = vec![ForeignKey {
        name: Some("notes_email_fkey".into()),
        columns: vec!["email".into()],
        parent: "users".into(),
        parent_columns: vec!["email".into()],
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        match_full: false,
        deferrable: crate::model::Deferrable::No,
        at_column: false,
    }];
    let before = of(&[&parent, &child]);
    let mut after = before.clone();
    after.tables[0].primary_key = Some(PrimaryKey { name: Some("users_pkey".into()), columns: vec!["email".into()] });
    after.tables[0].uniques.clear();
    proves(&before, &after, &Rules::NAMED).unwrap();
    let mut retyped = before.clone();
    retyped.tables[0].columns[1].ty = Type::Varchar(9);
    retyped.tables[1].columns[0].ty = Type::Varchar(9);
    let steps = diff(&before, &retyped, &[], &Rules::NAMED).unwrap();
    assert!(matches!(steps.first(), Some(Change::DropForeignKey { .. })), "{steps:?}");
    assert!(matches!(steps.last(), Some(Change::AddForeignKey { .. })), "{steps:?}");
}
