//! Other projects' migrations, which are not part of the repository.

use std::path::{Path, PathBuf};

use whimbrel_core::split::Lexer;

/// The folder with the fixtures. Where there is none, says loudly that `test` did not run.
pub(crate) fn folder(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let folder = std::env::var_os("WHIMBREL_FIXTURES").map_or_else(beside, PathBuf::from);
    if folder.join("corpora/index.json").is_file() {
        return Some(folder);
    }
    eprintln!("NOT RUN: {test}: no fixtures at {} (set WHIMBREL_FIXTURES)", folder.display());
    None
}

/// A file whose number of statements is known.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) path: PathBuf,
    pub(crate) lexer: Lexer,
    pub(crate) statements: u64,
}

impl Known {
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }
}

fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Every file of the corpora and of the nasty collection.
pub(crate) fn known(folder: &Path) -> Vec<Known> {
    let mut known = Vec::new();
    for corpus in json(&folder.join("corpora/index.json")).as_array().unwrap() {
        let corpus = folder.join("corpora").join(corpus["name"].as_str().unwrap());
        add_corpus(&mut known, &corpus);
    }
    for file in json(&folder.join("nasty/index.json")).as_array().unwrap() {
        let lexer = if file["dialect"] == "sqlite" { Lexer::Sqlite } else { Lexer::Postgres };
        let path = folder.join(file["file"].as_str().unwrap());
        let answer = file.get("psql_statements").filter(|count| count.is_u64()).unwrap_or(&file["statements"]);
        known.push(Known { path, lexer, statements: answer.as_u64().unwrap() });
    }
    known
}

/// The answers are for `up/` where there is one: sections and placeholders are resolved there.
fn add_corpus(known: &mut Vec<Known>, corpus: &Path) {
    let ups = corpus.join("up");
    let files = if ups.is_dir() { ups } else { corpus.join("migrations") };
    for (answers, lexer) in [("psql_statement_counts.json", Lexer::Postgres), ("statement_counts.json", Lexer::Sqlite)]
    {
        let answers = corpus.join(answers);
        if answers.is_file() {
            for (file, count) in json(&answers).as_object().unwrap() {
                known.push(Known { path: files.join(file), lexer, statements: count.as_u64().unwrap() });
            }
        }
    }
}
