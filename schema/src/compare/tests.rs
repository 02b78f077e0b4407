use super::*;
use crate::model::{Column, PrimaryKey, Table, Type};

fn users() -> Schema {
    let mut users = Table::new("users");
    users.columns =
        vec![Column::new("id", Type::Integer).not_null(), Column::new("email", Type::Varchar(320)).not_null()];
    users.primary_key = Some(PrimaryKey { name: None, columns: vec!["id".into()] });
    Schema { tables: vec![users], ..Schema::default() }
}

fn told(expected: &Schema, actual: &Schema) -> Vec<String> {
    compare(expected, actual).iter().map(ToString::to_string).collect()
}

#[test]
fn equal_schemas_have_no_difference() {
    let mut turned = users();
    turned.tables[0].columns.reverse();
    assert!(told(&users(), &turned).is_empty());
}

#[test]
fn each_difference_is_told_with_its_object() {
    let expected = users();
    let mut actual = users();
    actual.tables[0].columns[1].ty = Type::Text;
    actual.tables[0].columns[1].not_null = false;
    actual.tables[0].primary_key = Some(PrimaryKey { name: None, columns: vec!["email".into()] });
    actual.tables.push(Table::new("notes"));
    assert_eq!(
        told(&expected, &actual),
        [
            "primary key of users is email, expected id",
            "column users.email is text, expected varchar(320)",
            "column users.email is nullable, expected NOT NULL",
            "table notes is there and not expected",
        ]
    );
    assert_eq!(told(&Schema::default(), &expected), ["table users is there and not expected"]);
    assert_eq!(told(&expected, &Schema::default()), ["table users is missing"]);
}

#[test]
fn what_looks_renamed_is_told_as_it_is() {
    let mut actual = users();
    actual.tables[0].columns[1].name = "mail".into();
    assert_eq!(
        told(&users(), &actual),
        ["column users.email is missing", "column users.mail is there and not expected"]
    );
}
