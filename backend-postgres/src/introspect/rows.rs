//! What the queries give.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Extension {
    pub(super) name: String,
    pub(super) sql: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Enum {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) values: Vec<String>,
    pub(super) comment: Option<String>,
}

/// An object that is carried as text; none where the catalog does not give one.
#[derive(Debug, Deserialize)]
pub(super) struct Text {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table_schema: Option<String>,
    pub(super) table_name: Option<String>,
    pub(super) sql: Option<String>,
    #[serde(default)]
    pub(super) remark: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Counting {
    pub(super) start: i64,
    pub(super) increment: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) cache: i64,
    pub(super) cycle: bool,
    #[serde(rename = "type")]
    pub(super) ty: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sequence {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) counting: Counting,
    pub(super) unlogged: bool,
    pub(super) owner_schema: Option<String>,
    pub(super) owner_table: Option<String>,
    pub(super) owner_column: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) unlogged: bool,
    pub(super) options: Option<Vec<String>>,
    pub(super) row_security: bool,
    pub(super) forced: bool,
    pub(super) comment: Option<String>,
    pub(super) partition_key: Option<String>,
    pub(super) bound: Option<String>,
    pub(super) parents: Option<Vec<String>>,
    pub(super) of_type: Option<String>,
    pub(super) method: Option<String>,
    pub(super) replica_identity: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) ty: String,
    pub(super) enum_schema: Option<String>,
    pub(super) enum_name: Option<String>,
    pub(super) is_array: bool,
    pub(super) not_null: bool,
    pub(super) value: Option<String>,
    pub(super) generated: String,
    pub(super) identity: String,
    pub(super) collation: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) sequence: Option<Counting>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Constraint {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) columns: Option<Vec<String>>,
    pub(super) parent_schema: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) parent_columns: Option<Vec<String>>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
    pub(super) match_full: bool,
    pub(super) deferrable: bool,
    pub(super) deferred: bool,
    pub(super) valid: bool,
    pub(super) no_inherit: bool,
    pub(super) definition: String,
    pub(super) expr: Option<String>,
    pub(super) nulls_not_distinct: bool,
    pub(super) special: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    pub(super) of_view: bool,
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) valid: bool,
    pub(super) method: String,
    pub(super) definition: String,
    pub(super) predicate: Option<String>,
    pub(super) options: Option<Vec<String>>,
    pub(super) clustered: bool,
    pub(super) nulls_not_distinct: bool,
    pub(super) include: Option<Vec<String>>,
    pub(super) keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Key {
    pub(super) column: Option<String>,
    pub(super) expr: Option<String>,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
    pub(super) collation: Option<String>,
    pub(super) opclass: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct View {
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) materialized: bool,
    pub(super) options: Option<Vec<String>>,
    pub(super) query: String,
    pub(super) comment: Option<String>,
    pub(super) empty: bool,
}
