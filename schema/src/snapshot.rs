//! Snapshots: the schema that a folder's migrations lead to, as a file beside them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use whimbrel_core::Problem;

use crate::dialect::{Forms, Rename};
use crate::diff::circles;
use crate::model::Schema;

/// The format that this release writes and reads.
const FORMAT: &str = "whimbrel-snapshot/1";

/// The schema after a migration of one dialect.
///
/// In JSON its first key is `"format": "whimbrel-snapshot/1"`, so that nobody takes it for another tool's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    format: String,
    /// `sqlite`, `postgres`.
    pub dialect: String,
    /// The version of the migration.
    pub version: String,
    /// Its name.
    pub name: String,
    /// The schema after it.
    pub schema: Schema,
    /// Renames in a circle that stood in the schema file then, as texts: the schema cannot tell that they were carried out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swapped: Vec<String>,
    /// In which form values are stored, where the schema does not tell.
    #[serde(default, skip_serializing_if = "Forms::is_empty")]
    pub forms: Forms,
}

impl Snapshot {
    /// A snapshot in this release's format.
    #[must_use]
    pub fn new(dialect: &str, version: &str, name: &str, schema: Schema) -> Self {
        Self {
            format: FORMAT.to_owned(),
            dialect: dialect.to_owned(),
            version: version.to_owned(),
            name: name.to_owned(),
            schema: schema.sorted(),
            swapped: Vec::new(),
            forms: Forms::new(),
        }
    }

    /// The same with the circles among these renames noted as carried out.
    #[must_use]
    pub fn with_renames(mut self, renames: &[Rename]) -> Self {
        self.swapped = circles(renames).iter().map(told).collect();
        self.swapped.sort();
        self
    }

    /// The same with these forms of values.
    #[must_use]
    pub fn with_forms(mut self, forms: Forms) -> Self {
        self.forms = forms;
        self
    }

    /// These renames without those that it notes as carried out.
    #[must_use]
    pub fn without_swapped(&self, renames: &[Rename]) -> Vec<Rename> {
        renames.iter().filter(|rename| !self.swapped.contains(&told(rename))).cloned().collect()
    }

    /// The file's name in `meta/`.
    #[must_use]
    pub fn file_name(version: &str) -> String {
        format!("{version}_snapshot.json")
    }

    /// The text of the file; equal snapshots have the same.
    #[must_use]
    pub fn to_json(&self) -> String {
        pretty(self)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// A text that is no snapshot, or one of a format that this release does not read.
    pub fn from_json(file: &Path, text: &str) -> Result<Self, Problem> {
        read(file, text, FORMAT)
    }
}

/// Whether a text is JSON that has no mark of ours: other tools call their snapshots the same.
fn is_anothers(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Marked {
        format: Option<String>,
    }
    let of_format = |marked: Marked| marked.format.is_some_and(|it| it.split('/').next() == FORMAT.split('/').next());
    serde_json::from_str::<Marked>(text).is_ok_and(|marked| !of_format(marked))
}

/// Reads the text of a file, unless it is another tool's.
pub(crate) fn own(file: &Path, text: &str) -> Result<Option<Snapshot>, Problem> {
    if is_anothers(text) { Ok(None) } else { Snapshot::from_json(file, text).map(Some) }
}

/// A rename as a text.
fn told(rename: &Rename) -> String {
    format!("{} {} to {}", rename.object, rename.from, rename.to)
}

/// JSON as people read it, with a line end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Nothing here has keys that are no texts.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads a file of one of our formats.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(file: &Path, text: &str, format: &str) -> Result<T, Problem> {
    #[derive(Deserialize)]
    struct Marked {
        format: Option<String>,
    }
    let shown = file.display().to_string();
    let at = |error: &serde_json::Error, hint: &str| Problem::of_json(shown.clone(), error, hint);
    let restore = match text.contains("\n<<<<<<< ") {
        true => "it holds a conflict of a merge: `whimbrel rebase` mends it",
        false => "restore it from version control",
    };
    let unmarked = || Problem::new(shown.clone(), format!("its first key is not `\"format\": \"{format}\"`"), restore);
    let marked: Marked = serde_json::from_str(text).map_err(|error| match error.classify() {
        // JSON, and something else than one of our files.
        serde_json::error::Category::Data => unmarked(),
        _ => at(&error, restore),
    })?;
    match marked.format {
        Some(found) if found == format => serde_json::from_str(text).map_err(|error| at(&error, restore)),
        Some(found) if found.split('/').next() == format.split('/').next() => Err(Problem::new(
            shown,
            format!("is of the format {found}, this release reads {format}"),
            "use the release that wrote it, or a newer one",
        )),
        _ => Err(unmarked()),
    }
}
