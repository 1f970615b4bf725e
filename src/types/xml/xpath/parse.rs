//! XPath's grammar.

use super::{Axis, Expr, Operator, Step, Test};
use crate::error::{Error, Result, SqlState};
use crate::limits::{session as limits, stack};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    /// With a prefix; `*` and `p:*` are names, too.
    Name(String),
    Symbol(&'static str),
}

fn invalid() -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "invalid XPath expression").with_detail("Invalid expression")
}

const SYMBOLS: &[&str] =
    &["::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">", "*"];

fn tokens(text: &str) -> Result<Vec<Token>> {
    limits::work(text.len() * 8)?;
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        let length;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let '"' | '\'' = first {
            let inside = rest.get(1..).and_then(|rest| rest.split_once(first)).ok_or_else(invalid)?.0;
            found.push(Token::Text(inside.to_owned()));
            length = inside.len() + 2;
        } else if digits > 0
            || first == '.' && rest.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            let mut end = digits;
            if rest.get(end..).is_some_and(|rest| rest.starts_with('.') && !rest.starts_with("..")) {
                end += 1 + rest.bytes().skip(end + 1).take_while(u8::is_ascii_digit).count();
            }
            let number = rest.get(..end).unwrap_or("").trim_end_matches('.');
            found.push(Token::Number(number.parse().map_err(|_| invalid())?));
            length = end;
        } else if first.is_alphabetic() || first == '_' {
            let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
            let mut end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            let behind = rest.get(end..).unwrap_or("");
            if let Some(local) = behind.strip_prefix(':').filter(|local| !local.starts_with(':')) {
                end += 1 + if local.starts_with('*') { 1 } else { local.find(|c| !in_name(c)).unwrap_or(local.len()) };
            }
            found.push(Token::Name(rest.get(..end).unwrap_or("").to_owned()));
            length = end;
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)).ok_or_else(invalid)?;
            found.push(Token::Symbol(symbol));
            length = symbol.len();
        }
        rest = rest.get(length..).unwrap_or("").trim_start_matches([' ', '\t', '\r', '\n']);
    }
    Ok(found)
}

/// How many operators an expression may have: chains of them are read without recursion, but not evaluated so.
const MOST_OPERATORS: usize = 3_000;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    operators: usize,
}

pub(super) fn parse(text: &str) -> Result<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, operators: 0 };
    let expr = parser.binary(0)?;
    if parser.at < parser.tokens.len() { Err(invalid()) } else { Ok(expr) }
}

/// By how tightly they bind.
const OPERATORS: &[(&str, Operator, u8)] = &[
    ("or", Operator::Or, 1),
    ("and", Operator::And, 2),
    ("=", Operator::Equal, 3),
    ("!=", Operator::NotEqual, 3),
    ("<", Operator::Less, 4),
    ("<=", Operator::LessOrEqual, 4),
    (">", Operator::Greater, 4),
    (">=", Operator::GreaterOrEqual, 4),
    ("+", Operator::Add, 5),
    ("-", Operator::Subtract, 5),
    ("*", Operator::Multiply, 6),
    ("div", Operator::Divide, 6),
    ("mod", Operator::Modulo, 6),
    ("|", Operator::Union, 8),
];

/// That of a minus in front.
const NEGATIVE: u8 = 7;

const AXES: &[(&str, Axis)] = &[
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("attribute", Axis::Attribute),
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("following", Axis::Following),
    ("following-sibling", Axis::FollowingSibling),
    ("namespace", Axis::Namespace),
    ("parent", Axis::Parent),
    ("preceding", Axis::Preceding),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("self", Axis::SelfNode),
];

