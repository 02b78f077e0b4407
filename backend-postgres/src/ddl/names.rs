//! The names that Postgres gives to what was given none.

use std::collections::BTreeSet;

use whimbrel_schema::model::{ObjectName, Table};

/// The longest name, in bytes.
const LONGEST: usize = 63;

/// Joins `first`, `second` and `label` with underscores, cutting the longer of the first two where it gets too long, as
/// the server's `makeObjectName` does.
pub(crate) fn object_name(first: &str, second: &str, label: &str) -> String {
    let overhead = 1 + label.len() + usize::from(!second.is_empty());
    let room = LONGEST.saturating_sub(overhead);
    let (mut a, mut b) = (first.len(), second.len());
    while a + b > room {
        if a > b { a -= 1 } else { b -= 1 }
    }
    let (first, second) = (clip(first, a), clip(second, b));
    let middle = if second.is_empty() { String::new() } else { format!("_{second}") };
    format!("{first}{middle}_{label}")
}

/// At most `length` bytes of a text, and no part of a character.
fn clip(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// The name as the server stores it.
pub(crate) fn truncated(name: &str) -> String {
    clip(name, LONGEST).to_owned()
}

/// The columns' part of a name: joined until the limit is reached.
fn addition(columns: &[String]) -> String {
    let mut joined = String::new();
    for column in columns {
        if !joined.is_empty() {
            joined.push('_');
        }
        joined.push_str(column);
        if joined.len() > LONGEST {
            break;
        }
    }
    joined
}

/// Names in use, each with its namespace.
#[derive(Debug, Default)]
pub(super) struct Taken {
    relations: BTreeSet<(Option<String>, String)>,
    constraints: BTreeSet<(Option<String>, String)>,
}

impl Taken {
    pub(super) fn relation(&mut self, name: &ObjectName) {
        self.relations.insert((name.schema.clone(), name.name.clone()));
    }

    fn constraint(&mut self, table: &ObjectName, name: &str) {
        self.constraints.insert((table.schema.clone(), name.to_owned()));
    }

    /// The first free name of this kind; an index's must be free among relations too.
    fn choose(&mut self, table: &ObjectName, second: &str, label: &str, is_index: bool) -> String {
        let mut label_tried = label.to_owned();
        for number in 1.. {
            let name = object_name(&table.name, second, &label_tried);
            let key = (table.schema.clone(), name.clone());
            let taken = self.constraints.contains(&key) || is_index && self.relations.contains(&key);
            if !taken {
                if is_index {
                    self.relations.insert(key.clone());
                }
                self.constraints.insert(key);
                return name;
            }
            label_tried = format!("{label}{number}");
        }
        unreachable!("there is a free number")
    }

    /// Names the constraints of a table in the order in which `CREATE TABLE` makes them: checks, then the primary key and
    /// the unique constraints, then the foreign keys.
    pub(super) fn name_all(&mut self, table: &mut Table) {
        let of = table.name.clone();
        self.given(table);
        for check in table.checks.iter_mut().filter(|check| check.name.is_none()) {
            let columns: Vec<String> =
                check.expr.columns().into_iter().filter(|c| table.columns.iter().any(|of| of.name == *c)).collect();
            let second = if let [only] = &columns[..] { only } else { "" };
            check.name = Some(self.choose(&of, second, "check", false));
        }
        if let Some(key) = table.primary_key.as_mut().filter(|key| key.name.is_none()) {
            key.name = Some(self.choose(&of, "", "pkey", true));
        }
        for unique in table.uniques.iter_mut().filter(|unique| unique.name.is_none()) {
            unique.name = Some(self.choose(&of, &addition(&unique.columns), "key", true));
        }
        for key in table.foreign_keys.iter_mut().filter(|key| key.name.is_none()) {
            key.name = Some(self.choose(&of, &addition(&key.columns), "fkey", false));
        }
    }

    /// Takes the names that are given, cut as the server cuts them.
    fn given(&mut self, table: &mut Table) {
        let of = table.name.clone();
        let keys = table.primary_key.iter_mut().map(|key| &mut key.name);
        let indexed = keys.chain(table.uniques.iter_mut().map(|unique| &mut unique.name));
        for name in indexed.flatten() {
            *name = truncated(name);
            self.relation(&of.sibling(name.clone()));
            self.constraint(&of, name);
        }
        let checks = table.checks.iter_mut().map(|check| &mut check.name);
        for name in checks.chain(table.foreign_keys.iter_mut().map(|key| &mut key.name)).flatten() {
            *name = truncated(name);
            self.constraint(&of, name);
        }
        for raw in &table.raw_constraints {
            self.constraint(&of, &raw.name);
        }
        for index in &mut table.indexes {
            index.name = truncated(&index.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn long_names_are_cut_where_the_server_cuts_them() {
        assert_eq!(object_name("users", "email", "key"), "users_email_key");
        assert_eq!(object_name("users", "", "pkey"), "users_pkey");
        let table = "a".repeat(40);
        let column = "b".repeat(40);
        let name = object_name(&table, &column, "fkey");
        assert_eq!(name.len(), 63);
        assert_eq!(name, format!("{}_{}_fkey", "a".repeat(29), "b".repeat(28)));
        // Two bytes each: never half a character.
        assert_eq!(object_name(&"ä".repeat(40), "", "pkey"), format!("{}_pkey", "ä".repeat(29)));
    }
}
