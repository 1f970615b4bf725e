//! Subscripts, slices and fields of values.
//!
//! Owns: [`Analyzer::indirection`]. Specification: arrays.html#ARRAYS-ACCESSING, rowtypes.html#ROWTYPES-ACCESSING,
//! datatype-json.html#JSONB-SUBSCRIPTING.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::expr::element_value;
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{AIndirection, Expr as Ast, Indirection};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::types::pg_type::Oid;

/// Marks the row values of information_schema._pg_expandarray: a JSON array of element and position.
pub(super) const EXPANDED_ARRAY: i32 = -2;

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
        let vector = matches!(array.type_oid, Oid::INT2VECTOR | Oid::OIDVECTOR);
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
            return Ok(Expr::template("nullif(substr({0}, {1} + 1, 1), '')", vec![array, subscript], Oid::CHAR));
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
        let mut args = vec![array];
        for subscript in subscripts {
            let subscript = self.coerce(subscript, Oid::INT4, -1, CastContext::Assignment)?;
            // int2vector and oidvector count from 0.
            args.push(if vector { Expr::template("({0} + 1)", vec![subscript], Oid::INT4) } else { subscript });
        }
        let value = Expr::function("pg_array_get", args, element);
        Ok(element_value(value))
    }

    /// value[key][index] …: what is at that path (jsonb_subscript_transform).
    fn jsonb_element(&mut self, value: Expr, subscripts: Vec<Expr>) -> Result<Expr> {
        let mut path = vec![Expr::text("text")];
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
            let subscript = self.implicit(subscript, target)?;
            path.push(self.to_text(subscript, target));
        }
        let path = Expr::function("pg_array", path, Oid::TEXT_ARRAY);
        Ok(Expr::function("pg_json_extract_path", vec![value, path], Oid::JSONB))
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
        match (row.type_oid, row.typmod, name) {
            (Oid::RECORD, EXPANDED_ARRAY, "x") => Ok(Expr::template("({0} ->> 0)", vec![row], Oid::INT2)),
            (Oid::RECORD, EXPANDED_ARRAY, "n") => Ok(Expr::template("({0} ->> 1)", vec![row], Oid::INT4)),
            _ => {
                let error = Error::unsupported(format!("selecting the field {name} of a composite value"));
                Err(self.at(error, expr_location(root)))
            }
        }
    }

    fn slice(&mut self, array: Expr, lower: Option<&Ast>, upper: Option<&Ast>) -> Result<Expr> {
        let type_oid = array.type_oid;
        let mut args = vec![array];
        for bound in [lower, upper] {
            args.push(match bound {
                Some(bound) => {
                    let bound = self.expr(bound)?;
                    self.implicit(bound, Oid::INT4)?
                }
                None => Expr::new(ExprKind::Null, Oid::INT4),
            });
        }
        Ok(Expr::function("pg_array_slice", args, type_oid))
    }
}
