//! Functions that return sets in a select list. They run in lockstep, as PostgreSQL runs them: one row takes the next
//! value of each, NULL from those that have ended.
//!
//! Owns: [`SetCalls`], [`Lower::set_value`], [`Lower::set_field`], [`Lower::set_item`]. To SQLite all of one select list
//! are one item of FROM. Specification: xfunc-sql.html#XFUNC-SQL-FUNCTIONS-RETURNING-SET, nodeProjectSet.c.

use std::rc::Rc;

use super::Lower;
use super::expr::element_value;
use super::record;
use super::tree::{ColumnRef, Expr, ExprKind, FromItem, Query, Select, Target};
use crate::error::{Error, Result};
use crate::sql::functions::Call;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{Expr as Typed, FunctionRef};
use crate::types::pg_range::by_multirange;
use crate::types::pg_type::Oid;

/// How many arrays pg_unnest takes.
const MAX_UNNEST: usize = 8;

/// SQLite's function for unnest() and for sets side by side.
const UNNEST: &str = "pg_unnest";

/// The functions that return sets of one select list.
#[derive(Default)]
pub(super) struct SetCalls {
    alias: Option<Rc<str>>,
    calls: Vec<SetCall>,
}

struct SetCall {
    function: FunctionRef,
    args: Vec<Typed>,
    source: SetSource,
    /// The element type's name, for making an array of the values.
    element: &'static str,
}

enum SetSource {
    Array(Expr),
    /// The item, and its columns' names and types.
    Call(FromItem, Vec<(Rc<str>, Oid)>),
}

impl Lower<'_> {
    /// The current value of a function that returns a set.
    pub(super) fn set_value(&mut self, function: FunctionRef, args: &[Typed], expr: &Typed) -> Result<Expr> {
        let (index, alias) = self.set_call(function, args, expr.type_oid)?;
        let columns: Vec<(usize, Oid)> = function.columns.iter().map(|(_, oid)| *oid).enumerate().collect();
        if columns.len() > 1 {
            let fields = columns.into_iter().map(|(field, oid)| self.set_column(index, &alias, field, oid));
            return Ok(record::stored(fields.collect::<Result<_>>()?));
        }
        self.set_column(index, &alias, 0, expr.type_oid)
    }

    /// A field of the current row of a function that returns a set of rows.
    pub(super) fn set_field(
        &mut self,
        function: FunctionRef,
        args: &[Typed],
        field: usize,
        expr: &Typed,
    ) -> Result<Expr> {
        let (index, alias) = self.set_call(function, args, Oid::RECORD)?;
        self.set_column(index, &alias, field, expr.type_oid)
    }

    /// The place of a call among those of its select list.
    fn set_call(&mut self, function: FunctionRef, args: &[Typed], result: Oid) -> Result<(usize, Rc<str>)> {
        let alias = match self.levels.last().and_then(|level| level.sets.as_ref()).map(|sets| sets.alias.clone()) {
            None => return Err(Error::unsupported("a set-returning function here")),
            Some(Some(alias)) => alias,
            Some(None) => self.fresh_alias(),
        };
        let known = self
            .levels
            .last()
            .and_then(|level| level.sets.as_ref())
            .and_then(|sets| sets.calls.iter().position(|call| call.function == function && call.args == args));
        if let Some(index) = known {
            return Ok((index, alias));
        }
        // What stands in an argument of one runs before it: it would be a set of its own.
        let outer = self.levels.last_mut().and_then(|level| level.sets.take());
        let source = self.set_source(function, args, result, &alias);
        let Some(level) = self.levels.last_mut() else { return Err(Error::internal("no query level")) };
        level.sets = outer;
        let element = self.internal_name(result);
        let call = SetCall { function, args: args.to_vec(), source: source?, element };
        let sets = self.levels.last_mut().and_then(|level| level.sets.as_mut());
        let Some(sets) = sets else { return Err(Error::internal("no query level")) };
        sets.alias = Some(alias.clone());
        if !Volatile.in_exprs(call.source.exprs()) || sets.calls.is_empty() {
            sets.calls.push(call);
        } else {
            return Err(Error::unsupported("a volatile argument of one of several set-returning functions"));
        }
        // Side by side they are unnested, which would flatten arrays.
        if sets.calls.len() > 1 && sets.calls.iter().any(|call| call.element.starts_with('_')) {
            return Err(Error::unsupported("a function that returns a set of arrays beside another set"));
        }
        Ok((sets.calls.len() - 1, alias))
    }

    fn set_source(&mut self, function: FunctionRef, args: &[Typed], result: Oid, alias: &Rc<str>) -> Result<SetSource> {
        if function.call == Call::Function(UNNEST) {
            let array = args.first().ok_or_else(|| Error::internal("unnest without an argument"))?;
            return Ok(SetSource::Array(self.unnested(array)?));
        }
        let (item, columns) = self.set_item(function, args, result, alias.clone())?;
        Ok(SetSource::Call(item, columns))
    }

    /// A column of the `index`-th call. All calls have not been met yet, so only their lockstep decides where it is; a
    /// call that is alone is the item itself, whose column has its own name. `value`, `value2` … fit both.
    fn set_column(&mut self, index: usize, alias: &Rc<str>, field: usize, type_oid: Oid) -> Result<Expr> {
        let sets = self.levels.last().and_then(|level| level.sets.as_ref());
        let Some(call) = sets.and_then(|sets| sets.calls.get(index)) else { return Err(Error::internal("no set")) };
        Ok(match &call.source {
            SetSource::Array(_) if field == 0 => element_value(function_column(alias, &value_name(index), type_oid)),
            // unnest() as _pg_expandarray: element and position.
            SetSource::Array(_) => function_column(alias, "rowid", type_oid),
            SetSource::Call(_, columns) if columns.len() > 1 => {
                let Some((name, _)) = columns.get(field).filter(|_| index == 0) else {
                    return Err(Error::unsupported("a function that returns rows beside another set"));
                };
                function_column(alias, name, type_oid)
            }
            SetSource::Call(..) => function_column(alias, &value_name(index), type_oid),
        })
    }

    /// The FROM item of a function that returns a set, and its columns.
    pub(super) fn set_item(
        &mut self,
        function: FunctionRef,
        args: &[Typed],
        result: Oid,
        alias: Rc<str>,
    ) -> Result<(FromItem, Vec<(Rc<str>, Oid)>)> {
        let mut lowered = match (function.call, args) {
            (Call::Function(UNNEST), [array]) => vec![self.unnested(array)?],
            _ => self.exprs(args)?,
        };
        let name = match function.call {
            Call::Function(name) => name,
            Call::Typed(name) => {
                lowered.insert(0, self.types_of(args));
                name
            }
            Call::Template(_) => return Err(Error::internal("a set-returning function by template")),
        };
        let single = [("value", result)];
        let columns = if function.columns.is_empty() || name == UNNEST { &single } else { function.columns };
        let columns = columns.iter().map(|(name, oid)| ((*name).into(), *oid)).collect();
        // SQLite may call it for each row of the tables beside it.
        let args = lowered.into_iter().map(|arg| self.once(arg, |_, arg| Ok(arg))).collect::<Result<Vec<_>>>()?;
        Ok((FromItem::Function { name, args, alias }, columns))
    }

    /// What unnest() takes as an array; of a multirange, that of its ranges.
    pub(super) fn unnested(&mut self, value: &Typed) -> Result<Expr> {
        let lowered = self.expr(value)?;
        Ok(match by_multirange(value.type_oid) {
            Some(_) => Expr::function("pg_multirange_array", vec![lowered], Oid::TEXT_ARRAY),
            None => lowered,
        })
    }

    /// The FROM item that yields the sets of arrays side by side.
    pub(super) fn unnest_item(&self, args: Vec<Expr>, alias: Rc<str>) -> Result<FromItem> {
        if args.len() > MAX_UNNEST {
            return Err(Error::unsupported(format!("more than {MAX_UNNEST} sets side by side")));
        }
        Ok(FromItem::Function { name: UNNEST, args, alias })
    }
}

