//! What a run tells, shown while it goes on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use whimbrel::{Backup, Event, Notice};

use crate::output::{Output, printable};

/// How often the same wait is told again.
const REPEAT: Duration = Duration::from_secs(5);
/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(120);

/// Shows the events of a run.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Arc<Output>,
    waiting: Mutex<Option<(String, Instant)>>,
}

impl Progress {
    /// Nothing is shown yet.
    pub(crate) fn new(output: Arc<Output>) -> Self {
        Self { output, waiting: Mutex::new(None) }
    }

    /// Shows one event.
    pub(crate) fn show(&self, event: &Event<'_>) {
        let (output, err) = (&*self.output, self.output.err());
        match event {
            Event::WaitingForDatabase { error, waited } => {
                self.wait(&format!("waiting for the database: {}", printable(&error.to_string())), *waited);
            }
            Event::WaitingForLock { holder, waited } => {
                let holder = printable(holder.unwrap_or("another connection"));
                self.wait(&format!("waiting for the lock, which {holder} holds"), *waited);
            }
            Event::Connected { server } => output.detail(format_args!("connected to {}", printable(server))),
            Event::Note(note) => {
                output.say(format_args!("{}: {}", err.notable("note"), printable(&note.to_string())));
            }
            Event::Notice(notice) => self.notice(notice),
            Event::RunStarted { pending } => self.start(*pending),
            Event::BackupStarted => {
                output.with_bar(|bar| bar.set_message("backing up"));
                output.detail("backing up the database");
            }
            Event::BackedUp(backup) => self.backed_up(backup),
            Event::NothingToBackUp => {
                output.say(format_args!("{}: there is no database yet, so there is no backup", err.notable("note")));
            }
            Event::OtherHistoryMade { tool, table } => {
                let word = output.out().good("made");
                output.done(format_args!("{word} {}, the history of {tool}, empty", printable(table)));
            }
            Event::MigrationStarted { id, name, number, of } => {
                self.started(&printable(&id.called(name)), *number, *of);
            }
            Event::StatementsDone { done, of } => {
                output.with_bar(|bar| bar.set_message(format!("statement {done} of {of}")));
                output.detail(format_args!("  {done} of {of} statements done"));
            }
            Event::Retrying { id, error, pause } => output.say(format_args!(
                "{}: {id} was rolled back and is tried again in {:.1} s: {}",
                err.notable("retry"),
                pause.as_secs_f64(),
                printable(&error.to_string())
            )),
            Event::Recorded { id, name, origin } => {
                let (word, text) = (output.out().good("recorded"), printable(&id.called(name)));
                output.done(format_args!("{word} {text} ({})", printable(origin)));
            }
            Event::MigrationApplied(applied) => {
                output.with_bar(|bar| bar.inc(1));
                let text = printable(&applied.id.called(&applied.name));
                output.done(format_args!("{} {text} ({} ms)", output.out().good("applied"), applied.duration_ms));
            }
            Event::AppliedElsewhere { id } => output.say(format_args!("{id} was applied by another runner meanwhile")),
            Event::InDoubt { id } => output.say(format_args!(
                "{}: the answer to the commit of {id} was lost; the history is asked",
                err.notable("warning")
            )),
            Event::HeartbeatFailed { error } => {
                let error = printable(&error.to_string());
                output.say(format_args!("{}: a sign of life could not be given: {error}", err.notable("warning")));
            }
            // Told by the summary; and what later releases of the library tell.
            _ => {}
        }
    }

    fn start(&self, pending: usize) {
        self.output.detail(format_args!("{pending} to apply"));
        if !self.output.progress {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(pending as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {prefix} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        self.output.set_bar(Some(bar));
    }

    fn backed_up(&self, backup: &Backup) {
        let (output, file) = (&*self.output, printable(&backup.file.display().to_string()));
        output.with_bar(|bar| bar.set_message(""));
        output.done(format_args!("{} {file}", output.out().good("backup")));
        if !backup.exact {
            let word = output.err().notable("note");
            output.say(format_args!("{word}: the backup has every row, but some rowids may be other ones"));
        }
    }

    fn started(&self, migration: &str, number: usize, of: usize) {
        self.output.with_bar(|bar| {
            bar.set_length(of as u64);
            bar.set_prefix(migration.to_owned());
            bar.set_message("");
        });
        self.output.detail(format_args!("applying {migration} ({number} of {of})"));
    }

    /// Notices are shown with `--quiet` too: a migration raised them for people to read.
    fn notice(&self, notice: &Notice) {
        let code = notice.code.as_deref().filter(|code| *code != "00000");
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        let severity = self.output.err().notable(printable(&notice.severity.to_lowercase()));
        self.output.error(format_args!("{severity}: {}{code}", printable(&notice.message)));
        if let Some(detail) = &notice.detail {
            self.output.error(format_args!("  {}", printable(detail)));
        }
    }

    /// Tells a wait when it begins, when it changes, and now and then.
    fn wait(&self, text: &str, waited: Duration) {
        let mut last = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let told = last.as_ref().is_some_and(|(before, at)| before == text && at.elapsed() < REPEAT);
        if !told {
            *last = Some((text.to_owned(), Instant::now()));
            self.output.say(format_args!("{text} ({} s so far)", waited.as_secs()));
        }
    }
}
