//! Functions of two integers that are called for every row of a table, without the layer around the others: that takes
//! several times as long as an addition.
//!
//! Owns: [`Quick`], [`register`]. Must not know: what the functions do. Specification: sqlite.org/appfunc.html.
//!
//! Arguments that are not two integers, and results that are none, go to the function's ordinary body.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::ffi::{CString, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::types::Value;
use rusqlite::{Connection, ffi};

use super::{Args, Body, ContextSlot, Output};
use crate::error::{Error, Result};

/// The result for two integers; `None` where the body has to say more.
pub type Quick = fn(i64, i64) -> Option<i64>;

struct Function {
    quick: Quick,
    body: Body,
    slot: ContextSlot,
}

/// Registers a strict and deterministic function.
pub(super) fn register(
    connection: &Connection,
    slot: &ContextSlot,
    name: &str,
    (quick, body): (Quick, Body),
) -> Result<()> {
    let name = CString::new(name).map_err(|error| Error::internal(format_args!("a function's name: {error}")))?;
    let function = Box::into_raw(Box::new(Function { quick, body, slot: slot.clone() }));
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS;
    // SAFETY: the connection is open and used by nobody else during the call (`Connection` is not Sync); the name is copied,
    // and `function` is freed by `destroy`, which SQLite calls once, also when it refuses the function.
    let code = unsafe {
        ffi::sqlite3_create_function_v2(
            connection.handle(),
            name.as_ptr(),
            2,
            flags,
            function.cast(),
            Some(call),
            None,
            None,
            Some(destroy),
        )
    };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(Error::internal(format_args!("SQLite refused {name:?}: {code}"))) }
}

unsafe extern "C" fn destroy(function: *mut c_void) {
    // SAFETY: it was made by `register`, and SQLite calls this once.
    drop(unsafe { Box::from_raw(function.cast::<Function>()) });
}

unsafe extern "C" fn call(context: *mut ffi::sqlite3_context, count: c_int, arguments: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls this with the function that was registered and as many arguments as it says, two.
    let (function, left, right) = unsafe {
        debug_assert_eq!(count, 2);
        (&*ffi::sqlite3_user_data(context).cast::<Function>(), *arguments, *arguments.add(1))
    };
    // SAFETY: two live values, this thread's.
    let (types, numbers) = unsafe {
        (
            [ffi::sqlite3_value_type(left), ffi::sqlite3_value_type(right)],
            [ffi::sqlite3_value_int64(left), ffi::sqlite3_value_int64(right)],
        )
    };
    if types == [ffi::SQLITE_INTEGER; 2]
        && let Some(result) = (function.quick)(numbers[0], numbers[1])
    {
        // SAFETY: the context of this call.
        return unsafe { ffi::sqlite3_result_int64(context, result) };
    }
    if types.contains(&ffi::SQLITE_NULL) {
        // SAFETY: the context of this call.
        return unsafe { ffi::sqlite3_result_null(context) };
    }
    // SAFETY: two live values, this thread's.
    let values = unsafe { [owned(left), owned(right)] };
    let called = catch_unwind(AssertUnwindSafe(|| (function.body)(&Args::of_values(&values, &function.slot))));
    let outcome = called.unwrap_or_else(|_| Err(Error::internal("a function has panicked")));
    match outcome {
        // SAFETY: the context of this call.
        Ok(Output::Value(Value::Integer(result))) => unsafe { ffi::sqlite3_result_int64(context, result) },
        other => {
            let error = other.map_or_else(|error| error, |_| Error::internal("no integer of integers"));
            let shadow = CString::new(error.message().replace('\0', " ")).unwrap_or_default();
            function.slot.fail(error);
            // SAFETY: the context of this call; the text is copied.
            unsafe { ffi::sqlite3_result_error(context, shadow.as_ptr(), -1) };
        }
    }
}

/// # Safety
/// A live value, the thread's own.
unsafe fn owned(value: *mut ffi::sqlite3_value) -> Value {
    // SAFETY: the caller's promise; the length is asked after the pointer, as the interface demands, and the bytes are copied.
    unsafe {
        let bytes = |start: *const u8| match usize::try_from(ffi::sqlite3_value_bytes(value)) {
            Ok(length) if length > 0 && !start.is_null() => std::slice::from_raw_parts(start, length).to_vec(),
            _ => Vec::new(),
        };
        match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_value_int64(value)),
            ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_value_double(value)),
            ffi::SQLITE_TEXT => {
                Value::Text(String::from_utf8_lossy(&bytes(ffi::sqlite3_value_text(value))).into_owned())
            }
            ffi::SQLITE_BLOB => Value::Blob(bytes(ffi::sqlite3_value_blob(value).cast())),
            _ => Value::Null,
        }
    }
}
