//! Changes of data row by row: what a step's query has found is changed one row after the other, with triggers before and
//! after.
//!
//! Owns: [`run`]. Must not know: how rows are found, SQL. The query is read to its end before the first row is changed, so
//! it sees none of what is changed. Specification: ExecInsert(), ExecUpdate() and ExecDelete() in nodeModifyTable.c.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use rusqlite::types::Value as Held;

use crate::catalog::schema::Relation;
use crate::catalog::trigger::{Event, Timing};
use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{Origin, with_failing_row};
use crate::engine::cursor::value_of;
use crate::engine::functions::InUse;
use crate::engine::referential_actions;
use crate::engine::row_sql::{Row, RowStatements, Values};
use crate::engine::statement::Step;
use crate::engine::triggers::{self, Firing, Triggers};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits};
use crate::sql::lower::{read_row, update_row};
use crate::sql::plan::ProgramStep;
use crate::sql::row_change::{RowAction, RowChange, RowCheck, RowLayout, RowSql};
use crate::sql::tree::CheckKind;
use crate::types::pg_type::Oid;
use crate::types::system_ids::FROZEN_TRANSACTION;
use crate::types::value::{Value, ValueRef};

/// What keeping a value costs beside its text.
pub(crate) const VALUE: usize = std::mem::size_of::<Value>();

/// A view's row has no number.
const OF_VIEW: [Value; 2] = [Value::Null, Value::Null];

/// What a step has done.
#[derive(Default)]
pub(crate) struct Changed {
    /// Rows changed.
    pub(crate) count: u64,
    /// For RETURNING: each row as it has become, what was kept of other tables, its number and its xmax.
    pub(crate) rows: Vec<Vec<Held>>,
}

/// Fires the triggers before the statement.
pub(crate) fn begin(firing: &Firing<'_>, change: &RowChange) -> Result<()> {
    let triggers = firing.triggers(change.relation)?;
    let mut events = change.events.iter();
    events.try_for_each(|(event, columns)| firing.begin(&triggers, (*event, columns)))
}

/// Changes the rows that the step's query gives.
pub(crate) fn run(
    firing: &Firing<'_>,
    step: &ProgramStep,
    change: &RowChange,
    (params, literals): (&[Value], &[Value]),
) -> Result<Changed> {
    let mut changer = Changer::new(firing, change, (params, literals))?;
    changer.begin()?;
    let outcome = read(firing.entered, step, (params, literals)).and_then(|rows| changer.rows(rows));
    changer.statements.put_back(firing.entered);
    outcome?;
    changer.end()?;
    Ok(changer.changed)
}

/// The rows of the query.
fn read(
    entered: &Entered<'_>,
    step: &ProgramStep,
    (params, literals): (&[Value], &[Value]),
) -> Result<Vec<Vec<Value>>> {
    let mut raw = entered.prepare(&step.sql).map_err(|code| entered.error(code))?;
    let binds = step.binds.iter().map(|bind| value_of(bind, params, literals).unwrap_or(&Value::Null));
    let rows = raw.borrowing(binds, |raw, bound| {
        bound.map_err(|code| entered.error(code))?;
        let mut rows = Vec::new();
        loop {
            match raw.step() {
                Ok(Step::Row) => {
                    let width = raw.column_count();
                    let size = (0..width).map(|index| VALUE + raw.column(index).text_size()).sum();
                    limits::work(size)?;
                    memory::reserve(size)?;
                    rows.push((0..width).map(|index| raw.column(index).to_owned()).collect());
                }
                Ok(Step::Done) => return Ok(rows),
                Err(code) => return Err(entered.error(code)),
            }
        }
    });
    entered.put_back(Arc::clone(&step.sql), raw);
    let rows = rows?;
    entered.slot().left_error()?;
    Ok(rows)
}

/// The triggers of an event.
struct EventTriggers {
    event: Event,
    before: Vec<usize>,
    after: Vec<usize>,
    instead: Vec<usize>,
    /// Rows are wanted for transition tables: as they were, as they are.
    records: (bool, bool),
    /// Foreign keys to the relation whose action is the server's, with the places of the columns they refer to.
    actions: Vec<(Oid, Vec<usize>)>,
}

