//! Rebuilding tables while foreign keys are on.
//!
//! Dropping a table deletes its rows, and foreign keys then act on the rows that refer to them, at once where they say
//! CASCADE, SET NULL or SET DEFAULT. So each such table is made anew too: all rows are copied away, all tables dropped and
//! made under their own names, and filled. What is left in between are references that are looked at when the transaction
//! commits.
//!
//! A known hole: in a circle of several tables, and over unique columns of one, rows may be asked for values that they cannot
//! get (SET NULL where NULL is refused, SET DEFAULT), and a check may refuse that a row refers to itself. The migration fails
//! then, and nothing has changed.

use std::collections::BTreeSet;

use whimbrel_core::Problem;
use whimbrel_schema::Loss;
use whimbrel_schema::model::{Action, Column, ForeignKey, Table};

use super::super::Fills;
use super::super::rebuild::{Copy, Rebuild};
use super::super::rename::unused;
use super::super::render::{create_table, name_sql};
use super::{Kept, Plan, Way, references, refers};

impl<'a> Plan<'a> {
    /// Adds the tables on whose rows foreign keys would act.
    pub(super) fn widen(&mut self) {
        let rebuilt = self.rebuilds();
        let mut reached: Vec<&Table> = rebuilt.iter().map(|it| it.before).chain(self.dropped.iter().copied()).collect();
        let mut at = 0;
        while let Some(parent) = reached.get(at).copied() {
            let children = self.request.before.tables.iter().filter(|child| is_acted_on(child, parent));
            let new: Vec<&Table> =
                children.filter(|child| !reached.iter().any(|known| known.name == child.name)).collect();
            reached.extend(new);
            at += 1;
        }
        for table in reached {
            self.rebuild_too(table);
        }
        self.free_names();
    }

    /// Tables are dropped late here; one whose name another one takes steps aside until then.
    fn free_names(&mut self) {
        let renamed = self.renames.tables();
        let wanted = |name: &str| {
            let created = self.created.iter().any(|table| table.name.name.eq_ignore_ascii_case(name));
            created || renamed.iter().any(|(_, to)| to.eq_ignore_ascii_case(name))
        };
        let aside: Vec<&Table> = self.dropped.iter().copied().filter(|table| wanted(&table.name.name)).collect();
        for table in aside {
            let name = unused(&table.name.name, |name| self.names.contains(name));
            self.names.insert(name.to_lowercase());
            self.renames.park_table(&table.name, name);
        }
    }

