//! Aggregates that SQLite does not have or that count differently in PostgreSQL, usable as window functions too.
//!
//! Owns: [`Accumulator`], what one aggregate is, and its way into SQLite. Must not know: which SQL names lead here
//! (`sql::functions::aggregate`). Specification: functions-aggregate.html.

mod bits;
mod collect;
mod exact;
mod extremes;
pub(super) mod float;
mod framed;
mod moving;
mod ordered;
mod ranges;
mod spans;
mod user;

pub(super) use collect::{pack, unpack};
pub(super) use moving::FloatState;

use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};

use super::{Args, ContextSlot, Output, registration_failed};
use crate::error::Result;
use crate::limits::session as limits;

/// The running state of one aggregate over one group or window frame.
pub(super) trait Accumulator: Default + Send + UnwindSafe + RefUnwindSafe + 'static {
    /// Rows in which an argument is NULL are left out.
    const STRICT: bool = true;

    /// Takes a row in.
    fn add(&mut self, args: &Args<'_>) -> Result<()>;

    /// Takes out the row that came in first, as a window frame moves on.
    fn remove(&mut self, args: &Args<'_>) -> Result<()>;

    /// The result over the rows that are in; also over none.
    fn value(&self) -> Result<Output>;

    /// The result for a row, whose arguments may say which it wants.
    fn value_at(&self, _: &Args<'_>) -> Result<Output> {
        self.value()
    }
}

/// What a row costs besides its bytes.
const KEPT: usize = 64;

struct Adapter<A> {
    slot: ContextSlot,
    accumulator: PhantomData<fn() -> A>,
}

impl<A: Accumulator> Adapter<A> {
    fn change(
        &self,
        context: &Context<'_>,
        state: &mut A,
        change: fn(&mut A, &Args<'_>) -> Result<()>,
    ) -> rusqlite::Result<()> {
        let args = Args::new(context, &self.slot);
        if A::STRICT && args.any_null() {
            return Ok(());
        }
        // A row is small, but what is kept of it stays.
        let changed = limits::work(args.size() + KEPT).and_then(|()| change(state, &args));
        changed.map_err(|error| self.slot.fail(error))
    }

    fn result(&self, state: &A) -> rusqlite::Result<Output> {
        state.value().and_then(Output::checked).map_err(|error| self.slot.fail(error))
    }
}

impl<A: Accumulator> Aggregate<A, Output> for Adapter<A> {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<A> {
        Ok(A::default())
    }

    fn step(&self, context: &mut Context<'_>, state: &mut A) -> rusqlite::Result<()> {
        self.change(context, state, A::add)
    }

    fn finalize(&self, _: &mut Context<'_>, state: Option<A>) -> rusqlite::Result<Output> {
        self.result(&state.unwrap_or_default())
    }
}

impl<A: Accumulator> WindowAggregate<A, Output> for Adapter<A> {
    fn value(&self, state: Option<&mut A>) -> rusqlite::Result<Output> {
        match state {
            Some(state) => self.result(state),
            None => self.result(&A::default()),
        }
    }

    fn inverse(&self, context: &mut Context<'_>, state: &mut A) -> rusqlite::Result<()> {
        self.change(context, state, A::remove)
    }
}

/// Registers one aggregate.
pub(super) fn register_one<A: Accumulator>(
    connection: &Connection,
    slot: &ContextSlot,
    name: &str,
    arity: i32,
) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let adapter = Adapter::<A> { slot: slot.clone(), accumulator: PhantomData };
    let created = connection.create_window_function(name, arity, flags, adapter);
    created.map_err(|error| registration_failed(name, &error))?;
    framed::register_framed::<A>(connection, slot, name)
}

/// Registers every aggregate.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    exact::register(connection, slot)?;
    extremes::register(connection, slot)?;
    float::register(connection, slot)?;
    bits::register(connection, slot)?;
    ranges::register(connection, slot)?;
    spans::register(connection, slot)?;
    ordered::register(connection, slot)?;
    collect::register(connection, slot)?;
    framed::register(connection, slot)?;
    user::register(connection, slot)
}
