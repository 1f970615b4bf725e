//! The clocks that decide how long something that was proved stays true.
//!
//! Owns: [`Clock`], [`Moment`]. Must not know: what was proved.

use std::fmt;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use rustix::time::{DynamicClockId, clock_gettime_dynamic};

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
        static SAID: Once = Once::new();
        let since_boot = since_boot();
        if since_boot.is_none() {
            SAID.call_once(|| {
                log::warn!(
                    "this system has no clock that counts while it sleeps; each commit asks the object store twice"
                );
            });
        }
        Moment { since_boot, wall: SystemTime::now() }
    }
}

/// The clock that counts while the machine sleeps too, which `std::time::Instant` does not. A system call and no file
/// below `/proc`, which services are not shown.
fn since_boot() -> Option<Duration> {
    let time = clock_gettime_dynamic(DynamicClockId::Boottime).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_how_long_it_has_run_asleep_or_not() {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("reads");
        let before: f64 = uptime.split_whitespace().next().expect("a word").parse().expect("a number");
        let now = SystemClock.now().since_boot.expect("a clock").as_secs_f64();
        // Hundredths of a second, and no more than it takes to get here.
        assert!(now >= before - 0.02 && now < before + 60.0, "{before} {now}");
    }

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
