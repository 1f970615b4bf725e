//! What a process decides about itself before it does anything.
//!
//! Owns: [`private_files`]. Must not know: which files there will be.

use rustix::fs::Mode;
use rustix::process::umask;

/// From now on, files this process makes are its user's alone (0600), and directories (0700): SQLite's, the logs beside
/// them, working copies, an object store's directory. PostgreSQL does the same. For the program to call first of all.
pub fn private_files() {
    umask(Mode::RWXG | Mode::RWXO);
}
