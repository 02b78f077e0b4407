//! What must stand before what.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Native, ObjectName, Table, View};
use crate::tokens;

/// Views in an order in which each reads only those before it.
pub(super) fn views_forwards(views: Vec<View>) -> Vec<View> {
    let names: Vec<ObjectName> = views.iter().map(|view| view.name.clone()).collect();
    let reads = |at: usize| {
        let others = names.iter().enumerate().filter(|(other, _)| *other != at);
        others.filter(|(_, name)| tokens::mentions(&views[at].query, &name.name)).map(|(other, _)| other).collect()
    };
    let order = sorted(views.len(), &reads);
    order.into_iter().map(|at| views[at].clone()).collect()
}

/// The other way round.
pub(super) fn views_backwards(views: Vec<View>) -> Vec<View> {
    let mut views = views_forwards(views);
    views.reverse();
    views
}

/// Tables in an order in which each refers only to those before it, as far as there is one.
pub(super) fn parents_first(tables: &[Table]) -> Vec<usize> {
    let places: HashMap<&ObjectName, usize> = tables.iter().enumerate().map(|(at, table)| (&table.name, at)).collect();
    let parents = |at: usize| {
        let parents = tables[at].foreign_keys.iter().filter_map(|key| places.get(&key.parent).copied());
        parents.filter(|parent| *parent != at).collect()
    };
    sorted(tables.len(), &parents)
}

/// Depth first, in the given order where nothing says otherwise. A cycle is cut where it is met.
fn sorted(count: usize, needs: &dyn Fn(usize) -> Vec<usize>) -> Vec<usize> {
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

/// Kinds that tables and types may need.
const EARLY: [&str; 7] = ["extension", "collation", "domain", "type", "function", "procedure", "aggregate"];

/// Splits what is made before the tables from what is made after them. A function that names a new table comes after it.
pub(super) fn early_natives(natives: Vec<Native>, new: &[Table]) -> (Vec<Native>, Vec<Native>) {
    let names: BTreeSet<&str> = new.iter().map(|table| table.name.name.as_str()).collect();
    let needs_new = |native: &Native| names.iter().any(|name| tokens::mentions(&native.sql, name));
    let (mut early, late): (Vec<Native>, Vec<Native>) = natives.into_iter().partition(|native| {
        let kind = EARLY.iter().position(|kind| *kind == native.kind);
        kind.is_some_and(|kind| kind < 4) || (kind.is_some() && !needs_new(native))
    });
    early.sort_by_key(|native| EARLY.iter().position(|kind| *kind == native.kind));
    (early, late)
}
