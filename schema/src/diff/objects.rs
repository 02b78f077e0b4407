//! Views, and what is carried as text: what goes, what comes, and in which order.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::tables::Tables;
use super::{Difference, order};
use crate::change::Change;
use crate::model::{Native, ObjectName, View};
use crate::tokens::{self, Names};

/// The steps for views and natives, by their place among those of tables.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// What goes before anything else, so that it holds nothing up.
    pub(super) in_the_way: Vec<Change>,
    /// What types may need.
    pub(super) first: Vec<Change>,
    /// What tables need.
    pub(super) early: Vec<Change>,
    /// What goes once nothing of the tables needs it any more.
    pub(super) gone: Vec<Change>,
    pub(super) late: Vec<Change>,
    pub(super) created_views: BTreeSet<ObjectName>,
}

/// A view or a native, with the names that it is made of.
struct Node<'a> {
    object: Object<'a>,
    names: OnceCell<Names>,
    with_bodies: OnceCell<Names>,
}

#[derive(Clone, Copy)]
enum Object<'a> {
    View(&'a View),
    Native(&'a Native),
}

/// Kinds that types may need.
const FIRST: [&str; 2] = ["schema", "extension"];
/// Kinds that tables may need.
const EARLY: [&str; 3] = ["collation", "domain", "type"];
/// Kinds that tables need only where they name one.
const ROUTINES: [&str; 3] = ["function", "procedure", "aggregate"];

impl<'a> Node<'a> {
    fn new(object: Object<'a>) -> Self {
        Self { object, names: OnceCell::new(), with_bodies: OnceCell::new() }
    }

    fn all(schema: &'a crate::model::Schema) -> Vec<Self> {
        let views = schema.views.iter().map(Object::View);
        views.chain(schema.natives.iter().map(Object::Native)).map(Self::new).collect()
    }

    fn text(&self) -> &'a str {
        match self.object {
            Object::View(view) => &view.query,
            Object::Native(native) => &native.sql,
        }
    }

    /// The name by which others would name it; nothing names a trigger or a policy.
    fn name(&self) -> Option<String> {
        match self.object {
            Object::View(view) => Some(view.name.name.clone()),
            Object::Native(native) if native.table.is_some() => None,
            Object::Native(native) => Some(native.bare_name()),
        }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::of(self.text()))
    }

    fn with_bodies(&self) -> &Names {
        match self.object {
            Object::View(_) => self.names(),
            Object::Native(_) => self.with_bodies.get_or_init(|| Names::with_bodies(self.text())),
        }
    }

    /// Whether it is made of a table or a view of this name. A view names it where it reads; in other texts any place will do.
    fn reads(&self, name: &str) -> bool {
        if self.is_view() { self.names().reads(name) } else { self.names().has(name) }
    }

    /// The same for any other node; `bodies`: with what a routine names in its text.
    fn needs(&self, other: &Self, bodies: bool) -> bool {
        let Some(name) = other.name() else { return false };
        match (other.is_view(), bodies) {
            (true, _) if self.is_view() => self.names().reads(&name),
            (_, true) => self.with_bodies().has(&name),
            (_, false) => self.names().has(&name),
        }
    }

    fn native(&self) -> Option<&'a Native> {
        match self.object {
            Object::Native(native) => Some(native),
            Object::View(_) => None,
        }
    }

    fn is_kind(&self, kinds: &[&str]) -> bool {
        self.native().is_some_and(|native| kinds.contains(&native.kind.as_str()))
    }

    fn is_view(&self) -> bool {
        matches!(self.object, Object::View(_)) || self.is_kind(&["materialized view", "view"])
    }

    fn same_as(&self, other: &Self) -> bool {
        match (self.object, other.object) {
            (Object::View(one), Object::View(other)) => one.name == other.name && one.same_as(other),
            (Object::Native(one), Object::Native(other)) => one.same_as(other),
            _ => false,
        }
    }

    /// Whether the other one can take its place without anything that needs it going first.
    fn can_become(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (self.native(), other.native()) else { return false };
        matches!(one.kind.as_str(), "function" | "procedure")
            && one.is_named_as(other)
            && tokens::signature(&one.sql) == tokens::signature(&other.sql)
    }

    fn drop_step(&self) -> Change {
        match self.object {
            Object::View(view) => Change::DropView(view.clone()),
            Object::Native(native) => Change::DropNative(native.clone()),
        }
    }

    fn create_step(&self) -> Change {
        match self.object {
            Object::View(view) => Change::CreateView(view.clone()),
            Object::Native(native) => Change::CreateNative(native.clone()),
        }
    }
}

