//! Places with a name at which a test has the process end as by `kill -9`, or stand still.
//!
//! Owns: [`reached`]. Must not know: what is done at them. `scripts/kill9 --points` finds their names in the sources and
//! tries each. `KILL_POINT` is `NAME`, or `NAME#N` to end when the place is reached for the N-th time; `STOP_POINT` is
//! the same for SIGSTOP, after which SIGCONT has the process go on. Only debug builds look at them: of a release build
//! this is no part.

#[cfg(debug_assertions)]
mod wanted {
    use std::process::Command;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A name, and how often the place is still to be passed.
    struct Place(String, AtomicU32);

    static KILL: LazyLock<Option<Place>> = LazyLock::new(|| Place::of("KILL_POINT"));
    static STOP: LazyLock<Option<Place>> = LazyLock::new(|| Place::of("STOP_POINT"));

    impl Place {
        fn of(variable: &str) -> Option<Self> {
            let wanted = std::env::var(variable).ok()?;
            let (name, times) = wanted.split_once('#').unwrap_or((&wanted, "1"));
            Some(Place(name.to_owned(), AtomicU32::new(times.parse().ok()?)))
        }

        fn is_here(&self, name: &str) -> bool {
            self.0 == name && self.1.fetch_sub(1, Ordering::Relaxed) == 1
        }
    }

    pub(super) fn reached(name: &str) {
        if KILL.as_ref().is_some_and(|place| place.is_here(name)) {
            log::warn!("killed where it was wanted: {name}");
            std::process::abort();
        }
        if STOP.as_ref().is_some_and(|place| place.is_here(name)) {
            log::warn!("stopped where it was wanted: {name}");
            let stopped = Command::new("kill").args(["-STOP", &std::process::id().to_string()]).status();
            if !stopped.is_ok_and(|status| status.success()) {
                log::error!("cannot stop: there is no command kill");
                std::process::abort();
            }
            // The signal is another thread's to take, and until it does this one goes on: past the place, if it may.
            while is_stop_pending() {
                std::thread::yield_now();
            }
        }
    }

    /// Whether SIGSTOP was sent and no thread has taken it yet. Once one has, every thread stops as it leaves the kernel.
    fn is_stop_pending() -> bool {
        const SIGSTOP: u64 = 1 << 18;
        let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
        let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
        pending.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & SIGSTOP != 0)
    }
}

/// Ends or stops the process if this place is the one for that.
#[inline]
pub fn reached(_name: &str) {
    #[cfg(debug_assertions)]
    wanted::reached(_name);
}
