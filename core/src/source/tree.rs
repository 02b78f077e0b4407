//! A folder as layouts see it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// A folder with files and folders in it.
pub trait Tree {
    /// The names in a folder of it, sorted; those of folders end in `/`. The folder itself is the empty text.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read. What is in it and has no name or kind that could be understood is among the problems.
    fn names(&self, folder: &str) -> Result<(Vec<String>, Vec<Problem>), Problem>;

    /// The bytes of a file; `None`: it is not there.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Problem>;

    /// What errors call a file of it.
    fn shown(&self, file: &str) -> String;
}

/// A folder on disk.
#[derive(Debug)]
pub(crate) struct DiskTree<'a> {
    root: &'a Path,
}

impl<'a> DiskTree<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root }
    }

    fn path(&self, file: &str) -> PathBuf {
        if file.is_empty() { self.root.to_owned() } else { self.root.join(file) }
    }
}

impl Tree for DiskTree<'_> {
    fn names(&self, folder: &str) -> Result<(Vec<String>, Vec<Problem>), Problem> {
        let path = self.path(folder);
        let shown = path.display().to_string();
        let unreadable = |error: io::Error| {
            let hint = "name the folder of the migrations, or make it";
            Problem::new(shown.clone(), format!("the folder cannot be read: {error}"), hint)
        };
        let (mut names, mut problems) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(mut name) = entry.file_name().into_string() else {
                let shown = entry.path().display().to_string();
                problems.push(Problem::new(shown, "the file's name is not UTF-8", "rename it"));
                continue;
            };
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                name.push('/');
            } else if !kind.is_file() && !kind.is_symlink() {
                // To read it could take for ever.
                let shown = entry.path().display().to_string();
                problems.push(Problem::new(shown, "is no file but a device or a pipe", "move it elsewhere"));
                continue;
            }
            names.push(name);
        }
        names.sort_unstable();
        Ok((names, problems))
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.path(file);
        // To read a device or a pipe could take for ever.
        match fs::metadata(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(unreadable_file(&path, &error)),
            Ok(metadata) if !metadata.is_file() => {
                Err(Problem::new(path.display().to_string(), "is no file", "move it elsewhere"))
            }
            Ok(_) => fs::read(&path).map(Some).map_err(|error| unreadable_file(&path, &error)),
        }
    }

    fn shown(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }
}

/// Notes which files are read.
pub(crate) struct NotedTree<T> {
    tree: T,
    read: RefCell<BTreeSet<String>>,
}

impl<T> NotedTree<T> {
    pub(crate) fn new(tree: T) -> Self {
        Self { tree, read: RefCell::default() }
    }

    /// Those that were there.
    pub(crate) fn into_read(self) -> BTreeSet<String> {
        self.read.into_inner()
    }
}

impl<T: Tree> Tree for NotedTree<T> {
    fn names(&self, folder: &str) -> Result<(Vec<String>, Vec<Problem>), Problem> {
        self.tree.names(folder)
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Problem> {
        let read = self.tree.read(file)?;
        if read.is_some() {
            self.read.borrow_mut().insert(file.to_owned());
        }
        Ok(read)
    }

    fn shown(&self, file: &str) -> String {
        self.tree.shown(file)
    }
}

/// A file that is there, or should be, and cannot be read.
pub(crate) fn unreadable_file(path: &Path, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "make what it leads to, or remove it",
        _ => "give this program the right to read it",
    };
    Problem::new(path.display().to_string(), format!("cannot be read: {error}"), hint)
}
