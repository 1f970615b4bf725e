//! COPY.
//!
//! Owns: CopyStmt with its old and new options. Must not know: what the options mean. Specification: gram.y.

use crate::error::Result;
use crate::sql::syntax::ast::definition::{DefArg, DefElem};
use crate::sql::syntax::ast::expression::AnyName;
use crate::sql::syntax::ast::location::Location;
use crate::sql::syntax::ast::statement::{CopySource, CopyStmt, Stmt};
use crate::sql::syntax::grammar::options::def_elem;
use crate::sql::syntax::keywords::Keyword as K;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::parser::Parser;

fn names(columns: Vec<String>) -> DefArg {
    DefArg::Names(columns.into_iter().map(|column| -> AnyName { vec![column] }).collect())
}

impl Parser<'_> {
    pub(super) fn copy_stmt(&mut self) -> Result<Stmt> {
        self.expect(K::Copy)?;
        let mut options = Vec::new();
        if self.at_symbol(b'(') {
            return self.copy_query();
        }
        let location = self.location();
        if self.eat(K::Binary) {
            options.push(def_elem("format", Some(DefArg::String("binary".to_owned())), location));
        }
        let source = CopySource::Relation(self.qualified_name()?);
        let columns = self.opt_column_list()?;
        let is_from = self.eat(K::From);
        if !is_from {
            self.expect(K::To)?;
        }
        let (is_program, filename) = self.copy_file()?;
        let location = self.location();
        let using_at = if self.at(K::Using) { location } else { Location::UNKNOWN };
        if self.at(K::Delimiters) || self.at_all(&[K::Using, K::Delimiters]) {
            self.eat(K::Using);
            self.expect(K::Delimiters)?;
            options.push(def_elem("delimiter", Some(DefArg::String(self.sconst()?)), location));
        }
        options.extend(self.copy_options()?);
        let where_at = self.location();
        let where_clause = self.where_clause()?;
        // gram.y points at USING DELIMITERS, or nowhere.
        self.check_copy_program(is_program, &filename, using_at)?;
        if !is_from && where_clause.is_some() {
            return Err(self.syntax_error_at(where_at, "WHERE clause not allowed with COPY TO"));
        }
        Ok(Stmt::Copy(Box::new(CopyStmt { source, columns, is_from, is_program, filename, options, where_clause })))
    }

    /// COPY (query) TO …
    fn copy_query(&mut self) -> Result<Stmt> {
        let (query, location) = self.parens(|p| {
            let location = p.location();
            Ok((p.preparable_stmt()?, location))
        })?;
        let to_at = self.location();
        self.expect(K::To)?;
        let (is_program, filename) = self.copy_file()?;
        let options = self.copy_options()?;
        self.check_copy_program(is_program, &filename, to_at)?;
        let source = CopySource::Query(Box::new(query), location);
        let (columns, is_from, where_clause) = (Vec::new(), false, None);
        Ok(Stmt::Copy(Box::new(CopyStmt { source, columns, is_from, is_program, filename, options, where_clause })))
    }

    /// opt_program copy_file_name: whether PROGRAM, and the file unless it is STDIN or STDOUT.
    fn copy_file(&mut self) -> Result<(bool, Option<String>)> {
        let is_program = self.eat(K::Program);
        if self.eat(K::Stdin) || self.eat(K::Stdout) {
            return Ok((is_program, None));
        }
        Ok((is_program, Some(self.sconst()?)))
    }

    fn check_copy_program(&self, is_program: bool, filename: &Option<String>, location: Location) -> Result<()> {
        if is_program && filename.is_none() {
            return Err(self.syntax_error_at(location, "STDIN/STDOUT not allowed with PROGRAM"));
        }
        Ok(())
    }

    /// [WITH] copy_options
    fn copy_options(&mut self) -> Result<Vec<DefElem>> {
        self.eat(K::With);
        if self.at_symbol(b'(') {
            return self.parens_list(Self::copy_generic_opt_elem);
        }
        let mut options = Vec::new();
        while let Some(option) = self.copy_opt_item()? {
            options.push(option);
        }
        Ok(options)
    }

    /// copy_opt_item, if one comes next.
    fn copy_opt_item(&mut self) -> Result<Option<DefElem>> {
        let location = self.location();
        let TokenKind::Keyword(keyword) = self.peek() else { return Ok(None) };
        let known = [
            K::Binary,
            K::Freeze,
            K::Delimiter,
            K::Null,
            K::Csv,
            K::Header,
            K::Quote,
            K::Escape,
            K::Force,
            K::Encoding,
        ];
        if !known.contains(&keyword) {
            return Ok(None);
        }
        self.advance();
        let (name, arg) = match keyword {
            K::Binary | K::Csv => ("format", DefArg::String(keyword.word().to_owned())),
            K::Freeze | K::Header => (keyword.word(), DefArg::Boolean(true)),
            K::Encoding => ("encoding", DefArg::String(self.sconst()?)),
            K::Force => self.copy_force()?,
            _ => {
                self.eat(K::As);
                (keyword.word(), DefArg::String(self.sconst()?))
            }
        };
        Ok(Some(def_elem(name, Some(arg), location)))
    }

    /// What follows FORCE.
    fn copy_force(&mut self) -> Result<(&'static str, DefArg)> {
        if self.eat(K::Quote) {
            let columns = if self.eat_symbol(b'*') { DefArg::Star } else { names(self.comma_list(Self::col_id)?) };
            return Ok(("force_quote", columns));
        }
        let not = self.eat(K::Not);
        self.expect(K::Null)?;
        let columns = names(self.comma_list(Self::col_id)?);
        Ok((if not { "force_not_null" } else { "force_null" }, columns))
    }

    fn copy_generic_opt_elem(&mut self) -> Result<DefElem> {
        let location = self.location();
        let name = self.col_label()?;
        let arg = if self.at_boolean_or_string() {
            Some(DefArg::String(self.opt_boolean_or_string()?))
        } else if self.eat_symbol(b'*') {
            Some(DefArg::Star)
        } else if self.at_symbol(b'(') {
            Some(names(self.parens_list(Self::opt_boolean_or_string)?))
        } else if self.at_symbol(b',') || self.at_symbol(b')') {
            None
        } else {
            Some(self.numeric_only()?)
        };
        Ok(def_elem(name, arg, location))
    }
}