/// The places of nodes in an order in which each needs only those before it.
fn in_order(nodes: &[Node<'_>], bodies: bool) -> Vec<usize> {
    order::sorted(nodes.len(), &|at| {
        let Some(node) = nodes.get(at) else { return Vec::new() };
        let others = nodes.iter().enumerate().filter(|(other, _)| *other != at);
        others.filter(|(_, other)| node.needs(other, bodies)).map(|(other, _)| other).collect()
    })
}

impl Objects {
    pub(super) fn compare(difference: &Difference<'_>, tables: &Tables) -> Self {
        let (now, after) = (Node::all(difference.now), Node::all(difference.after));
        let mut objects = Self::default();
        let kept = Kept::find(difference, tables, &now, &after);
        if now.is_empty() && after.is_empty() {
            return objects;
        }
        objects.take_away(difference, tables, &now, &kept);
        objects.make(tables, &now, &after, &kept);
        objects
    }

    fn take_away(&mut self, difference: &Difference<'_>, tables: &Tables, now: &[Node<'_>], kept: &Kept) {
        if !kept.goes.contains(&true) {
            return;
        }
        let mut order = in_order(now, false);
        order.reverse();
        let goes = |at: usize| kept.goes.get(at) == Some(&true);
        // What is gone for good, and holds nothing up, may be needed by a table until that goes.
        let is_late = |at: usize, node: &Node<'_>| {
            let native = node.native().filter(|native| native.table.is_none() && !node.is_view());
            native.is_some_and(|native| {
                let comes_back = difference.after.natives.iter().any(|after| after.is_named_as(native));
                difference.rules.views_hold_columns && !comes_back && kept.held.get(at) != Some(&true)
            })
        };
        let early: Vec<String> = (0..now.len())
            .filter(|at| goes(*at))
            .filter_map(|at| now.get(at).filter(|node| !is_late(at, node))?.name())
            .collect();
        for (at, node) in order.into_iter().filter_map(|at| Some((at, now.get(at)?))).filter(|(at, _)| goes(*at)) {
            // A trigger goes with its table, unless its function would go before.
            let with_table = node.native().and_then(|native| native.table.as_ref()).is_some_and(|table| {
                tables.dropped.iter().any(|gone| gone.name == *table)
                    && !early.iter().any(|name| node.names().has(name))
            });
            match (with_table, is_late(at, node)) {
                (true, _) => {}
                (false, true) => self.gone.push(node.drop_step()),
                (false, false) => self.in_the_way.push(node.drop_step()),
            }
        }
    }

    fn make(&mut self, tables: &Tables, now: &[Node<'_>], after: &[Node<'_>], kept: &Kept) {
        let stays = |node: &Node<'_>| {
            let mut olds = now.iter().zip(&kept.goes).filter(|(_, goes)| !**goes);
            olds.any(|(old, _)| old.same_as(node))
        };
        let replaced = |node: &Node<'_>| {
            let mut olds = now.iter().zip(&kept.goes).filter(|(_, goes)| !**goes);
            olds.find(|(old, _)| old.can_become(node)).and_then(|(old, _)| old.native().cloned())
        };
        if after.iter().all(stays) {
            return;
        }
        let order = in_order(after, true);
        let needed = Self::needed_by_tables(tables, after, &order);
        for (at, node) in order.into_iter().filter_map(|at| Some((at, after.get(at)?))) {
            if stays(node) {
                continue;
            }
            if let (Some(before), Some(native)) = (replaced(node), node.native()) {
                self.late.push(Change::ReplaceNative { before, after: native.clone() });
            } else if node.is_kind(&FIRST) {
                self.first.push(node.create_step());
            } else if node.is_kind(&EARLY) || needed.contains(&at) {
                self.early.push(node.create_step());
            } else {
                if let Object::View(view) = node.object {
                    self.created_views.insert(view.name.clone());
                }
                self.late.push(node.create_step());
            }
        }
    }

    /// The routines that a new part of a table calls, and those that they call.
    fn needed_by_tables(tables: &Tables, after: &[Node<'_>], order: &[usize]) -> BTreeSet<usize> {
        let called = Names::of(&tables.new_expressions());
        let mut needed = BTreeSet::new();
        // Callers come after those that they call.
        for at in order.iter().rev() {
            let Some((node, name)) = after.get(*at).and_then(|node| Some((node, node.name()?))) else { continue };
            let by_needed =
                || needed.iter().filter_map(|at| after.get(*at)).any(|it: &Node<'_>| it.with_bodies().has(&name));
            if node.is_kind(&ROUTINES) && (called.has(&name) || by_needed()) {
                needed.insert(*at);
            }
        }
        needed
    }
}

/// The steps that take away the views whose names tables get by a rename, with all that reads them.
pub(super) fn named_as_renamed(before: &crate::model::Schema, renames: &[Change]) -> Vec<Change> {
    let nodes = Node::all(before);
    let is_taken = |node: &Node<'_>| {
        let Object::View(view) = node.object else { return false };
        renames.iter().any(|change| matches!(change, Change::RenameTable { to, .. } if *to == view.name))
    };
    let goes: Vec<bool> = nodes.iter().map(is_taken).collect();
    if !goes.contains(&true) {
        return Vec::new();
    }
    let mut kept = Kept { held: goes.clone(), goes };
    kept.take_users(&nodes);
    let order = in_order(&nodes, false).into_iter().rev();
    order.filter(|at| kept.goes.get(*at) == Some(&true)).filter_map(|at| Some(nodes.get(at)?.drop_step())).collect()
}

