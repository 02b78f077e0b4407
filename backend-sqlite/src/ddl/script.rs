//! From changes to statements.
//!
//! The order of a script: triggers and views that would stand in the way go; indexes, tables and columns that are dropped;
//! renames, so that references of other tables follow; columns that go or come in place; new tables; tables that are made
//! anew; then indexes, virtual tables, views and triggers.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::Problem;
use whimbrel_schema::model::{Check, Column, ForeignKey, ObjectName, Table};
use whimbrel_schema::{Change, Loss, Part, Script, ScriptRequest};

use super::Fills;
use super::place::{Addition, InPlace, Obstacle, in_place, index_needs};
use super::rebuild::Rebuild;
use super::rename::{Renames, ordered, unused};
use super::render::{column_sql, create_index, create_table, name_sql};

mod around;
mod references;
mod refill;

use around::Around;

/// A table that was there before and is there after.
#[derive(Debug)]
struct Kept<'a> {
    before: &'a Table,
    after: &'a Table,
    /// Before and after.
    columns: Vec<(&'a Column, &'a Column)>,
    changes: Vec<&'a Change>,
    way: Way<'a>,
}

#[derive(Debug)]
enum Way<'a> {
    InPlace(InPlace<'a>),
    Rebuild(Obstacle),
}

/// All that a script is written from.
#[derive(Debug)]
struct Plan<'a> {
    request: &'a ScriptRequest<'a>,
    renames: Renames,
    /// Only those that change.
    kept: Vec<Kept<'a>>,
    created: Vec<&'a Table>,
    dropped: Vec<&'a Table>,
    /// Names in use, in lower case, before and after.
    names: BTreeSet<String>,
    foreign_keys_stay_on: bool,
}

/// Writes the script.
pub(super) fn script(request: &ScriptRequest<'_>, foreign_keys_stay_on: bool) -> Result<Script, Vec<Problem>> {
    let plan = Plan::of(request, foreign_keys_stay_on);
    let mut losses = plan.losses();
    let statements = plan.statements(&mut losses)?;
    losses.sort();
    losses.dedup();
    if statements.is_empty() {
        return Ok(Script { parts: Vec::new(), losses });
    }
    Ok(Script { parts: vec![Part { directives: plan.directives(), statements }], losses })
}

/// The table that a change is of, under the name that it has then.
fn table_of(change: &Change) -> Option<&ObjectName> {
    match change {
        Change::RenameTable { to, .. } => Some(to),
        Change::RenameColumn { table, .. }
        | Change::RenameIndex { table, .. }
        | Change::RenameConstraint { table, .. }
        | Change::AddColumn { table, .. }
        | Change::DropColumn { table, .. }
        | Change::AlterColumn { table, .. }
        | Change::AddPrimaryKey { table, .. }
        | Change::DropPrimaryKey { table, .. }
        | Change::AddUnique { table, .. }
        | Change::DropUnique { table, .. }
        | Change::AddCheck { table, .. }
        | Change::DropCheck { table, .. }
        | Change::AddForeignKey { table, .. }
        | Change::DropForeignKey { table, .. }
        | Change::AddRawConstraint { table, .. }
        | Change::DropRawConstraint { table, .. }
        | Change::CreateIndex { table, .. }
        | Change::DropIndex { table, .. } => Some(table),
        Change::AlterTableOptions { after, .. } => Some(&after.name),
        _ => None,
    }
}

impl<'a> Plan<'a> {
    fn of(request: &'a ScriptRequest<'a>, foreign_keys_stay_on: bool) -> Self {
        let renames = Renames::of(request.changes);
        let names = [request.before, request.after].into_iter().flat_map(|schema| {
            let tables = schema.tables.iter().flat_map(|table| {
                std::iter::once(&table.name.name).chain(table.indexes.iter().map(|index| &index.name))
            });
            tables
                .chain(schema.views.iter().map(|view| &view.name.name))
                .chain(schema.natives.iter().map(|it| &it.name))
        });
        let names = names.map(|name| name.to_lowercase()).collect();
        let mut plan = Self {
            request,
            renames,
            kept: Vec::new(),
            created: Vec::new(),
            dropped: Vec::new(),
            names,
            foreign_keys_stay_on,
        };
        plan.sort_changes();
        if foreign_keys_stay_on {
            plan.widen();
        }
        plan
    }

