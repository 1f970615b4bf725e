//! Expressions (get_rule_expr). `implicit` shows a conversion that nobody asked for; most places do.

use super::constant::ShowType;
use super::layout::VAR;
use super::{Printer, unprintable, without_implicit};
use crate::catalog::composite;
use crate::catalog::definitions::quote_identifier;
use crate::catalog::schema::UserTypeKind;
use crate::error::Result;
use crate::limits::stack;
use crate::sql::functions;
use crate::sql::tree::{
    Aggref, BooleanTest, Coercion, Expr, ExprKind, Frame, FrameBound, FunctionRef, OperatorRef, SortKey, SubLink,
    SubLinkKind, Var, Written,
};
use crate::types::pg_type::{Oid, type_info};
use crate::types::value::Value;

impl Printer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr, implicit: bool) -> Result<()> {
        stack::check()?;
        match &expr.kind {
            ExprKind::Null => self.null(expr.type_oid, ShowType::WhereNeeded),
            ExprKind::Const(value) => return self.constant(value, expr.type_oid, ShowType::WhereNeeded),
            ExprKind::Var(var) => return self.column(var),
            ExprKind::Func(function, args) => return self.call(function, args),
            ExprKind::Variadic(function, args) => {
                self.function_name(function);
                self.push("(");
                let last = args.len().saturating_sub(1);
                self.list(args.iter().enumerate(), ", ", |p, (index, arg)| {
                    p.push(if index == last { "VARIADIC " } else { "" });
                    p.expr(arg, true)
                })?;
                self.push(")");
            }
            ExprKind::CurrentOf { cursor, .. } => {
                self.push("CURRENT OF ");
                if let ExprKind::Const(Value::Text(name)) = &cursor.kind {
                    self.push(&quote_identifier(name));
                }
            }
            ExprKind::Op(operator, args) => {
                let comparison = matches!(operator, OperatorRef::Comparison(_));
                let name = self.shown_operator(operator, args);
                return self.operator(expr, &name, args, comparison);
            }
            ExprKind::And(args) => return self.connected(expr, args, " AND "),
            ExprKind::Or(args) => return self.connected(expr, args, " OR "),
            ExprKind::Not(arg) => {
                return self.enclosed(|p| {
                    p.push("NOT ");
                    p.parenthesized(arg, false, expr)
                });
            }
            ExprKind::NullTest { arg, negated } => {
                return self.enclosed(|p| {
                    p.parenthesized(arg, true, expr)?;
                    p.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                    Ok(())
                });
            }
            ExprKind::BooleanTest { arg, test } => {
                return self.enclosed(|p| {
                    p.parenthesized(arg, false, expr)?;
                    p.push(test_words(*test));
                    Ok(())
                });
            }
            ExprKind::Distinct { operator, left, right, negated } => {
                let comparison = matches!(operator, OperatorRef::Comparison(_));
                return self.distinct(expr, (left, right), comparison, *negated);
            }
            ExprKind::NullIf { value, operator, right } => {
                let comparison = matches!(operator, OperatorRef::Comparison(_));
                self.push("NULLIF(");
                self.operand(value, comparison, None)?;
                self.push(", ");
                self.operand(right, comparison, None)?;
                self.push(")");
            }
            ExprKind::ScalarArray { all, comparison, array, .. } => {
                return self.scalar_array(expr, *all, comparison, array);
            }
            ExprKind::RowCompare { op, left, right } => return self.row_compare(expr, op, left, right),
            ExprKind::SubLink(link) => return self.sub_link(link),
            ExprKind::Case { operand, whens, otherwise } => {
                return self.case(expr, operand.as_deref(), whens, otherwise.as_deref());
            }
            ExprKind::Coalesce(args) => return self.construct("COALESCE", args),
            ExprKind::MinMax { greatest, args } => {
                return self.construct(if *greatest { "GREATEST" } else { "LEAST" }, args);
            }
            ExprKind::Grouping(args) => return self.construct("GROUPING", args),
            ExprKind::Array(items) => {
                self.push("ARRAY[");
                self.list(items, ", ", |p, item| p.expr(item, true))?;
                self.push("]");
                if items.is_empty() {
                    let type_name = self.type_name(expr.type_oid, -1);
                    self.push(&format!("::{type_name}"));
                }
            }
            ExprKind::Row { fields, names } if names.is_empty() => {
                self.construct("ROW", fields)?;
                if expr.type_oid != Oid::RECORD {
                    let type_name = self.type_name(expr.type_oid, -1);
                    self.push(&format!("::{type_name}"));
                }
            }
            ExprKind::Row { .. } => return self.whole_row(expr, false),
            ExprKind::Subscript { container, indexes } => {
                self.container(container)?;
                for index in indexes {
                    self.push("[");
                    self.expr(index, false)?;
                    self.push("]");
                }
            }
            ExprKind::Slice { array, bounds } => {
                self.container(array)?;
                for (lower, upper) in bounds {
                    self.push("[");
                    lower.iter().try_for_each(|lower| self.expr(lower, false))?;
                    self.push(":");
                    upper.iter().try_for_each(|upper| self.expr(upper, false))?;
                    self.push("]");
                }
            }
            ExprKind::EnumOrder(arg) => return self.expr(arg, implicit),
            ExprKind::Coerce { .. } | ExprKind::CoerceTypmod { .. } => return self.conversion(expr, implicit),
            ExprKind::CoerceToDomain { arg, .. } if !implicit => return self.parenthesized(arg, false, expr),
            ExprKind::CoerceToDomain { arg, domain, .. } => return self.cast(arg, (*domain, -1), expr),
            ExprKind::Aggref(call) => return self.aggregate(call),
            ExprKind::DomainValue => self.push("VALUE"),
            ExprKind::Written(what, args) => return self.written(expr, what, args),
            ExprKind::Field { arg, index } => return self.field(arg, *index),
            ExprKind::Param(number) if self.sub_plans.is_some() => self.push(&format!("${}", number + 1)),
            ExprKind::InList { expr, list, negated } if self.sub_plans.is_some() => {
                return self.in_list(expr, list, *negated);
            }
            ExprKind::Param(_)
            | ExprKind::Literal(_)
            | ExprKind::Element
            | ExprKind::Store { .. }
            | ExprKind::CaseTest
            | ExprKind::InList { .. }
            | ExprKind::LikeEscape { .. }
            | ExprKind::Similar(_)
            | ExprKind::EnumRange { .. } => return Err(unprintable("this expression")),
        }
        Ok(())
    }

    /// In parentheses, unless only those that are needed are wanted.
    fn enclosed(&mut self, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let all = !self.style.paren;
        self.push(if all { "(" } else { "" });
        run(self)?;
        self.push(if all { ")" } else { "" });
        Ok(())
    }

    /// get_rule_expr_paren
    pub(super) fn parenthesized(&mut self, expr: &Expr, implicit: bool, parent: &Expr) -> Result<()> {
        let needed = self.style.paren && !self.is_simple(expr, parent);
        self.push(if needed { "(" } else { "" });
        self.expr(expr, implicit)?;
        self.push(if needed { ")" } else { "" });
        Ok(())
    }

    // ----- columns

    pub(super) fn column(&mut self, var: &Var) -> Result<()> {
        let name = self.variable(var)?;
        let Some(shown) = self.shown.get(&var.entry) else { return Err(unprintable("this column")) };
        let text = match (shown.verbatim, self.prefix && !shown.name.is_empty()) {
            (true, _) => name,
            (false, true) => format!("{}.{}", quote_identifier(&shown.name), quote_identifier(&name)),
            (false, false) => quote_identifier(&name),
        };
        self.push(&text);
        Ok(())
    }

    /// A column's name.
    pub(super) fn variable(&self, var: &Var) -> Result<String> {
        if let Some((name, _)) = SYSTEM_COLUMNS.iter().find(|(_, number)| *number == var.attribute) {
            return Ok((*name).to_owned());
        }
        let shown = self.shown.get(&var.entry);
        let column = shown.and_then(|shown| shown.columns.iter().find(|(number, _)| *number == var.attribute));
        column.map(|(_, name)| name.clone()).ok_or_else(|| unprintable("this column"))
    }

    pub(super) fn whole_row(&mut self, row: &Expr, top: bool) -> Result<()> {
        let ExprKind::Row { fields, .. } = &row.kind else { return Err(unprintable("this row")) };
        let Some(ExprKind::Var(var)) = fields.first().map(|field| &field.kind) else {
            return Err(unprintable("this row"));
        };
        let Some(shown) = self.shown.get(&var.entry) else { return Err(unprintable("this row")) };
        let text = format!("{}.*", quote_identifier(&shown.name));
        let type_name = self.type_name(row.type_oid, -1);
        self.push(&text);
        if top {
            self.push(&format!("::{type_name}"));
        }
        Ok(())
    }

    fn field(&mut self, arg: &Expr, index: usize) -> Result<()> {
        if let Some((entry, name)) = self.row_field(arg, index) {
            self.push(&format!("{}.{}", quote_identifier(&entry), quote_identifier(&name)));
            return Ok(());
        }
        let relation = composite::relation_of(self.catalog, arg.type_oid).filter(|(_, is_array)| !is_array);
        let attributes = relation.map(|(relation, _)| composite::attributes(relation));
        let name = attributes.and_then(|attributes| Some(attributes.into_iter().nth(index)??.name.clone()));
        let Some(name) = name else { return Err(unprintable("a field of a record")) };
        let bare = matches!(arg.kind, ExprKind::Field { .. } | ExprKind::Subscript { .. });
        self.push(if bare { "" } else { "(" });
        self.expr(arg, true)?;
        self.push(if bare { "." } else { ")." });
        self.push(&quote_identifier(&name));
        Ok(())
    }

    /// A field of a function's row, which is a column: the entry's name and its own.
    pub(super) fn row_field(&self, arg: &Expr, index: usize) -> Option<(String, String)> {
        let ExprKind::Var(var) = &arg.kind else { return None };
        self.written.entries.get(&var.entry).filter(|entry| entry.of_row)?;
        let shown = self.shown.get(&var.entry)?;
        Some((shown.name.clone(), shown.columns.get(index)?.1.clone()))
    }

    fn container(&mut self, container: &Expr) -> Result<()> {
        let bare = matches!(container.kind, ExprKind::Var(_) | ExprKind::Field { .. });
        self.push(if bare { "" } else { "(" });
        self.expr(container, true)?;
        self.push(if bare { "" } else { ")" });
        Ok(())
    }

    // ----- operators

    /// The operand of an operator. `parent` is none where it has parentheses of its own.
    pub(super) fn operand(&mut self, expr: &Expr, comparison: bool, parent: Option<&Expr>) -> Result<()> {
        let expr = match &expr.kind {
            ExprKind::EnumOrder(arg) => arg,
            _ => expr,
        };
        match self.operand_type(expr, comparison) {
            Some(oid) => {
                let shown = Expr::new(ExprKind::Coerce { how: Coercion::Relabel, arg: Box::new(expr.clone()) }, oid);
                match parent {
                    Some(parent) => self.parenthesized(&shown, true, parent),
                    None => self.expr(&shown, true),
                }
            }
            None => match parent {
                Some(parent) => self.parenthesized(expr, true, parent),
                None => self.expr(expr, true),
            },
        }
    }

    /// The type an operand is brought to that the tree does not say: varchar has no operators of its own, and a domain
    /// has its base type's.
    fn operand_type(&self, expr: &Expr, comparison: bool) -> Option<Oid> {
        if comparison && expr.type_oid == Oid::VARCHAR {
            return Some(Oid::TEXT);
        }
        let ExprKind::Var(var) = &expr.kind else { return None };
        let own = self.relation.filter(|relation| relation.oid == var.origin.0);
        let relation = own.or_else(|| self.catalog.relations.get(&var.origin.0).map(|relation| &**relation))?;
        let column = relation.column_by_number(var.origin.1)?;
        let domain = self.catalog.types.get(&column.type_oid)?;
        matches!(domain.kind, UserTypeKind::Domain { .. }).then_some(expr.type_oid)
    }

    fn operator(&mut self, expr: &Expr, name: &str, args: &[Expr], comparison: bool) -> Result<()> {
        self.enclosed(|p| match args {
            [left, right] => {
                p.operand(left, comparison, Some(expr))?;
                p.push(&format!(" {name} "));
                p.operand(right, comparison, Some(expr))
            }
            [operand] => {
                p.push(&format!("{name} "));
                p.operand(operand, comparison, Some(expr))
            }
            _ => Err(unprintable("this operator")),
        })
    }

    fn connected(&mut self, expr: &Expr, args: &[Expr], word: &str) -> Result<()> {
        self.enclosed(|p| p.list(args, word, |p, arg| p.parenthesized(arg, false, expr)))
    }

    fn distinct(&mut self, expr: &Expr, (left, right): (&Expr, &Expr), comparison: bool, negated: bool) -> Result<()> {
        let test = |p: &mut Self| {
            p.enclosed(|p| {
                p.operand(left, comparison, Some(expr))?;
                p.push(" IS DISTINCT FROM ");
                p.operand(right, comparison, Some(expr))
            })
        };
        if !negated {
            return test(self);
        }
        self.enclosed(|p| {
            p.push("NOT ");
            test(p)
        })
    }

    /// The operator of a comparison over [`ExprKind::Element`], its left side, and the type the elements are brought to.
    fn element_comparison<'e>(&self, comparison: &'e Expr) -> Result<(String, &'e Expr, bool, Oid)> {
        let (name, args, plain) = match &comparison.kind {
            ExprKind::Op(operator, args) => {
                (self.shown_operator(operator, args), args, matches!(operator, OperatorRef::Comparison(_)))
            }
            ExprKind::Written(Written::Operator(name), args) => (name.clone(), args, false),
            _ => return Err(unprintable("this comparison")),
        };
        let [left, element] = args.as_slice() else { return Err(unprintable("this comparison")) };
        let element = match &element.kind {
            ExprKind::EnumOrder(arg) => arg,
            _ => element,
        };
        let oid = self.operand_type(element, plain).unwrap_or(element.type_oid);
        match without_implicit(element).kind {
            ExprKind::Element => Ok((name, left, plain, oid)),
            _ => Err(unprintable("this comparison")),
        }
    }

    fn scalar_array(&mut self, expr: &Expr, all: bool, comparison: &Expr, array: &Expr) -> Result<()> {
        let (name, left, plain, element) = self.element_comparison(comparison)?;
        let wanted = crate::sql::types::array_type(self.catalog, element).unwrap_or(array.type_oid);
        self.enclosed(|p| {
            p.operand(left, plain, Some(expr))?;
            p.push(&format!(" {name} {} (", if all { "ALL" } else { "ANY" }));
            match wanted == array.type_oid {
                true => p.parenthesized(array, true, expr)?,
                false => {
                    let how = Coercion::Relabel;
                    let kind = ExprKind::Coerce { how, arg: Box::new(array.clone()) };
                    p.parenthesized(&Expr::new(kind, wanted), true, expr)?;
                }
            }
            // A sub-query alone would be one of rows.
            if matches!(array.kind, ExprKind::SubLink(_)) {
                let type_name = p.type_name(array.type_oid, -1);
                p.push(&format!("::{type_name}"));
            }
            p.push(")");
            Ok(())
        })
    }

    fn row_compare(&mut self, expr: &Expr, op: &str, left: &[Expr], right: &[Expr]) -> Result<()> {
        if let [query] = right
            && let ExprKind::SubLink(link) = &query.kind
        {
            self.push("((");
            self.list(left, ", ", |p, arg| p.expr(arg, true))?;
            self.push(&format!(") {op} ("));
            self.subquery_def(&link.query, false)?;
            self.push("))");
            return Ok(());
        }
        // Equality is that of all fields, and inequality that of any.
        if let Some(word) = [("=", " AND "), ("<>", " OR ")].iter().find(|(name, _)| *name == op).map(|(_, word)| word)
        {
            return self.enclosed(|p| {
                p.list(left.iter().zip(right), word, |p, (left, right)| {
                    p.enclosed(|p| {
                        p.operand(left, true, Some(expr))?;
                        p.push(&format!(" {op} "));
                        p.operand(right, true, Some(expr))
                    })
                })
            });
        }
        self.push("(ROW(");
        self.list(left, ", ", |p, arg| p.operand(arg, true, None))?;
        self.push(&format!(") {op} ROW("));
        self.list(right, ", ", |p, arg| p.operand(arg, true, None))?;
        self.push("))");
        Ok(())
    }

    /// get_sublink_expr
    fn sub_link(&mut self, link: &SubLink) -> Result<()> {
        if let Some(()) = self.sub_plan() {
            return Ok(());
        }
        match &link.kind {
            SubLinkKind::Array => self.push("ARRAY("),
            _ => self.push("("),
        }
        match &link.kind {
            SubLinkKind::Exists => self.push("EXISTS ("),
            SubLinkKind::Expr | SubLinkKind::Array => {}
            SubLinkKind::In(values) => {
                match values.as_slice() {
                    [value] => self.operand(value, true, None)?,
                    values => {
                        self.push("(");
                        self.list(values, ", ", |p, value| p.operand(value, true, None))?;
                        self.push(")");
                    }
                }
                self.push(" IN (");
            }
            SubLinkKind::Quantified { all, comparison } => {
                let (name, left, plain, _) = self.element_comparison(comparison)?;
                self.operand(left, plain, None)?;
                self.push(&format!(" {name} {} (", if *all { "ALL" } else { "ANY" }));
            }
        }
        self.subquery_def(&link.query, false)?;
        self.push(match &link.kind {
            SubLinkKind::Expr | SubLinkKind::Array => ")",
            _ => "))",
        });
        Ok(())
    }

    // ----- constructs

    fn construct(&mut self, name: &str, args: &[Expr]) -> Result<()> {
        self.push(&format!("{name}("));
        self.common(args, ", ")?;
        self.push(")");
        Ok(())
    }

    /// Expressions of a common type: that of a domain only if all have it.
    fn common(&mut self, args: &[Expr], between: &str) -> Result<()> {
        let own = args.iter().all(|arg| self.operand_type(arg, false).is_some());
        self.list(args, between, |p, arg| if own { p.expr(arg, true) } else { p.operand(arg, false, None) })
    }

    fn case(
        &mut self,
        case: &Expr,
        operand: Option<&Expr>,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<()> {
        let space = if self.style.indent { "" } else { " " };
        self.keyword("CASE", 0, VAR, 0);
        if let Some(operand) = operand {
            self.push(" ");
            self.expr(operand, true)?;
        }
        for (condition, result) in whens {
            self.push(space);
            self.keyword("WHEN ", 0, 0, 0);
            match (operand, &condition.kind) {
                (Some(_), ExprKind::Op(operator, args)) => match args.as_slice() {
                    [tested, value] if matches!(without_implicit(tested).kind, ExprKind::CaseTest) => {
                        self.operand(value, matches!(operator, OperatorRef::Comparison(_)), None)?;
                    }
                    _ => return Err(unprintable("this CASE")),
                },
                (Some(_), _) => return Err(unprintable("this CASE")),
                (None, _) => self.expr(condition, false)?,
            }
            self.push(" THEN ");
            self.expr(result, true)?;
        }
        self.push(space);
        self.keyword("ELSE ", 0, 0, 0);
        match otherwise {
            Some(otherwise) => self.expr(otherwise, true)?,
            None => self.null(case.type_oid, ShowType::WhereNeeded),
        }
        self.push(space);
        self.keyword("END", -VAR, 0, 0);
        Ok(())
    }

    // ----- calls

    fn call(&mut self, function: &FunctionRef, args: &[Expr]) -> Result<()> {
        if function.name.is_empty() {
            return self.routine_call(args);
        }
        self.function_name(function);
        self.push("(");
        self.arguments(function, args)?;
        self.push(")");
        Ok(())
    }

    /// A call of a function that users made, which the first argument names.
    fn routine_call(&mut self, args: &[Expr]) -> Result<()> {
        let (routine, args) = self.routine_name(args)?;
        self.push("(");
        self.routine_arguments(&routine, args)?;
        self.push(")");
        Ok(())
    }

    fn function_name(&mut self, function: &FunctionRef) {
        if std::ptr::eq(function.0, &functions::EXPAND_ARRAY) {
            self.push("information_schema.");
        }
        let schema = self.hidden_schema(function.extension);
        self.push(&schema.map_or_else(String::new, |schema| format!("{}.", quote_identifier(&schema))));
        self.push(&quote_identifier(function.name));
    }

    fn arguments(&mut self, function: &FunctionRef, args: &[Expr]) -> Result<()> {
        let last = function.args.last().copied().unwrap_or(Oid::ANY);
        self.list(args.iter().enumerate(), ", ", |p, (index, arg)| {
            let declared = function.args.get(index).copied().unwrap_or(last);
            match type_info(declared).is_some_and(|info| info.kind == b'p') {
                true => p.expr(arg, true),
                false => p.operand(arg, false, None),
            }
        })
    }

    fn aggregate(&mut self, call: &Aggref) -> Result<()> {
        let of_user = match call.function.name.is_empty() {
            true => Some(self.routine_name(&call.args)?),
            false => None,
        };
        if of_user.is_none() {
            self.function_name(&call.function);
        }
        self.push(if call.distinct { "(DISTINCT " } else { "(" });
        if call.star {
            self.push("*");
        } else if !call.direct.is_empty() || is_within_group(call) {
            self.list(&call.direct, ", ", |p, arg| p.expr(arg, true))?;
            self.push(") WITHIN GROUP (ORDER BY ");
            self.order_by(&call.order_by, None, false)?;
        } else {
            match of_user {
                Some((routine, args)) => self.routine_arguments(&routine, args)?,
                None => self.arguments(&call.function, &call.args)?,
            }
            if !call.order_by.is_empty() {
                self.push(" ORDER BY ");
                let keys: Vec<SortKey> = call.order_by.iter().map(|key| of_argument(key, &call.args)).collect();
                self.order_by(&keys, None, false)?;
            }
        }
        if let Some(filter) = &call.filter {
            self.push(") FILTER (WHERE ");
            self.expr(filter, false)?;
        }
        self.push(")");
        if let Some(window) = &call.over {
            self.push(" OVER ");
            match &window.name {
                Some(name) => self.push(&quote_identifier(name)),
                None => self.window_spec(window)?,
            }
        }
        Ok(())
    }

    pub(super) fn frame(&mut self, frame: &Frame) -> Result<()> {
        self.push(&format!("{} ", frame.units));
        match &frame.end {
            Some(end) => {
                self.push("BETWEEN ");
                self.bound(&frame.start)?;
                self.push(" AND ");
                self.bound(end)?;
            }
            None => self.bound(&frame.start)?,
        }
        if let Some(exclude) = frame.exclude {
            self.push(&format!(" EXCLUDE {exclude}"));
        }
        Ok(())
    }

    fn bound(&mut self, bound: &FrameBound) -> Result<()> {
        match bound {
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(offset) => {
                self.offset(offset)?;
                self.push(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.offset(offset)?;
                self.push(" FOLLOWING");
            }
        }
        Ok(())
    }

    /// A number as it was written, before it became a bigint.
    fn offset(&mut self, offset: &Expr) -> Result<()> {
        match offset.kind {
            ExprKind::Const(Value::Integer(number)) if i32::try_from(number).is_ok() => {
                self.push(&number.to_string());
                Ok(())
            }
            _ => self.expr(offset, false),
        }
    }

    // ----- conversions

    /// A conversion that nobody asked for.
    fn conversion(&mut self, expr: &Expr, implicit: bool) -> Result<()> {
        if let Some((text, typmod)) = read_text(expr) {
            self.read_constant(text, expr.type_oid, typmod);
            return Ok(());
        }
        match &expr.kind {
            ExprKind::Coerce { arg, .. } if !implicit => self.parenthesized(arg, false, expr),
            ExprKind::CoerceTypmod { arg, .. } if !implicit && !is_constant(arg) => {
                self.parenthesized(inner(arg, expr), false, expr)
            }
            ExprKind::Coerce { arg, .. } => self.cast(arg, (expr.type_oid, expr.typmod), expr),
            ExprKind::CoerceTypmod { arg, .. } => self.cast(inner(arg, expr), (expr.type_oid, expr.typmod), expr),
            _ => self.expr(expr, implicit),
        }
    }

    /// get_coercion_expr
    fn cast(&mut self, arg: &Expr, (oid, typmod): (Oid, i32), parent: &Expr) -> Result<()> {
        match (&arg.kind, read_text(arg)) {
            (ExprKind::Const(value), _) if arg.type_oid == oid => {
                self.constant(value, oid, ShowType::Never)?;
            }
            (ExprKind::Null, _) if arg.type_oid == oid => self.null(oid, ShowType::Never),
            (_, Some((text, _))) if arg.type_oid == oid => {
                self.read_constant(text, oid, typmod);
                return Ok(());
            }
            _ => self.enclosed(|p| p.parenthesized(arg, false, parent))?,
        }
        let type_name = self.type_name(oid, typmod);
        self.push(&format!("::{type_name}"));
        Ok(())
    }

    // ----- what is as it was written

    fn written(&mut self, expr: &Expr, what: &Written, args: &[Expr]) -> Result<()> {
        match (what, args) {
            (Written::Cast, [value]) => match &value.kind {
                ExprKind::Coerce { arg, .. } => self.cast(arg, (value.type_oid, value.typmod), value),
                ExprKind::CoerceTypmod { arg, .. } => {
                    self.cast(inner(arg, value), (value.type_oid, value.typmod), value)
                }
                ExprKind::CoerceToDomain { arg, domain, .. } => self.cast(inner_of_domain(arg), (*domain, -1), value),
                _ => self.expr(value, true),
            },
            (Written::SqlSyntax, [value]) => match &value.kind {
                ExprKind::Func(function, args) => self.sql_syntax(value, function, args),
                _ => Err(unprintable("this call")),
            },
            (Written::Call(name), args) => {
                self.push(&quote_identifier(name));
                self.construct("", args)
            }
            (Written::Operator(name), args) => self.operator(expr, name, args, false),
            (Written::UserOperator(oid), args) => {
                let name = self.operator_name(*oid)?;
                self.operator(expr, &name, args, false)
            }
            (Written::Collate(oid), [arg]) => {
                let parts = self.names.collation(*oid);
                self.enclosed(|p| {
                    p.parenthesized(arg, true, expr)?;
                    p.push(&format!(" COLLATE {parts}"));
                    Ok(())
                })
            }
            (Written::ValueFunction(name, typmod), _) => {
                self.push(name);
                if let Some(typmod) = typmod {
                    self.push(&format!("({typmod})"));
                }
                Ok(())
            }
            (Written::Xml(texts), args) => {
                let mut args = args.iter();
                for text in texts {
                    self.push(text);
                    if let Some(arg) = args.next() {
                        self.expr(arg, true)?;
                    }
                }
                Ok(())
            }
            (Written::XmlSerialize(of, type_oid, typmod), [value]) => {
                self.push(&format!("XMLSERIALIZE({of} "));
                self.expr(value, false)?;
                let type_name = self.type_name(*type_oid, *typmod);
                self.push(&format!(" AS {type_name})"));
                Ok(())
            }
            (Written::Merged(name), _) => {
                self.push(&quote_identifier(name));
                Ok(())
            }
            _ => Err(unprintable("this construct")),
        }
    }
}

/// System columns that a query can name.
const SYSTEM_COLUMNS: &[(&str, i16)] =
    &[("ctid", -1), ("xmin", -2), ("cmin", -3), ("xmax", -4), ("cmax", -5), ("tableoid", -6)];

pub(super) fn operator_name(operator: &OperatorRef) -> &'static str {
    match operator {
        OperatorRef::Comparison(name) => name,
        OperatorRef::Listed(operator) => operator.name,
    }
}

