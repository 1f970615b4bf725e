//! BackendKeyData and CancelRequest: which session a key interrupts.
//!
//! Owns: [`CancelRegistry`], [`CancelKey`]. Specification: protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::interrupt::InterruptHandle;

/// What a client has to know to cancel a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelKey {
    pub pid: i32,
    pub secret: i32,
}

/// The running sessions by process id. The ids are ours: sessions are not processes.
#[derive(Debug, Default)]
pub struct CancelRegistry {
    next_pid: AtomicI32,
    sessions: Mutex<HashMap<i32, (i32, InterruptHandle)>>,
}

/// A session's place in the registry; leaving gives it up.
#[derive(Debug)]
pub struct Registration {
    registry: Arc<CancelRegistry>,
    key: CancelKey,
}

impl CancelRegistry {
    /// Enters a session.
    pub fn register(self: &Arc<Self>, interrupt: InterruptHandle) -> Registration {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = loop {
            let pid = self.next_pid.fetch_add(1, Ordering::Relaxed) & 0x3fff_ffff;
            if pid != 0 && !sessions.contains_key(&pid) {
                break pid;
            }
        };
        let key = CancelKey { pid, secret: rand::random() };
        sessions.insert(pid, (key.secret, interrupt));
        Registration { registry: self.clone(), key }
    }

    /// Interrupts the session the key belongs to; a wrong key does nothing, and the asker is told nothing.
    pub fn cancel(&self, key: CancelKey) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((secret, interrupt)) = sessions.get(&key.pid)
            && *secret == key.secret
        {
            interrupt.cancel();
        }
    }

    /// Ends every session with 57P01: the server stops and has waited long enough.
    pub fn terminate_all(&self) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().for_each(|(_, interrupt)| interrupt.terminate());
    }
}

impl Registration {
    /// What to send as BackendKeyData.
    pub fn key(&self) -> CancelKey {
        self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key.pid);
    }
}
