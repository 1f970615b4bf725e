//! `__pg_plan(statement, arguments …)`: the rows of a statement of SQLite, run on the same connection for each set of
//! arguments. It is what stands for a sub-query of PostgreSQL's that refers to the FROM items before it.
//!
//! Owns: the virtual table and its cursor, which keeps the statement prepared as long as it is asked for the same one.
//! Must not know: where the text comes from (`sql::lower::print::plan`; no user's name can mean this table). One of the
//! places with `unsafe`: the statement is stepped by SQLite's C interface. Specification: vtab.html#tabfunc2.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
};
use rusqlite::{Connection, ffi};

use super::super::registration_failed;
use super::packing;
use crate::error::Result;
use crate::sql::lower::print::plan::{ARGUMENTS, COLUMNS, SEPARATE};

#[repr(C)]
pub(super) struct Table {
    base: ffi::sqlite3_vtab,
    database: *mut ffi::sqlite3,
}

// SAFETY: `Table` is repr(C) and its first member is the base structure.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = ();
    type Cursor = Cursor<'vtab>;

    fn connect(
        db: &mut VTabConnection,
        _aux: Option<&()>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        _args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Self)> {
        db.config(VTabConfig::DirectOnly)?;
        // SAFETY: the table lives no longer than the connection that it belongs to.
        let database = unsafe { db.handle() };
        let mut columns: Vec<String> = (1..=COLUMNS).map(|n| format!("c{n}")).collect();
        columns.extend((0..=ARGUMENTS).map(|n| format!("a{n} HIDDEN")));
        let declaration = CString::new(format!("CREATE TABLE x({})", columns.join(", ")))?;
        Ok((Cow::Owned(declaration), Table { base: ffi::sqlite3_vtab::default(), database }))
    }

    /// Asks for the statement and its arguments, in order; a plan that has not all of them yet is no plan.
    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let mut given: Vec<Option<usize>> = vec![None; ARGUMENTS + 1];
        for (place, constraint) in info.constraints().enumerate() {
            let index = usize::try_from(constraint.column()).ok().and_then(|column| column.checked_sub(COLUMNS));
            let Some(argument) = index.and_then(|index| given.get_mut(index)) else { continue };
            if constraint.operator() == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ {
                if !constraint.is_usable() {
                    return Ok(false);
                }
                *argument = Some(place);
            }
        }
        for (position, place) in given.iter().map_while(|place| *place).enumerate() {
            let mut usage = info.constraint_usage(place);
            usage.set_argv_index(c_int::try_from(position + 1).unwrap_or(0));
            usage.set_omit(true);
        }
        info.set_estimated_cost(100.0);
        info.set_estimated_rows(10);
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: ffi::sqlite3_vtab_cursor::default(),
            database: self.database,
            statement: Statement { raw: std::ptr::null_mut(), sql: String::new() },
            at_end: true,
            rowid: 0,
            table: PhantomData,
        })
    }
}

/// A prepared statement, or none yet.
struct Statement {
    raw: *mut ffi::sqlite3_stmt,
    sql: String,
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it is a statement that was prepared here, or null, which is allowed.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}

#[repr(C)]
pub(super) struct Cursor<'vtab> {
    base: ffi::sqlite3_vtab_cursor,
    database: *mut ffi::sqlite3,
    statement: Statement,
    at_end: bool,
    rowid: i64,
    table: PhantomData<&'vtab Table>,
}

