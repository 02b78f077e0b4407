//! The name of a migration that nobody named.

use crate::change::Change;

/// The longest name that is made up.
const LONGEST: usize = 60;

/// `given` in the form of a file's name, or a name that says what the changes do.
pub(super) fn of(changes: &[&[Change]], given: Option<&str>) -> String {
    let name = match given {
        Some(given) => snake_case(given),
        None => snake_case(&made_up(changes.iter().find(|changes| !changes.is_empty()).copied().unwrap_or_default())),
    };
    if name.is_empty() { "migration".to_owned() } else { name }
}

fn made_up(changes: &[Change]) -> String {
    let tables: Vec<&str> = changes
        .iter()
        .filter_map(|change| match change {
            Change::CreateTable(table) => Some(table.name.name.as_str()),
            _ => None,
        })
        .collect();
    let first = changes.iter().find_map(of_one);
    match (tables.as_slice(), first) {
        ([first, _, ..], _) => format!("create {first} and {} more", tables.len() - 1),
        (_, Some(name)) => name,
        _ => "change schema".to_owned(),
    }
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

/// Letters and digits of every script in lower case, `_` between words.
pub(crate) fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        let starts_word = c.is_uppercase() && after_lower;
        if (starts_word || !c.is_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    name.chars().take(LONGEST).collect::<String>().trim_end_matches('_').to_owned()
}
