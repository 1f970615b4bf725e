//! Names that mean something outside of the statement: the variables of the function it stands in.
//!
//! Owns: [`OuterNames`], which whoever runs the statement implements, and what a column reference becomes by it. Must not
//! know: functions. Specification: pl_comp.c's plpgsql_pre_column_ref and plpgsql_post_column_ref.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;

/// The type of cursors' names.
const REFCURSOR: Oid = Oid(1790);

/// What a name outside of the statement stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Outer {
    /// A value: the statement's parameter of that number, from 0, and its type.
    Value(OuterValue),
    /// A row of such, by name, and its type; and, of one that may be none at all, a value that is NULL then.
    Row(Oid, Vec<(String, OuterValue)>, Option<OuterValue>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterValue {
    pub parameter: usize,
    pub type_oid: Oid,
    pub typmod: i32,
    /// An array whose first subscript is 0.
    pub from_zero: bool,
}

/// What a name means that is both a column and an outer name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    Error,
    Outer,
    Column,
}

/// The names around a statement.
pub trait OuterNames {
    /// What a column reference means, if it means something; a last name `*` is a whole row.
    fn name(&self, names: &[&str]) -> Result<Option<Outer>>;

    /// What $n means.
    fn parameter(&self, number: u32) -> Result<Option<Outer>>;

    fn conflict(&self) -> Conflict;

    /// A table that only the function sees: a trigger's transition table.
    fn table(&self, name: &str) -> Option<OuterTable>;
}

/// Rows of a relation that are kept under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterTable {
    pub relation: Oid,
    pub number: usize,
}

impl Analyzer<'_> {
    /// A column reference that may be an outer name: `column` is what it means otherwise.
    pub(super) fn column_or_outer(
        &mut self,
        names: &[&str],
        column: impl FnOnce(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0) else { return column(self) };
        if outer.conflict() == Conflict::Outer
            && let Some(found) = outer.name(names)?
        {
            return Ok(self.outer_value(found));
        }
        let column = column(self);
        let is_missing = |error: &Error| matches!(error.code(), SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE);
        match column {
            Ok(column)
                if outer.conflict() == Conflict::Error && outer.name(names).is_ok_and(|found| found.is_some()) =>
            {
                drop(column);
                let message = format!("column reference \"{}\" is ambiguous", names.join("."));
                Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message)
                    .with_detail("It could refer to either a PL/pgSQL variable or a table column."))
            }
            Err(error) if is_missing(&error) => match outer.name(names)? {
                Some(found) => Ok(self.outer_value(found)),
                None => Err(error),
            },
            column => column,
        }
    }

    pub(super) fn outer_parameter(&mut self, number: u32) -> Result<Option<Expr>> {
        let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0) else { return Ok(None) };
        Ok(outer.parameter(number)?.map(|found| self.outer_value(found)))
    }

    /// The value of a variable that holds a cursor's name (transformCurrentOfExpr).
    pub(super) fn cursor_variable(&mut self, name: &str) -> Result<Option<Expr>> {
        let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0) else { return Ok(None) };
        Ok(match outer.name(&[name])? {
            Some(Outer::Value(value)) if value.type_oid == REFCURSOR => Some(self.parameter_of(value)),
            _ => None,
        })
    }

    /// The columns of an outer row, if the names are one's.
    pub(super) fn outer_row(&mut self, names: &[&str]) -> Result<Option<Vec<(String, Expr)>>> {
        let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0) else { return Ok(None) };
        let mut starred = names.to_vec();
        starred.push("*");
        Ok(match outer.name(&starred)? {
            Some(Outer::Row(_, fields, present)) => {
                // It is one of the statement's parameters, whether it is looked at or not.
                present.into_iter().for_each(|present| drop(self.parameter_of(present)));
                Some(fields.into_iter().map(|(name, value)| (name, self.parameter_of(value))).collect())
            }
            _ => None,
        })
    }

    /// The outer row of that name as a value.
    pub(super) fn outer_whole_row(&mut self, name: &str) -> Result<Option<Expr>> {
        let Some(outer) = self.outer.filter(|_| self.in_stored_text == 0) else { return Ok(None) };
        let found = outer.name(&[name, "*"])?;
        Ok(found.filter(|found| matches!(found, Outer::Row(..))).map(|found| self.outer_value(found)))
    }

    /// An outer name's value as an expression.
    pub(super) fn outer_value(&mut self, outer: Outer) -> Expr {
        match outer {
            Outer::Value(value) => self.parameter_of(value),
            Outer::Row(type_oid, fields, present) => {
                let (mut names, mut values) = (Vec::with_capacity(fields.len()), Vec::with_capacity(fields.len()));
                for (name, value) in fields {
                    names.push(name);
                    values.push(self.parameter_of(value));
                }
                let typmod = match type_oid {
                    Oid::RECORD => {
                        let columns = names.iter().zip(&values);
                        let shape = columns.map(|(name, value)| (name.clone(), value.type_oid, value.typmod)).collect();
                        self.records.modifier(self.context.catalog, shape)
                    }
                    _ => -1,
                };
                let row = Expr { typmod, ..Expr::new(ExprKind::Row { fields: values, names }, type_oid) };
                let Some(present) = present else { return row };
                let arg = Box::new(self.parameter_of(present));
                let there = Expr::new(ExprKind::NullTest { arg, negated: true }, Oid::BOOL);
                let kind = ExprKind::Case { operand: None, whens: vec![(there, row)], otherwise: None };
                Expr { typmod, ..Expr::new(kind, type_oid) }
            }
        }
    }

    fn parameter_of(&mut self, value: OuterValue) -> Expr {
        if value.parameter >= self.params.len() {
            self.params.resize(value.parameter + 1, Oid::INVALID);
        }
        if let Some(param) = self.params.get_mut(value.parameter) {
            *param = value.type_oid;
        }
        if value.from_zero {
            self.from_zero.insert(value.parameter);
        }
        let (type_oid, typmod) = self.base_type(value.type_oid, value.typmod);
        Expr { typmod, ..self.parameter(value.parameter, type_oid) }
    }
}
