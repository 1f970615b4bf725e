//! Parameters: SET, RESET, SHOW, ALTER SYSTEM, and SET CONSTRAINTS.
//!
//! Owns: VariableSetStmt, VariableResetStmt, VariableShowStmt, ConstraintsSetStmt, AlterSystemStmt. Must not know: which
//! parameters there are. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::expression::{AConst, ConstValue, Expr, TypeCast, TypeName};
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::{Stmt, VariableSetKind, VariableSetStmt};
use crate::sql::syntax::grammar::options::string_const;
use crate::sql::syntax::grammar::type_name::{INTERVAL_HOUR, INTERVAL_MINUTE};
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

fn value(name: &str, args: Vec<Expr>) -> VariableSetKind {
    VariableSetKind::Value { name: name.to_owned(), args }
}

fn default(name: &str) -> VariableSetKind {
    VariableSetKind::Default { name: name.to_owned() }
}

/// Whether an interval's range is HOUR or HOUR TO MINUTE (INTERVAL_MASK).
fn is_zone_range(typmods: &[Expr]) -> bool {
    match typmods.first() {
        Some(Expr::Const(AConst { value: ConstValue::Integer(mask), .. })) => {
            mask & !(INTERVAL_HOUR | INTERVAL_MINUTE) == 0
        }
        _ => true,
    }
}

