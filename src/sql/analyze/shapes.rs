//! Subscripts of points, segments, boxes and lines, which are arrays of fixed length that count from 0.
//!
//! Must not know: arrays proper (`subscript`). Specification: functions-geometry.html; raw_array_subscript_handler.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::subscript::subscripted;
use crate::sql::casts::CastContext;
use crate::sql::tree::Expr;
use crate::types::pg_type::Oid;

/// The types, and what they consist of.
const SHAPES: &[(Oid, Oid)] =
    &[(Oid::POINT, Oid::FLOAT8), (Oid::LSEG, Oid::POINT), (Oid::BOX, Oid::POINT), (Oid::LINE, Oid::FLOAT8)];

impl Analyzer<'_> {
    /// A part of a shape; `None` for values of other types.
    pub(super) fn part_of_shape(&mut self, shape: &Expr, subscripts: &[Expr]) -> Result<Option<Expr>> {
        let Some((_, element)) = SHAPES.iter().find(|(oid, _)| *oid == shape.type_oid) else {
            return Ok(None);
        };
        let [subscript] = subscripts else {
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
        };
        let subscript = self.coerce(subscript.clone(), Oid::INT4, -1, CastContext::Assignment)?;
        Ok(Some(subscripted(shape.clone(), vec![subscript], *element)))
    }
}
