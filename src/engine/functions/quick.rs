//! Functions of two integers and aggregates of one float, which are called for every row of a table, without the layer
//! around the others: that takes several times as long as an addition.
//!
//! Owns: [`Quick`], [`register`], [`register_aggregate`]. Must not know: what the functions do. Specification:
//! sqlite.org/appfunc.html.
//!
//! Arguments that are not two integers, and results that are none, go to the function's ordinary body.

#![expect(unsafe_code, reason = "the boundary to SQLite's C interface")]

use std::ffi::{CString, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::types::Value;
use rusqlite::{Connection, ffi};

use super::aggregate::FloatState;
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
            // SAFETY: the context of this call.
            unsafe { fail(context, &function.slot, error) };
        }
    }
}

/// Makes SQLite fail, and keeps the error.
///
/// # Safety
/// The context of a call that is being made.
unsafe fn fail(context: *mut ffi::sqlite3_context, slot: &ContextSlot, error: Error) {
    let shadow = CString::new(error.message().replace('\0', " ")).unwrap_or_default();
    slot.fail(error);
    // SAFETY: the caller's promise; the text is copied.
    unsafe { ffi::sqlite3_result_error(context, shadow.as_ptr(), -1) };
}

/// Registers an aggregate of one float over groups, and over frames that only grow.
pub(super) fn register_aggregate<S: FloatState>(connection: &Connection, slot: &ContextSlot, name: &str) -> Result<()> {
    let name = CString::new(name).map_err(|error| Error::internal(format_args!("a function's name: {error}")))?;
    let kept = Box::into_raw(Box::new(slot.clone()));
    let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS;
    // SAFETY: as in `register`.
    let code = unsafe {
        ffi::sqlite3_create_window_function(
            connection.handle(),
            name.as_ptr(),
            1,
            flags,
            kept.cast(),
            Some(step::<S>),
            Some(finish::<S>),
            Some(value::<S>),
            Some(inverse),
            Some(destroy_slot),
        )
    };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(Error::internal(format_args!("SQLite refused {name:?}: {code}"))) }
}

unsafe extern "C" fn destroy_slot(slot: *mut c_void) {
    // SAFETY: it was made by `register_aggregate`, and SQLite calls this once.
    drop(unsafe { Box::from_raw(slot.cast::<ContextSlot>()) });
}

/// # Safety
/// The context of a call of an aggregate registered here.
unsafe fn slot_of<'c>(context: *mut ffi::sqlite3_context) -> &'c ContextSlot {
    // SAFETY: what was registered lives as long as the function.
    unsafe { &*ffi::sqlite3_user_data(context).cast::<ContextSlot>() }
}

unsafe extern "C" fn step<S: FloatState>(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls this with one argument, a live value, and the context of the call. Its memory for a group is
    // zeroes at first, which is a null pointer; from then on it is the state made here, which `finish` takes.
    unsafe {
        let argument = *arguments;
        let number = match ffi::sqlite3_value_type(argument) {
            ffi::SQLITE_FLOAT => Ok(ffi::sqlite3_value_double(argument)),
            ffi::SQLITE_INTEGER => Ok(ffi::sqlite3_value_int64(argument) as f64),
            ffi::SQLITE_NULL => return,
            // NaN is stored as text.
            _ => Args::of_values(&[owned(argument)], slot_of(context)).float(0),
        };
        let place = ffi::sqlite3_aggregate_context(context, size_of::<*mut S>() as c_int).cast::<*mut S>();
        if place.is_null() {
            return ffi::sqlite3_result_error_nomem(context);
        }
        if (*place).is_null() {
            *place = Box::into_raw(Box::default());
        }
        if let Err(error) = number.and_then(|number| (**place).take([number, 0.0])) {
            fail(context, slot_of(context), error);
        }
    }
}

/// # Safety
/// The context of a call of an aggregate registered here for that state. It lives until `finish` has taken it.
unsafe fn state_of<S: FloatState>(context: *mut ffi::sqlite3_context) -> *mut S {
    // SAFETY: the caller's promise; without memory yet, none is asked for.
    unsafe {
        let place = ffi::sqlite3_aggregate_context(context, 0).cast::<*mut S>();
        if place.is_null() { std::ptr::null_mut() } else { *place }
    }
}

unsafe extern "C" fn finish<S: FloatState>(context: *mut ffi::sqlite3_context) {
    // SAFETY: the context of this call; SQLite finishes each group once.
    unsafe {
        let state = state_of::<S>(context);
        let state = if state.is_null() { Box::default() } else { Box::from_raw(state) };
        give(context, state.result());
    }
}

unsafe extern "C" fn value<S: FloatState>(context: *mut ffi::sqlite3_context) {
    // SAFETY: the context of this call.
    unsafe {
        let state = state_of::<S>(context);
        give(context, if state.is_null() { S::default().result() } else { (*state).result() });
    }
}

unsafe extern "C" fn inverse(context: *mut ffi::sqlite3_context, _: c_int, _: *mut *mut ffi::sqlite3_value) {
    // SAFETY: the context of this call.
    unsafe { fail(context, slot_of(context), Error::internal("a float taken out of a sum")) };
}

/// # Safety
/// The context of a call of an aggregate registered here.
unsafe fn give(context: *mut ffi::sqlite3_context, result: Result<Output>) {
    // SAFETY: the caller's promise; the text is constant.
    unsafe {
        match result {
            Ok(Output::Value(Value::Null)) => ffi::sqlite3_result_null(context),
            Ok(Output::Value(Value::Real(number))) => ffi::sqlite3_result_double(context, number),
            Ok(Output::Static(text)) => ffi::sqlite3_result_text64(
                context,
                text.as_ptr().cast(),
                text.len() as u64,
                ffi::SQLITE_STATIC(),
                ffi::SQLITE_UTF8 as u8,
            ),
            Ok(_) => fail(context, slot_of(context), Error::internal("no float of floats")),
            Err(error) => fail(context, slot_of(context), error),
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
