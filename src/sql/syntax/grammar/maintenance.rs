//! EXPLAIN, VACUUM, ANALYZE, CLUSTER, REINDEX, LOCK, CHECKPOINT, DISCARD, LOAD, CALL, DO.
//!
//! Owns: those statements. Must not know: which options they have. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::statement::{
    ClusterStmt, DiscardMode, ExplainStmt, LockMode, LockStmt, ReindexStmt, ReindexTarget, Stmt, VacuumRelation,
    VacuumStmt,
};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    // ----- EXPLAIN

    pub(super) fn explain_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Explain)?;
        let mut options = Vec::new();
        // A parenthesis may be the query's own.
        if self.at_symbol(b'(') && !self.at_select_in_parens() {
            options = self.utility_options()?;
        } else {
            options.extend(self.opt_word(&[K::Analyze, K::Analyse], "analyze"));
            options.extend(self.opt_word(&[K::Verbose], "verbose"));
        }
        let location = self.location();
        let query = Box::new(self.deeper(Self::explainable_stmt)?);
        Ok(Stmt::Explain(Box::new(ExplainStmt { query, options, location })))
    }

    /// Whether a query in parentheses comes next, and no options: they have a single one.
    fn at_select_in_parens(&self) -> bool {
        self.symbol_at(1, b'(')
            || matches!(self.peek_at(1), TokenKind::Keyword(K::Select | K::Values | K::Table | K::With))
    }

    /// ExplainableStmt
    fn explainable_stmt(&mut self) -> Result<Stmt> {
        match self.peek() {
            TokenKind::Keyword(K::Declare) => self.declare_cursor_stmt(),
            TokenKind::Keyword(K::Execute) => self.execute_stmt(),
            TokenKind::Keyword(K::Refresh) => self.refresh_mat_view_stmt(),
            TokenKind::Keyword(K::Create) => self.explained_create(),
            _ => self.preparable_stmt(),
        }
    }

    /// CREATE TABLE AS, CREATE MATERIALIZED VIEW.
    fn explained_create(&mut self) -> Result<Stmt> {
        self.expect(K::Create)?;
        let unlogged = self.at(K::Unlogged);
        let materialized = self.at(K::Materialized);
        let persistence = self.opt_temp()?;
        if (unlogged || materialized) && self.eat(K::Materialized) {
            self.expect(K::View)?;
            return self.create_mat_view_stmt(persistence);
        }
        self.expect(K::Table)?;
        self.explained_table_as(persistence)
    }

    fn opt_word(&mut self, keywords: &[K], name: &str) -> Option<DefElem> {
        let location = self.location();
        keywords.iter().any(|keyword| self.eat(*keyword)).then(|| def_elem(name, None, location))
    }

    // ----- VACUUM, ANALYZE

    pub(super) fn vacuum_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Vacuum)?;
        let mut options = Vec::new();
        if self.at_symbol(b'(') {
            options = self.utility_options()?;
        } else {
            options.extend(self.opt_word(&[K::Full], "full"));
            options.extend(self.opt_word(&[K::Freeze], "freeze"));
            options.extend(self.opt_word(&[K::Verbose], "verbose"));
            options.extend(self.opt_word(&[K::Analyze, K::Analyse], "analyze"));
        }
        let relations = self.opt_vacuum_relation_list()?;
        Ok(Stmt::Vacuum(VacuumStmt { options, relations, is_vacuum: true }))
    }

    pub(super) fn analyze_stmt(&mut self) -> Result<Stmt> {
        if !self.eat(K::Analyse) {
            self.expect(K::Analyze)?;
        }
        let mut options = Vec::new();
        if self.at_symbol(b'(') {
            options = self.utility_options()?;
        } else {
            options.extend(self.opt_word(&[K::Verbose], "verbose"));
        }
        let relations = self.opt_vacuum_relation_list()?;
        Ok(Stmt::Vacuum(VacuumStmt { options, relations, is_vacuum: false }))
    }

    fn opt_vacuum_relation_list(&mut self) -> Result<Vec<VacuumRelation>> {
        if !self.is_col_id(0) {
            return Ok(Vec::new());
        }
        self.comma_list(|p| Ok(VacuumRelation { relation: p.qualified_name()?, columns: p.opt_column_list()? }))
    }

    // ----- CLUSTER, REINDEX

    pub(super) fn cluster_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Cluster)?;
        let mut stmt = ClusterStmt { relation: None, index: None, params: Vec::new() };
        if self.at_symbol(b'(') {
            stmt.params = self.utility_options()?;
            stmt.relation = Some(self.qualified_name()?);
            stmt.index = self.optional(K::Using, Self::col_id)?;
            return Ok(Stmt::Cluster(stmt));
        }
        stmt.params.extend(self.opt_word(&[K::Verbose], "verbose"));
        if !self.is_col_id(0) {
            return Ok(Stmt::Cluster(stmt));
        }
        // Of old: CLUSTER index ON table.
        if self.keyword_at(1, K::On) {
            stmt.index = Some(self.col_id()?);
            self.expect(K::On)?;
            stmt.relation = Some(self.qualified_name()?);
        } else {
            stmt.relation = Some(self.qualified_name()?);
            stmt.index = self.optional(K::Using, Self::col_id)?;
        }
        Ok(Stmt::Cluster(stmt))
    }

    pub(super) fn reindex_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Reindex)?;
        let mut params = if self.at_symbol(b'(') { self.utility_options()? } else { Vec::new() };
        let unknown = self.unexpected();
        let kind = self.advance().kind;
        if !matches!(kind, TokenKind::Keyword(K::Index | K::Table | K::Schema | K::System | K::Database)) {
            return Err(unknown);
        }
        params.extend(self.opt_word(&[K::Concurrently], "concurrently"));
        let target = match kind {
            TokenKind::Keyword(K::Index) => ReindexTarget::Index(self.qualified_name()?),
            TokenKind::Keyword(K::Table) => ReindexTarget::Table(self.qualified_name()?),
            TokenKind::Keyword(K::Schema) => ReindexTarget::Schema(self.col_id()?),
            TokenKind::Keyword(K::System) => ReindexTarget::System(self.col_id()?),
            _ => ReindexTarget::Database(self.col_id()?),
        };
        Ok(Stmt::Reindex(ReindexStmt { target, params }))
    }

    // ----- LOCK

    pub(super) fn lock_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Lock)?;
        self.eat(K::Table);
        let relations = self.comma_list(Self::relation_expr)?;
        let mode = if self.eat(K::In) {
            let mode = self.lock_type()?;
            self.expect(K::Mode)?;
            mode
        } else {
            LockMode::AccessExclusive
        };
        Ok(Stmt::Lock(LockStmt { relations, mode, nowait: self.eat(K::Nowait) }))
    }

    fn lock_type(&mut self) -> Result<LockMode> {
        if self.eat(K::Access) {
            if self.eat(K::Share) {
                return Ok(LockMode::AccessShare);
            }
            self.expect(K::Exclusive)?;
            return Ok(LockMode::AccessExclusive);
        }
        if self.eat(K::Row) {
            if self.eat(K::Share) {
                return Ok(LockMode::RowShare);
            }
            self.expect(K::Exclusive)?;
            return Ok(LockMode::RowExclusive);
        }
        if self.eat(K::Exclusive) {
            return Ok(LockMode::Exclusive);
        }
        self.expect(K::Share)?;
        if self.eat(K::Update) {
            self.expect(K::Exclusive)?;
            return Ok(LockMode::ShareUpdateExclusive);
        }
        if self.eat(K::Row) {
            self.expect(K::Exclusive)?;
            return Ok(LockMode::ShareRowExclusive);
        }
        Ok(LockMode::Share)
    }

    // ----- the short ones

    pub(super) fn checkpoint_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Checkpoint)?;
        Ok(Stmt::CheckPoint)
    }

    pub(super) fn discard_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Discard)?;
        let mode = match self.peek() {
            TokenKind::Keyword(K::All) => DiscardMode::All,
            TokenKind::Keyword(K::Temp | K::Temporary) => DiscardMode::Temp,
            TokenKind::Keyword(K::Plans) => DiscardMode::Plans,
            TokenKind::Keyword(K::Sequences) => DiscardMode::Sequences,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Stmt::Discard(mode))
    }

    pub(super) fn load_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Load)?;
        Ok(Stmt::Load { file: self.sconst()? })
    }

    pub(super) fn call_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Call)?;
        Ok(Stmt::Call(Box::new(self.func_application()?)))
    }

    pub(super) fn do_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Do)?;
        let mut args = Vec::new();
        loop {
            let location = self.location();
            if self.eat(K::Language) {
                let language = DefArg::String(self.non_reserved_word_or_sconst()?);
                args.push(def_elem("language", Some(language), location));
            } else if self.is_sconst(0) || args.is_empty() {
                args.push(def_elem("as", Some(DefArg::String(self.sconst()?)), location));
            } else {
                return Ok(Stmt::Do { args });
            }
        }
    }
}
