//! Subscripts, slices and fields of values.
//!
//! Owns: [`Analyzer::indirection`]. Specification: arrays.html#ARRAYS-ACCESSING, rowtypes.html#ROWTYPES-ACCESSING,
//! datatype-json.html#JSONB-SUBSCRIPTING.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{AIndirection, Expr as Ast, Indirection};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Bounds, Expr, ExprKind};
use crate::types::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    /// An expression with subscripts or fields behind it: subscripts in a row are taken together.
    pub(super) fn indirection(&mut self, node: &AIndirection) -> Result<Expr> {
        let mut value = self.expr(&node.arg)?;
        let mut rest = node.indirection.as_slice();
        while let [first, others @ ..] = rest {
            if let Indirection::Field(field) = first {
                value = self.field(value, field, &node.arg)?;
                rest = others;
                continue;
            }
            let count = rest.iter().position(|access| matches!(access, Indirection::Field(_))).unwrap_or(rest.len());
            let (subscripts, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            value = self.subscripts(value, subscripts, &node.arg)?;
            rest = others;
        }
        Ok(value)
    }

    fn subscripts(&mut self, array: Expr, chain: &[Indirection], root: &Ast) -> Result<Expr> {
        if chain.is_empty() {
            return Ok(array);
        }
        let jsonb = array.type_oid == Oid::JSONB;
        let is_slice = chain.iter().any(|access| matches!(access, Indirection::Slice(..)));
        if jsonb && is_slice {
            let message = "jsonb subscript does not support slices";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if is_slice {
            return self.slice(array, chain, root);
        }
        let mut subscripts = Vec::new();
        for access in chain {
            match access {
                Indirection::Index(index) => subscripts.push(self.expr(index)?),
                _ => return Err(Error::unsupported("* behind a value here")),
            }
        }
        if array.type_oid == Oid::HSTORE {
            let [subscript] = subscripts.as_slice() else {
                let message = "hstore allows only one subscript";
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            };
            let subscript = self.coerce(subscript.clone(), Oid::TEXT, -1, CastContext::Assignment)?;
            return self.operator("->", array, subscript);
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
        let typmod = if array.type_oid == Oid::RECORD_ARRAY { array.typmod } else { -1 };
        let (element, _) = self.base_type(element, -1);
        Ok(Expr { typmod, ..subscripted(array, indexes, element) })
    }

    /// value[key][index] …: what is at that path (jsonb_subscript_transform).
    fn jsonb_element(&mut self, value: Expr, subscripts: Vec<Expr>) -> Result<Expr> {
        let path = subscripts.into_iter().map(|subscript| self.jsonb_subscript(subscript)).collect::<Result<_>>()?;
        Ok(subscripted(value, path, Oid::JSONB))
    }

    /// A subscript of jsonb: an integer or a text.
    pub(super) fn jsonb_subscript(&mut self, subscript: Expr) -> Result<Expr> {
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
        self.implicit(subscript, target)
    }

    /// A field of a row.
    fn field(&mut self, row: Expr, name: &str, root: &Ast) -> Result<Expr> {
        let row = self.known_row(row)?;
        let Some(fields) = self.fields_of(&row) else {
            let message = match row.type_oid {
                Oid::RECORD => format!("could not identify column \"{name}\" in record data type"),
                oid => {
                    let type_name = self.type_name(oid);
                    format!("column notation .{name} applied to type {type_name}, which is not a composite type")
                }
            };
            let code =
                if row.type_oid == Oid::RECORD { SqlState::UNDEFINED_COLUMN } else { SqlState::WRONG_OBJECT_TYPE };
            return Err(self.at(Error::new(code, message), expr_location(root)));
        };
        match fields.into_iter().find(|(field, _)| field == name) {
            Some((_, value)) => Ok(value),
            None => {
                let message = match row.type_oid {
                    Oid::RECORD => format!("could not identify column \"{name}\" in record data type"),
                    oid => format!("column \"{name}\" not found in data type {}", self.type_name(oid)),
                };
                Err(self.at(Error::new(SqlState::UNDEFINED_COLUMN, message), expr_location(root)))
            }
        }
    }

    /// The fields that (row).* stands for.
    pub(super) fn all_fields(&mut self, node: &AIndirection) -> Result<Vec<(String, Expr)>> {
        let chain = node.indirection.split_last().map_or(&[][..], |(_, chain)| chain);
        let row = if chain.is_empty() {
            self.expr(&node.arg)?
        } else {
            self.indirection(&AIndirection { arg: node.arg.clone(), indirection: chain.to_vec() })?
        };
        let row = self.known_row(row)?;
        match self.fields_of(&row) {
            Some(fields) => Ok(fields),
            None if row.type_oid == Oid::RECORD => Err(Error::unsupported("a record whose fields are not known")),
            None => {
                let message = format!("type {} is not composite", self.type_name(row.type_oid));
                Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), expr_location(&node.arg)))
            }
        }
    }

    /// array[lower:upper] …; an index among them means from 1 on.
    fn slice(&mut self, array: Expr, chain: &[Indirection], root: &Ast) -> Result<Expr> {
        if self.element_type(array.type_oid).is_none() {
            let shown = self.type_name(array.type_oid);
            let message = format!("cannot subscript type {shown} because it does not support subscripting");
            return Err(self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), expr_location(root)));
        }
        if chain.len() > MAX_DIMENSIONS {
            return Err(too_many_dimensions(chain.len()));
        }
        let (type_oid, typmod) = (array.type_oid, array.typmod);
        let bounds = chain.iter().map(|access| self.bounds(access, true)).collect::<Result<_>>()?;
        Ok(Expr { typmod, ..Expr::new(ExprKind::Slice { array: Box::new(array), bounds }, type_oid) })
    }

    /// A subscript of an array as bounds: an index is an upper one, and among slices from 1 on.
    pub(super) fn bounds(&mut self, access: &Indirection, slice: bool) -> Result<Bounds> {
        let mut bound = |ast: &Ast| -> Result<Option<Expr>> {
            let value = self.expr(ast)?;
            let from = value.type_oid;
            match self.try_coerce(value, Oid::INT4, -1, CastContext::Assignment)? {
                Some(value) => Ok(Some(value)),
                None => {
                    let message = format!("array subscript must have type integer, not {}", self.type_name(from));
                    let error = Error::new(SqlState::DATATYPE_MISMATCH, message);
                    Err(self.at(error, expr_location(ast)))
                }
            }
        };
        Ok(match access {
            Indirection::Index(index) => (slice.then(|| Expr::integer(1, Oid::INT4)), bound(index)?),
            Indirection::Slice(lower, upper) => {
                let lower = lower.as_ref().map_or(Ok(None), &mut bound)?;
                (lower, upper.as_ref().map_or(Ok(None), bound)?)
            }
            Indirection::Field(_) | Indirection::Star => return Err(Error::internal("a field as a subscript")),
        })
    }
}

/// container[index] …
pub(super) fn subscripted(container: Expr, indexes: Vec<Expr>, element: Oid) -> Expr {
    Expr::new(ExprKind::Subscript { container: Box::new(container), indexes }, element)
}
