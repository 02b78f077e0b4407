//! The name of a migration that nobody named.

use crate::change::Change;

/// The longest name that is made up, in characters.
const LONGEST: usize = 60;

/// The words that are given, or words that say what the changes do.
pub(super) fn of(changes: &[&[Change]], given: Option<&str>) -> String {
    let first = || changes.iter().find(|changes| !changes.is_empty()).copied().unwrap_or_default();
    given.map_or_else(|| made_up(first()).chars().take(LONGEST).collect(), str::to_owned)
}

fn made_up(changes: &[Change]) -> String {
    let tables: Vec<&str> = changes
        .iter()
        .filter_map(|change| match change {
            Change::CreateTable(table) => Some(table.name.name.as_str()),
            _ => None,
        })
        .collect();
    // A constraint often goes with a column, and says less.
    let tells = |change: &&Change| !is_of_constraint(change);
    let first = changes.iter().filter(tells).find_map(of_one).or_else(|| changes.iter().find_map(of_one));
    match (tables.as_slice(), first) {
        ([only], _) => format!("create {only}"),
        ([first, _, ..], _) => format!("create {first} and {} more", tables.len() - 1),
        (_, Some(name)) => name,
        _ => "change schema".to_owned(),
    }
}

fn is_of_constraint(change: &Change) -> bool {
    use Change::{
        AddCheck, AddForeignKey, AddPrimaryKey, AddUnique, DropCheck, DropForeignKey, DropPrimaryKey, DropUnique,
    };
    matches!(
        change,
        AddCheck { .. }
            | AddForeignKey { .. }
            | AddPrimaryKey { .. }
            | AddUnique { .. }
            | DropCheck { .. }
            | DropForeignKey { .. }
            | DropPrimaryKey { .. }
            | DropUnique { .. }
    )
}

fn of_one(change: &Change) -> Option<String> {
    Some(match change {
        Change::CreateTable(table) => format!("create {}", table.name.name),
        Change::DropTable(table) => format!("drop {}", table.name.name),
        Change::RenameTable { from, to } => format!("rename {} to {}", from.name, to.name),
        Change::AddColumn { table, column } => format!("add {} {}", table.name, column.name),
        Change::DropColumn { table, column } => format!("drop {} {}", table.name, column.name),
        Change::RenameColumn { table, from, to } => format!("rename {} {from} to {to}", table.name),
        Change::AlterColumn { table, after, .. } => format!("alter {} {}", table.name, after.name),
        Change::CreateIndex { index, .. } => format!("create {}", index.name),
        Change::CreateEnum(ty) => format!("create {}", ty.name.name),
        Change::AlterEnum { after, .. } => format!("alter {}", after.name.name),
        Change::CreateView(view) => format!("create {}", view.name.name),
        Change::AddCheck { table, .. }
        | Change::AddForeignKey { table, .. }
        | Change::AddUnique { table, .. }
        | Change::AddPrimaryKey { table, .. }
        | Change::DropCheck { table, .. }
        | Change::DropForeignKey { table, .. } => format!("alter {}", table.name),
        _ => return None,
    })
}
