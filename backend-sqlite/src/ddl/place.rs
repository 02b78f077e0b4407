//! What `ALTER TABLE` can do on a table that has rows.

use whimbrel_schema::Change;
use whimbrel_schema::model::{Check, Column, ForeignKey, IndexTarget, Table};

use super::Fills;
use super::expr::is_constant;
use super::mention::Mentions;

/// A change of a table that `ALTER TABLE` can make.
#[derive(Debug, Default)]
pub(super) struct InPlace<'a> {
    /// By their names before.
    pub(super) dropped: Vec<&'a Column>,
    /// With the constraints that come with them.
    pub(super) added: Vec<Addition<'a>>,
}

/// A column with the constraints that it brings.
#[derive(Debug)]
pub(super) struct Addition<'a> {
    pub(super) column: &'a Column,
    pub(super) checks: Vec<&'a Check>,
    pub(super) key: Option<&'a ForeignKey>,
}

/// What stands in the way of a change in place, as the end of a sentence: `SQLite cannot …`.
pub(super) type Obstacle = &'static str;

/// Decides whether all changes of a table can be made in place.
pub(super) fn in_place<'a>(
    before: &'a Table,
    after: &Table,
    changes: &[&'a Change],
    fills: Fills<'_>,
) -> Result<InPlace<'a>, Obstacle> {
    let mut plan = InPlace::default();
    for change in changes {
        match change {
            Change::DropColumn { column, .. } => plan.dropped.push(column),
            Change::AddColumn { column, .. } => {
                plan.added.push(Addition { column, checks: Vec::new(), key: None });
            }
            _ => {}
        }
    }
    for change in changes {
        constraint(change, &mut plan)?;
    }
    if fills.tables().any(|table| *table == after.name) {
        return Err("fill a column while it is added");
    }
    if plan.dropped.len() >= before.columns.len() {
        return Err("drop all columns of a table");
    }
    plan.dropped.iter().try_for_each(|column| droppable(before, column, &plan))?;
    plan.dropped = computed_first(plan.dropped);
    plan.added.iter().try_for_each(addable)?;
    Ok(plan)
}

/// Columns that are dropped, each after those that are computed from it.
fn computed_first(mut columns: Vec<&Column>) -> Vec<&Column> {
    let mut ordered = Vec::with_capacity(columns.len());
    while !columns.is_empty() {
        let needed = |name: &str| {
            let expressions = columns.iter().filter(|it| it.name != name).filter_map(|it| it.generated.as_ref());
            expressions.into_iter().any(|generated| Mentions::of(generated.expr.as_str()).has(name))
        };
        let free = columns.iter().position(|column| !needed(&column.name)).unwrap_or(0);
        ordered.push(columns.remove(free));
    }
    ordered
}

fn constraint<'a>(change: &'a Change, plan: &mut InPlace<'a>) -> Result<(), Obstacle> {
    let dropped = |plan: &InPlace<'_>, name: &str| plan.dropped.iter().any(|column| column.name == name);
    match change {
        Change::AddColumn { .. }
        | Change::DropColumn { .. }
        | Change::RenameTable { .. }
        | Change::RenameColumn { .. }
        | Change::RenameIndex { .. }
        | Change::CreateIndex { .. }
        | Change::DropIndex { .. }
        | Change::SetComment { .. } => Ok(()),
        Change::AddCheck { check, .. } => add_check(check, plan),
        Change::AddForeignKey { key, .. } => add_key(key, plan),
        Change::DropCheck { check, .. } if check.at_column.as_deref().is_some_and(|name| dropped(plan, name)) => Ok(()),
        Change::DropForeignKey { key, .. } if key.at_column && key.columns.iter().all(|name| dropped(plan, name)) => {
            Ok(())
        }
        Change::AlterColumn { .. } => Err("change a column"),
        Change::AlterTableOptions { .. } => Err("change the options of a table"),
        _ => Err("change a constraint"),
    }
}

/// A check that mentions a new column can come with it: SQLite tests it against the rows that are there.
fn add_check<'a>(check: &'a Check, plan: &mut InPlace<'a>) -> Result<(), Obstacle> {
    let mentions = Mentions::of(check.expr.as_str());
    let at =
        |column: &Column| check.at_column.as_ref().map_or_else(|| mentions.has(&column.name), |at| *at == column.name);
    let addition = plan.added.iter_mut().rev().find(|addition| at(addition.column));
    addition.ok_or("add a check")?.checks.push(check);
    Ok(())
}

fn add_key<'a>(key: &'a ForeignKey, plan: &mut InPlace<'a>) -> Result<(), Obstacle> {
    let [column] = key.columns.as_slice() else {
        return Err("add a foreign key of several columns");
    };
    let addition = plan.added.iter_mut().find(|addition| addition.column.name == *column && addition.key.is_none());
    addition.ok_or("add a foreign key")?.key = Some(key);
    Ok(())
}

fn addable(addition: &Addition<'_>) -> Result<(), Obstacle> {
    let column = addition.column;
    if column.identity.is_some() {
        return Err("add a column that numbers the rows");
    }
    if let Some(generated) = &column.generated {
        return if generated.stored { Err("add a column whose computed values are stored") } else { Ok(()) };
    }
    match &column.default {
        None if column.not_null => Err("add a column that refuses NULL and has no default"),
        Some(default) if !is_constant(default) => Err("add a column whose default is computed"),
        Some(_) if addition.key.is_some() => Err("add a reference that has a default"),
        _ => Ok(()),
    }
}

fn droppable(before: &Table, column: &Column, plan: &InPlace<'_>) -> Result<(), Obstacle> {
    let name = &column.name;
    let in_key = before.primary_key.as_ref().is_some_and(|key| key.columns.contains(name));
    if in_key || before.uniques.iter().any(|unique| unique.columns.contains(name)) {
        return Err("drop a column of a primary key or a unique constraint");
    }
    let inline = |key: &ForeignKey| key.at_column && key.columns.len() == 1;
    if before.foreign_keys.iter().any(|key| key.columns.contains(name) && !inline(key)) {
        return Err("drop a column of a foreign key of the table");
    }
    if before.checks.iter().any(|check| holds(check, name)) {
        return Err("drop a column that another check mentions");
    }
    let others = before.columns.iter().filter(|other| other.name != *name);
    let computed = others.filter(|other| !plan.dropped.iter().any(|dropped| dropped.name == other.name));
    if computed.filter_map(|other| other.generated.as_ref()).any(|it| Mentions::of(it.expr.as_str()).has(name)) {
        return Err("drop a column from which another one is computed");
    }
    Ok(())
}

/// Whether a check keeps a column from being dropped: one that stands elsewhere and mentions it, or one that stands at it
/// and would go with it though it says nothing of it.
fn holds(check: &Check, column: &str) -> bool {
    let mentioned = Mentions::of(check.expr.as_str()).has(column);
    if check.at_column.as_deref() == Some(column) { !mentioned } else { mentioned }
}

/// Whether an index cannot live without a column.
pub(super) fn index_needs(index: &whimbrel_schema::model::Index, column: &str) -> bool {
    let in_text = |text: &str| Mentions::of(text).has(column);
    let keyed = index.keys.iter().any(|key| match &key.on {
        IndexTarget::Column(name) => name == column,
        IndexTarget::Expr(expr) => in_text(expr.as_str()),
    });
    keyed || index.predicate.as_ref().is_some_and(|predicate| in_text(predicate.as_str()))
}