impl SetCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The one FROM item that yields them all: the function itself if there is one, else all as arrays side by side.
    pub(super) fn into_item(self) -> Result<Option<FromItem>> {
        let Some(alias) = self.alias else { return Ok(None) };
        let mut calls = self.calls;
        if let [SetCall { source: SetSource::Call(..), .. }] = calls.as_slice()
            && let Some(SetCall { source: SetSource::Call(item, _), .. }) = calls.pop()
        {
            return Ok(Some(item));
        }
        if calls.len() > MAX_UNNEST {
            return Err(Error::unsupported(format!("more than {MAX_UNNEST} sets side by side")));
        }
        let args = calls.into_iter().map(SetCall::into_array).collect::<Result<_>>()?;
        Ok(Some(FromItem::Function { name: UNNEST, args, alias }))
    }
}

impl SetSource {
    fn exprs(&self) -> &[Expr] {
        match self {
            SetSource::Array(array) => std::slice::from_ref(array),
            SetSource::Call(FromItem::Function { args, .. }, _) => args,
            SetSource::Call(..) => &[],
        }
    }
}

impl SetCall {
    fn into_array(self) -> Result<Expr> {
        match self.source {
            SetSource::Array(array) => Ok(array),
            SetSource::Call(_, columns) if columns.len() > 1 => {
                Err(Error::unsupported("a function that returns rows beside another set"))
            }
            SetSource::Call(item, _) => Ok(array_of_item(item, self.element)),
        }
    }
}

/// The values of a function in FROM as an array.
pub(super) fn array_of_item(item: FromItem, element: &str) -> Expr {
    let expr = match &item {
        FromItem::Function { alias, .. } => function_column(alias, "value", Oid::TEXT),
        _ => Expr::new(ExprKind::Null, Oid::TEXT),
    };
    let targets = vec![Target { name: String::new(), expr }];
    let query = Query::of_select(Select { targets, from: vec![item], ..Select::default() });
    let kind = ExprKind::ArrayQuery { query: Box::new(query), element: element.to_owned() };
    Expr::new(kind, Oid::TEXT_ARRAY)
}

/// The name of pg_unnest's `index`-th column.
pub(super) fn value_name(index: usize) -> String {
    if index == 0 { "value".to_owned() } else { format!("value{}", index + 1) }
}

/// A column of a table-valued function.
pub(super) fn function_column(alias: &Rc<str>, name: &str, type_oid: Oid) -> Expr {
    let column = ColumnRef { alias: Some(alias.clone()), column: name.into(), not_null: false };
    Expr::new(ExprKind::Column(column), type_oid)
}
