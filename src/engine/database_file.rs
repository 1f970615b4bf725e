//! Whether a file that is to be opened is a SQLite database at all.
//!
//! Owns: [`check`]. Must not know: what is in it. SQLite takes an empty file for a new database, and says of others only
//! that they are none; what lies where databases are was perhaps put there by mistake, and is left as it is.
//! Specification: sqlite.org/fileformat.html, section 1.3.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Result, SqlState};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// An error that names the file unless it is a SQLite database. Nobody may have it open yet: closing a descriptor of it
/// drops the locks on it.
pub(crate) fn check(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().display();
    let refused = |code, what: &str| {
        Err(Error::fatal(code, format!("database file \"{name}\" {what}"))
            .with_hint("It has been left as it is. Move it away, or put a SQLite database in its place."))
    };
    match kind(path) {
        Ok(Kind::Database) => Ok(()),
        Ok(Kind::Empty) => refused(SqlState::DATA_CORRUPTED, "is empty"),
        Ok(Kind::Foreign) => refused(SqlState::DATA_CORRUPTED, "is not a SQLite database"),
        Ok(Kind::NoFile) => refused(SqlState::DATA_CORRUPTED, "is not a file"),
        Err(error) => refused(SqlState::IO_ERROR, &format!("cannot be read: {error}")),
    }
}

enum Kind {
    Database,
    Empty,
    Foreign,
    NoFile,
}

fn kind(path: &Path) -> io::Result<Kind> {
    // Before it is opened: whoever opens a pipe waits.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Kind::NoFile);
    }
    let mut start = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(match start.as_slice() {
        [] => Kind::Empty,
        start if start == MAGIC => Kind::Database,
        _ => Kind::Foreign,
    })
}
