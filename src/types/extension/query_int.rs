//! query_int: which integers an array has to have (contrib/intarray/_int_bool.c). The stored form is the text form.

use crate::error::{Error, Result, SqlState};
use crate::types::extension::polish::{Query, Token};

pub struct QueryInt(Query<i32>);

impl QueryInt {
    /// bqarr_in
    pub fn parse(text: &str) -> Result<Self> {
        const DEPTH: usize = 16;
        const LONGEST: usize = 15;
        let wrong = || Error::new(SqlState::SYNTAX_ERROR, "syntax error");
        let mut rest = text;
        let (mut after_operand, mut open) = (false, 0usize);
        let next = || -> Result<Token<i32>> {
            loop {
                let first = rest.bytes().next();
                if !after_operand && first.is_some_and(|byte| byte.is_ascii_digit() || byte == b'-') {
                    let digits = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
                    let (number, behind) = rest.split_at_checked(1 + digits).ok_or_else(wrong)?;
                    rest = behind;
                    after_operand = true;
                    if number.len() > LONGEST || open > 0 && behind.is_empty() {
                        return Err(wrong());
                    }
                    return read_number(number).map(Token::Operand).ok_or_else(wrong);
                }
                rest = rest.get(usize::from(first.is_some())..).ok_or_else(wrong)?;
                match (after_operand, first) {
                    (_, Some(b' ')) => {}
                    (false, Some(b'!')) => return Ok(Token::Operator(b'!')),
                    (false, Some(b'(')) => {
                        open += 1;
                        return Ok(Token::Open);
                    }
                    (true, Some(operator @ (b'&' | b'|'))) => {
                        after_operand = false;
                        return Ok(Token::Operator(operator));
                    }
                    (true, Some(b')')) if open > 0 => {
                        open -= 1;
                        return Ok(Token::Close);
                    }
                    (true, None) if open == 0 => return Ok(Token::End),
                    _ => return Err(wrong()),
                }
            }
        };
        let too_deep = || Error::new(SqlState::STATEMENT_TOO_COMPLEX, "statement too complex");
        Query::parse(next, DEPTH, too_deep).map(QueryInt)
    }

    /// The text form.
    pub fn to_text(&self) -> Result<String> {
        self.0.to_text(|number, out| out.push_str(&number.to_string()))
    }

    /// Whether an array, whose elements are sorted, has what it wants.
    pub fn matches(&self, sorted: &[i32]) -> Result<bool> {
        self.0.evaluate(|number| Ok(sorted.binary_search(number).is_ok()))
    }
}

/// strtol with base 0: what begins with 0 is octal, as far as its digits are.
fn read_number(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let octal = digits.len() > 1 && digits.starts_with('0');
    let radix = if octal { 8 } else { 10 };
    let digits = digits.bytes().map_while(|digit| char::from(digit).to_digit(radix));
    let value = digits.fold(0i64, |value, digit| value * i64::from(radix) + i64::from(digit));
    i32::try_from(if text.starts_with('-') { -value } else { value }).ok()
}
