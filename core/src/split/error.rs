//! Why a text cannot be split.

use std::fmt;

use super::position::Position;

/// What stands in the way of splitting a text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitErrorKind {
    /// A string literal has no closing quote.
    UnterminatedString,
    /// A quoted name has no closing quote.
    UnterminatedIdentifier,
    /// A block comment has no end. Postgres nests them; SQLite lets one run to the end of the text.
    UnterminatedComment,
    /// A dollar-quoted string has no end.
    UnterminatedDollarQuote {
        /// The name between the dollars; empty for `$$`.
        tag: String,
    },
    /// A command of the `psql` or `sqlite3` shell, which only that program understands.
    MetaCommand {
        /// Its name, as in `\connect`, at most 24 characters of it.
        command: String,
    },
    /// A NUL byte. The Postgres protocol cannot send it, and SQLite stops reading there without a word.
    NulByte,
    /// Text behind `--> statement-breakpoint` on the same line. SQL reads it as a comment, Drizzle would run it.
    TextAfterBreakpoint,
}

impl SplitErrorKind {
    /// What is to be done about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnterminatedString => "close the string with a single quote; a quote inside is written twice",
            Self::UnterminatedIdentifier => "close the quoted name",
            Self::UnterminatedComment => "close the comment with */; comments nest, so each /* needs its own",
            Self::UnterminatedDollarQuote { .. } => "close the string with the same tag, in the same case",
            Self::MetaCommand { .. } => {
                "a migration is sent to the database, not to a shell: remove the line, or write it as SQL"
            }
            Self::NulByte => "remove the NUL byte; a file in UTF-16 must be saved as UTF-8",
            Self::TextAfterBreakpoint => "put what follows the breakpoint on a line of its own",
        }
    }
}

impl fmt::Display for SplitErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnterminatedString => f.write_str("string is never closed"),
            Self::UnterminatedIdentifier => f.write_str("quoted name is never closed"),
            Self::UnterminatedComment => f.write_str("comment is never closed"),
            Self::UnterminatedDollarQuote { tag } => {
                write!(f, "dollar-quoted string ${tag}$ is never closed")
            }
            Self::MetaCommand { command } => write!(f, "`{command}` is a command of the database's shell, not SQL"),
            Self::NulByte => f.write_str("text has a NUL byte"),
            Self::TextAfterBreakpoint => f.write_str("text follows a statement breakpoint on its line"),
        }
    }
}

/// A text that cannot be split into statements, and the first place that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitError {
    /// What is wrong.
    pub kind: SplitErrorKind,
    /// Where: for something unterminated, its beginning.
    pub at: Position,
}

impl SplitError {
    /// What is to be done about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.kind.hint()
    }
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.kind, self.at.line, self.at.column)
    }
}

impl std::error::Error for SplitError {}
