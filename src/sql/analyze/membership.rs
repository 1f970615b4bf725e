//! IN, ANY and ALL: a value against a list, an array or a query.
//!
//! Owns: [`Analyzer::in_list`], [`Analyzer::in_query`], [`Analyzer::quantified`]. Specification:
//! functions-comparisons.html, functions-subquery.html.

use sqlparser::ast::{self, ArrayElemTypeDef, DataType, Expr as Ast, Spanned};

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::analyze::expr::{combined, strip_nesting};
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;

/// What analysing one comparison costs.
const COMPARISON: usize = 1 << 10;

impl Analyzer<'_> {
    pub(super) fn in_list(&mut self, expr: &Ast, list: &[Ast], negated: bool) -> Result<Expr> {
        let value = self.expr(expr)?;
        let items = list.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        if matches!(value.kind, ExprKind::Row(_)) {
            return self.or_of_equals(value, items, negated);
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
                return self.operator("=", value.clone(), value);
            }
            let kind = ExprKind::InList { expr: Box::new(value), list, negated };
            return Ok(Expr::new(kind, Oid::BOOL));
        }
        self.or_of_equals(value, items, negated)
    }

    fn or_of_equals(&mut self, value: Expr, items: Vec<Expr>, negated: bool) -> Result<Expr> {
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            limits::work(COMPARISON)?;
            all.push(self.operator("=", value.clone(), item)?);
        }
        let any = combined(all, "({0} OR {1})").ok_or_else(|| Error::internal("empty IN list"))?;
        Ok(if negated { Expr::template("(NOT {0})", vec![any], Oid::BOOL) } else { any })
    }

    pub(super) fn in_query(&mut self, expr: &Ast, query: &ast::Query, negated: bool) -> Result<Expr> {
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

    /// expr op ANY (array) / ALL (array) / ANY (sub-query)
    pub(super) fn quantified(&mut self, all: bool, left: &Ast, name: &str, right: &Ast) -> Result<Expr> {
        let inner = strip_nesting(right);
        if let Ast::Subquery(query) = inner {
            return self.quantified_query(all, name, left, query);
        }
        // SQLite takes no sub-query in a CHECK or an index, which is where PostgreSQL itself writes IN as = ANY.
        if (all && name == "<>" || !all && name == "=")
            && let Some(list) = listed_elements(inner)
        {
            return self.expr(&Ast::InList { expr: Box::new(left.clone()), list, negated: all });
        }
        let value = self.expr(left)?;
        let array = self.expr(inner)?;
        let array = if array.type_oid == Oid::UNKNOWN {
            let element = if value.type_oid == Oid::UNKNOWN { Oid::TEXT } else { value.type_oid };
            let target = self.array_type(element).unwrap_or(Oid::TEXT_ARRAY);
            self.implicit(array, target)?
        } else {
            array
        };
        let Some(element) = self.element_type(array.type_oid) else {
            let message = "op ANY/ALL (array) requires array on right side";
            return Err(self.at(Error::new(SqlState::WRONG_OBJECT_TYPE, message), right.span()));
        };
        let current = Expr::new(ExprKind::ArrayElement, element);
        let comparison = self.operator(name, value, current).map_err(|e| self.at_operator(e, left.span()))?;
        if !all
            && name == "="
            && let ExprKind::Compare("=", l, r) = &comparison.kind
            && matches!(r.kind, ExprKind::ArrayElement)
        {
            let kind = ExprKind::InArray { expr: l.clone(), array: Box::new(array), element, exact: true };
            return Ok(Expr::new(kind, Oid::BOOL));
        }
        let kind = ExprKind::Quantified { all, array: Box::new(array), comparison: Box::new(comparison) };
        Ok(Expr::new(kind, Oid::BOOL))
    }

    fn quantified_query(&mut self, all: bool, name: &str, left: &Ast, query: &ast::Query) -> Result<Expr> {
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
                let comparison = self.operator(name, value, current)?;
                let array = self.array_of_query(query, *element)?;
                let kind = ExprKind::Quantified { all, array: Box::new(array), comparison: Box::new(comparison) };
                Ok(Expr::new(kind, Oid::BOOL))
            }
        }
    }
}

/// The elements of ARRAY[…], or of (ARRAY[…])::type[] with the cast put on each of them.
fn listed_elements(array: &Ast) -> Option<Vec<Ast>> {
    match array {
        Ast::Nested(inner) => listed_elements(inner),
        Ast::Array(array) if !array.elem.is_empty() => {
            let flat = array.elem.iter().all(|e| !matches!(e, Ast::Array(_)));
            flat.then(|| array.elem.clone())
        }
        Ast::Cast { kind, expr, data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)), format } => {
            let cast = |elem: Ast| Ast::Cast {
                kind: kind.clone(),
                expr: Box::new(elem),
                data_type: DataType::clone(element),
                format: format.clone(),
            };
            Some(listed_elements(expr)?.into_iter().map(cast).collect())
        }
        _ => None,
    }
}
