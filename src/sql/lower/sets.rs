//! Functions that return sets. Those of one select list or one ROWS FROM run in lockstep: one row takes the next value
//! of each, NULL from those that have ended.
//!
//! Owns: [`SetCalls`], [`Lower::lockstep`], [`Lower::set_item`]. To SQLite all of them are one item of FROM: the function
//! itself, arrays side by side, or functions joined by the numbers of their rows. Specification:
//! xfunc-sql.html#XFUNC-SQL-FUNCTIONS-RETURNING-SET, nodeProjectSet.c, nodeFunctionscan.c.

use std::rc::Rc;

use super::Lower;
use super::expr::element_value;
use super::record;
use super::tree::{ColumnRef, Expr, ExprKind, FromItem, JoinKind, Query, Select, SortKey, Target};
use crate::error::{Error, Result};
use crate::sql::functions::Call;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::tree::{Expr as Typed, FunctionRef};
use crate::sql::types;
use crate::types::pg_type::{Oid, Repr, Scalar};

/// How many arrays pg_unnest takes.
const MAX_UNNEST: usize = 8;

/// SQLite's function for unnest() and for sets side by side.
const UNNEST: &str = "pg_unnest";

/// The name and type of a column of SQLite's function.
type NamedColumn = (Rc<str>, Oid);

/// The functions that return sets of one select list, and the columns that have their current rows.
#[derive(Default)]
pub(super) struct SetCalls {
    calls: Vec<Typed>,
    columns: Vec<SetColumns>,
}

/// The columns of a set, and what is not NULL while it has a row, unless it always has.
#[derive(Clone)]
pub(super) struct SetColumns {
    pub values: Vec<Expr>,
    there: Option<Expr>,
}

/// Sets side by side: what yields them, the columns of each, and the number of the row.
pub(super) struct Lockstep {
    pub item: FromItem,
    pub columns: Vec<SetColumns>,
    pub number: Expr,
}

