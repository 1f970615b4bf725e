//! Cancel and time limits of a running statement.
//!
//! Owns: [`InterruptHandle`]. The progress handler of the connection that runs the statement polls it.

use std::sync::Arc;

/// Interrupts one session from another task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle(Arc<()>);

impl InterruptHandle {
    /// Cancels what the session is running now, if anything (57014 "canceling statement due to user request").
    pub fn cancel(&self) {
        let _ = &self.0;
        todo!()
    }
}
