//! Queries of operands with `!`, `&`, `|` and parentheses, as ltxtquery (contrib/ltree/ltxtquery_io.c) and query_int
//! (contrib/intarray/_int_bool.c) have them.
//!
//! Owns: [`Query`], kept in Polish notation, so that nothing here recurses. Must not know: what an operand means.

use crate::error::Result;
use crate::limits::session as limits;

/// What a query is read as.
pub enum Token<O> {
    Operand(O),
    /// `!`, `&` or `|`
    Operator(u8),
    Open,
    Close,
    End,
}

/// Operands and operators, these behind what they are over.
#[derive(Clone, Debug, PartialEq)]
pub struct Query<O>(Vec<Item<O>>);

#[derive(Clone, Debug, PartialEq)]
enum Item<O> {
    Operand(O),
    Operator(u8),
}

impl<O> Query<O> {
    /// makepol: `depth` is how many operators may wait for their operands in one pair of parentheses.
    pub fn parse(
        mut next: impl FnMut() -> Result<Token<O>>,
        depth: usize,
        too_deep: impl Fn() -> crate::error::Error,
    ) -> Result<Self> {
        let mut items = Vec::new();
        let mut waiting: Vec<Vec<u8>> = vec![Vec::new()];
        loop {
            limits::work(16)?;
            let token = next()?;
            let Some(stack) = waiting.last_mut() else { return Ok(Query(items)) };
            let mut complete = false;
            match token {
                Token::Operand(operand) => {
                    items.push(Item::Operand(operand));
                    complete = true;
                }
                Token::Operator(b'|') if !stack.is_empty() => items.push(Item::Operator(b'|')),
                Token::Operator(_) if stack.len() == depth => return Err(too_deep()),
                Token::Operator(operator) => stack.push(operator),
                Token::Open => waiting.push(Vec::new()),
                Token::Close | Token::End => {
                    items.extend(stack.drain(..).rev().map(Item::Operator));
                    if waiting.len() == 1 {
                        return Ok(Query(items));
                    }
                    waiting.pop();
                    complete = true;
                }
            }
            if complete && let Some(stack) = waiting.last_mut() {
                while let Some(operator @ (b'&' | b'!')) = stack.last().copied() {
                    stack.pop();
                    items.push(Item::Operator(operator));
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is so, where `holds` says it of an operand.
    pub fn evaluate(&self, mut holds: impl FnMut(&O) -> Result<bool>) -> Result<bool> {
        let mut values = Vec::new();
        for item in &self.0 {
            limits::work(4)?;
            let value = match item {
                Item::Operand(operand) => holds(operand)?,
                Item::Operator(operator) => {
                    let last = values.pop().unwrap_or(false);
                    match operator {
                        b'!' => !last,
                        b'&' => values.pop().unwrap_or(false) && last,
                        _ => values.pop().unwrap_or(false) || last,
                    }
                }
            };
            values.push(value);
        }
        Ok(values.pop().unwrap_or(false))
    }

    /// The text form.
    pub fn to_text(&self, write: impl Fn(&O, &mut String)) -> Result<String> {
        // With the operator that stands outermost.
        let mut parts: Vec<(String, u8)> = Vec::new();
        for item in &self.0 {
            let Item::Operator(operator) = item else {
                let mut text = String::new();
                if let Item::Operand(operand) = item {
                    write(operand, &mut text);
                }
                parts.push((text, 0));
                continue;
            };
            let (last, outermost) = parts.pop().unwrap_or_default();
            limits::work(last.len())?;
            let text = match operator {
                b'!' if outermost != 0 => format!("!( {last} )"),
                b'!' => format!("!{last}"),
                _ => {
                    let (mut text, outermost_left) = parts.pop().unwrap_or_default();
                    if outermost_left == b'|' {
                        limits::work(text.len())?;
                        text = format!("( {text} )");
                    }
                    text.extend([' ', char::from(*operator), ' ']);
                    if outermost == b'|' {
                        text.extend(["( ", &last, " )"]);
                    } else {
                        text.push_str(&last);
                    }
                    text
                }
            };
            parts.push((text, *operator));
        }
        Ok(parts.pop().unwrap_or_default().0)
    }
}
