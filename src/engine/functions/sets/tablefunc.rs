//! tablefunc's functions (contrib/tablefunc/tablefunc.c).
//!
//! Those whose columns the query defines get the row type in front (`Call::Typed`) and a NULL of it as their first argument.

use std::collections::HashMap;

use rusqlite::types::Value;

use super::{Arguments, Row, Rows, SetFunction, row, rows, single};
use crate::engine::functions::elements::types_in;
use crate::engine::functions::rows::{input, row_type};
use crate::engine::functions::strings::quote_literal;
use crate::engine::routines::call::{Caller, LeaseCell};
use crate::engine::routines::query::{Answer, query};
use crate::error::{Error, Result, SqlState};
use crate::limits::{memory, session as limits, stack};
use crate::plpgsql::value::Column;
use crate::types::pg_type::{Oid, TypeInfo};
use crate::types::row_type::Row as RowType;
use crate::types::row_wire::Writer;

pub(super) static FUNCTIONS: &[SetFunction] = &[
    SetFunction::new("pg_normal_rand", 3, normal_rand),
    SetFunction { strict: false, ..SetFunction::new("pg_crosstab", 4, crosstab) },
    SetFunction { strict: false, ..SetFunction::new("pg_crosstab_hash", 4, crosstab_hash) },
    SetFunction { strict: false, ..SetFunction::new("pg_connectby", 8, |a| connectby(a, false)) },
    SetFunction { strict: false, ..SetFunction::new("pg_connectby_serial", 9, |a| connectby(a, true)) },
    fixed("pg_crosstab2", |a| crosstab_fixed(a, 2)),
    fixed("pg_crosstab3", |a| crosstab_fixed(a, 3)),
    fixed("pg_crosstab4", |a| crosstab_fixed(a, 4)),
];

const fn fixed(name: &'static str, body: fn(&Arguments<'_>) -> Result<Rows>) -> SetFunction {
    let columns = &["row_name", "category_1", "category_2", "category_3", "category_4"];
    SetFunction { columns, ..SetFunction::new(name, 1, body) }
}

/// A row's values in text form.
type Texts = Vec<Option<String>>;

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message.to_owned())
}

fn mismatch(detail: impl Into<String>) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, "invalid return type").with_detail(detail.into())
}

fn normal_rand(args: &Arguments<'_>) -> Result<Rows> {
    let number = |index| -> Result<f64> {
        match args.values.get(index) {
            Some(Value::Real(value)) => Ok(*value),
            _ => args.text(index)?.parse().map_err(|_| Error::internal("a double")),
        }
    };
    let (count, mean, deviation) = (args.int(0)?, number(1)?, number(2)?);
    let count = usize::try_from(count)
        .map_err(|_| Error::new(SqlState::INVALID_PARAMETER_VALUE, "number of rows cannot be negative"))?;
    args.slot.refuse_to_repeat();
    rows((0..count).map(move |_| single(mean + deviation * normal())))
}

