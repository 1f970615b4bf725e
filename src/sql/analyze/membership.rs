//! IN, ANY and ALL: a value against a list, an array or a query.
//!
//! Owns: [`Analyzer::in_list`], [`Analyzer::in_query`], [`Analyzer::quantified`]. Specification:
//! functions-comparisons.html, functions-subquery.html.

use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::search::{Search, Volatile};
use crate::sql::syntax::ast::expression::{self as ast, Expr as Ast, SubLink, SubLinkType};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    pub(super) fn in_list(&mut self, expr: &Ast, list: &[Ast], negated: bool, operator: Location) -> Result<Expr> {
        let value = self.expr(expr)?;
        let items = list.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        if matches!(value.kind, ExprKind::Row(_)) {
            return self.or_of_equals(value, items, negated, operator);
        }
        // As PostgreSQL: if the items have a common type with the value, one comparison against all; else an OR.
        let types: Vec<Oid> = std::iter::once(value.type_oid).chain(items.iter().map(|i| i.type_oid)).collect();
        if let Ok(common) = self.common_type(&types, "IN") {
            let mut list = Vec::with_capacity(items.len());
            let value = self.to_common(value, common, "IN")?;
            for item in items {
                list.push(self.to_common(item, common, "IN")?);
            }
            if matches!(common, Oid::JSON | Oid::XML) {
                return self.operator("=", value.clone(), value).map_err(|e| self.at(e, operator));
            }
            let kind = ExprKind::InList { expr: Box::new(value), list, negated };
            return Ok(Expr::new(kind, Oid::BOOL));
        }
        self.or_of_equals(value, items, negated, operator)
    }

    /// PostgreSQL, too, runs the value for each item.
    fn or_of_equals(&mut self, value: Expr, items: Vec<Expr>, negated: bool, operator: Location) -> Result<Expr> {
        let equal = |a: &mut Self, item| a.operator("=", value.clone(), item).map_err(|e| a.at(e, operator));
        let tests = items.into_iter().map(|item| equal(self, item)).collect::<Result<Vec<_>>>()?;
        let any = Expr::connected("({0} OR {1})", tests).ok_or_else(|| Error::internal("empty IN list"))?;
        Ok(if negated { Expr::template("(NOT {0})", vec![any], Oid::BOOL) } else { any })
    }

    pub(super) fn in_query(&mut self, expr: &Ast, query: &SelectStmt, negated: bool) -> Result<Expr> {
        let value = self.expr(expr)?;
        let (mut query, columns) = self.subquery(query)?;
        let values = match value.kind {
            ExprKind::Row(items) => items,
            _ => vec![value],
        };
        if values.len() != columns.len() {
            let which = if values.len() < columns.len() { "many" } else { "few" };
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("subquery has too {which} columns")));
        }
        let mut left = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let Some((_, column_type, _)) = columns.get(index) else { break };
            let common = self.common_type(&[value.type_oid, *column_type], "IN")?;
            left.push(self.to_common(value, common, "IN")?);
            self.convert_output(&mut query, index, common)?;
        }
        let left = match left.len() {
            1 => left.swap_remove(0),
            _ => Expr::new(ExprKind::Row(left), Oid::RECORD),
        };
        let kind = ExprKind::InQuery { expr: Box::new(left), query: Box::new(query), negated };
        Ok(Expr::new(kind, Oid::BOOL))
    }

    /// A sub-query behind ANY, ALL or IN.
    pub(super) fn sub_link(&mut self, link: &SubLink) -> Result<Expr> {
        let Some(left) = &link.test_expr else { return Err(Error::internal("a sub-query without a left side")) };
        let all = link.link_type == SubLinkType::All;
        let name = link.oper_name.last().map_or("=", String::as_str);
        let result = self.quantified_query(all, name, left, &link.subselect);
        result.map_err(|e| self.at(e, link.location))
    }

    /// expr op ANY (array) / ALL (array)
    pub(super) fn quantified(&mut self, node: &ast::AExpr, all: bool) -> Result<Expr> {
        let (Some(left), Some(name)) = (&node.left, node.name.last()) else {
            return Err(Error::internal("ANY without a left side"));
        };
        // SQLite takes no sub-query in a CHECK or an index, which is where PostgreSQL itself writes IN as = ANY.
        if (all && name == "<>" || !all && name == "=")
            && let Some(list) = listed_elements(&node.right)
        {
            return self.in_list(left, &list, all, node.location);
        }
        let value = self.expr(left)?;
        let array = self.expr(&node.right)?;
        let array = if array.type_oid == Oid::UNKNOWN {
            let element = if value.type_oid == Oid::UNKNOWN { Oid::TEXT } else { value.type_oid };
            let target = self.array_type(element).unwrap_or(Oid::TEXT_ARRAY);
            self.implicit(array, target).map_err(|e| self.at(e, expr_location(&node.right)))?
        } else {
            array
        };
        let Some(element) = self.element_type(array.type_oid) else {
            let message = "op ANY/ALL (array) requires array on right side";
            return Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), node.location));
        };
        let current = Expr::new(ExprKind::ArrayElement, element);
        let comparison = self.operator(name, value, current).map_err(|e| self.at(e, node.location))?;
        if Volatile.in_expr(&comparison) {
            // The comparison is made for each element.
            return self.quantified_once(all, name, left, array, element);
        }
        self.once(array, |_, array| Ok(compared_with_elements(all, name, array, element, comparison)))
    }

    /// As [`Analyzer::quantified`], with a left operand that must be computed before the elements are looked at.
    fn quantified_once(&mut self, all: bool, name: &str, left: &Ast, array: Expr, element: Oid) -> Result<Expr> {
        let value = self.expr(left)?;
        self.once(value, |a, value| {
            a.once(array, |a, array| {
                let comparison = a.operator(name, value, Expr::new(ExprKind::ArrayElement, element))?;
                Ok(compared_with_elements(all, name, array, element, comparison))
            })
        })
    }

    fn quantified_query(&mut self, all: bool, name: &str, left: &Ast, query: &SelectStmt) -> Result<Expr> {
        match (all, name) {
            (false, "=") => self.in_query(left, query, false),
            (true, "<>") => self.in_query(left, query, true),
            _ => {
                let value = self.expr(left)?;
                let (query, columns) = self.subquery(query)?;
                let [(_, element, _)] = columns.as_slice() else {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery has too many columns"));
                };
                let current = Expr::new(ExprKind::ArrayElement, *element);
                let array = self.array_of_query(query, *element)?;
                // PostgreSQL, too, runs the left operand for each row.
                let comparison = self.operator(name, value, current)?;
                self.once(array, |_, array| {
                    let (array, comparison) = (Box::new(array), Box::new(comparison));
                    Ok(Expr::new(ExprKind::Quantified { all, array, comparison }, Oid::BOOL))
                })
            }
        }
    }
}

