//! What leads from one schema to another, in steps.

pub(crate) mod apply;

pub use apply::{InvalidChange, apply, apply_all};

use crate::model::{
    Check, Column, EnumType, ForeignKey, Index, Native, ObjectName, PrimaryKey, RawConstraint, Sequence, Table, Unique,
    View,
};

/// One step from a schema to another one of the same dialect.
///
/// Steps are in an order in which every state between is valid. Names of tables and columns are those after the renames
/// before it, so each step can be read without looking back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Removes a view that goes, changes, or stands in the way of a change; in the latter two cases a
    /// [`Change::CreateView`] follows.
    DropView(View),
    /// Makes a view.
    CreateView(View),
    /// Removes an object that is carried as text, for the same reasons.
    DropNative(Native),
    /// Makes one.
    CreateNative(Native),
    /// Gives a routine another text where it stands: its arguments and its result stay.
    ReplaceNative {
        /// As it is.
        before: Native,
        /// As it will be.
        after: Native,
    },
    /// Makes an enum type.
    CreateEnum(EnumType),
    /// Removes an enum type that no column uses any more.
    DropEnum(EnumType),
    /// Renames an enum type.
    RenameEnum {
        /// Its name before.
        from: ObjectName,
        /// Its name after.
        to: ObjectName,
    },
    /// Renames a value of an enum type.
    RenameEnumValue {
        /// The type.
        ty: ObjectName,
        /// The value before.
        from: String,
        /// The value after.
        to: String,
    },
    /// Changes the values of an enum type.
    AlterEnum {
        /// The type as it is, after renames.
        before: EnumType,
        /// The type as it will be.
        after: EnumType,
    },
    /// Makes a sequence.
    CreateSequence(Sequence),
    /// Changes a sequence.
    AlterSequence {
        /// As it is.
        before: Sequence,
        /// As it will be.
        after: Sequence,
    },
    /// Removes a sequence.
    DropSequence(Sequence),
    /// Renames a table.
    RenameTable {
        /// Its name before.
        from: ObjectName,
        /// Its name after.
        to: ObjectName,
    },
    /// Renames a column.
    RenameColumn {
        /// The table.
        table: ObjectName,
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
    },
    /// Renames an index.
    RenameIndex {
        /// The table.
        table: ObjectName,
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
    },
    /// Renames a constraint.
    RenameConstraint {
        /// The table.
        table: ObjectName,
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
    },
    /// Makes a table with everything of it but its indexes, and but for the foreign keys that a later
    /// [`Change::AddForeignKey`] brings because their table is not there yet: those are not in it.
    CreateTable(Table),
    /// Removes a table with everything of it. Nothing refers to it any more but itself.
    DropTable(Table),
    /// Adds a column. A foreign key of its own follows as a step of its own.
    AddColumn {
        /// The table.
        table: ObjectName,
        /// The column.
        column: Column,
    },
    /// Removes a column.
    DropColumn {
        /// The table.
        table: ObjectName,
        /// The column.
        column: Column,
    },
    /// Changes a column in one or more ways.
    AlterColumn {
        /// The table.
        table: ObjectName,
        /// As it is; the name is the same.
        before: Column,
        /// As it will be.
        after: Column,
    },
    /// Adds a primary key.
    AddPrimaryKey {
        /// The table.
        table: ObjectName,
        /// The key.
        key: PrimaryKey,
    },
    /// Removes the primary key.
    DropPrimaryKey {
        /// The table.
        table: ObjectName,
        /// The key.
        key: PrimaryKey,
    },
    /// Adds a unique constraint.
    AddUnique {
        /// The table.
        table: ObjectName,
        /// The constraint.
        unique: Unique,
    },
    /// Removes a unique constraint.
    DropUnique {
        /// The table.
        table: ObjectName,
        /// The constraint.
        unique: Unique,
    },
    /// Adds a check.
    AddCheck {
        /// The table.
        table: ObjectName,
        /// The check.
        check: Check,
    },
    /// Removes a check.
    DropCheck {
        /// The table.
        table: ObjectName,
        /// The check.
        check: Check,
    },
    /// Adds a foreign key.
    AddForeignKey {
        /// The table.
        table: ObjectName,
        /// The key.
        key: ForeignKey,
    },
    /// Removes a foreign key.
    DropForeignKey {
        /// The table.
        table: ObjectName,
        /// The key.
        key: ForeignKey,
    },
    /// Adds a constraint that is carried as text.
    AddRawConstraint {
        /// The table.
        table: ObjectName,
        /// The constraint.
        constraint: RawConstraint,
    },
    /// Removes one.
    DropRawConstraint {
        /// The table.
        table: ObjectName,
        /// The constraint.
        constraint: RawConstraint,
    },
    /// Makes an index.
    CreateIndex {
        /// The table.
        table: ObjectName,
        /// The index.
        index: Index,
    },
    /// Removes an index.
    DropIndex {
        /// The table.
        table: ObjectName,
        /// The index.
        index: Index,
    },
    /// Changes what is said of a table besides columns, constraints, indexes and comments.
    AlterTableOptions {
        /// The table as it is.
        before: Table,
        /// As it will be.
        after: Table,
    },
    /// Sets or removes a comment.
    SetComment {
        /// On what.
        on: Commented,
        /// The comment; `None` removes it.
        comment: Option<String>,
    },
}

/// What a comment is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// A table.
    Table(ObjectName),
    /// A column.
    Column(ObjectName, String),
    /// An enum type.
    Enum(ObjectName),
    /// A view; `true`: a materialized one.
    View(ObjectName, bool),
}
