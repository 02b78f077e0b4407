//! Tables: new ones, those that go, and those that change.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, by_name, columns, order};
use crate::change::apply::is_key;
use crate::change::{Change, apply};
use crate::expr::Expr;
use crate::model::{
    Check, Column, ForeignKey, Index, IndexTarget, ObjectName, PrimaryKey, RawConstraint, Schema, Table, Type, Unique,
};
use crate::tokens::{self, Names};

/// The steps for tables, by their place in the order.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) created: Vec<Table>,
    pub(super) dropped: Vec<Table>,
    /// Foreign keys that go, or go for a while.
    drop_keys: Vec<Change>,
    /// Indexes and constraints that go.
    drops: Vec<Change>,
    renames: Vec<Change>,
    columns: Vec<Change>,
    /// Keys, then checks, then indexes.
    adds: Vec<Change>,
    add_keys: Vec<Change>,
    /// Columns that change their type or go: what views and triggers hold.
    disturbed: BTreeMap<ObjectName, BTreeSet<String>>,
    /// Tables that get a column.
    widened: BTreeSet<ObjectName>,
}

impl Tables {
    pub(super) fn compare(difference: &Difference<'_>) -> Self {
        let mut tables = Self::default();
        let now = by_name(&difference.now.tables, |table| &table.name);
        let after = by_name(&difference.after.tables, |table| &table.name);
        tables.created = difference.after.tables.iter().filter(|it| !now.contains_key(&it.name)).cloned().collect();
        tables.dropped = difference.now.tables.iter().filter(|it| !after.contains_key(&it.name)).cloned().collect();
        for (now, after) in difference.common() {
            tables.disturb(difference, now, after);
        }
        for (now, after) in difference.common() {
            tables.compare_one(difference, now, after);
        }
        tables.free_the_dropped(difference);
        tables.adds.sort_by_key(|step| match step {
            Change::AddPrimaryKey { .. } => 0,
            Change::AddUnique { .. } => 1,
            Change::CreateIndex { index, .. } if index.unique => 2,
            Change::AddCheck { .. } | Change::AddRawConstraint { .. } => 3,
            _ => 4,
        });
        tables
    }