/// What is left of a [`Changer`] while something else runs.
struct Parts {
    relation: Arc<Relation>,
    triggers: Arc<Triggers>,
    events: Vec<EventTriggers>,
    statements: RowStatements,
    changed: Changed,
    affected: HashSet<i64>,
    expected: i64,
    disturbed: bool,
    again: Option<RowSql>,
}

/// A change of rows that come one by one from elsewhere (COPY FROM).
pub(crate) struct RowLoop {
    step: ProgramStep,
    change: Arc<RowChange>,
    origin: Origin,
    parts: Option<(triggers::Parts, Parts)>,
}

impl RowLoop {
    /// Of a step whose query gives the row of the parameters.
    pub(crate) fn new(step: &ProgramStep, origin: Origin) -> Option<Self> {
        let change = Arc::clone(step.change.as_ref()?);
        Some(RowLoop { step: step.clone(), change, origin, parts: None })
    }

    /// Fires what fires before the statement.
    pub(crate) fn begin(&mut self, entered: &Entered<'_>) -> Result<()> {
        self.with(entered, (&[], &[]), |changer| changer.begin())
    }

    /// One row; whether it was changed.
    pub(crate) fn row(&mut self, entered: &Entered<'_>, values: (&[Value], &[Value])) -> Result<u64> {
        let rows = read(entered, &self.step, values)?;
        self.with(entered, values, |changer| {
            let before = changer.changed.count;
            changer.rows(rows)?;
            Ok(changer.changed.count - before)
        })
    }

    /// Fires what fires at its end.
    pub(crate) fn end(&mut self, entered: &Entered<'_>) -> Result<()> {
        self.with(entered, (&[], &[]), |changer| {
            changer.statements.put_back(entered);
            changer.end()?;
            changer.firing.finish()
        })
    }

    fn with<T>(
        &mut self,
        entered: &Entered<'_>,
        values: (&[Value], &[Value]),
        body: impl FnOnce(&mut Changer<'_>) -> Result<T>,
    ) -> Result<T> {
        let unchecked = self.origin.is_unchecked();
        if unchecked {
            entered.set_foreign_keys(false)?;
        }
        let (firing, parts) = match self.parts.take() {
            None => (Firing::new(entered, &self.origin), None),
            Some((firing, parts)) => (Firing::resume(entered, &self.origin, firing), Some(parts)),
        };
        let outcome = match parts {
            None => Changer::new(&firing, &self.change, values),
            Some(parts) => Ok(Changer::resume(&firing, &self.change, values, parts)),
        };
        let outcome = outcome.and_then(|mut changer| {
            let outcome = body(&mut changer);
            let parts = changer.into_parts();
            outcome.map(|given| (given, parts))
        });
        if unchecked {
            entered.set_foreign_keys(true)?;
        }
        let (given, parts) = outcome?;
        self.parts = Some((firing.into_parts(), parts));
        Ok(given)
    }
}

/// A change of rows under way.
pub(crate) struct Changer<'a> {
    firing: &'a Firing<'a>,
    change: &'a RowChange,
    relation: Arc<Relation>,
    triggers: Arc<Triggers>,
    events: Vec<EventTriggers>,
    params: &'a [Value],
    literals: &'a [Value],
    pub(crate) statements: RowStatements,
    pub(crate) changed: Changed,
    /// SQLite's count of changes after the last one of this command; and whether somebody else has changed anything
    /// meanwhile: then rows are looked at again before they are changed.
    expected: i64,
    disturbed: bool,
    again: Option<RowSql>,
    _using: InUse,
    /// The numbers of the rows that this command has inserted or updated, where ON CONFLICT DO UPDATE must not meet them.
    affected: HashSet<i64>,
}

