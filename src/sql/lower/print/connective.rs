//! AND and OR as values: PostgreSQL looks at the right operand only if the left one does not decide.
//!
//! Owns: [`Printer::connective`]. SQLite stops there too where the outcome is a jump (WHERE, ON, WHEN), but computes both
//! operands where it is a value. Specification: ExecEvalStepOp in execExprInterp.c (EEOP_BOOL_AND_STEP).

use crate::sql::functions::Call;
use crate::sql::lower::print::Printer;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::lower::tree::{Expr, ExprKind};

/// An operand of more parts is computed whatever the left one is: it is written twice.
const MAX_PARTS: usize = 64;

impl Printer<'_> {
    /// Prints a condition, whose outcome is a jump.
    pub(super) fn condition(&mut self, expr: &Expr) {
        let outer = std::mem::replace(&mut self.as_value, false);
        self.expr(expr);
        self.as_value = outer;
    }

    /// Prints an AND or OR that is to be a value, if it matters that it stops early.
    pub(super) fn connective(&mut self, template: &'static str, args: &[Expr]) -> bool {
        let (test, decided) = match template {
            "({0} AND {1})" => ("(CASE WHEN NOT (", ") THEN 0 ELSE "),
            "({0} OR {1})" => ("(CASE WHEN (", ") THEN 1 ELSE "),
            _ => return false,
        };
        let [left, right] = args else { return false };
        if !self.as_value || !MayFail.in_expr(right) {
            return false;
        }
        if Volatile.in_expr(left) {
            return self.skipped(template, left, right);
        }
        if parts(left) > MAX_PARTS {
            return false;
        }
        self.push(test);
        self.condition(left);
        self.push(decided);
        self.template(template, args);
        self.push(" END)");
        true
    }
}

impl Printer<'_> {
    /// The left operand must not be written twice: SQLite does not compute a right one that is a sub-query if the left one
    /// decides. An aggregate cannot be in one.
    fn skipped(&mut self, template: &str, left: &Expr, right: &Expr) -> bool {
        if right.contains_aggregate() || right.contains_window() {
            return false;
        }
        self.push("(");
        self.expr(left);
        self.push(if template == "({0} AND {1})" { " AND (SELECT " } else { " OR (SELECT " });
        self.expr(right);
        self.push("))");
        true
    }
}

/// What can end in an error, or does something.
pub(super) struct MayFail;

impl Search for MayFail {
    fn is_expr(&self, expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Call(Call::Function(_) | Call::Typed(_), _) | ExprKind::ScalarQuery(_))
    }
}

fn parts(expr: &Expr) -> usize {
    let mut count = 1;
    expr.for_each_child(&mut |child| count += parts(child));
    count
}