    fn sort_changes(&mut self) {
        let mut by_table: BTreeMap<ObjectName, Vec<&'a Change>> = BTreeMap::new();
        for change in self.request.changes {
            match change {
                Change::CreateTable(table) => self.created.extend(self.request.after.table(&table.name)),
                Change::DropTable(table) => {
                    let before = self.renames.table_before(&table.name);
                    self.dropped.extend(self.request.before.table(&before));
                }
                _ => {
                    let Some(table) = table_of(change) else { continue };
                    let after = self.renames.table_after(&self.renames.table_before(table));
                    by_table.entry(after).or_default().push(change);
                }
            }
        }
        for table in Fills(self.request).tables() {
            by_table.entry(table.clone()).or_default();
        }
        for (name, changes) in by_table {
            self.kept.extend(self.keep(&name, changes));
        }
    }

    fn keep(&self, name: &ObjectName, changes: Vec<&'a Change>) -> Option<Kept<'a>> {
        let after = self.request.after.table(name)?;
        if self.created.iter().any(|created| created.name == *name) {
            return None;
        }
        let before = self.request.before.table(&self.renames.table_before(name))?;
        let columns = self.columns(before, after, &changes);
        let way = match in_place(before, after, &changes, Fills(self.request)) {
            Ok(plan) => Way::InPlace(plan),
            Err(obstacle) => Way::Rebuild(obstacle),
        };
        Some(Kept { before, after, columns, changes, way })
    }

    /// Which column became which. One that is dropped became none, also where a new one has its name.
    fn columns(&self, before: &'a Table, after: &'a Table, changes: &[&Change]) -> Vec<(&'a Column, &'a Column)> {
        let renamed = self.renames.columns_of(&before.name);
        let pair = |column: &'a Column| {
            let dropped = changes.iter().any(
                |change| matches!(change, Change::DropColumn { column: dropped, .. } if dropped.name == column.name),
            );
            let name = renamed.iter().find(|(from, _)| *from == column.name).map_or(&column.name, |(_, to)| to);
            let taken = name == &column.name && renamed.iter().any(|(_, to)| to == name);
            if dropped || taken { None } else { after.column(name).map(|after| (column, after)) }
        };
        before.columns.iter().filter_map(pair).collect()
    }

    fn losses(&self) -> Vec<Loss> {
        let mut losses: Vec<Loss> = self
            .dropped
            .iter()
            .map(|table| Loss { object: format!("table {}", table.name), what: "all its rows".to_owned() })
            .collect();
        for kept in &self.kept {
            let stays = |column: &Column| kept.columns.iter().any(|(before, _)| before.name == column.name);
            let gone = kept.before.columns.iter().filter(|column| column.generated.is_none() && !stays(column));
            losses.extend(gone.map(|column| loss(kept.before, column, "all its values")));
            let computed = kept.columns.iter().filter(|(from, to)| from.generated.is_none() && to.generated.is_some());
            losses.extend(
                computed.map(|(from, _)| loss(kept.before, from, "its values, which are computed from now on")),
            );
        }
        for change in self.request.changes {
            if let Change::DropNative(native) = change
                && native.kind == "virtual table"
                && !self.request.after.natives.contains(native)
            {
                let object = format!("virtual table {}", ObjectName::new(native.name.clone()));
                losses.push(Loss { object, what: "all its rows".to_owned() });
            }
        }
        losses
    }

