//! What a dialect adds to the schema engine.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use whimbrel_core::{BackendError, Dialect, Problem, Sql};

use crate::change::Change;
use crate::diff::Rules;
use crate::model::{ObjectName, Schema};

/// A dialect as the schema engine needs it: what portable SQL becomes in it, how changes are written, how a database is
/// read.
///
/// A backend implements it in its `ddl.rs` and `introspect.rs`, behind its feature `schema`.
#[async_trait]
pub trait SchemaDialect: fmt::Debug + Send + Sync {
    /// How its SQL is read and written.
    fn dialect(&self) -> &'static Dialect;

    /// What stands in the way of what in this dialect.
    fn rules(&self) -> Rules;

    /// Turns a portable schema into one of this dialect: types, translated defaults and expressions, the checks that
    /// stand for a type, the names that the database would give. What is this dialect's already stays as it is.
    ///
    /// Equal input gives equal output, and introspecting a database that was made from the output gives the output again
    /// (in the sense of [`Schema::sorted`]).
    ///
    /// # Errors
    ///
    /// Every place that cannot be given the same meaning here. [`Problem::file`] is the object (`table users, column
    /// id`): the caller knows the file.
    fn lower(&self, portable: &Schema, storage: &Storage) -> Result<Schema, Vec<Problem>>;

    /// The opposite of [`lower`](Self::lower), as far as it goes: portable types, and the options of storage under which they
    /// become what is there. What has no portable form stays as it is. Lists keep their order; a sequence that an identity
    /// column brings back is left out.
    fn raise(&self, native: &Schema) -> (Schema, Storage);

    /// Where the schema does not mean quite the same in this dialect, each in a sentence with the columns that it is about.
    fn differences_of_meaning(&self, _portable: &Schema, _storage: &Storage) -> Vec<String> {
        Vec::new()
    }

    /// In which form the values of columns are stored where the lowered schema does not tell: whole numbers that are times. A
    /// snapshot keeps them, so that values that would be read as something else afterwards are not passed over.
    fn forms(&self, _portable: &Schema, _storage: &Storage) -> Forms {
        Forms::new()
    }

    /// Writes the changes as SQL.
    ///
    /// # Errors
    ///
    /// Every change that cannot be made without being told more: a NOT NULL column without a default on a table that may
    /// have rows, a type whose values may not convert.
    fn script(&self, request: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>>;

    /// Reads the schema of the database behind `sql`, without what `ignored` names (history tables).
    ///
    /// Needs no right but to read the catalog, and writes nothing.
    ///
    /// # Errors
    ///
    /// The database's own.
    async fn introspect(&self, sql: &mut dyn Sql, ignored: &[ObjectName]) -> Result<Introspected, BackendError>;
}

/// How portable types are stored, where the dialect leaves a choice: `timestamps = integer-ms`, `checks = none`.
///
/// Options of a column win over those of its table, those over the target's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storage {
    /// For the whole target.
    pub target: BTreeMap<String, String>,
    /// For one table.
    pub tables: BTreeMap<ObjectName, BTreeMap<String, String>>,
    /// For one column.
    pub columns: BTreeMap<(ObjectName, String), BTreeMap<String, String>>,
}

impl Storage {
    /// The value of an option for a column, if it is set anywhere.
    #[must_use]
    pub fn get(&self, table: &ObjectName, column: &str, option: &str) -> Option<&str> {
        let of_column = self.columns.get(&(table.clone(), column.to_owned()));
        let places = [of_column, self.tables.get(table), Some(&self.target)];
        places.into_iter().flatten().find_map(|options| options.get(option)).map(String::as_str)
    }
}

/// How values are stored: by table, in the text form of [`ObjectName`], and column.
pub type Forms = BTreeMap<String, BTreeMap<String, String>>;

/// A rename that a person has told: by an annotation, a flag or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// What is renamed.
    pub object: RenamedObject,
    /// Its name before.
    pub from: String,
    /// Its name after; empty: it was not renamed, see [`Rename::is_refused`].
    pub to: String,
}

impl Rename {
    /// Whether it says that there is none: `from` is dropped, and what is new is something else. `to` is empty then.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.to.is_empty()
    }
}

/// What a rename is of. Names of tables and types are those after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenamedObject {
    /// A table; the names are in the text form of [`ObjectName`].
    Table,
    /// A column of this table.
    Column(ObjectName),
    /// An index of this table.
    Index(ObjectName),
    /// An enum type; the names are in the text form of [`ObjectName`].
    Enum,
    /// A value of this enum type.
    EnumValue(ObjectName),
}

/// What is to be written as SQL.
#[derive(Debug, Clone, Copy)]
pub struct ScriptRequest<'a> {
    /// The schema as it is.
    pub before: &'a Schema,
    /// The schema as it will be.
    pub after: &'a Schema,
    /// The steps from one to the other.
    pub changes: &'a [Change],
    /// Take the ways that do not stop an application that is at work.
    pub online: bool,
    /// How values get into columns that need one: for (table, column), both after renames, an expression over the columns
    /// of the table as it is. It stands for a backfill and for the conversion of a type.
    pub fills: &'a BTreeMap<(ObjectName, String), String>,
    /// What the values that are there become, for (table, column) as in `fills`, where a dialect has texts for values of enum
    /// types that get other names. A fill of the same column is for rows without a value.
    pub conversions: &'a BTreeMap<(ObjectName, String), String>,
}

/// How a person tells what values a column gets: the flag of the command, for [`ScriptRequest::fills`]. For hints.
#[must_use]
pub fn fill_flag(table: &ObjectName, column: &str) -> String {
    format!("`--fill {table}.{column}=EXPRESSION`, an expression over the columns of the table as it is")
}

/// The SQL of some changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// One for each migration that is needed, in order; most changes need one.
    pub parts: Vec<Part>,
    /// What is lost for good. Empty: every row and value stays.
    pub losses: Vec<Loss>,
}

/// The SQL of one migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// What its runner must do, without the prefix: `foreign-keys off`, `no-transaction`, `keep-rows users, posts`.
    pub directives: Vec<String>,
    /// The statements, each with the comment lines that stand above it and without a semicolon at its end.
    pub statements: Vec<String>,
}

/// Data that a change destroys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// What it is of: `table notes`, `column users.nickname`.
    pub object: String,
    /// What is lost, in a sentence without its object: `all its rows`.
    pub what: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} loses {}", self.object, self.what)
    }
}

/// A schema that was read from a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Introspected {
    /// The schema.
    pub schema: Schema,
    /// What is there and was not read into it, by name: nothing is passed over silently.
    pub uncompared: Vec<String>,
}
