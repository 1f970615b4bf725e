//! What functions have given a transaction that they would not give again: sequences' values, chance, the clock, answers of
//! locks. When the transaction is repeated (`engine::parking`), they give the same and do nothing.
//!
//! Owns: [`Tape`]. Must not know: which functions are taped (`engine::functions`), how a transaction is repeated.

use rusqlite::types::Value;

use crate::error::{Error, Result};

/// How much is kept for one transaction, about; with more it cannot be repeated.
const MOST: usize = 1 << 20;

/// The tape of one session's transaction.
#[derive(Debug, Default)]
pub struct Tape {
    mode: Mode,
    drawn: Vec<(&'static str, Result<Value>)>,
    /// The next one to be given again.
    next: usize,
    size: usize,
    /// Something was done that cannot be repeated.
    refused: bool,
    /// What is repeated does not ask for what was asked before.
    astray: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Off,
    Record,
    Replay,
}

impl Tape {
    /// A transaction begins that may be repeated.
    pub(crate) fn begin(&mut self) {
        *self = Tape { mode: Mode::Record, ..Tape::default() };
    }

    /// It has ended, or cannot be repeated any more.
    pub(crate) fn end(&mut self) {
        if self.mode != Mode::Off {
            *self = Tape::default();
        }
    }

    /// What runs does something that cannot be repeated.
    pub(crate) fn refuse(&mut self) {
        self.refused = self.mode != Mode::Off;
    }

    /// Whether something has, or too much was drawn.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused || self.size > MOST
    }

    /// How much was drawn so far; while it is repeated, how much of it.
    pub(crate) fn position(&self) -> usize {
        if self.mode == Mode::Replay { self.next } else { self.drawn.len() }
    }

    /// What was drawn after that position belongs to a statement that counts as not run.
    pub(crate) fn forget_from(&mut self, position: usize) {
        self.drawn.truncate(position);
        self.refused = false;
    }

    /// The transaction is repeated from its beginning.
    pub(crate) fn rewind(&mut self) {
        (self.mode, self.next, self.astray) = (Mode::Replay, 0, false);
    }

    /// It has been, or that was given up. False if it has not asked for the same.
    pub(crate) fn resume(&mut self) -> bool {
        self.mode = Mode::Record;
        !self.astray && !self.is_refused() && self.next == self.drawn.len()
    }

    /// While a transaction is repeated: what the function has given before.
    pub(crate) fn again(&mut self, name: &'static str) -> Option<Result<Value>> {
        if self.mode != Mode::Replay {
            return None;
        }
        let known = self.drawn.get(self.next).filter(|(known, _)| *known == name);
        self.next += 1;
        self.astray |= known.is_none();
        Some(known.map_or_else(|| Err(Error::internal("a repeated statement differs")), |(_, value)| value.clone()))
    }

    /// What a function has given.
    pub(crate) fn keep(&mut self, name: &'static str, value: Result<Value>) {
        if self.mode != Mode::Record || self.size > MOST {
            return;
        }
        self.size += size_of::<(&str, Result<Value>)>()
            + match &value {
                Ok(Value::Text(text)) => text.len(),
                Ok(Value::Blob(bytes)) => bytes.len(),
                _ => 0,
            };
        self.drawn.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_same_again_and_tells_when_it_is_asked_for_something_else() {
        let mut tape = Tape::default();
        tape.keep("nextval", Ok(Value::Integer(0)));
        assert_eq!(tape.position(), 0, "nobody repeats it");
        tape.begin();
        tape.keep("nextval", Ok(Value::Integer(1)));
        tape.keep("random", Ok(Value::Real(0.5)));
        assert_eq!(tape.again("nextval"), None);
        tape.rewind();
        assert_eq!(tape.again("nextval"), Some(Ok(Value::Integer(1))));
        assert_eq!(tape.again("random"), Some(Ok(Value::Real(0.5))));
        assert!(tape.resume());
        tape.rewind();
        tape.again("nextval");
        assert!(!tape.resume(), "one was not asked for");
        tape.rewind();
        tape.again("nextval");
        assert!(matches!(tape.again("nextval"), Some(Err(_))));
        assert!(!tape.resume());
        tape.forget_from(1);
        tape.rewind();
        tape.again("nextval");
        assert!(tape.resume());
        tape.keep("text", Ok(Value::Text("x".repeat(MOST))));
        assert!(tape.is_refused());
        tape.end();
        assert!(!tape.is_refused());
    }
}
