//! pg_unnest(array, …): the elements of up to eight arrays side by side, as a table-valued function.
//!
//! Owns: the virtual table. Columns value, value2 …; rowid is the position from 1. Shorter arrays are padded with
//! NULL, and the elements of nested arrays come flat, as unnest() has them. Specification: functions-array.html;
//! vtab.html#table_valued_functions.

use std::borrow::Cow;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::c_int;

use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor, sqlite3_vtab,
    sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error, Result};
use serde_json::Value;

/// How many arrays there may be.
const MAX_ARRAYS: usize = 8;

const SCHEMA: &CStr = c"CREATE TABLE x(value, value2, value3, value4, value5, value6, value7, value8,
    array1 HIDDEN, array2 HIDDEN, array3 HIDDEN, array4 HIDDEN, array5 HIDDEN, array6 HIDDEN, array7 HIDDEN,
    array8 HIDDEN)";

/// Registers the function on a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    const MODULE: Module<Unnest> = Module::eponymous_only_module();
    connection.create_module(c"pg_unnest", &MODULE, None)
}

#[repr(C)]
struct Unnest {
    base: sqlite3_vtab,
}

#[repr(C)]
struct UnnestCursor<'vtab> {
    base: sqlite3_vtab_cursor,
    arrays: Vec<Vec<Value>>,
    row: usize,
    rows: usize,
    phantom: PhantomData<&'vtab Unnest>,
}

// SAFETY: `base` is the first field of a #[repr(C)] struct, as SQLite wants it.
#[allow(unsafe_code)]
unsafe impl<'vtab> VTab<'vtab> for Unnest {
    type Aux = ();
    type Cursor = UnnestCursor<'vtab>;

    fn connect(
        connection: &mut VTabConnection,
        _: Option<&()>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        connection.config(VTabConfig::Innocuous)?;
        Ok((Cow::Borrowed(SCHEMA), Unnest { base: sqlite3_vtab::default() }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        // The arguments arrive as equality constraints on the hidden columns, in any order.
        let mut given = [None; MAX_ARRAYS];
        let mut unusable = false;
        for (index, constraint) in info.constraints().enumerate() {
            let hidden = usize::try_from(constraint.column()).unwrap_or(0).checked_sub(MAX_ARRAYS);
            let slot = hidden.and_then(|n| given.get_mut(n));
            let Some(slot) = slot else { continue };
            if constraint.operator() != IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ {
                continue;
            }
            if constraint.is_usable() {
                *slot = Some(index);
            } else {
                unusable = true;
            }
        }
        if unusable {
            return Ok(false);
        }
        let mut arguments = 0;
        for index in given.into_iter().flatten() {
            arguments += 1;
            let mut usage = info.constraint_usage(index);
            usage.set_argv_index(arguments);
            usage.set_omit(true);
        }
        info.set_estimated_cost(1.0);
        info.set_estimated_rows(10);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<UnnestCursor<'vtab>> {
        Ok(UnnestCursor {
            base: sqlite3_vtab_cursor::default(),
            arrays: Vec::new(),
            row: 0,
            rows: 0,
            phantom: PhantomData,
        })
    }
}

/// Elements in order; those of nested arrays flat.
fn flatten(value: Value, out: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| flatten(item, out)),
        value => out.push(value),
    }
}

// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl VTabCursor for UnnestCursor<'_> {
    fn filter(&mut self, _: c_int, _: Option<&str>, args: &Filters<'_>) -> Result<()> {
        self.arrays.clear();
        self.row = 0;
        for index in 0..args.len() {
            let mut elements = Vec::new();
            if let Some(text) = args.get::<Option<String>>(index)? {
                let array = serde_json::from_str(&text).map_err(|e| Error::ModuleError(e.to_string()))?;
                flatten(array, &mut elements);
            }
            self.arrays.push(elements);
        }
        self.rows = self.arrays.iter().map(Vec::len).max().unwrap_or(0);
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.row += 1;
        Ok(())
    }

    fn eof(&self) -> bool {
        self.row >= self.rows
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let array = usize::try_from(column).ok().and_then(|n| self.arrays.get(n));
        match array.and_then(|a| a.get(self.row)) {
            None | Some(Value::Null) => context.set_result(rusqlite::types::Null),
            Some(Value::Bool(b)) => context.set_result(b),
            Some(Value::String(text)) => context.set_result(text),
            Some(Value::Number(number)) => match number.as_i64() {
                Some(0) if number.to_string().starts_with('-') => context.set_result(-0.0),
                Some(integer) => context.set_result(integer),
                None => context.set_result(number.as_f64()),
            },
            Some(other) => context.set_result(other.to_string()),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.row as i64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_side_by_side_are_padded_and_nested_ones_flat() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let sql = "SELECT group_concat(rowid || ':' || coalesce(value, '-') || ':' || coalesce(value2, '-')) \
                   FROM pg_unnest('[1,[2.5,null]]', '[\"a\",true]')";
        let text: String = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(text, "1:1:a,2:2.5:1,3:-:-");
        let none: i64 = connection.query_row("SELECT count(*) FROM pg_unnest(NULL)", [], |row| row.get(0)).unwrap();
        assert_eq!(none, 0);
    }
}
