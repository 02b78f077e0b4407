//! Which rows there are.

use super::world::{Column, Id, Table, World};

impl World {
    /// The value of an enum in a row, by its name in `named`: one that `after` has too.
    pub(super) fn enum_value(&self, named: &Self, after: &Self, id: Id, row: usize) -> String {
        let Some(ty) = self.enum_of(id) else { return String::new() };
        let later = after.enum_of(id);
        let is_kept = |id: Id| later.is_none_or(|later| later.values.iter().any(|(later, _)| *later == id));
        let kept: Vec<Id> = ty.values.iter().map(|(id, _)| *id).filter(|id| is_kept(*id)).collect();
        let chosen = kept[row % kept.len()];
        let names = named.enum_of(id).unwrap_or(ty);
        names.values.iter().find(|(id, _)| *id == chosen).map(|(_, name)| name.clone()).unwrap_or_default()
    }

    /// Whether a row of `self`, which becomes one of `after`, holds NULL there.
    pub(super) fn is_null(&self, after: &Self, table: &Table, column: &Column, row: usize) -> bool {
        (row + column.id).is_multiple_of(3) && self.may_be_null(after, table, column)
    }

    /// The number of the row whose value stands in this row: rows refer to others, and in keys of several columns to the one
    /// of the same number.
    pub(super) fn turned(&self, after: &Self, column: &Column, row: usize, rows: usize) -> usize {
        let wide = |world: &Self| {
            let mut keys = world.tables.iter().flat_map(|it| &it.keys).filter(|it| it.columns.len() > 1);
            keys.any(|it| it.columns.iter().chain(&it.parent_columns).any(|id| *id == column.id))
        };
        if wide(self) || wide(after) { row } else { (row + column.id) % rows }
    }
}
