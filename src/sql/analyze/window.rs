//! Windows: OVER, the WINDOW clause, frames.
//!
//! Owns: [`Analyzer::window`]. Specification: sql-expressions.html#SYNTAX-WINDOW-FUNCTIONS, transformWindowDefinitions
//! in parse_clause.c.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::syntax::ast::expression::{self as ast, Expr as Ast, FrameExclusion, FrameMode, WindowDef};
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Coercion, Expr, ExprKind, Frame, FrameBound, OperatorRef, SortKey, Window};
use crate::types::format::FormatSettings;
use crate::types::interval::Interval;
use crate::types::pg_type::Oid;
use crate::types::range_offset;
use crate::types::value::Value;

impl Analyzer<'_> {
    /// OVER name, or OVER (…).
    pub(super) fn window(&mut self, over: &WindowDef) -> Result<Window> {
        match &over.name {
            Some(name) => {
                let definition = self.named_window(name, over)?;
                Ok(Window { name: Some(name.clone()), ..self.window_spec(&definition)? })
            }
            None => self.window_spec(over),
        }
    }

    fn named_window(&self, wanted: &str, at: &WindowDef) -> Result<WindowDef> {
        let found = self.windows.iter().find(|window| window.name.as_deref() == Some(wanted)).cloned();
        found.ok_or_else(|| {
            let message = format!("window \"{wanted}\" does not exist");
            self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), at.location)
        })
    }

    pub(super) fn window_spec(&mut self, spec: &WindowDef) -> Result<Window> {
        let base = match &spec.refname {
            Some(name) => {
                let base = self.named_window(name, spec)?;
                self.check_copied(&base, spec, name)?;
                Some(self.deeper(|a| a.window_spec(&base))?)
            }
            None => None,
        };
        let mut partition_by = Vec::new();
        for ast in &spec.partition {
            let expr = self.expr(ast)?;
            self.forbid_windows(&expr, ast)?;
            partition_by.push(self.resolve_unknown(expr)?);
        }
        let mut order_by = self.sort_keys(&spec.order)?;
        for (key, ast) in order_by.iter().zip(&spec.order) {
            self.forbid_windows(&key.expr, &ast.node)?;
        }
        if let Some(base) = base {
            partition_by = base.partition_by;
            if order_by.is_empty() {
                order_by = base.order_by;
            }
        }
        let frame = match &spec.frame {
            Some(frame) => {
                self.check_order(frame, &order_by).map_err(|e| self.at(e, spec.location))?;
                Some(self.frame(frame, order_by.first().map(|key| key.expr.type_oid))?)
            }
            None => None,
        };
        Ok(Window { name: None, partition_by, order_by, frame })
    }

    /// What OVER (name …) may not add to the window it names (transformWindowDefinitions).
    fn check_copied(&self, base: &WindowDef, spec: &WindowDef, name: &str) -> Result<()> {
        let message = match () {
            () if !spec.partition.is_empty() => format!("cannot override PARTITION BY clause of window \"{name}\""),
            () if !spec.order.is_empty() && !base.order.is_empty() => {
                format!("cannot override ORDER BY clause of window \"{name}\"")
            }
            () if base.frame.is_some() => {
                format!("cannot copy window \"{name}\" because it has a frame clause")
            }
            () => return Ok(()),
        };
        let mut error = Error::new(SqlState::WINDOWING_ERROR, message);
        if spec.order.is_empty() && spec.frame.is_none() && spec.partition.is_empty() {
            error = error.with_hint("Omit the parentheses in this OVER clause.");
        }
        Err(self.at(error, spec.location))
    }

    /// GROUPS needs an order, RANGE with an offset one column.
    fn check_order(&self, frame: &ast::WindowFrame, order_by: &[SortKey]) -> Result<()> {
        let windowing = |message: &'static str| Err(Error::new(SqlState::WINDOWING_ERROR, message));
        let offset =
            |bound: &ast::FrameBound| matches!(bound, ast::FrameBound::Preceding(_) | ast::FrameBound::Following(_));
        match frame.mode {
            FrameMode::Groups if order_by.is_empty() => windowing("GROUPS mode requires an ORDER BY clause"),
            FrameMode::Range
                if order_by.len() != 1 && (offset(&frame.start) || frame.end.as_ref().is_some_and(offset)) =>
            {
                windowing("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
            }
            _ => Ok(()),
        }
    }

    fn forbid_windows(&self, expr: &Expr, ast: &Ast) -> Result<()> {
        if expr.contains_window() {
            let error = Error::new(SqlState::WINDOWING_ERROR, "window functions are not allowed in window definitions");
            return Err(self.at(error, expr_location(ast)));
        }
        Ok(())
    }

    fn frame(&mut self, frame: &ast::WindowFrame, key: Option<Oid>) -> Result<Frame> {
        let mut start = self.frame_bound(&frame.start, frame.mode, key)?;
        let mut end = frame.end.as_ref().map(|bound| self.frame_bound(bound, frame.mode, key)).transpose()?;
        let mut by_type = false;
        if let (FrameMode::Range, Some(key)) = (frame.mode, key)
            && !self.to_be_printed()
        {
            let mut numbers = Vec::new();
            for bound in [Some(&mut start), end.as_mut()].into_iter().flatten() {
                if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                    numbers.push((self.offset_number(offset, key)?, offset));
                }
            }
            // SQLite computes what is infinitely far from a row, and so on the wrong side of the infinities.
            by_type = numbers.iter().any(|(number, _)| number.is_none());
            if !by_type {
                numbers.into_iter().for_each(|(number, offset)| number.into_iter().for_each(|number| *offset = number));
            }
        }
        Ok(Frame {
            units: units(frame.mode),
            start,
            end,
            by_type,
            exclude: match frame.exclusion {
                FrameExclusion::NoOthers => None,
                FrameExclusion::CurrentRow => Some("CURRENT ROW"),
                FrameExclusion::Group => Some("GROUP"),
                FrameExclusion::Ties => Some("TIES"),
            },
        })
    }

    fn is_infinite(&mut self, offset: &Expr) -> bool {
        let text = match &offset.kind {
            ExprKind::Const(Value::Real(number)) => return number.is_infinite(),
            ExprKind::Coerce { how: Coercion::Input, arg } => self.constant_text(arg),
            ExprKind::Literal(_) if offset.type_oid == Oid::FLOAT8 => self.constant_text(offset),
            _ => None,
        };
        text.and_then(|text| text.trim().parse::<f64>().ok()).is_some_and(f64::is_infinite)
    }

    fn frame_bound(&mut self, bound: &ast::FrameBound, mode: FrameMode, key: Option<Oid>) -> Result<FrameBound> {
        let (ast, preceding) = match bound {
            ast::FrameBound::CurrentRow => return Ok(FrameBound::CurrentRow),
            ast::FrameBound::UnboundedPreceding => return Ok(FrameBound::UnboundedPreceding),
            ast::FrameBound::UnboundedFollowing => return Ok(FrameBound::UnboundedFollowing),
            ast::FrameBound::Preceding(offset) => (offset, true),
            ast::FrameBound::Following(offset) => (offset, false),
        };
        let offset = self.expr(ast)?;
        let offset = match (mode, key) {
            (FrameMode::Range, Some(key)) => self.range_offset(offset, key),
            _ => self.row_offset(offset, units(mode)),
        };
        let offset =
            offset.and_then(|offset| self.visible_number(offset)).map_err(|e| self.at(e, expr_location(ast)))?;
        let local = |part: &Expr| {
            let ExprKind::Var(var) = &part.kind else { return false };
            self.scopes.last().is_some_and(|scope| scope.entries.iter().any(|entry| entry.entry == var.entry))
        };
        if offset.any_deep(&local) {
            let message = format!("argument of {} must not contain variables", units(mode));
            let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message);
            return Err(self.at(error, expr_location(ast)));
        }
        Ok(if preceding { FrameBound::Preceding(offset) } else { FrameBound::Following(offset) })
    }

    /// A cast of a whole number as that number: SQLite wants it where it can see it.
    fn visible_number(&mut self, offset: Expr) -> Result<Expr> {
        let mut written = &offset;
        while let ExprKind::Coerce { arg, how: Coercion::Cast(_) | Coercion::Relabel } = &written.kind {
            written = arg;
        }
        let mut negative = false;
        if let ExprKind::Op(OperatorRef::Listed(operator), operands) = &written.kind
            && let ("-", [operand]) = (operator.name, operands.as_slice())
        {
            (written, negative) = (operand, true);
        }
        let integral = |oid: Oid| matches!(oid, Oid::INT2 | Oid::INT4 | Oid::INT8);
        let changed = !std::ptr::eq(written, &offset);
        if !changed || self.to_be_printed() || !integral(written.type_oid) || !integral(offset.type_oid) {
            return Ok(offset);
        }
        let written = written.clone();
        let number = self.constant_text(&written).and_then(|text| text.parse::<i64>().ok());
        Ok(match number.map(|number| if negative { -number } else { number }) {
            Some(number) if offset.type_oid != Oid::INT2 || i16::try_from(number).is_ok() => {
                Expr::integer(number, offset.type_oid)
            }
            _ => offset,
        })
    }

    /// The offset of ROWS and GROUPS.
    fn row_offset(&mut self, offset: Expr, units: &str) -> Result<Expr> {
        let from = offset.type_oid;
        self.try_coerce(offset, Oid::INT8, -1, CastContext::Assignment)?.ok_or_else(|| {
            let message = format!("argument of {units} must be type bigint, not type {}", self.type_name(from));
            Error::new(SqlState::DATATYPE_MISMATCH, message)
        })
    }

    /// The offset of RANGE, of a type that the sort key's type has an in_range function for (transformFrameOffset).
    fn range_offset(&mut self, offset: Expr, key: Oid) -> Result<Expr> {
        let candidates: &[Oid] = match key {
            Oid::INT2 | Oid::INT4 => &[Oid::INT2, Oid::INT4, Oid::INT8],
            Oid::INT8 => &[Oid::INT8],
            Oid::FLOAT4 | Oid::FLOAT8 => &[Oid::FLOAT8],
            Oid::NUMERIC => &[Oid::NUMERIC],
            Oid::DATE | Oid::TIMESTAMP | Oid::TIMESTAMPTZ | Oid::TIME | Oid::TIMETZ | Oid::INTERVAL => &[Oid::INTERVAL],
            _ => &[],
        };
        let shown = self.type_name(if key == Oid::VARCHAR { Oid::TEXT } else { key });
        let refused = format!("RANGE with offset PRECEDING/FOLLOWING is not supported for column type {shown}");
        if candidates.is_empty() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, refused));
        }
        let from = offset.type_oid;
        let fitting = |oid: &&Oid| self.can_coerce(from, **oid, CastContext::Implicit);
        let chosen = candidates.iter().find(|oid| **oid == from || from == Oid::UNKNOWN && **oid == key);
        match chosen.or_else(|| candidates.iter().rfind(fitting)) {
            Some(oid) => self.implicit(offset, *oid),
            None => {
                let message = format!("{refused} and offset type {}", self.type_name(from));
                let hint = "Cast the offset value to an appropriate type.";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(hint))
            }
        }
    }

    /// The offset as a number that SQLite can add to the key's, if there is one.
    fn offset_number(&mut self, offset: &Expr, key: Oid) -> Result<Option<Expr>> {
        match offset.type_oid {
            Oid::NUMERIC => return Ok(None),
            Oid::INTERVAL => {}
            _ if self.is_infinite(offset) => return Ok(None),
            _ => return Ok(Some(offset.clone())),
        }
        let (constant, typmod) = match &offset.kind {
            ExprKind::Coerce { how: Coercion::Input, arg } => ((**arg).clone(), offset.typmod),
            _ => (offset.clone(), -1),
        };
        let Some(text) = self.constant_text(&constant) else { return Ok(None) };
        let interval = Interval::parse_with_typmod(&text, &FormatSettings::default(), typmod)?;
        let number = range_offset::interval_offset(key, interval);
        Ok(number.map(|number| Expr::constant(Value::Integer(number), Oid::INT8)))
    }
}

fn units(mode: FrameMode) -> &'static str {
    match mode {
        FrameMode::Rows => "ROWS",
        FrameMode::Range => "RANGE",
        FrameMode::Groups => "GROUPS",
    }
}