impl Cursor<'_> {
    /// SQLite's error, as the statement around it is to report it.
    fn failure(&self, code: c_int) -> rusqlite::Error {
        // SAFETY: the connection is open, and the message is copied before anything else is done with it.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.database)) }.to_string_lossy().into_owned();
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message))
    }

    fn prepare(&mut self, sql: &str) -> rusqlite::Result<()> {
        if !self.statement.raw.is_null() && self.statement.sql == sql {
            // SAFETY: the statement is this cursor's. What it answers is the last step's error, which was reported.
            unsafe { ffi::sqlite3_reset(self.statement.raw) };
            return Ok(());
        }
        let text = CString::new(sql)?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the connection is open, the text ends with a zero, and `raw` outlives the call.
        let code =
            unsafe { ffi::sqlite3_prepare_v2(self.database, text.as_ptr(), -1, &raw mut raw, std::ptr::null_mut()) };
        self.statement = Statement { raw, sql: sql.to_owned() };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.failure(code)) }
    }

    fn bind(&self, index: c_int, value: &Value) -> rusqlite::Result<()> {
        let raw = self.statement.raw;
        // SAFETY: the statement is prepared; texts and blobs are copied by SQLite.
        let code = unsafe {
            match value {
                Value::Null => ffi::sqlite3_bind_null(raw, index),
                Value::Integer(value) => ffi::sqlite3_bind_int64(raw, index, *value),
                Value::Real(value) => ffi::sqlite3_bind_double(raw, index, *value),
                Value::Text(text) => {
                    let encoding = ffi::SQLITE_UTF8 as std::ffi::c_uchar;
                    let length = text.len() as u64;
                    ffi::sqlite3_bind_text64(
                        raw,
                        index,
                        text.as_ptr().cast(),
                        length,
                        ffi::SQLITE_TRANSIENT(),
                        encoding,
                    )
                }
                Value::Blob(bytes) => {
                    let length = bytes.len() as u64;
                    ffi::sqlite3_bind_blob64(raw, index, bytes.as_ptr().cast(), length, ffi::SQLITE_TRANSIENT())
                }
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.failure(code)) }
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        self.rowid += 1;
        // SAFETY: the statement is prepared.
        match unsafe { ffi::sqlite3_step(self.statement.raw) } {
            ffi::SQLITE_ROW => self.at_end = false,
            ffi::SQLITE_DONE => self.at_end = true,
            code => {
                self.at_end = true;
                return Err(self.failure(code));
            }
        }
        Ok(())
    }

    /// A value of the current row, valid until the next step.
    fn value(&self, index: c_int) -> ValueRef<'_> {
        let raw = self.statement.raw;
        // SAFETY: the statement stands at a row, and SQLite keeps what its functions point to until the next step or
        // conversion; a text is asked for as what it is. A length is asked for after its pointer, as they must be.
        unsafe {
            match ffi::sqlite3_column_type(raw, index) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_column_int64(raw, index)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_column_double(raw, index)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_column_text(raw, index);
                    ValueRef::Text(bytes(text, ffi::sqlite3_column_bytes(raw, index)))
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_column_blob(raw, index).cast();
                    ValueRef::Blob(bytes(blob, ffi::sqlite3_column_bytes(raw, index)))
                }
                _ => ValueRef::Null,
            }
        }
    }
}

/// The bytes at a pointer that may be null, then of none.
///
/// # Safety
/// A pointer that is not null must have that many bytes behind it for as long as they are used.
unsafe fn bytes<'a>(pointer: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: as the caller promised.
        Ok(length) if !pointer.is_null() => unsafe { std::slice::from_raw_parts(pointer, length) },
        _ => &[],
    }
}

// SAFETY: `Cursor` is repr(C) and its first member is the base structure.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, _: c_int, _: Option<&str>, args: &Filters<'_>) -> rusqlite::Result<()> {
        self.rowid = 0;
        self.at_end = true;
        if args.is_empty() {
            return Ok(());
        }
        let sql = args.get::<String>(0)?;
        self.prepare(&sql)?;
        // SAFETY: the statement is prepared.
        let parameters = unsafe { ffi::sqlite3_bind_parameter_count(self.statement.raw) };
        if usize::try_from(parameters).is_ok_and(|count| count > SEPARATE) && args.len() > 1 {
            let packed = args.get::<Vec<u8>>(1)?;
            for (index, value) in packing::unpacked(&packed).into_iter().enumerate() {
                self.bind(c_int::try_from(index + 1).unwrap_or(c_int::MAX), &value)?;
            }
            return self.step();
        }
        for index in 1..args.len() {
            self.bind(c_int::try_from(index).unwrap_or(c_int::MAX), &args.get::<Value>(index)?)?;
        }
        self.step()
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        self.step()
    }

    fn eof(&self) -> bool {
        self.at_end
    }

    fn column(&self, context: &mut Context, index: c_int) -> rusqlite::Result<()> {
        if self.at_end || usize::try_from(index).is_ok_and(|index| index >= COLUMNS) {
            return context.set_result(rusqlite::types::Null);
        }
        context.set_result(ToSqlOutput::Borrowed(self.value(index)))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        Ok(self.rowid)
    }
}

/// Registers the table.
pub(super) fn register(connection: &Connection) -> Result<()> {
    const MODULE: Module<Table> = Module::eponymous_only_module();
    connection.create_module("__pg_plan", &MODULE, None).map_err(|error| registration_failed("__pg_plan", &error))
}
