//! A schema as a picture: an entity-relationship diagram in Mermaid's language.

use std::fmt::Write as _;

use crate::model::{Column, ForeignKey, ObjectName, Schema, Table};

/// The tables, their columns and the foreign keys between them.
///
/// Mermaid has no quotes for types and names of columns: what it does not take in them becomes `_`.
#[must_use]
pub fn mermaid(schema: &Schema) -> String {
    let mut text = String::from("erDiagram\n");
    for table in &schema.tables {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {} {{", entity(&table.name));
        for column in &table.columns {
            let _ = writeln!(text, "        {}", attribute(table, column));
        }
        text.push_str("    }\n");
    }
    for table in &schema.tables {
        for key in &table.foreign_keys {
            let columns = key.columns.join(", ").replace('"', "'");
            let (parent, child) = (entity(&key.parent), entity(&table.name));
            let _ = writeln!(text, "    {parent} {} {child} : \"{columns}\"", relationship(table, key));
        }
    }
    text
}

fn entity(name: &ObjectName) -> String {
    let name = name.schema.as_ref().map_or(name.name.clone(), |schema| format!("{schema}.{}", name.name));
    format!("\"{}\"", name.replace('"', "'"))
}

fn attribute(table: &Table, column: &Column) -> String {
    let word = |text: &str, kept: &[char]| -> String {
        let word: String =
            text.chars().map(|c| if c.is_ascii_alphanumeric() || kept.contains(&c) { c } else { '_' }).collect();
        if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { word } else { format!("_{word}") }
    };
    let ty = column.ty.to_string().replace(", ", "-");
    let ty = if ty.is_empty() { "any".to_owned() } else { ty };
    let alone = |columns: &[String]| columns == [column.name.as_str()];
    let keys = [
        ("PK", table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name))),
        ("FK", table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))),
        ("UK", table.uniques.iter().any(|unique| alone(&unique.columns))),
    ];
    let keys: Vec<&str> = keys.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
    let mut line = format!("{} {}", word(&ty, &['_', '-', '(', ')', '[', ']']), word(&column.name, &['_', '-']));
    if !keys.is_empty() {
        line += &format!(" {}", keys.join(", "));
    }
    let comment = column.comment.as_ref().map(|it| it.replace('"', "'").replace(['\n', '\r'], " "));
    line + &comment.map(|comment| format!(" \"{comment}\"")).unwrap_or_default()
}

/// How many rows may stand on each side: a key that may be NULL has no parent or one, a unique one has one child at most.
fn relationship(table: &Table, key: &ForeignKey) -> &'static str {
    let may_be_null = key.columns.iter().any(|name| table.column(name).is_some_and(|column| !column.not_null));
    let is_key =
        |columns: &[String]| columns.len() == key.columns.len() && columns.iter().all(|it| key.columns.contains(it));
    let unique = table.primary_key.as_ref().is_some_and(|it| is_key(&it.columns))
        || table.uniques.iter().any(|it| is_key(&it.columns))
        || table.indexes.iter().any(|index| index.unique && index.is_on(&key.columns));
    match (may_be_null, unique) {
        (true, true) => "|o--o|",
        (true, false) => "|o--o{",
        (false, true) => "||--o|",
        (false, false) => "||--o{",
    }
}

#[cfg(test)]
mod tests {
    use super::mermaid;
    use crate::read::read;

    #[test]
    fn tables_and_their_keys_are_drawn() {
        let text = "\
            CREATE TABLE teams (id integer PRIMARY KEY, name varchar(40) UNIQUE);
            CREATE TABLE \"Odd one\" (
                team integer NOT NULL REFERENCES teams,
                deputy integer UNIQUE REFERENCES teams,
                \"a b\" numeric(10, 2)
            );
            COMMENT ON COLUMN teams.name IS 'as \"shown\"';
        ";
        let document = read("schema.sql", text).unwrap_or_default();
        let (schema, _) = document.for_dialect("sqlite");
        let expected = "\
erDiagram
    \"teams\" {
        integer id PK
        varchar(40) name UK \"as 'shown'\"
    }
    \"Odd one\" {
        integer team FK
        integer deputy FK, UK
        numeric(10-2) a_b
    }
    \"teams\" ||--o{ \"Odd one\" : \"team\"
    \"teams\" |o--o| \"Odd one\" : \"deputy\"
";
        assert_eq!(mermaid(&schema), expected);
    }
}
