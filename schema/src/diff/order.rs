//! What must stand before what.

use std::collections::HashMap;

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