/// One of the pair that the polar form of the Box-Muller transformation gives.
fn normal() -> f64 {
    loop {
        let (x, y) = (2.0 * rand::random::<f64>() - 1.0, 2.0 * rand::random::<f64>() - 1.0);
        let s = x * x + y * y;
        if s > 0.0 && s < 1.0 {
            return x * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// Runs a query that an argument is.
fn answer(args: &Arguments<'_>, text: &str) -> Result<Answer> {
    let (link, lease) = args.slot.linked()?;
    let caller = Caller { link, lease: LeaseCell::new(lease) };
    Ok(query(&caller, text)?.unwrap_or(Answer { columns: Vec::new(), rows: Vec::new() }))
}

/// The columns that the query defines.
fn defined(args: &Arguments<'_>) -> Result<RowType> {
    let names = args.text(0)?;
    let info = types_in(&names).next().ok_or_else(|| Error::internal("a typed call without types"))??;
    row_type(info)
}

fn types_of(row: RowType) -> Vec<&'static TypeInfo> {
    row.all().iter().flatten().map(|field| field.info).collect()
}

/// Rows of the defined columns, each value read by its column's type (BuildTupleFromCStrings).
fn built(args: &Arguments<'_>, of: RowType, all: Vec<Texts>) -> Result<Rows> {
    let types = types_of(of);
    let mut made = Vec::with_capacity(all.len());
    for texts in all {
        let mut stored = String::new();
        let mut writer = Writer::new(of, &mut stored);
        for (info, text) in types.iter().zip(texts) {
            let value = match text {
                Some(text) => input(info, &text, args.slot)?,
                None => crate::types::value::Value::Null,
            };
            writer.put(value.as_ref())?;
        }
        writer.end();
        memory::reserve(stored.len())?;
        limits::work(stored.len())?;
        made.push(stored);
    }
    rows(made.into_iter().map(single))
}

/// Whether a function that is strict was given a NULL, the row type's own not counted.
fn any_null(args: &Arguments<'_>) -> bool {
    (2..args.len()).any(|index| args.is_null(index))
}

/// The rows of a query of three columns, those with the same first one as one of that and `width` values.
fn pivoted(found: Answer, width: usize) -> Vec<Texts> {
    let mut all: Vec<Texts> = Vec::new();
    let mut filled = 0;
    for found in found.rows {
        let mut found = found.into_iter();
        let (name, value) = (found.next().flatten(), found.nth(1).flatten());
        if all.last().is_none_or(|last| last.first() != Some(&name)) {
            let mut fresh = vec![None; width + 1];
            if let Some(first) = fresh.first_mut() {
                *first = name;
            }
            all.push(fresh);
            filled = 0;
        }
        filled += 1;
        if let Some(place) = all.last_mut().and_then(|last| last.get_mut(filled)) {
            *place = value;
        }
    }
    all
}

fn three_columns(found: &Answer) -> Result<()> {
    if found.columns.len() == 3 || found.rows.is_empty() {
        return Ok(());
    }
    let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid source data SQL statement");
    Err(error.with_detail("The provided SQL must return 3 columns: rowid, category, and values."))
}

/// compatCrosstabTupleDescs
fn check_crosstab(of: &[Oid], found: &[Column]) -> Result<()> {
    let incompatible = || syntax("return and sql tuple descriptions are incompatible");
    let ([name, values @ ..], [row, _, value]) = (of, found) else { return Err(incompatible()) };
    if *name != row.data_type.oid {
        return Err(mismatch("SQL rowid datatype does not match return rowid datatype."));
    }
    if values.is_empty() || values.iter().any(|oid| *oid != value.data_type.oid) {
        return Err(incompatible());
    }
    Ok(())
}

fn crosstab(args: &Arguments<'_>) -> Result<Rows> {
    if any_null(args) {
        return rows(std::iter::empty());
    }
    let found = answer(args, &args.text(2)?)?;
    three_columns(&found)?;
    if found.rows.is_empty() {
        return rows(std::iter::empty());
    }
    let of = defined(args)?;
    let types: Vec<Oid> = types_of(of).iter().map(|info| info.oid).collect();
    check_crosstab(&types, &found.columns)?;
    built(args, of, pivoted(found, types.len() - 1))
}

fn crosstab_fixed(args: &Arguments<'_>, width: usize) -> Result<Rows> {
    let found = answer(args, &args.text(0)?)?;
    three_columns(&found)?;
    if found.rows.is_empty() {
        return rows(std::iter::empty());
    }
    check_crosstab(&vec![Oid::TEXT; width + 1], &found.columns)?;
    let all = pivoted(found, width).into_iter().map(|texts| -> Row {
        let mut values = row([]);
        values.iter_mut().zip(texts).for_each(|(place, text)| *place = text.map_or(Value::Null, Value::Text));
        values
    });
    let all: Vec<Row> = all.collect();
    rows(all.into_iter())
}

fn crosstab_hash(args: &Arguments<'_>) -> Result<Rows> {
    if any_null(args) {
        return rows(std::iter::empty());
    }
    let of = defined(args)?;
    let width = types_of(of).len();
    if width < 2 {
        return Err(syntax("query-specified return tuple and crosstab function are not compatible"));
    }
    let no_categories = || syntax("provided \"categories\" SQL must return 1 column of at least one row");
    let found = answer(args, &args.text(3)?)?;
    if found.columns.len() != 1 && !found.rows.is_empty() {
        return Err(no_categories());
    }
    let mut categories = HashMap::new();
    for (place, found) in found.rows.into_iter().enumerate() {
        let Some(name) = found.into_iter().next().flatten() else {
            return Err(syntax("provided \"categories\" SQL must not return NULL values"));
        };
        if categories.insert(name, place).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, "duplicate category name"));
        }
    }
    let found = answer(args, &args.text(2)?)?;
    if found.rows.is_empty() {
        return rows(std::iter::empty());
    }
    if categories.is_empty() {
        return Err(no_categories());
    }
    let count = found.columns.len();
    if count < 3 {
        let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid source data SQL statement");
        return Err(error.with_detail("The provided SQL must return 3  columns; rowid, category, and values."));
    }
    let own = count - 2;
    if width != own + categories.len() {
        let returned = own + categories.len();
        let detail = format!("Query-specified return tuple has {width} columns but crosstab returns {returned}.");
        return Err(syntax("invalid return type").with_detail(detail));
    }
    let mut all: Vec<Texts> = Vec::new();
    for mut found in found.rows {
        let (value, category) = (found.pop().flatten(), found.pop().flatten());
        if all.last().is_none_or(|last| last.first() != found.first()) {
            found.resize(width, None);
            all.push(found);
        }
        let place = category.and_then(|category| categories.get(&category));
        let last = all.last_mut();
        if let Some(place) = place.zip(last).and_then(|(place, last)| last.get_mut(own + place)) {
            *place = value;
        }
    }
    built(args, of, all)
}

