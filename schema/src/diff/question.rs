//! What only a person knows: whether something was renamed, or dropped and something else added.

use std::fmt;

use crate::dialect::{Rename, RenamedObject};
use crate::model::{EnumType, ObjectName, Schema, Table};

/// Questions that must be answered before there is a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions(pub Vec<Question>);

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Is `from`, which is gone, one of `candidates`, which are new?
    Renamed {
        /// What it is.
        object: RenamedObject,
        /// The name that is gone.
        from: String,
        /// New names that are like it.
        candidates: Vec<String>,
    },
    /// A rename that was told fits neither schema.
    Wrong(Rename),
}

impl Question {
    pub(super) fn wrong(rename: &Rename) -> Self {
        Self::Wrong(rename.clone())
    }
}

impl Questions {
    /// Renames that cannot be carried out together.
    pub(super) fn impossible(_before: &Schema, renames: &[Rename]) -> Self {
        Self(renames.iter().map(Question::wrong).collect())
    }
}

impl fmt::Display for RenamedObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("table"),
            Self::Column(table) => write!(f, "column of {table}"),
            Self::Index(table) => write!(f, "index of {table}"),
            Self::Enum => f.write_str("type"),
            Self::EnumValue(ty) => write!(f, "value of {ty}"),
        }
    }
}

impl RenamedObject {
    /// The name as `--rename` takes it: with its table or type.
    #[must_use]
    pub fn qualified(&self, name: &str) -> String {
        match self {
            Self::Table | Self::Enum => name.to_owned(),
            Self::Column(owner) | Self::Index(owner) | Self::EnumValue(owner) => {
                format!("{owner}.{}", ObjectName::new(name))
            }
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed { object, from, candidates } => {
                write!(f, "the {object} `{from}` is gone and ")?;
                match candidates.as_slice() {
                    [one] => write!(f, "`{one}` is new: is it a rename?"),
                    several => write!(f, "new are `{}`: is one of them its new name?", several.join("`, `")),
                }
            }
            Self::Wrong(rename) => write!(
                f,
                "the rename of the {} `{}` to `{}` fits neither what was nor what will be",
                rename.object, rename.from, rename.to
            ),
        }
    }
}

impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, question) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{question}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Questions {}

/// Asks wherever something is gone and something like it is new. `now` has the renames that were told.
pub(super) fn ask(now: &Schema, after: &Schema, renames: &[Rename]) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut put = |object: RenamedObject, from: String, candidates: Vec<String>| {
        let refused =
            renames.iter().any(|rename| rename.is_refused() && rename.object == object && rename.from == from);
        if !candidates.is_empty() && !refused {
            questions.push(Question::Renamed { object, from, candidates });
        }
    };
    for gone in now.tables.iter().filter(|table| after.table(&table.name).is_none()) {
        let new = after.tables.iter().filter(|table| now.table(&table.name).is_none() && alike(gone, table));
        put(RenamedObject::Table, gone.name.to_string(), new.map(|table| table.name.to_string()).collect());
    }
    for (gone, table) in now.tables.iter().filter_map(|table| Some((table, after.table(&table.name)?))) {
        for column in gone.columns.iter().filter(|column| table.column(&column.name).is_none()) {
            let is_new = |it: &&crate::model::Column| gone.column(&it.name).is_none() && it.ty == column.ty;
            let new = table.columns.iter().filter(is_new).map(|column| column.name.clone()).collect();
            put(RenamedObject::Column(table.name.clone()), column.name.clone(), new);
        }
    }
    for (was, ty) in now.enums.iter().filter_map(|ty| Some((ty, after.enum_type(&ty.name)?))) {
        let new: Vec<String> = missing(ty, was);
        for value in missing(was, ty) {
            put(RenamedObject::EnumValue(ty.name.clone()), value, new.clone());
        }
    }
    for gone in now.enums.iter().filter(|ty| after.enum_type(&ty.name).is_none()) {
        let new = after.enums.iter().filter(|ty| now.enum_type(&ty.name).is_none() && ty.values == gone.values);
        put(RenamedObject::Enum, gone.name.to_string(), new.map(|ty| ty.name.to_string()).collect());
    }
    questions
}

/// Values of one that the other has not.
fn missing(one: &EnumType, other: &EnumType) -> Vec<String> {
    one.values.iter().filter(|value| !other.values.contains(value)).cloned().collect()
}

/// Whether at least half of the columns of each are in the other, by name and type.
fn alike(one: &Table, other: &Table) -> bool {
    let both = |column: &&crate::model::Column| other.column(&column.name).is_some_and(|it| it.ty == column.ty);
    let shared = one.columns.iter().filter(both).count();
    shared > 0 && shared * 2 >= one.columns.len() && shared * 2 >= other.columns.len()
}
