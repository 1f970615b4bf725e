//! OPEN, FETCH and MOVE: pl_gram.y from stmt_open to cursor_variable.
//!
//! Must not know: how a cursor is declared.

use std::sync::Arc;

use crate::error::{Result, SqlState};
use crate::plpgsql::host::ALL;
use crate::plpgsql::keyword::Word;
use crate::plpgsql::parse::parser::Parser;
use crate::plpgsql::parse::scanner::TokKind;
use crate::plpgsql::parse::sql::Until;
use crate::plpgsql::query::{Query, QueryKind};
use crate::plpgsql::tree::{Fetch, FetchCount, FetchDirection, Kind, Open, OpenKind, QuerySource, Root};
use crate::plpgsql::value::DataType;
use crate::sql::syntax::lexer::TokenKind;

/// FETCH's direction as it is read.
struct Direction {
    direction: FetchDirection,
    count: FetchCount,
    /// FETCH can take no more than one row into a target.
    many: bool,
}

impl Direction {
    fn one(direction: FetchDirection) -> Self {
        Direction { direction, count: FetchCount::Number(1), many: false }
    }
}

impl Parser<'_> {
    /// A variable of type refcursor.
    pub(super) fn cursor_variable(&mut self) -> Result<u32> {
        let tok = self.take()?;
        let TokKind::Variable(found) = &tok.kind else { return Err(self.not_a_variable(&tok)) };
        let Root::Variable(number) = found.root else {
            return Err(self.error_at(
                tok.start,
                SqlState::DATATYPE_MISMATCH,
                "cursor variable must be a simple variable",
            ));
        };
        if found.is_record || self.at_symbol(b'[') {
            return Err(self.error_at(
                tok.start,
                SqlState::DATATYPE_MISMATCH,
                "cursor variable must be a simple variable",
            ));
        }
        let variable = self.variable(number)?;
        if variable.data_type.oid != DataType::REFCURSOR.oid {
            let message = format!("variable \"{}\" must be of type cursor or refcursor", variable.name);
            return Err(self.error_at(tok.start, SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(number)
    }

    pub(super) fn stmt_open(&mut self) -> Result<Kind> {
        let cursor = self.cursor_variable()?;
        if self.variable(cursor)?.cursor.is_some() {
            let kind = OpenKind::Bound(self.cursor_arguments(cursor, Until::Symbol(b';'))?);
            return Ok(Kind::Open(Open { cursor, scroll: None, kind }));
        }
        let mut scroll = None;
        if self.eat_loosely(Word::No)? {
            if self.eat_loosely(Word::Scroll)? {
                scroll = Some(false);
            }
        } else if self.eat_loosely(Word::Scroll)? {
            scroll = Some(true);
        }
        let tok = self.take()?;
        if tok.kind != TokKind::Word(Word::For) {
            return Err(self.error_near(&tok, "syntax error, expected \"FOR\""));
        }
        if !self.eat(Word::Execute)? {
            let kind = OpenKind::Source(QuerySource::Query(self.statement_until_semicolon()?));
            return Ok(Kind::Open(Open { cursor, scroll, kind }));
        }
        self.is_dynamic = true;
        let (text, until) = self.expression(&[Until::Word(Word::Using), Until::Symbol(b';')], "USING or ;")?;
        let using = match until {
            Until::Word(Word::Using) => self.expressions(Until::Symbol(b';'), ", or ;")?,
            _ => Vec::new(),
        };
        Ok(Kind::Open(Open { cursor, scroll, kind: OpenKind::Source(QuerySource::Execute { text, using }) }))
    }

    /// read_cursor_args(): the arguments of a bound cursor, and what has to follow. Gives the query of their values.
    pub(super) fn cursor_arguments(&mut self, cursor: u32, until: Until) -> Result<Option<Query>> {
        let name = self.variable(cursor)?.name.clone();
        let bound = self.variable(cursor)?.cursor.as_ref().map(Arc::clone);
        let parameters = bound.and_then(|bound| bound.arguments.clone());
        let start = self.peek()?.start;
        let Some(parameters) = parameters else {
            if self.at_symbol(b'(') {
                return Err(self.wrong_syntax(start, format!("cursor \"{name}\" has no arguments")));
            }
            self.expect_until(until)?;
            return Ok(None);
        };
        if !self.eat_symbol(b'(') {
            return Err(self.wrong_syntax(start, format!("cursor \"{name}\" has arguments")));
        }
        let names = parameters.iter().map(|number| Ok(self.variable(*number)?.name.clone()));
        let names = names.collect::<Result<Vec<String>>>()?;
        let texts = self.cursor_values(&name, &names)?;
        self.expect_until(until)?;
        let sql = format!("SELECT {texts}");
        Ok(Some(self.make_query(sql, texts, QueryKind::Expression, -7)))
    }

    fn expect_until(&mut self, until: Until) -> Result<()> {
        match until {
            Until::Symbol(symbol) => self.expect_symbol(symbol),
            Until::Word(word) => self.expect(word),
            Until::DotDot | Until::End => Err(self.unexpected()),
        }
    }

    /// The list of the values in the order of the parameters, up to the closing parenthesis.
    fn cursor_values(&mut self, cursor: &str, names: &[String]) -> Result<String> {
        let mut values: Vec<Option<String>> = vec![None; names.len()];
        let mut any_named = false;
        for index in 0..names.len() {
            let start = self.scanner.raw(self.at).start as usize;
            let mut place = index;
            if self.scanner.is_name(self.at) && self.scanner.raw(self.at + 1).kind == TokenKind::ColonEquals {
                let name = self.scanner.folded(self.at)?;
                let found = names.iter().position(|known| *known == name);
                place = found.ok_or_else(|| {
                    self.wrong_syntax(start, format!("cursor \"{cursor}\" has no argument named \"{name}\""))
                })?;
                self.at += 2;
                any_named = true;
            }
            let parameter = names.get(place).map_or("", String::as_str);
            if values.get(place).is_some_and(Option::is_some) {
                let message =
                    format!("value for parameter \"{parameter}\" of cursor \"{cursor}\" specified more than once");
                return Err(self.wrong_syntax(start, message));
            }
            let value = self.construct(&[Until::Symbol(b','), Until::Symbol(b')')], ",\" or \")", true)?;
            let text = self.text(&value);
            self.check(&format!("SELECT {text}"), value.start, -7)?;
            if let Some(slot) = values.get_mut(place) {
                *slot = Some(text.to_owned());
            }
            let is_last = index + 1 == names.len();
            let end = self.scanner.raw(self.at - 1).start as usize;
            if value.until == Until::Symbol(b')') && !is_last {
                return Err(self.wrong_syntax(end, format!("not enough arguments for cursor \"{cursor}\"")));
            }
            if value.until == Until::Symbol(b',') && is_last {
                return Err(self.wrong_syntax(end, format!("too many arguments for cursor \"{cursor}\"")));
            }
        }
        let value = |(value, name): (&Option<String>, &String)| match any_named {
            true => format!("{} AS {}", value.as_deref().unwrap_or(""), quoted(name)),
            false => value.clone().unwrap_or_default(),
        };
        Ok(values.iter().zip(names).map(value).collect::<Vec<String>>().join(", "))
    }

    // ----- FETCH, MOVE

    /// Behind FETCH.
    pub(super) fn stmt_fetch(&mut self, start: usize) -> Result<Kind> {
        let Direction { direction, count, many } = self.fetch_direction()?;
        let cursor = self.cursor_variable()?;
        self.expect(Word::Into)?;
        let target = self.into_target(false)?.target;
        self.expect_symbol(b';')?;
        if many {
            let message = "FETCH statement cannot return multiple rows";
            return Err(self.error_at(start, SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(Kind::Fetch(Fetch { cursor, direction, count, target: Some(target) }))
    }

    /// Behind MOVE.
    pub(super) fn stmt_move(&mut self) -> Result<Kind> {
        let Direction { direction, count, .. } = self.fetch_direction()?;
        let cursor = self.cursor_variable()?;
        self.expect_symbol(b';')?;
        Ok(Kind::Fetch(Fetch { cursor, direction, count, target: None }))
    }

    /// read_fetch_direction(): everything through FROM or IN.
    fn fetch_direction(&mut self) -> Result<Direction> {
        use FetchDirection::{Absolute, Backward, Forward, Relative};
        let tok = self.peek()?;
        if tok.kind == TokKind::End {
            return Err(self.error_near(&tok, "unexpected end of function definition"));
        }
        let simple = [
            (Word::Next, Forward, 1),
            (Word::Prior, Backward, 1),
            (Word::First, Absolute, 1),
            (Word::Last, Absolute, -1),
            (Word::All, Forward, ALL),
        ];
        if let Some((_, direction, count)) = simple.into_iter().find(|(word, ..)| tok.is(*word)) {
            self.take()?;
            self.expect_from()?;
            return Ok(Direction { direction, count: FetchCount::Number(count), many: count == ALL });
        }
        for (word, direction) in [(Word::Absolute, Absolute), (Word::Relative, Relative)] {
            if tok.is(word) {
                self.take()?;
                return Ok(Direction { direction, count: self.fetch_count()?, many: false });
            }
        }
        for (word, direction) in [(Word::Forward, Forward), (Word::Backward, Backward)] {
            if tok.is(word) {
                self.take()?;
                return self.complete_direction(direction);
            }
        }
        if self.eat(Word::From)? || self.eat(Word::In)? {
            return Ok(Direction::one(Forward));
        }
        match tok.kind {
            TokKind::Variable(_) => Ok(Direction::one(Forward)),
            _ => Ok(Direction { direction: Forward, count: self.fetch_count()?, many: true }),
        }
    }

    fn complete_direction(&mut self, direction: FetchDirection) -> Result<Direction> {
        let tok = self.peek()?;
        if tok.kind == TokKind::End {
            return Err(self.error_near(&tok, "unexpected end of function definition"));
        }
        if self.eat(Word::From)? || self.eat(Word::In)? {
            return Ok(Direction::one(direction));
        }
        if self.eat(Word::All)? {
            self.expect_from()?;
            return Ok(Direction { direction, count: FetchCount::Number(ALL), many: true });
        }
        Ok(Direction { direction, count: self.fetch_count()?, many: true })
    }

    fn fetch_count(&mut self) -> Result<FetchCount> {
        let ends = [Until::Word(Word::From), Until::Word(Word::In)];
        Ok(FetchCount::Expression(self.expression(&ends, "FROM or IN")?.0))
    }

    fn expect_from(&mut self) -> Result<()> {
        match self.take()? {
            tok if matches!(tok.kind, TokKind::Word(Word::From | Word::In)) => Ok(()),
            tok => Err(self.error_near(&tok, "expected FROM or IN")),
        }
    }
}

/// quote_identifier(), always with quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
