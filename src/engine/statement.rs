//! SQLite's C interface to a prepared statement, wrapped so that everything above it is safe; and the cache of
//! prepared statements a connection keeps.
//!
//! Owns: [`RawStatement`], [`StatementCache`], the only `unsafe` besides `engine::connection`. Must not know: sessions,
//! PostgreSQL. Specification: sqlite.org/c3ref/stmt.html.
//!
//! rusqlite's `Statement` borrows its connection and so cannot be kept half stepped in a portal; this one does not.
//! The price is a rule the compiler does not check: a statement is used only while its connection is open and by one
//! thread at a time. `engine::connection` and `engine::cursor` keep it.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::collections::HashMap;
use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rusqlite::ffi;

use crate::engine::allocator::while_compiling;
use crate::types::value::{Value, ValueRef};

/// An SQLite result code that is not OK, ROW or DONE.
pub(crate) type Code = c_int;

/// What a step gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Row,
    Done,
}

/// One prepared statement. Finalized when dropped.
#[derive(Debug)]
pub(crate) struct RawStatement(NonNull<ffi::sqlite3_stmt>);

// SAFETY: SQLite statements are not tied to a thread; with SQLITE_OPEN_NOMUTEX they must not be used by two threads
// at once, which `&mut self` and `Connection::enter` see to.
unsafe impl Send for RawStatement {}

impl RawStatement {
    /// Compiles one statement; `None` for text without a statement (blanks, comments).
    ///
    /// # Safety
    /// `database` is an open connection that outlives the result, and nobody else uses it during the call.
    pub(crate) unsafe fn prepare(database: *mut ffi::sqlite3, sql: &str) -> Result<Option<Self>, Code> {
        let length = c_int::try_from(sql.len()).map_err(|_| ffi::SQLITE_TOOBIG)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the text is valid for `length` bytes, `raw` is a valid place for the result, the connection is
        // the caller's promise. The tail is not asked for: the translator gives one statement.
        let (code, interrupted) = while_compiling(|| unsafe {
            ffi::sqlite3_prepare_v3(
                database,
                sql.as_ptr().cast(),
                length,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut raw,
                ptr::null_mut(),
            )
        });
        match code {
            ffi::SQLITE_OK => Ok(NonNull::new(raw).map(RawStatement)),
            ffi::SQLITE_NOMEM if interrupted => Err(ffi::SQLITE_INTERRUPT),
            code => Err(code),
        }
    }

    /// Gives ?index (from 1) a copy of the value.
    pub(crate) fn bind(&mut self, index: usize, value: &Value) -> Result<(), Code> {
        // SAFETY: SQLite copies the memory during the call.
        unsafe { self.bind_with(index, value, ffi::SQLITE_TRANSIENT()) }
    }

