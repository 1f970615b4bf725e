//! Places with a name at which a test has the process end as by `kill -9`.
//!
//! Owns: [`reached`]. Must not know: what is done at them. `scripts/kill9 --points` finds their names in the sources and
//! tries each. `KILL_POINT` is `NAME`, or `NAME#N` to end when the place is reached for the N-th time. Only debug
//! builds look at it: of a release build this is no part.

#[cfg(debug_assertions)]
mod wanted {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The name, and how often the place is still to be passed.
    static WANTED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();

    pub(super) fn is_here(name: &str) -> bool {
        let wanted = WANTED.get_or_init(|| {
            let wanted = std::env::var("KILL_POINT").ok()?;
            let (name, times) = wanted.split_once('#').unwrap_or((&wanted, "1"));
            Some((name.to_owned(), AtomicU32::new(times.parse().ok()?)))
        });
        wanted.as_ref().is_some_and(|(wanted, times)| wanted == name && times.fetch_sub(1, Ordering::Relaxed) == 1)
    }
}

/// Ends the process at once if this place is the one to end at.
#[inline]
pub fn reached(_name: &str) {
    #[cfg(debug_assertions)]
    if wanted::is_here(_name) {
        log::warn!("killed where it was wanted: {_name}");
        std::process::abort();
    }
}
