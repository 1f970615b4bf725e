//! Changes of data row by row: what a step's query has found is changed one row after the other, with triggers before and
//! after.
//!
//! Owns: [`run`]. Must not know: how rows are found, SQL. The query is read to its end before the first row is changed, so
//! it sees none of what is changed. Specification: ExecInsert(), ExecUpdate() and ExecDelete() in nodeModifyTable.c.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use crate::catalog::schema::Relation;
use crate::catalog::trigger::Event;
use crate::engine::connection::Entered;
use crate::engine::constraint_errors::{Origin, with_failing_row};
use crate::engine::cursor::value_of;
use crate::engine::functions::InUse;
use crate::engine::key_checks;
use crate::engine::referential_actions;
use crate::engine::row_sql::{Row, RowStatements, Values};
use crate::engine::row_store::{RowStore, Rows};
use crate::engine::row_table::{EventTriggers, RowTable, moving_in_trigger};
use crate::engine::statement::Step;
use crate::engine::triggers::{self, Firing};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::sql::lower::{read_row, update_row};
use crate::sql::plan::ProgramStep;
use crate::sql::row_change::{RowAction, RowChange, RowCheck, RowLayout, RowSql};
use crate::sql::tree::CheckKind;
use crate::types::pg_type::Oid;
use crate::types::system_ids::FROZEN_TRANSACTION;
use crate::types::value::Value;

/// What keeping a value costs beside its text.
pub(crate) const VALUE: usize = std::mem::size_of::<Value>();

/// A view's row has no number.
const OF_VIEW: [Value; 2] = [Value::Null, Value::Null];

/// The relation of the statement among the tables that it changes.
const ROOT: usize = 0;

/// What a step has done.
#[derive(Default)]
pub(crate) struct Changed {
    /// Rows changed.
    pub(crate) count: u64,
    /// For RETURNING: each row as it has become, what was kept of other tables, its number and its xmax.
    pub(crate) rows: RowStore,
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
fn read(entered: &Entered<'_>, step: &ProgramStep, (params, literals): (&[Value], &[Value])) -> Result<RowStore> {
    let mut raw = entered.prepare(&step.sql).map_err(|code| entered.error(code))?;
    let binds = step.binds.iter().map(|bind| value_of(bind, params, literals).unwrap_or(&Value::Null));
    let rows = raw.borrowing(binds, |raw, bound| {
        bound.map_err(|code| entered.error(code))?;
        let mut rows = RowStore::default();
        loop {
            match raw.step() {
                Ok(Step::Row) => rows.push((0..raw.column_count()).map(|index| raw.column(index)))?,
                Ok(Step::Done) => return rows.sealed(),
                Err(code) => return Err(entered.error(code)),
            }
        }
    });
    entered.put_back(Arc::clone(&step.sql), raw);
    let rows = rows?;
    entered.slot().left_error()?;
    Ok(rows)
}

/// What is left of a [`Changer`] while something else runs.
struct Parts {
    tables: Vec<RowTable>,
    statements: RowStatements,
    changed: Changed,
    affected: HashSet<(usize, i64)>,
    expected: i64,
    disturbed: bool,
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
    /// The relation first, then those of its members that have been met.
    tables: Vec<RowTable>,
    params: &'a [Value],
    literals: &'a [Value],
    pub(crate) statements: RowStatements,
    pub(crate) changed: Changed,
    /// SQLite's count of changes after the last one of this command; and whether somebody else has changed anything
    /// meanwhile: then rows are looked at again before they are changed.
    expected: i64,
    disturbed: bool,
    using: Vec<InUse>,
    /// The rows, by table and number, that this command has inserted or updated, where ON CONFLICT DO UPDATE must not meet
    /// them.
    affected: HashSet<(usize, i64)>,
}

impl<'a> Changer<'a> {
    pub(crate) fn new(
        firing: &'a Firing<'a>,
        change: &'a RowChange,
        (params, literals): (&'a [Value], &'a [Value]),
    ) -> Result<Self> {
        let root = RowTable::of(firing, change, change.relation, None)?;
        Ok(Changer {
            firing,
            change,
            tables: vec![root],
            params,
            literals,
            statements: RowStatements::default(),
            changed: Changed::default(),
            expected: firing.entered.total_changes(),
            disturbed: false,
            using: vec![firing.entered.slot().use_relation(change.relation)],
            affected: HashSet::new(),
        })
    }

