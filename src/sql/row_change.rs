//! Changes of data that are made row by row, because triggers stand between: what a step of a program says of them.
//!
//! Owns: [`RowChange`] and its parts. Must not know: how rows are changed (`engine::row_change`), when triggers fire.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::catalog::trigger::Event;
use crate::sql::plan::Bind;
use crate::sql::tree::CheckKind;
use crate::types::pg_type::Oid;

/// The parameters from this one on are values of the row at hand: those of the old row's columns, of the new row's, and
/// the row's number.
pub const ROW_VALUES: usize = 1 << 24;

/// A statement, or a query of one row, about the row at hand.
#[derive(Clone, Debug)]
pub struct RowSql {
    pub sql: Arc<str>,
    pub binds: Vec<Bind>,
}

/// What becomes of the rows that a step's query gives. Places of columns are those in the catalog's list of them.
#[derive(Debug)]
pub struct RowChange {
    pub relation: Oid,
    /// What triggers of the statement fire on, with the columns that an UPDATE names.
    pub events: Vec<(Event, Vec<i16>)>,
    pub layout: RowLayout,
    /// What there is to do with a row: the only one, or that whose number from 1 the row has.
    pub actions: Vec<RowAction>,
    pub conflict: Option<RowConflict>,
    /// The INSERT of one row, the DELETE of one; of a view there are none.
    pub insert: Option<RowSql>,
    pub delete: Option<RowSql>,
    /// UPDATEs of one row, by the table and the columns they set.
    pub updates: Mutex<HashMap<(Oid, Vec<usize>), RowSql>>,
    /// What must be true of rows, in that order.
    pub checks: Vec<RowCheck>,
    /// RETURNING wants the rows.
    pub returns: bool,
    /// Rows of tables below the relation are changed.
    pub members: Option<RowMembers>,
    /// It is what the statement is: its triggers before the statement fire before anything of WITH is done.
    pub is_main: bool,
}

/// What is known of the members of a relation whose rows are changed. Rows are given, and conditions asked, as those of
/// the relation.
#[derive(Debug, Default)]
pub struct RowMembers {
    /// A query that gives the partition of the new row.
    pub route: Option<RowSql>,
    /// Of ON CONFLICT: a table's INSERT of one row, and how the row that is in the way is found.
    pub arbiters: HashMap<Oid, (RowSql, RowConflict)>,
}

/// What must be true of a row.
#[derive(Clone, Debug)]
pub struct RowCheck {
    pub kind: CheckKind,
    /// Code and message of what is told otherwise.
    pub refusal: (&'static str, String),
    pub condition: RowSql,
}

/// Where the query's columns are what.
#[derive(Clone, Debug, Default)]
pub struct RowLayout {
    /// The table that the row is of, where there are several.
    pub table: Option<usize>,
    /// The row's number.
    pub rowid: Option<usize>,
    /// The action's number.
    pub action: Option<usize>,
    /// The first column of the row as it is.
    pub old: Option<usize>,
    /// What RETURNING wants of other tables.
    pub others: Range<usize>,
}

/// What is done with a row.
#[derive(Clone, Debug)]
pub struct RowAction {
    /// `None` is DO NOTHING.
    pub event: Option<Event>,
    /// The columns that get a value, and where in the query's row it is.
    pub values: Vec<(usize, usize)>,
}

/// ON CONFLICT.
#[derive(Clone, Debug)]
pub struct RowConflict {
    /// DO UPDATE: a query of the row that is in the way: its number, its columns, the new values, and whether WHERE is true.
    pub update: Option<(RowSql, Vec<usize>)>,
}

impl RowChange {
    /// Whether it has such an event.
    pub fn has(&self, event: Event) -> bool {
        self.events.iter().any(|(known, _)| *known == event)
    }

    /// The columns that an UPDATE names.
    pub fn updated(&self) -> &[i16] {
        self.events.iter().find(|(event, _)| *event == Event::Update).map_or(&[], |(_, columns)| columns)
    }
}
