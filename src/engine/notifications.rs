//! LISTEN and NOTIFY: what transactions have to say when they commit, and who hears it.
//!
//! Owns: [`Pending`], a transaction's side; [`Notifications`], a database's listeners and what waits for them. Must
//! not know: messages. A notification may be heard by others before the commit that sends it is durable, so it carries the
//! commit's position, and who hears it tells nobody before that. Specification: sql-notify.html, sql-listen.html, async.c.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, Result, SqlState};
use crate::storage::watermark::CommitSequence;

/// The longest channel name, in bytes (NAMEDATALEN - 1), and payload (NOTIFY_PAYLOAD_MAX_LENGTH - 1).
const MAX_CHANNEL: usize = 63;
const MAX_PAYLOAD: usize = 7_999;

/// How much may wait to be heard, in bytes. PostgreSQL keeps 8 GB on disk.
const MAX_QUEUED: usize = 64 << 20;

/// What NOTIFY says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    pub channel: String,
    pub payload: String,
}

impl Note {
    /// Checks the lengths; 22023 if they are none.
    pub fn new(channel: String, payload: String) -> Result<Self> {
        let wrong = |message| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        match (channel.len(), payload.len()) {
            (0, _) => wrong("channel name cannot be empty"),
            (length, _) if length > MAX_CHANNEL => wrong("channel name too long"),
            (_, length) if length > MAX_PAYLOAD => wrong("payload string too long"),
            _ => Ok(Note { channel, payload }),
        }
    }

    fn size(&self) -> usize {
        // The rest is what it costs to keep one.
        self.channel.len() + self.payload.len() + 64
    }
}

/// A change of what a session listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    Start(String),
    Stop(String),
    StopAll,
}

/// What a transaction does when it commits.
#[derive(Debug, Default)]
pub struct Pending {
    notes: Vec<Arc<Note>>,
    /// The same, to find those said already.
    said: HashSet<Arc<Note>>,
    changes: Vec<Listening>,
    /// How much there was of both when each of the open savepoints was set.
    marks: Vec<(usize, usize)>,
}

impl Pending {
    /// NOTIFY; what the transaction has said already it does not say again.
    pub fn notify(&mut self, note: Note) {
        let note = Arc::new(note);
        if self.said.insert(Arc::clone(&note)) {
            self.notes.push(note);
        }
    }

    /// LISTEN and UNLISTEN.
    pub fn change(&mut self, change: Listening) {
        self.changes.push(change);
    }

    /// A savepoint is set.
    pub fn savepoint(&mut self) {
        self.marks.push((self.notes.len(), self.changes.len()));
    }

    /// The savepoint with `depth` others around it is released.
    pub fn release(&mut self, depth: usize) {
        self.marks.truncate(depth);
    }

    /// How much there is.
    pub fn position(&self) -> (usize, usize) {
        (self.notes.len(), self.changes.len())
    }

    /// What came after that is not to be said.
    pub fn forget_from(&mut self, (notes, changes): (usize, usize)) {
        for note in self.notes.drain(notes.min(self.notes.len())..) {
            self.said.remove(&note);
        }
        self.changes.truncate(changes);
    }

    /// Rolls back to the savepoint with `depth` others around it.
    pub fn rollback_to(&mut self, depth: usize) {
        if let Some(mark) = self.marks.get(depth).copied() {
            self.forget_from(mark);
        }
        self.marks.truncate(depth + 1);
    }

    /// Takes it all when the transaction ends; `None` if there is nothing to do.
    pub fn take(&mut self) -> Option<Pending> {
        let empty = self.notes.is_empty() && self.changes.is_empty() && self.marks.is_empty();
        (!empty).then(|| std::mem::take(self))
    }

    fn size(&self) -> usize {
        self.notes.iter().map(|note| note.size()).sum()
    }
}

/// A notification on its way.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Who sent it.
    pub pid: i32,
    pub note: Arc<Note>,
    /// Nobody is to be told before this is durable.
    pub stamp: CommitSequence,
}

/// A database's listeners.
#[derive(Debug, Default)]
pub struct Notifications(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    listeners: HashMap<i32, Listener>,
    /// Bytes in all queues.
    queued: usize,
}

#[derive(Debug, Default)]
struct Listener {
    channels: BTreeSet<String>,
    queue: VecDeque<Notification>,
    arrived: Arc<Notify>,
}