fn any_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Symbol(known)) if *known == symbol);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { Err(invalid()) }
    }

    fn is_symbol(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(Token::Symbol(known)) if *known == symbol)
    }

    fn binary(&mut self, least: u8) -> Result<Expr> {
        stack::check()?;
        let mut left = if self.eat("-") { Expr::Negative(Box::new(self.binary(NEGATIVE)?)) } else { self.path()? };
        loop {
            let word = match self.peek() {
                Some(Token::Symbol(symbol)) => *symbol,
                Some(Token::Name(name)) => name.as_str(),
                _ => return Ok(left),
            };
            let Some((_, operator, binds)) = OPERATORS.iter().find(|(known, ..)| *known == word) else {
                return Ok(left);
            };
            if *binds < least.max(1) {
                return Ok(left);
            }
            self.at += 1;
            self.operators += 1;
            if self.operators > MOST_OPERATORS {
                return Err(stack::too_deep());
            }
            let right = self.binary(binds + 1)?;
            left = Expr::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    /// A location path, or another expression with predicates and steps behind it.
    fn path(&mut self) -> Result<Expr> {
        let start = match self.peek() {
            Some(Token::Number(number)) => Some(Expr::Number(*number)),
            Some(Token::Text(text)) => Some(Expr::Text(text.clone())),
            _ => None,
        };
        if start.is_some() {
            self.at += 1;
        }
        let start = match start {
            Some(start) => Some(start),
            None if self.eat("(") => {
                let inner = self.binary(0)?;
                self.expect(")")?;
                Some(inner)
            }
            None => self.call()?,
        };
        let (mut predicates, mut steps) = (Vec::new(), Vec::new());
        let mut absolute = false;
        if start.is_some() {
            predicates = self.predicates()?;
            if let (true, Some(only)) =
                (predicates.is_empty() && !self.is_symbol(0, "/") && !self.is_symbol(0, "//"), &start)
                && !matches!(only, Expr::Path { .. })
            {
                return start.ok_or_else(invalid);
            }
            if self.eat("//") {
                steps.push(any_below());
                steps.push(self.step()?);
            } else if self.eat("/") {
                steps.push(self.step()?);
            }
        } else if self.eat("//") {
            absolute = true;
            steps.push(any_below());
            steps.push(self.step()?);
        } else if self.eat("/") {
            absolute = true;
            if self.begins_step() {
                steps.push(self.step()?);
            }
        } else {
            steps.push(self.step()?);
        }
        while !steps.is_empty() {
            if self.eat("//") {
                steps.push(any_below());
            } else if !self.eat("/") {
                break;
            }
            steps.push(self.step()?);
        }
        Ok(Expr::Path { start: start.map(Box::new), absolute, predicates, steps })
    }

    fn begins_step(&self) -> bool {
        match self.peek() {
            Some(Token::Name(_)) => true,
            Some(Token::Symbol(symbol)) => matches!(*symbol, "." | ".." | "@" | "*"),
            _ => false,
        }
    }

    /// A function's call, if that is what stands there.
    fn call(&mut self) -> Result<Option<Expr>> {
        let Some(Token::Name(name)) = self.peek() else { return Ok(None) };
        let tests = ["node", "text", "comment", "processing-instruction"];
        if !self.is_symbol(1, "(") || tests.contains(&name.as_str()) {
            return Ok(None);
        }
        let name = name.clone();
        self.at += 2;
        let mut args = Vec::new();
        if !self.eat(")") {
            loop {
                args.push(self.binary(0)?);
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        Ok(Some(Expr::Call(name, args)))
    }

    fn predicates(&mut self) -> Result<Vec<Expr>> {
        let mut found = Vec::new();
        while self.eat("[") {
            found.push(self.binary(0)?);
            self.expect("]")?;
        }
        Ok(found)
    }

    fn step(&mut self) -> Result<Step> {
        for (symbol, axis) in [("..", Axis::Parent), (".", Axis::SelfNode)] {
            if self.eat(symbol) {
                return Ok(Step { axis, test: Test::Node, predicates: self.predicates()? });
            }
        }
        let mut axis = if self.eat("@") { Axis::Attribute } else { Axis::Child };
        if let Some(Token::Name(name)) = self.peek()
            && self.is_symbol(1, "::")
        {
            axis = AXES.iter().find(|(known, _)| known == name).ok_or_else(invalid)?.1;
            self.at += 2;
        }
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn test(&mut self) -> Result<Test> {
        if self.eat("*") {
            return Ok(Test::Name(String::new(), None));
        }
        let Some(Token::Name(name)) = self.peek() else { return Err(invalid()) };
        let name = name.clone();
        self.at += 1;
        if self.eat("(") {
            let test = match name.as_str() {
                "node" => Test::Node,
                "text" => Test::Text,
                "comment" => Test::Comment,
                "processing-instruction" => match self.peek() {
                    Some(Token::Text(target)) => {
                        let target = target.clone();
                        self.at += 1;
                        Test::Instruction(Some(target))
                    }
                    _ => Test::Instruction(None),
                },
                _ => return Err(invalid()),
            };
            self.expect(")")?;
            return Ok(test);
        }
        let (prefix, name) = name.split_once(':').unwrap_or(("", &name));
        Ok(Test::Name(prefix.to_owned(), (name != "*").then(|| name.to_owned())))
    }
}