    fn resume(
        firing: &'a Firing<'a>,
        change: &'a RowChange,
        (params, literals): (&'a [Value], &'a [Value]),
        parts: Parts,
    ) -> Self {
        let Parts { tables, statements, changed, affected, expected, disturbed } = parts;
        let using = tables.iter().map(|table| firing.entered.slot().use_relation(table.relation.oid)).collect();
        Changer { firing, change, tables, params, literals, statements, changed, expected, disturbed, using, affected }
    }

    fn into_parts(self) -> Parts {
        let Changer { tables, statements, changed, affected, expected, disturbed, .. } = self;
        Parts { tables, statements, changed, affected, expected, disturbed }
    }

    fn table(&self, at: usize) -> Result<&RowTable> {
        self.tables.get(at).ok_or_else(|| Error::internal("a table that is not there"))
    }

    /// The place of a member among the tables.
    fn member(&mut self, oid: Oid) -> Result<usize> {
        if let Some(at) = self.tables.iter().position(|table| table.relation.oid == oid) {
            return Ok(at);
        }
        let root = Arc::clone(&self.table(ROOT)?.relation);
        let table = RowTable::of(self.firing, self.change, oid, Some(&root))?;
        self.tables.push(table);
        self.using.push(self.firing.entered.slot().use_relation(oid));
        Ok(self.tables.len() - 1)
    }

    /// The table that a new row of the relation belongs into.
    fn route(&mut self, new: &[Value]) -> Result<usize> {
        let change = self.change;
        let Some(route) = change.members.as_ref().and_then(|members| members.route.as_ref()) else { return Ok(ROOT) };
        let relation = Arc::clone(&self.table(ROOT)?.relation);
        let values = self.values(&relation, &[], new, None);
        let found = self.statements.first(self.firing, route, &values)?;
        match found.as_deref() {
            Some([Value::Integer(oid)]) => self.member(Oid(u32::try_from(*oid).unwrap_or_default())),
            _ => Err(Error::internal("a row without its partition")),
        }
    }

    /// Fires the triggers before the statement.
    pub(crate) fn begin(&self) -> Result<()> {
        begin(self.firing, self.change)
    }

    /// Those after it wait for its end.
    pub(crate) fn end(&self) -> Result<()> {
        let events = self.change.events.iter().rev();
        let triggers = &self.table(ROOT)?.triggers;
        events.into_iter().try_for_each(|(event, columns)| self.firing.end(triggers, (*event, columns)))
    }

    fn rows(&mut self, rows: RowStore) -> Result<()> {
        self.expected = self.firing.entered.total_changes();
        let mut rows = Rows::of(Arc::new(rows));
        while rows.next()? {
            self.row(rows.row())?;
        }
        Ok(())
    }

