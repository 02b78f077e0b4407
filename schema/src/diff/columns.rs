//! Columns of a table that is in both schemas.

use crate::change::Change;
use crate::model::{Column, Table};

/// Whether two columns differ in nothing but their comments.
pub(super) fn same_but_comment(one: &Column, other: &Column) -> bool {
    let bare = |column: &Column| Column { comment: None, ..column.clone() };
    one == other || bare(one) == bare(other)
}

/// The steps for the columns: additions and changes first, so that nothing that stays ever reads what is gone, and so
/// that a table never has no column. Generated columns come after those that they are computed from, and go before them.
pub(super) fn steps(now: &Table, after: &Table) -> Vec<Change> {
    let table = || after.name.clone();
    let is_generated = |column: &&Column| column.generated.is_some();
    let (mut added, mut altered) = (Vec::new(), Vec::new());
    for column in &after.columns {
        match now.column(&column.name) {
            None => added.push(column),
            Some(was) if !same_but_comment(was, column) => altered.push((was, column)),
            Some(_) => {}
        }
    }
    // What is computed no more may be read by what is computed now, and what is computed reads the others as they will be.
    altered.sort_by_key(|(was, column): &(&Column, &Column)| match (&was.generated, &column.generated) {
        (Some(_), None) => 0,
        (None, None) => 1,
        (_, Some(_)) => 2,
    });
    let gone: Vec<&Column> = now.columns.iter().filter(|column| after.column(&column.name).is_none()).collect();
    let add = |column: &&Column| Change::AddColumn { table: table(), column: (*column).clone() };
    let alter = |(was, column): &(&Column, &Column)| Change::AlterColumn {
        table: table(),
        before: (*was).clone(),
        after: (*column).clone(),
    };
    let drop = |column: &&Column| Change::DropColumn { table: table(), column: (*column).clone() };
    let mut steps: Vec<Change> = added.iter().filter(|column| !is_generated(column)).map(add).collect();
    steps.extend(altered.iter().map(alter));
    steps.extend(added.iter().filter(|column| is_generated(column)).map(add));
    steps.extend(gone.iter().filter(|column| is_generated(column)).map(drop));
    steps.extend(gone.iter().filter(|column| !is_generated(column)).map(drop));
    steps
}
