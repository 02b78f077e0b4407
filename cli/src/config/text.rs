//! A string of the file, in which variables may stand.

use std::path::Path;
use std::rc::Rc;

use whimbrel::Problem;

use crate::environment::Environment;
use crate::error::CliError;

/// A string of the file with its place.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    raw: String,
    key: String,
    file: Rc<Path>,
    line: u32,
    column: u32,
}

/// A piece of a string.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    Variable { name: &'t str, default: Option<&'t str> },
}

impl Text {
    pub(super) fn new(raw: String, key: String, file: Rc<Path>, (line, column): (u32, u32)) -> Self {
        Self { raw, key, file, line, column }
    }

    /// The string as it stands in the file.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The string with its variables put in. An empty variable counts as one that is not set where there is a default.
    ///
    /// # Errors
    ///
    /// A variable that is not set and has no default: names the variable, the key and the file. Never shows a value.
    pub(crate) fn value(&self, environment: &Environment) -> Result<String, CliError> {
        let mut value = String::with_capacity(self.raw.len());
        for piece in self.pieces()? {
            match piece {
                Piece::Literal(text) => value.push_str(text),
                Piece::Variable { name, default } => value.push_str(&self.variable(name, default, environment)?),
            }
        }
        Ok(value)
    }

    fn variable(&self, name: &str, default: Option<&str>, environment: &Environment) -> Result<String, CliError> {
        let found = environment.get(name).map_err(|message| self.wrong(message, "set it to a text"))?;
        match (found, default) {
            (Some(value), None) => Ok(value),
            (Some(value), Some(_)) if !value.is_empty() => Ok(value),
            (_, Some(default)) => Ok(default.to_owned()),
            (None, None) => {
                let hint = format!("set {name}, or write a default: ${{{name}:-…}}");
                Err(self.wrong(format!("the variable {name} is not set"), hint))
            }
        }
    }

    /// Looks whether every `${` is one that is understood.
    pub(super) fn check(&self) -> Result<(), CliError> {
        self.pieces().map(|_| ())
    }

    fn pieces(&self) -> Result<Vec<Piece<'_>>, CliError> {
        let (mut pieces, mut rest) = (Vec::new(), self.raw.as_str());
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inside, behind)) = after.split_once('}') else {
                return Err(self.wrong("has a `${` without `}`", "write ${NAME} or ${NAME:-default}"));
            };
            let (name, default) = match inside.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !begins_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(self.wrong("has a `${…}` that names no variable", "write ${NAME} or ${NAME:-default}"));
            }
            pieces.extend([Piece::Literal(before), Piece::Variable { name, default }]);
            rest = behind;
        }
        pieces.push(Piece::Literal(rest));
        Ok(pieces)
    }

    /// An error about this value.
    pub(crate) fn wrong(&self, message: impl std::fmt::Display, hint: impl Into<String>) -> CliError {
        let problem = Problem::new(self.file.display().to_string(), format!("`{}`: {message}", self.key), hint);
        CliError::at(problem.at(self.line, self.column))
    }
}