    /// Whether a text with these names, which reads these tables, reads a column that changes its type or goes.
    pub(super) fn holds_up<'n>(&self, names: impl Fn() -> &'n Names, reads_table: impl Fn(&str) -> bool) -> bool {
        if self.dropped.is_empty() && self.disturbed.is_empty() {
            return false;
        }
        let names = names();
        let dropped = self.dropped.iter().any(|table| reads_table(&table.name.name));
        let reads = |(table, columns): (&ObjectName, &BTreeSet<String>)| {
            // `SELECT *` reads them all.
            reads_table(&table.name) && (names.has_star() || columns.iter().any(|column| names.has(column)))
        };
        dropped || self.disturbed.iter().any(reads)
    }

    /// Whether a view with these names reads all columns of a table that gets another one.
    pub(super) fn widens(&self, names: &Names) -> bool {
        names.has_star() && self.widened.iter().any(|table| names.reads(&table.name))
    }

    /// Every expression that a table gets, one after the other: what it calls must be there.
    pub(super) fn new_expressions(&self) -> String {
        let mut texts: Vec<&str> = Vec::new();
        self.created.iter().for_each(|table| expressions_of(table, &mut texts));
        for step in self.columns.iter().chain(&self.adds) {
            match step {
                Change::AddColumn { column, .. } | Change::AlterColumn { after: column, .. } => {
                    of_column(column, &mut texts)
                }
                Change::AddCheck { check, .. } => texts.push(check.expr.as_str()),
                Change::AddRawConstraint { constraint, .. } => texts.push(&constraint.definition),
                Change::CreateIndex { index, .. } => of_index(index, &mut texts),
                _ => {}
            }
        }
        texts.join(" ")
    }

    fn disturb(&mut self, difference: &Difference<'_>, now: &Table, after: &Table) {
        let swapped = |ty: &Type| {
            let name = enum_of(ty);
            difference.rules.views_hold_columns && name.is_some_and(|name| difference.is_swapped(name))
        };
        let changed = now.columns.iter().filter(|column| {
            after.column(&column.name).is_none_or(|it| {
                it.ty != column.ty
                    || it.generated != column.generated
                    || it.collation != column.collation
                    || swapped(&column.ty)
            })
        });
        let mut changed: BTreeSet<String> = changed.map(|column| column.name.clone()).collect();
        // What is computed from such a column is made anew with it.
        let reads = |column: &&Column| {
            column.generated.as_ref().is_some_and(|it| it.expr.columns().iter().any(|read| changed.contains(read)))
        };
        let computed: Vec<String> = now.columns.iter().filter(reads).map(|column| column.name.clone()).collect();
        changed.extend(computed);
        if after.columns.iter().any(|column| now.column(&column.name).is_none()) {
            self.widened.insert(after.name.clone());
        }
        if !changed.is_empty() {
            self.disturbed.insert(after.name.clone(), changed);
        }
    }

    /// Whether a foreign key compares a column whose type changes.
    fn key_is_disturbed(&self, table: &ObjectName, key: &ForeignKey) -> bool {
        let changes = |table: &ObjectName, columns: &[String]| {
            self.disturbed.get(table).is_some_and(|changed| columns.iter().any(|column| changed.contains(column)))
        };
        changes(table, &key.columns) || changes(&key.parent, &key.parent_columns)
    }

    fn compare_one(&mut self, difference: &Difference<'_>, now: &Table, after: &Table) {
        let table = &after.name;
        self.columns.extend(columns::steps(now, after));
        if now.options != after.options {
            self.columns.push(Change::AlterTableOptions { before: now.clone(), after: after.clone() });
        }
        self.primary_key(difference, now, after);
        let pairs = Pairs::of(&now.uniques, &after.uniques, difference.rules.renames_constraints);
        self.take(
            table,
            pairs,
            |table, unique: Unique| Change::DropUnique { table, unique },
            |table, unique| Change::AddUnique { table, unique },
        );
        let pairs = Pairs::of(&now.checks, &after.checks, difference.rules.renames_constraints);
        self.take(
            table,
            pairs,
            |table, check: Check| Change::DropCheck { table, check },
            |table, check| Change::AddCheck { table, check },
        );
        let pairs = Pairs::of(&now.raw_constraints, &after.raw_constraints, false);
        self.take(
            table,
            pairs,
            |table, constraint: RawConstraint| Change::DropRawConstraint { table, constraint },
            |table, constraint| Change::AddRawConstraint { table, constraint },
        );
        let pairs = Pairs::of(&now.indexes, &after.indexes, true);
        self.take(
            table,
            pairs,
            |table, index: Index| Change::DropIndex { table, index },
            |table, index| Change::CreateIndex { table, index },
        );
        self.foreign_keys(difference, now, after);
    }

    fn primary_key(&mut self, difference: &Difference<'_>, now: &Table, after: &Table) {
        let one = |key: &Option<PrimaryKey>| key.iter().cloned().collect::<Vec<_>>();
        let pairs = Pairs::of(&one(&now.primary_key), &one(&after.primary_key), difference.rules.renames_constraints);
        self.take(
            &after.name,
            pairs,
            |table, key: PrimaryKey| Change::DropPrimaryKey { table, key },
            |table, key| Change::AddPrimaryKey { table, key },
        );
    }

    fn take<T>(
        &mut self,
        table: &ObjectName,
        pairs: Pairs<T>,
        drop: impl Fn(ObjectName, T) -> Change,
        add: impl Fn(ObjectName, T) -> Change,
    ) {
        self.drops.extend(pairs.gone.into_iter().map(|it| drop(table.clone(), it)));
        self.adds.extend(pairs.new.into_iter().map(|it| add(table.clone(), it)));
        self.renames.extend(pairs.renamed.into_iter().map(|(from, to, is_index)| match is_index {
            true => Change::RenameIndex { table: table.clone(), from, to },
            false => Change::RenameConstraint { table: table.clone(), from, to },
        }));
    }

    fn foreign_keys(&mut self, difference: &Difference<'_>, now: &Table, after: &Table) {
        let table = &after.name;
        let pairs = Pairs::of(&now.foreign_keys, &after.foreign_keys, difference.rules.renames_constraints);
        let renamed: BTreeMap<String, String> =
            pairs.renamed.iter().map(|(from, to, _)| (from.clone(), to.clone())).collect();
        let mut gone = pairs.gone;
        let mut new = pairs.new;
        // Those that stay, but whose key or type changes under them, go for a while.
        for key in &after.foreign_keys {
            let Some(was) = now.foreign_keys.iter().find(|was| {
                let name = was.name.as_ref().map(|name| renamed.get(name).unwrap_or(name));
                name == key.name.as_ref() && ForeignKey { name: key.name.clone(), ..(*was).clone() }.same(key)
            }) else {
                continue;
            };
            let held = difference.rules.keys_hold_types && self.key_is_disturbed(table, key);
            if (held || loses_its_key(difference, key)) && !gone.contains(was) {
                gone.push(was.clone());
                new.push(key.clone());
            }
        }
        let replaced: BTreeSet<Option<String>> = gone.iter().map(|key| key.name.clone()).collect();
        self.drop_keys.extend(gone.into_iter().map(|key| Change::DropForeignKey { table: table.clone(), key }));
        self.add_keys.extend(new.into_iter().map(|key| Change::AddForeignKey { table: table.clone(), key }));
        let kept = pairs.renamed.into_iter().filter(|(from, ..)| !replaced.contains(&Some(from.clone())));
        self.renames.extend(kept.map(|(from, to, _)| Change::RenameConstraint { table: table.clone(), from, to }));
    }

    /// Tables that go lose those foreign keys first that would hold something up: those of a circle, and those to a key
    /// that goes too. What is dropped in the end is the table without them.
    fn free_the_dropped(&mut self, difference: &Difference<'_>) {
        let all = self.dropped.clone();
        for table in &mut self.dropped {
            let own = table.name.clone();
            let holds = |key: &ForeignKey| {
                key.parent != own && (in_cycle(&own, &key.parent, &all) || loses_its_key(difference, key))
            };
            let (first, rest) = std::mem::take(&mut table.foreign_keys).into_iter().partition(holds);
            table.foreign_keys = rest;
            let first: Vec<ForeignKey> = first;
            self.drop_keys.extend(first.into_iter().map(|key| Change::DropForeignKey { table: own.clone(), key }));
        }
    }

    /// Puts everything behind the steps so far. Types change once no check, index or key that goes names their values
    /// any more; what tables need comes before them.
    pub(super) fn append_to(self, steps: &mut Vec<Change>, now: &Schema, types: Vec<Change>, needed: Vec<Change>) {
        let Self {
            created, dropped, mut drop_keys, mut drops, renames, columns, adds, mut add_keys, disturbed, ..
        } = self;
        free_index_names(&dropped, &created, &adds, &mut drops);
        let begun = steps.len();
        steps.append(&mut drop_keys);
        // An index or a check may read what a later one of the list goes for, but never the other way round.
        drops.sort_by_key(|step| matches!(step, Change::DropPrimaryKey { .. } | Change::DropUnique { .. }));
        steps.append(&mut drops);
        steps.extend(order::free_names_first(renames));
        let mut state = now.clone();
        // Only the keys that are left matter here; that every step can be taken is proved elsewhere.
        steps.iter().skip(begun).for_each(|step| drop(apply(&mut state, step)));
        steps.extend(types);
        steps.extend(needed);
        let indexes = create_in_order(&created, &disturbed, &mut state, &mut add_keys, steps);
        steps.extend(columns);
        steps.extend(adds);
        steps.extend(indexes);
        steps.append(&mut add_keys);
        let order = order::parents_first(&dropped);
        steps.extend(order.into_iter().rev().map(|at| Change::DropTable(dropped[at].clone())));
    }
}