fn test_words(test: BooleanTest) -> &'static str {
    match test {
        BooleanTest::True => " IS TRUE",
        BooleanTest::NotTrue => " IS NOT TRUE",
        BooleanTest::False => " IS FALSE",
        BooleanTest::NotFalse => " IS NOT FALSE",
        BooleanTest::Unknown => " IS UNKNOWN",
        BooleanTest::NotUnknown => " IS NOT UNKNOWN",
    }
}

/// What is ordered by an argument is so by what it is converted to.
fn of_argument(key: &SortKey, args: &[Expr]) -> SortKey {
    let same = |arg: &&Expr| without_implicit(arg) == without_implicit(&key.expr);
    SortKey { expr: args.iter().find(same).unwrap_or(&key.expr).clone(), ..key.clone() }
}

fn is_within_group(call: &Aggref) -> bool {
    matches!(call.function.name, "mode")
        || functions::HYPOTHETICAL_SET.contains(&call.function.name) && call.over.is_none()
}

/// A constant whose text is read when it is used: its type's input decides by the session or by the catalog.
fn read_text(expr: &Expr) -> Option<(&str, i32)> {
    let ExprKind::Coerce { how: Coercion::ViaIo | Coercion::Input, arg } = &expr.kind else { return None };
    match &arg.kind {
        ExprKind::Const(Value::Text(text)) if arg.type_oid == Oid::TEXT => Some((text, expr.typmod)),
        _ => None,
    }
}

pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Const(_) | ExprKind::Null) || read_text(expr).is_some()
}

/// What a length is put on: a conversion to the same type below it is not shown.
fn inner<'e>(arg: &'e Expr, length: &Expr) -> &'e Expr {
    match &arg.kind {
        ExprKind::Coerce { arg: inner, .. } if arg.type_oid == length.type_oid && !is_constant(arg) => inner,
        _ => arg,
    }
}

fn inner_of_domain(arg: &Expr) -> &Expr {
    match &arg.kind {
        ExprKind::Coerce { arg: inner, .. } | ExprKind::CoerceTypmod { arg: inner, .. } if !is_constant(arg) => inner,
        _ => arg,
    }
}
