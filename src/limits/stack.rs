//! How deep a thread's stack may go.
//!
//! Owns: [`check`], which every recursion over what a client sent asks (check_stack_depth), and the size of the stacks of threads
//! that run sessions. Specification: runtime-config-resource.html (max_stack_depth), 54001.

use std::cell::Cell;

use crate::error::{Error, Result, SqlState};

/// The stack of each thread that runs sessions.
pub const SIZE: usize = 8 << 20;

/// How much of it statements may use. What is left is for code that does not ask: SQLite, and dropping what was built.
const USABLE: usize = SIZE / 2;

/// What max_stack_depth says, in kB; it bounds nothing here.
const MAX_STACK_DEPTH: usize = 2_048;

/// What a thread that did not say how large its stack is may use: tests' have 2 MiB.
const UNKNOWN: usize = 512 << 10;

thread_local! {
    /// Where the stack began, about, and how far it may go from there.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The address of something on the stack.
#[inline(never)]
fn here() -> usize {
    let place = 0u8;
    std::hint::black_box(&raw const place) as usize
}

/// A thread with a stack of [`SIZE`] begins.
pub fn begin_thread() {
    STACK.set((here(), USABLE));
}

/// Fails if the stack is so deep that the recursion must end (54001).
pub fn check() -> Result<()> {
    if is_deep() { Err(too_deep()) } else { Ok(()) }
}

/// Whether [`check`] fails.
pub fn is_deep() -> bool {
    let (top, usable) = STACK.get();
    let now = here();
    if top == 0 {
        STACK.set((now, UNKNOWN));
        return false;
    }
    top.saturating_sub(now) > usable
}

/// 54001.
#[cold]
pub fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").with_hint(format!(
        "Increase the configuration parameter \"max_stack_depth\" (currently {}kB), after ensuring the platform's stack depth limit is adequate.",
        MAX_STACK_DEPTH
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(levels: usize) -> Result<usize> {
        check()?;
        let frame = std::hint::black_box([levels; 64]);
        Ok(if levels == 0 { 0 } else { descend(levels - 1)? + usize::from(frame[0] > 0) })
    }

    #[test]
    fn a_recursion_ends_before_the_stack_does() {
        assert_eq!(descend(100), Ok(100));
        for times in [10, 100, 10_000] {
            let error = descend(UNKNOWN / 512 * times).expect_err("too deep");
            assert_eq!(
                (error.code(), error.message()),
                (SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
            );
        }
    }
}
