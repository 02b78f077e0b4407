//! Renames that a person has told.

use super::question::{Question, Questions};
use crate::change::Change;
use crate::dialect::{Rename, RenamedObject};
use crate::model::{ObjectName, Schema};

/// The steps of the renames: types, values, tables, columns, indexes. One that was carried out before is left out.
pub(super) fn changes(before: &Schema, after: &Schema, renames: &[Rename]) -> Result<Vec<Change>, Questions> {
    let (mut changes, mut wrong) = (Vec::new(), Vec::new());
    let place = |rename: &&Rename| match rename.object {
        RenamedObject::Enum => 0,
        RenamedObject::EnumValue(_) => 1,
        RenamedObject::Table => 2,
        RenamedObject::Column(_) => 3,
        RenamedObject::Index(_) => 4,
    };
    let mut ordered: Vec<&Rename> = renames.iter().filter(|rename| !rename.is_refused()).collect();
    ordered.sort_by_key(place);
    for rename in ordered {
        let names = Names { before, after, renames };
        match names.exist(rename) {
            (true, true, false, _) => match names.change(rename) {
                Some(change) => changes.push(change),
                None => wrong.push(Question::wrong(rename)),
            },
            // Carried out before, and the note still stands in the file.
            (false, _, true, _) => {}
            // On a table that is new itself there was nothing to rename.
            (_, _, _, false) => {}
            _ => wrong.push(Question::wrong(rename)),
        }
    }
    if wrong.is_empty() { Ok(changes) } else { Err(Questions(wrong)) }
}

struct Names<'a> {
    before: &'a Schema,
    after: &'a Schema,
    renames: &'a [Rename],
}

impl Names<'_> {
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

    /// What a table or type was called before its own rename.
    fn name_before(&self, name: &ObjectName, kind: &RenamedObject) -> ObjectName {
        let is_it =
            |rename: &&Rename| rename.object == *kind && rename.to.parse().is_ok_and(|to: ObjectName| to == *name);
        let renamed = self.renames.iter().find(is_it).and_then(|rename| rename.from.parse().ok());
        let there =
            |schema: &Schema, name: &ObjectName| schema.table(name).is_some() || schema.enum_type(name).is_some();
        renamed.filter(|from| there(self.before, from)).unwrap_or_else(|| name.clone())
    }

    fn change(&self, rename: &Rename) -> Option<Change> {
        let (from, to) = (rename.from.clone(), rename.to.clone());
        Some(match &rename.object {
            RenamedObject::Table => Change::RenameTable { from: from.parse().ok()?, to: to.parse().ok()? },
            RenamedObject::Enum => Change::RenameEnum { from: from.parse().ok()?, to: to.parse().ok()? },
            RenamedObject::EnumValue(ty) => Change::RenameEnumValue { ty: ty.clone(), from, to },
            RenamedObject::Column(table) => Change::RenameColumn { table: table.clone(), from, to },
            RenamedObject::Index(table) => Change::RenameIndex { table: table.clone(), from, to },
        })
    }
}
