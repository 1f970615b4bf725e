//! A read transaction that stays open: it keeps a state of the database readable and stops checkpoints from passing it.
//!
//! Owns: [`Pin`]. Must not know: which state it stands for (`remote::replica` pins the durable one).

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::engine::remote::bare;
use crate::engine::remote::snapshot::Snapshot;
use crate::storage::log::changes::Pages;

/// A connection in a read transaction, and the name of what it sees.
#[derive(Debug)]
pub(crate) struct Pin {
    connection: Connection,
    snapshot: Arc<Snapshot>,
}

impl Pin {
    /// Pins the state of the file as it is now. There must be a commit in its log.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        Self::take(bare::open(path)?)
    }

    /// Pins the state of now with a connection that [`release`](Self::release) gave.
    pub(crate) fn take(connection: Connection) -> Result<Self> {
        // Reading the number of pages begins the read transaction.
        connection.execute_batch("BEGIN; PRAGMA main.page_count")?;
        let snapshot = Arc::new(Snapshot::of(&connection)?);
        Ok(Pin { connection, snapshot })
    }

    /// Lets the state go.
    pub(crate) fn release(self) -> Result<Connection> {
        self.connection.execute_batch("ROLLBACK")?;
        Ok(self.connection)
    }

    /// The state's name, for readers.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The number of pages.
    pub(crate) fn page_count(&self) -> Result<u32> {
        self.connection.query_row("PRAGMA main.page_count", [], |row| row.get(0))
    }

    /// Those of the pages that there are.
    pub(crate) fn pages(&self, numbers: impl IntoIterator<Item = u32>) -> Result<Pages> {
        self.each_page(numbers)?.collect()
    }

    /// Those of the pages that there are, one after the other.
    pub(crate) fn each_page<'p>(
        &'p self,
        numbers: impl IntoIterator<Item = u32, IntoIter: 'p>,
    ) -> Result<impl Iterator<Item = Result<(u32, Vec<u8>)>> + 'p> {
        let mut read = self.connection.prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
        Ok(numbers.into_iter().filter_map(move |number| {
            let page = read.query_row([number], |row| row.get(0)).optional();
            page.map(|page| page.map(|page| (number, page))).transpose()
        }))
    }
}
