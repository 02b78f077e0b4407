//! Renames: which name stands for which, and in which order they can be made.

use std::collections::BTreeSet;

use whimbrel_schema::Change;
use whimbrel_schema::model::ObjectName;

/// What the changes rename, from the state before all of them to the state after.
#[derive(Debug, Default)]
pub(super) struct Renames {
    tables: Vec<(ObjectName, ObjectName)>,
    /// With the table as it is called before.
    columns: Vec<(ObjectName, String, String)>,
}

impl Renames {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut renames = Self::default();
        for change in changes {
            match change {
                Change::RenameTable { from, to } => renames.rename_table(from, to),
                Change::RenameColumn { table, from, to } => renames.rename_column(table, from, to),
                _ => {}
            }
        }
        renames
    }

    /// A name that was only there in between is followed to where it came from.
    fn rename_table(&mut self, from: &ObjectName, to: &ObjectName) {
        match self.tables.iter_mut().find(|(_, now)| now == from) {
            Some((_, now)) => *now = to.clone(),
            None => self.tables.push((from.clone(), to.clone())),
        }
    }

    fn rename_column(&mut self, table: &ObjectName, from: &str, to: &str) {
        let table = self.table_before(table);
        match self.columns.iter_mut().find(|(of, _, now)| *of == table && now == from) {
            Some((.., now)) => *now = to.to_owned(),
            None => self.columns.push((table, from.to_owned(), to.to_owned())),
        }
    }

    /// Gives a table that goes another name until then.
    pub(super) fn park_table(&mut self, table: &ObjectName, name: String) {
        self.rename_table(table, &table.sibling(name));
    }

    pub(super) fn table_after(&self, before: &ObjectName) -> ObjectName {
        self.tables.iter().find(|(from, _)| from == before).map_or(before, |(_, to)| to).clone()
    }

    pub(super) fn table_before(&self, after: &ObjectName) -> ObjectName {
        self.tables.iter().find(|(_, to)| to == after).map_or(after, |(from, _)| from).clone()
    }

    /// Pairs of names of a table's columns that differ; the table as it is called before.
    pub(super) fn columns_of(&self, table: &ObjectName) -> Vec<(String, String)> {
        let of_table = self.columns.iter().filter(|(of, from, to)| of == table && from != to);
        of_table.map(|(_, from, to)| (from.clone(), to.clone())).collect()
    }

    /// Pairs of names of tables that differ.
    pub(super) fn tables(&self) -> Vec<(String, String)> {
        let renamed = self.tables.iter().filter(|(from, to)| from != to);
        renamed.map(|(from, to)| (from.name.clone(), to.name.clone())).collect()
    }
}

/// Puts renames that are meant at the same time into an order in which each finds its name free, with a name in between
/// where they go round in a circle: none of `known`, which are in lower case. `taken` are the names in use. One whose name
/// never gets free comes last, and fails.
pub(super) fn ordered(
    mut pairs: Vec<(String, String)>,
    taken: &[String],
    known: &BTreeSet<String>,
) -> Vec<(String, String)> {
    let mut taken: BTreeSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let mut steps = Vec::new();
    while !pairs.is_empty() {
        let free = pairs.iter().position(|(_, to)| !taken.contains(&to.to_lowercase()));
        let (from, to) = match free {
            Some(at) => pairs.remove(at),
            None => {
                // The name that the first one waits for belongs to another one that waits, or to nobody who moves.
                let moves = |name: &str| pairs.iter().any(|(from, _)| from.eq_ignore_ascii_case(name));
                let Some(at) = pairs.iter().position(|(_, to)| moves(to)) else {
                    steps.append(&mut pairs);
                    break;
                };
                let Some((from, _)) = pairs.get_mut(at) else { break };
                let parked = unused(from, |name| taken.contains(name) || known.contains(name));
                (std::mem::replace(from, parked.clone()), parked)
            }
        };
        taken.remove(&from.to_lowercase());
        taken.insert(to.to_lowercase());
        steps.push((from, to));
    }
    steps
}

/// `NAME_new`, or the same with a number, so that nothing has the name; `taken` is asked in lower case.
pub(super) fn unused(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let first = format!("{name}_new");
    let more = (2_u32..).map(|number| format!("{first}_{number}"));
    let found = std::iter::once(first.clone()).chain(more).find(|name| !taken(&name.to_lowercase()));
    found.unwrap_or(first)
}
