//! RAISE and RETURN: pl_gram.y's stmt_raise, stmt_return and what they call.
//!
//! Must not know: other statements.

use crate::error::{Error, Result, Severity, SqlState};
use crate::plpgsql::condition;
use crate::plpgsql::function::{Output, RoutineKind};
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::TokKind;
use crate::plpgsql::parse::sql::Until;
use crate::plpgsql::tree::{Kind, QuerySource, Raise, RaiseOption, ReturnValue, Root};
use crate::types::pg_type::Oid;

const LEVELS: [(Word, Severity); 6] = [
    (Word::Exception, Severity::Error),
    (Word::Warning, Severity::Warning),
    (Word::Notice, Severity::Notice),
    (Word::Info, Severity::Info),
    (Word::Log, Severity::Log),
    (Word::Debug, Severity::Debug),
];

const OPTIONS: [(Word, RaiseOption); 9] = [
    (Word::Errcode, RaiseOption::ErrorCode),
    (Word::Message, RaiseOption::Message),
    (Word::Detail, RaiseOption::Detail),
    (Word::Hint, RaiseOption::Hint),
    (Word::Column, RaiseOption::Column),
    (Word::Constraint, RaiseOption::Constraint),
    (Word::Datatype, RaiseOption::DataType),
    (Word::Table, RaiseOption::Table),
    (Word::Schema, RaiseOption::Schema),
];

