//! The seam between a database's commits and where they become durable.
//!
//! Owns: the trait [`Sink`] and [`Replicator`], the thread that moves one database's durable position forward. Must
//! not know: SQLite, sessions. Local storage's sink is `storage::local`; an object store's is one conditional PUT.
//!
//! Commits that arrive while the sink is busy share its next call: that is group commit. Waiting a moment before a call
//! so that more commits share it was measured and gained nothing. Who is alone calls the sink himself: two threads that wake
//! each other take about half as long as a quick disk.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::storage::watermark::Watermark;

/// Where commits become durable.
pub trait Sink: Send + 'static {
    /// Makes everything durable that was committed locally before the call. Called by one thread at a time. An error
    /// is final: after a failed fsync nobody knows what the disk holds, so the process ends and recovery decides.
    /// `alone`: nobody but the one who waits for it is at work.
    fn make_durable(&mut self, alone: bool) -> io::Result<()>;
}

/// A sink whose last call took longer than this is left to its thread: whoever calls it himself holds up his worker.
const QUICK: Duration = Duration::from_millis(1);

/// The thread that runs a database's sink.
#[derive(Debug)]
pub struct Replicator {
    shared: Arc<Shared>,
    thread: Thread,
    join: Option<JoinHandle<()>>,
}

struct Shared {
    name: String,
    watermark: Arc<Watermark>,
    stop: AtomicBool,
    sink: Mutex<Box<dyn Sink>>,
    /// Its last call was.
    quick: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

impl Replicator {
    /// Starts the thread; it sleeps until [`notify_if_due`](Self::notify_if_due).
    pub fn start(name: &str, watermark: Arc<Watermark>, sink: impl Sink) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            watermark,
            stop: AtomicBool::new(false),
            sink: Mutex::new(Box::new(sink)),
            quick: AtomicBool::new(false),
        });
        let join = std::thread::Builder::new().name("durable".to_owned()).stack_size(256 * 1024).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        Ok(Replicator { shared, thread: join.thread().clone(), join: Some(join) })
    }

    /// There is a new local commit, perhaps. Costs no system call while the sink is busy: who calls it looks again
    /// afterwards.
    pub fn notify_if_due(&self) {
        if self.shared.is_due() && self.shared.try_sink().is_some() {
            self.thread.unpark();
        }
    }

    /// Makes everything durable that is committed by now, unless the sink is busy or slow; then, and for what is committed
    /// meanwhile, [`notify_if_due`](Self::notify_if_due) has to be called. Blocks as long as a quick disk takes.
    pub fn sync_here(&self) {
        if self.shared.quick.load(Ordering::Relaxed)
            && let Some(mut sink) = self.shared.try_sink()
        {
            self.shared.advance(&mut **sink, true);
        }
    }

    /// The watermark this thread moves.
    pub fn watermark(&self) -> &Arc<Watermark> {
        &self.shared.watermark
    }
}

impl Drop for Replicator {
    /// Makes what is pending durable, then ends the thread.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.unpark();
        if let Some(join) = self.join.take() {
            // A panic of the thread has already been reported by its hook.
            let _ = join.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        loop {
            if self.is_due() {
                self.advance(&mut **self.sink.lock().unwrap_or_else(PoisonError::into_inner), false);
            } else if self.stop.load(Ordering::Acquire) {
                return;
            } else {
                std::thread::park();
            }
        }
    }

    /// The sink, unless it is busy. Who had it looks afterwards whether more is due: either that sees the commit that the
    /// caller has made before, or the caller finds the sink free.
    fn try_sink(&self) -> Option<MutexGuard<'_, Box<dyn Sink>>> {
        fence(Ordering::SeqCst);
        match self.sink.try_lock() {
            Ok(sink) => Some(sink),
            Err(TryLockError::Poisoned(sink)) => Some(sink.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn is_due(&self) -> bool {
        // After the sink was given back, see `try_sink`.
        fence(Ordering::SeqCst);
        self.watermark.last_committed() > self.watermark.last_durable()
    }

    /// Calls the sink, if there is anything that it has not made durable yet.
    fn advance(&self, sink: &mut dyn Sink, alone: bool) {
        if !self.is_due() {
            return;
        }
        let (committed, begun) = (self.watermark.last_committed(), Instant::now());
        if let Err(error) = sink.make_durable(alone) {
            let name = &self.name;
            log::error!("database \"{name}\": commits could not be made durable, ending the process: {error}");
            std::process::abort();
        }
        self.quick.store(begun.elapsed() < QUICK, Ordering::Relaxed);
        self.watermark.publish_durable(committed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    struct SlowSink(Arc<AtomicU64>);

    impl Sink for SlowSink {
        fn make_durable(&mut self, _: bool) -> io::Result<()> {
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
            replicator.notify_if_due();
        }
        watermark.wait(100).await;
        assert!(calls.load(Ordering::Relaxed) <= 5, "100 commits took {calls:?} calls");
        watermark.committed(watermark.announce());
        drop(replicator);
        assert_eq!(watermark.last_durable(), 101);
    }

    #[test]
    fn who_is_alone_calls_a_quick_sink_himself() {
        struct Counted(Arc<AtomicU64>, std::thread::ThreadId);
        impl Sink for Counted {
            fn make_durable(&mut self, _: bool) -> io::Result<()> {
                self.0.fetch_add(u64::from(std::thread::current().id() == self.1), Ordering::Relaxed);
                Ok(())
            }
        }
        let (here, watermark) = (Arc::new(AtomicU64::new(0)), Arc::new(Watermark::new()));
        let sink = Counted(Arc::clone(&here), std::thread::current().id());
        let replicator = Replicator::start("test", Arc::clone(&watermark), sink).expect("thread");
        let deadline = Instant::now() + Duration::from_secs(10);
        for round in 1..=20 {
            watermark.committed(watermark.announce());
            replicator.sync_here();
            replicator.notify_if_due();
            // The first is the thread's: nothing is known of the sink.
            while watermark.last_durable() < round && Instant::now() < deadline {
                std::thread::yield_now();
            }
            assert_eq!(watermark.last_durable(), round);
        }
        assert!(here.load(Ordering::Relaxed) > 0);
    }
}
