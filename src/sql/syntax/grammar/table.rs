//! CREATE TABLE, CREATE FOREIGN TABLE, CREATE TABLE AS, CREATE TABLE AS EXECUTE, partitions.
//!
//! Owns: CreateStmt, CreateForeignTableStmt, CreateAsStmt, OptTemp, PartitionSpec, PartitionBoundSpec. Must not know:
//! columns' and constraints' insides (`column`). Specification: gram.y.

use crate::error::{Result, SqlState};
use crate::sql::syntax::ast::definition::{
    CreateStmt, CreateTableAsStmt, DefElem, ForeignTable, IndexKey, OnCommitAction, PartitionBound, PartitionBoundSpec,
    PartitionElem, PartitionSpec, TableElement, TableLikeClause, TableLikeOption,
};
use crate::sql::syntax::ast::expression::TypeName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::query::{IntoClause, Persistence, RangeVar};
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// A table of a name alone, that the clauses of CREATE TABLE complete.
fn create_stmt(relation: RangeVar, if_not_exists: bool) -> CreateStmt {
    CreateStmt {
        relation,
        elements: Vec::new(),
        inherits: Vec::new(),
        partition_bound: None,
        partition_spec: None,
        of_type: None,
        access_method: None,
        options: Vec::new(),
        on_commit: OnCommitAction::Noop,
        tablespace: None,
        if_not_exists,
        foreign: None,
    }
}