/// What connectby was asked for.
struct Tree<'a> {
    args: &'a Arguments<'a>,
    types: Vec<&'static TypeInfo>,
    table: String,
    key: String,
    parent: String,
    order: Option<String>,
    depth: i64,
    delimiter: Option<String>,
    found: Vec<Texts>,
}

/// connectby(table, key, parent key[, order], start, depth[, delimiter])
fn connectby(args: &Arguments<'_>, is_serial: bool) -> Result<Rows> {
    if any_null(args) {
        return rows(std::iter::empty());
    }
    let text = |index: usize| args.text(index + 2).map(std::borrow::Cow::into_owned);
    let shift = usize::from(is_serial);
    let of = defined(args)?;
    let mut tree = Tree {
        args,
        types: types_of(of),
        table: text(0)?,
        key: text(1)?,
        parent: text(2)?,
        order: if is_serial { Some(text(3)?) } else { None },
        depth: args.int(6 + shift)?,
        delimiter: if args.len() > 7 + shift { Some(text(5 + shift)?) } else { None },
        found: Vec::new(),
    };
    tree.check()?;
    let start = text(3 + shift)?;
    tree.put(Some(start.clone()), None, 0, &start)?;
    tree.below(&start, &start, 1)?;
    let found = tree.found;
    built(args, of, found)
}

impl Tree<'_> {
    /// validateConnectbyTupleDesc
    fn check(&self) -> Result<()> {
        let oid = |index: usize| self.types.get(index).map(|info| info.oid);
        let (branch, serial) = (self.delimiter.is_some(), self.order.is_some());
        if self.types.len() != 3 + usize::from(branch) + usize::from(serial) {
            return Err(mismatch("Query-specified return tuple has wrong number of columns."));
        }
        if oid(0) != oid(1) {
            return Err(mismatch("First two columns must be the same type."));
        }
        if oid(2) != Some(Oid::INT4) {
            return Err(mismatch("Third column must be type integer."));
        }
        if branch && oid(3) != Some(Oid::TEXT) {
            return Err(mismatch("Fourth column must be type text."));
        }
        if serial && oid(3 + usize::from(branch)) != Some(Oid::INT4) {
            let which = if branch { "fifth" } else { "fourth" };
            let message =
                format!("query-specified return tuple not valid for Connectby: {which} column must be type integer");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(())
    }

    fn put(&mut self, key: Option<String>, parent: Option<String>, level: i64, branch: &str) -> Result<()> {
        memory::reserve(branch.len())?;
        limits::work(64)?;
        let mut texts = vec![key, parent, Some(level.to_string())];
        if self.delimiter.is_some() {
            texts.push(Some(branch.to_owned()));
        }
        if self.order.is_some() {
            texts.push(Some((self.found.len() + 1).to_string()));
        }
        self.found.push(texts);
        Ok(())
    }

    /// build_tuplestore_recursively
    fn below(&mut self, start: &str, branch: &str, level: i64) -> Result<()> {
        stack::check()?;
        if self.depth > 0 && level > self.depth {
            return Ok(());
        }
        let (key, parent, table) = (&self.key, &self.parent, &self.table);
        let literal = quote_literal(start);
        let mut text = format!(
            "SELECT {key}, {parent} FROM {table} WHERE {parent} = {literal} AND {key} IS NOT NULL AND {key} <> {parent}"
        );
        if let Some(order) = &self.order {
            text.push_str(&format!(" ORDER BY {order}"));
        }
        let found = answer(self.args, &text)?;
        if found.rows.is_empty() {
            return Ok(());
        }
        if found.columns.len() < 2 {
            return Err(mismatch("Query must return at least two columns."));
        }
        for ((column, wanted), which) in found.columns.iter().zip(&self.types).zip(["key", "parent key"]) {
            if column.data_type.oid != wanted.oid {
                let given = crate::types::pg_type::type_info(column.data_type.oid).map_or("?", |info| info.sql_name);
                // PostgreSQL says them the wrong way round.
                return Err(mismatch(format!(
                    "SQL {which} field type {} does not match return {which} field type {given}.",
                    wanted.sql_name
                )));
            }
        }
        let delimiter = self.delimiter.clone().unwrap_or_else(|| "~".to_owned());
        let above = format!("{delimiter}{branch}{delimiter}");
        for row in found.rows {
            let mut row = row.into_iter();
            let (key, parent) = (row.next().flatten(), row.next().flatten());
            let Some(key) = key else {
                self.put(None, parent, level, branch)?;
                continue;
            };
            if above.contains(&format!("{delimiter}{key}{delimiter}")) {
                return Err(Error::new(SqlState::INVALID_RECURSION, "infinite recursion detected"));
            }
            let branch = format!("{branch}{delimiter}{key}");
            self.put(Some(key.clone()), parent, level, &branch)?;
            self.below(&key, &branch, level + 1)?;
        }
        Ok(())
    }
}
