//! Failures made small.

use super::world::{Default, World};
use super::{Case, Ground};

/// The first line without names and numbers: what kind of failure it is.
fn kind(why: &str) -> String {
    why.lines().next().unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).take(24).collect()
}

/// Takes out whatever the failure does not need.
pub(super) async fn smallest<G: Ground>(ground: &G, mut case: Case, mut why: String) -> (Case, String) {
    let first = kind(&why);
    let mut tries = 0;
    'again: loop {
        for smaller in smaller(&case) {
            tries += 1;
            if tries > 600 {
                return (case, why);
            }
            if smaller == case {
                continue;
            }
            if let Err(found) = ground.go(&smaller).await
                && kind(&found) == first
            {
                (case, why) = (smaller, found);
                continue 'again;
            }
        }
        return (case, why);
    }
}

/// Every way to have a little less.
fn smaller(case: &Case) -> Vec<Case> {
    let mut made: Vec<Case> = Vec::new();
    let Case { before, after, rows, from_live, keys_stay_on } = case;
    let mut push = |before: World, after: World, rows: usize, from_live: bool| {
        let (mut before, mut after) = (before, after);
        before.tidy();
        after.tidy_after(&before);
        made.push(Case { before, after, rows, from_live, keys_stay_on: *keys_stay_on });
    };
    let both = |f: &dyn Fn(&mut World)| {
        let (mut one, mut other) = (before.clone(), after.clone());
        f(&mut one);
        f(&mut other);
        (one, other)
    };
    let ids = |of: &dyn Fn(&World) -> Vec<usize>| {
        let mut ids = of(before);
        ids.extend(of(after));
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    for id in ids(&|it| it.tables.iter().map(|it| it.id).collect()) {
        let (one, other) = both(&|it| it.tables.retain(|it| it.id != id));
        push(one, other, *rows, *from_live);
    }
    for id in ids(&|it| it.views.iter().map(|it| it.id).collect()) {
        let (one, other) = both(&|it| it.views.retain(|it| it.id != id));
        push(one, other, *rows, *from_live);
    }
    for id in ids(&|it| it.routines.iter().map(|it| it.id).collect()) {
        let (one, other) = both(&|it| it.routines.retain(|it| it.id != id));
        push(one, other, *rows, *from_live);
    }
    for id in ids(&|it| it.enums.iter().map(|it| it.id).collect()) {
        let (one, other) = both(&|it| it.enums.retain(|it| it.id != id));
        push(one, other, *rows, *from_live);
    }
    // A table as it was.
    for (at, table) in after.tables.iter().enumerate() {
        if let Some(was) = before.table(table.id).filter(|was| *was != table) {
            let mut other = after.clone();
            other.tables[at] = was.clone();
            push(before.clone(), other, *rows, *from_live);
        }
    }
    for (at, ty) in after.enums.iter().enumerate() {
        if let Some(was) = before.enum_of(ty.id).filter(|was| *was != ty) {
            let mut other = after.clone();
            other.enums[at] = was.clone();
            push(before.clone(), other, *rows, *from_live);
        }
    }
    for (at, view) in after.views.iter().enumerate() {
        if let Some(was) = before.view(view.id).filter(|was| *was != view) {
            let mut other = after.clone();
            other.views[at] = was.clone();
            push(before.clone(), other, *rows, *from_live);
        }
    }
    let columns = |it: &World| it.tables.iter().flat_map(|it| &it.columns).map(|it| it.id).collect::<Vec<_>>();
    for id in ids(&columns) {
        let less = |world: &mut World| {
            for table in world.tables.iter_mut().filter(|it| it.columns.len() > 1) {
                table.columns.retain(|it| it.id != id);
            }
        };
        let (one, other) = both(&less);
        push(one, other, *rows, *from_live);
        let plainer = |world: &mut World| {
            for column in world.tables.iter_mut().flat_map(|it| &mut it.columns).filter(|it| it.id == id) {
                (column.default, column.comment, column.not_null) = (Default::None, false, false);
                (column.identity, column.generated) = (None, None);
                (column.collated, column.options) = (false, Vec::new());
            }
        };
        let (one, other) = both(&plainer);
        push(one, other, *rows, *from_live);
    }
    for id in ids(&|it| it.tables.iter().map(|it| it.id).collect()) {
        let parts: [&dyn Fn(&mut super::world::Table); 11] = [
            &|it| it.excluded = None,
            &|it| it.note = None,
            &|it| it.options.clear(),
            &|it| it.keys.clear(),
            &|it| it.checks.clear(),
            &|it| it.indexes.clear(),
            &|it| it.uniques.clear(),
            &|it| it.primary.clear(),
            &|it| it.trigger = None,
            &|it| it.policy = None,
            &|it| it.comment = 0,
        ];
        for part in parts {
            let (one, other) = both(&|it| it.tables.iter_mut().filter(|it| it.id == id).for_each(part));
            push(one, other, *rows, *from_live);
        }
    }
    let (one, other) = both(&|it| it.enums.iter_mut().for_each(|it| it.comment = false));
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| it.sequences.clear());
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| it.searched = None);
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| {
        let checks = it.tables.iter_mut().flat_map(|it| &mut it.checks);
        checks.for_each(|it| (it.is_named, it.at_column) = (false, false));
    });
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| it.options.clear());
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| it.shuffle = 0);
    push(one, other, *rows, *from_live);
    let (one, other) = both(&|it| {
        it.views.iter_mut().for_each(|it| (it.comment, it.filter, it.call) = (false, None, None));
    });
    push(one, other, *rows, *from_live);
    push(before.clone(), after.clone(), 0, *from_live);
    push(before.clone(), after.clone(), *rows, false);
    made.push(Case { keys_stay_on: false, ..case.clone() });
    made
}
