//! A schema as data: the same structures for portable SQL and for one dialect.
//!
//! In a portable schema the types are [`Type`]'s portable ones. [`SchemaDialect::lower`](crate::SchemaDialect::lower) turns
//! it into a schema of a dialect, whose types are [`Type::Native`] (or an enum of the schema), whose names are all
//! there as far as the dialect gives names, and whose checks include those that stand for a portable type. A schema
//! that was read from a database has the same form, so that the two can be compared.
//!
//! Lists are in the order of the file or of the database; [`Schema::sorted`] brings those whose order means nothing into
//! an order of their own.

mod column;
mod constraint;
mod index;
mod name;
mod table;
mod types;

use serde::{Deserialize, Serialize};

pub use column::{Column, Generated, Identity, SequenceOptions};
pub use constraint::{Action, Check, Deferrable, ForeignKey, PrimaryKey, RawConstraint, Unique};
pub use index::{Index, IndexKey, IndexTarget, NullsOrder};
pub use name::ObjectName;
pub use table::{Table, TableOptions};
pub use types::Type;

/// Everything in a database that the schema engine knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Enum types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enums: Vec<EnumType>,
    /// Sequences that belong to no identity column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<Sequence>,
    /// Tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Views.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<View>,
    /// What is carried and compared as text: triggers, functions, extensions, policies, domains, virtual tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub natives: Vec<Native>,
}

/// An enum type: `CREATE TYPE name AS ENUM (…)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnumType {
    /// Its name.
    pub name: ObjectName,
    /// Its values; their order is the order in which they sort.
    pub values: Vec<String>,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A sequence of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Its name.
    pub name: ObjectName,
    /// The type of its numbers; `None`: bigint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// How it counts.
    #[serde(default, skip_serializing_if = "SequenceOptions::is_default")]
    pub options: SequenceOptions,
    /// The column that it belongs to (`OWNED BY`): table and column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<(ObjectName, String)>,
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Its name.
    pub name: ObjectName,
    /// The names of its columns, where they are given before `AS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The query, without a semicolon, as it was written; compared by its tokens, see [`View::same_as`].
    pub query: String,
    /// Whether its rows are stored.
    #[serde(default, skip_serializing_if = "is_false")]
    pub materialized: bool,
    /// What stands between the name and `AS` besides columns (`WITH (security_barrier)`), as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// An object that only one dialect has, carried as the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    /// What it is, in one lower-case word or two: `trigger`, `function`, `extension`, `policy`, `virtual table`.
    pub kind: String,
    /// Its name, with arguments where the dialect tells objects apart by them (`f(integer)`).
    pub name: String,
    /// The table that it belongs to, and goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<ObjectName>,
    /// The statement that makes it, without a semicolon at its end.
    pub sql: String,
}

impl View {
    /// Whether two views are the same but for white space, comments and the case of words in their queries. A
    /// comment on the view is no difference.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        let bare = |view: &Self| Self { query: String::new(), comment: None, ..view.clone() };
        bare(self) == bare(other) && crate::tokens::same(&self.query, &other.query)
    }
}

impl Native {
    /// The name without the arguments, quotes and schema that a dialect adds to tell objects apart.
    #[must_use]
    pub fn bare_name(&self) -> String {
        if self.table.is_some() {
            return self.name.clone();
        }
        let mut quoted = false;
        let arguments = self.name.find(|c| {
            quoted ^= c == '"';
            c == '(' && !quoted
        });
        let name = arguments.and_then(|at| self.name.get(..at)).unwrap_or(&self.name);
        name.parse::<ObjectName>().map_or_else(|_| name.to_owned(), |it| it.name)
    }

    /// Whether two are of one kind and name, and of one table, whatever arguments their names tell.
    #[must_use]
    pub fn is_named_as(&self, other: &Self) -> bool {
        let same_arguments = self.name == other.name || !(self.name.contains('(') && other.name.contains('('));
        (&self.kind, &self.table) == (&other.kind, &other.table)
            && same_arguments
            && self.bare_name() == other.bare_name()
    }

    /// Whether two are the same but for white space, comments and the case of words.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        (&self.kind, &self.name, &self.table) == (&other.kind, &other.name, &other.table)
            && crate::tokens::same(&self.sql, &other.sql)
    }
}

impl Schema {
    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &ObjectName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// The enum type of this name.
    #[must_use]
    pub fn enum_type(&self, name: &ObjectName) -> Option<&EnumType> {
        self.enums.iter().find(|ty| ty.name == *name)
    }

    /// The view of this name.
    #[must_use]
    pub fn view(&self, name: &ObjectName) -> Option<&View> {
        self.views.iter().find(|view| view.name == *name)
    }

    /// The same with every list in an order of its own, but for those whose order means something: columns, values of
    /// enums, columns of keys and indexes. Two schemas mean the same when these are equal.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.enums.sort_by(|a, b| a.name.cmp(&b.name));
        self.sequences.sort_by(|a, b| a.name.cmp(&b.name));
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
        self.views.sort_by(|a, b| a.name.cmp(&b.name));
        self.natives.sort();
        self.tables.iter_mut().for_each(Table::sort);
        self
    }
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
