//! Rows as values. A row is stored as a JSON array with a place for each attribute, as its type numbers them
//! (`types::row_wire`); its type is known when the statement is planned.
//!
//! Owns: [`Lower::row`], [`Lower::field`]. Specification: rowtypes.html.

use super::Lower;
use super::expr::element_value;
use super::tree::{Expr, ExprKind};
use crate::catalog::composite;
use crate::error::{Error, Result};
use crate::sql::tree::{Expr as Typed, ExprKind as Kind};
use crate::types::pg_type::{Oid, Scalar, TypeInfo, type_info};
use crate::types::row_type::Shape;

impl Lower<'_> {
    /// A row's stored form.
    pub(super) fn row(&mut self, fields: &[Typed], row: &Typed) -> Result<Expr> {
        let mut info = self.info(row.type_oid, row.typmod);
        if !matches!(info.repr.scalar, Scalar::Row(_)) {
            let shapes = fields.iter().zip(1..).map(|(field, number)| {
                Ok(Some((format!("f{number}"), composite::shape(self.catalog(), field.type_oid)?)))
            });
            let fields = shapes.collect::<Result<_>>()?;
            info = Shape::Row { oid: Oid::RECORD, name: "record".to_owned(), fields }.info()?;
        }
        let fields = self.exprs(fields)?;
        Ok(stored(fields, info))
    }

    /// Whether values of a type are rows.
    pub(super) fn is_row(&self, oid: Oid) -> bool {
        oid == Oid::RECORD || type_info(oid).is_none() && composite::row_relation(self.catalog(), oid).is_some()
    }

    /// The fields of a row, if they are known one by one.
    pub(super) fn fields_of(&mut self, row: &Typed) -> Result<Option<Vec<Expr>>> {
        let Kind::Row { fields, .. } = &row.kind else { return Ok(None) };
        let relation = composite::row_relation(self.catalog(), row.type_oid);
        let there = |number: usize| {
            relation.is_none_or(|r| i16::try_from(number).is_ok_and(|n| r.column_by_number(n).is_some()))
        };
        let there = fields.iter().zip(1..).filter(|(_, number)| there(*number));
        there.map(|(field, _)| self.expr(field)).collect::<Result<_>>().map(Some)
    }

    /// A field of a row.
    pub(super) fn field(&mut self, arg: &Typed, index: usize, field: &Typed) -> Result<Expr> {
        if let Kind::Row { fields, .. } = &arg.kind {
            return match fields.get(index) {
                Some(field) => self.expr(field),
                None => Err(Error::internal("a row has no such field")),
            };
        }
        if arg.set_call().is_some_and(|(function, _)| !function.columns.is_empty()) {
            return self.set_field(arg, index);
        }
        let row = self.expr(arg)?;
        Ok(element(row, index, field.type_oid, field.typmod))
    }

    /// A row converted field by field: evaluated once.
    pub(super) fn converted_row(&mut self, value: Expr, row: &Typed) -> Result<Expr> {
        self.once(value, |lower, value| {
            lower.elements.push(Some(value.clone()));
            let converted = lower.expr(row);
            lower.elements.pop();
            let whens = vec![(Expr::template("({0} IS NOT NULL)", vec![value], Oid::BOOL), converted?)];
            Ok(Expr::new(ExprKind::Case { whens, otherwise: None }, row.type_oid))
        })
    }
}

/// A row of these values.
pub(super) fn stored(mut fields: Vec<Expr>, info: &TypeInfo) -> Expr {
    fields.insert(0, Expr::text(info.name));
    Expr::function("pg_row", fields, info.oid)
}

/// A field of a stored row.
fn element(row: Expr, index: usize, type_oid: Oid, typmod: i32) -> Expr {
    let index = Expr::integer(index as i64, Oid::INT4);
    let held = Expr { typmod, ..Expr::template("({0} ->> {1})", vec![row, index], type_oid) };
    element_value(held)
}
