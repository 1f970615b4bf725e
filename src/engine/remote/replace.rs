//! Replacing pages of a working copy under the connections that are open on it.
//!
//! Owns: [`replace_pages`]. Must not know: where the pages come from: a lost race puts back what was durable and lays
//! the winner's pages over it, a follower applies what was appended.
//!
//! It is one write transaction like any other, so readers keep their snapshots, and it goes into the log, so nothing
//! is half done after a crash. What SQLite cannot know is that the schema may be another one under the same schema
//! cookie: every connection has to forget what it knows before its next statement
//! (`engine::pool`, [`FORGET_SCHEMA`](crate::engine::connection::FORGET_SCHEMA)).

use std::path::Path;
use std::sync::atomic::Ordering;

use crate::engine::remote::bare::{self, BESIDE};

/// Writes these pages and makes the file `page_count` pages long. The caller holds the write ticket. Gives the number
/// of frames in the log afterwards.
///
/// The pages come one after the other, so that they need not be in memory; the later of two of a number counts.
pub(crate) fn replace_pages<E: From<rusqlite::Error>>(
    path: &Path,
    pages: impl IntoIterator<Item = Result<(u32, Vec<u8>), E>>,
    page_count: u32,
) -> Result<i32, E> {
    let mut connection = bare::open_beside(path)?;
    let frames = bare::count_frames(&mut connection)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let before: u32 = connection.query_row(&format!("PRAGMA {BESIDE}.page_count"), [], |row| row.get(0))?;
    let mut write = connection.prepare("INSERT INTO sqlite_dbpage (pgno, data, schema) VALUES (?1, ?2, ?3)")?;
    for page in pages {
        let (number, page) = page?;
        if number <= page_count {
            write.execute((number, page, BESIDE))?;
        }
    }
    if page_count < before {
        // A page of NULL removes it and all after it, if it comes last.
        write.execute((page_count + 1, rusqlite::types::Null, BESIDE))?;
    }
    drop(write);
    connection.execute_batch("COMMIT")?;
    Ok(frames.load(Ordering::Relaxed))
}
