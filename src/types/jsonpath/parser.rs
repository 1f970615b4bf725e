//! Texts to paths.
//!
//! Owns: [`parse`]. Specification: jsonpath_gram.y in PostgreSQL 15, from which the productions have their names, and the
//! checks of flattenJsonPathParseItem in jsonpath.c.

use std::sync::Arc;

use super::lexer::{Lexer, Token};
use super::{Arithmetic, Chain, Comparison, JsonPath, LAST_LEVEL, LikeRegex, Method, Step};
use crate::error::{Error, Result, SqlState};
use crate::limits::stack;
use crate::types::json::JsonValue;
use crate::types::number_text::parse_integer;
use crate::types::numeric::Numeric;
use crate::types::pattern::{Options, Pattern};

/// Reads a path; `None` if there is nothing in the text.
pub(super) fn parse(text: &str) -> Result<Option<JsonPath>> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { lexer, token, operators: 0 };
    if parser.token == Token::End {
        return Ok(None);
    }
    let strict = parser.token.is_keyword("strict");
    if strict || parser.token.is_keyword("lax") {
        parser.advance()?;
    }
    let expr = parser.expr_or_predicate()?.chain;
    if parser.token != Token::End {
        return Err(parser.unexpected());
    }
    check(&expr, 0, false)?;
    Ok(Some(JsonPath { lax: !strict, expr }))
}

/// What an `(` may begin: the grammar keeps expressions and predicates apart.
struct Operand {
    chain: Chain,
    predicate: bool,
}

fn expression(chain: Chain) -> Operand {
    Operand { chain, predicate: false }
}

fn predicate(step: Step) -> Operand {
    Operand { chain: vec![step], predicate: true }
}

