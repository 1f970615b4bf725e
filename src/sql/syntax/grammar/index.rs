//! CREATE INDEX, CREATE and ALTER STATISTICS.
//!
//! Owns: IndexStmt, index_elem, CreateStatsStmt, AlterStatsStmt. Must not know: access methods. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{CreateStatsStmt, IndexElem, IndexStmt};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// What follows CREATE [UNIQUE] INDEX.
    pub(super) fn index_stmt(&mut self, unique: bool) -> Result<Stmt> {
        let concurrent = self.eat(K::Concurrently);
        let if_not_exists = self.opt_if_not_exists()?;
        let name = if !if_not_exists && self.at(K::On) { None } else { Some(self.col_id()?) };
        self.expect(K::On)?;
        let relation = self.relation_expr()?;
        let access_method = self.optional(K::Using, Self::col_id)?;
        let params = self.parens(Self::index_params)?;
        let including = if self.eat(K::Include) { self.parens(Self::index_params)? } else { Vec::new() };
        let nulls_not_distinct = self.opt_unique_null_treatment()?;
        Ok(Stmt::Index(Box::new(IndexStmt {
            name,
            relation,
            access_method,
            params,
            including,
            options: self.opt_reloptions()?,
            tablespace: self.opt_table_space()?,
            where_clause: self.where_clause()?,
            unique,
            nulls_not_distinct,
            concurrent,
            if_not_exists,
        })))
    }

    /// index_elem, index_elem, …
    pub(super) fn index_params(&mut self) -> Result<Vec<IndexElem>> {
        self.comma_list(Self::index_elem)
    }

    pub(super) fn index_elem(&mut self) -> Result<IndexElem> {
        let location = self.location();
        let key = self.index_key()?;
        let collation = self.optional(K::Collate, Self::any_name)?;
        let (mut opclass, mut opclass_options) = (None, Vec::new());
        if self.is_col_id(0) && !self.at_nulls_la() {
            opclass = Some(self.any_name()?);
            if self.at_symbol(b'(') {
                opclass_options = self.reloptions()?;
            }
        }
        let ordering = self.opt_asc_desc();
        let nulls = self.opt_nulls_order()?;
        Ok(IndexElem { key, collation, opclass, opclass_options, ordering, nulls, location })
    }

    /// NULLS_LA: NULLS before FIRST or LAST is no name.
    fn at_nulls_la(&self) -> bool {
        self.at_all(&[K::Nulls, K::First]) || self.at_all(&[K::Nulls, K::Last])
    }

    /// What follows CREATE STATISTICS.
    pub(super) fn create_stats_stmt(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let name = self.any_name()?;
        let stat_types = if self.at_symbol(b'(') { self.column_list()? } else { Vec::new() };
        self.expect(K::On)?;
        let exprs = self.comma_list(Self::index_key)?;
        self.expect(K::From)?;
        let relations = self.comma_list(Self::table_ref)?;
        Ok(Stmt::CreateStats(CreateStatsStmt { name, stat_types, exprs, relations, if_not_exists }))
    }
}
