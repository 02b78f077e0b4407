//! What a step does to a schema: the meaning of [`Change`], and the proof that its order is right.

mod rename;
mod table;

pub(crate) use table::is_key;

use super::{Change, Commented};
use crate::model::{ObjectName, Schema};

/// A step that cannot be taken at this moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidChange(pub(crate) String);

type Applied = Result<(), InvalidChange>;

pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, InvalidChange> {
    Err(InvalidChange(message.into()))
}

/// Takes one step.
///
/// # Errors
///
/// A step that a database would refuse at this moment: something is not there, is there already, or is still in use.
pub fn apply(schema: &mut Schema, change: &Change) -> Result<(), InvalidChange> {
    match change {
        Change::DropView(view) => remove(&mut schema.views, |it| it.name == view.name, &view.name),
        Change::CreateView(view) => {
            free(schema, &view.name)?;
            schema.views.push(view.clone());
            Ok(())
        }
        Change::DropNative(native) => remove(&mut schema.natives, |it| it == native, &native.name),
        Change::CreateNative(native) => {
            schema.natives.push(native.clone());
            Ok(())
        }
        Change::ReplaceNative { before, after } => {
            remove(&mut schema.natives, |it| it == before, &before.name)?;
            schema.natives.push(after.clone());
            Ok(())
        }
        Change::SetComment { on, comment } => set_comment(schema, on, comment.clone()),
        Change::CreateSequence(_) | Change::AlterSequence { .. } | Change::DropSequence(_) => sequence(schema, change),
        Change::CreateEnum(_)
        | Change::DropEnum(_)
        | Change::AlterEnum { .. }
        | Change::RenameEnum { .. }
        | Change::RenameEnumValue { .. } => enum_type(schema, change),
        Change::RenameTable { .. }
        | Change::RenameColumn { .. }
        | Change::RenameIndex { .. }
        | Change::RenameConstraint { .. } => rename::apply(schema, change),
        _ => table::apply(schema, change),
    }
}

/// Takes all steps, in order.
///
/// # Errors
///
/// The first that cannot be taken.
pub fn apply_all<'a>(
    mut schema: Schema,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<Schema, InvalidChange> {
    for change in changes {
        apply(&mut schema, change).map_err(|InvalidChange(why)| InvalidChange(format!("{why} (at {change:?})")))?;
    }
    Ok(schema)
}

pub(crate) fn remove<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, name: impl std::fmt::Display) -> Applied {
    match list.iter().position(is) {
        Some(at) => {
            list.remove(at);
            Ok(())
        }
        None => invalid(format!("there is no {name}")),
    }
}

/// Tables, views and sequences share their names.
fn free(schema: &Schema, name: &ObjectName) -> Applied {
    let taken = schema.table(name).is_some()
        || schema.view(name).is_some()
        || schema.sequences.iter().any(|sequence| sequence.name == *name);
    if taken { invalid(format!("{name} is there already")) } else { Ok(()) }
}

fn sequence(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::CreateSequence(sequence) => {
            free(schema, &sequence.name)?;
            schema.sequences.push(sequence.clone());
            Ok(())
        }
        Change::AlterSequence { before, after } => {
            remove(&mut schema.sequences, |it| it == before, &before.name)?;
            schema.sequences.push(after.clone());
            Ok(())
        }
        Change::DropSequence(sequence) => remove(&mut schema.sequences, |it| it == sequence, &sequence.name),
        _ => Ok(()),
    }
}

fn enum_type(schema: &mut Schema, change: &Change) -> Applied {
    match change {
        Change::CreateEnum(ty) if schema.enum_type(&ty.name).is_some() => invalid(format!("{} is there", ty.name)),
        Change::CreateEnum(ty) => {
            schema.enums.push(ty.clone());
            Ok(())
        }
        Change::DropEnum(ty) => {
            let uses = |column: &crate::model::Column| rename::mentions_enum(&column.ty, &ty.name);
            if let Some(table) = schema.tables.iter().find(|table| table.columns.iter().any(uses)) {
                return invalid(format!("{} is used by {}", ty.name, table.name));
            }
            remove(&mut schema.enums, |it| it.name == ty.name, &ty.name)
        }
        Change::AlterEnum { before, after } => {
            remove(&mut schema.enums, |it| it.name == before.name && it.values == before.values, &before.name)?;
            schema.enums.push(after.clone());
            Ok(())
        }
        other => rename::of_enum(schema, other),
    }
}

fn set_comment(schema: &mut Schema, on: &Commented, comment: Option<String>) -> Applied {
    let place = match on {
        Commented::Table(name) => schema.tables.iter_mut().find(|it| it.name == *name).map(|it| &mut it.comment),
        Commented::Column(table, column) => schema
            .tables
            .iter_mut()
            .find(|it| it.name == *table)
            .and_then(|it| it.columns.iter_mut().find(|it| it.name == *column))
            .map(|it| &mut it.comment),
        Commented::Enum(name) => schema.enums.iter_mut().find(|it| it.name == *name).map(|it| &mut it.comment),
        Commented::View(name, _) => schema.views.iter_mut().find(|it| it.name == *name).map(|it| &mut it.comment),
    };
    match place {
        Some(place) => {
            *place = comment;
            Ok(())
        }
        None => invalid(format!("there is nothing to comment: {on:?}")),
    }
}
