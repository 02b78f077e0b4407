//! What must stand before what.

use std::collections::HashMap;

use crate::change::Change;
use crate::model::{ObjectName, Table};

/// Tables in an order in which each refers only to those before it, as far as there is one.
pub(super) fn parents_first(tables: &[Table]) -> Vec<usize> {
    let places: HashMap<&ObjectName, usize> = tables.iter().enumerate().map(|(at, table)| (&table.name, at)).collect();
    let parents = |at: usize| {
        let parents = tables[at].foreign_keys.iter().filter_map(|key| places.get(&key.parent).copied());
        parents.filter(|parent| *parent != at).collect()
    };
    sorted(tables.len(), &parents)
}

/// Renames of constraints and indexes in an order in which each finds its name free: indexes, and constraints that have
/// one, share their names across tables. A circle begins with a name for the time being.
pub(super) fn free_names_first(renames: Vec<Change>) -> Vec<Change> {
    let (mut left, mut steps, mut held, mut circles) = (renames, Vec::with_capacity(4), Vec::new(), 0);
    loop {
        let is_taken = |name: Option<&String>, left: &[Change]| left.iter().any(|it| names(it).map(|it| it.0) == name);
        let free = |change: &Change, left: &[Change]| !is_taken(names(change).map(|it| it.1), left);
        if let Some(at) = left.iter().position(|change| free(change, &left)) {
            steps.push(left.remove(at));
        } else if let Some(at) = held.iter().position(|change| free(change, &left)) {
            steps.push(held.remove(at));
        } else if left.is_empty() {
            return steps;
        } else {
            circles += 1;
            let (aside, back) = around(left.remove(0), &format!("whimbrel_renamed_{circles}"));
            steps.push(aside);
            held.push(back);
        }
    }
}

fn names(change: &Change) -> Option<(&String, &String)> {
    match change {
        Change::RenameConstraint { from, to, .. } | Change::RenameIndex { from, to, .. } => Some((from, to)),
        _ => None,
    }
}

/// A rename in two steps.
fn around(change: Change, aside: &str) -> (Change, Change) {
    let aside = || aside.to_owned();
    match change {
        Change::RenameIndex { table, from, to } => (
            Change::RenameIndex { table: table.clone(), from, to: aside() },
            Change::RenameIndex { table, from: aside(), to },
        ),
        Change::RenameConstraint { table, from, to } => (
            Change::RenameConstraint { table: table.clone(), from, to: aside() },
            Change::RenameConstraint { table, from: aside(), to },
        ),
        other => (other.clone(), other),
    }
}

/// Depth first, in the given order where nothing says otherwise. A cycle is cut where it is met.
pub(super) fn sorted(count: usize, needs: &dyn Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for first in 0..count {
        // A stack of its own: a chain of references may be longer than the thread's stack allows.
        let mut open = vec![(first, None::<Vec<usize>>)];
        while let Some((at, left)) = open.last_mut() {
            let at = *at;
            let left = match left {
                Some(left) => left,
                None if std::mem::replace(&mut seen[at], true) => {
                    open.pop();
                    continue;
                }
                None => left.insert(needs(at).into_iter().rev().collect()),
            };
            match left.pop() {
                Some(next) => open.push((next, None)),
                None => {
                    order.push(at);
                    open.pop();
                }
            }
        }
    }
    order
}
