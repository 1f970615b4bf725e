//! INSERT, UPDATE, DELETE, MERGE.
//!
//! Owns: their productions. Must not know: which tables there are. Specification: sql-insert.html, sql-update.html,
//! sql-delete.html, sql-merge.html, gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::expression::*;
use crate::sql::syntax::ast::query::*;
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

impl Parser<'_> {
    /// PreparableStmt: what may stand in WITH, PREPARE, COPY (…), EXPLAIN.
    pub(super) fn preparable_stmt(&mut self) -> Result<Stmt> {
        self.deeper(|p| {
            let with = p.opt_with_clause()?;
            match p.peek() {
                TokenKind::Keyword(K::Insert) => Ok(Stmt::Insert(Box::new(p.insert_stmt(with)?))),
                TokenKind::Keyword(K::Update) => Ok(Stmt::Update(Box::new(p.update_stmt(with)?))),
                TokenKind::Keyword(K::Delete) => Ok(Stmt::Delete(Box::new(p.delete_stmt(with)?))),
                TokenKind::Keyword(K::Merge) => Ok(Stmt::Merge(Box::new(p.merge_stmt(with)?))),
                _ if with.is_some() && p.at(K::With) => Err(p.unexpected()),
                _ => Ok(Stmt::Select(Box::new(p.select_behind_with(with)?))),
            }
        })
    }

    fn insert_stmt(&mut self, with: Option<WithClause>) -> Result<InsertStmt> {
        let location = self.location();
        self.expect_all(&[K::Insert, K::Into])?;
        let mut relation = self.qualified_name()?;
        relation.alias = self.optional(K::As, |p| Ok(Alias { name: p.col_id()?, columns: Vec::new() }))?;
        let mut insert = InsertStmt {
            with,
            relation,
            columns: Vec::new(),
            overriding: None,
            source: None,
            on_conflict: None,
            returning: Vec::new(),
            location,
        };
        if self.eat(K::Default) {
            self.expect(K::Values)?;
        } else {
            if self.at_symbol(b'(') && !self.opens_select() {
                insert.columns = self.parens_list(Self::insert_column_item)?;
            }
            insert.overriding = self.opt_overriding()?;
            insert.source = Some(self.select_stmt()?);
        }
        insert.on_conflict = self.opt_on_conflict()?;
        insert.returning = self.returning_clause()?;
        Ok(insert)
    }

    /// Whether the parentheses that come next hold a query and not columns.
    fn opens_select(&self) -> bool {
        match self.peek_at(1) {
            TokenKind::Keyword(K::Select | K::Table | K::With) => true,
            // Also a column's name.
            TokenKind::Keyword(K::Values) => self.symbol_at(2, b'('),
            // Two parentheses can only be a query's.
            next => next == TokenKind::Symbol(b'('),
        }
    }

    fn insert_column_item(&mut self) -> Result<ResTarget> {
        let location = self.location();
        let name = Some(self.col_id()?);
        let indirection = self.opt_indirection()?;
        Ok(ResTarget { name, indirection, value: None, location })
    }

    fn opt_overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.eat(K::Overriding) {
            return Ok(None);
        }
        let overriding = if self.eat(K::User) {
            Overriding::User
        } else {
            self.expect(K::System)?;
            Overriding::System
        };
        self.expect(K::Value)?;
        Ok(Some(overriding))
    }

    fn opt_on_conflict(&mut self) -> Result<Option<OnConflictClause>> {
        let location = self.location();
        if !self.eat(K::On) {
            return Ok(None);
        }
        self.expect(K::Conflict)?;
        let infer_location = self.location();
        let target = if self.at_symbol(b'(') {
            let elements = self.parens_list(Self::index_elem)?;
            Some(InferTarget::Index { elements, where_clause: self.where_clause()? })
        } else if self.eat(K::On) {
            self.expect(K::Constraint)?;
            Some(InferTarget::Constraint(self.col_id()?))
        } else {
            None
        };
        self.expect(K::Do)?;
        let action = if self.eat(K::Nothing) {
            OnConflictAction::Nothing
        } else {
            self.expect_all(&[K::Update, K::Set])?;
            OnConflictAction::Update { targets: self.set_clause_list()?, where_clause: self.where_clause()? }
        };
        let infer = target.map(|target| InferClause { target, location: infer_location });
        Ok(Some(OnConflictClause { infer, action, location }))
    }

    fn returning_clause(&mut self) -> Result<Vec<ResTarget>> {
        if self.eat(K::Returning) { self.target_list() } else { Ok(Vec::new()) }
    }

    fn update_stmt(&mut self, with: Option<WithClause>) -> Result<UpdateStmt> {
        let location = self.location();
        self.expect(K::Update)?;
        let relation = self.relation_expr_opt_alias()?;
        self.expect(K::Set)?;
        let targets = self.set_clause_list()?;
        let from = self.from_clause()?;
        let where_clause = self.where_or_current_clause()?;
        let returning = self.returning_clause()?;
        Ok(UpdateStmt { with, relation, targets, from, where_clause, returning, location })
    }

    fn delete_stmt(&mut self, with: Option<WithClause>) -> Result<DeleteStmt> {
        let location = self.location();
        self.expect_all(&[K::Delete, K::From])?;
        let relation = self.relation_expr_opt_alias()?;
        let using = if self.eat(K::Using) { self.from_list()? } else { Vec::new() };
        let where_clause = self.where_or_current_clause()?;
        let returning = self.returning_clause()?;
        Ok(DeleteStmt { with, relation, using, where_clause, returning, location })
    }

    fn where_or_current_clause(&mut self) -> Result<Option<Expr>> {
        if self.at_all(&[K::Where, K::Current, K::Of]) {
            self.expect_all(&[K::Where, K::Current, K::Of])?;
            return Ok(Some(Expr::CurrentOf(self.col_id()?)));
        }
        self.where_clause()
    }

    /// set_clause_list: `(a, b) = source` is one target each.
    pub(super) fn set_clause_list(&mut self) -> Result<Vec<ResTarget>> {
        let lists = self.comma_list(Self::set_clause)?;
        Ok(lists.into_iter().flatten().collect())
    }

    fn set_clause(&mut self) -> Result<Vec<ResTarget>> {
        if !self.at_symbol(b'(') {
            let target = self.insert_column_item()?;
            self.expect_symbol(b'=')?;
            let value = Some(self.a_expr()?);
            return Ok(vec![ResTarget { value, ..target }]);
        }
        let targets = self.parens_list(Self::insert_column_item)?;
        self.expect_symbol(b'=')?;
        let source = std::sync::Arc::new(self.a_expr()?);
        let columns = targets.len() as u32;
        let assigned = targets.into_iter().zip(1..).map(|(target, column)| {
            let value = Expr::MultiAssign(Box::new(MultiAssignRef { source: source.clone(), column, columns }));
            ResTarget { value: Some(value), ..target }
        });
        Ok(assigned.collect())
    }

    // ----- MERGE

    fn merge_stmt(&mut self, with: Option<WithClause>) -> Result<MergeStmt> {
        let location = self.location();
        self.expect_all(&[K::Merge, K::Into])?;
        let relation = self.relation_expr_opt_alias()?;
        self.expect(K::Using)?;
        let source = self.table_ref()?;
        self.expect(K::On)?;
        let condition = self.a_expr()?;
        let mut when_clauses = vec![self.merge_when_clause()?];
        while self.at(K::When) {
            when_clauses.push(self.merge_when_clause()?);
        }
        Ok(MergeStmt { with, relation, source, condition, when_clauses, location })
    }

    fn merge_when_clause(&mut self) -> Result<MergeWhenClause> {
        self.expect(K::When)?;
        let matched = !self.eat(K::Not);
        self.expect(K::Matched)?;
        let condition = self.optional(K::And, Self::a_expr)?;
        self.expect(K::Then)?;
        let action = if self.eat(K::Do) {
            self.expect(K::Nothing)?;
            MergeAction::DoNothing
        } else if matched && self.eat(K::Update) {
            self.expect(K::Set)?;
            MergeAction::Update(self.set_clause_list()?)
        } else if matched {
            self.expect(K::Delete)?;
            MergeAction::Delete
        } else {
            self.merge_insert()?
        };
        Ok(MergeWhenClause { matched, condition, action })
    }

    fn merge_insert(&mut self) -> Result<MergeAction> {
        self.expect(K::Insert)?;
        if self.eat(K::Default) {
            self.expect(K::Values)?;
            return Ok(MergeAction::Insert { columns: Vec::new(), overriding: None, values: None });
        }
        let columns = if self.at_symbol(b'(') { self.parens_list(Self::insert_column_item)? } else { Vec::new() };
        let overriding = self.opt_overriding()?;
        self.expect(K::Values)?;
        let values = Some(self.parens_list(Self::a_expr)?);
        Ok(MergeAction::Insert { columns, overriding, values })
    }
}
