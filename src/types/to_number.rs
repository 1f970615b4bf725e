//! to_number().
//!
//! Owns: [`to_number`]. The order of steps is NUM_processor's in PostgreSQL 15's formatting.c; the locale is C.
//! Specification: functions-formatting.html.

use crate::error::{Error, Result, SqlState};
use crate::types::number_template::{Description, Key, SignPlace, prepare};
use crate::types::numeric::{Numeric, make_typmod};
use crate::types::template::{Item, Node};

/// to_number(text, template). `None` (NULL) for an empty template.
pub fn to_number(text: &str, template: &str) -> Result<Option<Numeric>> {
    if template.is_empty() {
        return Ok(None);
    }
    let (items, description) = prepare(template)?;
    let unsupported =
        |pattern: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("\"{pattern}\" not supported for input"));
    if description.exponent {
        return Err(unsupported("EEEE"));
    }
    if description.roman {
        return Err(unsupported("RN"));
    }
    let (pre, shift) = (description.pre, description.shift);
    let mut reader =
        NumberReader { input: text, description, sign: None, digits: String::new(), before: 0, after: 0, point: false };
    reader.run(&items);
    let after = reader.after;
    let number = format!("{}{}", reader.sign.unwrap_or(' '), reader.digits.trim_end_matches('.'));
    let typmod = make_typmod((pre + shift + after) as i32, after as i32);
    let value = Numeric::parse(&number)?.apply_typmod(typmod)?;
    if shift == 0 {
        return Ok(Some(value));
    }
    let power = Numeric::from(10).power(&Numeric::from(-(shift as i64)))?;
    value.mul(&power).map(Some)
}

/// Reads a number along its template (the to_number half of NUM_processor).
struct NumberReader<'t> {
    input: &'t str,
    description: Description,
    sign: Option<char>,
    digits: String,
    before: usize,
    after: usize,
    point: bool,
}

impl NumberReader<'_> {
    fn peek(&self) -> char {
        self.input.chars().next().unwrap_or('\0')
    }

    fn skip(&mut self) {
        let mut characters = self.input.chars();
        characters.next();
        self.input = characters.as_str();
    }

    /// Skips up to `count` characters that cannot be part of a number.
    fn skip_non_data(&mut self, count: usize) {
        for _ in 0..count {
            if self.input.is_empty() || "0123456789.,+-".contains(self.peek()) {
                break;
            }
            self.skip();
        }
    }

    fn run(&mut self, items: &[Item<Key>]) {
        for (node, _) in items {
            if self.input.is_empty() {
                break;
            }
            match node {
                Node::Pattern { key, .. } => self.pattern(*key),
                _ => self.skip(),
            }
        }
    }

    fn pattern(&mut self, key: Key) {
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::Decimal => {
                self.number_part(key);
                self.skip();
            }
            // In fill mode PostgreSQL does not read group separators, because no digit counts as written on input.
            Key::Comma | Key::Group if !self.description.fill && self.peek() == ',' => self.skip(),
            Key::Currency => self.skip_non_data(1),
            Key::Ordinal(_) => self.skip_non_data(2),
            Key::Minus if self.peek() == '-' => self.take_sign(),
            Key::Plus if self.peek() == '+' => self.take_sign(),
            Key::SignHere if matches!(self.peek(), '+' | '-') => self.take_sign(),
            Key::Minus | Key::Plus | Key::SignHere => self.skip_non_data(1),
            _ => {}
        }
    }

    fn take_sign(&mut self) {
        self.sign = Some(self.peek());
        self.skip();
    }

    /// One digit position or the point; leaves the input at what it has read, which the caller passes over.
    fn number_part(&mut self, key: Key) {
        if self.peek() == ' ' {
            self.skip();
        }
        if self.input.is_empty() {
            return;
        }
        if self.sign.is_none() && matches!(key, Key::Nine | Key::Zero) && self.before + self.after == 0 {
            self.sign_before();
        }
        if self.input.is_empty() {
            return;
        }
        let mut read = false;
        let next = self.peek();
        if next.is_ascii_digit() {
            if self.point && self.after == self.description.post {
                return;
            }
            self.digits.push(next);
            if self.point {
                self.after += 1;
            } else {
                self.before += 1;
            }
            read = true;
        } else if self.description.decimal && !self.point && next == '.' {
            self.digits.push('.');
            self.point = true;
            read = true;
        }
        if self.sign.is_none() && self.before + self.after > 0 {
            self.sign_after(read);
        }
    }

    fn sign_before(&mut self) {
        let next = self.peek();
        let bracket = self.description.brackets && next == '<' && self.description.sign.is_none();
        let allowed = self.description.sign != Some(SignPlace::After);
        if (allowed && next == '-') || bracket {
            self.sign = Some('-');
            self.skip();
        } else if allowed && next == '+' {
            self.sign = Some('+');
            self.skip();
        }
    }

    /// A sign behind the last digit.
    fn sign_after(&mut self, read: bool) {
        let mut ahead = self.input.chars();
        ahead.next();
        let next = ahead.next();
        if self.description.sign.is_some() && read {
            if let Some(sign) = next.filter(|c| matches!(c, '+' | '-')) {
                // Stay on the sign: the caller passes over it.
                self.skip();
                self.sign = Some(sign);
            }
        } else if !read && self.description.sign.is_none() && (self.description.plus || self.description.minus) {
            let here = self.peek();
            if matches!(here, '+' | '-') {
                self.sign = Some(here);
            }
        }
    }
}

#[cfg(test)]
mod tests;