impl Lower<'_> {
    /// The current value of a function that returns a set.
    pub(super) fn set_value(&mut self, call: &Typed) -> Result<Expr> {
        let SetColumns { mut values, there } = self.set_columns(call)?;
        if values.len() == 1 {
            return Ok(values.remove(0));
        }
        let record = record::stored(values, self.info(call.type_oid, call.typmod));
        let (type_oid, typmod) = (call.type_oid, call.typmod);
        Ok(match there {
            None => Expr { type_oid, typmod, ..record },
            Some(there) => {
                let whens = vec![(Expr::template("({0} IS NOT NULL)", vec![there], Oid::BOOL), record)];
                Expr { kind: ExprKind::Case { whens, otherwise: None }, type_oid, typmod }
            }
        })
    }

    /// A field of the current row of a function that returns a set of rows.
    pub(super) fn set_field(&mut self, call: &Typed, field: usize) -> Result<Expr> {
        let column = self.set_columns(call)?.values.into_iter().nth(field);
        column.ok_or_else(|| Error::internal("a set has no such column"))
    }

    fn set_columns(&self, call: &Typed) -> Result<SetColumns> {
        let sets = self.levels.last().and_then(|level| level.sets.as_ref());
        let columns = sets.and_then(|sets| {
            let index = sets.calls.iter().position(|known| known == call)?;
            sets.columns.get(index).cloned()
        });
        columns.ok_or_else(|| Error::unsupported("a set-returning function here"))
    }

    /// The FROM item that yields the sets of a select list; its expressions may then name them.
    pub(super) fn begin_sets<'e>(&mut self, exprs: impl Iterator<Item = &'e Typed>) -> Result<Option<FromItem>> {
        let mut calls = Vec::new();
        exprs.for_each(|expr| collect_calls(expr, &mut calls));
        if calls.is_empty() {
            return Ok(None);
        }
        let alias = self.fresh_alias();
        let Lockstep { item, columns, .. } = self.lockstep(&calls, alias)?;
        if let Some(level) = self.levels.last_mut() {
            level.sets = Some(SetCalls { calls, columns });
        }
        Ok(Some(item))
    }

    /// Behind the select list no function may return a set.
    pub(super) fn end_sets(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.sets = None;
        }
    }

    /// Functions side by side as one item of FROM.
    pub(super) fn lockstep(&mut self, calls: &[Typed], alias: Rc<str>) -> Result<Lockstep> {
        if let [call] = calls
            && let Some((function, args)) = call.set_call()
        {
            let (item, columns) = self.set_item(function, args, call.type_oid, alias.clone())?;
            let columns = SetColumns { values: self.columns_of(call, &alias, columns), there: None };
            return Ok(Lockstep { item, columns: vec![columns], number: function_column(&alias, "rowid", Oid::INT8) });
        }
        match self.arrays_of(calls)? {
            Some(arrays) => {
                let columns = calls.iter().enumerate().map(|(index, call)| {
                    let value = element_value(function_column(&alias, &value_name(index), call.type_oid));
                    SetColumns { values: vec![value], there: None }
                });
                let columns = columns.collect();
                let number = function_column(&alias, "rowid", Oid::INT8);
                Ok(Lockstep { item: FromItem::Function { name: UNNEST, args: arrays, alias }, columns, number })
            }
            None => self.joined_sets(calls, alias),
        }
    }

    /// The columns of a function as they are used: unnest() gives what an array holds of a value.
    fn columns_of(&self, call: &Typed, alias: &Rc<str>, columns: Vec<(Rc<str>, Oid)>) -> Vec<Expr> {
        let Some((function, args)) = call.set_call() else { return Vec::new() };
        let array = args.first().map_or(Oid::INVALID, |arg| arg.type_oid);
        let unnests = function.call == Call::Function(UNNEST) && types::element_type(self.catalog(), array).is_some();
        let columns = columns.into_iter().map(|(name, oid)| {
            let value = function_column(alias, &name, oid);
            if unnests { element_value(value) } else { value }
        });
        let mut columns: Vec<Expr> = columns.collect();
        // unnest() as _pg_expandarray: element and position.
        if let (UNNEST, [_, (_, position)]) = (function_name(function), function.columns) {
            columns.push(function_column(alias, "rowid", *position));
        }
        columns
    }

    /// The sets as arrays, if that says all there is to say of them: they are no arrays and no rows.
    fn arrays_of(&mut self, calls: &[Typed]) -> Result<Option<Vec<Expr>>> {
        let fits = |call: &Typed| {
            call.set_call().is_some_and(|(function, args)| function.columns.len() < 2 && args.len() < MAX_UNNEST)
                && types::element_type(self.catalog(), call.type_oid).is_none()
                && !self.is_row(call.type_oid)
        };
        if calls.len() > MAX_UNNEST || !calls.iter().all(fits) {
            return Ok(None);
        }
        let mut arrays = Vec::with_capacity(calls.len());
        for call in calls {
            let Some((function, args)) = call.set_call() else { return Ok(None) };
            arrays.push(match (function_name(function), args) {
                (UNNEST, [array]) => self.unnested(array)?,
                _ => {
                    let alias = self.fresh_alias();
                    let (item, _) = self.set_item(function, args, call.type_oid, alias)?;
                    array_of_item(item, self.internal_name(call.type_oid, call.typmod))
                }
            });
        }
        self.refuse_volatile(&arrays)?;
        Ok(Some(arrays))
    }

    /// What SQLite would compute as often as it likes.
    fn refuse_volatile(&self, args: &[Expr]) -> Result<()> {
        match Volatile.in_exprs(args) {
            true => Err(Error::unsupported("a volatile argument of one of several set-returning functions")),
            false => Ok(()),
        }
    }

    /// Functions joined by the numbers of their rows.
    fn joined_sets(&mut self, calls: &[Typed], alias: Rc<str>) -> Result<Lockstep> {
        let depends = calls.iter().any(|call| self.depends_on_row(call));
        let mut numbers: Vec<Expr> = Vec::new();
        let mut values = Vec::new();
        let mut joined: Option<FromItem> = None;
        for call in calls {
            let of_call = self.fresh_alias();
            let query = self.numbered_set(call)?;
            let columns = query.outputs().into_iter().enumerate().map(|(index, (_, type_oid, typmod))| {
                let like = Expr { kind: ExprKind::Null, type_oid, typmod };
                Expr::positional(of_call.clone(), index, &like)
            });
            values.push(columns.collect::<Vec<_>>());
            let number = Expr::positional(of_call.clone(), 0, &Expr::integer(0, Oid::INT8));
            let right = FromItem::Derived { query: Box::new(query), alias: of_call };
            joined = Some(match joined {
                None => right,
                Some(left) => {
                    let on = Some(Expr::compare("=", first_not_null(&numbers), number.clone()));
                    FromItem::Join { kind: JoinKind::Full, left: Box::new(left), right: Box::new(right), on }
                }
            });
            numbers.push(number);
        }
        let number = first_not_null(&numbers);
        let targets = std::iter::once(&number).chain(values.iter().flatten());
        let targets: Vec<Target> = targets.map(|expr| Target { name: String::new(), expr: expr.clone() }).collect();
        let mut next = 0;
        let columns = values.iter().map(|columns| {
            let column = |like: &Expr| {
                next += 1;
                Expr::positional(alias.clone(), next, like)
            };
            let mut values: Vec<Expr> = columns.iter().map(column).collect();
            let there = Some(values.remove(0));
            SetColumns { values, there }
        });
        let columns = columns.collect();
        let mut query = Query::of_select(Select { targets, from: joined.into_iter().collect(), ..Select::default() });
        query.order_by = vec![SortKey { expr: number.clone(), output: Some(0), descending: false, nulls_first: false }];
        let number = Expr::positional(alias.clone(), 0, &number);
        let item = match depends {
            true => self.plan_item(query, alias)?,
            false => FromItem::Derived { query: Box::new(query), alias },
        };
        Ok(Lockstep { item, columns, number })
    }

    /// The rows of a function behind their numbers.
    fn numbered_set(&mut self, call: &Typed) -> Result<Query> {
        let Some((function, args)) = call.set_call() else {
            let value = self.expr(call)?;
            let targets = [Expr::integer(1, Oid::INT8), value].map(|expr| Target { name: String::new(), expr });
            return Ok(Query::of_select(Select { targets: targets.into(), ..Select::default() }));
        };
        let alias = self.fresh_alias();
        let (item, columns) = self.set_item(function, args, call.type_oid, alias.clone())?;
        if let FromItem::Function { args, .. } = &item {
            self.refuse_volatile(args)?;
        }
        let mut exprs = self.columns_of(call, &alias, columns);
        exprs.insert(0, function_column(&alias, "rowid", Oid::INT8));
        let targets = exprs.into_iter().map(|expr| Target { name: String::new(), expr }).collect();
        Ok(Query::of_select(Select { targets, from: vec![item], ..Select::default() }))
    }

    /// The FROM item of a function that returns a set, and its columns.
    pub(super) fn set_item(
        &mut self,
        function: FunctionRef,
        args: &[Typed],
        result: Oid,
        alias: Rc<str>,
    ) -> Result<(FromItem, Vec<NamedColumn>)> {
        let name = function_name(function);
        let mut lowered = match (name, args) {
            (UNNEST, [array]) => vec![self.unnested(array)?],
            _ => self.exprs(args)?,
        };
        match function.call {
            Call::Function(_) => {}
            Call::Typed(_) => lowered.insert(0, self.types_of(args)),
            Call::Template(_) => return Err(Error::internal("a set-returning function by template")),
        }
        let single = [("value", if function.columns.len() == 2 { Oid::TEXT } else { result })];
        let columns = if function.columns.is_empty() || name == UNNEST { &single } else { function.columns };
        let columns = columns.iter().map(|(name, oid)| ((*name).into(), *oid)).collect();
        // SQLite may call it for each row of the tables beside it.
        let args = lowered.into_iter().map(|arg| self.once(arg, |_, arg| Ok(arg))).collect::<Result<Vec<_>>>()?;
        Ok((FromItem::Function { name, args, alias }, columns))
    }

    /// What unnest() takes as an array; of a multirange, that of its ranges.
    fn unnested(&mut self, value: &Typed) -> Result<Expr> {
        let lowered = self.expr(value)?;
        let info = self.info(value.type_oid, -1);
        let multirange =
            Some(()).filter(|()| matches!(info.repr, Repr { scalar: Scalar::Multirange(_), array_of: None }));
        Ok(match multirange {
            Some(()) => Expr::function("pg_multirange_array", vec![lowered], Oid::TEXT_ARRAY),
            None => lowered,
        })
    }
}

