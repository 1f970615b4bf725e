//! The collations under which SQLite compares what is stored.
//!
//! Owns: [`Printer::collated`], and what a comparison takes from inside of its operands. Specification:
//! sqlite3ExprCollSeq, sqlite3ExprAddCollateToken.

use crate::sql::functions::Call;
use crate::sql::lower::print::Printer;
use crate::sql::lower::print::connective::MayFail;
use crate::sql::lower::search::{Search, Varying, Volatile};
use crate::sql::lower::tree::{Expr, ExprKind};

impl Printer<'_> {
    /// The expression under its type's collation, for operators that compare.
    pub(super) fn collated(&mut self, expr: &Expr) {
        self.under(self.needed_collation(expr), expr);
    }

    /// The collation that the expression needs beside it.
    pub(super) fn collate_as(&mut self, expr: &Expr) {
        if let Some(collation) = self.needed_collation(expr) {
            self.push(" COLLATE ");
            self.push(collation);
        }
    }

    /// A comparison of two operands.
    pub(super) fn comparison(&mut self, op: &str, left: &Expr, right: &Expr) {
        // What a volatile function gives is another value for each row: no index is asked for one of them, which is what
        // the sign says.
        let [of_left, of_right] = [left, right].map(|side| Volatile.in_expr(side));
        let sign = |side: &Expr| matches!(side.kind, ExprKind::Column(_) | ExprKind::Call(..));
        self.push(if of_right && !of_left && sign(left) { "(+" } else { "(" });
        // The left operand's collation counts; without one SQLite would take what leaks from the right.
        let collation = self.needed_collation(left);
        self.under(collation.or_else(|| self.leaks_collation(right).then_some("BINARY")), left);
        self.push(" ");
        self.push(op);
        self.push(if of_left && !of_right && sign(right) { " +" } else { " " });
        self.expr(right);
        self.push(")");
    }

    /// The expression under a collation. COLLATE hides from SQLite that a constant calls a function: it would compute it
    /// before the first row, though nothing may come to it, and fail (EP_HasFunc is lost at TK_COLLATE). A sub-query is
    /// computed where it stands.
    pub(super) fn under(&mut self, collation: Option<&str>, expr: &Expr) {
        let Some(collation) = collation else { return self.expr(expr) };
        let early = !self.stand_alone && MayFail.in_expr(expr) && !Varying.in_expr(expr);
        if early {
            self.push("(SELECT ");
        }
        self.expr(expr);
        self.push(if early { ") COLLATE " } else { " COLLATE " });
        self.push(collation);
    }

    /// That of the expression's type; SQLite's own, where it would take another from inside the expression.
    pub(super) fn needed_collation<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        self.collation(expr).or_else(|| self.leaks_collation(expr).then_some("BINARY"))
    }

    /// Whether SQLite would compare the expression by a collation that was written for something inside of it
    /// (sqlite3ExprCollSeq).
    pub(super) fn leaks_collation(&self, expr: &Expr) -> bool {
        match &expr.kind {
            // Its fields are compared one by one.
            ExprKind::Row(_) => return false,
            ExprKind::Call(Call::Template(template), _) if template.contains(" COLLATE ") => return false,
            _ => {}
        }
        self.any_child(expr, |child| self.writes_collation(child))
    }

    /// Whether COLLATE is written somewhere in the expression, as [`expr`](Self::expr) prints it. What is inside of a
    /// sub-query is of no concern outside.
    fn writes_collation(&self, expr: &Expr) -> bool {
        let has_collation = |expr: &Expr| self.collation(expr).is_some();
        let writes = match &expr.kind {
            ExprKind::Compare(_, left, _) => has_collation(left),
            ExprKind::InList { expr, .. } | ExprKind::InQuery { expr, .. } => has_collation(expr),
            ExprKind::Call(Call::Template(template), _) => template.contains(" COLLATE "),
            ExprKind::Call(..) | ExprKind::Case { .. } | ExprKind::Extreme { .. } => false,
            _ => self.any_child(expr, has_collation),
        };
        writes || self.any_child(expr, |child| self.writes_collation(child))
    }

    fn any_child(&self, expr: &Expr, is_it: impl Fn(&Expr) -> bool) -> bool {
        let mut found = false;
        expr.for_each_child(&mut |child| found = found || is_it(child));
        found
    }

    pub(super) fn collation<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        match &expr.kind {
            ExprKind::Row(_) => return None,
            ExprKind::Collated(name, _) => return Some(name),
            _ => {}
        }
        (self.repr_of)(expr.type_oid, expr.typmod).collation()
    }
}