/// Which of the nodes go, and which of those because they hold up a change.
struct Kept {
    goes: Vec<bool>,
    held: Vec<bool>,
}

impl Kept {
    fn find(difference: &Difference<'_>, tables: &Tables, now: &[Node<'_>], after: &[Node<'_>]) -> Self {
        let rules = difference.rules;
        let stays = |node: &Node<'_>| {
            after.iter().any(|it| it.same_as(node) || (rules.replaces_routines && node.can_become(it)))
        };
        let mut kept = Self { goes: now.iter().map(|node| !stays(node)).collect(), held: vec![false; now.len()] };
        if !rules.views_hold_columns {
            return kept;
        }
        for (node, (goes, held)) in now.iter().zip(kept.goes.iter_mut().zip(&mut kept.held)) {
            *held = is_held(difference, tables, node);
            *goes |= *held;
        }
        kept.take_users(now);
        kept
    }

    /// With what goes, everything goes that is made of it.
    fn take_users(&mut self, now: &[Node<'_>]) {
        let mut open: Vec<usize> = self.goes.iter().enumerate().filter(|(_, goes)| **goes).map(|(at, _)| at).collect();
        while let Some(gone) = open.pop().and_then(|at| now.get(at)) {
            let states = self.goes.iter_mut().zip(&mut self.held).enumerate();
            for ((at, (goes, held)), node) in states.zip(now) {
                if !*goes && node.needs(gone, false) {
                    (*goes, *held) = (true, true);
                    open.push(at);
                }
            }
        }
    }
}

/// Whether it stands in the way of a change of tables or types.
fn is_held(difference: &Difference<'_>, tables: &Tables, node: &Node<'_>) -> bool {
    let names = || node.names();
    let of_type = || {
        let gone = |ty: &ObjectName| difference.after.enum_type(ty).is_none() || difference.is_swapped(ty);
        difference.now.enums.iter().any(|ty| gone(&ty.name) && names().has(&ty.name.name))
    };
    if node.is_view() {
        let gives_other = || is_renamed(difference, node) || tables.widens(names());
        return tables.holds_up(names, |table| node.reads(table))
            || of_type()
            || (difference.rules.rewrites_views && gives_other());
    }
    match node.native() {
        Some(native) if native.table.is_some() => tables.holds_up(names, |table| node.reads(table)) || of_type(),
        Some(_) if node.is_kind(&ROUTINES) => {
            of_type() || tables.dropped.iter().any(|table| names().has(&table.name.name))
        }
        _ => false,
    }
}

/// Whether a view reads a column that is renamed: what it gives has the column's name from before still.
fn is_renamed(difference: &Difference<'_>, node: &Node<'_>) -> bool {
    let names = node.names();
    difference.renamed.iter().any(|change| match change {
        Change::RenameColumn { table, to, .. } => node.reads(&table.name) && (names.has(to) || names.has_star()),
        _ => false,
    })
}