impl Parser<'_> {
    // ----- SET

    pub(super) fn set_statement(&mut self) -> Result<Stmt> {
        self.expect(K::Set)?;
        if self.at(K::Constraints) && !self.at_var_name_alone() {
            return self.constraints_set_stmt();
        }
        let is_local = self.at(K::Local) && !self.at_var_name_alone();
        // AUTHORIZATION and CHARACTERISTICS AS are forms of SESSION's own.
        let is_session = self.at(K::Session)
            && !self.at_var_name_alone()
            && !self.keyword_at(1, K::Authorization)
            && !(self.keyword_at(1, K::Characteristics) && self.keyword_at(2, K::As));
        if is_local || is_session {
            self.advance();
        }
        Ok(Stmt::VariableSet(VariableSetStmt { kind: self.set_rest()?, is_local }))
    }

    /// Whether the next token is a parameter's name, as what follows can only stand behind one.
    fn at_var_name_alone(&self) -> bool {
        matches!(self.peek_at(1), TokenKind::Keyword(K::To | K::From) | TokenKind::Symbol(b'=' | b'.'))
    }

    /// set_rest
    pub(super) fn set_rest(&mut self) -> Result<VariableSetKind> {
        if self.at_var_name_alone() {
            return self.set_rest_more();
        }
        if self.at(K::Transaction) && !self.keyword_at(1, K::Snapshot) {
            self.advance();
            return Ok(VariableSetKind::Modes { session: false, modes: self.transaction_mode_list()? });
        }
        if self.at(K::Session) && !self.keyword_at(1, K::Authorization) {
            self.expect_all(&[K::Session, K::Characteristics, K::As, K::Transaction])?;
            return Ok(VariableSetKind::Modes { session: true, modes: self.transaction_mode_list()? });
        }
        self.set_rest_more()
    }

    /// set_rest_more
    pub(super) fn set_rest_more(&mut self) -> Result<VariableSetKind> {
        if !self.at_var_name_alone()
            && let TokenKind::Keyword(keyword) = self.peek()
            && let Some(kind) = self.special_set(keyword)?
        {
            return Ok(kind);
        }
        let name = self.var_name()?;
        if self.eat(K::From) {
            self.expect(K::Current)?;
            return Ok(VariableSetKind::Current { name });
        }
        self.generic_set_of(name)
    }

    /// generic_set
    fn generic_set(&mut self) -> Result<VariableSetKind> {
        let name = self.var_name()?;
        self.generic_set_of(name)
    }

    fn generic_set_of(&mut self, name: String) -> Result<VariableSetKind> {
        if !self.eat_symbol(b'=') {
            self.expect(K::To)?;
        }
        if self.eat(K::Default) {
            return Ok(VariableSetKind::Default { name });
        }
        Ok(VariableSetKind::Value { name, args: self.comma_list(Self::var_value)? })
    }

    /// The forms that SQL and PostgreSQL have for some parameters.
    fn special_set(&mut self, keyword: K) -> Result<Option<VariableSetKind>> {
        if !matches!(
            keyword,
            K::Time | K::Catalog | K::Schema | K::Names | K::Role | K::Session | K::Xml | K::Transaction
        ) {
            return Ok(None);
        }
        self.advance();
        let location = self.location();
        let kind = match keyword {
            K::Time => {
                self.expect(K::Zone)?;
                match self.zone_value()? {
                    Some(zone) => value("timezone", vec![zone]),
                    None => default("timezone"),
                }
            }
            K::Catalog => {
                self.sconst()?;
                return Err(self.refused(location, "current database cannot be changed"));
            }
            K::Schema => value("search_path", vec![string_const(self.sconst()?, location)]),
            K::Names if self.is_sconst(0) => value("client_encoding", vec![string_const(self.sconst()?, location)]),
            K::Names => {
                self.eat(K::Default);
                default("client_encoding")
            }
            K::Role => value("role", vec![string_const(self.non_reserved_word_or_sconst()?, location)]),
            K::Session => {
                self.expect(K::Authorization)?;
                let location = self.location();
                if self.eat(K::Default) {
                    default("session_authorization")
                } else {
                    let role = self.non_reserved_word_or_sconst()?;
                    value("session_authorization", vec![string_const(role, location)])
                }
            }
            K::Xml => {
                self.expect(K::Option)?;
                let location = self.location();
                let document = self.eat(K::Document);
                if !document {
                    self.expect(K::Content)?;
                }
                let word = if document { "DOCUMENT" } else { "CONTENT" };
                value("xmloption", vec![string_const(word.to_owned(), location)])
            }
            _ => {
                self.expect(K::Snapshot)?;
                VariableSetKind::Snapshot(self.sconst()?)
            }
        };
        Ok(Some(kind))
    }

    /// var_name
    fn var_name(&mut self) -> Result<String> {
        let mut name = self.col_id()?;
        while self.eat_symbol(b'.') {
            name.push('.');
            name.push_str(&self.col_id()?);
        }
        Ok(name)
    }

    /// var_value
    fn var_value(&mut self) -> Result<Expr> {
        if self.at_boolean_or_string() {
            let location = self.location();
            return Ok(string_const(self.opt_boolean_or_string()?, location));
        }
        self.numeric_const()
    }

    /// NumericOnly as a constant.
    fn numeric_const(&mut self) -> Result<Expr> {
        let location = self.location();
        let value = match self.signed_number()? {
            (Some(integer), _) => ConstValue::Integer(integer),
            (None, text) => ConstValue::Float(text),
        };
        Ok(Expr::Const(AConst { value, location }))
    }

    /// zone_value; None for DEFAULT and LOCAL.
    fn zone_value(&mut self) -> Result<Option<Expr>> {
        let location = self.location();
        if self.is_sconst(0) {
            return Ok(Some(string_const(self.sconst()?, location)));
        }
        if self.is_ident() {
            return Ok(Some(string_const(self.ident()?, location)));
        }
        if self.eat(K::Default) || self.eat(K::Local) {
            return Ok(None);
        }
        if self.eat(K::Interval) {
            return self.zone_interval(location).map(Some);
        }
        self.numeric_const().map(Some)
    }

    /// What follows INTERVAL.
    fn zone_interval(&mut self, location: Location) -> Result<Expr> {
        let mut typmods = if self.at_symbol(b'(') { self.interval_precision()? } else { Vec::new() };
        let full = !typmods.is_empty();
        let string_at = self.location();
        let arg = string_const(self.sconst()?, string_at);
        if !full {
            let range_at = self.location();
            typmods = self.opt_interval()?;
            if !is_zone_range(&typmods) {
                return Err(self.syntax_error_at(range_at, "time zone interval must be HOUR or HOUR TO MINUTE"));
            }
        }
        let names = vec!["pg_catalog".to_owned(), "interval".to_owned()];
        let type_name = TypeName { names, typmods, location, ..TypeName::default() };
        Ok(Expr::TypeCast(Box::new(TypeCast { arg, type_name, location: Location::UNKNOWN })))
    }

    // ----- RESET, SHOW

    pub(super) fn reset_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Reset)?;
        Ok(Stmt::VariableSet(VariableSetStmt { kind: self.reset_rest()?, is_local: false }))
    }

    fn reset_rest(&mut self) -> Result<VariableSetKind> {
        if self.eat(K::All) {
            return Ok(VariableSetKind::ResetAll);
        }
        Ok(VariableSetKind::Reset { name: self.shown_name()? })
    }

    /// What RESET and SHOW name: a parameter, or one of three in words.
    fn shown_name(&mut self) -> Result<String> {
        let (words, name): (&[K], _) = match self.peek() {
            TokenKind::Keyword(K::Time) if self.keyword_at(1, K::Zone) => (&[K::Time, K::Zone], "timezone"),
            TokenKind::Keyword(K::Transaction) if self.keyword_at(1, K::Isolation) => {
                (&[K::Transaction, K::Isolation, K::Level], "transaction_isolation")
            }
            TokenKind::Keyword(K::Session) if self.keyword_at(1, K::Authorization) => {
                (&[K::Session, K::Authorization], "session_authorization")
            }
            _ => return self.var_name(),
        };
        self.expect_all(words)?;
        Ok(name.to_owned())
    }

    pub(super) fn show_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Show)?;
        let name = if self.eat(K::All) { "all".to_owned() } else { self.shown_name()? };
        Ok(Stmt::VariableShow { name })
    }

    /// SetResetClause: of a database or a role.
    pub(super) fn set_reset_clause(&mut self) -> Result<VariableSetStmt> {
        let kind = if self.eat(K::Reset) {
            self.reset_rest()?
        } else {
            self.expect(K::Set)?;
            self.set_rest()?
        };
        Ok(VariableSetStmt { kind, is_local: false })
    }

    /// FunctionSetResetClause
    pub(super) fn function_set_reset_clause(&mut self) -> Result<VariableSetStmt> {
        let kind = if self.eat(K::Reset) {
            self.reset_rest()?
        } else {
            self.expect(K::Set)?;
            self.set_rest_more()?
        };
        Ok(VariableSetStmt { kind, is_local: false })
    }

    /// What follows ALTER: SYSTEM …
    pub(super) fn alter_system_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::System)?;
        let kind = if self.eat(K::Reset) {
            if self.eat(K::All) { VariableSetKind::ResetAll } else { VariableSetKind::Reset { name: self.var_name()? } }
        } else {
            self.expect(K::Set)?;
            self.generic_set()?
        };
        Ok(Stmt::AlterSystem(VariableSetStmt { kind, is_local: false }))
    }

    // ----- SET CONSTRAINTS

    fn constraints_set_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Constraints)?;
        let constraints = if self.eat(K::All) { None } else { Some(self.comma_list(Self::qualified_name)?) };
        let deferred = self.eat(K::Deferred);
        if !deferred {
            self.expect(K::Immediate)?;
        }
        Ok(Stmt::ConstraintsSet { constraints, deferred })
    }
}