impl Parser<'_> {
    // ----- CREATE TABLE

    /// OptTemp
    pub(super) fn opt_temp(&mut self) -> Result<Persistence> {
        if self.eat(K::Local) || self.eat(K::Global) {
            if !self.eat(K::Temp) {
                self.expect(K::Temporary)?;
            }
            return Ok(Persistence::Temporary);
        }
        if self.eat(K::Temp) || self.eat(K::Temporary) {
            return Ok(Persistence::Temporary);
        }
        Ok(if self.eat(K::Unlogged) { Persistence::Unlogged } else { Persistence::Permanent })
    }

    /// OptTempTableName: the table of SELECT INTO.
    pub(super) fn opt_temp_table_name(&mut self) -> Result<RangeVar> {
        // The words are names as well, where nothing follows that could be the table's.
        let named = |n: usize, p: &Self| p.is_col_id(n) || p.keyword_at(n, K::Table);
        let at_temp = match self.peek() {
            TokenKind::Keyword(K::Local | K::Global) => self.keyword_at(1, K::Temp) || self.keyword_at(1, K::Temporary),
            TokenKind::Keyword(K::Temp | K::Temporary | K::Unlogged) => named(1, self),
            _ => false,
        };
        let persistence = if at_temp { self.opt_temp()? } else { Persistence::Permanent };
        self.eat(K::Table);
        Ok(RangeVar { persistence, ..self.qualified_name()? })
    }

    /// What follows CREATE OptTemp TABLE: CreateStmt, CreateAsStmt and ExecuteStmt's form of it.
    pub(super) fn create_table(&mut self, persistence: Persistence) -> Result<Stmt> {
        self.create_table_or_as(persistence, true)
    }

    /// What follows CREATE OptTemp TABLE in CREATE SCHEMA: CreateStmt alone.
    pub(super) fn create_table_element(&mut self, persistence: Persistence) -> Result<Stmt> {
        self.create_table_or_as(persistence, false)
    }

    /// What follows EXPLAIN CREATE OptTemp TABLE: CreateAsStmt alone.
    pub(super) fn explained_table_as(&mut self, persistence: Persistence) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let relation = RangeVar { persistence, ..self.qualified_name()? };
        self.create_table_as(relation, if_not_exists)
    }

    fn create_table_or_as(&mut self, persistence: Persistence, can_be_as: bool) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let relation = RangeVar { persistence, ..self.qualified_name()? };
        if can_be_as && self.at_columns_of_table_as() {
            return self.create_table_as(relation, if_not_exists);
        }
        let mut stmt = create_stmt(relation, if_not_exists);
        match self.peek() {
            TokenKind::Symbol(b'(') => {
                stmt.elements = self.opt_table_element_list()?;
                stmt.inherits = self.opt_inherit()?;
            }
            TokenKind::Keyword(K::Of) => {
                self.advance();
                stmt.of_type = Some(self.type_of_table()?);
                stmt.elements = self.opt_typed_table_element_list()?;
            }
            TokenKind::Keyword(K::Partition) => self.partition_of(&mut stmt)?,
            _ if can_be_as => return self.create_table_as(stmt.relation, if_not_exists),
            _ => return Err(self.unexpected()),
        }
        if self.at(K::Partition) {
            stmt.partition_spec = Some(self.partition_spec()?);
        }
        stmt.access_method = self.optional(K::Using, Self::col_id)?;
        stmt.options = self.opt_with_of_table()?;
        stmt.on_commit = self.on_commit_option()?;
        stmt.tablespace = self.opt_table_space()?;
        Ok(Stmt::Create(Box::new(stmt)))
    }

    /// What follows CREATE FOREIGN TABLE.
    pub(super) fn create_foreign_table(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let mut stmt = create_stmt(self.qualified_name()?, if_not_exists);
        if self.at(K::Partition) {
            self.partition_of(&mut stmt)?;
        } else {
            stmt.elements = self.opt_table_element_list()?;
            stmt.inherits = self.opt_inherit()?;
        }
        self.expect(K::Server)?;
        let server = self.col_id()?;
        stmt.foreign = Some(ForeignTable { server, options: self.create_generic_options()? });
        Ok(Stmt::Create(Box::new(stmt)))
    }

    /// ( OptTableElementList )
    fn opt_table_element_list(&mut self) -> Result<Vec<TableElement>> {
        self.parens(|p| {
            if p.at_symbol(b')') {
                return Ok(Vec::new());
            }
            p.comma_list(|p| {
                if p.at(K::Like) {
                    p.table_like_clause().map(TableElement::Like)
                } else if p.at_table_constraint() {
                    p.table_constraint().map(TableElement::Constraint)
                } else {
                    p.column_def().map(TableElement::Column)
                }
            })
        })
    }

    /// OptTypedTableElementList
    fn opt_typed_table_element_list(&mut self) -> Result<Vec<TableElement>> {
        if !self.at_symbol(b'(') {
            return Ok(Vec::new());
        }
        self.parens_list(|p| {
            if p.at_table_constraint() {
                p.table_constraint().map(TableElement::Constraint)
            } else {
                p.column_options().map(TableElement::Column)
            }
        })
    }

    fn opt_inherit(&mut self) -> Result<Vec<RangeVar>> {
        if self.eat(K::Inherits) { self.parens_list(Self::qualified_name) } else { Ok(Vec::new()) }
    }

    /// The type that OF names: any_name as a type's name.
    pub(super) fn type_of_table(&mut self) -> Result<TypeName> {
        let location = self.location();
        let names = self.any_name()?;
        Ok(TypeName { names, location, ..TypeName::default() })
    }

    /// OptWith: WITHOUT OIDS says nothing.
    fn opt_with_of_table(&mut self) -> Result<Vec<DefElem>> {
        if self.eat(K::Without) {
            self.expect(K::Oids)?;
            return Ok(Vec::new());
        }
        self.opt_reloptions()
    }

    fn on_commit_option(&mut self) -> Result<OnCommitAction> {
        if !self.eat(K::On) {
            return Ok(OnCommitAction::Noop);
        }
        self.expect(K::Commit)?;
        if self.eat(K::Drop) {
            return Ok(OnCommitAction::Drop);
        }
        let action = if self.eat(K::Delete) {
            OnCommitAction::DeleteRows
        } else {
            self.expect(K::Preserve)?;
            OnCommitAction::PreserveRows
        };
        self.expect(K::Rows)?;
        Ok(action)
    }

    /// OptTableSpace
    pub(super) fn opt_table_space(&mut self) -> Result<Option<String>> {
        self.optional(K::Tablespace, Self::col_id)
    }

    // ----- LIKE

    fn table_like_clause(&mut self) -> Result<TableLikeClause> {
        self.expect(K::Like)?;
        let relation = self.qualified_name()?;
        let mut options = Vec::new();
        loop {
            let including = self.eat(K::Including);
            if !including && !self.eat(K::Excluding) {
                return Ok(TableLikeClause { relation, options });
            }
            options.push((including, self.table_like_option()?));
        }
    }

    fn table_like_option(&mut self) -> Result<TableLikeOption> {
        let option = match self.peek() {
            TokenKind::Keyword(K::Comments) => TableLikeOption::Comments,
            TokenKind::Keyword(K::Compression) => TableLikeOption::Compression,
            TokenKind::Keyword(K::Constraints) => TableLikeOption::Constraints,
            TokenKind::Keyword(K::Defaults) => TableLikeOption::Defaults,
            TokenKind::Keyword(K::Identity) => TableLikeOption::Identity,
            TokenKind::Keyword(K::Generated) => TableLikeOption::Generated,
            TokenKind::Keyword(K::Indexes) => TableLikeOption::Indexes,
            TokenKind::Keyword(K::Statistics) => TableLikeOption::Statistics,
            TokenKind::Keyword(K::Storage) => TableLikeOption::Storage,
            TokenKind::Keyword(K::All) => TableLikeOption::All,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(option)
    }

    // ----- CREATE TABLE AS

    /// Whether what follows the table's name is a list of columns alone, which only AS can follow.
    fn at_columns_of_table_as(&self) -> bool {
        self.at_symbol(b'(') && self.is_col_id(1) && (self.symbol_at(2, b',') || self.symbol_at(2, b')'))
    }

    /// What follows the table's name.
    fn create_table_as(&mut self, relation: RangeVar, if_not_exists: bool) -> Result<Stmt> {
        let mut into = IntoClause {
            relation,
            columns: self.opt_column_list()?,
            access_method: self.optional(K::Using, Self::col_id)?,
            options: self.opt_with_of_table()?,
            on_commit: self.on_commit_option()?,
            tablespace: self.opt_table_space()?,
            skip_data: false,
        };
        self.expect(K::As)?;
        let query =
            if self.at(K::Execute) { self.execute_stmt()? } else { Stmt::Select(Box::new(self.select_stmt()?)) };
        into.skip_data = !self.opt_with_data()?;
        let query = Box::new(query);
        let stmt = CreateTableAsStmt { query, into, object_type: ObjectType::Table, if_not_exists };
        Ok(Stmt::CreateTableAs(Box::new(stmt)))
    }

    /// opt_with_data: false for WITH NO DATA.
    pub(super) fn opt_with_data(&mut self) -> Result<bool> {
        if !self.eat(K::With) {
            return Ok(true);
        }
        let no = self.eat(K::No);
        self.expect(K::Data)?;
        Ok(!no)
    }

    // ----- partitions

    /// PARTITION OF parent [(…)] bound
    fn partition_of(&mut self, stmt: &mut CreateStmt) -> Result<()> {
        self.expect_all(&[K::Partition, K::Of])?;
        stmt.inherits = vec![self.qualified_name()?];
        stmt.elements = self.opt_typed_table_element_list()?;
        stmt.partition_bound = Some(self.partition_bound_spec()?);
        Ok(())
    }

    /// PartitionSpec
    fn partition_spec(&mut self) -> Result<PartitionSpec> {
        let location = self.location();
        self.expect_all(&[K::Partition, K::By])?;
        let strategy = self.col_id()?;
        let params = self.parens_list(|p| {
            let location = p.location();
            let key = p.index_key()?;
            let collation = p.optional(K::Collate, Self::any_name)?;
            let opclass = if p.is_col_id(0) { Some(p.any_name()?) } else { None };
            Ok(PartitionElem { key, collation, opclass, location })
        })?;
        Ok(PartitionSpec { strategy, params, location })
    }

    /// What indexes, partition keys and statistics are made of: a column, a function call, or (expr).
    pub(super) fn index_key(&mut self) -> Result<IndexKey> {
        if self.at_symbol(b'(') {
            return Ok(IndexKey::Expr(self.parens(Self::a_expr)?));
        }
        if self.is_col_id(0) && !self.symbol_at(1, b'(') && !self.symbol_at(1, b'.') {
            return Ok(IndexKey::Column(self.col_id()?));
        }
        Ok(IndexKey::Expr(self.func_expr_windowless()?))
    }

    /// PartitionBoundSpec
    pub(super) fn partition_bound_spec(&mut self) -> Result<PartitionBoundSpec> {
        let location = self.location();
        if self.eat(K::Default) {
            return Ok(PartitionBoundSpec { bound: PartitionBound::Default, location });
        }
        self.expect_all(&[K::For, K::Values])?;
        let location = self.location();
        let bound = if self.eat(K::With) {
            let elements = self.parens_list(|p| {
                let location = p.location();
                let name = p.non_reserved_word()?;
                Ok((name, p.iconst()?, location))
            })?;
            self.hash_bound(elements)?
        } else if self.eat(K::In) {
            PartitionBound::List(self.parens(Self::expr_list)?)
        } else {
            self.expect(K::From)?;
            let lower = self.parens(Self::expr_list)?;
            self.expect(K::To)?;
            PartitionBound::Range { lower, upper: self.parens(Self::expr_list)? }
        };
        Ok(PartitionBoundSpec { bound, location })
    }

    /// MODULUS and REMAINDER, each once.
    fn hash_bound(&self, elements: Vec<(String, i32, Location)>) -> Result<PartitionBound> {
        let (mut modulus, mut remainder) = (None, None);
        for (name, number, location) in elements {
            let slot = match name.as_str() {
                "modulus" => &mut modulus,
                "remainder" => &mut remainder,
                _ => {
                    let message = format!("unrecognized hash partition bound specification \"{name}\"");
                    return Err(self.syntax_error_at(location, message));
                }
            };
            if slot.replace(number).is_some() {
                let message = format!("{name} for hash partition provided more than once");
                return Err(self.error_at(location, SqlState::DUPLICATE_OBJECT, message));
            }
        }
        let missing = |name: &str| {
            self.syntax_error_at(Location::UNKNOWN, format!("{name} for hash partition must be specified"))
        };
        let modulus = modulus.ok_or_else(|| missing("modulus"))?;
        let remainder = remainder.ok_or_else(|| missing("remainder"))?;
        Ok(PartitionBound::Hash { modulus, remainder })
    }
}
