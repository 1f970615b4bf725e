//! What `pg_capture` keeps of the rows a failed statement writes when it is run once more.
//!
//! Owns: [`Capture`] and its place in the connection's slot. Must not know: why (`engine::row_capture`).

use super::{ContextSlot, lock};
use crate::types::value::Value;

/// The row written last.
#[derive(Default)]
pub(super) struct Capture {
    row: Vec<Value>,
    /// Some row has no key; [`MISSING_KEY`] stands for it.
    missing_key: bool,
}

/// What stands for NULL in a rowid alias, where SQLite would put a number of its own choosing.
pub(super) const MISSING_KEY: i64 = i64::MIN;

impl ContextSlot {
    /// From now on `pg_capture` keeps rows.
    pub(crate) fn start_capture(&self) {
        *lock(&self.0.capture) = Some(Capture::default());
    }

    /// The last row.
    pub(crate) fn end_capture(&self) -> Option<Vec<Value>> {
        lock(&self.0.capture).take().map(|capture| capture.row)
    }

    /// Begins a row with these values, or adds them to it.
    pub(super) fn capture(&self, begins: bool, values: impl Iterator<Item = Value>) {
        if let Some(capture) = lock(&self.0.capture).as_mut() {
            if begins {
                capture.row.clear();
            }
            capture.row.extend(values);
        }
    }

    /// A row has no key. False if rows are not captured: then that is an error.
    pub(super) fn note_missing_key(&self) -> bool {
        lock(&self.0.capture).as_mut().map(|capture| capture.missing_key = true).is_some()
    }

    /// Whether the row just captured has no key; NULL is put there.
    pub(super) fn ends_with_missing_key(&self) -> bool {
        let mut capture = lock(&self.0.capture);
        let Some(capture) = capture.as_mut().filter(|capture| capture.missing_key) else { return false };
        let key = capture.row.iter_mut().find(|value| **value == Value::Integer(MISSING_KEY));
        key.map(|key| *key = Value::Null).is_some()
    }
}
