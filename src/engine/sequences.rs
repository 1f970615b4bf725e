//! Sequences: their values live in memory, one registry per database, because nextval is never undone by ROLLBACK.
//!
//! Owns: [`SequenceRegistry`]. Must not know: the session's currval (`engine::context`), SQL.
//! The file holds each sequence's state in the table `__pg_sequence` ([`UPDATE_STATE`]). The engine loads it when a
//! database is opened ([`SequenceRegistry::load`]) and writes what has moved just before a COMMIT
//! ([`SequenceRegistry::take_dirty`]); a state that did not get durable is put back ([`SequenceRegistry::put_back`]).
//! As in PostgreSQL (sequence.c, SEQ_LOG_VALS) the file runs ahead of nextval, so that not every row with a serial
//! column writes a page of `__pg_sequence`: a crash skips up to [`AHEAD`] values, a clean stop none
//! ([`SequenceRegistry::take_ahead`]). Specification: functions-sequence.html.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::catalog::schema::SequenceOptions;
use crate::error::{Error, Result, SqlState};
use crate::types::pg_type::Oid;

/// Reads every sequence's state: oid, last_value, is_called.
pub const SELECT_STATES: &str = r#"SELECT "oid", "last_value", "is_called" FROM "__pg_sequence""#;

/// Writes one sequence's state: ?1 oid, ?2 last_value, ?3 is_called.
pub const UPDATE_STATE: &str = r#"UPDATE "__pg_sequence" SET "last_value" = ?2, "is_called" = ?3 WHERE "oid" = ?1"#;

/// Where a sequence stands: `last_value` and `is_called` of the relation PostgreSQL shows for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceState {
    pub last_value: i64,
    /// False: `last_value` itself is given out next.
    pub is_called: bool,
}

impl SequenceState {
    /// A new sequence's state.
    pub fn initial(options: &SequenceOptions) -> Self {
        SequenceState { last_value: options.start, is_called: false }
    }
}

/// How many values the file may run ahead: nextval writes once in so many calls.
const AHEAD: i64 = 32;

/// The states of one database's sequences. One lock, held for an addition.
#[derive(Debug, Default)]
pub struct SequenceRegistry(Mutex<States>);

#[derive(Debug, Default)]
struct States {
    known: HashMap<Oid, Position>,
    /// What the next commit has to write.
    dirty: HashMap<Oid, SequenceState>,
    /// Where the sequences stood that the running statement has moved.
    before: HashMap<Oid, SequenceState>,
    /// How often a state was taken from the file.
    loads: u64,
}

/// Values that a session has taken and not given out yet (CACHE).
#[derive(Clone, Copy, Debug)]
pub struct CachedValues {
    /// The last that was given out, and the last there is.
    given: i64,
    last: i64,
    /// What it was made with; ALTER SEQUENCE and RESTART make others.
    options: SequenceOptions,
    loaded: u64,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    current: SequenceState,
    /// What the file says, or will with the next commit: `current`, or a state ahead of it.
    written: SequenceState,
    /// [`States::loads`] when it was taken from the file.
    loaded: u64,
}

impl Position {
    /// Whether `next`, given out now, is on the way to what the file says. Not so after a corner was turned.
    fn covers(&self, next: i64, ascending: bool) -> bool {
        let (from, to) = (self.current.last_value, self.written.last_value);
        self.written.is_called && if ascending { from <= next && next <= to } else { from >= next && next >= to }
    }
}

