//! CREATE: which kind of object.
//!
//! Owns: the dispatch of CREATE. Must not know: what each kind says of itself. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::Persistence;
use crate::sql::syntax::ast::statement::{RoleStmtType, Stmt};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    pub(super) fn create_statement(&mut self) -> Result<Stmt> {
        self.expect(K::Create)?;
        if self.opt_or_replace()? {
            return self.create_or_replace();
        }
        let TokenKind::Keyword(keyword) = self.peek() else { return Err(self.unexpected()) };
        if let K::Table
        | K::Temp
        | K::Temporary
        | K::Local
        | K::Global
        | K::Unlogged
        | K::Sequence
        | K::View
        | K::Recursive = keyword
        {
            return self.create_with_persistence();
        }
        if let K::Function
        | K::Procedure
        | K::Aggregate
        | K::Rule
        | K::Trigger
        | K::Constraint
        | K::Transform
        | K::Trusted
        | K::Procedural
        | K::Language = keyword
        {
            return self.create_replaceable(false);
        }
        let unknown = self.unexpected();
        self.advance();
        match keyword {
            K::Materialized => {
                self.expect(K::View)?;
                self.create_mat_view_stmt(Persistence::Permanent)
            }
            K::Unique => {
                self.expect(K::Index)?;
                self.index_stmt(true)
            }
            K::Index => self.index_stmt(false),
            K::Schema => self.create_schema_stmt(),
            K::Database => self.createdb_stmt(),
            K::Role => self.create_role_stmt(RoleStmtType::Role),
            K::Group => self.create_role_stmt(RoleStmtType::Group),
            // A user may be called mapping.
            K::User if self.at(K::Mapping) && (self.keyword_at(1, K::For) || self.keyword_at(1, K::If)) => {
                self.advance();
                self.create_user_mapping_stmt()
            }
            K::User => self.create_role_stmt(RoleStmtType::User),
            K::Domain => self.create_domain_stmt(),
            K::Type => self.create_type_stmt(),
            K::Operator => self.create_operator(),
            K::Event => {
                self.expect(K::Trigger)?;
                self.create_event_trig_stmt()
            }
            K::Policy => self.create_policy_stmt(),
            K::Statistics => self.create_stats_stmt(),
            K::Cast => self.create_cast_stmt(),
            K::Conversion => self.create_conversion_stmt(false),
            K::Default => {
                self.expect(K::Conversion)?;
                self.create_conversion_stmt(true)
            }
            K::Access => {
                self.expect(K::Method)?;
                self.create_am_stmt()
            }
            K::Text => self.create_text_search(),
            K::Collation => self.create_collation(),
            K::Extension => self.create_extension_stmt(),
            K::Foreign if self.eat(K::Table) => self.create_foreign_table(),
            K::Foreign => {
                self.expect_all(&[K::Data, K::Wrapper])?;
                self.create_fdw_stmt()
            }
            K::Server => self.create_foreign_server_stmt(),
            K::Publication => self.create_publication_stmt(),
            K::Subscription => self.create_subscription_stmt(),
            K::Tablespace => self.create_table_space_stmt(),
            K::Assertion => self.create_assertion_stmt(),
            _ => Err(unknown),
        }
    }

    /// opt_or_replace
    pub(super) fn opt_or_replace(&mut self) -> Result<bool> {
        let replace = self.eat(K::Or);
        if replace {
            self.expect(K::Replace)?;
        }
        Ok(replace)
    }

    /// What follows CREATE OR REPLACE.
    fn create_or_replace(&mut self) -> Result<Stmt> {
        if self.at_any(&[K::Temp, K::Temporary, K::Local, K::Global, K::Unlogged, K::View, K::Recursive]) {
            let persistence = self.opt_temp()?;
            return self.view_stmt(true, persistence);
        }
        self.create_replaceable(true)
    }

    /// Kinds that OR REPLACE may stand before, but views.
    fn create_replaceable(&mut self, replace: bool) -> Result<Stmt> {
        match self.peek() {
            TokenKind::Keyword(K::Function | K::Procedure) => self.create_function_stmt(replace),
            TokenKind::Keyword(K::Aggregate) => self.create_aggregate(replace),
            TokenKind::Keyword(K::Rule) => self.rule_stmt(replace),
            TokenKind::Keyword(K::Trigger | K::Constraint) => self.create_trig_stmt(replace),
            TokenKind::Keyword(K::Transform) => self.create_transform_stmt(replace),
            TokenKind::Keyword(K::Trusted | K::Procedural | K::Language) => self.create_plang_stmt(replace),
            _ => Err(self.unexpected()),
        }
    }

    /// Tables, sequences, views; UNLOGGED materialized views.
    fn create_with_persistence(&mut self) -> Result<Stmt> {
        let unlogged = self.at(K::Unlogged);
        let persistence = self.opt_temp()?;
        if self.eat(K::Table) {
            self.create_table(persistence)
        } else if self.eat(K::Sequence) {
            self.create_seq_stmt(persistence)
        } else if unlogged && self.eat(K::Materialized) {
            self.expect(K::View)?;
            self.create_mat_view_stmt(persistence)
        } else {
            self.view_stmt(false, persistence)
        }
    }

    /// What follows CREATE ASSERTION, which no version does.
    fn create_assertion_stmt(&mut self) -> Result<Stmt> {
        self.any_name()?;
        self.expect(K::Check)?;
        self.parens(Self::a_expr)?;
        self.constraint_attribute_spec()?;
        Err(self.refused(Location::UNKNOWN, "CREATE ASSERTION is not yet implemented"))
    }
}
