//! From TOML to [`Config`]: every problem of the file at once.

use std::path::Path;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use whimbrel::Problem;

use super::nearest::nearest;
use super::{Config, TARGET_KEYS, TargetConfig, Text};
use crate::error::CliError;
use crate::exit_code;

const TOP_KEYS: [&str; 3] = ["schema", "default-target", "target"];
const UNTRACKED: [&str; 3] = ["refuse", "baseline", "adopt"];

/// Reads the text of the file.
pub(super) fn config(file: &Path, text: &str) -> Result<Config, CliError> {
    let mut reader = Reader { file: file.into(), text, problems: Vec::new() };
    let root = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        reader.problem(span.start, error.message().to_owned(), "correct the TOML")
    });
    let config = match root {
        Ok(root) => reader.root(root.get_ref()),
        Err(problem) => return Err(CliError::at(problem)),
    };
    if reader.problems.is_empty() {
        return Ok(config);
    }
    reader.problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(CliError { exit_code: exit_code::USAGE, problems: reader.problems })
}

struct Reader<'t> {
    file: Rc<Path>,
    text: &'t str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn root(&mut self, table: &DeTable<'_>) -> Config {
        let mut config =
            Config { file: self.file.to_path_buf(), schema: None, default_target: None, targets: Vec::new() };
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            match name {
                "schema" => config.schema = self.string("schema", value),
                "default-target" => config.default_target = self.string("default-target", value),
                "target" => config.targets = self.targets(value),
                _ => self.unknown(key.span().start, name, &TOP_KEYS, ""),
            }
        }
        config
    }

    fn targets(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<TargetConfig> {
        let Some(table) = value.get_ref().as_table() else {
            self.refuse(value.span().start, "`target` is no table", "write [target.NAME]");
            return Vec::new();
        };
        let mut targets = Vec::new();
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            let (line, _) = self.place(key.span().start);
            match value.get_ref().as_table() {
                Some(table) => targets.push(self.target(name, line, table)),
                None => {
                    let message = format!("`target.{name}` is no table");
                    self.refuse(value.span().start, message, format!("write [target.{name}]"));
                }
            }
        }
        targets.sort_by(|a, b| a.name.cmp(&b.name));
        targets
    }

    fn target(&mut self, name: &str, line: u32, table: &DeTable<'_>) -> TargetConfig {
        let mut target = TargetConfig { name: name.to_owned(), line, values: Vec::new() };
        for (key, value) in table.iter() {
            let word: &str = key.get_ref();
            let Some(known) = TARGET_KEYS.iter().find(|known| **known == word) else {
                self.unknown(key.span().start, word, &TARGET_KEYS, &format!("target.{name}."));
                continue;
            };
            if let Some(text) = self.string(&format!("target.{name}.{known}"), value) {
                if *known == "untracked" && !UNTRACKED.contains(&text.raw()) && !text.raw().contains("${") {
                    let message = format!("`{}` is no way to treat an untracked database", text.raw());
                    self.problems.extend(text.wrong(message, "write refuse, baseline or adopt").problems);
                }
                target.values.push((known, text));
            }
        }
        target
    }

    fn string(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let at = value.span().start;
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("`{key}` is no string but {}", value.get_ref().type_str());
            self.refuse(at, message, "put it between quotes");
            return None;
        };
        let text = Text::new(text.to_owned(), key.to_owned(), Rc::clone(&self.file), self.place(at));
        match text.check() {
            Ok(()) => Some(text),
            Err(error) => {
                self.problems.extend(error.problems);
                None
            }
        }
    }

    fn unknown(&mut self, at: usize, word: &str, known: &[&str], within: &str) {
        let hint = match nearest(word, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.refuse(at, format!("unknown key `{within}{word}`"), hint);
    }

    fn refuse(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        let problem = self.problem(at, message.into(), hint);
        self.problems.push(problem);
    }

    fn problem(&self, at: usize, message: String, hint: impl Into<String>) -> Problem {
        let (line, column) = self.place(at);
        Problem::new(self.file.display().to_string(), message, hint).at(line, column)
    }

    /// Line and column, both from 1, of a byte of the file.
    fn place(&self, at: usize) -> (u32, u32) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (number(line), number(column))
    }
}
