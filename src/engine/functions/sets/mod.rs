//! Functions that return sets, as SQLite's table-valued functions.
//!
//! Owns: [`SetFunction`], what one such function is, and the virtual table that runs it: the columns it gives, then one
//! hidden column per argument. The rowid counts the rows from 1 (WITH ORDINALITY). One of the places with `unsafe`: the
//! virtual table's structures are SQLite's. Specification: functions-srf.html; vtab.html#tabfunc2.

#![expect(unsafe_code, reason = "virtual tables are structures of SQLite's C interface")]

mod catalog;
mod contents;
mod extension;
mod gin;
mod kept;
pub(super) mod packing;
mod plan;
mod routine;
mod series;
mod tablefunc;
mod text_search;
mod xml_table;

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;

use rusqlite::types::Value;
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
};
use rusqlite::{Connection, ffi};

use super::{ContextSlot, registration_failed};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::sql::lower::print::plan::SEPARATE;

/// The most columns a row has (ts_debug).
const WIDTH: usize = 6;

/// What making a row costs.
const ROW: usize = 64;

/// One row: its columns, then NULLs.
type Row = [Value; WIDTH];

/// The rows of one call, made as they are asked for.
type Rows = Box<dyn Iterator<Item = Result<Row>> + Send>;

/// A function that returns a set.
struct SetFunction {
    name: &'static str,
    columns: &'static [&'static str],
    /// The most arguments it takes; those left out at the end are NULL.
    arity: usize,
    /// No rows if any argument that was given is NULL.
    strict: bool,
    body: fn(&Arguments<'_>) -> Result<Rows>,
}

impl SetFunction {
    const fn new(name: &'static str, arity: usize, body: fn(&Arguments<'_>) -> Result<Rows>) -> Self {
        SetFunction { name, columns: &["value"], arity, strict: true, body }
    }
}

/// A call's arguments.
struct Arguments<'a> {
    /// Those that were given.
    values: &'a [Value],
    slot: &'a ContextSlot,
}

impl Arguments<'_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    /// The bytes of all of them.
    fn size(&self) -> usize {
        let size = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        self.values.iter().map(size).sum()
    }

    fn is_null(&self, index: usize) -> bool {
        matches!(self.values.get(index), None | Some(Value::Null))
    }

    fn int(&self, index: usize) -> Result<i64> {
        match self.values.get(index) {
            Some(Value::Integer(value)) => Ok(*value),
            _ => {
                let text = self.text(index)?;
                text.parse().map_err(|_| {
                    let message = format!("invalid input syntax for type bigint: \"{text}\"");
                    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
                })
            }
        }
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        match self.values.get(index) {
            Some(value) => super::args::text_of(value.into()),
            None => Ok(Cow::Borrowed("")),
        }
    }
}

/// A row of one column.
fn single(value: impl Into<Value>) -> Row {
    row([value.into()])
}

fn row<const N: usize>(values: [Value; N]) -> Row {
    let mut row = [const { Value::Null }; WIDTH];
    row.iter_mut().zip(values).for_each(|(place, value)| *place = value);
    row
}

fn rows<I>(iterator: I) -> Result<Rows>
where
    I: Iterator<Item = Row> + Send + 'static,
{
    Ok(Box::new(iterator.map(Ok)))
}

/// What the module keeps for a connection.
struct Shared {
    function: &'static SetFunction,
    slot: ContextSlot,
}

#[repr(C)]
struct Table {
    base: ffi::sqlite3_vtab,
    function: &'static SetFunction,
    slot: ContextSlot,
}

// SAFETY: `Table` is repr(C) and its first member is the base structure.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = Shared;
    type Cursor = Cursor<'vtab>;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&Shared>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        _args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Self)> {
        let shared = aux.ok_or_else(|| rusqlite::Error::ModuleError("a set function without its body".into()))?;
        db.config(VTabConfig::Innocuous)?;
        let mut columns: Vec<String> = shared.function.columns.iter().map(|name| format!("\"{name}\"")).collect();
        columns.extend((0..shared.function.arity).map(|index| format!("argument{index} HIDDEN")));
        let declaration = CString::new(format!("CREATE TABLE x({})", columns.join(", ")))?;
        let base = ffi::sqlite3_vtab::default();
        Ok((Cow::Owned(declaration), Table { base, function: shared.function, slot: shared.slot.clone() }))
    }

    /// Asks for the arguments, in order; a plan that has not all of them yet is no plan.
    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let first = self.function.columns.len();
        let mut given: Vec<Option<usize>> = vec![None; self.function.arity];
        for (place, constraint) in info.constraints().enumerate() {
            let index = usize::try_from(constraint.column()).ok().and_then(|column| column.checked_sub(first));
            let Some(argument) = index.and_then(|index| given.get_mut(index)) else { continue };
            if constraint.operator() == IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ {
                if !constraint.is_usable() {
                    return Ok(false);
                }
                *argument = Some(place);
            }
        }
        let count = given.iter().take_while(|argument| argument.is_some()).count();
        for (position, place) in given.iter().flatten().enumerate() {
            let mut usage = info.constraint_usage(*place);
            usage.set_argv_index(c_int::try_from(position + 1).unwrap_or(0));
            usage.set_omit(true);
        }
        info.set_idx_num(c_int::try_from(count).unwrap_or(0));
        info.set_estimated_cost(10.0);
        info.set_estimated_rows(100);
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: ffi::sqlite3_vtab_cursor::default(),
            function: self.function,
            slot: self.slot.clone(),
            arguments: Vec::new(),
            rows: Box::new(std::iter::empty()),
            current: None,
            rowid: 0,
            table: PhantomData,
        })
    }
}