    fn rebuild_too(&mut self, table: &'a Table) {
        const REASON: &str = "keep its rows while a table goes that they refer to";
        if self.dropped.iter().any(|dropped| dropped.name == table.name) {
            return;
        }
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.before.name == table.name) {
            if matches!(kept.way, Way::InPlace(_)) {
                kept.way = Way::Rebuild(REASON);
            }
            return;
        }
        let Some(after) = self.request.after.table(&self.renames.table_after(&table.name)) else {
            return;
        };
        let columns = self.columns(table, after, &[]);
        self.kept.push(Kept { before: table, after, columns, changes: Vec::new(), way: Way::Rebuild(REASON) });
    }

    pub(super) fn refilled(&self, losses: &mut Vec<Loss>) -> Result<Vec<String>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut tables: Vec<(Rebuild<'_>, Copy, String)> = Vec::new();
        for rebuild in self.rebuilds() {
            let kept = unused(&rebuild.after.name.name, |name| self.names.contains(name));
            match rebuild.copy(Fills(self.request), losses) {
                Ok(copy) => tables.push((rebuild, copy, kept)),
                Err(more) => problems.extend(more),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if tables.is_empty() && self.dropped.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.refill(&tables))
    }

    fn refill(&self, tables: &[(Rebuild<'_>, Copy, String)]) -> Vec<String> {
        let mut statements = vec![
            "-- References are looked at when the transaction commits: rows are gone for a while.\n\
             PRAGMA defer_foreign_keys = ON"
                .to_owned(),
        ];
        for (rebuild, _, kept) in tables {
            let why =
                format!("-- SQLite cannot {}: its rows are copied away, and back into a new table.", rebuild.reason);
            statements.push(format!("{why}\n{}", rebuild.keep(kept)));
            statements.extend(rebuild.keeps_counter().then(|| counter_kept(&rebuild.after.name.name, kept)));
        }
        statements.extend(tables.iter().flat_map(|(it, ..)| self.to_itself(it.before, &it.columns)));
        statements.extend(self.dropped.iter().flat_map(|table| self.to_itself(table, &[])));
        let gone: Vec<&Table> = tables.iter().map(|(it, ..)| it.before).chain(self.dropped.iter().copied()).collect();
        statements.extend(self.drop_all(&references::children_first(&gone), tables));
        statements.extend(tables.iter().map(|(it, ..)| create_table(it.after, &it.after.name.name)));
        for (rebuild, copy, kept) in tables {
            statements.push(rebuild.refill(copy, kept));
            if rebuild.keeps_counter() {
                statements.extend(counter_back(&rebuild.after.name.name, kept));
            }
            statements.push(format!("DROP TABLE {}", name_sql(kept)));
        }
        statements
    }
}

impl Plan<'_> {
    /// Drops the tables. Where they refer to one another in a circle, SQLite looks for one that is gone: another one stands
    /// in for it until all are.
    fn drop_all(&self, order: &[&Table], rebuilt: &[(Rebuild<'_>, Copy, String)]) -> Vec<String> {
        let (mut statements, mut stand_ins) = (Vec::new(), Vec::new());
        for (at, table) in order.iter().enumerate() {
            let left = order.get(at + 1..).unwrap_or_default();
            let drop = format!("DROP TABLE {}", name_sql(&self.renames.table_after(&table.name).name));
            statements.push(drop.clone());
            if left.iter().any(|child| refers(child, &table.name) && left.iter().any(|it| acts_on(it, child))) {
                let pairs = rebuilt.iter().find(|(it, ..)| it.before.name == table.name).map(|(it, ..)| &*it.columns);
                statements.push(self.stand_in(table, left, pairs.unwrap_or_default()));
                stand_ins.push(drop);
            }
        }
        statements.extend(stand_ins);
        statements
    }

    /// A table of nothing but the keys that others refer to.
    fn stand_in(&self, table: &Table, children: &[&Table], columns: &[(&Column, &Column)]) -> String {
        let keys = children.iter().flat_map(|it| &it.foreign_keys);
        let keys = keys.filter(|key| key.parent.name.eq_ignore_ascii_case(&table.name.name));
        let (mut named, mut uniques) = (BTreeSet::new(), BTreeSet::new());
        for key in keys {
            let columns: Vec<String> = key.parent_columns.iter().map(|it| now(it, columns)).collect();
            uniques.insert(format!("UNIQUE ({})", columns.join(", ")));
            named.extend(columns);
        }
        let parts: Vec<String> = named.into_iter().chain(uniques).collect();
        format!(
            "-- It stands in for the one that others still refer to.\nCREATE TABLE {} ({})",
            name_sql(&self.renames.table_after(&table.name).name),
            parts.join(", ")
        )
    }

    /// Makes each row of a table that goes refer to itself, where another row of it could not become what a key says when
    /// its own goes first.
    fn to_itself(&self, table: &Table, columns: &[(&Column, &Column)]) -> Vec<String> {
        let name = name_sql(&self.renames.table_after(&table.name).name);
        let written =
            |key: &&ForeignKey| key.columns.iter().all(|it| table.column(it).is_some_and(|it| it.generated.is_none()));
        let keys = table.foreign_keys.iter().filter(|key| key.parent.name.eq_ignore_ascii_case(&table.name.name));
        let stuck = keys.filter(|key| is_stuck(table, key)).filter(written);
        let update = |key: &ForeignKey| {
            let pairs = key.columns.iter().zip(&key.parent_columns);
            let set: Vec<String> =
                pairs.map(|(own, other)| format!("{} = {}", now(own, columns), now(other, columns))).collect();
            format!("-- A row that goes is referred to by no other one.\nUPDATE {name} SET {}", set.join(", "))
        };
        stuck.map(update).collect()
    }
}

/// What a column is called by the time its table goes.
fn now(column: &str, columns: &[(&Column, &Column)]) -> String {
    let pair = columns.iter().find(|(before, _)| before.name == *column);
    name_sql(pair.map_or(column, |(_, after)| &after.name))
}

/// Whether rows of `child` are deleted or changed when rows of `parent` go.
fn acts_on(parent: &Table, child: &Table) -> bool {
    let acts = |key: &&ForeignKey| !matches!(key.on_delete, Action::NoAction | Action::Restrict);
    let mut keys = child.foreign_keys.iter().filter(acts);
    keys.any(|key| key.parent.name.eq_ignore_ascii_case(&parent.name.name))
}

/// Whether a key may ask for values that its columns refuse.
fn is_stuck(table: &Table, key: &ForeignKey) -> bool {
    let mut columns = key.columns.iter().filter_map(|it| table.column(it));
    match key.on_delete {
        Action::SetNull => columns.any(|it| it.not_null),
        Action::SetDefault => columns.any(|it| it.not_null || it.default.is_some()),
        _ => false,
    }
}

/// Whether rows of `child` are deleted or changed when rows of `parent` go, or stop that at once.
fn is_acted_on(child: &Table, parent: &Table) -> bool {
    refers(child, &parent.name)
        && child
            .foreign_keys
            .iter()
            .any(|key| key.parent.name.eq_ignore_ascii_case(&parent.name.name) && key.on_delete != Action::NoAction)
}

fn counter_kept(table: &str, kept: &str) -> String {
    let (table, kept) = (whimbrel_core::quote_literal(table), whimbrel_core::quote_literal(kept));
    format!("INSERT INTO sqlite_sequence (name, seq)\nSELECT {kept}, seq FROM sqlite_sequence WHERE name = {table}")
}

fn counter_back(table: &str, kept: &str) -> [String; 2] {
    let (table, kept) = (whimbrel_core::quote_literal(table), whimbrel_core::quote_literal(kept));
    [
        format!(
            "DELETE FROM sqlite_sequence\n\
             WHERE name = {table} AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {kept})"
        ),
        format!("UPDATE sqlite_sequence SET name = {table} WHERE name = {kept}"),
    ]
}