    /// One row of the query.
    pub(crate) fn row(&mut self, row: Vec<Value>) -> Result<()> {
        let RowLayout { table, rowid, action, old, others } = &self.change.layout;
        let action = match action.and_then(|place| row.get(place)) {
            None => self.change.actions.first(),
            Some(Value::Integer(number)) => {
                usize::try_from(*number - 1).ok().and_then(|place| self.change.actions.get(place))
            }
            Some(_) => None,
        };
        let Some(RowAction { event, values }) = action else { return Ok(()) };
        let Some(event) = event else { return Ok(()) };
        let width = self.table(ROOT)?.relation.columns.len();
        let rowid = rowid.and_then(|place| row.get(place)).cloned();
        let others = row.get(others.clone()).unwrap_or_default();
        if *event == Event::Insert {
            let mut new = vec![Value::Null; width];
            for (place, at) in values {
                if let (Some(slot), Some(value)) = (new.get_mut(*place), row.get(*at)) {
                    *slot = value.clone();
                }
            }
            let at = self.route(&new)?;
            let new = self.table(at)?.own_row(new);
            return self.insert(at, new, others);
        }
        let at = match table.and_then(|place| row.get(place)) {
            Some(Value::Integer(oid)) => self.member(Oid(u32::try_from(*oid).unwrap_or_default()))?,
            _ => ROOT,
        };
        let was = old.and_then(|first| row.get(first..first + width)).ok_or_else(|| Error::internal("no old row"))?;
        let was: Row = match &rowid {
            Some(rowid) if self.table(at)?.differs() => Arc::new(self.whole(at, rowid)?),
            _ => Arc::new(was.to_vec()),
        };
        if *event == Event::Delete {
            self.check(at, CheckKind::MergeDelete, &was, &[])?;
            return self.delete(at, rowid, was, others);
        }
        self.check(at, CheckKind::MergeUpdate, &was, &[])?;
        let mut new = was.to_vec();
        let mut places = Vec::with_capacity(values.len());
        for (place, given) in values {
            let own = self.table(at)?.own_place(*place);
            if let (Some(slot), Some(value)) = (new.get_mut(own), row.get(*given)) {
                *slot = value.clone();
            }
            places.push(own);
        }
        self.update(at, rowid, was, new, (places, true), others)
    }

    /// All columns of a row of a member, which has others than the relation.
    fn whole(&mut self, at: usize, rowid: &Value) -> Result<Vec<Value>> {
        let relation = Arc::clone(&self.table(at)?.relation);
        let query = self.again(at)?;
        let values = self.values(&relation, &[], &[], Some(rowid));
        let found = self.statements.first(self.firing, &query, &values)?;
        // It has gone meanwhile: whoever changes it finds that out.
        Ok(found.unwrap_or_else(|| vec![Value::Null; relation.columns.len()]))
    }

    /// The query of the row at hand as it is now.
    fn again(&mut self, at: usize) -> Result<RowSql> {
        let catalog = Arc::clone(&self.firing.catalog);
        let Some(table) = self.tables.get_mut(at) else { return Err(Error::internal("a table that is not there")) };
        if let Some(query) = &table.again {
            return Ok(query.clone());
        }
        let query = read_row(&table.relation, &catalog)?;
        table.again = Some(query.clone());
        Ok(query)
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
        (at, places): (usize, &[usize]),
        event: Event,
        old: Option<&Row>,
        mut new: Option<Vec<Value>>,
    ) -> Result<Option<Vec<Value>>> {
        let old = old.map(|row| row.as_slice());
        let triggers = Arc::clone(&self.table(at)?.triggers);
        for place in places {
            let which = (&*triggers, *place);
            if !self.firing.holds(which, (old, new.as_deref()), &mut self.statements)? {
                continue;
            }
            let Some(returned) = self.firing.call(which, event, (old, new.as_deref()))? else { return Ok(None) };
            if event != Event::Delete {
                if at != ROOT && event == Event::Insert && new.as_ref() != Some(&returned) {
                    self.check_stays((at, &triggers, *place), &returned)?;
                }
                new = Some(returned);
            }
        }
        Ok(Some(new.unwrap_or_default()))
    }

    /// 0A000 if a trigger that comes from a partitioned table has made a row of another partition of its row.
    fn check_stays(&mut self, (at, triggers, place): (usize, &triggers::Triggers, usize), new: &[Value]) -> Result<()> {
        let Some(trigger) = triggers.trigger(place) else { return Ok(()) };
        if self.firing.catalog.parent_trigger(&triggers.relation, trigger).is_none() {
            return Ok(());
        }
        let root_row = self.root_row(at, new)?;
        match self.route(&root_row) {
            Ok(there) if there == at => Ok(()),
            _ => Err(moving_in_trigger(&trigger.name, &self.table(at)?.relation)),
        }
    }

