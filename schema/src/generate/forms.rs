//! Values that would be read as something else after a change, though no statement touches them.

use std::collections::BTreeMap;

use whimbrel_core::Problem;

use super::Target;
use super::values::names_before;
use crate::change::Change;
use crate::dialect::fill_flag;
use crate::folder::Folder;
use crate::model::{Column, ObjectName, Schema};

/// Every column whose values the newest snapshot knows in another form than the one in which they are to be read, and for which
/// no conversion is told. Where migrations by hand came after that snapshot, they may have converted them.
pub(super) fn misread(
    target: &Target<'_>,
    folder: &Folder,
    (before, wanted): (&Schema, &Schema),
    changes: &[Change],
    fills: &BTreeMap<(ObjectName, String), String>,
) -> Vec<Problem> {
    let known = folder.snapshot.as_ref().filter(|_| folder.since_snapshot().next().is_none());
    let Some(known) = known.filter(|it| !it.forms.is_empty()) else { return Vec::new() };
    let now = target.dialect.forms(&target.schema, &target.storage);
    let columns = wanted.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (&table.name, column)));
    let problem = |(table, column): (&ObjectName, &Column)| {
        let (old_table, old_column) = names_before(changes, table, &column.name)?;
        let old = known.forms.get(&old_table.to_string())?.get(&old_column)?;
        let new = now.get(&table.to_string()).and_then(|columns| columns.get(&column.name));
        let is = before.table(&old_table)?.columns.iter().find(|it| it.name == old_column)?;
        let is_converted = is.ty != column.ty && fills.contains_key(&(table.clone(), column.name.clone()));
        // A column that holds the same numbers and says no more that they are times is read as it was.
        if new == Some(old) || is_converted || (new.is_none() && is.ty == column.ty) {
            return None;
        }
        let new = new.map_or_else(|| column.ty.to_string(), Clone::clone);
        let message = format!("column {}: its values are stored as {old}, and would be read as {new}", column.name);
        let hint = if is.ty == column.ty {
            "convert them in a migration by hand (`whimbrel new`), and generate after it".to_owned()
        } else {
            format!("say how they are converted: {}", fill_flag(table, &column.name))
        };
        Some(Problem::new(format!("table {table}"), message, hint))
    };
    super::of_target(target, columns.filter_map(problem).collect())
}
