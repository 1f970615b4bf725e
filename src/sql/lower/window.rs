//! Windows and their frames.
//!
//! Owns: [`Lower::window`]. SQLite adds the offset of a RANGE frame to the sort key only where both are numbers, so other
//! keys become numbers (`pg_range_key`). Specification: sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS; SQLite's
//! windowfunctions.html.

use super::Lower;
use super::tree::{Expr, ExprKind, Frame, FrameBound, Window};
use crate::error::{Error, Result};
use crate::sql::functions::Call;
use crate::sql::lower::search::Search;
use crate::sql::tree::{Expr as Typed, Frame as TypedFrame, FrameBound as TypedBound, Window as TypedWindow};
use crate::types::pg_type::Oid;

impl Lower<'_> {
    pub(super) fn window(&mut self, window: &TypedWindow) -> Result<Window> {
        let partition_by = self.exprs(&window.partition_by)?;
        let mut order_by = window.order_by.iter().map(|key| self.sort_key(key)).collect::<Result<Vec<_>>>()?;
        let key_type = window.order_by.first().map_or(Oid::INVALID, |key| key.expr.type_oid);
        let frame = window.frame.as_ref().map(|frame| self.frame(frame)).transpose()?;
        if let (Some(typed), [key]) = (&window.frame, order_by.as_mut_slice())
            && typed.units == "RANGE"
            && has_offset(typed)
            && !matches!(key_type, Oid::INT2 | Oid::INT4 | Oid::INT8)
        {
            let function =
                if typed.days && key_type == Oid::TIMESTAMPTZ { "pg_range_key_zone" } else { "pg_range_key" };
            let args = vec![Expr::text(self.internal_name(key_type, -1)), key.expr.clone()];
            key.expr = Expr::function(function, args, Oid::INT8);
        }
        Ok(Window { partition_by, order_by, frame })
    }

    fn frame(&mut self, frame: &TypedFrame) -> Result<Frame> {
        let start = self.frame_bound(&frame.start)?;
        let end = frame.end.as_ref().map(|end| self.frame_bound(end)).transpose()?;
        Ok(Frame { units: frame.units, start, end, exclude: frame.exclude })
    }

    fn frame_bound(&mut self, bound: &TypedBound) -> Result<FrameBound> {
        Ok(match bound {
            TypedBound::CurrentRow => FrameBound::CurrentRow,
            TypedBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            TypedBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            TypedBound::Preceding(offset) => FrameBound::Preceding(self.frame_offset(offset)?),
            TypedBound::Following(offset) => FrameBound::Following(self.frame_offset(offset)?),
        })
    }

    /// SQLite takes what is no constant for NULL.
    fn frame_offset(&mut self, offset: &Typed) -> Result<Expr> {
        let offset = self.expr(offset)?;
        match Computed.in_expr(&offset) {
            false => Ok(offset),
            true => Err(Error::unsupported("a frame's offset that is computed")),
        }
    }
}

/// What SQLite does not take for a constant where it reads a frame: functions and sub-queries.
struct Computed;

impl Search for Computed {
    fn is_expr(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Call(Call::Template(template), _) => template.contains("pg_"),
            ExprKind::Call(..) => true,
            _ => expr.subquery().is_some(),
        }
    }
}

fn has_offset(frame: &TypedFrame) -> bool {
    let offset = |bound: &TypedBound| matches!(bound, TypedBound::Preceding(_) | TypedBound::Following(_));
    offset(&frame.start) || frame.end.as_ref().is_some_and(offset)
}