    /// A table's row as one of the relation.
    fn root_row(&self, at: usize, row: &[Value]) -> Result<Vec<Value>> {
        Ok(self.table(at)?.root_row(row))
    }

    fn before(&self, at: usize, event: Event) -> Result<Vec<usize>> {
        Ok(self.table(at)?.event(event).map(|triggers| triggers.before.clone()).unwrap_or_default())
    }

    fn instead(&self, event: Event) -> Result<Vec<usize>> {
        Ok(self.table(ROOT)?.event(event).map(|triggers| triggers.instead.clone()).unwrap_or_default())
    }

    // ----- INSERT

    fn insert(&mut self, at: usize, new: Vec<Value>, others: &[Value]) -> Result<()> {
        self.insert_as(at, new, others, (CheckKind::Insert, Event::Insert))
    }

    /// Inserts a row, which may be one that has left another partition: what is asked of it, and which event it is for
    /// transition tables.
    fn insert_as(
        &mut self,
        at: usize,
        new: Vec<Value>,
        others: &[Value],
        (kind, event): (CheckKind, Event),
    ) -> Result<()> {
        let before = self.before(at, Event::Insert)?;
        let Some(mut new) = self.fire((at, &before), Event::Insert, None, Some(new))? else { return Ok(()) };
        let Some(insert) = self.table(at)?.insert.clone() else {
            let instead = self.instead(Event::Insert)?;
            let Some(new) = self.fire((at, &instead), Event::Insert, None, Some(new))? else { return Ok(()) };
            self.changed.count += 1;
            return self.returned(at, &new, others, OF_VIEW);
        };
        self.check(at, kind, &[], &new)?;
        let relation = Arc::clone(&self.table(at)?.relation);
        let values = self.values(&relation, &[], &new, None);
        self.disturbed |= self.firing.entered.total_changes() != self.expected;
        let (generated, changes) = self.statements.run(self.firing, &insert, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 {
            return self.conflict(at, &new, others);
        }
        let rowid = self.firing.entered.last_rowid();
        if self.change.conflict.is_some() {
            self.affected.insert((at, rowid));
        }
        take_generated(&relation, &mut new, generated);
        self.check(at, CheckKind::View, &[], &new)?;
        self.changed.count += 1;
        self.returned(at, &new, others, [Value::Integer(rowid), Value::Integer(0)])?;
        self.after(at, (Event::Insert, event), None, Some(Arc::new(new)))
    }

    /// A row that ON CONFLICT is about.
    fn conflict(&mut self, at: usize, proposed: &[Value], others: &[Value]) -> Result<()> {
        let Some(conflict) = self.table(at)?.conflict.clone() else { return Ok(()) };
        let Some((query, places)) = &conflict.update else { return Ok(()) };
        let root = Arc::clone(&self.table(ROOT)?.relation);
        let proposed = self.root_row(at, proposed)?;
        let values = self.values(&root, &[], &proposed, None);
        let Some(found) = self.statements.first(self.firing, query, &values)? else { return Ok(()) };
        let width = root.columns.len();
        let (Some(rowid), Some(was)) = (found.first(), found.get(1..=width)) else { return Ok(()) };
        if let Value::Integer(number) = rowid
            && self.affected.contains(&(at, *number))
        {
            let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            return Err(Error::new(SqlState::CARDINALITY_VIOLATION, message).with_hint(
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
            ));
        }
        if found.last() != Some(&Value::Integer(1)) {
            return Ok(());
        }
        let table = self.table(at)?;
        let was = table.own_row(was.to_vec());
        let mut new = was.clone();
        let own: Vec<usize> = places.iter().map(|place| table.own_place(*place)).collect();
        for (place, value) in own.iter().zip(found.iter().skip(width + 1)) {
            if let Some(slot) = new.get_mut(*place) {
                *slot = value.clone();
            }
        }
        self.check(at, CheckKind::Conflict, &was, &[])?;
        if let Value::Integer(number) = rowid {
            self.affected.insert((at, *number));
        }
        self.update(at, Some(rowid.clone()), Arc::new(was), new, (own, false), others)
    }

    // ----- UPDATE

    /// Updates a row: the columns that are named, and whether it may go to another partition.
    fn update(
        &mut self,
        at: usize,
        rowid: Option<Value>,
        was: Row,
        new: Vec<Value>,
        (mut places, may_move): (Vec<usize>, bool),
        others: &[Value],
    ) -> Result<()> {
        let before = self.before(at, Event::Update)?;
        let planned = if before.is_empty() { Vec::new() } else { new.clone() };
        let Some(mut new) = self.fire((at, &before), Event::Update, Some(&was), Some(new))? else { return Ok(()) };
        let Some(rowid) = rowid else {
            let instead = self.instead(Event::Update)?;
            let Some(new) = self.fire((at, &instead), Event::Update, Some(&was), Some(new))? else { return Ok(()) };
            self.changed.count += 1;
            return self.returned(at, &new, others, OF_VIEW);
        };
        let relation = Arc::clone(&self.table(at)?.relation);
        for (place, (now, planned)) in new.iter().zip(&planned).enumerate() {
            let generated = relation.columns.get(place).is_some_and(|column| column.generated);
            if now != planned && !generated && !places.contains(&place) {
                places.push(place);
            }
        }
        places.sort_unstable();
        if self.change.members.as_ref().is_some_and(|members| members.route.is_some()) {
            let root_row = self.root_row(at, &new)?;
            let there = self.route(&root_row)?;
            if there != at {
                if !may_move {
                    let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid ON UPDATE specification");
                    let detail = "The result tuple would appear in a different partition than the original tuple.";
                    return Err(error.with_detail(detail));
                }
                return self.move_row((at, there), rowid, was, root_row, others);
            }
        }
        self.check(at, CheckKind::Update, &was, &new)?;
        self.check_undisturbed(at, &rowid, &was, "updated")?;
        let statement = self.update_statement(at, places)?;
        let values = self.values(&relation, &was, &new, Some(&rowid));
        let (generated, changes) = self.statements.run(self.firing, &statement, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 {
            return Err(modified_meanwhile("updated"));
        }
        take_generated(&relation, &mut new, generated);
        self.check(at, CheckKind::View, &was, &new)?;
        self.changed.count += 1;
        // Its own transaction has locked the row before it changes it.
        let locked = self.change.conflict.is_some() || !before.is_empty();
        let xmax = if locked { FROZEN_TRANSACTION } else { 0 };
        self.returned(at, &new, others, [rowid, Value::Integer(xmax)])?;
        self.after(at, (Event::Update, Event::Update), Some(was), Some(Arc::new(new)))
    }

    /// A row goes to another partition: it is deleted in the one and inserted into the other (ExecCrossPartitionUpdate).
    fn move_row(
        &mut self,
        (from, to): (usize, usize),
        rowid: Value,
        was: Row,
        new: Vec<Value>,
        others: &[Value],
    ) -> Result<()> {
        let before = self.before(from, Event::Delete)?;
        if self.fire((from, &before), Event::Delete, Some(&was), None)?.is_none() {
            return Ok(());
        }
        self.remove(from, &rowid, &was, "updated")?;
        let count = self.changed.count;
        let new = self.table(to)?.own_row(new);
        self.after(from, (Event::Delete, Event::Update), Some(Arc::clone(&was)), None)?;
        self.insert_as(to, new.clone(), others, (CheckKind::Update, Event::Update))?;
        if self.changed.count == count {
            return Ok(());
        }
        let (was, new) = (self.root_row(from, &was)?, self.root_row(to, &new)?);
        let root = self.table(ROOT)?;
        match root.event(Event::Update) {
            Some(found) => self.wait_for_keys(root, found, Event::Update, (Some(Arc::new(was)), Some(Arc::new(new)))),
            None => Ok(()),
        }
    }

    /// The UPDATE that sets these columns.
    fn update_statement(&self, at: usize, places: Vec<usize>) -> Result<RowSql> {
        let relation = &self.table(at)?.relation;
        let mut known = self.change.updates.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (relation.oid, places);
        if let Some(statement) = known.get(&key) {
            return Ok(statement.clone());
        }
        let made = update_row(relation, &key.1, &self.firing.catalog)?;
        known.insert(key, made.clone());
        Ok(made)
    }

    // ----- DELETE

    fn delete(&mut self, at: usize, rowid: Option<Value>, was: Row, others: &[Value]) -> Result<()> {
        let before = self.before(at, Event::Delete)?;
        if self.fire((at, &before), Event::Delete, Some(&was), None)?.is_none() {
            return Ok(());
        }
        let Some(rowid) = rowid.filter(|_| self.table(at).is_ok_and(|table| table.delete.is_some())) else {
            let instead = self.instead(Event::Delete)?;
            if self.fire((at, &instead), Event::Delete, Some(&was), None)?.is_none() {
                return Ok(());
            }
            self.changed.count += 1;
            return self.returned(at, &was, others, OF_VIEW);
        };
        self.remove(at, &rowid, &was, "deleted")?;
        self.changed.count += 1;
        self.returned(at, &was, others, [rowid, Value::Integer(0)])?;
        self.after(at, (Event::Delete, Event::Delete), Some(was), None)
    }

    /// Takes a row away.
    fn remove(&mut self, at: usize, rowid: &Value, was: &Row, what: &str) -> Result<()> {
        let Some(delete) = self.table(at)?.delete.clone() else { return Err(Error::internal("no DELETE of a row")) };
        self.check_undisturbed(at, rowid, was, what)?;
        let relation = Arc::clone(&self.table(at)?.relation);
        let values = self.values(&relation, was, &[], Some(rowid));
        let (_, changes) = self.statements.run(self.firing, &delete, &values)?;
        self.expected = self.firing.entered.total_changes();
        if changes == 0 { Err(modified_meanwhile(what)) } else { Ok(()) }
    }

    // ----- parts

    /// 27000 if triggers of this command have changed the row that it is about to change.
    fn check_undisturbed(&mut self, at: usize, rowid: &Value, was: &[Value], what: &str) -> Result<()> {
        self.disturbed |= self.firing.entered.total_changes() != self.expected;
        if !self.disturbed {
            return Ok(());
        }
        let relation = Arc::clone(&self.table(at)?.relation);
        let query = self.again(at)?;
        let what = if self.change.layout.action.is_some() { "updated or deleted" } else { what };
        let values = self.values(&relation, was, &[], Some(rowid));
        match self.statements.first(self.firing, &query, &values)?.as_deref() {
            Some(now) if now == was => Ok(()),
            _ => Err(modified_meanwhile(what)),
        }
    }

    /// WITH CHECK OPTION, and what row security asks of a row: of the row as it was, as it is going to be, or as it has
    /// become.
    fn check(&mut self, at: usize, kind: CheckKind, old: &[Value], new: &[Value]) -> Result<()> {
        let change = self.change;
        let mut asked = change.checks.iter().filter(|c| c.kind == kind).peekable();
        if asked.peek().is_none() {
            return Ok(());
        }
        let root = Arc::clone(&self.table(ROOT)?.relation);
        let (old, own) = (self.root_row(at, old)?, self.root_row(at, new)?);
        for RowCheck { refusal: (_, message), condition, .. } in asked {
            let values = self.values(&root, &old, &own, None);
            let found = self.statements.first(self.firing, condition, &values)?;
            if matches!(found.as_deref(), Some([Value::Integer(1)])) {
                continue;
            }
            if kind != CheckKind::View {
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message.clone()));
            }
            let error = Error::new(SqlState::WITH_CHECK_OPTION_VIOLATION, message.clone());
            return Err(with_failing_row(error, &root, &own, &self.firing.context));
        }
        Ok(())
    }

