//! SQLite's memory comes from the program's own allocator: the C library's is slow and does not scale in a static
//! (musl) binary. It also keeps SQLite within the limits of `limits::memory`, which SQLite's own heap limit would do at the
//! price of a lock around every allocation, and for all sessions as one.
//!
//! SQLite compiles without looking up, and what it does for constants takes time by the square of how many there are: so while
//! it compiles a large statement, each block that it asks for is an occasion to look whether the statement is to end.
//!
//! Owns: [`install`], [`while_compiling`], [`without_huge_pages`]. Specification: sqlite.org/c3ref/mem_methods.html. SQLite frees without saying how much it had
//! asked for, so each block begins with its size.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Once;
use std::time::{Duration, Instant};

use rusqlite::ffi;

use crate::debug_log::debug;
use crate::error::SqlState;
use crate::limits::{memory, session};

/// The size in front of each block, and the alignment SQLite asks for.
const HEADER: usize = 8;

/// Takes effect if SQLite has not been used yet in this process. Call before the first connection is opened.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let methods = ffi::sqlite3_mem_methods {
            xMalloc: Some(allocate),
            xFree: Some(free),
            xRealloc: Some(resize),
            xSize: Some(size),
            xRoundup: Some(round_up),
            xInit: Some(initialise),
            xShutdown: Some(shut_down),
            pAppData: null_mut(),
        };
        // SAFETY: SQLITE_CONFIG_MALLOC takes a pointer to these methods and copies them. SQLite refuses it (MISUSE)
        // once it has been initialised, which leaves things as they were.
        let code = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods) };
        if code != ffi::SQLITE_OK {
            debug!("SQLite keeps the C library's allocator");
        }
    });
}

/// Keeps the kernel from backing the heap with huge pages. The allocator asks for them, and each thread's few kilobytes
/// then take 2 MiB. For the program to call first of all: an idle server had 11.6 MB of heap with them and 1.7 MB without, after psql's \dt 24.3 and 4.4.
#[cfg(target_os = "linux")]
pub fn without_huge_pages() {
    // SAFETY: this call takes numbers only and concerns pages not touched yet. Old kernels refuse it, which changes
    // nothing but the memory used.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

/// Other systems have nothing to switch off.
#[cfg(not(target_os = "linux"))]
pub fn without_huge_pages() {}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.checked_add(HEADER)?, HEADER).ok()
}

/// A statement of fewer blocks is compiled at once.
const MANY: u32 = 4_000;

/// How long compiling goes on without a look.
const AGAIN: Duration = Duration::from_millis(2);

#[derive(Clone, Copy)]
struct Compiling {
    blocks: u32,
    looked: Instant,
    interrupted: bool,
}

thread_local! {
    static COMPILING: Cell<Option<Compiling>> = const { Cell::new(None) };
}

/// Runs what compiles a statement; also says whether it had to give up because the statement is to end. SQLite takes that
/// for a lack of memory.
pub(crate) fn while_compiling<T>(body: impl FnOnce() -> T) -> (T, bool) {
    let outer = COMPILING.replace(Some(Compiling { blocks: 0, looked: Instant::now(), interrupted: false }));
    let made = body();
    let own = COMPILING.replace(outer);
    (made, own.is_some_and(|own| own.interrupted))
}

/// Whether compiling may go on.
#[cold]
fn may_go_on(mut compiling: Compiling) -> bool {
    compiling.blocks = compiling.blocks.saturating_add(1);
    let mut may = !compiling.interrupted;
    if may && compiling.blocks > MANY && compiling.looked.elapsed() > AGAIN {
        // What looks may allocate.
        COMPILING.set(None);
        let looked = session::check();
        compiling.looked = Instant::now();
        compiling.interrupted = looked.as_ref().is_err_and(|error| error.code() != SqlState::OUT_OF_MEMORY);
        may = looked.is_ok();
    }
    COMPILING.set(Some(compiling));
    may
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    let Some(layout) = usize::try_from(bytes).ok().and_then(layout) else { return null_mut() };
    if COMPILING.get().is_some_and(|compiling| !may_go_on(compiling)) || memory::refuses(layout.size()) {
        return null_mut();
    }
    // SAFETY: the layout is not empty.
    unsafe { finish(alloc(layout), layout) }
}

/// Writes the header of a new block and gives what SQLite gets.
///
/// # Safety
/// `block` is null or a block of that layout.
unsafe fn finish(block: *mut u8, layout: Layout) -> *mut c_void {
    if block.is_null() {
        return null_mut();
    }
    // SAFETY: the block is as large as its layout says, which includes the header, and aligned for it.
    unsafe {
        block.cast::<usize>().write(layout.size());
        block.add(HEADER).cast()
    }
}

/// The block behind SQLite's pointer, and its layout.
///
/// # Safety
/// `memory` came from [`finish`] and has not been freed.
unsafe fn block_of(memory: *mut c_void) -> (*mut u8, Layout) {
    // SAFETY: the header is in front of it and holds the size of a valid layout.
    unsafe {
        let block = memory.cast::<u8>().sub(HEADER);
        let size = block.cast::<usize>().read();
        (block, Layout::from_size_align_unchecked(size, HEADER))
    }
}

unsafe extern "C" fn free(memory: *mut c_void) {
    if !memory.is_null() {
        // SAFETY: SQLite frees what it got from `allocate` or `resize`, once.
        unsafe {
            let (block, layout) = block_of(memory);
            dealloc(block, layout);
        }
    }
}

unsafe extern "C" fn resize(block: *mut c_void, bytes: c_int) -> *mut c_void {
    let Some(new) = usize::try_from(bytes).ok().and_then(layout) else { return null_mut() };
    // SAFETY: as for `free`; SQLite resizes neither null nor to nothing. A block that is refused stays as it was.
    unsafe {
        let (block, old) = block_of(block);
        if new.size() > old.size() && memory::refuses(new.size() - old.size()) {
            return null_mut();
        }
        finish(realloc(block, old, new.size()), new)
    }
}

unsafe extern "C" fn size(memory: *mut c_void) -> c_int {
    if memory.is_null() {
        return 0;
    }
    // SAFETY: as for `free`.
    let (_, layout) = unsafe { block_of(memory) };
    c_int::try_from(layout.size() - HEADER).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn round_up(bytes: c_int) -> c_int {
    bytes.saturating_add(7) & !7
}

unsafe extern "C" fn initialise(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shut_down(_: *mut c_void) {}
