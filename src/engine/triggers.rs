//! Firing triggers: which there are for an event, when they fire, calling their functions.
//!
//! Owns: [`Triggers`], the triggers of a relation made ready; [`Firing`], the statement during which they fire, with the
//! events that wait for its end; [`fire_deferred`]. Must not know: how rows are changed (`engine::row_change`), what
//! functions do. Specification: trigger.html, trigger.c.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use crate::catalog::composite::row_type_oid;
use crate::catalog::schema::{CatalogSnapshot, Relation};
use crate::catalog::trigger::{Event, Timing, Trigger};
use crate::engine::connection::Entered;
use crate::engine::constraint_errors::Origin;
use crate::engine::context::SharedContext;
use crate::engine::event_queue::{Awaited, EventQueue, Waiting};
use crate::engine::functions::{KeptRows, TransitionTable};
use crate::engine::key_checks::{self, KeyCheck};
use crate::engine::referential_actions;
use crate::engine::routines::call::{Caller, LeaseCell, call_trigger};
use crate::engine::routines::types;
use crate::engine::row_sql::{Row, RowStatements, Values};
use crate::engine::row_store::RowStore;
use crate::engine::trigger_functions;
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, stack};
use crate::plpgsql::call;
use crate::plpgsql::value::{Column, DataType, TypeKind};
use crate::sql::planner::PlanContext;
use crate::sql::row_change::RowSql;
use crate::sql::trigger::condition;
use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::value::Value;

/// The triggers of a relation, ready to fire.
#[derive(Debug)]
pub(crate) struct Triggers {
    pub(crate) relation: Arc<Relation>,
    pub(crate) columns: Arc<[Column]>,
    row_type: DataType,
    all: Vec<Ready>,
}

#[derive(Debug)]
struct Ready {
    trigger: Arc<Trigger>,
    condition: Option<RowSql>,
}

/// What a statement has done to a relation so far, where triggers ask for it.
#[derive(Default)]
struct Done {
    /// Triggers before the statement have fired.
    begun: bool,
    /// Rows for transition tables.
    old: RowStore,
    new: RowStore,
    /// They are complete: as triggers see them.
    tables: Option<(KeptRows, KeptRows)>,
}

/// What keeping an event costs beside its rows.
const WAITING: usize = std::mem::size_of::<Waiting>();

/// A statement during which triggers fire.
pub(crate) struct Firing<'a> {
    pub(crate) entered: &'a Entered<'a>,
    pub(crate) context: SharedContext,
    pub(crate) catalog: Arc<CatalogSnapshot>,
    pub(crate) origin: &'a Origin,
    replica: bool,
    queue: RefCell<EventQueue>,
    done: RefCell<HashMap<(Oid, Event), Done>>,
}

/// What is left of a [`Firing`] while something else runs.
pub(crate) struct Parts {
    context: SharedContext,
    catalog: Arc<CatalogSnapshot>,
    replica: bool,
    queue: EventQueue,
    done: HashMap<(Oid, Event), Done>,
}

impl Triggers {
    fn of(relation: &Arc<Relation>, catalog: &Arc<CatalogSnapshot>, context: &SharedContext) -> Result<Self> {
        let settings = context.lock().unwrap_or_else(PoisonError::into_inner).settings.clone();
        let planning =
            PlanContext { catalog, settings: &settings, user: "", database: "", may_use: &|_| true, security: None };
        let ready = |trigger: &Arc<Trigger>| {
            let condition = trigger.condition.as_deref().map(|text| condition(text, relation, planning)).transpose()?;
            Ok(Ready { trigger: Arc::clone(trigger), condition })
        };
        Ok(Triggers {
            relation: Arc::clone(relation),
            columns: relation
                .columns
                .iter()
                .map(|column| Column::new(&column.name, data_type(catalog, column)))
                .collect(),
            row_type: DataType {
                oid: row_type_oid(relation),
                typmod: -1,
                repr: Repr::scalar(Scalar::Record),
                kind: TypeKind::Composite,
            },
            all: relation.options.triggers.iter().map(ready).collect::<Result<_>>()?,
        })
    }

