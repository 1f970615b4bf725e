//! The cursor over a body's tokens that all productions share, and what they make on the way.
//!
//! Owns: [`Parser`]: tokens, lines, errors, the declaration of variables. Must not know: productions.
//!
//! A production is a method named after the nonterminal of pl_gram.y. Names are looked up while parsing: what a word is
//! depends on the variables there are.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::plpgsql::function::{Options, Output, Signature, Variable, VariableConflict};
use crate::plpgsql::host::Types;
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::scanner::{Found, Lookup, Scanner, Tok, TokKind};
use crate::plpgsql::scope::Names;
use crate::plpgsql::tree::{Label, Root};
use crate::plpgsql::value::DataType;
use crate::sql::syntax::lexer::{LexError, TokenKind};

/// A cursor over the tokens of a body.
pub(in crate::plpgsql) struct Parser<'t> {
    pub(super) scanner: Scanner<'t>,
    /// The index of the next SQL token.
    pub(super) at: usize,
    pub(super) lookup: Lookup,
    pub names: Names,
    pub variables: Vec<Variable>,
    pub(super) signature: &'t Signature,
    pub(super) options: Options,
    pub(super) types: &'t mut dyn Types,
    /// The SQL in it.
    pub texts: Vec<String>,
    /// SQL is computed, too.
    pub is_dynamic: bool,
    pub variable_conflict: VariableConflict,
    /// TG_ARGV, whose first subscript is 0.
    pub arguments_of_trigger: Option<u32>,
    /// The variable or variables that RETURN without a value gives.
    pub output: Output,
    /// The line that errors without a place are said to be near.
    pub latest_line: u32,
    /// What is to be said besides.
    pub warnings: Vec<Error>,
    lines: Vec<usize>,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str, signature: &'t Signature, options: Options, types: &'t mut dyn Types) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
        Parser {
            lines: breaks.collect(),
            scanner: Scanner::new(text),
            warnings: Vec::new(),
            at: 0,
            lookup: Lookup::Normal,
            names: Names::default(),
            variables: Vec::new(),
            signature,
            options,
            types,
            texts: Vec::new(),
            is_dynamic: false,
            variable_conflict: options.variable_conflict,
            arguments_of_trigger: None,
            output: Output::None,
            latest_line: 1,
        }
    }

    /// Whether a token was taken.
    pub fn has_begun(&self) -> bool {
        self.at > 0
    }

    pub fn options(&self) -> Options {
        self.options
    }

    /// Whether a token of the body may be this name.
    pub fn mentions(&self, name: &str) -> bool {
        self.scanner.mentions(name)
    }

    pub fn display(&mut self, data_type: &DataType) -> String {
        self.types.display(data_type)
    }

    // ----- tokens

    pub(super) fn peek(&self) -> Result<Tok> {
        self.scanner.token(self.at, self.lookup, &self.names)
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Tok> {
        let tok = self.peek()?;
        self.at = tok.next;
        Ok(tok)
    }

    pub(super) fn at_word(&self, word: Word) -> Result<bool> {
        Ok(self.peek()?.kind == TokKind::Word(word))
    }

    pub(super) fn at_symbol(&self, symbol: u8) -> bool {
        self.scanner.raw(self.at).kind == TokenKind::Symbol(symbol)
    }

    pub(super) fn eat(&mut self, word: Word) -> Result<bool> {
        let found = self.at_word(word)?;
        self.at += usize::from(found);
        Ok(found)
    }

    pub(super) fn eat_symbol(&mut self, symbol: u8) -> bool {
        let found = self.at_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// A keyword, also where a variable has its name.
    pub(super) fn eat_loosely(&mut self, word: Word) -> Result<bool> {
        let found = self.peek()?.is(word);
        self.at += usize::from(found);
        Ok(found)
    }

    pub(super) fn expect(&mut self, word: Word) -> Result<()> {
        if self.eat(word)? { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_symbol(&mut self, symbol: u8) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// any_identifier
    pub(super) fn any_identifier(&mut self) -> Result<String> {
        let mut tok = self.peek()?;
        match &tok.kind {
            TokKind::Name | TokKind::Variable(_) if tok.names.len() == 1 => {}
            TokKind::Word(word) if Word::reserved(word.text()).is_none() => {}
            _ => return Err(self.unexpected()),
        }
        self.at = tok.next;
        Ok(tok.names.pop().unwrap_or_default())
    }

    /// Whether any_identifier can come.
    pub(super) fn at_identifier(&self) -> Result<bool> {
        let tok = self.peek()?;
        Ok(match &tok.kind {
            TokKind::Name | TokKind::Variable(_) => true,
            TokKind::Word(word) => Word::reserved(word.text()).is_none(),
            _ => false,
        })
    }

    /// <<label>>, if one comes.
    pub(super) fn opt_label_mark(&mut self) -> Result<Label> {
        if self.peek()?.kind != TokKind::LessLess {
            return Ok(None);
        }
        self.take()?;
        let label = self.any_identifier()?;
        match self.take()? {
            tok if tok.kind == TokKind::GreaterGreater => Ok(Some(Arc::from(label))),
            tok => Err(self.syntax_error(&tok)),
        }
    }

    // ----- places and errors

    /// The line of a place, which becomes the latest.
    pub(super) fn line(&mut self, start: usize) -> u32 {
        self.latest_line = self.lines.partition_point(|line_break| *line_break < start) as u32 + 1;
        self.latest_line
    }

    /// An error at a place in the body.
    pub(super) fn located(&self, start: usize, error: Error) -> Error {
        let before = self.scanner.text.get(..start).map_or(0, |before| before.chars().count());
        error.with_internal_position(before as u32 + 1, self.scanner.text)
    }

    /// ereport() with parser_errposition().
    pub(super) fn error_at(&self, start: usize, code: SqlState, message: impl Into<String>) -> Error {
        self.located(start, Error::new(code, message.into()))
    }

    pub(super) fn wrong_syntax(&self, start: usize, message: impl Into<String>) -> Error {
        self.error_at(start, SqlState::SYNTAX_ERROR, message)
    }

    /// yyerror(): at or near a token.
    pub(super) fn error_near(&self, tok: &Tok, message: &str) -> Error {
        let near = self.scanner.text.get(tok.start..tok.end).unwrap_or("");
        self.near(tok.start, near, message)
    }

    fn near(&self, start: usize, near: &str, message: &str) -> Error {
        match near {
            "" => self.wrong_syntax(start, format!("{message} at end of input")),
            near => self.wrong_syntax(start, format!("{message} at or near \"{near}\"")),
        }
    }

    pub(super) fn syntax_error(&self, tok: &Tok) -> Error {
        let bad = self.scanner.raw(tok.next.saturating_sub(1));
        match bad.kind {
            TokenKind::Bad(error) => self.bad_token(bad.start as usize, error),
            _ => self.error_near(tok, "syntax error"),
        }
    }

    fn bad_token(&self, start: usize, error: LexError) -> Error {
        let near = self.scanner.text.get(start..).unwrap_or("");
        self.near(start, near, error.message())
    }

    /// A syntax error at the next token.
    pub(super) fn unexpected(&self) -> Error {
        match self.peek() {
            Ok(tok) => self.syntax_error(&tok),
            Err(error) => error,
        }
    }

    /// An error at the next SQL token.
    pub(super) fn raw_error(&self, message: &str) -> Error {
        let raw = self.scanner.raw(self.at);
        match raw.kind {
            TokenKind::Bad(error) => self.bad_token(raw.start as usize, error),
            _ => self.near(raw.start as usize, self.scanner.raw_text(self.at), message),
        }
    }

    /// word_is_not_variable(), current_token_is_not_variable()
    pub(super) fn not_a_variable(&self, tok: &Tok) -> Error {
        match tok.kind {
            TokKind::Name | TokKind::CompoundName => {
                self.wrong_syntax(tok.start, format!("\"{}\" is not a known variable", tok.name()))
            }
            _ => self.syntax_error(tok),
        }
    }

    // ----- variables

    /// A new variable, which is not visible yet. 0A000 for a pseudo-type.
    pub(in crate::plpgsql) fn add_variable(&mut self, name: &str, line: u32, data_type: DataType) -> Result<u32> {
        if data_type.is_pseudo() {
            let message = format!("variable \"{name}\" has pseudo-type {}", self.types.display(&data_type));
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let columns = match data_type.is_row() && data_type != DataType::RECORD {
            true => Some(self.types.columns(data_type.oid)?),
            false => None,
        };
        self.variables.push(Variable {
            name: name.to_owned(),
            line,
            data_type,
            columns,
            constant: false,
            not_null: false,
            default: None,
            cursor: None,
        });
        Ok(self.variables.len() as u32 - 1)
    }

    /// A new variable under its name.
    pub(in crate::plpgsql) fn declare(&mut self, name: &str, line: u32, data_type: DataType) -> Result<u32> {
        let number = self.add_variable(name, line, data_type)?;
        self.names.declare(name, number, data_type.is_row());
        Ok(number)
    }

    pub(super) fn variable(&self, number: u32) -> Result<&Variable> {
        self.variables.get(number as usize).ok_or_else(|| Error::internal("a variable without a number"))
    }

    pub(super) fn variable_mut(&mut self, number: u32) -> Result<&mut Variable> {
        self.variables.get_mut(number as usize).ok_or_else(|| Error::internal("a variable without a number"))
    }

    /// 22005 for a constant.
    pub(super) fn check_assignable(&self, root: &Root, start: usize) -> Result<()> {
        let (Root::Variable(number) | Root::Field(number, _)) = root;
        let variable = self.variable(*number)?;
        if !variable.constant {
            return Ok(());
        }
        let message = format!("variable \"{}\" is declared CONSTANT", variable.name);
        Err(self.error_at(start, SqlState::ERROR_IN_ASSIGNMENT, message))
    }

    /// A variable that can be assigned to and is no whole record.
    pub(super) fn scalar(&self, tok: &Tok, found: &Found) -> Result<Root> {
        self.check_assignable(&found.root, tok.start)?;
        if found.is_record {
            return Err(self.wrong_syntax(tok.start, format!("\"{}\" is not a scalar variable", tok.name())));
        }
        Ok(found.root.clone())
    }
}
