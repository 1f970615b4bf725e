//! The session's loop.

use crate::session::start::SessionStart;

/// Runs a session until its client leaves.
pub async fn run(start: SessionStart) {
    let _ = start;
}
