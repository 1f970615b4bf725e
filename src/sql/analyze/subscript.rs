//! Subscripts, slices and fields of values.
//!
//! Owns: [`Analyzer::indirection`]. Specification: arrays.html#ARRAYS-ACCESSING, rowtypes.html#ROWTYPES-ACCESSING,
//! datatype-json.html#JSONB-SUBSCRIPTING.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{AIndirection, Expr as Ast, Indirection};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// An expression with subscripts or fields behind it.
    pub(super) fn indirection(&mut self, node: &AIndirection) -> Result<Expr> {
        if let [Indirection::Field(field), rest @ ..] = node.indirection.as_slice() {
            let value = self.field(&node.arg, field)?;
            return self.subscripts(value, rest, &node.arg);
        }
        let value = self.expr(&node.arg)?;
        self.subscripts(value, &node.indirection, &node.arg)
    }

    fn subscripts(&mut self, array: Expr, chain: &[Indirection], root: &Ast) -> Result<Expr> {
        if chain.is_empty() {
            return Ok(array);
        }
        let jsonb = array.type_oid == Oid::JSONB;
        let mut subscripts = Vec::new();
        for access in chain {
            match access {
                Indirection::Index(index) => subscripts.push(self.expr(index)?),
                Indirection::Slice(..) if jsonb => {
                    let message = "jsonb subscript does not support slices";
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                }
                Indirection::Slice(lower, upper) if chain.len() == 1 => {
                    return self.slice(array, lower.as_ref(), upper.as_ref());
                }
                Indirection::Slice(..) => return Err(Error::unsupported("this array slice")),
                Indirection::Field(_) | Indirection::Star => {
                    return Err(Error::unsupported("selecting a field of a composite value"));
                }
            }
        }
        if jsonb {
            return self.jsonb_element(array, subscripts);
        }
        if array.type_oid == Oid::NAME
            && let [subscript] = subscripts.as_slice()
        {
            // A name is an array of "char" that counts from 0.
            let subscript = self.implicit(subscript.clone(), Oid::INT4)?;
            return Ok(subscripted(array, vec![subscript], Oid::CHAR));
        }
        if let Some(part) = self.part_of_shape(&array, &subscripts)? {
            return Ok(part);
        }
        let Some(element) = self.element_type(array.type_oid) else {
            let message = format!(
                "cannot subscript type {} because it does not support subscripting",
                self.type_name(array.type_oid)
            );
            return Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), expr_location(root)));
        };
        if subscripts.len() > MAX_DIMENSIONS {
            return Err(too_many_dimensions(subscripts.len()));
        }
        let mut indexes = Vec::with_capacity(subscripts.len());
        let from_zero = matches!(array.kind, ExprKind::Param(n) if self.from_zero.contains(&n));
        for subscript in subscripts {
            let index = self.coerce(subscript, Oid::INT4, -1, CastContext::Assignment)?;
            let shifted = from_zero && indexes.is_empty();
            indexes.push(if shifted { self.operator("+", index, Expr::integer(1, Oid::INT4))? } else { index });
        }
        Ok(subscripted(array, indexes, element))
    }

    /// value[key][index] …: what is at that path (jsonb_subscript_transform).
    fn jsonb_element(&mut self, value: Expr, subscripts: Vec<Expr>) -> Result<Expr> {
        let mut path = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            let from = subscript.type_oid;
            let target = match from {
                Oid::UNKNOWN => Oid::TEXT,
                _ if self.can_coerce(from, Oid::INT4, CastContext::Implicit) => Oid::INT4,
                _ if self.can_coerce(from, Oid::TEXT, CastContext::Implicit) => Oid::TEXT,
                _ => {
                    let message = format!("subscript type {} is not supported", self.type_name(from));
                    let hint = "jsonb subscript must be coercible to either integer or text.";
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).with_hint(hint));
                }
            };
            path.push(self.implicit(subscript, target)?);
        }
        Ok(subscripted(value, path, Oid::JSONB))
    }

    /// A field of a row value whose fields are known.
    fn field(&mut self, root: &Ast, name: &str) -> Result<Expr> {
        if let Some(fields) = self.row_fields(root) {
            return match fields.into_iter().find(|(field, _)| field == name) {
                Some((_, value)) => Ok(value),
                None => {
                    let message = format!("column \"{name}\" not found in data type record");
                    Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), expr_location(root)))
                }
            };
        }
        let row = self.expr(root)?;
        let of_function = row.set_call().map_or(&[][..], |(function, _)| function.columns);
        let of_function = of_function.iter().map(|(name, oid)| ((*name).to_owned(), *oid, -1));
        let fields: Vec<_> = match row.type_oid {
            Oid::RECORD => of_function.chain(self.records.fields(row.typmod).iter().cloned()).collect(),
            _ => Vec::new(),
        };
        match fields.into_iter().zip(0..).find(|((field, ..), _)| field == name) {
            Some(((_, type_oid, typmod), index)) => {
                Ok(Expr { typmod, ..Expr::new(ExprKind::Field { arg: Box::new(row), index }, type_oid) })
            }
            None => {
                let error = Error::unsupported(format!("selecting the field {name} of a composite value"));
                Err(self.at(error, expr_location(root)))
            }
        }
    }

    fn slice(&mut self, array: Expr, lower: Option<&Ast>, upper: Option<&Ast>) -> Result<Expr> {
        let type_oid = array.type_oid;
        let bound = |a: &mut Self, bound: Option<&Ast>| -> Result<Option<Box<Expr>>> {
            let Some(bound) = bound else { return Ok(None) };
            let bound = a.expr(bound)?;
            Ok(Some(Box::new(a.implicit(bound, Oid::INT4)?)))
        };
        let (lower, upper) = (bound(self, lower)?, bound(self, upper)?);
        Ok(Expr::new(ExprKind::Slice { array: Box::new(array), lower, upper }, type_oid))
    }
}

/// container[index] …
pub(super) fn subscripted(container: Expr, indexes: Vec<Expr>, element: Oid) -> Expr {
    Expr::new(ExprKind::Subscript { container: Box::new(container), indexes }, element)
}
