//! Files that were put into the program when it was compiled.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::{Identified, identify, of_tool};
use super::layout::{Format, Found, FoundFile, Layout, UnknownFormat, WhimbrelLayout};
use super::tree::Tree;
use super::{Loaded, Source, in_order};
use crate::migration::Migration;
use crate::problem::Problem;
use crate::split::Lexer;

/// One file in the program.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedFile {
    /// Its path as errors name it: `migrations/0001_add_boards.sql`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Migrations in the program itself, made by `embed_migrations!`.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedSource {
    files: &'static [EmbeddedFile],
    of: Option<OfTool>,
}

/// A folder of another tool's.
#[derive(Debug, Clone, Copy)]
struct OfTool {
    folder: &'static str,
    format: &'static str,
    lexer: Lexer,
}

impl EmbeddedSource {
    /// These files, which stand in one folder in Whimbrel's own layout.
    #[must_use]
    pub const fn new(files: &'static [EmbeddedFile]) -> Self {
        Self { files, of: None }
    }

    /// The files of a folder that another tool's programs read too; each path begins with the folder's.
    ///
    /// `format`: as [`formats`](super::formats) name it; a name that this build does not read is a problem when the source is loaded.
    /// `lexer`: of the database that the migrations are for.
    #[must_use]
    pub const fn in_format(
        folder: &'static str,
        files: &'static [EmbeddedFile],
        format: &'static str,
        lexer: Lexer,
    ) -> Self {
        Self { files, of: Some(OfTool { folder, format, lexer }) }
    }

    /// The files.
    #[must_use]
    pub const fn files(&self) -> &'static [EmbeddedFile] {
        self.files
    }

    fn layout(&self) -> Result<Box<dyn Layout>, UnknownFormat> {
        let Some(OfTool { format, lexer, .. }) = self.of else { return Ok(Box::new(WhimbrelLayout)) };
        Format::readable(format)?.layout(lexer).ok_or(UnknownFormat::NotRead(format))
    }
}

impl Source for EmbeddedSource {
    fn load(&self, namespace: &Arc<str>) -> Loaded {
        let layout = match self.layout() {
            Ok(layout) => layout,
            Err(unknown) => return Loaded { problems: vec![unknown.into_problem()], ..Loaded::default() },
        };
        let folder = self.of.map(|of| of.folder).or_else(|| Some(self.files.first()?.path.rsplit_once('/')?.0));
        let tree = EmbeddedTree::new(folder.unwrap_or_default(), self.files);
        let Found { files, mut problems, passed_over } = layout.find(&tree);
        problems.extend(tree.twice.iter().map(|path| {
            let hint = "take one of them out: a program holds each file once";
            Problem::new(*path, "stands twice among the files of the program", hint)
        }));
        let mut migrations = Vec::with_capacity(files.len());
        for found in &files {
            let Some(file) = tree.files.get(&*found.file) else { continue };
            match load_file(*file, found, namespace, &*layout) {
                Ok(migration) => migrations.push(migration),
                Err(refused) => problems.push(refused),
            }
        }
        Loaded { passed_over, ..in_order(migrations, problems) }
    }
}

fn load_file(
    file: EmbeddedFile,
    found: &FoundFile,
    namespace: &Arc<str>,
    layout: &dyn Layout,
) -> Result<Migration, Problem> {
    let shown = || file.path.to_owned();
    let Identified { id, directives, problems } =
        identify(found.version.as_ref(), &found.name, &shown, file.text, namespace)?;
    let path = Cow::Borrowed(file.path);
    let migration = Migration::from_text(id, &found.name, path, Cow::Borrowed(file.text), directives);
    of_tool(migration.with_problems(problems), found, layout, file.text)
}

/// The files as the folder that they stood in.
struct EmbeddedTree {
    folder: &'static str,
    /// By their paths in the folder.
    files: BTreeMap<&'static str, EmbeddedFile>,
    twice: Vec<&'static str>,
}

impl EmbeddedTree {
    /// A path that does not begin with the folder's is one in it.
    fn new(folder: &'static str, files: &[EmbeddedFile]) -> Self {
        let folder = folder.trim_end_matches('/');
        let inside = |path: &'static str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        let mut tree = Self { folder, files: BTreeMap::new(), twice: Vec::new() };
        for file in files {
            let before = tree.files.insert(inside(file.path).unwrap_or(file.path), *file);
            tree.twice.extend(before.map(|file| file.path));
        }
        tree
    }
}

impl Tree for EmbeddedTree {
    fn names(&self, folder: &str) -> Result<(Vec<String>, Vec<Problem>), Problem> {
        let inside = |path: &'static str| match folder {
            "" => Some(path),
            folder => path.strip_prefix(folder)?.strip_prefix('/'),
        };
        // A folder's files stand together, and so do the names that lead to them.
        let mut names: Vec<String> = Vec::new();
        for path in self.files.keys().filter_map(|path| inside(path)) {
            let name = path.split_inclusive('/').next().unwrap_or(path);
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok((names, Vec::new()))
    }

    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Problem> {
        Ok(self.files.get(file).map(|file| file.text.as_bytes().to_vec()))
    }

    fn shown(&self, file: &str) -> String {
        match (self.folder, self.files.get(file)) {
            (_, Some(embedded)) => embedded.path.to_owned(),
            ("", None) => file.to_owned(),
            (folder, None) => format!("{folder}/{file}"),
        }
    }
}
