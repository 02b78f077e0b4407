//! The schema between two steps.

use whimbrel_schema::model::{Column, ObjectName, Table};
use whimbrel_schema::{Change, Schema, Type};

use super::types::enum_of;

/// What is in the database when the next change is made.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) schema: Schema,
    /// Tables that this script made: they hold no rows, and nobody waits for them.
    fresh: Vec<ObjectName>,
}

impl State {
    pub(super) fn new(schema: &Schema) -> Self {
        Self { schema: schema.clone(), fresh: Vec::new() }
    }

    pub(super) fn is_fresh(&self, table: &ObjectName) -> bool {
        self.fresh.contains(table)
    }

    pub(super) fn has_column(&self, table: &ObjectName, column: &str) -> bool {
        self.schema.table(table).is_some_and(|table| table.column(column).is_some())
    }

    /// The columns of an enum type, or of arrays of it, by table.
    pub(super) fn columns_of(&self, ty: &ObjectName) -> Vec<(ObjectName, Column)> {
        let columns = self
            .schema
            .tables
            .iter()
            .flat_map(|table| table.columns.iter().map(move |column| (table.name.clone(), column.clone())));
        columns.filter(|(_, column)| enum_of(&column.ty) == Some(ty)).collect()
    }

    fn table(&mut self, name: &ObjectName, f: impl FnOnce(&mut Table)) {
        if let Some(table) = self.schema.tables.iter_mut().find(|table| table.name == *name) {
            f(table);
        }
    }

    /// Takes a change as made.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::CreateTable(table) => {
                self.fresh.push(table.name.clone());
                self.schema.tables.push(Table { indexes: Vec::new(), ..table.clone() });
            }
            Change::DropTable(table) => self.schema.tables.retain(|kept| kept.name != table.name),
            Change::RenameTable { from, to } => self.rename_table(from, to),
            Change::RenameColumn { table, from, to } => self.rename_column(table, from, to),
            Change::AddColumn { table, column } => self.table(table, |of| of.columns.push(column.clone())),
            Change::DropColumn { table, column } => self.drop_column(table, &column.name),
            Change::AlterColumn { table, after, .. } => self.table(table, |of| {
                of.columns
                    .iter_mut()
                    .filter(|column| column.name == after.name)
                    .for_each(|column| *column = after.clone());
            }),
            Change::CreateEnum(ty) => self.schema.enums.push(ty.clone()),
            Change::DropEnum(ty) => self.schema.enums.retain(|kept| kept.name != ty.name),
            Change::RenameEnum { from, to } => self.rename_enum(from, to),
            // Its name is carried into expressions; a value that is not there is told by the server.
            Change::RenameEnumValue { .. } => drop(whimbrel_schema::change::apply(&mut self.schema, change)),
            Change::AlterEnum { after, .. } => {
                self.schema.enums.iter_mut().filter(|ty| ty.name == after.name).for_each(|ty| *ty = after.clone());
            }
            other => self.apply_part(other),
        }
    }

    /// Constraints and indexes.
    fn apply_part(&mut self, change: &Change) {
        match change {
            Change::AddPrimaryKey { table, key } => self.table(table, |of| of.primary_key = Some(key.clone())),
            Change::DropPrimaryKey { table, .. } => self.table(table, |of| of.primary_key = None),
            Change::AddUnique { table, unique } => self.table(table, |of| of.uniques.push(unique.clone())),
            Change::DropUnique { table, unique } => {
                self.table(table, |of| of.uniques.retain(|kept| kept.name != unique.name))
            }
            Change::AddCheck { table, check } => self.table(table, |of| of.checks.push(check.clone())),
            Change::DropCheck { table, check } => {
                self.table(table, |of| of.checks.retain(|kept| kept.name != check.name))
            }
            Change::AddForeignKey { table, key } => self.table(table, |of| of.foreign_keys.push(key.clone())),
            Change::DropForeignKey { table, key } => {
                self.table(table, |of| of.foreign_keys.retain(|kept| kept.name != key.name));
            }
            Change::CreateIndex { table, index } => self.table(table, |of| of.indexes.push(index.clone())),
            Change::DropIndex { table, index } => {
                self.table(table, |of| of.indexes.retain(|kept| kept.name != index.name))
            }
            Change::RenameIndex { table, from, to } => self.table(table, |of| {
                of.indexes.iter_mut().filter(|index| index.name == *from).for_each(|index| index.name.clone_from(to));
            }),
            Change::RenameConstraint { table, from, to } => self.table(table, |of| rename_constraint(of, from, to)),
            _ => {}
        }
    }

    fn rename_table(&mut self, from: &ObjectName, to: &ObjectName) {
        for table in &mut self.schema.tables {
            if table.name == *from {
                table.name = to.clone();
            }
            table.foreign_keys.iter_mut().filter(|key| key.parent == *from).for_each(|key| key.parent = to.clone());
        }
        for (owner, _) in self.schema.sequences.iter_mut().filter_map(|sequence| sequence.owned_by.as_mut()) {
            if owner == from {
                *owner = to.clone();
            }
        }
    }

    fn rename_column(&mut self, of: &ObjectName, from: &str, to: &str) {
        let renamed = |name: &mut String| {
            if name == from {
                to.clone_into(name)
            }
        };
        for table in &mut self.schema.tables {
            table
                .foreign_keys
                .iter_mut()
                .filter(|key| key.parent == *of)
                .for_each(|key| key.parent_columns.iter_mut().for_each(renamed));
        }
        for (owner, column) in self.schema.sequences.iter_mut().filter_map(|sequence| sequence.owned_by.as_mut()) {
            if owner == of {
                renamed(column);
            }
        }
        self.table(of, |table| super::state::rename_in(table, from, to));
    }

    /// A column takes with it what is on it.
    fn drop_column(&mut self, of: &ObjectName, name: &str) {
        self.table(of, |table| {
            table.columns.retain(|column| column.name != name);
            table.indexes.retain(|index| !super::column::index_mentions(index, name));
            table.checks.retain(|check| !check.expr.columns().contains(name));
            table.uniques.retain(|unique| !unique.columns.iter().any(|column| column == name));
            table.foreign_keys.retain(|key| !key.columns.iter().any(|column| column == name));
            table.primary_key = table.primary_key.take().filter(|key| !key.columns.iter().any(|column| column == name));
        });
    }

    fn rename_enum(&mut self, from: &ObjectName, to: &ObjectName) {
        self.schema.enums.iter_mut().filter(|ty| ty.name == *from).for_each(|ty| ty.name = to.clone());
        for column in self.schema.tables.iter_mut().flat_map(|table| &mut table.columns) {
            match &mut column.ty {
                Type::Enum(name) if name == from => *name = to.clone(),
                Type::Array(item) if **item == Type::Enum(from.clone()) => **item = Type::Enum(to.clone()),
                _ => {}
            }
        }
    }
}