impl<'a> Changer<'a> {
    pub(crate) fn new(
        firing: &'a Firing<'a>,
        change: &'a RowChange,
        (params, literals): (&'a [Value], &'a [Value]),
    ) -> Result<Self> {
        let triggers = firing.triggers(change.relation)?;
        let unchecked = firing.origin.with_row_of(Some(change.relation)).is_unchecked();
        let of_event = |(event, columns): &(Event, Vec<i16>)| {
            let matching = |timing| firing.matching(&triggers, timing, true, (*event, columns));
            EventTriggers {
                event: *event,
                before: matching(Timing::Before),
                after: matching(Timing::After),
                instead: matching(Timing::InsteadOf),
                records: firing.records(&triggers, (*event, columns)),
                actions: if unchecked {
                    Vec::new()
                } else {
                    referential_actions::of(&firing.catalog, &triggers.relation, *event)
                },
            }
        };
        Ok(Changer {
            firing,
            change,
            relation: Arc::clone(&triggers.relation),
            events: change.events.iter().map(of_event).collect(),
            triggers,
            params,
            literals,
            statements: RowStatements::default(),
            changed: Changed::default(),
            expected: firing.entered.total_changes(),
            disturbed: false,
            again: None,
            _using: firing.entered.slot().use_relation(change.relation),
            affected: HashSet::new(),
        })
    }

    fn resume(
        firing: &'a Firing<'a>,
        change: &'a RowChange,
        (params, literals): (&'a [Value], &'a [Value]),
        parts: Parts,
    ) -> Self {
        let Parts { relation, triggers, events, statements, changed, affected, expected, disturbed, again } = parts;
        Changer {
            firing,
            change,
            relation,
            triggers,
            events,
            params,
            literals,
            statements,
            changed,
            expected,
            disturbed,
            again,
            _using: firing.entered.slot().use_relation(change.relation),
            affected,
        }
    }

    fn into_parts(self) -> Parts {
        let Changer { relation, triggers, events, statements, changed, affected, expected, disturbed, again, .. } =
            self;
        Parts { relation, triggers, events, statements, changed, affected, expected, disturbed, again }
    }

    /// Fires the triggers before the statement.
    pub(crate) fn begin(&self) -> Result<()> {
        begin(self.firing, self.change)
    }

    /// Those after it wait for its end.
    pub(crate) fn end(&self) -> Result<()> {
        let events = self.change.events.iter().rev();
        events.into_iter().try_for_each(|(event, columns)| self.firing.end(&self.triggers, (*event, columns)))
    }

    fn rows(&mut self, rows: Vec<Vec<Value>>) -> Result<()> {
        self.expected = self.firing.entered.total_changes();
        rows.into_iter().try_for_each(|row| self.row(row))
    }

    /// One row of the query.
    pub(crate) fn row(&mut self, row: Vec<Value>) -> Result<()> {
        let RowLayout { rowid, action, old, others } = &self.change.layout;
        let action = match action.and_then(|place| row.get(place)) {
            None => self.change.actions.first(),
            Some(Value::Integer(number)) => {
                usize::try_from(*number - 1).ok().and_then(|place| self.change.actions.get(place))
            }
            Some(_) => None,
        };
        let Some(RowAction { event, values }) = action else { return Ok(()) };
        let width = self.relation.columns.len();
        let was: Option<Row> = old.and_then(|first| row.get(first..first + width)).map(|was| Arc::new(was.to_vec()));
        let rowid = rowid.and_then(|place| row.get(place)).cloned();
        let others = row.get(others.clone()).unwrap_or_default();
        let given = |values: &[(usize, usize)], into: &mut Vec<Value>| {
            for (place, at) in values {
                if let (Some(slot), Some(value)) = (into.get_mut(*place), row.get(*at)) {
                    *slot = value.clone();
                }
            }
        };
        match (event, was) {
            (None, _) => Ok(()),
            (Some(Event::Insert), _) => {
                let mut new = vec![Value::Null; width];
                given(values, &mut new);
                self.insert(new, others)
            }
            (Some(Event::Update), Some(was)) => {
                self.check(CheckKind::MergeUpdate, &was, &[])?;
                let mut new = was.to_vec();
                given(values, &mut new);
                let places: Vec<usize> = values.iter().map(|(place, _)| *place).collect();
                self.update(rowid, was, new, places, others)
            }
            (Some(Event::Delete), Some(was)) => {
                self.check(CheckKind::MergeDelete, &was, &[])?;
                self.delete(rowid, was, others)
            }
            (Some(_), _) => Err(Error::internal("a row that is not there")),
        }
    }

