//! What a dialect has beside what is portable, as data.

/// Storage options: names, each with its values.
type Choices = &'static [(&'static str, &'static [&'static str])];

/// What schemas of a dialect may hold.
#[derive(Debug, PartialEq)]
pub(super) struct Offer {
    /// Its name.
    pub(super) dialect: &'static str,
    /// Types of enums, to which values can be cast and whose values can hand their names round.
    pub(super) enums: bool,
    /// Functions, and what calls them: defaults, checks, triggers, policies.
    pub(super) routines: bool,
    /// A column that numbers the rows need not be the primary key.
    pub(super) free_identities: bool,
    /// Sequences of their own, and constraints that exclude rows.
    pub(super) sequences: bool,
    /// Triggers that say what they do.
    pub(super) notes: bool,
    /// Tables in which texts are searched.
    pub(super) searches: bool,
    /// A collation of columns of texts.
    pub(super) collation: Option<&'static str>,
    /// How the types of a file, a table or a column are stored.
    pub(super) stored: Choices,
    /// What is said of a table alone.
    pub(super) of_tables: Choices,
    /// What is said of a column alone.
    pub(super) of_columns: Choices,
}

pub(super) static POSTGRES: Offer = Offer {
    dialect: "postgres",
    enums: true,
    routines: true,
    free_identities: true,
    sequences: true,
    notes: false,
    searches: false,
    collation: None,
    stored: &[],
    of_tables: &[],
    of_columns: &[],
};

pub(super) static SQLITE: Offer = Offer {
    dialect: "sqlite",
    enums: false,
    routines: false,
    free_identities: false,
    sequences: false,
    notes: true,
    searches: true,
    collation: Some("nocase"),
    stored: &[
        ("timestamps", &["text", "integer-ms", "integer-s"]),
        ("numerics", &["numeric", "text"]),
        ("checks", &["all", "none"]),
        ("identity", &["autoincrement", "rowid"]),
        ("keys", &["not-null", "nullable"]),
        ("generated", &["stored", "virtual"]),
    ],
    of_tables: &[("strict", &["on"]), ("without-rowid", &["on"])],
    of_columns: &[
        ("type", &["int", "char(60)", "decimal(9, 3)", "clob"]),
        ("default", &["40 + 2", "upper('own')", "CURRENT_TIMESTAMP"]),
    ],
};

/// Storage options that are said somewhere.
pub(super) type Said = Vec<(&'static str, &'static str)>;

/// The value of an option that is said.
pub(super) fn said(options: &Said, name: &str) -> Option<&'static str> {
    options.iter().find(|(said, _)| *said == name).map(|(_, value)| *value)
}
