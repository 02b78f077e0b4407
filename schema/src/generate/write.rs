//! Writing files, all or none.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that could not be written. What was written before it was taken back.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", file.display())]
pub struct WriteError {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// What stood in a file's place before.
enum Before {
    Nothing,
    Text(Vec<u8>),
}

/// Migrations and snapshots are new files and never overwrite one; the journal is replaced.
pub(super) fn all<'a>(files: impl Iterator<Item = &'a (PathBuf, String)>) -> Result<(), WriteError> {
    let mut written: Vec<(PathBuf, Before)> = Vec::new();
    for (path, text) in files {
        match write(path, text) {
            Ok(before) => written.push((path.clone(), before)),
            Err(source) => {
                written.iter().rev().for_each(take_back);
                return Err(WriteError { file: path.clone(), source });
            }
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<Before> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let is_journal = path.file_name().is_some_and(|name| name == crate::journal::FILE_NAME);
    let before = match fs::read(path) {
        Ok(_) if !is_journal => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is there already")),
        Ok(text) => Before::Text(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Before::Nothing,
        Err(error) => return Err(error),
    };
    replace(path, text.as_bytes())?;
    Ok(before)
}

/// Whole or not at all: under another name first.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let made = fs::File::create_new(&name).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    let made = made.and_then(|()| fs::rename(&name, path));
    if made.is_err() {
        let _ = fs::remove_file(&name);
    }
    made
}

/// The error that led here is what is told.
fn take_back((path, before): &(PathBuf, Before)) {
    let _ = match before {
        Before::Nothing => fs::remove_file(path),
        Before::Text(bytes) => replace(path, bytes),
    };
}