impl Notifications {
    /// Fails if there is no room for what a transaction has to say; asked before it commits.
    pub fn check_room(&self, pending: &Pending) -> Result<()> {
        let state = self.state();
        let needed = pending.size().saturating_mul(state.listeners.len());
        if state.queued.saturating_add(needed) > MAX_QUEUED {
            let message = "too many notifications in the NOTIFY queue";
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        Ok(())
    }

    /// The session's transaction has committed: it listens to what it asked for, and what it says is heard. To be
    /// called in the order of the commits. Gives whether it listens to anything now.
    pub fn publish(&self, pid: i32, pending: Pending, stamp: CommitSequence) -> bool {
        let state = &mut *self.state();
        for change in pending.changes {
            match change {
                Listening::Start(channel) => drop(state.listeners.entry(pid).or_default().channels.insert(channel)),
                Listening::Stop(channel) => {
                    state.listeners.get_mut(&pid).map(|listener| listener.channels.remove(&channel));
                }
                Listening::StopAll => drop(state.listeners.get_mut(&pid).map(|listener| listener.channels.clear())),
            }
        }
        for listener in state.listeners.values_mut() {
            let before = listener.queue.len();
            for note in pending.notes.iter().filter(|note| listener.channels.contains(&note.channel)) {
                state.queued += note.size();
                listener.queue.push_back(Notification { pid, note: Arc::clone(note), stamp });
            }
            if listener.queue.len() > before {
                listener.arrived.notify_one();
            }
        }
        state.listeners.get(&pid).is_some_and(|listener| !listener.channels.is_empty() || !listener.queue.is_empty())
    }

    /// What has arrived for a session from commits up to that position, in order.
    pub fn take(&self, pid: i32, up_to: CommitSequence) -> Vec<Notification> {
        let state = &mut *self.state();
        let Some(listener) = state.listeners.get_mut(&pid) else { return Vec::new() };
        let count = listener.queue.iter().take_while(|notification| notification.stamp <= up_to).count();
        let taken: Vec<Notification> = listener.queue.drain(..count).collect();
        state.queued -= taken.iter().map(|notification| notification.note.size()).sum::<usize>();
        taken
    }

    /// The position of the commit the first of them is from.
    pub fn next(&self, pid: i32) -> Option<CommitSequence> {
        self.state().listeners.get(&pid)?.queue.front().map(|notification| notification.stamp)
    }

    /// Woken when something arrives for a session that listens.
    pub fn arrival(&self, pid: i32) -> Option<Arc<Notify>> {
        self.state().listeners.get(&pid).map(|listener| Arc::clone(&listener.arrived))
    }

    /// pg_listening_channels().
    pub fn channels(&self, pid: i32) -> Vec<String> {
        let state = self.state();
        state.listeners.get(&pid).map(|listener| listener.channels.iter().cloned().collect()).unwrap_or_default()
    }

    /// pg_notification_queue_usage().
    pub fn usage(&self) -> f64 {
        self.state().queued as f64 / MAX_QUEUED as f64
    }

    /// The session has ended.
    pub fn forget(&self, pid: i32) {
        self.take(pid, CommitSequence::MAX);
        self.state().listeners.remove(&pid);
    }

    /// The data is valid after any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(payloads: &[&str]) -> Pending {
        let mut pending = Pending::default();
        for payload in payloads {
            pending.notify(Note::new("c".to_owned(), (*payload).to_owned()).unwrap());
        }
        pending
    }

    fn heard(notifications: &Notifications, pid: i32) -> Vec<(i32, String, CommitSequence)> {
        let heard = notifications.take(pid, CommitSequence::MAX).into_iter();
        heard.map(|n| (n.pid, n.note.payload.clone(), n.stamp)).collect()
    }

    #[test]
    fn every_listener_hears_each_commit_once_and_in_order() {
        let notifications = Notifications::default();
        for pid in [1, 2] {
            let mut listen = Pending::default();
            listen.change(Listening::Start("c".to_owned()));
            assert!(notifications.publish(pid, listen, 0));
        }
        notifications.publish(3, saying(&["x", "y", "x"]), 7);
        notifications.publish(1, saying(&["x"]), 8);
        assert_eq!(notifications.next(1), Some(7));
        let expected = [(3, "x".to_owned(), 7), (3, "y".to_owned(), 7), (1, "x".to_owned(), 8)];
        assert_eq!(heard(&notifications, 1), expected);
        assert!(notifications.usage() > 0.0);
        notifications.forget(2);
        assert_eq!(notifications.usage(), 0.0);
        assert_eq!(notifications.channels(1), ["c"]);
    }

    #[test]
    fn what_nobody_hears_is_bounded() {
        let notifications = Notifications::default();
        let mut listen = Pending::default();
        listen.change(Listening::Start("c".to_owned()));
        notifications.publish(1, listen, 0);
        let long = "x".repeat(MAX_PAYLOAD);
        while notifications.check_room(&saying(&[&long])).is_ok() {
            notifications.publish(2, saying(&[&long]), 1);
        }
        assert!((0.9..=1.0).contains(&notifications.usage()));
        notifications.take(1, 1);
        assert_eq!(notifications.check_room(&saying(&[&long])), Ok(()));
    }
}
