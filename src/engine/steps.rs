//! Statements that are more than one of SQLite's: their steps, run before the last one.
//!
//! Owns: [`run`]. Must not know: what the steps are for (`sql::lower::program`). All of them are one statement: what is
//! due at its end is due after the last, and a failure of one is undone with the transaction or back to the savepoint, as
//! PostgreSQL's statement would be.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rusqlite::types::Value as Held;

use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{self, Origin};
use crate::engine::cursor::value_of;
use crate::engine::functions::KeptRow;
use crate::engine::row_change::{self, held};
use crate::engine::statement::{Code, RawStatement, Step};
use crate::engine::triggers::Firing;
use crate::error::Result;
use crate::limits::{memory, session as limits};
use crate::sql::plan::{Arrangement, Keep, KeptValue, ProgramStep};
use crate::types::value::Value;

/// What keeping a value costs beside its text.
const VALUE: usize = std::mem::size_of::<Held>();

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
        if step.only.is_some_and(|only| !seen.contains(entered, only)) {
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
            Keep::Rows => entered.slot().keep_rows(step.list, rows),
            Keep::Count => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                entered.slot().keep_rows(step.list, vec![vec![Held::Integer(count)]]);
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
) -> Result<(Vec<Vec<Held>>, u64)> {
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
    fn contains(&mut self, entered: &Entered<'_>, KeptValue { kept, column, value }: KeptValue) -> bool {
        if let Some((_, values)) = self.0.iter().find(|(place, _)| *place == (kept, column)) {
            return values.binary_search(&value).is_ok();
        }
        let rows = entered.slot().kept_rows(kept).unwrap_or_default();
        let mut values: Vec<i64> = rows.iter().filter_map(|row| integer(row.get(column))).collect();
        values.sort_unstable();
        values.dedup();
        let found = values.binary_search(&value).is_ok();
        self.0.push(((kept, column), values));
        found
    }
}

fn integer(value: Option<&Held>) -> Option<i64> {
    if let Some(Held::Integer(value)) = value { Some(*value) } else { None }
}

/// Rows come table by table; they are told in the order in which they were given.
fn arrange(entered: &Entered<'_>, Arrangement { rows, order }: Arrangement) -> Result<()> {
    let slot = entered.slot();
    let (Some(kept), Some(order)) = (slot.kept_rows(rows), slot.kept_rows(order)) else { return Ok(()) };
    let mut by_table: HashMap<i64, VecDeque<KeptRow>> = HashMap::new();
    for row in kept.iter() {
        limits::work(VALUE)?;
        by_table.entry(integer(row.last()).unwrap_or_default()).or_default().push_back(row.clone());
    }
    let next = |row: &KeptRow| by_table.get_mut(&integer(row.first())?)?.pop_front();
    let arranged: Vec<KeptRow> = order.iter().filter_map(next).collect();
    if arranged.len() == kept.len() {
        slot.replace_rows(rows, arranged);
    }
    Ok(())
}

/// Runs a statement to its end; its rows, if they are to be kept.
fn rows_of(raw: &mut RawStatement, keeps: bool) -> Result<std::result::Result<Vec<Vec<Held>>, Code>> {
    let mut rows = Vec::new();
    loop {
        match raw.step() {
            Ok(Step::Row) if keeps => {
                let width = raw.column_count();
                let size = (0..width).map(|index| VALUE + raw.column(index).text_size()).sum();
                limits::work(size)?;
                memory::reserve(size)?;
                rows.push((0..width).map(|index| held(raw.column(index))).collect());
            }
            Ok(Step::Row) => {}
            Ok(Step::Done) => return Ok(Ok(rows)),
            Err(code) => return Ok(Err(code)),
        }
    }
}
