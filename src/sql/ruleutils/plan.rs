//! Expressions of a plan, as EXPLAIN shows them (deparse_expression with deparse_context_for_plan_tree).

use super::from::Shown;
use super::{Moments, Printer, Style, without_implicit};
use crate::catalog::definitions::Names;
use crate::error::Result;
use crate::sql::analyze::written::WrittenNames;
use crate::sql::planner::PlanContext;
use crate::sql::tree::{EntryId, Expr};

/// Prints expressions of a tree that is made to be run.
pub(in crate::sql) struct PlanPrinter<'p>(Printer<'p>);

impl<'p> PlanPrinter<'p> {
    pub(in crate::sql) fn new(names: &'p Names<'p>, written: &'p WrittenNames, context: PlanContext<'_>) -> Self {
        let mut printer = Printer::new(names, written, Style::default());
        printer.moments = Moments::shown(context);
        printer.sub_plans = Some(0);
        PlanPrinter(printer)
    }

    /// Columns are written with what their row is called.
    pub(in crate::sql) fn set_prefix(&mut self, prefix: bool) {
        self.0.prefix = prefix;
    }

    /// Gives an entry a name that no other has.
    pub(in crate::sql) fn name(&mut self, entry: EntryId, name: &str, columns: Vec<(i16, String)>) -> String {
        self.0.name_entry(entry, name.to_owned(), columns);
        self.0.shown.get(&entry).map(|shown: &Shown| shown.name.clone()).unwrap_or_default()
    }

    /// The text, if the expression has one.
    pub(in crate::sql) fn text(&mut self, expr: &Expr) -> Option<String> {
        let from = self.0.out.len();
        let printed = self.0.expr(without_implicit(expr), false);
        let text = self.0.out.get(from..).unwrap_or_default().to_owned();
        self.0.out.truncate(from);
        printed.ok().map(|()| text)
    }
}

impl Printer<'_> {
    /// `Some` of what a sub-query is called where plans are shown.
    pub(super) fn sub_plan(&mut self) -> Option<()> {
        let number = self.sub_plans.as_mut()?;
        *number += 1;
        let text = format!("(SubPlan {number})");
        self.push(&text);
        Some(())
    }

    /// x IN (list), which a plan has as a comparison with the elements of an array.
    pub(super) fn in_list(&mut self, value: &Expr, list: &[Expr], negated: bool) -> Result<()> {
        self.push("(");
        self.operand(value, true, None)?;
        self.push(if negated { " <> ALL (ARRAY[" } else { " = ANY (ARRAY[" });
        self.list(list, ", ", |p, item| p.expr(without_implicit(item), false))?;
        self.push("]))");
        Ok(())
    }
}