    /// The places of those that fire then, in their order.
    pub(crate) fn matching(
        &self,
        timing: Timing,
        for_each_row: bool,
        (event, updated): (Event, &[i16]),
        replica: bool,
    ) -> Vec<usize> {
        let fires = |ready: &Ready| {
            let trigger = &ready.trigger;
            trigger.timing == timing
                && trigger.for_each_row == for_each_row
                && trigger.fires_on(event)
                && trigger.enabled.fires(replica)
                && (event != Event::Update || trigger.columns.is_empty() || self.touches(&trigger.columns, updated))
        };
        (0..).zip(&self.all).filter(|(_, ready)| fires(ready)).map(|(place, _)| place).collect()
    }

    /// Whether an UPDATE of some columns is one of these: generated columns change with those they are made of.
    fn touches(&self, columns: &[i16], updated: &[i16]) -> bool {
        columns.iter().any(|number| {
            updated.contains(number)
                || self.relation.column_by_number(*number).is_some_and(|column| {
                    column.generated
                        && column
                            .options
                            .uses
                            .columns
                            .iter()
                            .any(|(oid, used)| *oid == self.relation.oid && updated.contains(used))
                })
        })
    }

    /// The trigger at a place.
    pub(crate) fn trigger(&self, place: usize) -> Option<&Arc<Trigger>> {
        self.all.get(place).map(|ready| &ready.trigger)
    }
}

fn data_type(catalog: &CatalogSnapshot, column: &crate::catalog::schema::Column) -> DataType {
    let unknown = DataType { oid: column.type_oid, typmod: column.typmod, repr: column.repr, kind: TypeKind::Base };
    types::data_type(catalog, column.type_oid, column.typmod).unwrap_or(unknown)
}

