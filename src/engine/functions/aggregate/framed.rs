//! Aggregates over frames that SQLite cannot bound: RANGE by offsets that are no numbers (months), offsets that are
//! computed. The whole partition is read, and then each row's frame is found as PostgreSQL finds it.
//!
//! Owns: [`register`], the functions `…_framed` of (frame, starting offset, ending offset, sort key, filter, arguments …)
//! over ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING, and what SQLite's own window functions are here. Which
//! aggregates lead here is `sql::lower::window`'s. Specification: update_frameheadpos, update_frametailpos and
//! row_is_in_frame in nodeWindowAgg.c.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Range;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::{Value, ValueRef};

use super::{Accumulator, KEPT};
use crate::engine::functions::{Args, ContextSlot, Output, registration_failed};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::types::in_range::{Key, Offset, in_range};

/// The arguments before the aggregate's own.
const LEADING: usize = 5;

/// Registers an aggregate's form for such frames.
pub(super) fn register_framed<A: Accumulator>(connection: &Connection, slot: &ContextSlot, name: &str) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let name = format!("{name}_framed");
    let adapter = Adapter::<A> { slot: slot.clone(), accumulator: PhantomData };
    connection
        .create_window_function(name.as_str(), -1, flags, adapter)
        .map_err(|error| registration_failed(&name, &error))
}

/// What SQLite's own aggregates and window functions are here.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    register_framed::<Count>(connection, slot, "pg_count")?;
    register_framed::<Sum>(connection, slot, "pg_sum_int")?;
    register_framed::<At<'f'>>(connection, slot, "pg_first_value")?;
    register_framed::<At<'l'>>(connection, slot, "pg_last_value")?;
    register_framed::<At<'n'>>(connection, slot, "pg_nth_value")
}

// ----- frames

/// One side of a frame.
enum Bound {
    Unbounded,
    CurrentRow,
    /// By rows, before (negative) or after.
    Rows(i64),
    /// By keys; whether it is before.
    Range(Offset, bool),
}

#[derive(PartialEq)]
enum Exclude {
    Nothing,
    CurrentRow,
    Group,
    Ties,
}

struct Frame {
    by_rows: bool,
    start: Bound,
    end: Bound,
    exclude: Exclude,
    type_name: String,
    descending: bool,
    nulls_first: bool,
    zone: TimeZone,
}

struct Row {
    key: Option<Key>,
    args: Vec<Value>,
    /// FILTER takes it.
    counts: bool,
}

/// A partition.
#[derive(Default)]
struct State<A> {
    frame: Option<Frame>,
    rows: Vec<Row>,
    current: usize,
    head: usize,
    tail: usize,
    /// The rows that are in.
    held: Range<usize>,
    accumulator: A,
}

impl Frame {
    /// The frame as `sql::lower::window` writes it: units, bounds, exclusion, the key's type, its order.
    fn read(args: &Args<'_>) -> Result<Frame> {
        let text = args.text(0)?;
        let parts: Vec<&str> = text.split('|').collect();
        let [units, start, end, exclude, type_name, descending, nulls_first] = parts.as_slice() else {
            return Err(Error::internal("a frame"));
        };
        let by_rows = *units == "ROWS";
        Ok(Frame {
            by_rows,
            start: bound(args, (1, "starting"), start, (by_rows, type_name))?,
            end: bound(args, (2, "ending"), end, (by_rows, type_name))?,
            exclude: match *exclude {
                "CURRENT ROW" => Exclude::CurrentRow,
                "GROUP" => Exclude::Group,
                "TIES" => Exclude::Ties,
                _ => Exclude::Nothing,
            },
            type_name: (*type_name).to_owned(),
            descending: *descending == "t",
            nulls_first: *nulls_first == "t",
            zone: args.slot().with_format(|format| Ok(format.time_zone.clone()))?,
        })
    }

    fn key(&self, args: &Args<'_>) -> Result<Option<Key>> {
        Ok(match (args.is_null(3), self.type_name.as_str()) {
            (true, _) => None,
            (_, "int2" | "int4" | "int8") => Some(Key::Integer(args.int(3)?)),
            (_, "float4" | "float8") => Some(Key::Float(args.float(3)?)),
            (_, name) => Some(Key::from_stored(name, &args.text(3)?)?),
        })
    }
}

fn bound(
    args: &Args<'_>,
    (index, side): (usize, &str),
    kind: &str,
    (by_rows, type_name): (bool, &str),
) -> Result<Bound> {
    let before = match kind {
        "U" => return Ok(Bound::Unbounded),
        "C" => return Ok(Bound::CurrentRow),
        kind => kind == "P",
    };
    if args.is_null(index) {
        let message = format!("frame {side} offset must not be null");
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    }
    if by_rows {
        let count = args.int(index)?;
        if count < 0 {
            let message = format!("frame {side} offset must not be negative");
            return Err(Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message));
        }
        return Ok(Bound::Rows(if before { -count } else { count }));
    }
    let offset = match type_name {
        "int2" | "int4" | "int8" => Offset::Integer(args.int(index)?),
        "float4" | "float8" => Offset::Float(args.float(index)?),
        name => Offset::from_stored(name, &args.text(index)?)?,
    };
    Ok(Bound::Range(offset, before))
}

