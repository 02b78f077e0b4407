//! Which tables refer to which.

use whimbrel_schema::Schema;
use whimbrel_schema::model::{ObjectName, Table};

use super::refers;

/// The tables, each after those that refer to it as far as there is such an order.
pub(super) fn children_first<'a>(tables: &[&'a Table]) -> Vec<&'a Table> {
    let mut left: Vec<&Table> = tables.to_vec();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left
            .iter()
            .position(|table| !left.iter().any(|other| other.name != table.name && refers(other, &table.name)));
        ordered.push(left.remove(free.unwrap_or(0)));
    }
    ordered
}

/// These tables and all that refer to them, directly or through others; sorted.
pub(super) fn with_referring<'a>(schema: &Schema, tables: impl Iterator<Item = &'a Table>) -> Vec<ObjectName> {
    let mut found: Vec<ObjectName> = tables.map(|table| table.name.clone()).collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).cloned() {
        let children = schema.tables.iter().filter(|child| refers(child, &parent));
        let new: Vec<ObjectName> =
            children.map(|child| child.name.clone()).filter(|name| !found.contains(name)).collect();
        found.extend(new);
        at += 1;
    }
    found.sort();
    found
}