fn expressions_of<'t>(table: &'t Table, texts: &mut Vec<&'t str>) {
    table.columns.iter().for_each(|column| of_column(column, texts));
    texts.extend(table.checks.iter().map(|check| check.expr.as_str()));
    texts.extend(table.raw_constraints.iter().map(|constraint| constraint.definition.as_str()));
    table.indexes.iter().for_each(|index| of_index(index, texts));
}

fn of_column<'t>(column: &'t Column, texts: &mut Vec<&'t str>) {
    texts.extend(column.default.iter().map(Expr::as_str));
    texts.extend(column.generated.iter().map(|generated| generated.expr.as_str()));
}

fn of_index<'t>(index: &'t Index, texts: &mut Vec<&'t str>) {
    texts.extend(index.predicate.iter().map(Expr::as_str));
    texts.extend(index.keys.iter().filter_map(|key| match &key.on {
        IndexTarget::Expr(expr) => Some(expr.as_str()),
        IndexTarget::Column(_) => None,
    }));
}

/// The enum that a type is, or is an array of.
fn enum_of(ty: &Type) -> Option<&ObjectName> {
    match ty {
        Type::Enum(name) => Some(name),
        Type::Array(element) => enum_of(element),
        _ => None,
    }
}

/// Whether `parent` refers, through tables of the list, back to `child`.
fn in_cycle(child: &ObjectName, parent: &ObjectName, tables: &[Table]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![parent];
    while let Some(name) = open.pop() {
        if name == child {
            return true;
        }
        if seen.insert(name) {
            let table = tables.iter().find(|table| table.name == *name);
            open.extend(table.iter().flat_map(|table| &table.foreign_keys).map(|key| &key.parent));
        }
    }
    false
}

