//! Definitions of aggregates, operators, operator classes and families, text search, collations.
//!
//! Owns: DefineStmt, CreateOpClassStmt, CreateOpFamilyStmt, AlterOpFamilyStmt, AlterTSConfigurationStmt,
//! AlterTSDictionaryStmt. Must not know: which attributes they have. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::AnyName;
use crate::sql::syntax::ast::routine::{
    AggregateArgs, AlterOpFamilyStmt, AlterTSConfigurationStmt, AlterTSDictionaryStmt, CreateOpClassStmt,
    CreateOpFamilyStmt, DefineStmt, ObjectWithArgs, OpClassItem, TSConfigChange,
};
use crate::sql::syntax::ast::statement::{ObjectType, Stmt};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

fn define(kind: ObjectType, name: AnyName, definition: Vec<DefElem>) -> DefineStmt {
    DefineStmt { kind, oldstyle: false, name, args: None, definition, if_not_exists: false, replace: false }
}

impl Parser<'_> {
    /// What follows CREATE [OR REPLACE]: AGGREGATE …
    pub(super) fn create_aggregate(&mut self, replace: bool) -> Result<Stmt> {
        self.expect(K::Aggregate)?;
        let name = self.func_name()?;
        let is_word = matches!(self.peek_at(1), TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::UnicodeIdent);
        let mut stmt = define(ObjectType::Aggregate, name, Vec::new());
        stmt.replace = replace;
        if self.at_symbol(b'(') && is_word && self.symbol_at(2, b'=') {
            stmt.oldstyle = true;
            stmt.definition = self.parens_list(|p| {
                let location = p.location();
                let name = p.ident()?;
                p.expect_symbol(b'=')?;
                Ok(def_elem(name, Some(p.def_arg()?), location))
            })?;
        } else {
            let args: AggregateArgs = self.aggr_args()?;
            stmt.args = Some(args);
            stmt.definition = self.definition()?;
        }
        Ok(Stmt::Define(Box::new(stmt)))
    }

    /// What follows CREATE OPERATOR: an operator, a class, a family.
    pub(super) fn create_operator(&mut self) -> Result<Stmt> {
        match self.eat_operator_class() {
            Some(ObjectType::OpClass) => self.create_op_class_stmt(),
            Some(_) => {
                let name = self.any_name()?;
                self.expect(K::Using)?;
                Ok(Stmt::CreateOpFamily(CreateOpFamilyStmt { name, access_method: self.col_id()? }))
            }
            None => {
                let name = self.any_operator()?;
                let definition = self.definition()?;
                Ok(Stmt::Define(Box::new(define(ObjectType::Operator, name, definition))))
            }
        }
    }

    /// What follows CREATE TEXT.
    pub(super) fn create_text_search(&mut self) -> Result<Stmt> {
        let kind = self.text_search_kind_after_text()?;
        let name = self.any_name()?;
        let definition = self.definition()?;
        Ok(Stmt::Define(Box::new(define(kind, name, definition))))
    }

    /// What follows CREATE COLLATION.
    pub(super) fn create_collation(&mut self) -> Result<Stmt> {
        let if_not_exists = self.opt_if_not_exists()?;
        let name = self.any_name()?;
        let definition = if self.eat(K::From) {
            let location = self.location();
            vec![def_elem("from", Some(DefArg::Name(self.any_name()?)), location)]
        } else {
            self.definition()?
        };
        let stmt = DefineStmt { if_not_exists, ..define(ObjectType::Collation, name, definition) };
        Ok(Stmt::Define(Box::new(stmt)))
    }

    // ----- operator classes

    fn create_op_class_stmt(&mut self) -> Result<Stmt> {
        let name = self.any_name()?;
        let is_default = self.eat(K::Default);
        self.expect_all(&[K::For, K::Type])?;
        let data_type = self.type_name()?;
        self.expect(K::Using)?;
        let access_method = self.col_id()?;
        let family = self.optional(K::Family, Self::any_name)?;
        self.expect(K::As)?;
        let items = self.comma_list(Self::opclass_item)?;
        Ok(Stmt::CreateOpClass(CreateOpClassStmt { name, family, access_method, data_type, items, is_default }))
    }

    fn opclass_item(&mut self) -> Result<OpClassItem> {
        if self.eat(K::Storage) {
            return Ok(OpClassItem::Storage(self.type_name()?));
        }
        if self.eat(K::Function) {
            let number = self.iconst()?;
            let class_args = if self.at_symbol(b'(') { self.type_list()? } else { Vec::new() };
            return Ok(OpClassItem::Function { number, function: self.function_with_argtypes()?, class_args });
        }
        self.expect(K::Operator)?;
        let number = self.iconst()?;
        let name = self.any_operator()?;
        let args_unspecified = !self.at_symbol(b'(');
        let args = if args_unspecified { Vec::new() } else { self.oper_argtypes()? };
        let operator = ObjectWithArgs { name, args, parameters: Vec::new(), ordered_from: None, args_unspecified };
        let mut order_family = None;
        if self.eat(K::For) && !self.eat(K::Search) {
            self.expect_all(&[K::Order, K::By])?;
            order_family = Some(self.any_name()?);
        }
        let recheck = self.eat(K::Recheck);
        Ok(OpClassItem::Operator { number, operator, order_family, recheck })
    }

    /// ADD or DROP of an operator family.
    pub(super) fn alter_op_family_stmt(&mut self, name: AnyName, access_method: String) -> Result<Stmt> {
        let is_drop = self.eat(K::Drop);
        let items = if is_drop {
            self.comma_list(|p| {
                let function = p.eat(K::Function);
                if !function {
                    p.expect(K::Operator)?;
                }
                let number = p.iconst()?;
                let args = p.type_list()?;
                Ok(match function {
                    true => OpClassItem::DropFunction { number, args },
                    false => OpClassItem::DropOperator { number, args },
                })
            })?
        } else {
            self.expect(K::Add)?;
            self.comma_list(Self::opclass_item)?
        };
        Ok(Stmt::AlterOpFamily(AlterOpFamilyStmt { name, access_method, is_drop, items }))
    }

    // ----- text search

    /// What ALTER TEXT SEARCH DICTIONARY name says of its own.
    pub(super) fn alter_ts_dictionary_stmt(&mut self, name: AnyName) -> Result<Stmt> {
        Ok(Stmt::AlterTSDictionary(AlterTSDictionaryStmt { name, options: self.definition()? }))
    }

    /// What ALTER TEXT SEARCH CONFIGURATION name says of its own.
    pub(super) fn alter_ts_configuration_stmt(&mut self, name: AnyName) -> Result<Stmt> {
        let change = if self.eat(K::Drop) {
            self.expect(K::Mapping)?;
            let missing_ok = self.eat(K::If);
            if missing_ok {
                self.expect(K::Exists)?;
            }
            self.expect(K::For)?;
            TSConfigChange::DropMapping { tokens: self.name_list()?, missing_ok }
        } else if self.eat(K::Add) {
            self.expect_all(&[K::Mapping, K::For])?;
            let tokens = self.name_list()?;
            self.expect(K::With)?;
            TSConfigChange::AddMapping { tokens, dictionaries: self.comma_list(Self::any_name)? }
        } else {
            self.expect_all(&[K::Alter, K::Mapping])?;
            self.alter_mapping()?
        };
        Ok(Stmt::AlterTSConfiguration(AlterTSConfigurationStmt { name, change }))
    }

    /// What follows ALTER MAPPING.
    fn alter_mapping(&mut self) -> Result<TSConfigChange> {
        let named = !self.at(K::Replace);
        let mut tokens = Vec::new();
        if named {
            self.expect(K::For)?;
            tokens = self.name_list()?;
        }
        if self.eat(K::Replace) {
            let old = self.any_name()?;
            self.expect(K::With)?;
            return Ok(TSConfigChange::ReplaceDictionary { tokens, old, new: self.any_name()? });
        }
        self.expect(K::With)?;
        Ok(TSConfigChange::AlterMappingFor { tokens, dictionaries: self.comma_list(Self::any_name)? })
    }
}
