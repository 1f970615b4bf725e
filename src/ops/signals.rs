//! The signals that stop the server, and the thread that sees to it that it stops.
//!
//! Owns: [`StopSignal`]. Must not know: how a server stops (`net::server`).
//!
//! The thread is none of those that run sessions: whatever those are doing, it hears the signal, and it ends the process
//! when the time is over. Nothing is lost by that: what was acknowledged is durable, and a log that was not folded into
//! its file is found by the next start.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

/// How long a stop may take.
#[derive(Clone, Copy, Debug)]
pub struct StopLimits {
    /// Until the last session has ended.
    pub sessions: Duration,
    /// After that, until databases are closed: they may wait for an object store, for so long by its own limits.
    pub databases: Duration,
}

/// Resolves at the first SIGTERM or SIGINT.
pub struct StopSignal(oneshot::Receiver<()>);

impl StopSignal {
    /// Begins to listen. `closing` becomes true when no session is left. A second signal ends the process at once, and so
    /// do the limits.
    pub fn listen(limits: StopLimits, closing: watch::Receiver<bool>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (tell, told) = oneshot::channel();
        let (mut term, mut int) = {
            let _inside = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let name = tokio::select! { _ = term.recv() => "SIGTERM", _ = int.recv() => "SIGINT" };
                log::info!("{name}: stopping");
                // Nobody waits for it if the server has ended already.
                let _ = tell.send(());
                tokio::select! {
                    _ = term.recv() => log::warn!("stopped the hard way"),
                    _ = int.recv() => log::warn!("stopped the hard way"),
                    what = overdue(limits, closing) => log::error!("{what}; the process ends without it"),
                }
            });
            std::process::exit(1);
        })?;
        Ok(StopSignal(told))
    }

    /// Waits for it.
    pub async fn received(self) {
        // The thread lives as long as the process.
        let _ = self.0.await;
    }
}

/// Resolves when one of the limits is over.
async fn overdue(limits: StopLimits, mut closing: watch::Receiver<bool>) -> &'static str {
    if timeout(limits.sessions, closing.wait_for(|closing| *closing)).await.is_err() {
        return "a statement does not end";
    }
    sleep(limits.databases).await;
    "databases cannot be closed in time"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sessions_and_databases_have_their_limits() {
        let (second, never) = (Duration::from_millis(1), Duration::from_secs(3600));
        let (closing, told) = watch::channel(false);
        let limits = StopLimits { sessions: second, databases: never };
        assert_eq!(overdue(limits, told.clone()).await, "a statement does not end");
        closing.send_replace(true);
        let limits = StopLimits { sessions: never, databases: second };
        assert_eq!(overdue(limits, told).await, "databases cannot be closed in time");
    }
}
