//! A proof that begins while the schema file is still being read.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use whimbrel_core::DirectorySource;

use super::Scratch;
use crate::journal;

/// Begins to replay a folder, as [`generate`](super::generate()) will ask for it where the schema has changed: where the schema
/// file was written after the folder's journal, or one of them is not there. It is a guess that only time depends on.
pub fn begin_ahead(scratch: &dyn Scratch, folder: &DirectorySource, schema_file: &Path) {
    let is_newer = match (written(schema_file), written(&journal::path(folder.path()))) {
        (Some(schema), Some(journal)) => schema > journal,
        _ => folder.path().exists(),
    };
    if is_newer {
        scratch.ahead(folder);
    }
}

fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|it| it.modified()).ok()
}
