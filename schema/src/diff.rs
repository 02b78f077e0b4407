//! The steps from one schema to another.

mod columns;
mod objects;
mod order;
mod question;
mod renames;
mod tables;

use std::borrow::Cow;
use std::collections::BTreeSet;

pub use question::{Question, Questions};
pub use renames::circles;

use crate::change::{Change, Commented, apply_all};
use crate::dialect::Rename;
use crate::model::{EnumType, ObjectName, Schema, Table};
use objects::Objects;

/// What matters to a database when it is changed, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Constraints have names that can be changed. Else they are what they say, and one without a name is found by that.
    pub renames_constraints: bool,
    /// A view keeps its tables from changing the columns that it reads: it is dropped before and made again after.
    pub views_hold_columns: bool,
    /// The database keeps the meaning of a view's query, not its text: what is read back is written otherwise.
    pub rewrites_views: bool,
    /// The type of a column cannot change while a foreign key compares it with one of another type.
    pub keys_hold_types: bool,
    /// A function can get another body where it stands, with everything that calls it.
    pub replaces_routines: bool,
}

impl Rules {
    /// A database in which nothing stands in the way of anything.
    pub const FREE: Self = Self {
        renames_constraints: false,
        views_hold_columns: false,
        rewrites_views: false,
        keys_hold_types: false,
        replaces_routines: false,
    };
    /// Postgres, and what is like it.
    pub const NAMED: Self = Self {
        renames_constraints: true,
        views_hold_columns: true,
        rewrites_views: true,
        keys_hold_types: true,
        replaces_routines: true,
    };
}

/// The steps from `before` to `after`, two schemas of one dialect, in an order in which every state between is valid.
///
/// The order of columns in a table is no difference: a column that is added stands last, wherever the file has it.
///
/// # Errors
///
/// Where something that is gone looks like something that is new and no rename says whether it is one: a rename is never
/// guessed, and never a drop and an addition by itself.
pub fn diff(before: &Schema, after: &Schema, renames: &[Rename], rules: &Rules) -> Result<Vec<Change>, Questions> {
    let mut renamed = renames::changes(before, after, renames)?;
    renamed.splice(0..0, objects::named_as_renamed(before, &renamed));
    let now = match renamed.is_empty() {
        true => Cow::Borrowed(before),
        false => match apply_all(before.clone(), &renamed) {
            Ok(now) => Cow::Owned(now),
            Err(_) => return Err(Questions::impossible(before, renames)),
        },
    };
    let questions = question::ask(&now, after, renames);
    if !questions.is_empty() {
        return Err(Questions(questions));
    }
    Ok(Difference { now: &now, after, rules, renamed: &renamed }.steps())
}

/// Two schemas after the renames.
pub(crate) struct Difference<'a> {
    now: &'a Schema,
    after: &'a Schema,
    rules: &'a Rules,
    /// The renames that lead to `now`, behind the views whose names they take.
    renamed: &'a [Change],
}

impl<'a> Difference<'a> {
    /// All steps: what stands in the way goes first, then what changes, then what is new, then what is gone.
    fn steps(&self) -> Vec<Change> {
        let tables = tables::Tables::compare(self);
        let objects = Objects::compare(self, &tables);
        // Before the renames, what goes has its names from before them.
        let mut steps = self.renamed.to_vec();
        steps.extend(objects.in_the_way);
        steps.extend(objects.first);
        tables.append_to(&mut steps, self.now, self.new_types(), objects.early);
        steps.extend(objects.gone);
        steps.extend(self.gone_types());
        steps.extend(objects.late);
        self.comments(&mut steps, &objects.created_views);
        steps
    }

    /// Enum types whose values cannot just be added to: a new type takes the place of each.
    fn is_swapped(&self, name: &ObjectName) -> bool {
        let (Some(now), Some(after)) = (self.now.enum_type(name), self.after.enum_type(name)) else { return false };
        let mut values = after.values.iter();
        !now.values.iter().all(|value| values.any(|kept| kept == value))
    }

    /// Tables that are in both.
    fn common(&self) -> impl Iterator<Item = (&'a Table, &'a Table)> + use<'a> {
        let by_name = by_name(&self.after.tables, |table| &table.name);
        self.now.tables.iter().filter_map(move |now| Some((now, *by_name.get(&now.name)?)))
    }

    /// New enums and sequences, and those that change.
    fn new_types(&self) -> Vec<Change> {
        let mut steps = Vec::new();
        for ty in &self.after.enums {
            match self.now.enum_type(&ty.name) {
                None => steps.push(Change::CreateEnum(ty.clone())),
                Some(now) if now.values != ty.values => {
                    let after = EnumType { comment: now.comment.clone(), ..ty.clone() };
                    steps.push(Change::AlterEnum { before: now.clone(), after });
                }
                Some(_) => {}
            }
        }
        for sequence in &self.after.sequences {
            match self.now.sequences.iter().find(|now| now.name == sequence.name) {
                None => steps.push(Change::CreateSequence(sequence.clone())),
                Some(now) if now != sequence => {
                    steps.push(Change::AlterSequence { before: now.clone(), after: sequence.clone() });
                }
                Some(_) => {}
            }
        }
        steps
    }

    fn gone_types(&self) -> Vec<Change> {
        let sequences = self.now.sequences.iter();
        let sequences = sequences.filter(|it| !self.after.sequences.iter().any(|after| after.name == it.name));
        let enums = self.now.enums.iter().filter(|ty| self.after.enum_type(&ty.name).is_none());
        sequences.cloned().map(Change::DropSequence).chain(enums.cloned().map(Change::DropEnum)).collect()
    }

    fn comments(&self, steps: &mut Vec<Change>, created_views: &BTreeSet<ObjectName>) {
        let mut set = |on: Commented, now: Option<&String>, after: Option<&String>| {
            if now != after {
                steps.push(Change::SetComment { on, comment: after.cloned() });
            }
        };
        for (now, after) in self.common() {
            set(Commented::Table(after.name.clone()), now.comment.as_ref(), after.comment.as_ref());
            for column in &after.columns {
                // A column that is added or altered has its comment by then.
                if let Some(was) = now.column(&column.name).filter(|was| columns::same_but_comment(was, column)) {
                    let on = Commented::Column(after.name.clone(), column.name.clone());
                    set(on, was.comment.as_ref(), column.comment.as_ref());
                }
            }
        }
        for ty in &self.after.enums {
            if let Some(now) = self.now.enum_type(&ty.name) {
                set(Commented::Enum(ty.name.clone()), now.comment.as_ref(), ty.comment.as_ref());
            }
        }
        let kept = self.after.views.iter().filter(|view| !created_views.contains(&view.name));
        for view in kept {
            let now = self.now.view(&view.name).and_then(|now| now.comment.as_ref());
            set(Commented::View(view.name.clone(), view.materialized), now, view.comment.as_ref());
        }
    }
}

/// Things by their names.
pub(crate) fn by_name<'a, T>(
    list: &'a [T],
    name: impl Fn(&'a T) -> &'a ObjectName,
) -> std::collections::HashMap<&'a ObjectName, &'a T> {
    list.iter().map(|it| (name(it), it)).collect()
}

/// Whether two schemas mean the same: nothing would have to be done to make one the other.
#[must_use]
pub fn is_same(one: &Schema, other: &Schema) -> bool {
    diff(one, other, &[], &Rules::NAMED).is_ok_and(|steps| steps.is_empty())
}

#[cfg(test)]
mod tests;
