//! Blocks and declarations: pl_gram.y from pl_function to decl_defval, and exception_sect.
//!
//! Must not know: statements other than blocks.

use std::sync::Arc;

use crate::error::{Error, Result, Severity, SqlState};
use crate::limits::session;
use crate::plpgsql::condition::{self, Condition};
use crate::plpgsql::function::{Cursor, VariableConflict};
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::{Lookup, Tok, TokKind};
use crate::plpgsql::scope::LabelKind;
use crate::plpgsql::tree::Kind;
use crate::plpgsql::tree::{Block, Exceptions, Handler, Label, Statement};
use crate::plpgsql::value::DataType;
use crate::sql::syntax::lexer::TokenKind;
use crate::sql::syntax::token_value::TokenValue;

impl Parser<'_> {
    /// pl_function: options, a block, and nothing more.
    pub(in crate::plpgsql) fn pl_function(&mut self) -> Result<Statement> {
        while self.peek()?.kind == TokKind::Symbol(b'#') {
            self.comp_option()?;
        }
        let label = self.opt_label_mark()?;
        let block = self.pl_block(label)?;
        self.eat_symbol(b';');
        match self.peek()?.kind {
            TokKind::End => Ok(block),
            _ => Err(self.unexpected()),
        }
    }

    fn comp_option(&mut self) -> Result<()> {
        self.take()?;
        let option = self.take()?;
        match option.kind {
            TokKind::Word(Word::VariableConflict) => {
                let value = self.take()?;
                self.variable_conflict = match value.kind {
                    TokKind::Word(Word::Error) => VariableConflict::Error,
                    TokKind::Word(Word::UseVariable) => VariableConflict::UseVariable,
                    TokKind::Word(Word::UseColumn) => VariableConflict::UseColumn,
                    _ => return Err(self.syntax_error(&value)),
                };
            }
            TokKind::Word(Word::PrintStrictParams) => {
                let value = self.any_identifier()?;
                self.options.print_strict_params = match value.as_str() {
                    "on" => true,
                    "off" => false,
                    _ => {
                        let message = format!("unrecognized print_strict_params option {value}");
                        return Err(Error::new(SqlState::INTERNAL_ERROR, message));
                    }
                };
            }
            // It writes the parsed function to the server's output.
            TokKind::Word(Word::Option) if self.peek()?.is(Word::Dump) => {
                return Err(self.located(option.start, Error::unsupported("#option dump")));
            }
            TokKind::Word(Word::Option) => return Err(self.unexpected()),
            _ => return Err(self.syntax_error(&option)),
        }
        Ok(())
    }

    /// pl_block, behind its label.
    pub(super) fn pl_block(&mut self, label: Label) -> Result<Statement> {
        self.names.begin(label.as_deref(), LabelKind::Block);
        let mut variables = Vec::new();
        if self.eat(Word::Declare)? {
            let first = self.variables.len() as u32;
            self.lookup = Lookup::Declare;
            let declared = self.decl_stmts();
            self.lookup = Lookup::Normal;
            declared?;
            variables.extend(first..self.variables.len() as u32);
        }
        let start = self.peek()?.start;
        self.expect(Word::Begin)?;
        let body = self.proc_sect()?;
        let exceptions = if self.at_word(Word::Exception)? { Some(self.exception_sect()?) } else { None };
        self.expect(Word::End)?;
        self.end_label(&label)?;
        self.names.end();
        let line = self.line(start);
        Ok(Statement { line, kind: Kind::Block(Block { label, variables, body, exceptions }) })
    }

    /// The label behind END, which must be the one in front (check_labels).
    pub(super) fn end_label(&mut self, label: &Label) -> Result<()> {
        if !self.at_identifier()? {
            return Ok(());
        }
        let start = self.peek()?.start;
        let end = self.any_identifier()?;
        match label.as_deref() {
            None => Err(self.wrong_syntax(start, format!("end label \"{end}\" specified for unlabeled block"))),
            Some(label) if label != end => {
                Err(self.wrong_syntax(start, format!("end label \"{end}\" differs from block's label \"{label}\"")))
            }
            Some(_) => Ok(()),
        }
    }

    fn decl_stmts(&mut self) -> Result<()> {
        loop {
            let tok = self.peek()?;
            match tok.kind {
                TokKind::Word(Word::Declare) => {
                    self.take()?;
                }
                TokKind::LessLess => {
                    self.opt_label_mark()?;
                    return Err(self.wrong_syntax(tok.start, "block label must be placed before DECLARE, not after"));
                }
                TokKind::Name => self.decl_statement()?,
                TokKind::Word(word) if Word::reserved(word.text()).is_none() => self.decl_statement()?,
                _ => return Ok(()),
            }
        }
    }

    /// decl_varname: a name that is new in its block, and its line.
    fn decl_varname(&mut self) -> Result<(String, u32)> {
        let tok = self.peek()?;
        let name = self.any_identifier()?;
        let line = self.line(tok.start);
        if self.names.is_declared_here(&name) {
            return Err(self.error_near(&tok, "duplicate declaration"));
        }
        if let Some(severity) = self.options.shadowed_variables
            && self.names.lookup(self.names.top(), &[&name]).is_some()
        {
            let message = format!("variable \"{name}\" shadows a previously defined variable");
            let error = self.error_at(tok.start, SqlState::DUPLICATE_ALIAS, message);
            if severity == Severity::Error {
                return Err(error);
            }
            self.warnings.push(error);
        }
        Ok((name, line))
    }

    fn decl_statement(&mut self) -> Result<()> {
        session::work(64 + self.variables.len())?;
        let (name, line) = self.decl_varname()?;
        let next = self.peek()?;
        match next.kind {
            TokKind::Word(Word::Alias) => return self.decl_alias(&name),
            TokKind::Word(Word::No | Word::Scroll | Word::Cursor) => return self.decl_cursor(&name, line),
            _ => {}
        }
        let constant = self.eat(Word::Constant)?;
        let data_type = self.decl_datatype()?;
        self.decl_collate(&data_type)?;
        let not_null_at = self.peek()?.start;
        let not_null = self.eat(Word::Not)?;
        if not_null {
            self.expect(Word::Null)?;
        }
        let default = match self.take()? {
            tok if tok.kind == TokKind::Symbol(b';') => None,
            tok if matches!(tok.kind, TokKind::Symbol(b'=') | TokKind::ColonEquals | TokKind::Word(Word::Default)) => {
                Some(self.expression_until_semicolon()?)
            }
            tok => return Err(self.syntax_error(&tok)),
        };
        let number = self.declare(&name, line, data_type)?;
        if not_null && default.is_none() {
            let message = format!("variable \"{name}\" must have a default value, since it's declared NOT NULL");
            return Err(self.error_at(not_null_at, SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        let variable = self.variable_mut(number)?;
        (variable.constant, variable.not_null, variable.default) = (constant, not_null, default);
        Ok(())
    }

    fn decl_alias(&mut self, name: &str) -> Result<()> {
        self.expect(Word::Alias)?;
        self.expect(Word::For)?;
        let tok = self.take()?;
        let parts: Vec<&str> = tok.names.iter().map(String::as_str).collect();
        match tok.kind {
            TokKind::Name | TokKind::CompoundName => {}
            TokKind::Word(word) if Word::reserved(word.text()).is_none() => {}
            _ => return Err(self.syntax_error(&tok)),
        }
        // An alias for a record's field is one for the record.
        let Some(found) = self.names.lookup(self.names.top(), &parts) else {
            let message = format!("variable \"{}\" does not exist", tok.name());
            return Err(self.error_at(tok.start, SqlState::UNDEFINED_OBJECT, message));
        };
        self.expect_symbol(b';')?;
        self.names.declare(name, found.number, found.is_record);
        Ok(())
    }

    /// name [[NO] SCROLL] CURSOR [(arguments)] {FOR | IS} query;
    fn decl_cursor(&mut self, name: &str, line: u32) -> Result<()> {
        let mut scroll = None;
        if self.eat(Word::No)? {
            self.expect(Word::Scroll)?;
            scroll = Some(false);
        } else if self.eat(Word::Scroll)? {
            scroll = Some(true);
        }
        self.expect(Word::Cursor)?;
        self.names.begin(Some(name), LabelKind::Other);
        let arguments = match self.eat_symbol(b'(') {
            true => Some(self.decl_cursor_arglist()?),
            false => None,
        };
        if !self.eat(Word::Is)? {
            self.expect(Word::For)?;
        }
        let query = self.statement_until_semicolon()?;
        self.names.end();
        let number = self.declare(name, line, DataType::REFCURSOR)?;
        self.variable_mut(number)?.cursor = Some(Arc::new(Cursor { query, arguments, scroll }));
        Ok(())
    }

    fn decl_cursor_arglist(&mut self) -> Result<Vec<u32>> {
        let mut arguments = Vec::new();
        loop {
            let (name, line) = self.decl_varname()?;
            let data_type = self.decl_datatype()?;
            arguments.push(self.declare(&name, line, data_type)?);
            match self.take()? {
                tok if tok.kind == TokKind::Symbol(b',') => {}
                tok if tok.kind == TokKind::Symbol(b')') => return Ok(arguments),
                tok => return Err(self.syntax_error(&tok)),
            }
        }
    }

    fn decl_collate(&mut self, data_type: &DataType) -> Result<()> {
        let start = self.peek()?.start;
        if !self.eat(Word::Collate)? {
            return Ok(());
        }
        let tok = self.take()?;
        match tok.kind {
            TokKind::Name | TokKind::CompoundName => {}
            TokKind::Word(word) if Word::reserved(word.text()).is_none() => {}
            _ => return Err(self.syntax_error(&tok)),
        }
        self.types.collation(&tok.names)?;
        if !self.types.is_collatable(data_type) {
            let message = format!("collations are not supported by type {}", self.types.display(data_type));
            return Err(self.error_at(start, SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(())
    }

    // ----- exceptions

    fn exception_sect(&mut self) -> Result<Exceptions> {
        let start = self.take()?.start;
        let line = self.line(start);
        let mut special = [0; 2];
        for (number, name) in special.iter_mut().zip(["sqlstate", "sqlerrm"]) {
            *number = self.declare(name, line, DataType::TEXT)?;
            self.variable_mut(*number)?.constant = true;
        }
        let [sqlstate, sqlerrm] = special;
        let mut handlers = Vec::new();
        loop {
            let start = self.peek()?.start;
            self.expect(Word::When)?;
            let mut conditions = self.proc_condition()?;
            while self.eat(Word::Or)? {
                conditions.extend(self.proc_condition()?);
            }
            self.expect(Word::Then)?;
            let body = self.proc_sect()?;
            self.line(start);
            handlers.push(Handler { conditions, body });
            if !self.at_word(Word::When)? {
                return Ok(Exceptions { sqlstate, sqlerrm, handlers });
            }
        }
    }

    fn proc_condition(&mut self) -> Result<Vec<Condition>> {
        match self.any_identifier()?.as_str() {
            "sqlstate" => {
                let tok = self.take()?;
                Ok(vec![Condition::State(self.sql_state(&tok)?)])
            }
            name => Condition::named(name),
        }
    }

    /// The five characters behind SQLSTATE.
    pub(super) fn sql_state(&self, tok: &Tok) -> Result<SqlState> {
        if tok.kind != TokKind::String {
            return Err(self.syntax_error(tok));
        }
        condition::code(&self.string(tok)?).ok_or_else(|| self.error_near(tok, "invalid SQLSTATE code"))
    }

    /// A string's value.
    pub(super) fn string(&self, tok: &Tok) -> Result<String> {
        let raw = self.scanner.raw(tok.next.saturating_sub(1));
        debug_assert!(!matches!(raw.kind, TokenKind::End));
        TokenValue { text: self.scanner.text }.string(&raw).map_err(|error| self.located(tok.start, error))
    }
}