/// An index that goes with its table only at the end would keep its name from a new one.
fn free_index_names(dropped: &[Table], created: &[Table], adds: &[Change], drops: &mut Vec<Change>) {
    let mut new: BTreeSet<&str> =
        created.iter().flat_map(|table| &table.indexes).map(|index| index.name.as_str()).collect();
    new.extend(adds.iter().filter_map(|step| match step {
        Change::CreateIndex { index, .. } => Some(index.name.as_str()),
        _ => None,
    }));
    for table in dropped {
        let taken = table.indexes.iter().filter(|index| new.contains(index.name.as_str()));
        drops.extend(taken.map(|index| Change::DropIndex { table: table.name.clone(), index: index.clone() }));
    }
}

/// Creates the tables, parents first. A foreign key whose key is not there yet, or changes its type yet, comes later.
/// Gives their indexes.
fn create_in_order(
    created: &[Table],
    disturbed: &BTreeMap<ObjectName, BTreeSet<String>>,
    state: &mut Schema,
    add_keys: &mut Vec<Change>,
    steps: &mut Vec<Change>,
) -> Vec<Change> {
    let mut indexes = Vec::new();
    for at in order::parents_first(created) {
        let mut table = created[at].clone();
        for index in std::mem::take(&mut table.indexes) {
            indexes.push(Change::CreateIndex { table: table.name.clone(), index });
        }
        let own = table.clone();
        let is_ready = |key: &ForeignKey| match key.parent == own.name {
            true => is_key(&own, &key.parent_columns),
            false => {
                let changes = |columns: &BTreeSet<String>| key.parent_columns.iter().any(|it| columns.contains(it));
                state.table(&key.parent).is_some_and(|parent| is_key(parent, &key.parent_columns))
                    && !disturbed.get(&key.parent).is_some_and(changes)
            }
        };
        let (ready, later): (Vec<_>, Vec<_>) = table.foreign_keys.into_iter().partition(is_ready);
        table.foreign_keys = ready;
        add_keys.extend(later.into_iter().map(|key| Change::AddForeignKey { table: table.name.clone(), key }));
        let step = Change::CreateTable(table);
        // What the state is for is only which keys are there.
        let _ = apply(state, &step);
        steps.push(step);
    }
    // Unique ones first: a foreign key may need them.
    indexes.sort_by_key(|step| !matches!(step, Change::CreateIndex { index, .. } if index.unique));
    indexes
}

