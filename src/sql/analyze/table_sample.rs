//! TABLESAMPLE.
//!
//! Owns: [`Analyzer::sampled`]. Which rows are taken is a condition over the row's place in its table. Specification:
//! sql-select.html#SQL-FROM; transformRangeTableSample in parse_clause.c.

use crate::catalog::schema::RelationKind;
use crate::error::{Error, Result, SqlState};
use crate::sql::analyze::analyzer::Analyzer;
use crate::sql::casts::CastContext;
use crate::sql::functions;
use crate::sql::syntax::ast::query::RangeTableSample;
use crate::sql::syntax::grammar::locations::expr_location;
use crate::sql::tree::{EntryKind, Expr, ExprKind, FromItem, FunctionRef, RangeTblEntry, Var};
use crate::types::pg_type::Oid;

impl Analyzer<'_> {
    pub(super) fn sampled(&mut self, sample: &RangeTableSample) -> Result<FromItem> {
        let item = self.table(&sample.relation).map_err(|e| self.at(e, sample.relation.location))?;
        let FromItem::Entry(RangeTblEntry { id, kind, .. }) = &item else { return Err(self.no_table(sample)) };
        let oid = match kind {
            EntryKind::Relation(oid) | EntryKind::Members(oid) => *oid,
            _ => return Err(self.no_table(sample)),
        };
        match self.catalog().relations.get(&oid).map(|relation| relation.kind) {
            Some(RelationKind::Table) => {}
            Some(RelationKind::System) => return Err(Error::unsupported("TABLESAMPLE of a system catalog")),
            _ => return Err(self.no_table(sample)),
        }
        let method = sample.method.last().map_or("", String::as_str);
        if !matches!(method, "bernoulli" | "system") {
            let message = format!("tablesample method {} does not exist", sample.method.join("."));
            return Err(self.at(Error::new(SqlState::UNDEFINED_OBJECT, message), sample.location));
        }
        let [percent] = sample.args.as_slice() else {
            let message = format!("tablesample method {method} requires 1 argument, not {}", sample.args.len());
            return Err(self.at(Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, message), sample.location));
        };
        if self.to_be_printed() || self.samples.is_none() {
            let what = if self.to_be_printed() { "TABLESAMPLE in a view" } else { "TABLESAMPLE in this place" };
            return Err(self.at(Error::unsupported(what), sample.location));
        }
        let var = Var { entry: *id, attribute: Var::CTID, origin: (oid, 0), not_null: false };
        let row = Expr::new(ExprKind::Var(var), Oid::TID);
        let mut args = vec![row, Expr::text(method.to_owned())];
        for (ast, to, clause) in
            [(Some(percent), Oid::FLOAT4, "TABLESAMPLE"), (sample.repeatable.as_ref(), Oid::FLOAT8, "REPEATABLE")]
        {
            let Some(ast) = ast else { continue };
            let value = self.expr(ast)?;
            let from = value.type_oid;
            let number = self.try_coerce(value, to, -1, CastContext::Assignment)?;
            args.push(number.ok_or_else(|| {
                let message = format!(
                    "argument of {clause} must be type {}, not type {}",
                    self.type_name(to),
                    self.type_name(from)
                );
                self.at(Error::new(SqlState::DATATYPE_MISMATCH, message), expr_location(ast))
            })?);
        }
        let condition = Expr::new(ExprKind::Func(FunctionRef(&functions::SAMPLE), args), Oid::BOOL);
        self.samples.get_or_insert_default().push(condition);
        Ok(item)
    }

    fn no_table(&self, sample: &RangeTableSample) -> Error {
        let message = "TABLESAMPLE clause can only be applied to tables and materialized views";
        self.at(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message), sample.relation.location)
    }

    /// Below an outer join a condition on the result is another one.
    pub(super) fn without_samples<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = self.samples.take();
        let result = run(self);
        self.samples = outer;
        result
    }

    /// WHERE with what TABLESAMPLE says.
    pub(super) fn with_samples(&mut self, selection: Option<Expr>) -> Option<Expr> {
        let samples = self.samples.as_mut().map(std::mem::take).unwrap_or_default();
        let mut all: Vec<Expr> = samples.into_iter().chain(selection).collect();
        match all.len() {
            0 | 1 => all.pop(),
            _ => Some(Expr::new(ExprKind::And(all), Oid::BOOL)),
        }
    }
}