    /// Keeps a row for RETURNING, with its number, its xmax and its table.
    fn returned(&mut self, at: usize, row: &[Value], others: &[Value], system: [Value; 2]) -> Result<()> {
        if !self.change.returns {
            return Ok(());
        }
        let table = Value::Integer(self.table(at)?.relation.oid.0.into());
        let row = self.root_row(at, row)?;
        self.changed.rows.push(row.iter().chain(others).chain(&system).chain([&table]).map(Value::as_ref))
    }

    /// What foreign keys do, and ask, about a row waits for the statement's end.
    fn wait_for_keys(
        &self,
        table: &RowTable,
        found: &EventTriggers,
        event: Event,
        (old, new): (Option<Row>, Option<Row>),
    ) -> Result<()> {
        for (constraint, places) in &found.actions {
            if referential_actions::is_due(places, old.as_deref(), new.as_deref()) {
                self.firing.wait_for_action(&table.triggers, *constraint, event, (old.clone(), new.clone()))?;
            }
        }
        for check in found.checks.iter().filter(|check| key_checks::is_due(check, old.as_deref(), new.as_deref())) {
            let rows = old.iter().chain(&new).flat_map(|row| row.iter());
            memory::reserve(rows.map(|value| VALUE + value.as_ref().text_size()).sum())?;
            self.firing.wait_for_check(&table.triggers, check, event, (old.clone(), new.clone()))?;
        }
        Ok(())
    }

