//! One of the tables whose rows a change of rows changes: the relation of the statement, or one of its members.
//!
//! Owns: [`RowTable`]: its triggers, its statements, and the way between its rows and the relation's. Must not know: what
//! becomes of rows (`engine::row_change`). Specification: ResultRelInfo, ExecGetChildToRootMap() in execUtils.c.

use std::sync::Arc;

use crate::catalog::schema::Relation;
use crate::catalog::trigger::{Event, Timing};
use crate::engine::key_checks::{self, KeyCheck};
use crate::engine::referential_actions;
use crate::engine::triggers::{Firing, Triggers};
use crate::error::{Error, Result, SqlState};
use crate::sql::lower::{delete_row, insert_row};
use crate::sql::row_change::{RowChange, RowConflict, RowSql};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

/// The triggers of an event.
pub(crate) struct EventTriggers {
    event: Event,
    pub(crate) before: Vec<usize>,
    pub(crate) after: Vec<usize>,
    pub(crate) instead: Vec<usize>,
    /// Rows are wanted for transition tables: as they were, as they are.
    pub(crate) records: (bool, bool),
    /// Foreign keys to the table whose action is the server's, with the places of the columns they refer to.
    pub(crate) actions: Vec<(Oid, Vec<usize>)>,
    /// Foreign keys that SQLite does not check.
    pub(crate) checks: Vec<KeyCheck>,
}

pub(crate) struct RowTable {
    pub(crate) relation: Arc<Relation>,
    pub(crate) triggers: Arc<Triggers>,
    events: Vec<EventTriggers>,
    /// The INSERT of one row, the DELETE of one; of a view there are none.
    pub(crate) insert: Option<RowSql>,
    pub(crate) delete: Option<RowSql>,
    pub(crate) conflict: Option<RowConflict>,
    /// See `Changer::again`.
    pub(crate) again: Option<RowSql>,
    /// Where the relation's columns stand among a member's, unless they are the same.
    places: Option<Vec<usize>>,
}

impl RowTable {
    /// Of the relation itself, or of a member of it.
    pub(crate) fn of(firing: &Firing<'_>, change: &RowChange, oid: Oid, root: Option<&Relation>) -> Result<Self> {
        let triggers = firing.triggers(oid)?;
        let relation = Arc::clone(&triggers.relation);
        let unchecked = firing.origin.with_row_of(Some(oid)).is_unchecked();
        let mut places = None;
        if let Some(root) = root {
            let own = |name: &str| relation.columns.iter().position(|column| column.name == name);
            let found: Vec<usize> = root.columns.iter().filter_map(|column| own(&column.name)).collect();
            let same = found.len() == relation.columns.len() && found.iter().enumerate().all(|(n, place)| n == *place);
            places = (!same).then_some(found);
        }
        let mut events: Vec<EventTriggers> = Vec::with_capacity(change.events.len());
        let mut add = |event: Event, columns: &[i16]| {
            let columns = match root {
                None => columns.to_vec(),
                Some(root) => own_numbers(root, &relation, columns),
            };
            let matching = |timing| firing.matching(&triggers, timing, true, (event, &columns));
            events.push(EventTriggers {
                event,
                before: matching(Timing::Before),
                after: matching(Timing::After),
                instead: matching(Timing::InsteadOf),
                records: firing.records(&triggers, (event, &columns)),
                actions: match unchecked {
                    true => Vec::new(),
                    false => referential_actions::of(&firing.catalog, &relation, event),
                },
                checks: match unchecked {
                    true => Vec::new(),
                    false => key_checks::of(&firing.catalog, &relation, event),
                },
            });
        };
        change.events.iter().for_each(|(event, columns)| add(*event, columns));
        let routes = change.members.as_ref().is_some_and(|members| members.route.is_some());
        // A row that goes to another partition is deleted here, and inserted there.
        for event in [Event::Delete, Event::Insert] {
            if routes && change.has(Event::Update) && !change.has(event) {
                add(event, &[]);
            }
        }
        let arbiter = change.members.as_ref().and_then(|members| members.arbiters.get(&oid));
        let (insert, delete, conflict) = match (root, arbiter, &change.members) {
            (_, Some((insert, conflict)), _) => (Some(insert.clone()), None, Some(conflict.clone())),
            (None, None, None) => (change.insert.clone(), change.delete.clone(), change.conflict.clone()),
            _ => {
                let catalog = &firing.catalog;
                (Some(insert_row(&relation, catalog)?), Some(delete_row(&relation, catalog)?), None)
            }
        };
        Ok(RowTable { relation, triggers, events, insert, delete, conflict, again: None, places })
    }

    pub(crate) fn event(&self, event: Event) -> Option<&EventTriggers> {
        self.events.iter().find(|known| known.event == event)
    }

    /// Whether it has other columns than the relation, or in another order.
    pub(crate) fn differs(&self) -> bool {
        self.places.is_some()
    }

    /// The place here of a column of the relation.
    pub(crate) fn own_place(&self, place: usize) -> usize {
        self.places.as_ref().map_or(place, |places| places.get(place).copied().unwrap_or(usize::MAX))
    }

    /// A row of the relation as one of this table.
    pub(crate) fn own_row(&self, row: Vec<Value>) -> Vec<Value> {
        let Some(places) = &self.places else { return row };
        let mut own = vec![Value::Null; self.relation.columns.len()];
        for (place, value) in places.iter().zip(row) {
            if let Some(slot) = own.get_mut(*place) {
                *slot = value;
            }
        }
        own
    }

    /// A row of this table as one of the relation; none stays none.
    pub(crate) fn root_row(&self, row: &[Value]) -> Vec<Value> {
        match &self.places {
            Some(places) if !row.is_empty() => {
                places.iter().map(|place| row.get(*place).cloned().unwrap_or(Value::Null)).collect()
            }
            _ => row.to_vec(),
        }
    }
}

/// The numbers that columns have in a member.
fn own_numbers(root: &Relation, member: &Relation, columns: &[i16]) -> Vec<i16> {
    let own = |number: &i16| member.column(&root.column_by_number(*number)?.name).map(|column| column.number);
    columns.iter().filter_map(own).collect()
}

/// A trigger of a partitioned table has made a row of another partition.
pub(crate) fn moving_in_trigger(trigger: &str, table: &Relation) -> Error {
    let message = "moving row to another partition during a BEFORE FOR EACH ROW trigger is not supported";
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_detail(format!(
        "Before executing trigger \"{trigger}\", the row was to be in partition \"{}.{}\".",
        table.schema, table.name
    ))
}
