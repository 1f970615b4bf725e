//! The clocks that decide how long something that was proved stays true.
//!
//! Owns: [`Clock`], [`Moment`]. Must not know: what was proved.

use std::fmt;
use std::time::{Duration, SystemTime};

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the machine started, time asleep included. None if the system does not tell.
    pub since_boot: Option<Duration>,
    pub wall: SystemTime,
}

impl Moment {
    /// Whether less than `limit` has passed since `earlier`, by both clocks. A clock that is not there or has been set
    /// back does not know, so the answer is no.
    pub fn is_within(&self, limit: Duration, earlier: Moment) -> bool {
        let (Some(now), Some(then)) = (self.since_boot, earlier.since_boot) else { return false };
        let by_boot = now.checked_sub(then).is_some_and(|passed| passed < limit);
        by_boot && self.wall.duration_since(earlier.wall).is_ok_and(|passed| passed < limit)
    }
}

/// Where the time comes from; tests have their own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Both clocks now.
    fn now(&self) -> Moment;
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        // Linux counts time asleep in `/proc/uptime`, which `std::time::Instant` does not.
        let uptime = std::fs::read_to_string("/proc/uptime").ok();
        let seconds = uptime.as_deref().and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
        let since_boot = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Moment { since_boot, wall: SystemTime::now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_must_agree() {
        let now = SystemClock.now();
        assert!(now.since_boot.is_some());
        let limit = Duration::from_secs(600);
        let later = |boot: u64, wall: u64| Moment {
            since_boot: now.since_boot.map(|since| since + Duration::from_secs(boot)),
            wall: now.wall + Duration::from_secs(wall),
        };
        assert!(later(599, 599).is_within(limit, now));
        assert!(!later(600, 1).is_within(limit, now), "asleep, and the clock set back");
        assert!(!later(1, 600).is_within(limit, now));
        assert!(!now.is_within(limit, later(0, 1)), "set back");
        assert!(!Moment { since_boot: None, ..now }.is_within(limit, now));
    }
}
