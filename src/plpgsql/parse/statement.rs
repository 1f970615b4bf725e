//! Which production a statement's first token begins, and the short ones: pl_gram.y's proc_sect, proc_stmt.
//!
//! Must not know: the productions of other files.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::{session, stack};
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::{Found, Tok, TokKind};
use crate::plpgsql::parse::sql::Until;
use crate::plpgsql::query::QueryKind;
use crate::plpgsql::scope::LabelKind;
use crate::plpgsql::tree::{Body, Diagnostic, Kind, Place, Statement, Step};
use crate::sql::syntax::lexer::TokenKind;

impl Parser<'_> {
    /// proc_sect: statements up to what none begins with.
    pub(super) fn proc_sect(&mut self) -> Result<Body> {
        let mut body = Vec::new();
        loop {
            let tok = self.peek()?;
            match tok.kind {
                TokKind::Word(Word::End | Word::Exception | Word::Else | Word::Elsif | Word::When) | TokKind::End => {
                    return Ok(body);
                }
                _ => body.extend(self.proc_stmt(&tok)?),
            }
        }
    }

    /// proc_stmt. NULL is none.
    fn proc_stmt(&mut self, tok: &Tok) -> Result<Option<Statement>> {
        stack::check()?;
        // Names are looked up among all of them.
        session::work(64 + self.variables.len())?;
        let word = match &tok.kind {
            TokKind::LessLess => return self.labeled().map(Some),
            TokKind::Variable(found) => return self.stmt_assign(tok, found).map(Some),
            TokKind::Name | TokKind::CompoundName => {
                let next = self.scanner.raw(tok.next).kind;
                if matches!(next, TokenKind::ColonEquals | TokenKind::Symbol(b'=' | b'[' | b'.')) {
                    return Err(self.not_a_variable(tok));
                }
                return self.at_line(tok, Self::stmt_execsql).map(Some);
            }
            TokKind::Word(word) => *word,
            _ => return Err(self.unexpected()),
        };
        if matches!(word, Word::Declare | Word::Begin) {
            return self.block_statement(None).map(Some);
        }
        if matches!(word, Word::Loop | Word::While | Word::For | Word::Foreach) {
            return self.loop_statement(None).map(Some);
        }
        if matches!(word, Word::If | Word::Case) {
            self.take()?;
            let kind = if word == Word::If { self.stmt_if()? } else { self.stmt_case(tok.start)? };
            return Ok(Some(Statement { line: self.line(tok.start), kind }));
        }
        if word == Word::Null {
            self.take()?;
            return self.expect_symbol(b';').map(|()| None);
        }
        self.at_line(tok, |parser| parser.simple_stmt(word)).map(Some)
    }

    /// A statement whose line is known before it is read.
    fn at_line(&mut self, tok: &Tok, production: impl FnOnce(&mut Self) -> Result<Kind>) -> Result<Statement> {
        let line = self.line(tok.start);
        Ok(Statement { line, kind: production(self)? })
    }

    fn simple_stmt(&mut self, word: Word) -> Result<Kind> {
        match word {
            Word::Import | Word::Insert | Word::Merge => return self.stmt_execsql(),
            Word::Perform => return self.stmt_perform(),
            Word::Call | Word::Do => return self.stmt_call(word == Word::Call),
            _ => {}
        }
        let start = self.take()?.start;
        match word {
            Word::Exit | Word::Continue => self.stmt_exit(word == Word::Exit, start),
            Word::Return => self.stmt_return(start),
            Word::Raise => self.stmt_raise(),
            Word::Assert => self.stmt_assert(),
            Word::Execute => self.stmt_dynexecute(),
            Word::Get => self.stmt_getdiag(start),
            Word::Open => self.stmt_open(),
            Word::Fetch => self.stmt_fetch(start),
            Word::Move => self.stmt_move(),
            Word::Close => {
                let cursor = self.cursor_variable()?;
                self.expect_symbol(b';')?;
                Ok(Kind::Close { cursor })
            }
            Word::Commit => Ok(Kind::Commit { chain: self.opt_transaction_chain()? }),
            Word::Rollback => Ok(Kind::Rollback { chain: self.opt_transaction_chain()? }),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    /// <<label>> and the block or loop behind it.
    fn labeled(&mut self) -> Result<Statement> {
        let label = self.opt_label_mark()?;
        match self.peek()?.kind {
            TokKind::Word(Word::Declare | Word::Begin) => self.block_statement(label),
            TokKind::Word(Word::Loop | Word::While | Word::For | Word::Foreach) => self.loop_statement(label),
            _ => Err(self.unexpected()),
        }
    }

    fn block_statement(&mut self, label: Option<Arc<str>>) -> Result<Statement> {
        let block = self.pl_block(label)?;
        self.expect_symbol(b';')?;
        Ok(block)
    }

    fn opt_transaction_chain(&mut self) -> Result<bool> {
        let mut chain = false;
        if self.eat(Word::And)? {
            chain = !self.eat(Word::No)?;
            self.expect(Word::Chain)?;
        }
        self.expect_symbol(b';')?;
        Ok(chain)
    }

    // ----- assignment

    fn stmt_assign(&mut self, tok: &Tok, found: &Found) -> Result<Statement> {
        self.check_assignable(&found.root, tok.start)?;
        let line = self.line(tok.start);
        let from = self.at;
        let whole = self.construct(&[Until::Symbol(b';')], ";", false)?;
        let behind = std::mem::replace(&mut self.at, from);
        self.at += 2 * found.taken - 1;
        let steps = self.assigned_steps()?;
        let raw = self.scanner.raw(self.at);
        if !matches!(raw.kind, TokenKind::ColonEquals | TokenKind::Symbol(b'=')) {
            return Err(self.raw_error("syntax error"));
        }
        let written = self.text(&whole);
        let value = self.scanner.raw(self.at + 1);
        let start = (value.start as usize).min(whole.end);
        let text = self.scanner.text.get(start..whole.end).unwrap_or("");
        let value = self.make_expression(text, written, QueryKind::Assignment, start)?;
        self.at = behind;
        let target = Place { root: found.root.clone(), steps };
        Ok(Statement { line, kind: Kind::Assign { target, value } })
    }

    /// The fields and subscripts behind an assigned variable.
    fn assigned_steps(&mut self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.eat_symbol(b'.') {
                let tok = self.scanner.raw(self.at);
                if !matches!(tok.kind, TokenKind::Ident | TokenKind::QuotedIdent | TokenKind::Keyword(_)) {
                    return Err(self.raw_error("syntax error"));
                }
                steps.push(Step::Field(self.scanner.folded(self.at)?));
                self.at += 1;
            } else if self.eat_symbol(b'[') {
                steps.push(self.assigned_subscript()?);
            } else {
                return Ok(steps);
            }
        }
    }

    /// [index], [lower:upper], either of which may be missing.
    fn assigned_subscript(&mut self) -> Result<Step> {
        let ends = [Until::Symbol(b':'), Until::Symbol(b']')];
        let lower = match self.eat_symbol(b':') {
            true => None,
            false => match self.expression(&ends, "]")? {
                (index, Until::Symbol(b']')) => return Ok(Step::Index(Arc::new(index))),
                (lower, _) => Some(Arc::new(lower)),
            },
        };
        if self.eat_symbol(b']') {
            return Ok(Step::Slice(lower, None));
        }
        let (upper, _) = self.expression(&[Until::Symbol(b']')], "]")?;
        Ok(Step::Slice(lower, Some(Arc::new(upper))))
    }

    // ----- GET DIAGNOSTICS, ASSERT, EXECUTE

    fn stmt_getdiag(&mut self, start: usize) -> Result<Kind> {
        let is_stacked = self.eat(Word::Stacked)?;
        if !is_stacked {
            self.eat(Word::Current)?;
        }
        self.expect(Word::Diagnostics)?;
        let mut items = Vec::new();
        loop {
            let target = self.getdiag_target()?;
            match self.take()? {
                tok if matches!(tok.kind, TokKind::Symbol(b'=') | TokKind::ColonEquals) => {}
                tok => return Err(self.syntax_error(&tok)),
            }
            items.push((target, self.getdiag_item()?));
            if !self.eat_symbol(b',') {
                break;
            }
        }
        self.expect_symbol(b';')?;
        self.line(start);
        let area = if is_stacked { "STACKED" } else { "CURRENT" };
        for (_, item) in &items {
            let allowed = match item {
                Diagnostic::Context => true,
                Diagnostic::RowCount => !is_stacked,
                _ => is_stacked,
            };
            if !allowed {
                let name = item.name();
                let message = format!("diagnostics item {name} is not allowed in GET {area} DIAGNOSTICS");
                return Err(self.wrong_syntax(start, message));
            }
        }
        Ok(Kind::GetDiagnostics { is_stacked, items })
    }

    fn getdiag_target(&mut self) -> Result<Place> {
        let tok = self.take()?;
        let TokKind::Variable(found) = &tok.kind else { return Err(self.not_a_variable(&tok)) };
        if self.at_symbol(b'[') {
            return Err(self.wrong_syntax(tok.start, format!("\"{}\" is not a scalar variable", tok.name())));
        }
        if found.is_record {
            return Err(self.wrong_syntax(tok.start, format!("\"{}\" is not a scalar variable", tok.name())));
        }
        Ok(Place { root: self.scalar(&tok, found)?, steps: Vec::new() })
    }

    fn getdiag_item(&mut self) -> Result<Diagnostic> {
        let tok = self.take()?;
        let item = Diagnostic::ALL.iter().find(|(word, ..)| tok.is(*word));
        item.map(|(_, item, _)| *item).ok_or_else(|| self.error_near(&tok, "unrecognized GET DIAGNOSTICS item"))
    }

    fn stmt_assert(&mut self) -> Result<Kind> {
        let (condition, until) = self.expression(&[Until::Symbol(b','), Until::Symbol(b';')], ", or ;")?;
        let message = match until {
            Until::Symbol(b',') => Some(self.expression_until_semicolon()?),
            _ => None,
        };
        Ok(Kind::Assert { condition, message })
    }

    /// EXECUTE text [INTO target] [USING values], in either order.
    fn stmt_dynexecute(&mut self) -> Result<Kind> {
        self.is_dynamic = true;
        let ends = [Until::Word(Word::Into), Until::Word(Word::Using), Until::Symbol(b';')];
        let (text, mut until) = self.expression(&ends, "INTO or USING or ;")?;
        let (mut into, mut using) = (None, Vec::new());
        loop {
            match until {
                Until::Word(Word::Into) if into.is_none() => {
                    into = Some(self.into_target(true)?);
                    until = match self.take()? {
                        tok if tok.kind == TokKind::Word(Word::Using) => Until::Word(Word::Using),
                        tok if tok.kind == TokKind::Word(Word::Into) => {
                            return Err(self.error_near(&tok, "syntax error"));
                        }
                        tok if tok.kind == TokKind::Symbol(b';') => Until::Symbol(b';'),
                        tok => return Err(self.syntax_error(&tok)),
                    };
                }
                Until::Word(Word::Using) if using.is_empty() => {
                    let ends = [Until::Symbol(b','), Until::Symbol(b';'), Until::Word(Word::Into)];
                    loop {
                        let (value, end) = self.expression(&ends, ", or ; or INTO")?;
                        using.push(value);
                        until = end;
                        if end != Until::Symbol(b',') {
                            break;
                        }
                    }
                }
                Until::Symbol(b';') => return Ok(Kind::Execute { text, into, using }),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            }
        }
    }

    // ----- EXIT, CONTINUE

    fn stmt_exit(&mut self, is_exit: bool, start: usize) -> Result<Kind> {
        let mut label = None;
        let label_at = self.peek()?.start;
        if self.at_identifier()? {
            label = Some(self.any_identifier()?);
        }
        let condition = match self.take()? {
            tok if tok.kind == TokKind::Symbol(b';') => None,
            tok if tok.kind == TokKind::Word(Word::When) => Some(self.expression_until_semicolon()?),
            tok => return Err(self.syntax_error(&tok)),
        };
        match &label {
            Some(label) => match self.names.label(label) {
                None => {
                    let message =
                        format!("there is no label \"{label}\" attached to any block or loop enclosing this statement");
                    return Err(self.wrong_syntax(label_at, message));
                }
                Some(kind) if kind != LabelKind::Loop && !is_exit => {
                    let message = format!("block label \"{label}\" cannot be used in CONTINUE");
                    return Err(self.wrong_syntax(label_at, message));
                }
                Some(_) => {}
            },
            None if !self.names.is_in_loop() => {
                let message = match is_exit {
                    true => "EXIT cannot be used outside a loop, unless it has a label",
                    false => "CONTINUE cannot be used outside a loop",
                };
                return Err(self.wrong_syntax(start, message));
            }
            None => {}
        }
        Ok(Kind::Exit { is_exit, label: label.map(Arc::from), condition })
    }
}

