//! CREATE SCHEMA, CREATE SEQUENCE, TRUNCATE.
//!
//! Owns: CreateSchemaStmt with its elements, CreateSeqStmt, TruncateStmt. Must not know: the elements' insides.
//! Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{CreateSchemaStmt, CreateSeqStmt};
use crate::sql::syntax::ast::query::{Persistence, RangeVar};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// What follows CREATE SCHEMA.
    pub(super) fn create_schema_stmt(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        // AUTHORIZATION is no ColId.
        let name = if self.at(K::Authorization) { None } else { Some(self.col_id()?) };
        let authorization = self.optional(K::Authorization, Self::role_spec)?;
        let location = self.location();
        let mut elements = Vec::new();
        while self.at_any(&[K::Create, K::Grant]) {
            elements.push(if self.at(K::Create) { self.create_schema_element()? } else { self.grant_on()? });
        }
        if if_not_exists && !elements.is_empty() {
            let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
            return Err(self.refused(location, message));
        }
        Ok(Stmt::CreateSchema(CreateSchemaStmt { name, authorization, elements, if_not_exists }))
    }

    /// schema_stmt: CREATE TABLE, INDEX, SEQUENCE, TRIGGER, VIEW.
    fn create_schema_element(&mut self) -> Result<Stmt> {
        self.expect(K::Create)?;
        let replace = self.opt_or_replace()?;
        if self.at_any(&[K::Trigger, K::Constraint]) {
            return self.create_trig_stmt(replace);
        }
        if !replace && self.at_any(&[K::Unique, K::Index]) {
            let unique = self.eat(K::Unique);
            self.expect(K::Index)?;
            return self.index_stmt(unique);
        }
        let persistence = self.opt_temp()?;
        if !replace && self.eat(K::Table) {
            return self.create_table_element(persistence);
        }
        if !replace && self.eat(K::Sequence) {
            return self.create_seq_stmt(persistence);
        }
        self.view_stmt(replace, persistence)
    }

    /// What follows CREATE OptTemp SEQUENCE.
    pub(super) fn create_seq_stmt(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let sequence = RangeVar { persistence, ..self.qualified_name()? };
        Ok(Stmt::CreateSeq(CreateSeqStmt { sequence, options: self.seq_opt_list()?, if_not_exists }))
    }

    pub(super) fn truncate_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Truncate)?;
        self.eat(K::Table);
        let relations = self.comma_list(Self::relation_expr)?;
        let restart_seqs = self.eat(K::Restart);
        if restart_seqs || self.eat(K::Continue) {
            self.expect(K::Identity)?;
        }
        Ok(Stmt::Truncate { relations, restart_seqs, behavior: self.opt_drop_behavior() })
    }
}
