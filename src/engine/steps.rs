//! Statements that are more than one of SQLite's: their steps, run before the last one.
//!
//! Owns: [`run`]. Must not know: what the steps are for (`sql::lower::program`). All of them are one statement: what is
//! due at its end is due after the last, and a failure of one is undone with the transaction or back to the savepoint, as
//! PostgreSQL's statement would be.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{self, Origin};
use crate::engine::cursor::value_of;
use crate::engine::row_change;
use crate::engine::row_store::{RowStore, Rows};
use crate::engine::statement::{Code, RawStatement, Step};
use crate::engine::triggers::Firing;
use crate::error::Result;
use crate::sql::plan::{Arrangement, Keep, KeptValue, ProgramStep};
use crate::types::value::Value;

/// Runs the steps, and fires what triggers are to fire at the statement's end; `origins` give what is known of each that
/// changes a relation, in case it fails. The number of rows that the last one has changed.
pub(crate) fn run(
    entered: &Entered<'_>,
    steps: &[ProgramStep],
    (params, literals): (&[Value], &[Value]),
    origins: &[Origin],
    note: &dyn Fn(Code),
) -> Result<()> {
    entered.slot().make_room_for_rows(steps.iter().map(|step| step.list + 1).max().unwrap_or(0));
    let mut seen = Seen::default();
    let mut changes = steps.iter().zip(origins).filter(|(step, _)| step.target.is_some());
    let first = changes.next().map(|(_, origin)| origin);
    first.map_or(Ok(()), |origin| origin.begin_loop(entered))?;
    let firing = steps.iter().zip(origins).find(|(step, _)| step.change.is_some());
    let firing = firing.map(|(_, origin)| Firing::new(entered, origin));
    let main = steps.iter().filter_map(|step| step.change.as_ref()).find(|change| change.is_main);
    if let (Some(change), Some(firing)) = (main, &firing) {
        row_change::begin(firing, change)?;
    }
    for (step, origin) in steps.iter().zip(origins) {
        if let Some(only) = step.only
            && !seen.contains(entered, only)?
        {
            continue;
        }
        if let Some(arrangement) = step.arranges {
            arrange(entered, arrangement)?;
            continue;
        }
        entered.slot().forget_proposed_keys();
        let unchecked = step.target.is_some() && origin.is_unchecked();
        if unchecked {
            entered.set_foreign_keys(false)?;
        }
        let outcome = match (&step.change, &firing) {
            (Some(change), Some(firing)) => {
                row_change::run(firing, step, change, (params, literals)).map(|changed| (changed.rows, changed.count))
            }
            _ => run_step(entered, step, (params, literals), origin, note),
        };
        if unchecked {
            entered.set_foreign_keys(true)?;
        }
        let (rows, count) = outcome?;
        match step.keep {
            Keep::Nothing => {}
            Keep::Rows => entered.slot().keep_rows(step.list, rows)?,
            Keep::Count => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                entered.slot().keep_rows(step.list, RowStore::of(&[vec![Value::Integer(count)]])?)?;
            }
        }
    }
    let Some(firing) = firing else { return Ok(()) };
    firing.finish()
}

/// Runs a step that is a statement of SQLite: its rows, if they are to be kept, and how many it has changed.
fn run_step(
    entered: &Entered<'_>,
    step: &ProgramStep,
    (params, literals): (&[Value], &[Value]),
    origin: &Origin,
    note: &dyn Fn(Code),
) -> Result<(RowStore, u64)> {
    let mut raw = entered.prepare(&step.sql).map_err(|code| entered.error(code))?;
    for (index, bind) in step.binds.iter().enumerate() {
        let value = value_of(bind, params, literals).unwrap_or(&Value::Null);
        raw.bind(index + 1, value).map_err(|code| entered.error(code))?;
    }
    let outcome = rows_of(&mut raw, step.keep == Keep::Rows);
    let outcome = outcome.and_then(|rows| match rows {
        Ok(rows) => Ok((rows, entered.changes())),
        Err(code) => {
            note(code);
            let origin = step.target.is_some().then_some(origin);
            Err(constraint_errors::describe(entered, &mut raw, code, origin))
        }
    });
    entered.put_back(Arc::clone(&step.sql), raw);
    let outcome = outcome?;
    entered.slot().left_error()?;
    Ok(outcome)
}

/// The integers there are in columns of kept rows, in order. A table of a hundred partitions has a hundred steps that ask,
/// for each row of COPY.
#[derive(Default)]
struct Seen(Vec<((usize, usize), Vec<i64>)>);

impl Seen {
    fn contains(&mut self, entered: &Entered<'_>, KeptValue { kept, column, value }: KeptValue) -> Result<bool> {
        if let Some((_, values)) = self.0.iter().find(|(place, _)| *place == (kept, column)) {
            return Ok(values.binary_search(&value).is_ok());
        }
        let mut rows = Rows::of(entered.slot().kept_rows(kept).unwrap_or_default());
        let mut values = BTreeSet::new();
        while rows.next()? {
            values.extend(rows.integer(column));
        }
        let found = values.contains(&value);
        self.0.push(((kept, column), values.into_iter().collect()));
        Ok(found)
    }
}

/// Rows come table by table; they are told in the order in which they were given.
fn arrange(entered: &Entered<'_>, Arrangement { rows, order }: Arrangement) -> Result<()> {
    let slot = entered.slot();
    let (Some(kept), Some(order)) = (slot.kept_rows(rows), slot.kept_rows(order)) else { return Ok(()) };
    // Each table's are together.
    let mut by_table: HashMap<i64, Rows> = HashMap::new();
    let mut given = Rows::of(Arc::clone(&kept));
    loop {
        let before = given.clone();
        if !given.next()? {
            break;
        }
        by_table
            .entry(given.width().checked_sub(1).and_then(|last| given.integer(last)).unwrap_or_default())
            .or_insert(before);
    }
    let mut arranged = RowStore::default();
    let mut order = Rows::of(order);
    while order.next()? {
        if let Some(next) = order.integer(0).and_then(|table| by_table.get_mut(&table))
            && next.next()?
        {
            arranged.push((0..next.width()).filter_map(|index| next.value(index)))?;
        }
    }
    if arranged.len() == kept.len() {
        slot.replace_rows(rows, arranged.sealed()?);
    }
    Ok(())
}

/// Runs a statement to its end; its rows, if they are to be kept.
fn rows_of(raw: &mut RawStatement, keeps: bool) -> Result<std::result::Result<RowStore, Code>> {
    let mut rows = RowStore::default();
    loop {
        match raw.step() {
            Ok(Step::Row) if keeps => rows.push((0..raw.column_count()).map(|index| raw.column(index)))?,
            Ok(Step::Row) => {}
            Ok(Step::Done) => return Ok(Ok(rows)),
            Err(code) => return Ok(Err(code)),
        }
    }
}