    fn rebuilds(&self) -> Vec<Rebuild<'a>> {
        let rebuilt = self.kept.iter().filter_map(|kept| match kept.way {
            Way::Rebuild(reason) => {
                Some(Rebuild { before: kept.before, after: kept.after, columns: kept.columns.clone(), reason })
            }
            Way::InPlace(_) => None,
        });
        rebuilt.collect()
    }

    fn statements(&self, losses: &mut Vec<Loss>) -> Result<Vec<String>, Vec<Problem>> {
        let around = Around::of(self);
        let mut statements = around.drops();
        statements.extend(self.drop_indexes());
        if !self.foreign_keys_stay_on {
            statements.extend(self.drop_tables());
        }
        statements.extend(self.rename_tables());
        for kept in &self.kept {
            statements.extend(self.alter(kept));
        }
        statements.extend(self.created.iter().map(|table| create_table(table, &table.name.name)));
        let rebuilt = if self.foreign_keys_stay_on { self.refilled(losses) } else { self.rebuilt(losses) };
        statements.extend(rebuilt?);
        statements.extend(self.create_indexes());
        statements.extend(around.creates());
        Ok(statements)
    }

    /// Indexes of tables that are made anew go with the old table.
    fn drop_indexes(&self) -> Vec<String> {
        let mut names: Vec<&str> = Vec::new();
        for kept in self.kept.iter().filter(|kept| matches!(kept.way, Way::InPlace(_))) {
            names.extend(kept.lost_indexes());
        }
        names.into_iter().map(|name| format!("DROP INDEX {}", name_sql(name))).collect()
    }

    fn drop_tables(&self) -> Vec<String> {
        let tables = references::children_first(&self.dropped);
        tables.into_iter().map(|table| format!("DROP TABLE {}", name_sql(&table.name.name))).collect()
    }

    fn rename_tables(&self) -> Vec<String> {
        let dropped = |table: &Table| !self.foreign_keys_stay_on && self.dropped.iter().any(|it| it.name == table.name);
        let there = self.request.before.tables.iter().filter(|table| !dropped(table));
        let taken: Vec<String> = there.map(|table| table.name.name.clone()).collect();
        let steps = ordered(self.renames.tables(), &taken, &self.names);
        steps.iter().map(|(from, to)| format!("ALTER TABLE {} RENAME TO {}", name_sql(from), name_sql(to))).collect()
    }

    /// What is done in place, also to tables that are made anew afterwards: renames, so that other tables follow them.
    fn alter(&self, kept: &Kept<'_>) -> Vec<String> {
        let table = format!("ALTER TABLE {}", name_sql(&kept.after.name.name));
        let mut statements = Vec::new();
        let mut taken: Vec<String> = kept.before.columns.iter().map(|column| column.name.clone()).collect();
        let mut pairs = self.renames.columns_of(&kept.before.name);
        match &kept.way {
            Way::InPlace(plan) => {
                for column in &plan.dropped {
                    statements.push(format!("{table} DROP COLUMN {}", name_sql(&column.name)));
                    taken.retain(|name| *name != column.name);
                }
            }
            Way::Rebuild(_) => pairs = kept.parked(pairs),
        }
        let steps = ordered(pairs, &taken, &BTreeSet::new());
        let rename =
            |(from, to): &(String, String)| format!("{table} RENAME COLUMN {} TO {}", name_sql(from), name_sql(to));
        statements.extend(steps.iter().map(rename));
        if let Way::InPlace(plan) = &kept.way {
            let add = |addition| format!("{table} ADD COLUMN {}", addition_sql(kept.after, addition));
            statements.extend(plan.added.iter().map(add));
        }
        statements
    }

    fn rebuilt(&self, losses: &mut Vec<Loss>) -> Result<Vec<String>, Vec<Problem>> {
        let mut statements = Vec::new();
        let mut problems = Vec::new();
        for rebuild in self.rebuilds() {
            let new = unused(&rebuild.after.name.name, |name| self.names.contains(name));
            match rebuild.copy(Fills(self.request), losses) {
                Ok(copy) => statements.extend(rebuild.statements(&copy, &new)),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() { Ok(statements) } else { Err(problems) }
    }

    fn create_indexes(&self) -> Vec<String> {
        let mut statements = Vec::new();
        for table in &self.created {
            statements.extend(table.indexes.iter().map(|index| create_index(&table.name, index)));
        }
        for kept in &self.kept {
            let lost = kept.lost_indexes();
            let there =
                |name: &str| kept.before.indexes.iter().any(|index| index.name == name) && !lost.contains(&name);
            let stays = |name: &str| matches!(kept.way, Way::InPlace(_)) && there(name);
            let missing = kept.after.indexes.iter().filter(|index| !stays(&index.name));
            statements.extend(missing.map(|index| create_index(&kept.after.name, index)));
        }
        statements
    }

    /// What the runner must do. Foreign keys are off where a table that others refer to, or that refers to itself, goes.
    fn directives(&self) -> Vec<String> {
        let mut directives = Vec::new();
        let rebuilt: Vec<&Table> = self.rebuilds().iter().map(|rebuild| rebuild.before).collect();
        let gone = || rebuilt.iter().chain(&self.dropped).copied();
        let dropped_before: Vec<&ObjectName> = self.dropped.iter().map(|table| &table.name).collect();
        if !self.foreign_keys_stay_on && gone().any(|table| self.is_referred_to(table, &dropped_before)) {
            directives.push("foreign-keys off".to_owned());
        }
        let kept = references::with_referring(self.request.before, gone());
        let kept = kept.into_iter().filter(|name| !self.dropped.iter().any(|table| table.name == *name));
        let names: Vec<String> = kept.map(|name| self.kept_name(&name)).collect();
        if !names.is_empty() {
            directives.push(format!("keep-rows {}", names.join(", ")));
        }
        directives
    }

    fn kept_name(&self, before: &ObjectName) -> String {
        let after = self.renames.table_after(before);
        if after == *before { before.to_string() } else { format!("{before}={after}") }
    }

    /// Whether a table has references to it when it goes. Dropped tables go before those that they refer to.
    fn is_referred_to(&self, table: &Table, dropped: &[&ObjectName]) -> bool {
        let order = references::children_first(&self.dropped);
        let place = |name: &ObjectName| order.iter().position(|it| it.name == *name);
        let before = self.request.before.tables.iter().filter(|child| refers(child, &table.name));
        let mut there = before.filter(|child| {
            let gone_already = dropped.contains(&&child.name)
                && (place(&table.name).is_none() || place(&child.name) < place(&table.name));
            !gone_already
        });
        let after = self.renames.table_after(&table.name);
        there.next().is_some() || self.request.after.tables.iter().any(|child| refers(child, &after))
    }
}

fn refers(child: &Table, parent: &ObjectName) -> bool {
    child.foreign_keys.iter().any(|key| key.parent.name.eq_ignore_ascii_case(&parent.name))
}

fn loss(table: &Table, column: &Column, what: &str) -> Loss {
    Loss { object: format!("column {}.{}", table.name, column.name), what: what.to_owned() }
}

impl Kept<'_> {
    /// Indexes of the table before that are not there any more, or not as they were, or that a dropped column needs.
    fn lost_indexes(&self) -> Vec<&str> {
        let changed = self.changes.iter().filter_map(|change| match change {
            Change::DropIndex { index, .. } => Some(index.name.as_str()),
            Change::RenameIndex { from, .. } => Some(from.as_str()),
            _ => None,
        });
        let mut lost: Vec<&str> = changed.collect();
        let stays = |column: &Column| self.columns.iter().any(|(before, _)| before.name == column.name);
        for column in self.before.columns.iter().filter(|column| !stays(column)) {
            lost.extend(
                self.before.indexes.iter().filter(|it| index_needs(it, &column.name)).map(|it| it.name.as_str()),
            );
        }
        lost.retain(|name| self.before.indexes.iter().any(|index| index.name == *name));
        lost.sort_unstable();
        lost.dedup();
        lost
    }

    /// Renames with those that free a name which a column that goes still has.
    fn parked(&self, mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
        let moves = |name: &str| pairs.iter().any(|(from, _)| from == name);
        let wanted = |name: &str| pairs.iter().any(|(_, to)| to.eq_ignore_ascii_case(name));
        let in_the_way = self.before.columns.iter().filter(|column| wanted(&column.name) && !moves(&column.name));
        let taken = |name: &str| {
            let mut columns = self.before.columns.iter().chain(&self.after.columns);
            columns.any(|column| column.name.eq_ignore_ascii_case(name))
        };
        let parked: Vec<_> = in_the_way.map(|column| (column.name.clone(), unused(&column.name, taken))).collect();
        pairs.extend(parked);
        pairs
    }
}

/// A column as `ADD COLUMN` takes it, with the constraints that come with it.
fn addition_sql(table: &Table, addition: &Addition<'_>) -> String {
    let name = &addition.column.name;
    let checks = addition.checks.iter().map(|check| Check { at_column: Some(name.clone()), ..(*check).clone() });
    let keys = addition.key.map(|key| ForeignKey { at_column: true, ..key.clone() });
    let mut alone = Table::new(table.name.clone());
    alone.options = table.options.clone();
    alone.columns = vec![addition.column.clone()];
    alone.checks = checks.collect();
    alone.foreign_keys = keys.into_iter().collect();
    column_sql(&alone, addition.column)
}