impl<'a> Firing<'a> {
    pub(crate) fn new(entered: &'a Entered<'a>, origin: &'a Origin) -> Self {
        let context = Arc::clone(origin.context());
        let (catalog, replica) = {
            let context = context.lock().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&context.catalog), context.settings.is_replica())
        };
        let catalog = entered.slot().linked().map_or(catalog, |(session, _)| session.catalog());
        Firing::resume(
            entered,
            origin,
            Parts { context, catalog, replica, queue: EventQueue::default(), done: HashMap::new() },
        )
    }

    /// The same statement goes on.
    pub(crate) fn resume(entered: &'a Entered<'a>, origin: &'a Origin, parts: Parts) -> Self {
        let Parts { context, catalog, replica, queue, done } = parts;
        let (queue, done) = (RefCell::new(queue), RefCell::new(done));
        Firing { entered, context, catalog, origin, replica, queue, done }
    }

    /// Something else runs before the statement goes on.
    pub(crate) fn into_parts(self) -> Parts {
        let Firing { context, catalog, replica, queue, done, .. } = self;
        Parts { context, catalog, replica, queue: queue.into_inner(), done: done.into_inner() }
    }

    /// The triggers of a relation.
    pub(crate) fn triggers(&self, relation: Oid) -> Result<Arc<Triggers>> {
        let slot = self.entered.slot();
        if let Some(known) = slot.known_triggers(self.catalog.version, relation) {
            return Ok(known);
        }
        let found = self.catalog.relations.get(&relation).ok_or_else(|| Error::internal("no such relation"))?;
        let made = Arc::new(Triggers::of(found, &self.catalog, &self.context)?);
        slot.know_triggers(self.catalog.version, Arc::clone(&made));
        Ok(made)
    }

    /// The triggers that fire then.
    pub(crate) fn matching(
        &self,
        triggers: &Triggers,
        timing: Timing,
        for_each_row: bool,
        event: (Event, &[i16]),
    ) -> Vec<usize> {
        triggers.matching(timing, for_each_row, event, self.replica)
    }

    /// Whether triggers that fire want transition tables: of old rows, of new ones.
    pub(crate) fn records(&self, triggers: &Triggers, event: (Event, &[i16])) -> (bool, bool) {
        let places = [true, false].map(|rows| self.matching(triggers, Timing::After, rows, event)).concat();
        let wants = |is_it: &dyn Fn(&Trigger) -> bool| {
            places.iter().filter_map(|place| triggers.trigger(*place)).any(|trigger| is_it(trigger))
        };
        (wants(&|trigger| trigger.old_table.is_some()), wants(&|trigger| trigger.new_table.is_some()))
    }

    /// Whether the trigger's condition is true.
    pub(crate) fn holds(
        &self,
        (triggers, place): (&Triggers, usize),
        (old, new): (Option<&[Value]>, Option<&[Value]>),
        statements: &mut RowStatements,
    ) -> Result<bool> {
        let Some(Ready { condition: Some(condition), .. }) = triggers.all.get(place) else { return Ok(true) };
        let values = Values {
            old: old.unwrap_or_default(),
            new: new.unwrap_or_default(),
            width: triggers.columns.len(),
            ..Values::default()
        };
        let found = statements.first(self, condition, &values)?;
        Ok(matches!(found.as_deref(), Some([Value::Integer(1)])))
    }

    /// Calls a trigger's function; what it returns, `None` for NULL.
    pub(crate) fn call(
        &self,
        (triggers, place): (&Triggers, usize),
        event: Event,
        (old, new): (Option<&[Value]>, Option<&[Value]>),
    ) -> Result<Option<Vec<Value>>> {
        stack::check()?;
        let Some(Ready { trigger, .. }) = triggers.all.get(place) else {
            return Err(Error::internal("a trigger that is not there"));
        };
        let called = call::Trigger {
            name: trigger.name.clone(),
            when: match trigger.timing {
                Timing::Before => call::TriggerWhen::Before,
                Timing::After => call::TriggerWhen::After,
                Timing::InsteadOf => call::TriggerWhen::InsteadOf,
            },
            operation: match event {
                Event::Insert => call::TriggerOperation::Insert,
                Event::Update => call::TriggerOperation::Update,
                Event::Delete => call::TriggerOperation::Delete,
                Event::Truncate => call::TriggerOperation::Truncate,
            },
            table: triggers.relation.oid,
            table_name: triggers.relation.name.clone(),
            schema_name: triggers.relation.schema.clone(),
            arguments: trigger.arguments.clone(),
            row_type: triggers.row_type,
            columns: Arc::clone(&triggers.columns),
            for_each_row: trigger.for_each_row,
            new: new.map(<[Value]>::to_vec),
            old: old.map(<[Value]>::to_vec),
        };
        let _deeper = self.entered.slot().enter_trigger(self.transition_tables(triggers, trigger, event)?);
        if let Some(function) = trigger_functions::built_in(trigger.function) {
            return function(called, self);
        }
        let Some(routine) = self.catalog.routines.get(&trigger.function) else {
            return Err(Error::unsupported("this trigger function"));
        };
        let mut called = called;
        if let (Timing::Before, Some(new)) = (trigger.timing, &mut called.new) {
            // They are computed when the row is written.
            let columns = triggers.relation.columns.iter().zip(new);
            columns.filter(|(column, _)| column.generated).for_each(|(_, value)| *value = Value::Null);
        }
        let (link, lease) = self.entered.slot().linked()?;
        call_trigger(&Caller { link, lease: LeaseCell::new(lease) }, routine, called)
    }

    /// Fires the triggers before a statement, once in a statement for each relation and event.
    pub(crate) fn begin(&self, triggers: &Arc<Triggers>, event: (Event, &[i16])) -> Result<()> {
        let key = (triggers.relation.oid, event.0);
        if std::mem::replace(&mut self.done.borrow_mut().entry(key).or_default().begun, true) {
            return Ok(());
        }
        let mut statements = RowStatements::default();
        let places = self.matching(triggers, Timing::Before, false, event);
        let outcome = places.into_iter().try_for_each(|place| {
            if !self.holds((triggers, place), (None, None), &mut statements)? {
                return Ok(());
            }
            match self.call((triggers, place), event.0, (None, None))? {
                None => Ok(()),
                Some(_) => {
                    let message = "BEFORE STATEMENT trigger cannot return a value";
                    Err(Error::new(SqlState::TRIGGER_PROTOCOL_VIOLATED, message))
                }
            }
        });
        statements.put_back(self.entered);
        outcome
    }

    /// The triggers after a statement wait for its end; those that wait already wait anew.
    pub(crate) fn end(&self, triggers: &Arc<Triggers>, event: (Event, &[i16])) -> Result<()> {
        let places = self.matching(triggers, Timing::After, false, event);
        if places.is_empty() {
            return Ok(());
        }
        for waiting in self.queue.borrow_mut().without_rows() {
            let Awaited::Trigger(place) = waiting.what else { continue };
            let is_statement = waiting.triggers.trigger(place).is_some_and(|trigger| !trigger.for_each_row);
            if is_statement && waiting.event == event.0 && waiting.triggers.relation.oid == triggers.relation.oid {
                waiting.what = Awaited::Nothing;
            }
        }
        let mut statements = RowStatements::default();
        let outcome = places.into_iter().try_for_each(|place| {
            match self.holds((triggers, place), (None, None), &mut statements)? {
                true => self.wait(triggers, place, event.0, (None, None)),
                false => Ok(()),
            }
        });
        statements.put_back(self.entered);
        outcome
    }

    /// An event waits.
    pub(crate) fn wait(
        &self,
        triggers: &Arc<Triggers>,
        place: usize,
        event: Event,
        (old, new): (Option<Row>, Option<Row>),
    ) -> Result<()> {
        memory::reserve(WAITING)?;
        let what = Awaited::Trigger(place);
        let waiting = Waiting { triggers: Arc::clone(triggers), what, event, old, new };
        let is_deferred = triggers.trigger(place).is_some_and(|trigger| self.origin.timing().defers(trigger));
        match is_deferred {
            true => self.entered.slot().linked()?.0.schema().deferred.push(waiting),
            false => self.queue.borrow_mut().push(waiting)?,
        }
        Ok(())
    }

    /// The action of a foreign key waits. It comes before other triggers after the row, as its name does in PostgreSQL.
    pub(crate) fn wait_for_action(
        &self,
        triggers: &Arc<Triggers>,
        constraint: Oid,
        event: Event,
        (old, new): (Option<Row>, Option<Row>),
    ) -> Result<()> {
        memory::reserve(WAITING)?;
        let what = Awaited::Action(constraint);
        self.queue.borrow_mut().push(Waiting { triggers: Arc::clone(triggers), what, event, old, new })
    }

    /// The check of a foreign key waits, for the end of the transaction if it is deferred.
    pub(crate) fn wait_for_check(
        &self,
        triggers: &Arc<Triggers>,
        check: &KeyCheck,
        event: Event,
        (old, new): (Option<Row>, Option<Row>),
    ) -> Result<()> {
        memory::reserve(WAITING)?;
        let what = Awaited::Key(check.constraint, check.of_referred);
        let waiting = Waiting { triggers: Arc::clone(triggers), what, event, old, new };
        match defers_key(&self.catalog, self.origin, &waiting) {
            true => self.entered.slot().linked()?.0.schema().deferred.push(waiting),
            false => self.queue.borrow_mut().push(waiting)?,
        }
        Ok(())
    }

    /// Keeps a row for the transition tables of an event: what it was, what it is.
    pub(crate) fn record(
        &self,
        relation: Oid,
        event: Event,
        (old, new): (Option<&[Value]>, Option<&[Value]>),
    ) -> Result<()> {
        let mut done = self.done.borrow_mut();
        let done = done.entry((relation, event)).or_default();
        for (row, rows) in [(old, &mut done.old), (new, &mut done.new)] {
            let Some(row) = row else { continue };
            rows.push(row.iter().map(Value::as_ref))?;
        }
        Ok(())
    }

    /// The transition tables that a trigger names.
    fn transition_tables(
        &self,
        triggers: &Triggers,
        trigger: &Trigger,
        event: Event,
    ) -> Result<Arc<[TransitionTable]>> {
        if trigger.old_table.is_none() && trigger.new_table.is_none() {
            return Ok(Arc::default());
        }
        let relation = triggers.relation.oid;
        let mut done = self.done.borrow_mut();
        let done = done.entry((relation, event)).or_default();
        let (old, new) = match &mut done.tables {
            Some(tables) => tables,
            tables => {
                let sealed = |rows: &mut RowStore| std::mem::take(rows).sealed().map(Arc::new);
                tables.insert((sealed(&mut done.old)?, sealed(&mut done.new)?))
            }
        };
        let named = [(&trigger.old_table, old), (&trigger.new_table, new)].into_iter();
        let named = named.filter_map(|(name, rows)| Some((name.clone()?, Arc::clone(rows))));
        Ok(named.map(|(name, rows)| TransitionTable { name, relation, rows }).collect())
    }

    /// The end of the statement: fires what waits for it, and what comes to wait while that fires.
    pub(crate) fn finish(&self) -> Result<()> {
        loop {
            let waiting = self.queue.borrow_mut().pop()?;
            let Some(waiting) = waiting else { return Ok(()) };
            // Foreign keys are checked before other triggers fire; those that act are not satisfied before they have.
            let is_action = matches!(waiting.what, Awaited::Action(_));
            if !is_action && self.entered.has_deferred_violations() && !self.queue.borrow().has_actions() {
                self.origin.check_loop(self.entered)?;
            }
            self.fire(&waiting)?;
        }
    }

    fn fire(&self, waiting: &Waiting) -> Result<()> {
        let rows = (waiting.old.as_deref().map(|r| &**r), waiting.new.as_deref().map(|r| &**r));
        match waiting.what {
            Awaited::Trigger(place) => self.call((&waiting.triggers, place), waiting.event, rows).map(drop),
            Awaited::Action(constraint) => {
                // The action is a trigger's in PostgreSQL, which pg_trigger_depth() counts.
                let _deeper = self.entered.slot().enter_trigger(Arc::default());
                referential_actions::act(self, (&waiting.triggers.relation, constraint), waiting.event, rows)
            }
            Awaited::Key(constraint, of_referred) => {
                let about = (&*waiting.triggers.relation, constraint, of_referred);
                key_checks::check(self, about, waiting.event, rows)
            }
            Awaited::Nothing => Ok(()),
        }
    }
}

