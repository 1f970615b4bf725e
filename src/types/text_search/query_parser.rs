//! Texts to queries, of the three kinds there are.
//!
//! Owns: [`parse`]. What a word becomes, the caller says: itself for the type's own text form, what a configuration makes of
//! it for to_tsquery and its like. Specification: tsquery.c in PostgreSQL 15 (gettoken_query_*, makepol).

use super::query::{Node, Operator, TsQuery, Value};
use super::vector::{MAX_LEXEME, MAX_POSITION, Weight};
use super::word::{Style, Words, is_operator};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;
use crate::limits::stack;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// With operators, as the type's text form.
    Standard,
    /// One text, all of it words.
    Plain,
    /// As search engines on the web have it.
    Web,
}

/// What is to be said of a query without lexemes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(pub String);

/// What a word with its weights and prefix mark becomes.
pub type Push<'p> = dyn FnMut(&str, u8, bool) -> Result<Node> + 'p;

/// A word as it is.
pub fn as_it_is(word: &str, weights: u8, prefix: bool) -> Result<Node> {
    Ok(Node::Value(Value { text: word.to_owned(), weights, prefix }))
}

/// Operators that wait for their right operand; PostgreSQL has room for so many.
const STACK_DEPTH: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    NotBinary,
    Binary(Operator),
}

impl Waiting {
    fn priority(self) -> u8 {
        match self {
            Waiting::NotBinary => 4,
            Waiting::Binary(Operator::Phrase(_)) => 3,
            Waiting::Binary(Operator::And) => 2,
            Waiting::Binary(Operator::Or) => 1,
        }
    }
}

enum Token {
    Value {
        word: String,
        weights: u8,
        prefix: bool,
    },
    /// The end of a web query that lacks an operand.
    Stop,
    Operator(Waiting),
    Open,
    Close,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FirstOperand,
    Operand,
    Operator,
}

struct Parser<'t, 'p, 'f> {
    text: &'t str,
    at: usize,
    syntax: Syntax,
    state: State,
    open: usize,
    push: &'p mut Push<'f>,
}

/// Reads a query, and gives what is to be noticed.
pub fn parse(text: &str, syntax: Syntax, push: &mut Push<'_>) -> Result<(TsQuery, Option<Notice>)> {
    let mut parser = Parser { text, at: 0, syntax, state: State::FirstOperand, open: 0, push };
    let Some(root) = parser.group()? else {
        let message = format!("text-search query doesn't contain lexemes: \"{text}\"");
        return Ok((TsQuery::default(), Some(Notice(message))));
    };
    let (query, nothing) = TsQuery::clean(root)?;
    let message = "text-search query contains only stop words or doesn't contain lexemes, ignored";
    Ok((query, nothing.then(|| Notice(message.to_owned()))))
}