/// SQLite's name of a function that returns a set.
fn function_name(function: FunctionRef) -> &'static str {
    match function.call {
        Call::Function(name) | Call::Typed(name) => name,
        Call::Template(_) => "",
    }
}

/// The calls of functions that return sets, each once.
fn collect_calls(expr: &Typed, calls: &mut Vec<Typed>) {
    if expr.set_call().is_some() {
        if !calls.contains(expr) {
            calls.push(expr.clone());
        }
        return;
    }
    expr.for_each_child(&mut |child| collect_calls(child, calls));
}

fn first_not_null(exprs: &[Expr]) -> Expr {
    match exprs {
        [only] => only.clone(),
        exprs => Expr::function("coalesce", exprs.to_vec(), Oid::INT8),
    }
}

/// The values of a function in FROM as an array.
fn array_of_item(item: FromItem, element: &str) -> Expr {
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
fn value_name(index: usize) -> String {
    if index == 0 { "value".to_owned() } else { format!("value{}", index + 1) }
}

/// A column of a table-valued function.
pub(super) fn function_column(alias: &Rc<str>, name: &str, type_oid: Oid) -> Expr {
    let column = ColumnRef { alias: Some(alias.clone()), column: name.into(), not_null: false };
    Expr::new(ExprKind::Column(column), type_oid)
}