impl Parser<'_> {
    /// Behind RAISE.
    pub(super) fn stmt_raise(&mut self) -> Result<Kind> {
        let mut raise = Raise {
            severity: Severity::Error,
            condition: None,
            message: None,
            parameters: Vec::new(),
            options: Vec::new(),
        };
        self.not_at_end()?;
        if self.eat_symbol(b';') {
            return Ok(Kind::Raise(raise));
        }
        let tok = self.peek()?;
        if let Some((_, severity)) = LEVELS.iter().find(|(word, _)| tok.is(*word)) {
            self.take()?;
            raise.severity = *severity;
        }
        self.not_at_end()?;
        let tok = self.peek()?;
        let mut has_options = false;
        match tok.kind {
            TokKind::String => has_options = self.raise_message(&mut raise)?,
            TokKind::Word(Word::Using) => {
                self.take()?;
                has_options = true;
            }
            _ => {
                raise.condition = Some(self.raise_condition()?);
                match self.take()? {
                    tok if tok.kind == TokKind::Symbol(b';') => {}
                    tok if tok.kind == TokKind::Word(Word::Using) => has_options = true,
                    tok => return Err(self.syntax_error(&tok)),
                }
            }
        }
        if has_options {
            raise.options = self.raise_options()?;
        }
        check_parameters(&raise)?;
        Ok(Kind::Raise(raise))
    }

    fn not_at_end(&self) -> Result<()> {
        match self.peek()? {
            tok if tok.kind == TokKind::End => Err(self.error_near(&tok, "unexpected end of function definition")),
            _ => Ok(()),
        }
    }

    /// 'message', parameter …; whether USING follows.
    fn raise_message(&mut self, raise: &mut Raise) -> Result<bool> {
        let tok = self.take()?;
        raise.message = Some(self.string(&tok)?);
        match self.take()? {
            tok if tok.kind == TokKind::Symbol(b';') => return Ok(false),
            tok if tok.kind == TokKind::Word(Word::Using) => return Ok(true),
            tok if tok.kind == TokKind::Symbol(b',') => {}
            tok => return Err(self.syntax_error(&tok)),
        }
        let ends = [Until::Symbol(b','), Until::Symbol(b';'), Until::Word(Word::Using)];
        loop {
            let (parameter, until) = self.expression(&ends, ", or ; or USING")?;
            raise.parameters.push(parameter);
            if until != Until::Symbol(b',') {
                return Ok(until == Until::Word(Word::Using));
            }
        }
    }

    /// A condition's name, or SQLSTATE and its code.
    fn raise_condition(&mut self) -> Result<(String, SqlState)> {
        let tok = self.take()?;
        if tok.is(Word::Sqlstate) {
            let tok = self.take()?;
            let state = self.sql_state(&tok)?;
            return Ok((state.as_str().to_owned(), state));
        }
        let name = match &tok.kind {
            TokKind::Name => tok.name(),
            TokKind::Word(word) if Word::reserved(word.text()).is_none() => word.text().to_owned(),
            _ => return Err(self.syntax_error(&tok)),
        };
        let state = condition::named_state(&name)?;
        Ok((name, state))
    }

    /// Behind USING.
    fn raise_options(&mut self) -> Result<Vec<(RaiseOption, crate::plpgsql::tree::Expression)>> {
        let mut options = Vec::new();
        loop {
            self.not_at_end()?;
            let tok = self.take()?;
            let Some((_, option)) = OPTIONS.iter().find(|(word, _)| tok.is(*word)) else {
                return Err(self.error_near(&tok, "unrecognized RAISE statement option"));
            };
            match self.take()? {
                tok if matches!(tok.kind, TokKind::Symbol(b'=') | TokKind::ColonEquals) => {}
                tok => return Err(self.error_near(&tok, "syntax error, expected \"=\"")),
            }
            let (value, until) = self.expression(&[Until::Symbol(b','), Until::Symbol(b';')], ", or ;")?;
            options.push((*option, value));
            if until != Until::Symbol(b',') {
                return Ok(options);
            }
        }
    }

    // ----- RETURN

    /// Behind RETURN.
    pub(super) fn stmt_return(&mut self, start: usize) -> Result<Kind> {
        self.not_at_end()?;
        if self.eat_loosely(Word::Next)? {
            return self.return_next(start);
        }
        if self.eat_loosely(Word::Query)? {
            return self.return_query(start);
        }
        let signature = self.signature;
        if signature.returns_set {
            return match self
                .bare_return(SqlState::DATATYPE_MISMATCH, "RETURN cannot have a parameter in function returning set")
            {
                Ok(()) => Ok(Kind::Return(ReturnValue::None)),
                Err(error) => Err(error.with_hint("Use RETURN NEXT or RETURN QUERY.")),
            };
        }
        if signature.returns.oid == Oid::VOID {
            let (code, message) = match signature.kind {
                RoutineKind::Procedure => (SqlState::SYNTAX_ERROR, "RETURN cannot have a parameter in a procedure"),
                _ => (SqlState::DATATYPE_MISMATCH, "RETURN cannot have a parameter in function returning void"),
            };
            self.bare_return(code, message)?;
            return Ok(Kind::Return(ReturnValue::None));
        }
        if let Some(output) = self.output_value() {
            let message = "RETURN cannot have a parameter in function with OUT parameters";
            self.bare_return(SqlState::DATATYPE_MISMATCH, message)?;
            return Ok(Kind::Return(output));
        }
        Ok(Kind::Return(self.return_value()?))
    }

    /// Only a semicolon may follow.
    fn bare_return(&mut self, code: SqlState, message: &str) -> Result<()> {
        let start = self.peek()?.start;
        if self.eat_symbol(b';') { Ok(()) } else { Err(self.error_at(start, code, message)) }
    }

    /// The output parameters, if there are some.
    pub(in crate::plpgsql) fn output_value(&self) -> Option<ReturnValue> {
        match &self.output {
            Output::None => None,
            Output::One(number) => Some(ReturnValue::Variable(*number)),
            Output::Row(numbers) => Some(ReturnValue::Row(numbers.clone())),
        }
    }

    /// A variable, or an expression.
    fn return_value(&mut self) -> Result<ReturnValue> {
        let tok = self.peek()?;
        if let TokKind::Variable(found) = &tok.kind
            && let Root::Variable(number) = found.root
            && self.scanner.is_semicolon(tok.next)
        {
            self.at = tok.next + 1;
            return Ok(ReturnValue::Variable(number));
        }
        Ok(ReturnValue::Expression(self.expression_until_semicolon()?))
    }

    fn return_next(&mut self, start: usize) -> Result<Kind> {
        if !self.signature.returns_set {
            let message = "cannot use RETURN NEXT in a non-SETOF function";
            return Err(self.error_at(start, SqlState::DATATYPE_MISMATCH, message));
        }
        if let Some(output) = self.output_value() {
            let message = "RETURN NEXT cannot have a parameter in function with OUT parameters";
            self.bare_return(SqlState::DATATYPE_MISMATCH, message)?;
            return Ok(Kind::ReturnNext(output));
        }
        Ok(Kind::ReturnNext(self.return_value()?))
    }

    fn return_query(&mut self, start: usize) -> Result<Kind> {
        if !self.signature.returns_set {
            let message = "cannot use RETURN QUERY in a non-SETOF function";
            return Err(self.error_at(start, SqlState::DATATYPE_MISMATCH, message));
        }
        if !self.eat(Word::Execute)? {
            return Ok(Kind::ReturnQuery(QuerySource::Query(self.statement_until_semicolon()?)));
        }
        self.is_dynamic = true;
        let (text, until) = self.expression(&[Until::Symbol(b';'), Until::Word(Word::Using)], "; or USING")?;
        let using = match until {
            Until::Word(Word::Using) => self.expressions(Until::Symbol(b';'), ", or ;")?,
            _ => Vec::new(),
        };
        Ok(Kind::ReturnQuery(QuerySource::Execute { text, using }))
    }
}

/// As many parameters as there are single % in the message.
fn check_parameters(raise: &Raise) -> Result<()> {
    let Some(message) = &raise.message else { return Ok(()) };
    let expected = message.replace("%%", "").matches('%').count();
    let few_or_many = match expected.cmp(&raise.parameters.len()) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "many",
        std::cmp::Ordering::Greater => "few",
    };
    Err(Error::new(SqlState::SYNTAX_ERROR, format!("too {few_or_many} parameters specified for RAISE")))
}