impl Parser<'_, '_, '_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn syntax_error(&self) -> Error {
        Error::new(SqlState::SYNTAX_ERROR, format!("syntax error in tsquery: \"{}\"", self.text))
    }

    /// What stands up to the closing parenthesis, or the end (makepol).
    fn group(&mut self) -> Result<Option<Node>> {
        stack::check()?;
        let (mut operands, mut waiting) = (Vec::new(), Vec::new());
        loop {
            limits::work(64)?;
            match self.token()? {
                Token::End | Token::Close => break,
                Token::Stop => {
                    operands.push(Node::Stop);
                    break;
                }
                Token::Value { word, weights, prefix } => {
                    if word.len() >= MAX_LEXEME && self.syntax == Syntax::Standard {
                        let message = format!("word is too long in tsquery: \"{}\"", self.text);
                        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
                    }
                    operands.push((self.push)(&word, weights, prefix)?);
                }
                Token::Operator(operator) => {
                    let priority = operator.priority();
                    let binds_tighter = |other: &Waiting| {
                        if operator == Waiting::NotBinary {
                            priority >= other.priority()
                        } else {
                            priority > other.priority()
                        }
                    };
                    while waiting.last().is_some_and(|other| !binds_tighter(other)) {
                        self.apply(&mut waiting, &mut operands)?;
                    }
                    if waiting.len() == STACK_DEPTH {
                        return Err(Error::new(SqlState::INTERNAL_ERROR, "tsquery stack too small"));
                    }
                    waiting.push(operator);
                }
                Token::Open => operands.extend(self.group()?),
            }
        }
        while !waiting.is_empty() {
            self.apply(&mut waiting, &mut operands)?;
        }
        Ok(operands.pop())
    }

    fn apply(&self, waiting: &mut Vec<Waiting>, operands: &mut Vec<Node>) -> Result<()> {
        let missing = || Error::new(SqlState::INTERNAL_ERROR, "malformed tsquery: operand not found");
        let right = operands.pop().ok_or_else(missing)?;
        let node = match waiting.pop() {
            Some(Waiting::Binary(operator)) => Node::binary(operator, operands.pop().ok_or_else(missing)?, right)?,
            _ => Node::Not(Box::new(right)),
        };
        operands.push(node);
        Ok(())
    }

    fn token(&mut self) -> Result<Token> {
        match self.syntax {
            Syntax::Standard => self.standard(),
            Syntax::Web => self.web(),
            Syntax::Plain if self.at >= self.text.len() => Ok(Token::End),
            Syntax::Plain => {
                self.at = self.text.len();
                Ok(Token::Value { word: self.text.to_owned(), weights: 0, prefix: false })
            }
        }
    }

    /// The next word in tsvector's manner; `None` at the end.
    fn word(&mut self, style: Style) -> Result<Option<String>> {
        let mut words = Words::starting_at(self.text, self.at, style);
        let word = words.next()?.map(|(word, _)| word);
        self.at = words.place();
        Ok(word)
    }

    fn standard(&mut self) -> Result<Token> {
        loop {
            limits::work(1)?;
            let next = self.peek();
            if self.state == State::Operator {
                match next {
                    None if self.open > 0 => return Err(self.syntax_error()),
                    None => return Ok(Token::End),
                    Some('&') => return Ok(self.operator(1, Waiting::Binary(Operator::And))),
                    Some('|') => return Ok(self.operator(1, Waiting::Binary(Operator::Or))),
                    Some('<') => {
                        let (distance, length) = self.phrase()?.ok_or_else(|| self.syntax_error())?;
                        return Ok(self.operator(length, Waiting::Binary(Operator::Phrase(distance))));
                    }
                    Some(')') => {
                        self.skip();
                        self.open = self.open.checked_sub(1).ok_or_else(|| self.syntax_error())?;
                        return Ok(Token::Close);
                    }
                    Some(c) if c.is_whitespace() => self.skip(),
                    Some(_) => return Err(self.syntax_error()),
                }
                continue;
            }
            match next {
                Some('!') => return Ok(self.operator(1, Waiting::NotBinary)),
                Some('(') => {
                    self.skip();
                    self.state = State::Operand;
                    self.open += 1;
                    return Ok(Token::Open);
                }
                Some(':') => return Err(self.syntax_error()),
                Some(c) if c.is_whitespace() => self.skip(),
                _ => match self.word(Style::Query)? {
                    Some(word) => {
                        let (weights, prefix) = self.modifiers();
                        self.state = State::Operator;
                        return Ok(Token::Value { word, weights, prefix });
                    }
                    None if self.state == State::FirstOperand => return Ok(Token::End),
                    None => {
                        let message = format!("no operand in tsquery: \"{}\"", self.text);
                        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                    }
                },
            }
        }
    }

    fn operator(&mut self, length: usize, operator: Waiting) -> Token {
        self.at += length;
        self.state = State::Operand;
        Token::Operator(operator)
    }

    /// `:AB*` behind a word.
    fn modifiers(&mut self) -> (u8, bool) {
        let (mut weights, mut prefix) = (0, false);
        if self.peek() != Some(':') {
            return (weights, prefix);
        }
        self.skip();
        while let Some(letter) = self.peek() {
            match Weight::of_letter(letter) {
                Some(weight) => weights |= weight.bit(),
                None if letter == '*' => prefix = true,
                None => break,
            }
            self.skip();
        }
        (weights, prefix)
    }

    /// `<->` or `<N>`: the distance and the operator's length. Nothing may be all that follows the number.
    fn phrase(&self) -> Result<Option<(u16, usize)>> {
        let inner = self.rest().get(1..).unwrap_or("");
        if inner.starts_with("->") {
            return Ok(Some((1, 3)));
        }
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Ok(None);
        }
        let distance = inner.get(..digits).and_then(|digits| digits.parse().ok());
        let Some(distance) = distance.filter(|distance| *distance <= MAX_POSITION + 1) else {
            return Err(distance_out_of_range());
        };
        let closed = inner.get(digits..).is_some_and(|rest| rest.starts_with('>'));
        Ok(closed.then_some((distance, digits + 2)))
    }

    fn web(&mut self) -> Result<Token> {
        loop {
            limits::work(1)?;
            let next = self.peek();
            if self.state == State::Operator {
                match next {
                    None => return Ok(Token::End),
                    _ if self.is_or() => return Ok(self.operator(2, Waiting::Binary(Operator::Or))),
                    Some(c) if is_operator(c) || c.is_whitespace() => self.skip(),
                    Some(_) => return Ok(self.operator(0, Waiting::Binary(Operator::And))),
                }
                continue;
            }
            match next {
                Some('-') => return Ok(self.operator(1, Waiting::NotBinary)),
                Some('"') => {
                    let inner = self.rest().get(1..).unwrap_or("");
                    let end = inner.find('"');
                    let word = inner.get(..end.unwrap_or(inner.len())).unwrap_or("").to_owned();
                    self.at += 1 + word.len() + usize::from(end.is_some());
                    self.state = State::Operator;
                    return Ok(Token::Value { word, weights: 0, prefix: false });
                }
                Some(c) if is_operator(c) => {
                    self.skip();
                    self.state = State::Operand;
                }
                Some(c) if c.is_whitespace() => self.skip(),
                _ => match self.word(Style::Web)? {
                    Some(word) => {
                        self.state = State::Operator;
                        return Ok(Token::Value { word, weights: 0, prefix: false });
                    }
                    None if self.state == State::FirstOperand => return Ok(Token::End),
                    None => return Ok(Token::Stop),
                },
            }
        }
    }

    /// Whether "or" stands here, as a word and with something behind it.
    fn is_or(&self) -> bool {
        let rest = self.rest();
        let Some(behind) = rest.get(2..).filter(|_| rest.get(..2).is_some_and(|or| or.eq_ignore_ascii_case("or")))
        else {
            return false;
        };
        let mut behind = behind.chars();
        match behind.next() {
            None | Some('-' | '_') => false,
            Some(c) if c.is_alphanumeric() => false,
            Some(_) => behind.any(|c| !c.is_whitespace()),
        }
    }
}

/// 22023
pub fn distance_out_of_range() -> Error {
    let most = MAX_POSITION + 1;
    let message = format!("distance in phrase operator must be an integer value between zero and {most} inclusive");
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