/// Whether the key that a foreign key refers to is dropped and made again.
fn loses_its_key(difference: &Difference<'_>, key: &ForeignKey) -> bool {
    let (Some(now), Some(after)) = (difference.now.table(&key.parent), difference.after.table(&key.parent)) else {
        return false;
    };
    let same = |columns: &[String]| {
        columns.len() == key.parent_columns.len() && columns.iter().all(|it| key.parent_columns.contains(it))
    };
    let primary = now.primary_key.as_ref().is_some_and(|it| {
        same(&it.columns) && after.primary_key.as_ref().is_none_or(|after| after.columns != it.columns)
    });
    let unique = now
        .uniques
        .iter()
        .any(|it| same(&it.columns) && !after.uniques.iter().any(|after| after.columns == it.columns));
    let index = now.indexes.iter().any(|it| it.unique && !after.indexes.contains(it) && it.is_on(&key.parent_columns));
    primary || unique || index
}

/// Constraints or indexes of a table before and after.
struct Pairs<T> {
    gone: Vec<T>,
    new: Vec<T>,
    /// From, to, and whether it is an index.
    renamed: Vec<(String, String, bool)>,
}

impl<T: Named> Pairs<T> {
    /// Finds the same ones by name and content, then by content alone.
    fn of(now: &[T], after: &[T], renames: bool) -> Self {
        let mut new: Vec<&T> = after.iter().collect();
        let mut gone = Vec::new();
        for it in now {
            match new.iter().position(|other| other.name() == it.name() && other.same(it)) {
                Some(at) => drop(new.remove(at)),
                None => gone.push(it),
            }
        }
        let mut renamed = Vec::new();
        if renames {
            gone.retain(|it| {
                let taken = |name: Option<&str>| now.iter().any(|it| it.name() == name);
                let found = new.iter().position(|other| {
                    it.name().is_some() && other.name().is_some() && !taken(other.name()) && other.same(it)
                });
                let Some(at) = found else { return true };
                let other = new.remove(at);
                let name = |it: &T| it.name().unwrap_or_default().to_owned();
                renamed.push((name(it), name(other), T::IS_INDEX));
                false
            });
        }
        Self { gone: gone.into_iter().cloned().collect(), new: new.into_iter().cloned().collect(), renamed }
    }
}

/// What has a name and content.
trait Named: Clone {
    const IS_INDEX: bool = false;
    fn name(&self) -> Option<&str>;
    /// Whether the content is the same, whatever the names.
    fn same(&self, other: &Self) -> bool;
}

impl Named for PrimaryKey {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn same(&self, other: &Self) -> bool {
        self.columns == other.columns
    }
}

impl Named for Unique {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn same(&self, other: &Self) -> bool {
        Self { name: None, ..self.clone() } == Self { name: None, ..other.clone() }
    }
}

impl Named for Check {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn same(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl Named for ForeignKey {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    fn same(&self, other: &Self) -> bool {
        let bare = |key: &Self| Self { name: None, at_column: false, ..key.clone() };
        bare(self) == bare(other)
    }
}

impl Named for RawConstraint {
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
    fn same(&self, other: &Self) -> bool {
        tokens::same(&self.definition, &other.definition)
    }
}

impl Named for Index {
    const IS_INDEX: bool = true;
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
    fn same(&self, other: &Self) -> bool {
        Self { name: String::new(), ..self.clone() } == Self { name: String::new(), ..other.clone() }
    }
}
