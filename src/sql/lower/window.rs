//! Windows and their frames.
//!
//! Owns: [`Lower::window`], [`framed`]. SQLite adds the offset of a RANGE frame to the sort key only where both are numbers,
//! so other keys become numbers (`pg_range_key`); where there is no such number, or an offset is computed, a form of the
//! aggregate finds the frames itself (`engine::functions::aggregate::framed`). Specification:
//! sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS; SQLite's windowfunctions.html.

use super::Lower;
use super::tree::{Aggregate, Expr, ExprKind, Frame, FrameBound, SortKey, Window};
use crate::error::{Error, Result};
use crate::sql::functions::{self, Call};
use crate::sql::lower::search::Search;
use crate::sql::tree::{Frame as TypedFrame, FrameBound as TypedBound, Window as TypedWindow};
use crate::types::pg_type::Oid;

/// A frame that SQLite cannot bound: the arguments that say what it is.
pub(super) struct Framed([Expr; 4]);

/// What window functions that have no frame are called.
const FRAMELESS: &[&str] = &["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"];

/// What SQLite's own functions are where frames are found for them.
const OWN: &[(&str, &str)] = &[
    ("count", "pg_count"),
    ("sum", "pg_sum_int"),
    ("min", "pg_moving_min"),
    ("max", "pg_moving_max"),
    ("first_value", "pg_first_value"),
    ("last_value", "pg_last_value"),
    ("nth_value", "pg_nth_value"),
];

impl Lower<'_> {
    pub(super) fn window(&mut self, window: &TypedWindow) -> Result<(Window, Option<Framed>)> {
        let partition_by = self.exprs(&window.partition_by)?;
        let mut order_by = window.order_by.iter().map(|key| self.sort_key(key)).collect::<Result<Vec<_>>>()?;
        let key_type = window.order_by.first().map_or(Oid::INVALID, |key| key.expr.type_oid);
        let Some(typed) = &window.frame else { return Ok((Window { partition_by, order_by, frame: None }, None)) };
        let frame = self.frame(typed)?;
        let offsets = [Some(&frame.start), frame.end.as_ref()].into_iter().flatten().filter_map(FrameBound::offset);
        if typed.by_type || offsets.into_iter().any(|offset| Computed.in_expr(offset)) {
            let framed = self.framed(&frame, &order_by, key_type)?;
            let whole = Frame {
                units: "ROWS",
                start: FrameBound::UnboundedPreceding,
                end: Some(FrameBound::UnboundedFollowing),
                exclude: None,
            };
            return Ok((Window { partition_by, order_by, frame: Some(whole) }, Some(framed)));
        }
        if let [key] = order_by.as_mut_slice()
            && typed.units == "RANGE"
            && [Some(&frame.start), frame.end.as_ref()].into_iter().flatten().any(|bound| bound.offset().is_some())
            && !matches!(key_type, Oid::INT2 | Oid::INT4 | Oid::INT8)
        {
            let args = vec![Expr::text(self.internal_name(key_type, -1)), key.expr.clone()];
            key.expr = Expr::function("pg_range_key", args, Oid::INT8);
        }
        Ok((Window { partition_by, order_by, frame: Some(frame) }, None))
    }

    fn framed(&mut self, frame: &Frame, order_by: &[SortKey], key_type: Oid) -> Result<Framed> {
        let by_rows = frame.units == "ROWS" && matches!(frame.exclude, None | Some("CURRENT ROW"));
        let key = match order_by {
            _ if by_rows => None,
            [key] if frame.units == "RANGE" => Some(key),
            _ => return Err(Error::unsupported("a frame's offset that is computed")),
        };
        let bounds = [&frame.start, frame.end.as_ref().unwrap_or(&FrameBound::CurrentRow)];
        let [start, end] = bounds.map(|bound| match bound {
            FrameBound::CurrentRow => "C",
            FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => "U",
            FrameBound::Preceding(_) => "P",
            FrameBound::Following(_) => "F",
        });
        let flag = |set: bool| if set { "t" } else { "f" };
        let (descending, nulls_first) = key.map_or((false, false), |key| (key.descending, key.nulls_first));
        let exclude = frame.exclude.unwrap_or_default();
        let type_name = if key.is_some() { self.internal_name(key_type, -1) } else { "" };
        let (units, descending, nulls_first) = (frame.units, flag(descending), flag(nulls_first));
        let text = format!("{units}|{start}|{end}|{exclude}|{type_name}|{descending}|{nulls_first}");
        let [start, end] =
            bounds.map(|bound| bound.offset().cloned().unwrap_or_else(|| Expr::new(ExprKind::Null, Oid::INT8)));
        let key = key.map_or_else(|| Expr::new(ExprKind::Null, Oid::INT8), |key| key.expr.clone());
        Ok(Framed([Expr::text(text), start, end, key]))
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
            TypedBound::Preceding(offset) => FrameBound::Preceding(self.expr(offset)?),
            TypedBound::Following(offset) => FrameBound::Following(self.expr(offset)?),
        })
    }
}

impl FrameBound {
    fn offset(&self) -> Option<&Expr> {
        match self {
            FrameBound::Preceding(offset) | FrameBound::Following(offset) => Some(offset),
            FrameBound::CurrentRow | FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => None,
        }
    }
}

/// A call whose frames SQLite cannot bound; `types` are those of its arguments.
pub(super) fn framed(call: Aggregate, Framed(frame): Framed, types: Expr) -> Result<Aggregate> {
    if FRAMELESS.contains(&call.function) {
        let over = call.over.map(|over| Window { frame: None, ..over });
        return Ok(Aggregate { over, ..call });
    }
    let mut args = call.args;
    if matches!(call.function, "min" | "max") {
        args.insert(0, types);
    }
    if call.function.starts_with("pg_aggregate") {
        return Err(Error::unsupported("a user-defined aggregate over such a window frame"));
    }
    let known = OWN.iter().chain(functions::MOVING).find(|(name, _)| *name == call.function);
    let filter = call.filter.unwrap_or_else(|| Expr::integer(1, Oid::BOOL));
    let args = frame.into_iter().chain([filter]).chain(args).collect();
    let function = known.map_or(call.function, |(_, framed)| *framed);
    Ok(Aggregate { function, framed: true, args, star: false, filter: None, ..call })
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
