//! For how long what was proved holds, and how old something is before others may have forgotten it.
//!
//! Owns: these times, and nothing else. They must fit each other: what a writer relies on ends long before a collector is
//! allowed to break it, because each measures by another clock. In debug builds `HASTE=N` has all of them pass N times
//! as fast, for tests in which an instance stands still for "hours".

use std::time::Duration;

/// How long it stays true that the floor has not passed the end of the log. Far below the hour during which the
/// collector leaves an object alone, because it is measured by our own clocks.
pub fn proof_holds() -> Duration {
    hastened(600)
}

/// How often the manifest is looked at to see that the database is still the same.
pub fn manifest_holds() -> Duration {
    hastened(60)
}

/// How old a delta is, by the store's clock, before its key may be forgotten: far more than [`proof_holds`].
pub fn settled() -> Duration {
    hastened(3_600)
}

/// How old, by the store's clock, an object is that nothing names before it is taken for left over: far more than
/// [`proof_holds`], within which it is named or never.
pub fn forgotten() -> Duration {
    hastened(86_400)
}

/// How often the log is looked after and the plain file is published while there are commits.
pub fn upkeep_period() -> Duration {
    hastened(60)
}

#[cfg(not(debug_assertions))]
fn hastened(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[cfg(debug_assertions)]
fn hastened(seconds: u64) -> Duration {
    use std::sync::OnceLock;
    static HASTE: OnceLock<u32> = OnceLock::new();
    let haste = HASTE.get_or_init(|| {
        let haste = std::env::var("HASTE").ok().and_then(|haste| haste.parse().ok());
        haste.filter(|haste| *haste > 0).unwrap_or(1)
    });
    Duration::from_secs(seconds) / *haste
}