    /// AFTER triggers of the row wait for the statement's end. For transition tables a row that moves is one that is
    /// updated.
    fn after(
        &mut self,
        at: usize,
        (event, recorded): (Event, Event),
        old: Option<Row>,
        new: Option<Row>,
    ) -> Result<()> {
        let root = self.table(ROOT)?;
        let (keeps_old, keeps_new) = root.event(recorded).map(|found| found.records).unwrap_or_default();
        if keeps_old || keeps_new {
            let row = |row: &Option<Row>, keeps: bool| {
                row.as_ref().filter(|_| keeps).map(|row| self.root_row(at, row)).transpose()
            };
            let (old, new) = (row(&old, keeps_old)?, row(&new, keeps_new)?);
            self.firing.record(root.relation.oid, recorded, (old.as_deref(), new.as_deref()))?;
        }
        let table = self.table(at)?;
        let triggers = Arc::clone(&table.triggers);
        let Some(found) = table.event(event) else { return Ok(()) };
        // A row that goes to another partition is an updated one to those who refer to it.
        if event == recorded {
            self.wait_for_keys(table, found, event, (old.clone(), new.clone()))?;
        }
        if found.after.is_empty() {
            return Ok(());
        }
        let places = found.after.clone();
        let sizes = old.iter().chain(&new).flat_map(|row| row.iter());
        memory::reserve(sizes.map(|value| VALUE + value.as_ref().text_size()).sum())?;
        for place in places {
            let rows = (old.as_ref().map(|row| row.as_slice()), new.as_ref().map(|row| row.as_slice()));
            if self.firing.holds((&triggers, place), rows, &mut self.statements)? {
                self.firing.wait(&triggers, place, event, (old.clone(), new.clone()))?;
            }
        }
        Ok(())
    }
}

fn take_generated(relation: &Relation, new: &mut [Value], generated: Option<Vec<Value>>) {
    let slots = relation.columns.iter().zip(new).filter(|(column, _)| column.generated);
    slots.zip(generated.into_iter().flatten()).for_each(|((_, slot), value)| *slot = value);
}

/// A trigger of this command has changed or deleted the row that it was about to change.
fn modified_meanwhile(what: &str) -> Error {
    let message = format!("tuple to be {what} was already modified by an operation triggered by the current command");
    let hint = "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.";
    Error::new(SqlState::TRIGGERED_DATA_CHANGE_VIOLATION, message).with_hint(hint)
}
