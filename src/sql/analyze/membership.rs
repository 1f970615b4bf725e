//! IN, ANY and ALL: a value against a list, an array or a query.
//!
//! Owns: [`Analyzer::in_list`], [`Analyzer::in_query`], [`Analyzer::quantified`]. Specification:
//! functions-comparisons.html, functions-subquery.html.

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::rows::is_constructor;
use crate::sql::functions::Call;
use crate::sql::syntax::ast::expression::{self as ast, Expr as Ast, SubLink, SubLinkType};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::SelectStmt;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{Expr, ExprKind, OperatorRef, SubLinkKind};
use crate::types::pg_type::Oid;

/// What analysing one comparison costs.
const COMPARISON: usize = 1 << 10;

impl Analyzer<'_> {
    pub(super) fn in_list(&mut self, expr: &Ast, list: &[Ast], negated: bool, operator: Location) -> Result<Expr> {
        let value = self.expr(expr)?;
        let items = list.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        if is_constructor(&value) {
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
        let mut tests = Vec::with_capacity(items.len());
        for item in items {
            limits::work(COMPARISON)?;
            tests.push(self.operator("=", value.clone(), item).map_err(|e| self.at(e, operator))?);
        }
        let any = match tests.len() {
            1 => tests.swap_remove(0),
            _ => Expr::new(ExprKind::Or(tests), Oid::BOOL),
        };
        Ok(if negated { Expr::negated(any) } else { any })
    }

    pub(super) fn in_query(&mut self, expr: &Ast, query: &SelectStmt, negated: bool) -> Result<Expr> {
        let value = self.expr(expr)?;
        let (mut query, columns) = self.subquery(query)?;
        let constructor = is_constructor(&value);
        let values = match value.kind {
            ExprKind::Row { fields, .. } if constructor => fields,
            kind => vec![Expr { kind, ..value }],
        };
        if values.len() != columns.len() {
            let which = if values.len() < columns.len() { "many" } else { "few" };
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("subquery has too {which} columns")));
        }
        let mut left = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let Some((_, column_type, _)) = columns.get(index) else { break };
            let (value, column) = self.compared_in_query(value, *column_type)?;
            left.push(value);
            self.convert_output(&mut query, index, column)?;
        }
        let membership = Expr::sub_link(SubLinkKind::In(left), query, Oid::BOOL);
        Ok(if negated { Expr::negated(membership) } else { membership })
    }

    /// A value in a query's column, as their equality takes them: the value, and the type of the column.
    fn compared_in_query(&mut self, value: Expr, column: Oid) -> Result<(Expr, Oid)> {
        let current = Expr::new(ExprKind::Element, column);
        let equal = self.operator("=", value.clone(), current)?;
        if let ExprKind::Op(operator, operands) = equal.kind
            && is_plain_equality(operator)
            && let Ok([value, current]) = <[Expr; 2]>::try_from(operands)
        {
            return Ok((value, current.type_oid));
        }
        let common = self.common_type(&[value.type_oid, column], "IN")?;
        Ok((self.to_common(value, common, "IN")?, common))
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
        if !self.to_be_printed()
            && (all && name == "<>" || !all && name == "=")
            && let Some(list) = listed_elements(&node.right)
        {
            return self.in_list(left, &list, all, node.location);
        }
        let value = self.expr(left)?;
        let array = self.expr(&node.right)?;
        let array = if array.type_oid == Oid::UNKNOWN {
            let element = if value.type_oid == Oid::UNKNOWN { Oid::TEXT } else { self.with_operators(value.type_oid) };
            let target = self.array_type(element).unwrap_or(Oid::TEXT_ARRAY);
            self.implicit(array, target).map_err(|e| self.at(e, expr_location(&node.right)))?
        } else {
            array
        };
        let Some(element) = self.element_type(array.type_oid) else {
            let message = "op ANY/ALL (array) requires array on right side";
            return Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), node.location));
        };
        let current = Expr::new(ExprKind::Element, element);
        let comparison = self.operator(name, value, current).map_err(|e| self.at(e, node.location))?;
        if comparison.type_oid != Oid::BOOL {
            let message = "op ANY/ALL (array) requires operator to yield boolean";
            return Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), node.location));
        }
        let (comparison, array) = (Box::new(comparison), Box::new(array));
        Ok(Expr::new(ExprKind::ScalarArray { all, comparison, array, element }, Oid::BOOL))
    }

    fn quantified_query(&mut self, all: bool, name: &str, left: &Ast, query: &SelectStmt) -> Result<Expr> {
        match (all, name) {
            (false, "=") => self.in_query(left, query, false),
            (true, "<>") if !self.to_be_printed() || matches!(left, Ast::Row(_)) => self.in_query(left, query, true),
            _ => {
                let value = self.expr(left)?;
                let (query, columns) = self.subquery(query)?;
                let [(_, element, _)] = columns.as_slice() else {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery has too many columns"));
                };
                let current = Expr::new(ExprKind::Element, *element);
                let comparison = self.operator(name, value, current)?;
                if comparison.type_oid != Oid::BOOL {
                    let message = format!(
                        "row comparison operator must yield type boolean, not type {}",
                        self.type_name(comparison.type_oid)
                    );
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                }
                Ok(Expr::sub_link(SubLinkKind::Quantified { all, comparison }, query, Oid::BOOL))
            }
        }
    }
}

/// Whether an equality is SQLite's own over both operands as they are.
fn is_plain_equality(operator: OperatorRef) -> bool {
    match operator {
        OperatorRef::Comparison(_) => true,
        OperatorRef::Listed(row) => matches!(row.call, Call::Template("({0} = {1})")),
    }
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
