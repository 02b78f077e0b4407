//! Renames that a person has told.

use super::question::{Question, Questions};
use crate::change::Change;
use crate::dialect::{Rename, RenamedObject};
use crate::model::{ObjectName, Schema};

/// The steps of the renames: types, values, tables, columns, indexes. One that was carried out before is left out.
///
/// Where a new name is that of something that is renamed itself, that one goes first; a circle begins with a name for
/// the time being.
pub(super) fn changes(before: &Schema, after: &Schema, renames: &[Rename]) -> Result<Vec<Change>, Questions> {
    let place = |rename: &Rename| match rename.object {
        RenamedObject::Enum => 0,
        RenamedObject::EnumValue(_) => 1,
        RenamedObject::Table => 2,
        RenamedObject::Column(_) => 3,
        RenamedObject::Index(_) => 4,
    };
    let mut ordered: Vec<&Rename> = renames.iter().filter(|rename| !rename.is_refused()).collect();
    ordered.sort_by_key(|rename| place(rename));
    let names = Names { before, after, renames };
    let (mut active, mut wrong) = (Vec::new(), Vec::new());
    for rename in &ordered {
        match names.standing(rename, &ordered) {
            Standing::Due => active.push(*rename),
            Standing::Done => {}
            Standing::Wrong => wrong.push(Question::wrong(rename)),
        }
    }
    if !wrong.is_empty() {
        return Err(Questions(wrong));
    }
    // Tables before their columns: the names of those are found by the tables' new ones.
    Ok(active.chunk_by(|one, other| place(one) == place(other)).flat_map(steps).collect())
}

/// Renames that are done only together with others: they hand their names round in a circle. Once that is done nothing in
/// the two schemas tells it, so whoever keeps a note of it must leave it out.
#[must_use]
pub fn circles(renames: &[Rename]) -> Vec<Rename> {
    let told: Vec<&Rename> = renames.iter().filter(|rename| !rename.is_refused()).collect();
    told.iter().filter(|rename| is_in_circle(rename, &told)).map(|rename| (*rename).clone()).collect()
}

/// The rename that takes the name away which this one gives.
fn next_of<'r>(rename: &Rename, all: &[&'r Rename]) -> Option<&'r Rename> {
    let same = |from: &str, to: &str| match rename.object {
        // Names of tables and types may stand with quotes and without.
        RenamedObject::Table | RenamedObject::Enum => from.parse::<ObjectName>().ok() == to.parse().ok(),
        _ => from == to,
    };
    all.iter().find(|other| other.object == rename.object && same(&other.from, &rename.to)).copied()
}

fn is_in_circle(rename: &Rename, all: &[&Rename]) -> bool {
    let mut at = next_of(rename, all);
    for _ in all {
        match at {
            Some(it) if it == rename => return true,
            Some(it) => at = next_of(it, all),
            None => return false,
        }
    }
    false
}

/// Whether a rename is still to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Due,
    Done,
    Wrong,
}

/// The steps, each to a name that is free by then.
fn steps(due: &[&Rename]) -> Vec<Change> {
    let (mut left, mut steps, mut held) = (due.to_vec(), Vec::new(), Vec::new());
    while !left.is_empty() {
        let free = |rename: &&Rename| next_of(rename, &left).is_none_or(|other| other == *rename);
        match left.iter().position(free) {
            Some(at) => steps.extend(step(left.remove(at), None, None)),
            // A circle: the first of it steps aside, and comes in last.
            None => {
                let first = left.remove(0);
                let aside = format!("whimbrel_renamed_{}", held.len() + 1);
                steps.extend(step(first, None, Some(&aside)));
                held.push((first, aside));
            }
        }
        let ready = |(first, _): &&(&Rename, String)| next_of(first, &left).is_none();
        while let Some(at) = held.iter().position(|it| ready(&it)) {
            let (first, aside) = held.remove(at);
            steps.extend(step(first, Some(&aside), None));
        }
    }
    steps
}

/// The step of a rename, from or to another name than its own.
fn step(rename: &Rename, from: Option<&str>, to: Option<&str>) -> Option<Change> {
    let (from, to) = (from.unwrap_or(&rename.from).to_owned(), to.unwrap_or(&rename.to).to_owned());
    Some(match &rename.object {
        RenamedObject::Table => Change::RenameTable { from: from.parse().ok()?, to: to.parse().ok()? },
        RenamedObject::Enum => Change::RenameEnum { from: from.parse().ok()?, to: to.parse().ok()? },
        RenamedObject::EnumValue(ty) => Change::RenameEnumValue { ty: ty.clone(), from, to },
        RenamedObject::Column(table) => Change::RenameColumn { table: table.clone(), from, to },
        RenamedObject::Index(table) => Change::RenameIndex { table: table.clone(), from, to },
    })
}

