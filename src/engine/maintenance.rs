//! VACUUM, ANALYZE and their kin, which run outside of transactions.
//!
//! Owns: [`EngineSession::maintenance`]. Must not know: which statements are such (`sql::utility`).

use std::sync::Arc;

use crate::engine::error_map;
use crate::engine::pool::Lease;
use crate::engine::progress::blocking;
use crate::engine::session::EngineSession;
use crate::error::Result;

impl EngineSession {
    /// Runs VACUUM, ANALYZE … outside of a transaction.
    pub async fn maintenance(&mut self, statements: &[String]) -> Result<()> {
        self.link.database.check_writable()?;
        let ticket = self.ticket().await?;
        // SQLite's VACUUM mistakes temporary tables of the same names for the catalog's: it runs where there are none.
        let (vacuums, others): (Vec<&String>, Vec<&String>) = statements.iter().partition(|sql| *sql == "VACUUM");
        let mut lease = self.writer_lease()?;
        if self.pinned().is_some() && !vacuums.is_empty() {
            let bare = self.attach(self.link.database.pool().writer()?);
            let (sequence, outcome) = self.maintained(&bare, &vacuums);
            outcome?;
            self.seen.wait_for_commit(sequence).await?;
            drop(bare);
            lease = self.writer_lease()?;
        }
        let remaining: Vec<&String> = if self.pinned().is_some() { others } else { statements.iter().collect() };
        let (sequence, outcome) = self.maintained(&lease, &remaining);
        drop((lease, ticket));
        outcome.and(self.seen.wait_for_commit(sequence).await)
    }

    /// Runs such statements on a connection; the number of the last commit, and how they ended.
    fn maintained(&self, lease: &Arc<Lease>, statements: &[&String]) -> (u64, Result<()>) {
        let mut outcome = Ok(());
        let sequence = self.link.database.commit(|_| {
            blocking(|| {
                let entered = lease.enter();
                entered.begin_statement();
                // Each of the statements commits by itself.
                lease.counting_frames(|| {
                    outcome = statements.iter().try_for_each(|sql| {
                        entered.execute(sql).map_err(|error| match error.sqlite_error() {
                            Some(code) => entered.error(code.extended_code),
                            None => error_map::from_rusqlite(error),
                        })
                    });
                })
            })
        });
        (sequence, outcome)
    }
}