    fn event(&self, event: Event) -> Option<&EventTriggers> {
        self.events.iter().find(|known| known.event == event)
    }

    fn values<'v>(
        &self,
        relation: &'v Relation,
        old: &'v [Value],
        new: &'v [Value],
        rowid: Option<&'v Value>,
    ) -> Values<'v>
    where
        'a: 'v,
    {
        let (params, literals) = (self.params, self.literals);
        Values { old, new, rowid, relation: Some(relation), width: relation.columns.len(), params, literals }
    }

    /// BEFORE or INSTEAD OF triggers of a row: the new row as they have made it (the old one of a DELETE); `None` if one
    /// of them says that nothing is to be done.
    fn fire(
        &mut self,
        places: &[usize],
        event: Event,
        old: Option<&Row>,
        mut new: Option<Vec<Value>>,
    ) -> Result<Option<Vec<Value>>> {
        let old = old.map(|row| row.as_slice());
        for place in places {
            let which = (&*self.triggers, *place);
            if !self.firing.holds(which, (old, new.as_deref()), &mut self.statements)? {
                continue;
            }
            let Some(returned) = self.firing.call(which, event, (old, new.as_deref()))? else { return Ok(None) };
            if event != Event::Delete {
                new = Some(returned);
            }
        }
        Ok(Some(new.unwrap_or_default()))
    }

    fn before(&self, event: Event) -> Vec<usize> {
        self.event(event).map(|triggers| triggers.before.clone()).unwrap_or_default()
    }

    fn instead(&self, event: Event) -> Vec<usize> {
        self.event(event).map(|triggers| triggers.instead.clone()).unwrap_or_default()
    }

    // ----- INSERT

    fn insert(&mut self, new: Vec<Value>, others: &[Value]) -> Result<()> {
        let before = self.before(Event::Insert);
        let Some(mut new) = self.fire(&before, Event::Insert, None, Some(new))? else { return Ok(()) };
        let Some(insert) = &self.change.insert else {
            let instead = self.instead(Event::Insert);
            let Some(new) = self.fire(&instead, Event::Insert, None, Some(new))? else { return Ok(()) };
            self.changed.count += 1;
            return self.returned(&new, others, OF_VIEW);
        };
        self.check(CheckKind::Insert, &[], &new)?;
        let relation = Arc::clone(&self.relation);
        let values = self.values(&relation, &[], &new, None);
        self.disturbed |= self.firing.entered.total_changes() != self.expected;
        let (generated, changes) = self.statements.run(self.firing, insert, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 {
            return self.conflict(&new, others);
        }
        let rowid = self.firing.entered.last_rowid();
        if self.change.conflict.is_some() {
            self.affected.insert(rowid);
        }
        self.take_generated(&mut new, generated);
        self.check(CheckKind::View, &[], &new)?;
        self.changed.count += 1;
        self.returned(&new, others, [Value::Integer(rowid), Value::Integer(0)])?;
        self.after(Event::Insert, None, Some(Arc::new(new)))
    }

    /// A row that ON CONFLICT is about.
    fn conflict(&mut self, proposed: &[Value], others: &[Value]) -> Result<()> {
        let change = self.change;
        let Some((query, places)) = change.conflict.as_ref().and_then(|conflict| conflict.update.as_ref()) else {
            return Ok(());
        };
        let relation = Arc::clone(&self.relation);
        let values = self.values(&relation, &[], proposed, None);
        let Some(found) = self.statements.first(self.firing, query, &values)? else { return Ok(()) };
        let width = self.relation.columns.len();
        let (Some(rowid), Some(was)) = (found.first(), found.get(1..=width)) else { return Ok(()) };
        if let Value::Integer(number) = rowid
            && self.affected.contains(number)
        {
            let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message).with_hint(
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
            ));
        }
        if found.last() != Some(&Value::Integer(1)) {
            return Ok(());
        }
        self.check(CheckKind::Conflict, was, &[])?;
        let mut new = was.to_vec();
        for (place, value) in places.iter().zip(found.iter().skip(width + 1)) {
            if let Some(slot) = new.get_mut(*place) {
                *slot = value.clone();
            }
        }
        if let Value::Integer(number) = rowid {
            self.affected.insert(*number);
        }
        self.update(Some(rowid.clone()), Arc::new(was.to_vec()), new, places.clone(), others)
    }

    // ----- UPDATE

    fn update(
        &mut self,
        rowid: Option<Value>,
        was: Row,
        new: Vec<Value>,
        mut places: Vec<usize>,
        others: &[Value],
    ) -> Result<()> {
        let before = self.before(Event::Update);
        let planned = if before.is_empty() { Vec::new() } else { new.clone() };
        let Some(mut new) = self.fire(&before, Event::Update, Some(&was), Some(new))? else { return Ok(()) };
        let Some(rowid) = rowid else {
            let instead = self.instead(Event::Update);
            let Some(new) = self.fire(&instead, Event::Update, Some(&was), Some(new))? else { return Ok(()) };
            self.changed.count += 1;
            return self.returned(&new, others, OF_VIEW);
        };
        for (place, (now, planned)) in new.iter().zip(&planned).enumerate() {
            let generated = self.relation.columns.get(place).is_some_and(|column| column.generated);
            if now != planned && !generated && !places.contains(&place) {
                places.push(place);
            }
        }
        places.sort_unstable();
        self.check(CheckKind::Update, &was, &new)?;
        self.check_undisturbed(&rowid, &was, "updated")?;
        let statement = self.update_statement(places)?;
        let relation = Arc::clone(&self.relation);
        let values = self.values(&relation, &was, &new, Some(&rowid));
        let (generated, changes) = self.statements.run(self.firing, &statement, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 {
            return Err(modified_meanwhile("updated"));
        }
        self.take_generated(&mut new, generated);
        self.check(CheckKind::View, &was, &new)?;
        self.changed.count += 1;
        // Its own transaction has locked the row before it changes it.
        let locked = self.change.conflict.is_some() || !before.is_empty();
        let xmax = if locked { FROZEN_TRANSACTION } else { 0 };
        self.returned(&new, others, [rowid, Value::Integer(xmax)])?;
        self.after(Event::Update, Some(was), Some(Arc::new(new)))
    }

    /// The UPDATE that sets these columns.
    fn update_statement(&self, places: Vec<usize>) -> Result<RowSql> {
        let mut known = self.change.updates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known.get(&places) {
            return Ok(statement.clone());
        }
        let made = update_row(&self.relation, &places, &self.firing.catalog)?;
        known.insert(places, made.clone());
        Ok(made)
    }

    // ----- DELETE

    fn delete(&mut self, rowid: Option<Value>, was: Row, others: &[Value]) -> Result<()> {
        let before = self.before(Event::Delete);
        if self.fire(&before, Event::Delete, Some(&was), None)?.is_none() {
            return Ok(());
        }
        let (Some(delete), Some(rowid)) = (&self.change.delete, rowid) else {
            let instead = self.instead(Event::Delete);
            if self.fire(&instead, Event::Delete, Some(&was), None)?.is_none() {
                return Ok(());
            }
            self.changed.count += 1;
            return self.returned(&was, others, OF_VIEW);
        };
        self.check_undisturbed(&rowid, &was, "deleted")?;
        let relation = Arc::clone(&self.relation);
        let values = self.values(&relation, &was, &[], Some(&rowid));
        let (_, changes) = self.statements.run(self.firing, delete, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 {
            return Err(modified_meanwhile("deleted"));
        }
        self.changed.count += 1;
        self.returned(&was, others, [rowid, Value::Integer(0)])?;
        self.after(Event::Delete, Some(was), None)
    }

    // ----- parts

    /// 27000 if triggers of this command have changed the row that it is about to change.
    fn check_undisturbed(&mut self, rowid: &Value, was: &[Value], what: &str) -> Result<()> {
        self.disturbed |= self.firing.entered.total_changes() != self.expected;
        if !self.disturbed {
            return Ok(());
        }
        let relation = Arc::clone(&self.relation);
        let query = match self.again.take() {
            Some(query) => query,
            None => read_row(&relation, &self.firing.catalog)?,
        };
        let what = if self.change.layout.action.is_some() { "updated or deleted" } else { what };
        let values = self.values(&relation, was, &[], Some(rowid));
        let found = self.statements.first(self.firing, &query, &values);
        self.again = Some(query);
        match found?.as_deref() {
            Some(now) if now == was => Ok(()),
            _ => Err(modified_meanwhile(what)),
        }
    }

    fn take_generated(&self, new: &mut [Value], generated: Option<Vec<Value>>) {
        let slots = self.relation.columns.iter().zip(new).filter(|(column, _)| column.generated);
        slots.zip(generated.into_iter().flatten()).for_each(|((_, slot), value)| *slot = value);
    }

    /// WITH CHECK OPTION, and what row security asks of a row: of the row as it was, as it is going to be, or as it has
    /// become.
    fn check(&mut self, kind: CheckKind, old: &[Value], new: &[Value]) -> Result<()> {
        let (change, relation) = (self.change, Arc::clone(&self.relation));
        for RowCheck { refusal: (_, message), condition, .. } in change.checks.iter().filter(|c| c.kind == kind) {
            let values = self.values(&relation, old, new, None);
            let found = self.statements.first(self.firing, condition, &values)?;
            if matches!(found.as_deref(), Some([Value::Integer(1)])) {
                continue;
            }
            if kind != CheckKind::View {
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message.clone()));
            }
            let error = Error::new(SqlState::WITH_CHECK_OPTION_VIOLATION, message.clone());
            return Err(with_failing_row(error, &self.relation, new, &self.firing.context));
        }
        Ok(())
    }

    /// Keeps a row for RETURNING, with its number and its xmax.
    fn returned(&mut self, row: &[Value], others: &[Value], system: [Value; 2]) -> Result<()> {
        if !self.change.returns {
            return Ok(());
        }
        let values = || row.iter().chain(others).chain(&system);
        let size = values().map(|value| VALUE + value.as_ref().text_size()).sum();
        memory::reserve(size)?;
        self.changed.rows.push(values().map(|value| held(value.as_ref())).collect());
        Ok(())
    }

    /// AFTER triggers of the row wait for the statement's end.
    fn after(&mut self, event: Event, old: Option<Row>, new: Option<Row>) -> Result<()> {
        let Some(found) = self.events.iter().find(|known| known.event == event) else { return Ok(()) };
        let (keeps_old, keeps_new) = found.records;
        if keeps_old || keeps_new {
            let old = old.as_ref().map(|row| row.as_slice()).filter(|_| keeps_old);
            let new = new.as_ref().map(|row| row.as_slice()).filter(|_| keeps_new);
            self.firing.record(self.relation.oid, event, (old, new))?;
        }
        for (constraint, places) in &found.actions {
            if referential_actions::is_due(places, old.as_deref(), new.as_deref()) {
                self.firing.wait_for_action(&self.triggers, *constraint, event, (old.clone(), new.clone()))?;
            }
        }
        if found.after.is_empty() {
            return Ok(());
        }
        let places = found.after.clone();
        let sizes = old.iter().chain(&new).flat_map(|row| row.iter());
        memory::reserve(sizes.map(|value| VALUE + value.as_ref().text_size()).sum())?;
        for place in places {
            let rows = (old.as_ref().map(|row| row.as_slice()), new.as_ref().map(|row| row.as_slice()));
            if self.firing.holds((&self.triggers, place), rows, &mut self.statements)? {
                self.firing.wait(&self.triggers, place, event, (old.clone(), new.clone()))?;
            }
        }
        Ok(())
    }
}

/// A trigger of this command has changed or deleted the row that it was about to change.
fn modified_meanwhile(what: &str) -> Error {
    let message = format!("tuple to be {what} was already modified by an operation triggered by the current command");
    let hint = "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.";
    Error::new(SqlState::TRIGGERED_DATA_CHANGE_VIOLATION, message).with_hint(hint)
}

pub(crate) fn held(value: ValueRef<'_>) -> Held {
    match value {
        ValueRef::Null => Held::Null,
        ValueRef::Integer(value) => Held::Integer(value),
        ValueRef::Real(value) => Held::Real(value),
        ValueRef::Text(text) => Held::Text(text.to_owned()),
        ValueRef::Blob(bytes) => Held::Blob(bytes.to_owned()),
    }
}
