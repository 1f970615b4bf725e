//! Trying again: how long to wait, and reads and idempotent writes that are tried a few times.
//!
//! Owns: [`Backoff`], [`patiently`]. Must not know: what a repeated attempt means (`log::append` knows for appends).

use std::future::Future;
use std::time::Duration;

use crate::storage::blob::BlobError;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Attempts at something that is not worth waiting for without end.
const ATTEMPTS: u32 = 6;

/// Exponential backoff with full jitter: clients that failed together do not come back together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

/// A pause of random length between its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub least: Duration,
    pub most: Duration,
}

impl Backoff {
    /// How long to wait after one more failure; the store may have asked for a time.
    pub fn after_failure(&mut self, asked: Option<Duration>) -> Pause {
        let most = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let least = asked.unwrap_or_default().min(LONGEST * 6);
        Pause { least, most: most.max(least.saturating_mul(2)) }
    }

    /// How often it has failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

impl Pause {
    /// Waits.
    pub async fn rest(self) {
        let span = self.most.saturating_sub(self.least);
        tokio::time::sleep(self.least + span.mul_f64(rand::random())).await;
    }
}

/// Tries an operation a few times, as long as its error says that this may help.
pub async fn patiently<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, BlobError>
where
    F: Future<Output = Result<T, BlobError>>,
{
    let mut backoff = Backoff::default();
    loop {
        match attempt().await {
            Err(error) if error.is_retryable() && backoff.failures() + 1 < ATTEMPTS => {
                backoff.after_failure(error.retry_after).rest().await;
            }
            result => return result,
        }
    }
}
