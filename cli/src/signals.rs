//! Ctrl-C and SIGTERM.

use std::sync::{Mutex, Once, PoisonError};

use whimbrel::CancelToken;

use crate::error::CliError;
use crate::exit_code;

/// Cancels the token at the first signal, and ends the process at the second.
///
/// It listens on a thread of its own, so that a backend which blocks the main one does not delay it. Where that thread
/// cannot start, a signal ends the process as it would any other; the database then rolls back by itself.
pub(crate) fn cancel_on_signal(token: CancelToken) {
    on_a_thread(async move || listen(&token).await);
}

fn on_a_thread(listen: impl AsyncFnOnce() + Send + 'static) {
    let listen = || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(listen());
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
}

async fn listen(token: &CancelToken) {
    let Ok(mut signals) = Signals::new() else { return };
    signals.next().await;
    eprintln!("interrupted: the migration under way is finished or rolled back; once more to stop at once");
    token.cancel();
    signals.next().await;
    eprintln!("stopped at once: what was not committed is rolled back; `whimbrel status` shows where it stands");
    std::process::exit(i32::from(exit_code::INTERRUPTED));
}

/// What a signal stops now.
static WORK: Mutex<Option<CancelToken>> = Mutex::new(None);

/// Awaits work that is dropped at a signal, with the throw-away databases that it has made. At any other time, and at the second
/// one, a signal ends the process.
pub(crate) async fn stoppable<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| on_a_thread(stop_work));
    let token = CancelToken::new();
    let set = |work| *WORK.lock().unwrap_or_else(PoisonError::into_inner) = work;
    set(Some(token.clone()));
    let done = tokio::select! {
        done = work => Some(done),
        () = token.cancelled() => None,
    };
    set(None);
    // What was said to be interrupted is not gone on with, also where it was done at that moment.
    done.filter(|_| !token.is_cancelled()).ok_or_else(|| {
        let problems = vec![whimbrel::Problem::new("", "interrupted", "nothing was written")];
        CliError { exit_code: exit_code::INTERRUPTED, problems }
    })
}

async fn stop_work() {
    let Ok(mut signals) = Signals::new() else { return };
    loop {
        signals.next().await;
        let work = WORK.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(token) = work else { std::process::exit(i32::from(exit_code::INTERRUPTED)) };
        eprintln!("interrupted: throw-away databases are removed; once more to stop at once");
        token.cancel();
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
}

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        Ok(Self { ctrl_c: ctrl_c()?, ctrl_break: ctrl_break()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.ctrl_break.recv() => {}
        }
    }
}