/// How many operators a path may have: chains of them are read without recursion, but neither printed nor run so.
const MOST_OPERATORS: usize = 5_000;

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    operators: usize,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<()> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    /// The operator of a chain is read.
    fn operator(&mut self) -> Result<()> {
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            return Err(stack::too_deep());
        }
        self.advance()
    }

    fn unexpected(&self) -> Error {
        self.lexer.error("syntax error")
    }

    fn is(&self, symbol: char) -> bool {
        self.token == Token::Symbol(symbol)
    }

    fn eat(&mut self, symbol: char) -> Result<bool> {
        let there = self.is(symbol);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn expect(&mut self, symbol: char) -> Result<()> {
        if self.eat(symbol)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn eat_keyword(&mut self, keyword: &str) -> Result<bool> {
        let there = self.token.is_keyword(keyword);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn expect_keyword(&mut self, keyword: &str) -> Result<()> {
        if self.eat_keyword(keyword)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn string(&mut self) -> Result<String> {
        let Token::Text(text) = &mut self.token else { return Err(self.unexpected()) };
        let text = std::mem::take(text);
        self.advance()?;
        Ok(text)
    }

    fn expr(&mut self) -> Result<Chain> {
        let operand = self.additive()?;
        if operand.predicate { Err(self.unexpected()) } else { Ok(operand.chain) }
    }

    fn predicate(&mut self) -> Result<Chain> {
        let operand = self.expr_or_predicate()?;
        if operand.predicate { Ok(operand.chain) } else { Err(self.unexpected()) }
    }

    fn expr_or_predicate(&mut self) -> Result<Operand> {
        stack::check()?;
        let mut left = self.conjunction()?;
        while self.token == Token::Or {
            if !left.predicate {
                return Err(self.unexpected());
            }
            self.operator()?;
            let right = self.conjunction()?;
            if !right.predicate {
                return Err(self.unexpected());
            }
            left = predicate(Step::Or(left.chain, right.chain));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Operand> {
        let mut left = self.comparison()?;
        while self.token == Token::And {
            if !left.predicate {
                return Err(self.unexpected());
            }
            self.operator()?;
            let right = self.comparison()?;
            if !right.predicate {
                return Err(self.unexpected());
            }
            left = predicate(Step::And(left.chain, right.chain));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Operand> {
        if self.eat('!')? {
            return Ok(predicate(Step::Not(self.delimited_predicate()?)));
        }
        let left = self.additive()?;
        if left.predicate {
            return Ok(left);
        }
        let operator = match &self.token {
            Token::Equal => Comparison::Equal,
            Token::NotEqual => Comparison::NotEqual,
            Token::Symbol('<') => Comparison::Less,
            Token::Symbol('>') => Comparison::Greater,
            Token::LessOrEqual => Comparison::LessOrEqual,
            Token::GreaterOrEqual => Comparison::GreaterOrEqual,
            word if word.is_keyword("starts") => return self.starts_with(left.chain),
            word if word.is_keyword("like_regex") => return self.like_regex(left.chain),
            _ => return Ok(left),
        };
        self.advance()?;
        let right = self.expr()?;
        Ok(predicate(Step::Comparison(operator, left.chain, right)))
    }

    fn starts_with(&mut self, whole: Chain) -> Result<Operand> {
        self.advance()?;
        self.expect_keyword("with")?;
        let initial = match &mut self.token {
            Token::Text(text) => Step::Literal(JsonValue::Text(std::mem::take(text))),
            Token::Variable(name) => Step::Variable(std::mem::take(name)),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(predicate(Step::StartsWith(whole, vec![initial])))
    }

    fn like_regex(&mut self, subject: Chain) -> Result<Operand> {
        self.advance()?;
        let pattern = self.string()?;
        let given = if self.eat_keyword("flag")? { self.string()? } else { String::new() };
        let (flags, options) = regex_flags(&given)?;
        let compiled = Arc::new(Pattern::compile(&pattern, options)?);
        Ok(predicate(Step::LikeRegex(Box::new(LikeRegex { subject, pattern, flags, compiled }))))
    }

    fn delimited_predicate(&mut self) -> Result<Chain> {
        if self.token.is_keyword("exists") {
            return Ok(vec![self.exists()?]);
        }
        self.expect('(')?;
        let inner = self.predicate()?;
        self.expect(')')?;
        Ok(inner)
    }

    fn exists(&mut self) -> Result<Step> {
        self.advance()?;
        self.expect('(')?;
        let inner = self.expr()?;
        self.expect(')')?;
        Ok(Step::Exists(inner))
    }

    fn additive(&mut self) -> Result<Operand> {
        let mut left = self.multiplicative()?;
        loop {
            let operator = match self.token {
                Token::Symbol('+') => Arithmetic::Add,
                Token::Symbol('-') => Arithmetic::Sub,
                _ => return Ok(left),
            };
            left = self.arithmetic(operator, left, Self::multiplicative)?;
        }
    }

    fn multiplicative(&mut self) -> Result<Operand> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.token {
                Token::Symbol('*') => Arithmetic::Mul,
                Token::Symbol('/') => Arithmetic::Div,
                Token::Symbol('%') => Arithmetic::Mod,
                _ => return Ok(left),
            };
            left = self.arithmetic(operator, left, Self::unary)?;
        }
    }

    fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: Operand,
        operand: fn(&mut Self) -> Result<Operand>,
    ) -> Result<Operand> {
        if left.predicate {
            return Err(self.unexpected());
        }
        self.operator()?;
        let right = operand(self)?;
        if right.predicate {
            return Err(self.unexpected());
        }
        Ok(expression(vec![Step::Arithmetic(operator, left.chain, right.chain)]))
    }

    fn unary(&mut self) -> Result<Operand> {
        let negative = self.is('-');
        if !negative && !self.is('+') {
            return self.accessor_expr();
        }
        stack::check()?;
        self.advance()?;
        let operand = self.unary()?;
        if operand.predicate {
            return Err(self.unexpected());
        }
        Ok(expression(match (operand.chain.as_slice(), negative) {
            // A number's sign belongs to the number.
            ([Step::Literal(JsonValue::Number(number))], true) => vec![number_step(&Numeric::parse(number)?.neg())],
            ([Step::Literal(JsonValue::Number(_))], false) => operand.chain,
            (_, true) => vec![Step::Minus(operand.chain)],
            (_, false) => vec![Step::Plus(operand.chain)],
        }))
    }

    fn accessor_expr(&mut self) -> Result<Operand> {
        stack::check()?;
        if self.token.is_keyword("exists") {
            let step = self.exists()?;
            return Ok(predicate(step));
        }
        let mut operand = if self.eat('(')? {
            let inner = self.expr_or_predicate()?;
            self.expect(')')?;
            if inner.predicate && self.eat_keyword("is")? {
                self.expect_keyword("unknown")?;
                return Ok(predicate(Step::IsUnknown(inner.chain)));
            }
            inner
        } else {
            expression(vec![self.path_primary()?])
        };
        while matches!(self.token, Token::Symbol('.' | '[' | '?')) {
            let step = self.accessor_op()?;
            operand.chain.push(step);
            operand.predicate = false;
        }
        Ok(operand)
    }

    fn path_primary(&mut self) -> Result<Step> {
        let step = match &mut self.token {
            Token::Text(text) => Step::Literal(JsonValue::Text(std::mem::take(text))),
            Token::Decimal(number) | Token::Integer(number) => number_step(&Numeric::parse(number)?),
            Token::Variable(name) => Step::Variable(std::mem::take(name)),
            Token::Symbol('$') => Step::Root,
            Token::Symbol('@') => Step::Current,
            word if word.is_keyword("null") => Step::Literal(JsonValue::Null),
            word if word.is_keyword("true") => Step::Literal(JsonValue::Bool(true)),
            word if word.is_keyword("false") => Step::Literal(JsonValue::Bool(false)),
            word if word.is_keyword("last") => Step::Last,
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(step)
    }

    fn accessor_op(&mut self) -> Result<Step> {
        if self.eat('?')? {
            self.expect('(')?;
            let condition = self.predicate()?;
            self.expect(')')?;
            return Ok(Step::Filter(condition));
        }
        if self.eat('[')? {
            return self.array_accessor();
        }
        self.expect('.')?;
        match &mut self.token {
            Token::Symbol('*') => {
                self.advance()?;
                Ok(Step::AnyKey)
            }
            Token::Any => self.any_path(),
            Token::Text(key) => {
                let key = std::mem::take(key);
                self.advance()?;
                Ok(Step::Key(key))
            }
            Token::Word(word) => {
                let word = std::mem::take(word);
                self.advance()?;
                self.key_or_method(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn key_or_method(&mut self, word: String) -> Result<Step> {
        const METHODS: [Method; 7] =
            [Method::Abs, Method::Ceiling, Method::Double, Method::Floor, Method::KeyValue, Method::Size, Method::Type];
        if !self.is('(') {
            return Ok(Step::Key(word));
        }
        if word.eq_ignore_ascii_case("datetime") {
            self.advance()?;
            let template = if matches!(self.token, Token::Text(_)) { Some(self.string()?) } else { None };
            self.expect(')')?;
            return Ok(Step::Datetime(template));
        }
        let Some(method) = METHODS.into_iter().find(|method| word.eq_ignore_ascii_case(method.name())) else {
            return Err(self.unexpected());
        };
        self.advance()?;
        self.expect(')')?;
        Ok(Step::Method(method))
    }

    fn any_path(&mut self) -> Result<Step> {
        self.advance()?;
        if !self.eat('{')? {
            return Ok(Step::Any { first: 0, last: LAST_LEVEL });
        }
        let first = self.any_level()?;
        let last = if self.eat_keyword("to")? { self.any_level()? } else { first };
        self.expect('}')?;
        Ok(Step::Any { first, last })
    }

    fn any_level(&mut self) -> Result<u32> {
        let level = match &self.token {
            Token::Integer(digits) => parse_integer(digits, "integer", 0, i32::MAX.into())? as u32,
            word if word.is_keyword("last") => LAST_LEVEL,
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(level)
    }

    fn array_accessor(&mut self) -> Result<Step> {
        if self.eat('*')? {
            self.expect(']')?;
            return Ok(Step::AnyArray);
        }
        let mut subscripts = Vec::new();
        loop {
            let from = self.expr()?;
            let to = if self.eat_keyword("to")? { Some(self.expr()?) } else { None };
            subscripts.push((from, to));
            if !self.eat(',')? {
                break;
            }
        }
        self.expect(']')?;
        Ok(Step::Subscripts(subscripts))
    }
}

fn number_step(number: &Numeric) -> Step {
    Step::Literal(JsonValue::Number(number.to_string()))
}

/// The flags in the order they are printed in, and what they mean (makeItemLikeRegex).
fn regex_flags(given: &str) -> Result<(String, Options)> {
    if let Some(unknown) = given.chars().find(|flag| !"ismxq".contains(*flag)) {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid input syntax for type jsonpath")
            .with_detail(format!("Unrecognized flag character \"{unknown}\" in LIKE_REGEX predicate.")));
    }
    let flags: String = "ismxq".chars().filter(|flag| given.contains(*flag)).collect();
    let mut letters = String::new();
    if flags.contains('i') {
        letters.push('i');
    }
    if flags.contains('q') {
        letters.push('q');
        return Ok((flags, Options::parse(&letters)?));
    }
    if flags.contains('x') {
        let message = "XQuery \"x\" flag (expanded regular expressions) is not implemented";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    // PostgreSQL's letters for whether a newline stops `.`, and whether it anchors `^` and `$`.
    letters.push(match (flags.contains('s'), flags.contains('m')) {
        (true, true) => 'w',
        (true, false) => 's',
        (false, true) => 'n',
        (false, false) => 'p',
    });
    Ok((flags, Options::parse(&letters)?))
}

/// `@` stands in filters only, and `last` in subscripts.
fn check(chain: &[Step], filters: usize, in_subscript: bool) -> Result<()> {
    stack::check()?;
    let inner = |chain: &Chain| check(chain, filters, in_subscript);
    for step in chain {
        match step {
            Step::Current if filters == 0 => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "@ is not allowed in root expressions"));
            }
            Step::Last if !in_subscript => {
                let message = "LAST is allowed only in array subscripts";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            Step::Filter(condition) => check(condition, filters + 1, in_subscript)?,
            Step::Subscripts(subscripts) => {
                for (from, to) in subscripts {
                    check(from, filters, true)?;
                    to.iter().try_for_each(|to| check(to, filters, true))?;
                }
            }
            Step::Arithmetic(_, left, right)
            | Step::And(left, right)
            | Step::Or(left, right)
            | Step::Comparison(_, left, right)
            | Step::StartsWith(left, right) => {
                inner(left)?;
                inner(right)?;
            }
            Step::Plus(operand)
            | Step::Minus(operand)
            | Step::Not(operand)
            | Step::IsUnknown(operand)
            | Step::Exists(operand) => inner(operand)?,
            Step::LikeRegex(like) => inner(&like.subject)?,
            Step::Literal(_)
            | Step::Variable(_)
            | Step::Root
            | Step::Current
            | Step::Last
            | Step::Key(_)
            | Step::AnyKey
            | Step::AnyArray
            | Step::Any { .. }
            | Step::Method(_)
            | Step::Datetime(_) => {}
        }
    }
    Ok(())
}
