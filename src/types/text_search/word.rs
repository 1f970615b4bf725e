//! Words as tsvector and tsquery write them: quoted or plain, with positions behind them.
//!
//! Owns: [`Words`]. Specification: tsvector_parser.c in PostgreSQL 15, state by state.

use super::vector::{MAX_POSITION, Position, Weight};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// Whose words they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A tsvector's: positions may follow.
    Vector,
    /// A tsquery's: operators end a word.
    Query,
    /// websearch_to_tsquery's: operators and `"` end a word, and nothing quotes.
    Web,
}

pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
    style: Style,
}

/// Whether a character is an operator of tsquery (ISOPERATOR).
pub(super) fn is_operator(character: char) -> bool {
    matches!(character, '!' | '&' | '|' | '(' | ')')
}

/// Where the parser of a word stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Word,
    Quoted,
    /// Behind a quote that may be the first of two.
    Quote,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str, style: Style) -> Self {
        Words { text, at: 0, style }
    }

    /// Of a query, from a place in it.
    pub(super) fn starting_at(text: &'t str, at: usize, style: Style) -> Self {
        Words { text, at, style }
    }

    /// Where the next word would begin.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn take(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn syntax_error(&self) -> Error {
        let kind = if self.style == Style::Vector { "tsvector" } else { "tsquery" };
        Error::new(SqlState::SYNTAX_ERROR, format!("syntax error in {kind}: \"{}\"", self.text))
    }

    fn escaped(&mut self) -> Result<char> {
        self.take().ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, format!("there is no escaped character: \"{}\"", self.text))
        })
    }

    /// The next word and its positions.
    pub(super) fn next(&mut self) -> Result<Option<(String, Vec<Position>)>> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.take();
        }
        let Some(first) = self.peek() else { return Ok(None) };
        let quotes = self.style != Style::Web;
        let ends = |style, c: char| (style != Style::Vector && is_operator(c)) || (style == Style::Web && c == '"');
        if ends(self.style, first) {
            return Err(self.syntax_error());
        }
        let mut word = String::new();
        let mut state = if quotes && first == '\'' {
            self.take();
            State::Quoted
        } else {
            State::Word
        };
        // The first character of a plain word is taken whatever it is.
        if state == State::Word && !(quotes && first == '\\') {
            word.extend(self.take());
        }
        loop {
            limits::work(1)?;
            let next = self.peek();
            match (state, next) {
                (State::Word | State::Quoted, Some('\\')) if quotes => {
                    self.take();
                    word.push(self.escaped()?);
                }
                (State::Word, next) if next.is_none_or(|c| c.is_whitespace() || ends(self.style, c)) => break,
                (State::Word, Some(':')) => break,
                (State::Quoted, Some('\'')) => {
                    self.take();
                    state = State::Quote;
                }
                (State::Quoted, None) => return Err(self.syntax_error()),
                (State::Quote, Some('\'')) => {
                    self.take();
                    word.push('\'');
                    state = State::Quoted;
                }
                (State::Quote, _) => break,
                (_, Some(_)) => word.extend(self.take()),
                (_, None) => break,
            }
        }
        if word.is_empty() {
            return Err(self.syntax_error());
        }
        let mut positions = Vec::new();
        if self.style == Style::Vector && self.peek() == Some(':') {
            self.take();
            positions = self.positions()?;
        }
        Ok(Some((word, positions)))
    }

    /// `1A,2,3b`
    fn positions(&mut self) -> Result<Vec<Position>> {
        let mut positions = Vec::new();
        loop {
            limits::work(8)?;
            let rest = self.text.get(self.at..).unwrap_or("");
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(self.syntax_error());
            }
            let place = rest.get(..digits).unwrap_or("").parse().unwrap_or(MAX_POSITION).min(MAX_POSITION);
            if place == 0 {
                let message = format!("wrong position info in tsvector: \"{}\"", self.text);
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            self.at += digits;
            let mut weight = Weight::D;
            // As PostgreSQL: letters and digits in any order, but no second weight above D.
            loop {
                match self.peek() {
                    None => {
                        positions.push(Position { place, weight });
                        return Ok(positions);
                    }
                    Some(c) if c.is_whitespace() => {
                        positions.push(Position { place, weight });
                        return Ok(positions);
                    }
                    Some(',') => break,
                    Some(c) if c.is_ascii_digit() => {}
                    Some(c) => {
                        let given = if c == '*' { Some(Weight::A) } else { Weight::of_letter(c) };
                        weight = match given {
                            Some(given) if weight == Weight::D => given,
                            _ => return Err(self.syntax_error()),
                        };
                    }
                }
                self.take();
            }
            positions.push(Position { place, weight });
            self.take();
        }
    }
}