#[repr(C)]
struct Cursor<'vtab> {
    base: ffi::sqlite3_vtab_cursor,
    function: &'static SetFunction,
    slot: ContextSlot,
    arguments: Vec<Value>,
    rows: Rows,
    current: Option<Row>,
    rowid: i64,
    table: PhantomData<&'vtab Table>,
}

impl Cursor<'_> {
    fn advance(&mut self) -> rusqlite::Result<()> {
        let next = limits::work(ROW).and_then(|()| self.rows.next().transpose());
        self.current = next.map_err(|error| self.slot.fail(error))?;
        self.rowid += 1;
        Ok(())
    }
}

// SAFETY: `Cursor` is repr(C) and its first member is the base structure.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, count: c_int, _: Option<&str>, args: &Filters<'_>) -> rusqlite::Result<()> {
        let given = args.len().min(usize::try_from(count).unwrap_or(0));
        self.arguments = (0..given).map(|index| args.get::<Value>(index)).collect::<rusqlite::Result<_>>()?;
        if let Some(Value::Blob(packed)) = self.arguments.get(SEPARATE) {
            let rest = packing::unpacked(packed);
            self.arguments.splice(SEPARATE.., rest);
        }
        self.rowid = 0;
        let nothing = self.function.strict && self.arguments.contains(&Value::Null);
        self.rows = if nothing || (given == 0 && self.function.arity > 0) {
            Box::new(std::iter::empty())
        } else {
            let arguments = Arguments { values: &self.arguments, slot: &self.slot };
            let begun = limits::begin(arguments.size());
            begun.and_then(|()| (self.function.body)(&arguments)).map_err(|error| self.slot.fail(error))?
        };
        self.advance()
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        self.advance()
    }

    fn eof(&self) -> bool {
        self.current.is_none()
    }

    fn column(&self, context: &mut Context, index: c_int) -> rusqlite::Result<()> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let columns = self.function.columns.len();
        let value = match &self.current {
            Some(row) if index < columns => row.get(index),
            _ => self.arguments.get(index.saturating_sub(columns)),
        };
        match value {
            Some(Value::Integer(value)) => context.set_result(value),
            Some(Value::Real(value)) if value.is_nan() => context.set_result("NaN"),
            Some(value) => context.set_result(value),
            None => context.set_result(rusqlite::types::Null),
        }
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        Ok(self.rowid)
    }
}

/// Registers the functions that return sets.
pub(super) fn register(connection: &Connection, slot: &ContextSlot) -> Result<()> {
    const MODULE: Module<Table> = Module::eponymous_only_module();
    kept::register(connection, slot)?;
    plan::register(connection)?;
    for function in series::FUNCTIONS
        .iter()
        .chain(contents::FUNCTIONS)
        .chain(catalog::FUNCTIONS)
        .chain(text_search::FUNCTIONS)
        .chain(routine::FUNCTIONS)
        .chain(extension::FUNCTIONS)
        .chain(tablefunc::FUNCTIONS)
        .chain(xml_table::FUNCTIONS)
        .chain(gin::FUNCTIONS)
    {
        let shared = Shared { function, slot: slot.clone() };
        connection
            .create_module(function.name, &MODULE, Some(shared))
            .map_err(|error| registration_failed(function.name, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    /// The values a call returns, and the text when it is compared: joined by blanks.
    macro_rules! all {
        ($call:literal) => {
            concat!("(SELECT group_concat(coalesce(value, 'NULL'), ' ') FROM ", $call, ")")
        };
    }

    #[test]
    fn sets_are_tables() {
        assert_values(&[
            (all!("pg_generate_series_int(1, 5, 2)"), "1 3 5"),
            (all!("pg_generate_series_int(3, 1, -1)"), "3 2 1"),
            (all!("pg_generate_series_int(2, 1)"), "NULL"),
            (all!("pg_generate_series_int(1, NULL)"), "NULL"),
            (all!("pg_generate_series_int(1, 2, 0)"), "22023 step size cannot equal zero"),
            (
                all!("pg_generate_series_int(9223372036854775806, 9223372036854775807)"),
                "9223372036854775806 9223372036854775807",
            ),
            (all!("pg_generate_series_numeric('1.1', '2', '0.4')"), "1.1 1.5 1.9"),
            (
                all!("pg_generate_series_timestamp('2024-01-31 00:00:00', '2024-03-31 00:00:00', '1 mon')"),
                "2024-01-31 00:00:00 2024-02-29 00:00:00 2024-03-29 00:00:00",
            ),
            (all!("pg_generate_subscripts('_int4,int4', '[5,6]', 1)"), "1 2"),
            (all!("pg_generate_subscripts('int2vector,int4', '[5,6]', 1)"), "0 1"),
            ("(SELECT group_concat(value || rowid) FROM pg_string_to_table('a,b', ','))", "a1,b2"),
            ("(SELECT word || barelabel FROM pg_get_keywords() WHERE catcode = 'R' LIMIT 1)", "all1"),
            ("(SELECT group_concat(option_name || option_value) FROM pg_options_to_table('[\"a=b=c\"]'))", "ab=c"),
            (
                "(SELECT group_concat(grantee || privilege_type || is_grantable) FROM pg_aclexplode('[\"=r*/x\"]'))",
                "0SELECT1",
            ),
            ("(SELECT group_concat(key || value) FROM pg_json_each('{\"a\":1,\"b\":[2]}'))", "a1,b[2]"),
            (all!("pg_jsonb_array_elements('{}')"), "22023 cannot extract elements from an object"),
            (all!("pg_regexp_matches('foobar', 'o(.)', 'g')"), "[\"o\"]"),
            (all!("pg_string_to_table('a,b', ',')"), "a b"),
            ("(SELECT count(*) FROM (VALUES (1), (2)) v, pg_generate_series_int(1, v.column1))", "3"),
        ]);
    }
}