/// Whether it is the check of a foreign key that is due at the end of the transaction. RESTRICT never waits.
fn defers_key(catalog: &CatalogSnapshot, origin: &Origin, waiting: &Waiting) -> bool {
    let Awaited::Key(constraint, of_referred) = waiting.what else { return false };
    let Some((_, constraint, key)) = key_checks::owner(catalog, constraint) else { return false };
    let action = if waiting.event == Event::Delete { key.on_delete } else { key.on_update };
    origin.timing().is_deferred(constraint) && !(of_referred && action == b'r')
}

/// Fires the triggers of TRUNCATE.
pub(crate) fn truncating(entered: &Entered<'_>, origin: &Origin, tables: &[Oid], timing: Timing) -> Result<()> {
    let firing = Firing::new(entered, origin);
    for table in tables {
        let triggers = firing.triggers(*table)?;
        match timing {
            Timing::Before => firing.begin(&triggers, (Event::Truncate, &[]))?,
            _ => firing.end(&triggers, (Event::Truncate, &[]))?,
        }
    }
    firing.finish()
}

/// Fires the events that have waited for the end of the transaction, or those that SET CONSTRAINTS makes due now.
pub(crate) fn fire_deferred(entered: &Entered<'_>, origin: &Origin, all: bool) -> Result<()> {
    let catalog = entered.slot().linked()?.0.catalog();
    let due = |waiting: &Waiting| {
        if matches!(waiting.what, Awaited::Key(..)) {
            return all || !defers_key(&catalog, origin, waiting);
        }
        let Awaited::Trigger(place) = waiting.what else { return true };
        let trigger = waiting.triggers.trigger(place);
        all || trigger.is_none_or(|trigger| !origin.timing().defers(trigger))
    };
    loop {
        let events: Vec<Waiting> = {
            let session = entered.slot().linked()?.0;
            let mut schema = session.schema();
            let (now, later) = std::mem::take(&mut schema.deferred).into_iter().partition(due);
            schema.deferred = later;
            now
        };
        if events.is_empty() {
            return Ok(());
        }
        let firing = Firing::new(entered, origin);
        events.iter().try_for_each(|waiting| firing.fire(waiting))?;
        firing.finish()?;
    }
}
