//! `__pg_kept(n)`: the rows that a step of the running statement has kept.
//!
//! Owns: the virtual table and its cursor. Must not know: what the rows are (`sql::lower::program`), who keeps them
//! (`engine::steps`). One of the places with `unsafe`: the virtual table's structures are SQLite's.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;

use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
};
use rusqlite::{Connection, ffi};

use super::super::{ContextSlot, registration_failed};
use crate::engine::row_store::Rows;
use crate::error::{Error, Result};
use crate::limits::session as limits;
use crate::sql::lower::print::plan::COLUMNS;
use crate::types::value::ValueRef;

#[repr(C)]
pub(super) struct Table {
    base: ffi::sqlite3_vtab,
    slot: ContextSlot,
}

// SAFETY: `Table` is repr(C) and its first member is the base structure.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = ContextSlot;
    type Cursor = Cursor<'vtab>;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&ContextSlot>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        _args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Self)> {
        let slot = aux.cloned().ok_or_else(|| rusqlite::Error::ModuleError("kept rows without a slot".into()))?;
        db.config(VTabConfig::DirectOnly)?;
        let columns: Vec<String> = (1..=COLUMNS).map(|n| format!("c{n}")).collect();
        let declaration = CString::new(format!("CREATE TABLE x({}, step HIDDEN)", columns.join(", ")))?;
        Ok((Cow::Owned(declaration), Table { base: ffi::sqlite3_vtab::default(), slot }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let (mut step, mut wanted) = (None, None);
        for (place, constraint) in info.constraints().enumerate() {
            let is_step = usize::try_from(constraint.column()) == Ok(COLUMNS);
            if is_step && constraint.operator() == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ {
                if !constraint.is_usable() {
                    return Ok(false);
                }
                step = Some(place);
            } else if constraint.operator() == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ && constraint.is_usable() {
                wanted = Some((place, constraint.column()));
            }
        }
        if let Some(place) = step {
            let mut usage = info.constraint_usage(place);
            usage.set_argv_index(1);
            usage.set_omit(true);
        }
        // A table of many partitions has a step for each, which looks for its rows. SQLite compares again.
        if let (Some((place, column)), true) = (wanted, step.is_some()) {
            info.constraint_usage(place).set_argv_index(2);
            info.set_idx_num(column + 1);
        }
        info.set_estimated_cost(1_000.0);
        info.set_estimated_rows(1_000);
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: ffi::sqlite3_vtab_cursor::default(),
            slot: self.slot.clone(),
            rows: Rows::default(),
            current: 0,
            ended: true,
            wanted: None,
            table: PhantomData,
        })
    }
}

#[repr(C)]
pub(super) struct Cursor<'vtab> {
    base: ffi::sqlite3_vtab_cursor,
    slot: ContextSlot,
    rows: Rows,
    current: i64,
    ended: bool,
    /// A column that is to have this number.
    wanted: Option<(usize, i64)>,
    table: PhantomData<&'vtab Table>,
}

// SAFETY: `Cursor` is repr(C) and its first member is the base structure.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, column: c_int, _: Option<&str>, args: &Filters<'_>) -> rusqlite::Result<()> {
        self.current = 0;
        let step = if args.is_empty() { None } else { usize::try_from(args.get::<i64>(0)?).ok() };
        let rows = step.and_then(|step| self.slot.kept_rows(step));
        self.rows = Rows::of(rows.ok_or_else(|| self.slot.fail(Error::internal("a step that has kept no rows")))?);
        self.wanted = match (column.checked_sub(1).and_then(|column| usize::try_from(column).ok()), args.len()) {
            (Some(column), 2) => match args.get::<rusqlite::types::Value>(1)? {
                rusqlite::types::Value::Integer(number) => Some((column, number)),
                _ => None,
            },
            _ => None,
        };
        self.to_next()
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        limits::work(1).map_err(|error| self.slot.fail(error))?;
        self.current += 1;
        self.to_next()
    }

    fn eof(&self) -> bool {
        self.ended
    }

    fn column(&self, context: &mut Context, index: c_int) -> rusqlite::Result<()> {
        use rusqlite::types::{ToSqlOutput, ValueRef as Given};
        let value = usize::try_from(index).ok().and_then(|index| self.rows.value(index));
        context.set_result(ToSqlOutput::Borrowed(match value {
            None | Some(ValueRef::Null) => Given::Null,
            Some(ValueRef::Integer(value)) => Given::Integer(value),
            Some(ValueRef::Real(value)) => Given::Real(value),
            Some(ValueRef::Text(text)) => Given::Text(text.as_bytes()),
            Some(ValueRef::Blob(bytes)) => Given::Blob(bytes),
        }))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        Ok(self.current)
    }
}

impl Cursor<'_> {
    fn to_next(&mut self) -> rusqlite::Result<()> {
        self.ended = !self.rows.next_with(self.wanted).map_err(|error| self.slot.fail(error))?;
        Ok(())
    }
}

/// Registers the table.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    const MODULE: Module<Table> = Module::eponymous_only_module();
    connection
        .create_module("__pg_kept", &MODULE, Some(slot.clone()))
        .map_err(|error| registration_failed("__pg_kept", &error))
}
