//! Functions over enums, whose labels analysis knows.
//!
//! Owns: enum_first, enum_last and enum_range; an enum's values by their place in its order. Specification:
//! functions-enum.html.

use crate::catalog::schema::UserTypeKind;
use crate::error::{Error, Result};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::tree::{Expr, ExprKind};
use crate::types::pg_type::Oid;
use crate::types::value::Value;

impl Analyzer<'_> {
    /// The labels of an enum, in their order.
    fn labels(&self, oid: Oid) -> Option<&[String]> {
        match self.catalog().types.get(&oid).map(|t| &t.kind) {
            Some(UserTypeKind::Enum(labels)) => Some(labels),
            _ => None,
        }
    }

    fn labels_constant(&self, oid: Oid) -> Expr {
        Expr::text(serde_json::to_string(self.labels(oid).unwrap_or_default()).unwrap_or_default())
    }

    /// The label at a place of the enum's order, as [`Analyzer::enum_order`] counts.
    pub(super) fn enum_label(&self, place: Expr, oid: Oid) -> Expr {
        Expr::function("pg_enum_label", vec![place, self.labels_constant(oid)], oid)
    }

    /// A call of one of these functions over an enum.
    pub(super) fn enum_function(&mut self, name: &str, args: &[Expr]) -> Result<Option<Expr>> {
        if !matches!((name, args.len()), ("enum_first" | "enum_last", 1) | ("enum_range", 1 | 2)) {
            return Ok(None);
        }
        let Some(oid) = args.iter().map(|arg| arg.type_oid).find(|oid| self.is_enum(*oid)) else { return Ok(None) };
        let labels = self.labels(oid).unwrap_or_default();
        let label = match name {
            "enum_first" => labels.first(),
            "enum_last" => labels.last(),
            _ => {
                let array = self.array_type(oid).ok_or_else(|| Error::internal("an enum without an array type"))?;
                let mut bounds = Vec::new();
                for arg in args.iter().filter(|_| args.len() == 2) {
                    let bound = self.implicit(arg.clone(), oid)?;
                    bounds.push(self.enum_order(bound));
                }
                bounds.resize(2, Expr::new(ExprKind::Null, Oid::INT4));
                bounds.push(self.labels_constant(oid));
                return Ok(Some(Expr::function("pg_enum_range", bounds, array)));
            }
        };
        Ok(Some(match label {
            Some(label) => Expr::constant(Value::Text(label.clone()), oid),
            None => Expr::new(ExprKind::Null, oid),
        }))
    }
}
