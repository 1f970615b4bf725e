//! Enums, whose labels are the catalog's: SQLite's side gets them as a constant.
//!
//! Owns: the order of an enum's values, and the functions over it. Specification: functions-enum.html.

use super::Lower;
use super::tree::{Expr, ExprKind};
use crate::error::Result;
use crate::sql::tree::Expr as Typed;
use crate::sql::types;
use crate::types::pg_type::Oid;

impl Lower<'_> {
    /// The labels of an enum as a constant.
    pub(super) fn labels(&self, oid: Oid) -> Expr {
        let labels = types::enum_labels(self.catalog(), oid).unwrap_or_default();
        Expr::text(serde_json::to_string(labels).unwrap_or_default())
    }

    /// Those of the labels that cannot be used yet; nothing where there are none.
    fn uncommitted_labels(&self, oid: Oid) -> Option<Expr> {
        let added = self.catalog().uncommitted_labels.iter().filter(|(of, _)| *of == oid);
        let labels: Vec<&String> = added.map(|(_, label)| label).collect();
        (!labels.is_empty()).then(|| Expr::text(serde_json::to_string(&labels).unwrap_or_default()))
    }

    /// A value of an enum as its place in the enum's order, an array of such values as the array of their places.
    pub(super) fn enum_order(&self, value: Expr) -> Expr {
        if let Some(element) = types::element_type(self.catalog(), value.type_oid) {
            let labels = self.labels(element);
            return Expr::function("pg_enum_array_order", vec![value, labels], Oid::INT4_ARRAY);
        }
        let labels = self.labels(value.type_oid);
        Expr::function("pg_enum_order", vec![value, labels], Oid::INT4)
    }

    /// The label at a place of the enum's order, as [`Lower::enum_order`] counts.
    pub(super) fn enum_label(&self, place: Expr, oid: Oid) -> Expr {
        Expr::function("pg_enum_label", vec![place, self.labels(oid)], oid)
    }

    /// The text if it is a label of the enum, else 22P02.
    pub(super) fn checked_label(&self, text: Expr, to: Oid) -> Expr {
        let name = self.type_name(to);
        let mut args = vec![text, Expr::text(name), self.labels(to)];
        args.extend(self.uncommitted_labels(to));
        Expr::function("pg_enum_in", args, to)
    }

    /// An array of the labels between two, or from the first, or to the last.
    pub(super) fn enum_range(
        &mut self,
        lower: Option<&Typed>,
        upper: Option<&Typed>,
        (of, array): (Oid, Oid),
    ) -> Result<Expr> {
        let mut args = Vec::with_capacity(3);
        for bound in [lower, upper] {
            args.push(match bound {
                Some(bound) => {
                    let bound = self.expr(bound)?;
                    self.enum_order(bound)
                }
                None => Expr::new(ExprKind::Null, Oid::INT4),
            });
        }
        args.push(self.labels(of));
        if let Some(added) = self.uncommitted_labels(of) {
            args.extend([added, Expr::text(self.type_name(of))]);
        }
        Ok(Expr::function("pg_enum_range", args, array))
    }
}
