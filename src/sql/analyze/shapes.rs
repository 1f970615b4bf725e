//! Subscripts of points, segments, boxes and lines, which are arrays of fixed length that count from 0.
//!
//! Must not know: arrays proper (`subscript`). Specification: functions-geometry.html; raw_array_subscript_handler.

use crate::error::Result;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;

/// The types, what they consist of, and the function that takes a part out.
const SHAPES: &[(Oid, Oid, &str)] = &[
    (Oid::POINT, Oid::FLOAT8, "pg_point_part"),
    (Oid::LSEG, Oid::POINT, "pg_lseg_part"),
    (Oid::BOX, Oid::POINT, "pg_box_part"),
    (Oid::LINE, Oid::FLOAT8, "pg_line_part"),
];

impl Analyzer<'_> {
    /// A part of a shape; `None` for values of other types.
    pub(super) fn part_of_shape(&mut self, shape: &Expr, subscripts: &[Expr]) -> Result<Option<Expr>> {
        let Some((_, element, function)) = SHAPES.iter().find(|(oid, ..)| *oid == shape.type_oid) else {
            return Ok(None);
        };
        // They have one dimension, and there is nothing in a second.
        let [subscript] = subscripts else { return Ok(Some(Expr::new(ExprKind::Null, *element))) };
        let subscript = self.coerce(subscript.clone(), Oid::INT4, -1, CastContext::Assignment)?;
        Ok(Some(Expr::function(function, vec![shape.clone(), subscript], *element)))
    }
}