fn rename_constraint(table: &mut Table, from: &str, to: &str) {
    let keys = table.primary_key.iter_mut().map(|key| &mut key.name);
    let uniques = table.uniques.iter_mut().map(|unique| &mut unique.name);
    let checks = table.checks.iter_mut().map(|check| &mut check.name);
    let foreign = table.foreign_keys.iter_mut().map(|key| &mut key.name);
    for name in keys.chain(uniques).chain(checks).chain(foreign).flatten().filter(|name| *name == from) {
        to.clone_into(name);
    }
}

/// Renames a column in everything of its table.
fn rename_in(table: &mut Table, from: &str, to: &str) {
    let renamed = |name: &mut String| {
        if name == from {
            to.clone_into(name)
        }
    };
    for column in &mut table.columns {
        renamed(&mut column.name);
        if let Some(generated) = &mut column.generated {
            generated.expr = generated.expr.rename_column(from, to);
        }
    }
    table.primary_key.iter_mut().for_each(|key| key.columns.iter_mut().for_each(renamed));
    table.uniques.iter_mut().for_each(|unique| unique.columns.iter_mut().for_each(renamed));
    table.foreign_keys.iter_mut().for_each(|key| key.columns.iter_mut().for_each(renamed));
    table.checks.iter_mut().for_each(|check| check.expr = check.expr.rename_column(from, to));
    for index in &mut table.indexes {
        index.include.iter_mut().for_each(renamed);
        index.predicate = index.predicate.take().map(|expr| expr.rename_column(from, to));
        for key in &mut index.keys {
            match &mut key.on {
                whimbrel_schema::model::IndexTarget::Column(name) => renamed(name),
                whimbrel_schema::model::IndexTarget::Expr(expr) => *expr = expr.rename_column(from, to),
            }
        }
    }
}
