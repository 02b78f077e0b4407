//! Where words go: data to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::arguments::{Color, Common};
use crate::exit_code;

/// The terminal, or what stands in its place.
#[derive(Debug)]
pub(crate) struct Output {
    /// Stdout is one JSON document.
    pub(crate) json: bool,
    /// Errors only.
    pub(crate) quiet: bool,
    /// Everything that happens.
    pub(crate) verbose: bool,
    /// A progress bar may be shown.
    pub(crate) progress: bool,
    out: Style,
    err: Style,
    bar: Mutex<Option<ProgressBar>>,
    write_failed: AtomicBool,
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    on: bool,
}

impl Style {
    /// No colours.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Something went wrong.
    pub(crate) fn bad(self, text: impl Display) -> String {
        self.paint("1;31", text)
    }

    /// Something is done.
    pub(crate) fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Something is to be done, or to be known.
    pub(crate) fn notable(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// What stands around the matter.
    pub(crate) fn frame(self, text: impl Display) -> String {
        self.paint("34", text)
    }

    /// What matters less.
    pub(crate) fn faint(self, text: impl Display) -> String {
        self.paint("2", text)
    }
}

impl Output {
    /// As the arguments say.
    pub(crate) fn new(common: &Common) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = |terminal: bool| match common.color {
            Color::Always => Style { on: true },
            Color::Never => Style { on: false },
            Color::Auto => Style { on: terminal && !no_color },
        };
        let terminal = io::stderr().is_terminal();
        Self {
            json: common.json,
            quiet: common.quiet,
            verbose: common.verbose,
            progress: terminal && !common.no_progress && !common.quiet,
            out: style(io::stdout().is_terminal()),
            err: style(terminal),
            bar: Mutex::new(None),
            write_failed: AtomicBool::new(false),
        }
    }

    /// The style of stdout.
    pub(crate) fn out(&self) -> Style {
        self.out
    }

    /// The style of stderr.
    pub(crate) fn err(&self) -> Style {
        self.err
    }

    /// A line of data that is asked for, also with `--quiet`; not with `--json`.
    pub(crate) fn data(&self, line: impl Display) {
        if !self.json {
            self.write_out(&line);
        }
    }

    /// A line about what was done; neither with `--quiet` nor with `--json`.
    pub(crate) fn done(&self, line: impl Display) {
        if !self.quiet && !self.json {
            self.write_out(&line);
        }
    }

    /// The one JSON document.
    pub(crate) fn document(&self, document: &impl Serialize) {
        match serde_json::to_string(document) {
            Ok(text) => self.write_out(&text),
            Err(error) => {
                self.write_failed.store(true, Ordering::Relaxed);
                self.error(format_args!("the JSON document cannot be written: {error}"));
            }
        }
    }

    /// A line on stderr that a person should know, unless `--quiet`.
    pub(crate) fn say(&self, line: impl Display) {
        if !self.quiet {
            self.error(line);
        }
    }

    /// A line on stderr with `--verbose` only.
    pub(crate) fn detail(&self, line: impl Display) {
        if self.verbose {
            self.error(self.err.faint(line));
        }
    }

    /// A line on stderr, always.
    pub(crate) fn error(&self, line: impl Display) {
        // Nobody is left to tell where stderr is gone.
        self.beside_the_bar(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Shows a bar, or takes the one that is there away.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        let mut place = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = std::mem::replace(&mut *place, bar) {
            bar.finish_and_clear();
        }
    }

    /// Does something with the bar, if there is one.
    pub(crate) fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            change(bar);
        }
    }

    /// The exit code, when all is written: a result that could not be written down is a failure.
    pub(crate) fn finish(&self, code: u8) -> u8 {
        self.set_bar(None);
        let failed = self.write_failed.load(Ordering::Relaxed);
        if failed && code == exit_code::DONE { exit_code::FAILED } else { code }
    }

    fn write_out(&self, line: &dyn Display) {
        let mut result = Ok(());
        self.beside_the_bar(|| result = writeln!(io::stdout().lock(), "{line}"));
        match result {
            // A reader such as `head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) if !self.write_failed.swap(true, Ordering::Relaxed) => {
                self.error(format_args!("{}: stdout cannot be written: {error}", self.err.bad("error")));
            }
            _ => {}
        }
    }

    fn beside_the_bar(&self, write: impl FnOnce()) {
        let bar = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// The one JSON document of a command whose arguments were not understood.
pub(crate) fn print_document(document: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(document) {
        // Nobody is left to tell where it cannot be written.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }
}

/// The text without characters that would move the cursor or change colours; line ends and tabs stay.
pub(crate) fn printable(text: &str) -> String {
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(|c| *c != '\r').map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}