/// ANY or ALL of an array's elements, as SQLite's IN where that is the same.
fn compared_with_elements(all: bool, name: &str, array: Expr, element: Oid, comparison: Expr) -> Expr {
    let array = Box::new(array);
    if !all
        && name == "="
        && let ExprKind::Compare("=", l, r) = &comparison.kind
        && matches!(r.kind, ExprKind::ArrayElement)
    {
        return Expr::new(ExprKind::InArray { expr: l.clone(), array, element, exact: true }, Oid::BOOL);
    }
    Expr::new(ExprKind::Quantified { all, array, comparison: Box::new(comparison) }, Oid::BOOL)
}

/// The elements of ARRAY[…], or of (ARRAY[…])::type[] with the cast put on each of them.
fn listed_elements(array: &Ast) -> Option<Vec<Ast>> {
    match array {
        Ast::Array(array) if !array.elements.is_empty() => {
            let flat = array.elements.iter().all(|e| !matches!(e, Ast::Array(_)));
            flat.then(|| array.elements.clone())
        }
        Ast::TypeCast(cast) if cast.type_name.array_bounds.len() == 1 => {
            let type_name = ast::TypeName { array_bounds: Vec::new(), ..cast.type_name.clone() };
            let element = |arg: Ast| {
                Ast::TypeCast(Box::new(ast::TypeCast { arg, type_name: type_name.clone(), location: cast.location }))
            };
            Some(listed_elements(&cast.arg)?.into_iter().map(element).collect())
        }
        _ => None,
    }
}