impl SequenceRegistry {
    fn lock(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a state as the file has it: at opening, after CREATE or ALTER SEQUENCE … RESTART, after its undoing.
    pub fn load(&self, oid: Oid, state: SequenceState) {
        let mut states = self.lock();
        states.loads += 1;
        let loaded = states.loads;
        states.known.insert(oid, Position { current: state, written: state, loaded });
        states.dirty.remove(&oid);
    }

    /// Takes all states as the file has them, because the file has been replaced.
    pub fn reload(&self, states: impl IntoIterator<Item = (Oid, SequenceState)>) {
        let mut kept = self.lock();
        let loaded = kept.loads + 1;
        let known = states.into_iter().map(|(oid, state)| (oid, Position { current: state, written: state, loaded }));
        *kept = States { known: known.collect(), loads: loaded, ..States::default() };
    }

    /// Forgets a dropped sequence.
    pub fn forget(&self, oid: Oid) {
        let mut states = self.lock();
        states.known.remove(&oid);
        states.dirty.remove(&oid);
    }

    /// Where the sequence stands; `None` when it was never loaded or used.
    pub fn state(&self, oid: Oid) -> Option<SequenceState> {
        self.lock().known.get(&oid).map(|position| position.current)
    }

    /// The next value; 2200H when the sequence has reached its limit. `name` is for the message.
    pub fn nextval(&self, oid: Oid, name: &str, options: &SequenceOptions) -> Result<i64> {
        let mut states = self.lock();
        let position = states.known.get(&oid).copied();
        let state = position.map_or_else(|| SequenceState::initial(options), |position| position.current);
        let value = if state.is_called { step(state.last_value, name, options)? } else { state.last_value };
        states.before.entry(oid).or_insert(state);
        let current = SequenceState { last_value: value, is_called: true };
        match position {
            Some(position) if position.covers(value, options.increment > 0) => {
                states.known.insert(oid, Position { current, ..position });
            }
            _ => states.set(oid, current, SequenceState { last_value: ahead(value, options), is_called: true }),
        }
        Ok(value)
    }

    /// The next value of a sequence with a CACHE: what the session has in `cached`, or the first of as many as it takes at
    /// once. They are the session's whatever becomes of its statement.
    pub fn nextval_cached(
        &self,
        oid: Oid,
        name: &str,
        options: &SequenceOptions,
        cached: Option<CachedValues>,
    ) -> Result<(i64, CachedValues)> {
        let mut states = self.lock();
        let position = states.known.get(&oid).copied();
        let loaded = position.map_or(0, |position| position.loaded);
        if let Some(values) = cached
            && values.given != values.last
            && (values.options, values.loaded) == (*options, loaded)
        {
            let given = values.given + options.increment;
            return Ok((given, CachedValues { given, ..values }));
        }
        let state = position.map_or_else(|| SequenceState::initial(options), |position| position.current);
        let first = if state.is_called { step(state.last_value, name, options)? } else { state.last_value };
        // No corner is turned on the way.
        let room = if options.increment > 0 { options.max.abs_diff(first) } else { first.abs_diff(options.min) };
        let steps = (room / options.increment.unsigned_abs().max(1)).min(options.cache.max(1).unsigned_abs() - 1);
        let last = first + options.increment * i64::try_from(steps).unwrap_or(0);
        let current = SequenceState { last_value: last, is_called: true };
        states.set(oid, current, SequenceState { last_value: ahead(last, options), is_called: true });
        Ok((first, CachedValues { given: first, last, options: *options, loaded }))
    }

    /// setval: 22003 outside of the sequence's bounds.
    pub fn setval(&self, oid: Oid, name: &str, options: &SequenceOptions, state: SequenceState) -> Result<()> {
        if state.last_value < options.min || state.last_value > options.max {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {} is out of bounds for sequence \"{name}\" ({}..{})",
                    state.last_value, options.min, options.max
                ),
            ));
        }
        self.lock().set(oid, state, state);
        Ok(())
    }

    /// Another writing statement begins.
    pub fn begin_statement(&self) {
        self.lock().before.clear();
    }

    /// Puts the sequences where they stood before the statement, so that it can be run once more and sees the same
    /// values. Gives where they had come to.
    pub fn rewind(&self) -> Vec<(Oid, SequenceState)> {
        let mut states = self.lock();
        let states = &mut *states;
        let before = states.before.iter();
        before
            .filter_map(|(oid, state)| {
                let position = states.known.get_mut(oid)?;
                Some((*oid, std::mem::replace(&mut position.current, *state)))
            })
            .collect()
    }

    /// Undoes [`rewind`](Self::rewind), whatever the second run has done.
    pub fn replay(&self, moved: Vec<(Oid, SequenceState)>) {
        let mut states = self.lock();
        for (oid, state) in moved {
            if let Some(position) = states.known.get_mut(&oid) {
                position.current = state;
            }
        }
    }

    /// The states that the file does not have yet, for the transaction that is about to commit to write.
    pub fn take_dirty(&self) -> Vec<(Oid, SequenceState)> {
        let mut states = self.lock();
        if states.dirty.is_empty() { Vec::new() } else { states.dirty.drain().collect() }
    }

    /// Puts back what [`take_dirty`](Self::take_dirty) gave when the commit failed. What has moved since stays.
    pub fn put_back(&self, taken: Vec<(Oid, SequenceState)>) {
        let mut states = self.lock();
        for (oid, state) in taken {
            if states.known.contains_key(&oid) {
                states.dirty.entry(oid).or_insert(state);
            }
        }
    }

    /// The states the file is ahead of, for the last write before the database is closed.
    pub fn take_ahead(&self) -> Vec<(Oid, SequenceState)> {
        let mut states = self.lock();
        states.dirty.clear();
        let ahead = states.known.iter_mut().filter(|(_, position)| position.written != position.current);
        ahead
            .map(|(oid, position)| {
                position.written = position.current;
                (*oid, position.current)
            })
            .collect()
    }
}

impl States {
    fn set(&mut self, oid: Oid, current: SequenceState, written: SequenceState) {
        let loaded = self.known.get(&oid).map_or(0, |position| position.loaded);
        self.known.insert(oid, Position { current, written, loaded });
        self.dirty.insert(oid, written);
    }
}

/// What the file is to say when `value` is given out: a few values ahead, or just it near the sequence's limit.
fn ahead(value: i64, options: &SequenceOptions) -> i64 {
    let distance = options.increment.checked_mul(AHEAD);
    let ahead = distance.and_then(|distance| value.checked_add(distance));
    ahead.filter(|ahead| (options.min..=options.max).contains(ahead)).unwrap_or(value)
}

