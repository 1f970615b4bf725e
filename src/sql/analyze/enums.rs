//! Functions over enums, whose labels are the catalog's.
//!
//! Owns: [`Analyzer::enum_function`]. Specification: functions-enum.html.

use crate::catalog::schema::UserTypeKind;
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Expr, ExprKind};
use crate::sql::types;
use crate::types::pg_type::Oid;
use crate::types::value::Value;

impl Analyzer<'_> {
    /// The labels of an enum, in their order.
    fn labels(&self, oid: Oid) -> &[String] {
        match self.catalog().types.get(&oid).map(|t| &t.kind) {
            Some(UserTypeKind::Enum(labels)) => labels.labels(),
            _ => &[],
        }
    }

    /// A call of one of these functions over an enum.
    pub(super) fn enum_function(&mut self, name: &str, args: &[Expr]) -> Result<Option<Expr>> {
        if !matches!((name, args.len()), ("enum_first" | "enum_last", 1) | ("enum_range", 1 | 2)) {
            return Ok(None);
        }
        let Some(oid) = args.iter().map(|arg| arg.type_oid).find(|oid| self.is_enum(*oid)) else { return Ok(None) };
        let label = match name {
            "enum_first" => self.labels(oid).first(),
            "enum_last" => self.labels(oid).last(),
            _ => return self.enum_range(oid, args).map(Some),
        };
        if let Some(label) = label.filter(|label| self.catalog().uncommitted_labels.contains(&(oid, (*label).clone())))
        {
            return Err(types::unsafe_label(label, &self.type_name(oid)));
        }
        Ok(Some(match label {
            Some(label) => Expr::constant(Value::Text(label.clone()), oid),
            None => Expr::null(oid),
        }))
    }

    fn enum_range(&mut self, oid: Oid, args: &[Expr]) -> Result<Expr> {
        let array = self.array_type(oid).ok_or_else(|| Error::internal("an enum without an array type"))?;
        let (mut lower, mut upper) = (None, None);
        if let [first, second] = args {
            lower = Some(Box::new(self.implicit(first.clone(), oid)?));
            upper = Some(Box::new(self.implicit(second.clone(), oid)?));
        }
        Ok(Expr::new(ExprKind::EnumRange { lower, upper, of: oid }, array))
    }
}
