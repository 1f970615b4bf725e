//! CREATE and ALTER FUNCTION, PROCEDURE, ROUTINE.
//!
//! Owns: CreateFunctionStmt with its options and its body in SQL, the options of AlterFunctionStmt. Must not know: how
//! functions are called (`function`) and named (`object`). Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::TypeName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::routine::{CreateFunctionStmt, FunctionParameter, FunctionParameterMode, RoutineBody};
use crate::sql::syntax::ast::statement::Stmt;
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

/// How many levels a statement of a body counts: a body within a body is deep on the stack.
const BODY_LEVELS: u32 = 10;

impl Parser<'_> {
    /// What follows CREATE [OR REPLACE]: FUNCTION or PROCEDURE …
    pub(super) fn create_function_stmt(&mut self, replace: bool) -> Result<Stmt> {
        let is_procedure = self.eat(K::Procedure);
        if !is_procedure {
            self.expect(K::Function)?;
        }
        let name = self.func_name()?;
        let mut parameters = self.func_args_with_defaults()?;
        let mut return_type = None;
        if !is_procedure && self.at(K::Returns) && !self.keyword_at(1, K::Null) {
            self.advance();
            let location = self.location();
            if self.eat(K::Table) {
                let columns = self.parens_list(Self::table_func_column)?;
                self.check_table_function(&parameters)?;
                return_type = Some(table_func_type_name(&columns, location));
                parameters.extend(columns);
            } else {
                return_type = Some(self.func_type()?);
            }
        }
        let mut options = Vec::new();
        while let Some(option) = self.createfunc_opt_item()? {
            options.push(option);
        }
        let body = self.opt_routine_body()?;
        Ok(Stmt::CreateFunction(Box::new(CreateFunctionStmt {
            is_procedure,
            replace,
            name,
            parameters,
            return_type,
            options,
            body,
        })))
    }

    fn func_args_with_defaults(&mut self) -> Result<Vec<FunctionParameter>> {
        self.parens(|p| {
            if p.at_symbol(b')') {
                return Ok(Vec::new());
            }
            p.comma_list(|p| {
                let arg = p.func_arg()?;
                let has_default = p.eat(K::Default) || p.eat_symbol(b'=');
                let default = if has_default { Some(p.a_expr()?) } else { None };
                Ok(FunctionParameter { default, ..arg })
            })
        })
    }

    fn table_func_column(&mut self) -> Result<FunctionParameter> {
        let location = self.location();
        let name = Some(self.type_function_name()?);
        let type_name = self.func_type()?;
        Ok(FunctionParameter { name, type_name, mode: FunctionParameterMode::Table, default: None, location })
    }

    /// mergeTableFuncParameters
    fn check_table_function(&self, parameters: &[FunctionParameter]) -> Result<()> {
        let is_output =
            |p: &FunctionParameter| matches!(p.mode, FunctionParameterMode::Out | FunctionParameterMode::InOut);
        if parameters.iter().any(is_output) {
            let message = "OUT and INOUT arguments aren't allowed in TABLE functions";
            return Err(self.syntax_error_at(Location::UNKNOWN, message));
        }
        Ok(())
    }

    // ----- options

    /// createfunc_opt_item, if one comes next.
    fn createfunc_opt_item(&mut self) -> Result<Option<DefElem>> {
        let location = self.location();
        let (name, arg) = if self.eat(K::As) {
            let mut strings = vec![self.sconst()?];
            if self.eat_symbol(b',') {
                strings.push(self.sconst()?);
            }
            ("as", DefArg::Strings(strings))
        } else if self.eat(K::Language) {
            ("language", DefArg::String(self.non_reserved_word_or_sconst()?))
        } else if self.eat(K::Transform) {
            let types = self.comma_list(|p| {
                p.expect_all(&[K::For, K::Type])?;
                p.type_name()
            })?;
            ("transform", DefArg::Types(types))
        } else if self.eat(K::Window) {
            ("window", DefArg::Boolean(true))
        } else {
            return self.common_func_opt_item();
        };
        Ok(Some(def_elem(name, Some(arg), location)))
    }

    /// alterfunc_opt_list
    pub(super) fn alterfunc_opt_list(&mut self) -> Result<Vec<DefElem>> {
        let mut actions = Vec::new();
        while let Some(action) = self.common_func_opt_item()? {
            actions.push(action);
        }
        if actions.is_empty() { Err(self.unexpected()) } else { Ok(actions) }
    }

    /// common_func_opt_item, if one comes next.
    fn common_func_opt_item(&mut self) -> Result<Option<DefElem>> {
        let location = self.location();
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok(None) };
        if matches!(keyword, K::Set | K::Reset) {
            let set = DefArg::Set(Box::new(self.function_set_reset_clause()?));
            return Ok(Some(def_elem("set", Some(set), location)));
        }
        let known = [
            K::Called,
            K::Returns,
            K::Strict,
            K::Immutable,
            K::Stable,
            K::Volatile,
            K::External,
            K::Security,
            K::Leakproof,
            K::Not,
            K::Cost,
            K::Rows,
            K::Support,
            K::Parallel,
        ];
        if !known.contains(&keyword) {
            return Ok(None);
        }
        self.advance();
        let (name, arg) = match keyword {
            K::Called => {
                self.expect_all(&[K::On, K::Null, K::Input])?;
                ("strict", DefArg::Boolean(false))
            }
            K::Returns => {
                self.expect_all(&[K::Null, K::On, K::Null, K::Input])?;
                ("strict", DefArg::Boolean(true))
            }
            K::Strict => ("strict", DefArg::Boolean(true)),
            K::Immutable | K::Stable | K::Volatile => ("volatility", DefArg::String(keyword.word().to_owned())),
            K::External => {
                self.expect(K::Security)?;
                ("security", DefArg::Boolean(self.definer_or_invoker()?))
            }
            K::Security => ("security", DefArg::Boolean(self.definer_or_invoker()?)),
            K::Leakproof => ("leakproof", DefArg::Boolean(true)),
            K::Not => {
                self.expect(K::Leakproof)?;
                ("leakproof", DefArg::Boolean(false))
            }
            K::Cost | K::Rows => (keyword.word(), self.numeric_only()?),
            K::Support => ("support", DefArg::Name(self.any_name()?)),
            _ => ("parallel", DefArg::String(self.col_id()?)),
        };
        Ok(Some(def_elem(name, Some(arg), location)))
    }

    /// Whether DEFINER.
    fn definer_or_invoker(&mut self) -> Result<bool> {
        if self.eat(K::Definer) {
            return Ok(true);
        }
        self.expect(K::Invoker)?;
        Ok(false)
    }

    // ----- the body

    fn opt_routine_body(&mut self) -> Result<Option<RoutineBody>> {
        if self.at(K::Return) {
            self.advance();
            return Ok(Some(RoutineBody::Return(Box::new(self.a_expr()?))));
        }
        if !self.eat(K::Begin) {
            return Ok(None);
        }
        self.expect(K::Atomic)?;
        let mut statements = Vec::new();
        while !self.eat(K::End) {
            if !self.at_symbol(b';') {
                self.descend(BODY_LEVELS)?;
                statements.push(self.routine_body_stmt()?);
                self.ascend(BODY_LEVELS);
            }
            self.expect_symbol(b';')?;
        }
        Ok(Some(RoutineBody::Atomic(statements)))
    }

    fn routine_body_stmt(&mut self) -> Result<Stmt> {
        if self.eat(K::Return) {
            return Ok(Stmt::Return(Box::new(self.a_expr()?)));
        }
        // BEGIN is no statement here.
        if self.at(K::Begin) { Err(self.unexpected()) } else { self.stmt() }
    }
}

/// TableFuncTypeName
fn table_func_type_name(columns: &[FunctionParameter], location: Location) -> TypeName {
    let record = || TypeName { names: vec!["pg_catalog".to_owned(), "record".to_owned()], ..TypeName::default() };
    let result = match columns {
        [only] => only.type_name.clone(),
        _ => record(),
    };
    TypeName { setof: true, location, ..result }
}