    /// Binds ?1, ?2 … to these values without copying them, runs `body`, and unbinds them. A value that SQLite refuses
    /// is the error `body` gets.
    pub(crate) fn borrowing<'v, T>(
        &mut self,
        values: impl Iterator<Item = &'v Value>,
        body: impl FnOnce(&mut Self, Result<(), Code>) -> T,
    ) -> T {
        // Also when `body` panics.
        struct Unbind<'s>(&'s mut RawStatement);
        impl Drop for Unbind<'_> {
            fn drop(&mut self) {
                self.0.reset();
                self.0.clear_bindings();
            }
        }
        let bound = Unbind(self);
        let outcome = values.enumerate().try_for_each(|(index, value)| {
            // SAFETY: `Unbind` clears the binding before this function returns, and the values outlive the call.
            unsafe { bound.0.bind_with(index + 1, value, ffi::SQLITE_STATIC()) }
        });
        body(&mut *bound.0, outcome)
    }

    /// # Safety
    /// With SQLITE_STATIC the value must stay where it is until the binding is cleared.
    unsafe fn bind_with(
        &mut self,
        index: usize,
        value: &Value,
        destructor: ffi::sqlite3_destructor_type,
    ) -> Result<(), Code> {
        let index = c_int::try_from(index).map_err(|_| ffi::SQLITE_RANGE)?;
        let raw = self.0.as_ptr();
        // SAFETY: `raw` is a live statement (type invariant); pointers are valid for their lengths during the call,
        // and beyond it if borrowed, by the caller's promise. An empty slice's pointer is dangling but not null,
        // so it becomes an empty value and not NULL, and nothing is read through it.
        let code = unsafe {
            match value {
                Value::Null => ffi::sqlite3_bind_null(raw, index),
                Value::Integer(i) => ffi::sqlite3_bind_int64(raw, index, *i),
                Value::Real(r) => ffi::sqlite3_bind_double(raw, index, *r),
                Value::Text(t) => ffi::sqlite3_bind_text64(
                    raw,
                    index,
                    t.as_ptr().cast(),
                    t.len() as u64,
                    destructor,
                    ffi::SQLITE_UTF8 as u8,
                ),
                Value::Blob(b) => ffi::sqlite3_bind_blob64(raw, index, b.as_ptr().cast(), b.len() as u64, destructor),
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) }
    }

    /// Runs to the next row or to the end. Callbacks of the connection (functions, progress) run inside.
    pub(crate) fn step(&mut self) -> Result<Step, Code> {
        // SAFETY: a live statement, exclusively borrowed.
        match unsafe { ffi::sqlite3_step(self.0.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(Step::Row),
            ffi::SQLITE_DONE => Ok(Step::Done),
            code => Err(code),
        }
    }

    /// Back to the beginning; bindings stay. The code SQLite gives here is the one of the last step, already seen.
    pub(crate) fn reset(&mut self) {
        // SAFETY: a live statement, exclusively borrowed.
        unsafe { ffi::sqlite3_reset(self.0.as_ptr()) };
    }

    /// Forgets the bound values.
    pub(crate) fn clear_bindings(&mut self) {
        // SAFETY: a live statement, exclusively borrowed.
        unsafe { ffi::sqlite3_clear_bindings(self.0.as_ptr()) };
    }

    /// Number of result columns.
    pub(crate) fn column_count(&self) -> usize {
        // SAFETY: a live statement.
        usize::try_from(unsafe { ffi::sqlite3_column_count(self.0.as_ptr()) }).unwrap_or_default()
    }

    /// A column of the current row, from 0. NULL if there is no row or no such column. Text that is not UTF-8 (a file
    /// that others wrote) comes as a blob.
    pub(crate) fn column(&self, index: usize) -> ValueRef<'_> {
        let Ok(index) = c_int::try_from(index) else { return ValueRef::Null };
        let raw = self.0.as_ptr();
        // SAFETY: a live statement; SQLite answers NULL for a column or row that is not there. The type is asked
        // first, so no conversion happens and the pointers stay valid until the next step or reset, both of
        // which need `&mut self`. Text is UTF-8 encoded because the database is (`sqlite3_column_text`), and its
        // length is asked after its pointer, as the interface demands.
        unsafe {
            match ffi::sqlite3_column_type(raw, index) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_column_int64(raw, index)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_column_double(raw, index)),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_column_text(raw, index);
                    let bytes = slice(start, ffi::sqlite3_column_bytes(raw, index));
                    std::str::from_utf8(bytes).map_or(ValueRef::Blob(bytes), ValueRef::Text)
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_column_blob(raw, index);
                    ValueRef::Blob(slice(start.cast(), ffi::sqlite3_column_bytes(raw, index)))
                }
                _ => ValueRef::Null,
            }
        }
    }
}

/// # Safety
/// `start` is null or valid for `length` bytes for the lifetime the caller gives the result.
unsafe fn slice<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: the caller's promise.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

impl Drop for RawStatement {
    fn drop(&mut self) {
        // SAFETY: a live statement, and nobody uses it any more.
        unsafe { ffi::sqlite3_finalize(self.0.as_ptr()) };
    }
}

/// Prepared statements that nobody uses at the moment, by their text. The text is recognised by its address: plans
/// are shared, so the same statement comes with the same `Arc`, and an entry keeps its address from being reused.
#[derive(Default)]
pub(crate) struct StatementCache {
    entries: HashMap<usize, Entry, AddressHash>,
    /// The length of all their texts; what SQLite makes of a text is a multiple of it.
    length: usize,
    clock: u64,
}

struct Entry {
    sql: Arc<str>,
    statement: RawStatement,
    used: u64,
}

/// Statements kept per connection.
const CAPACITY: usize = 128;

/// The texts of all statements kept; a longer one is not worth it.
const LENGTH: usize = 512 << 10;

impl StatementCache {
    /// Takes a statement out; while it is out, another user prepares another.
    pub(crate) fn take(&mut self, sql: &Arc<str>) -> Option<RawStatement> {
        self.remove(address(sql)).map(|entry| entry.statement)
    }

    fn remove(&mut self, address: usize) -> Option<Entry> {
        let entry = self.entries.remove(&address)?;
        self.length -= entry.sql.len();
        Some(entry)
    }

    /// Puts a reset statement back; the one that was not used for longest makes room.
    pub(crate) fn put(&mut self, sql: Arc<str>, statement: RawStatement) {
        if sql.len() > LENGTH {
            return;
        }
        while (self.entries.len() >= CAPACITY || self.length + sql.len() > LENGTH)
            && let Some(oldest) = self.entries.iter().min_by_key(|(_, e)| e.used).map(|(key, _)| *key)
        {
            self.remove(oldest);
        }
        self.clock += 1;
        self.length += sql.len();
        if let Some(replaced) = self.entries.insert(address(&sql), Entry { sql, statement, used: self.clock }) {
            self.length -= replaced.sql.len();
        }
    }
}

fn address(sql: &Arc<str>) -> usize {
    sql.as_ptr() as usize
}

/// Addresses are spread well enough by one multiplication.
#[derive(Clone, Copy, Default)]
struct AddressHash;

struct AddressHasher(u64);

impl std::hash::BuildHasher for AddressHash {
    type Hasher = AddressHasher;

    fn build_hasher(&self) -> AddressHasher {
        AddressHasher(0)
    }
}

impl std::hash::Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, value: usize) {
        self.0 = (self.0 ^ value as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}
