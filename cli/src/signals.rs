//! Ctrl-C and SIGTERM.

use whimbrel::CancelToken;

use crate::exit_code;

/// Cancels the token at the first signal, and ends the process at the second.
///
/// It listens on a thread of its own, so that a backend which blocks the main one does not delay it. Where that thread
/// cannot start, a signal ends the process as it would any other; the database then rolls back by itself.
pub(crate) fn cancel_on_signal(token: CancelToken) {
    let listen = move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(listen(&token));
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