impl Diagnostic {
    const ALL: [(Word, Diagnostic, &'static str); 12] = [
        (Word::RowCount, Diagnostic::RowCount, "ROW_COUNT"),
        (Word::PgContext, Diagnostic::Context, "PG_CONTEXT"),
        (Word::PgExceptionContext, Diagnostic::ExceptionContext, "PG_EXCEPTION_CONTEXT"),
        (Word::PgExceptionDetail, Diagnostic::ExceptionDetail, "PG_EXCEPTION_DETAIL"),
        (Word::PgExceptionHint, Diagnostic::ExceptionHint, "PG_EXCEPTION_HINT"),
        (Word::ReturnedSqlstate, Diagnostic::ReturnedSqlState, "RETURNED_SQLSTATE"),
        (Word::ColumnName, Diagnostic::ColumnName, "COLUMN_NAME"),
        (Word::ConstraintName, Diagnostic::ConstraintName, "CONSTRAINT_NAME"),
        (Word::PgDatatypeName, Diagnostic::DataTypeName, "PG_DATATYPE_NAME"),
        (Word::MessageText, Diagnostic::MessageText, "MESSAGE_TEXT"),
        (Word::TableName, Diagnostic::TableName, "TABLE_NAME"),
        (Word::SchemaName, Diagnostic::SchemaName, "SCHEMA_NAME"),
    ];

    /// As errors show it.
    fn name(self) -> &'static str {
        Diagnostic::ALL.iter().find(|(_, item, _)| *item == self).map_or("", |(.., name)| name)
    }
}
