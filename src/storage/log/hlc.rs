//! A hybrid logical clock: times of commits that never run backwards along a log, whatever the clocks of the
//! instances say.
//!
//! Owns: [`Timestamp`]. Must not know: clocks.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Microseconds since 1970, or one more than the commit before where the clock has not moved on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The clock's reading.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// The time of the next commit after this one.
    #[must_use]
    pub fn next(self, now: SystemTime) -> Self {
        Timestamp::of(now).max(Timestamp(self.0.saturating_add(1)))
    }

    /// The time in UTC, to the microsecond, as people and `Target` read it.
    pub fn to_rfc3339(self) -> String {
        let time = i64::try_from(self.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
        time.map_or_else(|| self.to_string(), |time| format!("{time:.6}"))
    }

    /// As a time of day.
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_micros(self.0)).unwrap_or(UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_back_does_not_reorder_commits() {
        let noon = UNIX_EPOCH + Duration::from_secs(1_000);
        let first = Timestamp::default().next(noon);
        assert_eq!(first.time(), noon);
        let second = first.next(noon - Duration::from_secs(500));
        assert_eq!(second.0, first.0 + 1);
        assert_eq!(second.next(noon + Duration::from_secs(1)).time(), noon + Duration::from_secs(1));
    }
}
