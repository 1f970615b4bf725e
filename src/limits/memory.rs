//! How much memory the process and each session have, and what is refused when it is too much.
//!
//! Owns: [`Counting`], the program's allocator, which counts; the two limits; [`check`], [`reserve`] and
//! [`refuses`], which ask before something grows. Must not know: what a session is (`limits::session` says whose memory
//! the running thread allocates). Specification: 53200 "out of memory"; values as in memutils.h (MaxAllocSize).
//!
//! Rust ends the process when an allocation fails, so the limits are kept before: whoever makes something as large as a
//! client says asks first. SQLite can be refused anything, so its allocator asks for every block that is not small.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

#[cfg(not(fuzzing))]
use mimalloc::MiMalloc as Heap;
// The one that the address sanitizer watches.
#[cfg(fuzzing)]
use std::alloc::System as Heap;

use crate::error::{Error, Result, SqlState};

/// The most bytes of one value (MaxAllocSize).
pub const MAX_VALUE: usize = 0x3fff_ffff;

/// What one session may have although all together have too much: one that is small is not stopped by those that are not. The
/// farther the limit is passed, the less: thousands of small ones are too much as well.
const SMALL: usize = 8 << 20;

/// See [`SMALL`].
fn small(all: usize, limit: usize) -> usize {
    match all.saturating_sub(limit) {
        beyond if beyond <= limit / 8 => SMALL,
        beyond if beyond <= limit / 4 => SMALL / 8,
        _ => SMALL / 64,
    }
}

/// Blocks from here on are refused to SQLite when there is too much; smaller ones it always gets, so that a transaction
/// can end.
const REFUSED_FROM: usize = 16 << 10;

/// A thread tells the process's count of so many bytes at once.
const BATCH: isize = 256 << 10;

/// Memory that somebody is about to take, see [`book`].
static BOOKED: AtomicUsize = AtomicUsize::new(0);

static PROCESS: AtomicIsize = AtomicIsize::new(0);
static PROCESS_LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
static SESSION_LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

thread_local! {
    /// Allocated by this thread, less what it freed, and not in [`PROCESS`] yet.
    static UNTOLD: Cell<isize> = const { Cell::new(0) };
    /// What the session that runs on this thread has; of no meaning outside of one.
    static SESSION: Cell<isize> = const { Cell::new(0) };
    static IN_SESSION: Cell<bool> = const { Cell::new(false) };
}

/// The limits of a session and of the process, in bytes. They are the process's, as its memory is.
pub fn set_limits(session: usize, process: usize) {
    SESSION_LIMIT.store(session, Ordering::Relaxed);
    PROCESS_LIMIT.store(process, Ordering::Relaxed);
}

/// The program's allocator: mimalloc, counting.
#[derive(Debug, Default)]
pub struct Counting;

// SAFETY: every call goes to the allocator below as it is; counting touches thread-local numbers that need no memory of their own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { Heap.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { Heap.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { Heap.realloc(block, layout, size) }
    }
}

/// A block is never larger than isize::MAX (Layout).
fn signed(bytes: usize) -> isize {
    bytes as isize
}

#[inline]
fn count(bytes: isize) {
    // Both are numbers without a destructor: they are there as long as the thread.
    SESSION.with(|session| session.set(session.get().wrapping_add(bytes)));
    UNTOLD.with(|untold| {
        let sum = untold.get().wrapping_add(bytes);
        if (-BATCH..=BATCH).contains(&sum) {
            untold.set(sum);
        } else {
            PROCESS.fetch_add(sum, Ordering::Relaxed);
            untold.set(0);
        }
    });
}

/// Bytes the process has allocated, to within a fraction of a megabyte per thread.
pub fn in_use() -> usize {
    usize::try_from(PROCESS.load(Ordering::Relaxed)).unwrap_or(0)
}

/// What the session that runs on this thread has.
pub fn of_session() -> usize {
    usize::try_from(SESSION.get()).unwrap_or(0)
}

/// A session with so many bytes goes on running on this thread. Gives what is to be restored when it stops.
pub(super) fn enter(bytes: isize) -> (bool, isize) {
    (IN_SESSION.replace(true), SESSION.replace(bytes))
}

/// The session stops. Gives what it has.
pub(super) fn leave((within, bytes): (bool, isize)) -> isize {
    IN_SESSION.set(within);
    SESSION.replace(bytes)
}

/// The session holds so much and no more, whatever was counted: memory changes hands, and what one session allocated
/// another may have freed.
pub fn settle(bytes: usize) {
    if IN_SESSION.get() {
        SESSION.set(signed(bytes));
    }
}

/// Something of so many bytes is shared with other sessions from now on.
pub fn share(bytes: usize) {
    SESSION.with(|session| session.set(session.get().wrapping_sub(signed(bytes))));
}

