//! Sub-queries in expressions.
//!
//! Owns: [`Lower::sub_link`]. Specification: functions-subquery.html.

use super::Lower;
use super::tree::{Expr, ExprKind};
use crate::error::{Error, Result};
use crate::sql::tree::{Expr as Typed, Query, SubLink, SubLinkKind};
use crate::sql::types;
use crate::types::pg_type::Oid;

impl Lower<'_> {
    pub(super) fn sub_link(&mut self, link: &SubLink, expr: &Typed) -> Result<Expr> {
        match &link.kind {
            SubLinkKind::Exists => {
                let query = Box::new(self.query(&link.query)?);
                Ok(Expr::new(ExprKind::Exists { query, negated: false }, Oid::BOOL))
            }
            SubLinkKind::Expr => {
                let query = Box::new(self.query(&link.query)?);
                Ok(Expr::new(ExprKind::ScalarQuery(query), expr.type_oid))
            }
            SubLinkKind::Array => self.array_of(&link.query, expr.type_oid),
            SubLinkKind::In(values) => {
                let mut values = self.exprs(values)?;
                let left = match values.len() {
                    1 => values.remove(0),
                    _ => Expr::new(ExprKind::Row(values), Oid::RECORD),
                };
                let query = Box::new(self.query(&link.query)?);
                Ok(Expr::new(ExprKind::InQuery { expr: Box::new(left), query, negated: false }, Oid::BOOL))
            }
            SubLinkKind::Quantified { all, comparison } => {
                let element = link.query.outputs().first().map_or(Oid::TEXT, |(_, oid, _)| *oid);
                let Some(array) = types::array_type(self.catalog(), element) else {
                    let name = self.type_name(element);
                    return Err(Error::unsupported(format!("ANY or ALL of a query of {name}")));
                };
                let array = self.array_of(&link.query, array)?;
                self.quantified(*all, comparison, array)
            }
        }
    }

    /// The one column of a query as an array.
    fn array_of(&mut self, query: &Query, array: Oid) -> Result<Expr> {
        let (element, typmod) = query.outputs().first().map_or((Oid::TEXT, -1), |(_, oid, typmod)| (*oid, *typmod));
        let element = self.internal_name(element, typmod).to_owned();
        let query = Box::new(self.query(query)?);
        Ok(Expr::new(ExprKind::ArrayQuery { query, element }, array))
    }
}
