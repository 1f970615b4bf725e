//! Rows of pg_statistic_ext.
//!
//! Specification: catalog-pg-statistic-ext.html.

use crate::catalog::tables::contents::View;
use crate::catalog::tables::rows::{Cell, Rows, row};

/// pg_statistic_ext
pub fn statistics(rows: &mut Rows, view: &View<'_>) {
    let mut all: Vec<_> = view.catalog.extended_statistics().collect();
    all.sort_unstable_by_key(|(_, own)| own.oid);
    for (relation, own) in all {
        // What is counted of expressions alone is always counted.
        let expressions = (!own.expressions.is_empty()).then_some(&b'e');
        let kinds = own.kinds.iter().chain(expressions);
        row!(rows,
            oid: own.oid,
            stxrelid: relation.oid,
            stxname: &own.name,
            stxnamespace: view.namespace_oid(&own.schema),
            stxowner: view.catalog.statistics_owner(relation, own.oid),
            stxstattarget: own.target,
            stxkeys: Cell::ints(own.columns.iter().copied()),
            stxkind: Cell::texts(kinds.map(|kind| char::from(*kind).to_string())),
            stxexprs: Some(own.expressions.join(", ")).filter(|text| !text.is_empty()),
        );
    }
}