impl<A: Accumulator> State<A> {
    fn take(&mut self, args: &Args<'_>) -> Result<()> {
        let frame = match &self.frame {
            Some(frame) => frame,
            None => self.frame.insert(Frame::read(args)?),
        };
        let key = frame.key(args)?;
        let counts = !args.is_null(4) && args.bool(4)?;
        let args = (LEADING..args.len()).map(|index| kept(args.raw(index))).collect();
        self.rows.push(Row { key, args, counts });
        Ok(())
    }

    fn key(&self, row: usize) -> Option<&Key> {
        self.rows.get(row).and_then(|row| row.key.as_ref())
    }

    fn are_peers(&self, a: usize, b: usize) -> bool {
        match (self.key(a), self.key(b)) {
            (Some(a), Some(b)) => a.is_peer(b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// Whether the row is still before the frame's first one.
    fn is_before(&self, frame: &Frame, row: usize, offset: &Offset, before: bool) -> Result<bool> {
        Ok(match (self.key(row), self.key(self.current)) {
            (Some(key), Some(current)) => {
                let ways = (before != frame.descending, frame.descending);
                !in_range(key, current, offset, ways, &frame.zone)?
            }
            (head, current) if frame.nulls_first => head.is_none() && current.is_some(),
            (head, current) => head.is_some() && current.is_none(),
        })
    }

    /// Whether the row is still among the frame's.
    fn is_within(&self, frame: &Frame, row: usize, offset: &Offset, before: bool) -> Result<bool> {
        Ok(match (self.key(row), self.key(self.current)) {
            (Some(key), Some(current)) => {
                let ways = (before != frame.descending, !frame.descending);
                in_range(key, current, offset, ways, &frame.zone)?
            }
            (tail, _) if frame.nulls_first => tail.is_none(),
            (_, current) => current.is_none(),
        })
    }

    /// The current row's frame, before what is excluded. Its ends never go back.
    fn advance(&mut self, frame: &Frame) -> Result<()> {
        let (current, count) = (self.current, self.rows.len());
        match &frame.start {
            Bound::Unbounded => self.head = 0,
            Bound::CurrentRow if frame.by_rows => self.head = current,
            Bound::CurrentRow => {
                while self.head < current && !self.are_peers(self.head, current) {
                    self.head += 1;
                }
            }
            Bound::Rows(offset) => self.head = moved(current, *offset, count),
            Bound::Range(offset, before) => {
                while self.head < count && self.is_before(frame, self.head, offset, *before)? {
                    self.head += 1;
                }
            }
        }
        match &frame.end {
            Bound::Unbounded => self.tail = count,
            Bound::CurrentRow if frame.by_rows => self.tail = current + 1,
            Bound::CurrentRow => {
                self.tail = self.tail.max(current + 1);
                while self.tail < count && self.are_peers(self.tail, current) {
                    self.tail += 1;
                }
            }
            Bound::Rows(offset) => self.tail = moved(current, offset.saturating_add(1), count),
            Bound::Range(offset, before) => {
                while self.tail < count && self.is_within(frame, self.tail, offset, *before)? {
                    self.tail += 1;
                }
            }
        }
        Ok(())
    }

    /// The rows that EXCLUDE takes out of the frame, but for the current one where it stays.
    fn excluded(&self, frame: &Frame) -> Range<usize> {
        let current = self.current;
        match frame.exclude {
            Exclude::Nothing => 0..0,
            Exclude::CurrentRow => current..current + 1,
            Exclude::Group | Exclude::Ties => {
                let first = (0..current).rev().take_while(|row| self.are_peers(*row, current)).count();
                let last = (current + 1..self.rows.len()).take_while(|row| self.are_peers(*row, current)).count();
                current - first..current + last + 1
            }
        }
    }

    fn change(
        &mut self,
        slot: &ContextSlot,
        rows: impl Iterator<Item = usize>,
        change: fn(&mut A, &Args<'_>) -> Result<()>,
    ) -> Result<()> {
        for row in rows {
            limits::work(KEPT)?;
            let Some(row) = self.rows.get(row).filter(|row| row.counts) else { continue };
            let args = Args::of_values(&row.args, slot);
            if !(A::STRICT && args.any_null()) {
                change(&mut self.accumulator, &args)?;
            }
        }
        Ok(())
    }

    /// The result for the next row.
    fn next(&mut self, slot: &ContextSlot) -> Result<Output> {
        let Some(frame) = self.frame.take() else { return Ok(Output::NULL) };
        let result = self.result(slot, &frame);
        self.frame = Some(frame);
        self.current += 1;
        result
    }

    fn result(&mut self, slot: &ContextSlot, frame: &Frame) -> Result<Output> {
        self.advance(frame)?;
        let (head, tail) = (self.head, self.tail.max(self.head));
        let held = std::mem::replace(&mut self.held, head..tail);
        let goes_on = frame.exclude == Exclude::Nothing && held.start <= head && head <= held.end && held.end <= tail;
        if goes_on {
            self.change(slot, held.start..head, A::remove)?;
            self.change(slot, held.end..tail, A::add)?;
        } else {
            self.accumulator = A::default();
            let (excluded, current) = (self.excluded(frame), self.current);
            let stays = |row: usize| frame.exclude == Exclude::Ties && row == current;
            let rows = (head..tail).filter(|row| !excluded.contains(row) || stays(*row));
            self.change(slot, rows, A::add)?;
        }
        match self.rows.get(self.current) {
            Some(row) => self.accumulator.value_at(&Args::of_values(&row.args, slot)),
            None => Ok(Output::NULL),
        }
    }
}

/// A place so many rows from another, in the partition or right behind it.
fn moved(from: usize, by: i64, count: usize) -> usize {
    let place = i64::try_from(from).unwrap_or(i64::MAX).saturating_add(by);
    usize::try_from(place).unwrap_or(0).min(count)
}

fn kept(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

struct Adapter<A> {
    slot: ContextSlot,
    accumulator: PhantomData<fn() -> A>,
}

impl<A: Accumulator> Aggregate<State<A>, Output> for Adapter<A> {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<State<A>> {
        Ok(State { accumulator: A::default(), frame: None, rows: Vec::new(), current: 0, head: 0, tail: 0, held: 0..0 })
    }

    fn step(&self, context: &mut Context<'_>, state: &mut State<A>) -> rusqlite::Result<()> {
        let args = Args::new(context, &self.slot);
        limits::work(args.size() + KEPT).and_then(|()| state.take(&args)).map_err(|error| self.slot.fail(error))
    }

    fn finalize(&self, _: &mut Context<'_>, _: Option<State<A>>) -> rusqlite::Result<Output> {
        Ok(Output::NULL)
    }
}

impl<A: Accumulator> WindowAggregate<State<A>, Output> for Adapter<A> {
    fn value(&self, state: Option<&mut State<A>>) -> rusqlite::Result<Output> {
        let Some(state) = state else { return Ok(Output::NULL) };
        state.next(&self.slot).and_then(Output::checked).map_err(|error| self.slot.fail(error))
    }

    fn inverse(&self, _: &mut Context<'_>, _: &mut State<A>) -> rusqlite::Result<()> {
        Err(self.slot.fail(Error::internal("a frame that moves")))
    }
}

// ----- SQLite's own

/// count(…)
#[derive(Default)]
struct Count(i64);

impl Accumulator for Count {
    fn add(&mut self, _: &Args<'_>) -> Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.0 -= 1;
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        Ok(self.0.into())
    }
}

/// sum(smallint), sum(integer)
#[derive(Default)]
struct Sum {
    rows: i64,
    sum: i128,
}

impl Accumulator for Sum {
    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.rows += 1;
        self.sum += i128::from(args.int(0)?);
        Ok(())
    }

    fn remove(&mut self, args: &Args<'_>) -> Result<()> {
        self.rows -= 1;
        self.sum -= i128::from(args.int(0)?);
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        if self.rows == 0 {
            return Ok(Output::NULL);
        }
        let out_of_range = |_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
        i64::try_from(self.sum).map(Output::from).map_err(out_of_range)
    }
}

/// first_value, last_value, nth_value
#[derive(Default)]
struct At<const WHICH: char>(VecDeque<Value>);

impl<const WHICH: char> Accumulator for At<WHICH> {
    const STRICT: bool = false;

    fn add(&mut self, args: &Args<'_>) -> Result<()> {
        self.0.push_back(kept(args.raw(0)));
        Ok(())
    }

    fn remove(&mut self, _: &Args<'_>) -> Result<()> {
        self.0.pop_front();
        Ok(())
    }

    fn value(&self) -> Result<Output> {
        let found = if WHICH == 'l' { self.0.back() } else { self.0.front() };
        Ok(Output::Value(found.cloned().unwrap_or(Value::Null)))
    }

    fn value_at(&self, current: &Args<'_>) -> Result<Output> {
        if WHICH != 'n' {
            return self.value();
        }
        if current.is_null(1) {
            return Ok(Output::NULL);
        }
        let number = usize::try_from(current.int(1)?).ok().and_then(|number| number.checked_sub(1));
        let Some(index) = number else {
            let message = "argument of nth_value must be greater than zero";
            return Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE, message));
        };
        Ok(Output::Value(self.0.get(index).cloned().unwrap_or(Value::Null)))
    }
}
