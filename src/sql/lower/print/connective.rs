//! AND and OR as values: PostgreSQL looks at the right operand only if the left one does not decide.
//!
//! Owns: [`Printer::connective`]. SQLite stops there too where the outcome is a jump (WHERE, ON, WHEN), but computes both
//! operands where it is a value. Specification: ExecEvalStepOp in execExprInterp.c (EEOP_BOOL_AND_STEP).

use crate::sql::functions::Call;
use crate::sql::lower::print::Printer;
use crate::sql::lower::search::{Search, Volatile};
use crate::sql::lower::tree::{Expr, ExprKind};

/// With an operand of more parts both are computed: it would be written twice.
const MAX_PARTS: usize = 64;

impl Printer<'_> {
    /// Prints a condition, whose outcome is a jump.
    pub(super) fn condition(&mut self, expr: &Expr) {
        self.with_outcome(false, |p| p.expr(expr));
    }

    /// Prints what is a value.
    pub(super) fn value(&mut self, print: impl FnOnce(&mut Self)) {
        self.with_outcome(true, print);
    }

    fn with_outcome(&mut self, as_value: bool, print: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.as_value, as_value);
        print(self);
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
            return self.by_left_value(template, left, right);
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

    /// With the right operand written twice, of which one is computed, if any: the left one would be computed twice.
    fn by_left_value(&mut self, template: &'static str, left: &Expr, right: &Expr) -> bool {
        if parts(right) > MAX_PARTS {
            return false;
        }
        let [decided, open, unknown] = match template {
            "({0} AND {1})" => [" WHEN 0 THEN 0 WHEN 1 THEN ", " ELSE (", " AND NULL) END)"],
            _ => [" WHEN 1 THEN 1 WHEN 0 THEN ", " ELSE (", " OR NULL) END)"],
        };
        self.push("(CASE ");
        self.expr(left);
        self.push(decided);
        self.expr(right);
        self.push(open);
        self.expr(right);
        self.push(unknown);
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
