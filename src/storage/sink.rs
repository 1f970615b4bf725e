//! The seam between a database's commits and where they become durable.
//!
//! Owns: the trait [`Sink`] and [`Replicator`], the thread that moves one database's durable position forward. Must
//! not know: SQLite, sessions. Local storage's sink is `storage::local`; an object store's is one conditional PUT.
//!
//! Commits that arrive while the sink is busy share its next call: that is group commit. Waiting a moment before a call
//! so that more commits share it was measured and gained nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};

use crate::storage::watermark::Watermark;

/// Where commits become durable.
pub trait Sink: Send + 'static {
    /// Makes everything durable that was committed locally before the call. Called by one thread at a time. An error
    /// is final: after a failed fsync nobody knows what the disk holds, so the process ends and recovery decides.
    fn make_durable(&mut self) -> io::Result<()>;
}

/// The thread that runs a database's sink.
#[derive(Debug)]
pub struct Replicator {
    watermark: Arc<Watermark>,
    stop: Arc<AtomicBool>,
    thread: Thread,
    join: Option<JoinHandle<()>>,
}

impl Replicator {
    /// Starts the thread; it sleeps until [`notify`](Self::notify).
    pub fn start(name: &str, watermark: Arc<Watermark>, sink: impl Sink) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&watermark), Arc::clone(&stop));
        let join = std::thread::Builder::new().name("durable".to_owned()).stack_size(256 * 1024).spawn({
            let name = name.to_owned();
            move || run(&name, &shared, &stopped, sink)
        })?;
        Ok(Replicator { watermark, stop, thread: join.thread().clone(), join: Some(join) })
    }

    /// There is a new local commit. Costs no system call while the sink is busy.
    pub fn notify(&self) {
        self.thread.unpark();
    }

    /// The watermark this thread moves.
    pub fn watermark(&self) -> &Arc<Watermark> {
        &self.watermark
    }
}

impl Drop for Replicator {
    /// Makes what is pending durable, then ends the thread.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        if let Some(join) = self.join.take() {
            // A panic of the thread has already been reported by its hook.
            let _ = join.join();
        }
    }
}

fn run(name: &str, watermark: &Watermark, stop: &AtomicBool, mut sink: impl Sink) {
    loop {
        if watermark.last_committed() > watermark.last_durable() {
            let committed = watermark.last_committed();
            if let Err(error) = sink.make_durable() {
                log::error!("database \"{name}\": commits could not be made durable, ending the process: {error}");
                std::process::abort();
            }
            watermark.publish_durable(committed);
        } else if stop.load(Ordering::Acquire) {
            return;
        } else {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    struct SlowSink(Arc<AtomicU64>);

    impl Sink for SlowSink {
        fn make_durable(&mut self) -> io::Result<()> {
            std::thread::sleep(Duration::from_millis(5));
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn commits_share_a_call_of_the_sink_and_pending_ones_survive_the_stop() {
        let calls = Arc::new(AtomicU64::new(0));
        let watermark = Arc::new(Watermark::new());
        let replicator =
            Replicator::start("test", Arc::clone(&watermark), SlowSink(Arc::clone(&calls))).expect("thread");
        for _ in 0..100 {
            watermark.committed(watermark.announce());
            replicator.notify();
        }
        watermark.wait(100).await;
        assert!(calls.load(Ordering::Relaxed) <= 5, "100 commits took {calls:?} calls");
        watermark.committed(watermark.announce());
        drop(replicator);
        assert_eq!(watermark.last_durable(), 101);
    }
}