struct Names<'a> {
    before: &'a Schema,
    after: &'a Schema,
    renames: &'a [Rename],
}

impl Names<'_> {
    fn standing(&self, rename: &Rename, all: &[&Rename]) -> Standing {
        match self.exist(rename) {
            // On a table that is new itself there was nothing to rename.
            (_, _, _, false) => Standing::Done,
            (true, true, false, _) => Standing::Due,
            // Carried out before, and the note still stands in the file.
            (false, _, true, _) => Standing::Done,
            // The new name is taken: by something that makes room for it, or because it has it already.
            (true, true, true, _) => match next_of(rename, all) {
                Some(_) if is_in_circle(rename, all) => Standing::Due,
                Some(next) => self.standing(next, all),
                None if self.is_there_after(rename) => Standing::Done,
                None => Standing::Wrong,
            },
            // The dialect has no types of this kind.
            (false, false, false, _) if rename.object == RenamedObject::Enum => Standing::Done,
            _ => Standing::Wrong,
        }
    }

    /// Whether the old name is one of what will be: something else has it.
    fn is_there_after(&self, rename: &Rename) -> bool {
        let back = Rename { object: rename.object.clone(), from: rename.to.clone(), to: rename.from.clone() };
        self.exist(&back).1
    }

    /// Whether the old name is there before, the new one after, the new one before already, and what it is in before.
    fn exist(&self, rename: &Rename) -> (bool, bool, bool, bool) {
        let (from, to) = (rename.from.as_str(), rename.to.as_str());
        match &rename.object {
            RenamedObject::Table => {
                let has = |schema: &Schema, name: &str| name.parse().is_ok_and(|name| schema.table(&name).is_some());
                (has(self.before, from), has(self.after, to), has(self.before, to), true)
            }
            RenamedObject::Enum => {
                let has = |schema: &Schema, name: &str| name.parse().is_ok_and(|it| schema.enum_type(&it).is_some());
                (has(self.before, from), has(self.after, to), has(self.before, to), true)
            }
            RenamedObject::EnumValue(ty) => {
                let of = |schema: &Schema, ty: &ObjectName| schema.enum_type(ty).map(|ty| ty.values.clone());
                self.within(of(self.before, &self.name_before(ty, &RenamedObject::Enum)), of(self.after, ty), from, to)
            }
            RenamedObject::Column(table) => {
                let of = |schema: &Schema, table: &ObjectName| {
                    schema.table(table).map(|it| it.columns.iter().map(|it| it.name.clone()).collect())
                };
                let was = self.name_before(table, &RenamedObject::Table);
                self.within(of(self.before, &was), of(self.after, table), from, to)
            }
            RenamedObject::Index(table) => {
                let of = |schema: &Schema, table: &ObjectName| {
                    schema.table(table).map(|it| it.indexes.iter().map(|it| it.name.clone()).collect())
                };
                let was = self.name_before(table, &RenamedObject::Table);
                self.within(of(self.before, &was), of(self.after, table), from, to)
            }
        }
    }

    fn within(
        &self,
        before: Option<Vec<String>>,
        after: Option<Vec<String>>,
        from: &str,
        to: &str,
    ) -> (bool, bool, bool, bool) {
        let has = |names: &Option<Vec<String>>, name: &str| names.iter().flatten().any(|it| it == name);
        (has(&before, from), has(&after, to), has(&before, to), before.is_some() && after.is_some())
    }

    /// What a table or type was called before its own rename, where that is still to come.
    fn name_before(&self, name: &ObjectName, kind: &RenamedObject) -> ObjectName {
        let all: Vec<&Rename> = self.renames.iter().filter(|rename| !rename.is_refused()).collect();
        let is_it =
            |rename: &&&Rename| rename.object == *kind && rename.to.parse().is_ok_and(|to: ObjectName| to == *name);
        let renamed = all.iter().find(is_it).filter(|rename| self.standing(rename, &all) == Standing::Due);
        renamed.and_then(|rename| rename.from.parse().ok()).unwrap_or_else(|| name.clone())
    }
}