/// Runs something and gives how much more the thread has allocated after it.
pub fn measure<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let before = SESSION.get();
    let made = body();
    (made, usize::try_from(SESSION.get().wrapping_sub(before)).unwrap_or(0))
}

/// Which limit so many more bytes would pass.
fn passed(more: usize) -> Option<&'static str> {
    if !IN_SESSION.get() {
        return None;
    }
    let session = of_session().saturating_add(more);
    if session > SESSION_LIMIT.load(Ordering::Relaxed) {
        return Some("session");
    }
    let limit = PROCESS_LIMIT.load(Ordering::Relaxed);
    let all = in_use().saturating_add(BOOKED.load(Ordering::Relaxed)).saturating_add(more);
    (all > limit && session > small(all, limit)).then_some("server")
}

/// Fails if the session, or all together, have too much (53200).
pub fn check() -> Result<()> {
    reserve(0)
}

/// Fails if so many more bytes would be too much (53200). To be asked before they are allocated.
pub fn reserve(bytes: usize) -> Result<()> {
    match passed(bytes) {
        None => Ok(()),
        Some(context) => Err(out_of_memory(bytes, context)),
    }
}

/// Memory that is kept for who asked until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Booking(usize);

impl Drop for Booking {
    fn drop(&mut self) {
        BOOKED.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Fails if so many more bytes would be too much (53200), and keeps them from others meanwhile: for what takes its memory
/// bit by bit and does not ask again.
pub fn book(bytes: usize) -> Result<Booking> {
    reserve(bytes)?;
    BOOKED.fetch_add(bytes, Ordering::Relaxed);
    Ok(Booking(bytes))
}

#[cold]
fn out_of_memory(bytes: usize, context: &str) -> Error {
    let detail = format!("Failed on request of size {bytes} in memory context \"{context}\".");
    Error::new(SqlState::OUT_OF_MEMORY, "out of memory").with_detail(detail)
}

/// 54000: a text of `written` bytes cannot become `more` longer (enlargeStringInfo).
#[cold]
pub fn string_too_long(written: usize, more: usize) -> Error {
    let detail = format!("Cannot enlarge string buffer containing {written} bytes by {more} more bytes.");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "out of memory").with_detail(detail)
}

/// Fails if a value of `written` bytes cannot become so much longer: it would be too long (54000), or too much (53200).
pub fn room(written: usize, more: usize) -> Result<()> {
    if written.saturating_add(more) > MAX_VALUE {
        return Err(string_too_long(written, more));
    }
    reserve(more)
}

/// Whether SQLite is to be refused a block of that size.
pub fn refuses(bytes: usize) -> bool {
    bytes >= REFUSED_FROM && passed(bytes).is_some()
}

/// The most the process should take if nobody says so: three quarters of the machine's or the container's memory, or a
/// quarter of the address space it may have, since that also holds stacks and a gigabyte that the allocator keeps ready.
pub fn available(address_space: Option<u64>) -> u64 {
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let container = container.iter().filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let memory = container.chain(machine).min().unwrap_or(u64::MAX);
    (memory - memory / 4).min(address_space.map_or(u64::MAX, |space| space / 4))
}

/// "MemTotal:  24683972 kB", in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_refused_what_passes_its_limit() {
        // More than other tests' sessions have.
        set_limits(1 << 40, 1 << 41);
        let before = enter(0);
        let (block, bytes) = measure(|| vec![0u8; 1 << 20]);
        assert!((1 << 20..2 << 20).contains(&bytes), "{bytes}");
        assert!(of_session() >= block.len());
        assert_eq!(reserve(1 << 20), Ok(()));
        let error = reserve(usize::MAX).expect_err("too much");
        assert_eq!((error.code(), error.message()), (SqlState::OUT_OF_MEMORY, "out of memory"));
        let booking = book(1 << 39).expect("there is room");
        drop(book((1 << 40) - (1 << 30)).expect("and more"));
        let other = book((1 << 40) - (1 << 30)).expect("nobody has it any more");
        book((1 << 40) - (1 << 30)).expect_err("it is kept for others");
        drop((booking, other));
        assert!(refuses(usize::MAX) && !refuses(100), "SQLite gets small blocks");
        drop(block);
        assert!(of_session() < 1 << 20, "what is freed is free");
        settle(7);
        assert_eq!(of_session(), 7);
        leave(before);
        assert_eq!(reserve(usize::MAX), Ok(()), "no session, no limit");
    }

    #[test]
    fn small_sessions_have_less_the_more_there_are() {
        assert_eq!([900, 1000, 1100, 1200, 2000].map(|all| SMALL / small(all, 1000)), [1, 1, 1, 8, 64]);
    }

    #[test]
    fn the_machine_says_how_much_there_is() {
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       24683972 kB\n"), Some(24_683_972 << 10));
        assert_eq!(available(Some(2000)), 500);
    }
}
