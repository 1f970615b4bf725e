//! What waits for the end of a statement: events for triggers and foreign keys, in order. Most of many are kept outside of
//! memory.
//!
//! Owns: [`EventQueue`], [`Waiting`]. Must not know: what firing means (`engine::triggers`).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalog::trigger::Event;
use crate::engine::row_sql::Row;
use crate::engine::row_store::{RowStore, Rows};
use crate::engine::triggers::Triggers;
use crate::error::{Error, Result};
use crate::types::pg_type::Oid;
use crate::types::value::{Value, ValueRef};

/// An event that waits for the end of the statement or of the transaction.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(super) triggers: Arc<Triggers>,
    pub(super) what: Awaited,
    pub(super) event: Event,
    pub(super) old: Option<Row>,
    pub(super) new: Option<Row>,
}

/// What is to happen then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The trigger at that place fires.
    Trigger(usize),
    /// The action of a foreign key to the relation is taken.
    Action(Oid),
    /// A foreign key is checked; whether of the row that others refer to.
    Key(Oid, bool),
    /// Nothing any more.
    Nothing,
}

impl Waiting {
    /// Whether it is about rows of that relation.
    pub(crate) fn is_of(&self, relation: Oid) -> bool {
        self.triggers.relation.oid == relation
    }

    fn is_action(&self) -> bool {
        matches!(self.what, Awaited::Action(_))
    }
}

/// So many are in memory.
const MOST_AT_HAND: usize = 8_192;

#[derive(Debug, Default)]
pub(super) struct EventQueue {
    front: VecDeque<Waiting>,
    /// The events behind those, without their rows: as many of a kind share one, those without rows have their own.
    kinds: Vec<Waiting>,
    /// Their rows: the kind, how many values the old row has, the old row, the new one.
    behind: VecDeque<Rows>,
    last: RowStore,
    actions: usize,
}

impl EventQueue {
    pub(super) fn push(&mut self, waiting: Waiting) -> Result<()> {
        self.actions += usize::from(waiting.is_action());
        let all_at_hand = self.behind.is_empty() && self.last.is_empty();
        if all_at_hand && self.front.len() < MOST_AT_HAND {
            self.front.push_back(waiting);
            return Ok(());
        }
        let Waiting { triggers, what, event, old, new } = waiting;
        let has_rows = old.is_some() || new.is_some();
        let same = |kind: &Waiting| {
            kind.what == what
                && kind.event == event
                && Arc::ptr_eq(&kind.triggers, &triggers)
                && has_rows
                && kind.old.is_some() == old.is_some()
                && kind.new.is_some() == new.is_some()
        };
        let kind = match self.kinds.iter().rposition(same) {
            Some(kind) => kind,
            None => {
                let empty = |row: &Option<Row>| row.as_ref().map(|_| Row::default());
                self.kinds.push(Waiting { triggers, what, event, old: empty(&old), new: empty(&new) });
                self.kinds.len() - 1
            }
        };
        let rows = [&old, &new].map(|row| row.as_ref().map_or(&[][..], |row| row.as_slice()));
        let number = |number: usize| ValueRef::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let head = [number(kind), number(rows[0].len())];
        self.last.push(head.into_iter().chain(rows.into_iter().flatten().map(Value::as_ref)))
    }

    pub(super) fn pop(&mut self) -> Result<Option<Waiting>> {
        if let Some(waiting) = self.front.pop_front() {
            self.actions -= usize::from(waiting.is_action());
            return Ok(Some(waiting));
        }
        loop {
            let Some(rows) = self.behind.front_mut() else {
                if self.last.is_empty() {
                    self.kinds.clear();
                    return Ok(None);
                }
                let last = std::mem::take(&mut self.last).sealed()?;
                self.behind.push_back(Rows::of(Arc::new(last)));
                continue;
            };
            if !rows.next()? {
                self.behind.pop_front();
                continue;
            }
            let place = |index| rows.integer(index).and_then(|number| usize::try_from(number).ok());
            let kind = place(0).and_then(|kind| self.kinds.get(kind));
            let (Some(kind), Some(split)) = (kind, place(1)) else { return Err(Error::internal("a lost event")) };
            let mut values = rows.row();
            let new = values.split_off((2 + split).min(values.len()));
            values.drain(..2);
            let [old, new] =
                [(&kind.old, values), (&kind.new, new)].map(|(has, row)| has.as_ref().map(|_| Row::new(row)));
            self.actions -= usize::from(kind.is_action());
            return Ok(Some(Waiting { triggers: Arc::clone(&kind.triggers), old, new, ..*kind }));
        }
    }

    /// The events that have no row.
    pub(super) fn without_rows(&mut self) -> impl Iterator<Item = &mut Waiting> {
        let all = self.front.iter_mut().chain(&mut self.kinds);
        all.filter(|waiting| waiting.old.is_none() && waiting.new.is_none())
    }

    /// Whether actions of foreign keys wait.
    pub(super) fn has_actions(&self) -> bool {
        self.actions > 0
    }
}
