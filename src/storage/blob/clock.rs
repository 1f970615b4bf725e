//! A store's clock, as far as it is known: requests are dated, and a store refuses dates too far from its own.
//!
//! Owns: [`StoreClock`]. Must not know: any store.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Differences below this are left alone, in seconds; stores allow 15 minutes.
const MIN_SKEW: i64 = 60;

/// Our clock, corrected by what a store said of its own.
#[derive(Debug, Default)]
pub struct StoreClock(AtomicI64);

impl StoreClock {
    /// The store's time now.
    pub fn now(&self) -> SystemTime {
        let skew = self.0.load(Ordering::Relaxed);
        let (now, by) = (SystemTime::now(), Duration::from_secs(skew.unsigned_abs()));
        let shifted = if skew < 0 { now.checked_sub(by) } else { now.checked_add(by) };
        shifted.unwrap_or(now)
    }

    /// The store has refused a request for its date, and says what its time is. Whether we were off by so much that the
    /// request is worth another try.
    pub fn correct(&self, theirs: SystemTime) -> bool {
        let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let skew = match theirs.duration_since(SystemTime::now()) {
            Ok(ahead) => whole(ahead),
            Err(behind) => -whole(behind.duration()),
        };
        let corrected = skew.abs_diff(self.0.load(Ordering::Relaxed)) >= MIN_SKEW.unsigned_abs();
        if corrected {
            self.0.store(skew, Ordering::Relaxed);
            log::warn!("the clock of this machine is {skew} s behind the store's; dating requests by the store's");
        }
        corrected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_corrected_only_when_far_off() {
        let clock = StoreClock::default();
        let hours = |n: u64| Duration::from_secs(n * 3600);
        assert!(!clock.correct(SystemTime::now() + Duration::from_secs(30)));
        for theirs in [SystemTime::now() + hours(5), SystemTime::now() - hours(5)] {
            assert!(clock.correct(theirs));
            let off = clock.now().duration_since(theirs).unwrap_or_else(|e| e.duration());
            assert!(off < Duration::from_secs(30), "{off:?}");
            assert!(!clock.correct(theirs), "known already");
        }
    }
}