/// The value after `last`, around the corner if the sequence cycles.
fn step(last: i64, name: &str, options: &SequenceOptions) -> Result<i64> {
    let ascending = options.increment > 0;
    let next = last.checked_add(options.increment);
    match next {
        Some(next) if ascending && next <= options.max => Ok(next),
        Some(next) if !ascending && next >= options.min => Ok(next),
        _ if options.cycle => Ok(if ascending { options.min } else { options.max }),
        _ => {
            let (which, limit) = if ascending { ("maximum", options.max) } else { ("minimum", options.min) };
            Err(Error::new(
                SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
                format!("nextval: reached {which} value of sequence \"{name}\" ({limit})"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: SequenceOptions = SequenceOptions {
        type_oid: Oid::INT8,
        start: 1,
        increment: 1,
        min: 1,
        max: 2,
        cache: 1,
        cycle: false,
        owned_by: None,
    };

    #[test]
    fn counts_up_to_its_limit() {
        let registry = SequenceRegistry::default();
        let next = || registry.nextval(Oid(9), "s", &OPTIONS);
        assert_eq!(next(), Ok(1));
        assert_eq!(next(), Ok(2));
        let error = next().unwrap_err();
        assert_eq!(error.code().as_str(), "2200H");
        assert_eq!(error.message(), "nextval: reached maximum value of sequence \"s\" (2)");
        let cycling = SequenceOptions { cycle: true, ..OPTIONS };
        assert_eq!(registry.nextval(Oid(9), "s", &cycling), Ok(1));
    }

    #[test]
    fn a_statement_can_be_run_once_more() {
        let wide = SequenceOptions { max: 100, ..OPTIONS };
        let registry = SequenceRegistry::default();
        let next = || registry.nextval(Oid(9), "s", &wide).unwrap();
        next();
        registry.begin_statement();
        let values = [next(), next()];
        let moved = registry.rewind();
        assert_eq!([next(), next()], values);
        next();
        registry.replay(moved);
        assert_eq!(next(), 4);
    }

    #[test]
    fn a_session_takes_several_values_at_once() {
        let options = SequenceOptions { max: 25, cache: 10, ..OPTIONS };
        let registry = SequenceRegistry::default();
        registry.load(Oid(9), SequenceState::initial(&options));
        let next = |cached| registry.nextval_cached(Oid(9), "s", &options, cached).unwrap();
        let (first, mine) = next(None);
        let (other, _) = next(None);
        let (second, mine) = next(Some(mine));
        assert_eq!((first, other, second), (1, 11, 2));
        let (rest, last) = next(None);
        assert_eq!((rest, last.last), (21, 25));
        registry.load(Oid(9), SequenceState { last_value: 7, is_called: true });
        assert_eq!(next(Some(mine)).0, 8);
    }

    #[test]
    fn keeps_what_a_failed_commit_did_not_write() {
        let registry = SequenceRegistry::default();
        registry.nextval(Oid(9), "s", &OPTIONS).unwrap();
        let taken = registry.take_dirty();
        assert_eq!(taken, [(Oid(9), SequenceState { last_value: 1, is_called: true })]);
        registry.nextval(Oid(9), "s", &OPTIONS).unwrap();
        registry.put_back(taken);
        assert_eq!(registry.take_dirty(), [(Oid(9), SequenceState { last_value: 2, is_called: true })]);
    }

    /// Whatever was written last never lets a value come twice that was given out before a commit.
    #[test]
    fn the_file_is_at_or_ahead_of_every_value_given_out() {
        let wide = SequenceOptions { max: 100, cycle: true, ..OPTIONS };
        let down = SequenceOptions { increment: -3, min: -100, max: 100, start: 100, ..wide };
        for options in [wide, down] {
            let registry = SequenceRegistry::default();
            let (mut file, mut writes) = (SequenceState::initial(&options), 0);
            for _ in 0..250 {
                let value = registry.nextval(Oid(9), "s", &options).unwrap();
                for (_, state) in registry.take_dirty() {
                    (file, writes) = (state, writes + 1);
                }
                let distance = (file.last_value - value) * options.increment.signum();
                assert!(file.is_called && (0..=AHEAD * 3).contains(&distance), "{value} given out, {file:?} written");
            }
            assert!(writes < 160, "{writes} writes for 250 values");
        }
    }

    #[test]
    fn a_clean_stop_writes_where_it_stands() {
        let options = SequenceOptions { max: i64::MAX, ..OPTIONS };
        let registry = SequenceRegistry::default();
        registry.nextval(Oid(9), "s", &options).unwrap();
        assert_eq!(registry.take_dirty(), [(Oid(9), SequenceState { last_value: 33, is_called: true })]);
        registry.nextval(Oid(9), "s", &options).unwrap();
        assert_eq!(registry.take_dirty(), []);
        assert_eq!(registry.take_ahead(), [(Oid(9), SequenceState { last_value: 2, is_called: true })]);
        assert_eq!(registry.take_ahead(), []);
        registry.nextval(Oid(9), "s", &options).unwrap();
        assert_eq!(registry.take_dirty(), [(Oid(9), SequenceState { last_value: 35, is_called: true })]);
    }
}
