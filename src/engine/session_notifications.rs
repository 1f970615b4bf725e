//! What a session says when it commits, and what it hears.
//!
//! Owns: the part of [`EngineSession`] that is about LISTEN and NOTIFY. Must not know: who else listens
//! (`engine::notifications`), messages.

use crate::engine::notifications::{Notification, Pending};
use crate::engine::session::EngineSession;
use crate::error::Result;
use crate::storage::watermark::{CommitSequence, Fate};

impl EngineSession {
    /// What the next [`commit`](Self::commit) is to say.
    pub fn say_on_commit(&mut self, pending: Option<Pending>) {
        self.outgoing = pending;
    }

    pub(super) fn check_room(&self, pending: Option<&Pending>) -> Result<()> {
        pending.map_or(Ok(()), |pending| self.link.database.notifications().check_room(pending))
    }

    pub(super) fn publish(&mut self, pending: Pending, sequence: CommitSequence) {
        // What it says may come from what it has read, too.
        let stamp = sequence.max(self.seen.stamp());
        self.listening = self.link.database.notifications().publish(self.pid(), pending, stamp) || self.listening;
    }

    /// The notifications that have arrived and whose commits have become durable.
    pub fn hear(&mut self) -> Vec<Notification> {
        if !self.listening {
            return Vec::new();
        }
        let watermark = self.link.database.watermark();
        let mut heard = self.link.database.notifications().take(self.pid(), watermark.last_durable());
        heard.retain(|notification| watermark.fate(notification.stamp) == Fate::Durable);
        heard
    }

    /// Resolves when there may be something to [`hear`](Self::hear); never for a session that does not listen. Cancel
    /// safe.
    pub async fn something_to_hear(&self) {
        let (notifications, pid) = (self.link.database.notifications(), self.pid());
        let arrival = if self.listening { notifications.arrival(pid) } else { None };
        let Some(arrival) = arrival else { return std::future::pending().await };
        loop {
            match notifications.next(pid) {
                Some(stamp) => return self.link.database.watermark().wait(stamp).await,
                None => arrival.notified().await,
            }
        }
    }
}
