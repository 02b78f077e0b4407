//! In which format a folder of migrations is.

use std::path::Path;

use whimbrel::split::Lexer;
use whimbrel::{Format, Layout, LoadError, Recognised, WhimbrelLayout, formats, recognise};

use crate::error::CliError;

/// The format of this name.
pub(super) fn named(name: &str) -> Result<&'static Format, CliError> {
    let readable = || {
        let read = formats().iter().filter(|format| format.is_read());
        read.map(|format| format!("`{}`", format.name)).collect::<Vec<_>>().join(", ")
    };
    match Format::named(name) {
        Some(format) if format.is_read() => Ok(format),
        Some(_) => Err(CliError::usage(
            format!("folders of {name} are not supported yet"),
            format!("this release reads {}", readable()),
        )),
        None => Err(CliError::usage(
            format!("`{name}` is no layout of a migration folder"),
            format!("this release reads {}", readable()),
        )),
    }
}

/// The layout of a folder: the one that it is said to have, else the one whose mark it has, else Whimbrel's own.
pub(super) fn layout(folder: &Path, said: Option<&'static Format>, lexer: Lexer) -> Result<Box<dyn Layout>, CliError> {
    let marked = match said {
        Some(format) => Some(format),
        None => match recognise(folder).map_err(|problem| CliError::from(LoadError::from(problem)))? {
            Recognised::Marked(format) => Some(named(format.name)?),
            Recognised::Unmarked => None,
            Recognised::Shared(several) => return Err(shared(folder, &several)),
        },
    };
    Ok(marked.and_then(|format| format.layout(lexer)).unwrap_or_else(|| Box::new(WhimbrelLayout)))
}

fn shared(folder: &Path, several: &[&Format]) -> CliError {
    let names: Vec<&str> = several.iter().map(|format| format.name).collect();
    let readable = several.iter().find(|format| format.is_read()).map_or("NAME", |it| it.name);
    CliError::usage(
        format!("{} may be of {}: nothing is guessed", folder.display(), names.join(" or of ")),
        format!("say which with `--format {readable}`, or with `format` in whimbrel.toml"),
    )
}
