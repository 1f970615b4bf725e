//! to_char() of numbers.
//!
//! Owns: [`numeric_to_char`], [`float8_to_char`], [`float4_to_char`]. The order of steps is NUM_processor's in PostgreSQL
//! 15's formatting.c, on whose details the blanks and signs of the output depend. The locale is C: the decimal point is
//! ".", groups are separated by ",", there is no currency symbol. Specification: functions-formatting.html.

use crate::error::{Error, Result, SqlState};
use crate::types::number_template::{Description, Key, SignPlace, prepare};
use crate::types::numeric::Numeric;
use crate::types::template::{Item, Node, ordinal_suffix};

/// A number's digits without sign, "###.###" when they do not fit the template.
struct Digits {
    text: String,
    negative: bool,
    /// Places before the number that stay blank or become zeros.
    blanks: usize,
}

fn digits_of(text: &str, description: &Description) -> Digits {
    let negative = text.starts_with('-');
    let number = text.trim_start_matches('-');
    let whole = number.find('.').unwrap_or(number.len());
    if whole <= description.pre {
        return Digits { text: number.to_owned(), negative, blanks: description.pre - whole };
    }
    let hashes = |count| "#".repeat(count);
    Digits { text: format!("{}.{}", hashes(description.pre), hashes(description.post)), negative, blanks: 0 }
}

/// More digits are not asked for: formatting takes 65535 at most.
const MOST_DIGITS: usize = 60_000;

/// What is shown where scientific notation has no digits for a value.
fn scientific_overflow(description: &Description) -> String {
    let hashes = |count| "#".repeat(count);
    format!(" {}.{}", hashes(description.pre), hashes(description.post + 4))
}

/// to_char(numeric, template), and of integers. An empty template gives nothing.
pub fn numeric_to_char(value: &Numeric, template: &str) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(Some(String::new()));
    }
    let (items, mut description) = prepare(template)?;
    if description.exponent {
        return Ok(Some(match value {
            Numeric::Finite(_) => scientific(value, description.post)?,
            _ => scientific_overflow(&description),
        }));
    }
    if description.roman {
        let number = value.round(0)?.to_i32()?;
        return write_roman(&items, description, number).map(Some);
    }
    let mut value = value.clone();
    if description.shifted {
        value = value.mul(&Numeric::from(10).power(&Numeric::from(description.shift as i64))?)?;
        description.pre += description.shift;
    }
    let digits = digits_of(&value.round(description.post as i32)?.to_string(), &description);
    Writer::new(&items, description, digits).run().map(Some)
}

/// "-1.23e+05" with so many digits after the point, a blank in place of a plus (numeric_out_sci).
fn scientific(value: &Numeric, digits: usize) -> Result<String> {
    let text = value.abs().to_string();
    let significant = text.replace('.', "");
    let whole = text.find('.').unwrap_or(text.len()) as i64;
    let exponent = match significant.find(|c| c != '0') {
        Some(first) => whole - first as i64 - 1,
        None => 0,
    };
    // Rounding may give a mantissa of 10: PostgreSQL leaves it so. Moving the point through the text is exact.
    let mantissa = Numeric::parse(&format!("{text}e{}", -exponent))?.round(digits as i32)?;
    let sign = if value.signum() < 0 { '-' } else { ' ' };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs()))
}

/// to_char(float8, template).
pub fn float8_to_char(value: f64, template: &str) -> Result<Option<String>> {
    float_to_char(value, template, 15)
}

/// to_char(float4, template).
pub fn float4_to_char(value: f32, template: &str) -> Result<Option<String>> {
    float_to_char(f64::from(value), template, 6)
}

fn float_to_char(value: f64, template: &str, significant: usize) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(Some(String::new()));
    }
    let (items, mut description) = prepare(template)?;
    if description.exponent {
        return Ok(Some(if value.is_finite() {
            let text = format!("{value:.*e}", description.post.min(MOST_DIGITS));
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if value.is_sign_negative() { "" } else { " " };
            let exponent_sign = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.unsigned_abs())
        } else {
            scientific_overflow(&description)
        }));
    }
    if description.roman {
        // NaN and the infinities have no Roman numeral, which is no error.
        let rounded = if value.is_finite() { value.round_ties_even() } else { 0.0 };
        if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded) {
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"));
        }
        return write_roman(&items, description, rounded as i32).map(Some);
    }
    let mut value = value;
    if description.shifted {
        value *= 10f64.powi(description.shift as i32);
        description.pre += description.shift;
    }
    // A float has no more digits than its precision; "Infinity" counts as eight.
    let whole = if value.is_infinite() { "Infinity".len() } else { format!("{:.0}", value.abs()).len() };
    if whole >= significant {
        description.post = 0;
    } else if whole + description.post > significant {
        description.post = significant - whole;
    }
    if !value.is_finite() {
        let text = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        let digits = digits_of(text, &description);
        return Writer::new(&items, description, digits).run().map(Some);
    }
    let digits = digits_of(&format!("{value:.*}", description.post.min(MOST_DIGITS)), &description);
    Writer::new(&items, description, digits).run().map(Some)
}

fn roman(number: i32) -> String {
    const PARTS: [(i32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&number) {
        return "#".repeat(15);
    }
    let mut rest = number;
    let mut text = String::new();
    for (value, letters) in PARTS {
        while rest >= value {
            text.push_str(letters);
            rest -= value;
        }
    }
    text
}

fn write_roman(items: &[Item<Key>], description: Description, number: i32) -> Result<String> {
    let kept = Description { roman: true, fill: description.fill, ..Description::default() };
    let digits = Digits { text: roman(number), negative: false, blanks: 0 };
    Writer::new(items, kept, digits).run()
}

/// Writes a number along its template (the to_char half of NUM_processor).
struct Writer<'i> {
    items: &'i [Item<Key>],
    description: Description,
    digits: Vec<u8>,
    /// The digit that is next.
    at: usize,
    negative: bool,
    blanks: usize,
    /// The template's digit positions passed.
    position: usize,
    /// The last of the digit positions; -1 if there are none.
    last_position: isize,
    sign_written: bool,
    digit_written: bool,
    /// In fill mode: the last digit after the point that is not a zero to be left out.
    last_relevant: Option<usize>,
    out: String,
    /// Where the text is cut off.
    end: Option<usize>,
}

impl<'i> Writer<'i> {
    fn new(items: &'i [Item<Key>], mut description: Description, digits: Digits) -> Self {
        let negative = digits.negative;
        let sign_written = if description.plus || description.minus {
            // MI, PL and SG write it themselves; PL alone leaves a minus to the number.
            description.minus
        } else {
            if !negative && description.fill {
                description.brackets = false;
            }
            if description.sign == Some(SignPlace::Before) && description.pre == description.pre_sign {
                description.sign = Some(SignPlace::After);
            }
            !negative && description.fill && description.sign.is_none()
        };
        let text = digits.text.into_bytes();
        let mut writer = Writer {
            items,
            last_position: (description.post + description.pre) as isize - 1,
            description,
            digits: text,
            at: 0,
            negative,
            blanks: digits.blanks,
            position: 0,
            sign_written,
            digit_written: false,
            last_relevant: None,
            out: String::new(),
            end: None,
        };
        if writer.description.fill && writer.description.decimal {
            writer.last_relevant = writer.find_last_relevant();
        }
        if !sign_written && writer.blanks == 0 {
            writer.last_position += 1;
        }
        writer
    }

    fn find_last_relevant(&self) -> Option<usize> {
        let point = self.digits.iter().position(|b| *b == b'.')?;
        let last = self.digits.iter().rposition(|b| *b != b'0').map_or(point, |at| at.max(point));
        // Digits at a '0' of the template stay.
        if self.description.zero_end > self.blanks {
            let zero = (self.description.zero_end - self.blanks).min(self.digits.len().saturating_sub(1));
            return Some(last.max(zero));
        }
        Some(last)
    }

    fn digit(&self) -> Option<u8> {
        self.digits.get(self.at).copied()
    }

    /// Whether what is shown of the number ends with its point.
    fn ends_at_point(&self) -> bool {
        self.last_relevant.is_some_and(|last| self.digits.get(last) == Some(&b'.'))
    }

    /// The zero before the point of "0.1", which "9.9" shows as a blank.
    fn is_zero_before_point(&self) -> bool {
        !self.description.zero && self.at == 0 && self.digits.first() == Some(&b'0') && self.description.post != 0
    }

    fn sign(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    fn run(mut self) -> Result<String> {
        for (node, character) in self.items {
            match node {
                Node::Pattern { key, .. } => self.pattern(*key)?,
                _ => self.out.push(*character),
            }
        }
        self.out.truncate(self.end.unwrap_or(self.out.len()));
        Ok(self.out)
    }

    fn pattern(&mut self, key: Key) -> Result<()> {
        let fill = self.description.fill;
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::Decimal => self.number_part(key),
            Key::Comma | Key::Group => {
                if self.digit_written {
                    self.out.push(',');
                } else if !fill {
                    self.out.push(' ');
                }
            }
            Key::Currency => self.out.push(' '),
            Key::Roman { upper } => {
                let text = String::from_utf8_lossy(&self.digits).into_owned();
                let text = if upper { text } else { text.to_ascii_lowercase() };
                self.out.push_str(&if fill { text } else { format!("{text:>15}") });
            }
            Key::Ordinal(case) => {
                let hashes = self.digits.first() == Some(&b'#');
                if !self.description.roman && !hashes && !self.negative && !self.description.decimal {
                    let number = String::from_utf8_lossy(&self.digits);
                    if !number.ends_with(|c: char| c.is_ascii_digit()) {
                        let message = format!("\"{number}\" is not a number");
                        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
                    }
                    self.out.push_str(ordinal_suffix(&number, case));
                }
            }
            Key::Minus if self.negative => self.out.push('-'),
            Key::Plus if !self.negative => self.out.push('+'),
            Key::Minus | Key::Plus => self.out.push_str(if fill { "" } else { " " }),
            Key::SignHere => self.out.push(self.sign()),
            _ => {}
        }
        Ok(())
    }

    /// One digit position or the point (NUM_numpart_to_char).
    fn number_part(&mut self, key: Key) {
        if self.description.roman {
            return;
        }
        self.digit_written = false;
        self.write_sign_before();
        let (zero, zero_start) = (self.description.zero, self.description.zero_start);
        if self.position < self.blanks && (!zero || zero_start > self.position) {
            if !self.description.fill {
                self.out.push(' ');
            }
        } else if self.position < self.blanks {
            self.out.push('0');
            self.digit_written = true;
        } else {
            self.write_digit(key);
            if self.at < self.digits.len() {
                self.at += 1;
            }
        }
        let extra = isize::from(self.blanks > 0) + isize::from(self.description.decimal);
        let mut end = self.last_position + extra;
        if self.last_relevant.is_some_and(|last| last == self.at) {
            end = self.position as isize;
        }
        if self.position as isize + 1 == end {
            self.write_sign_after();
        }
        self.position += 1;
    }

    fn write_sign_before(&mut self) {
        let d = &self.description;
        let starts = self.position >= self.blanks || (d.zero && d.zero_start == self.position);
        if self.sign_written || !starts || (self.is_zero_before_point() && !self.ends_at_point()) {
            return;
        }
        match d.sign {
            Some(SignPlace::Before) => self.out.push(self.sign()),
            Some(SignPlace::After) => return,
            None if d.brackets => self.out.push(if self.negative { '<' } else { ' ' }),
            None if self.negative => self.out.push('-'),
            None => self.out.push_str(if d.fill { "" } else { " " }),
        }
        self.sign_written = true;
    }

    fn write_sign_after(&mut self) {
        if self.sign_written && self.description.brackets {
            self.out.push(if self.negative { '>' } else { ' ' });
        } else if self.description.sign == Some(SignPlace::After) {
            self.out.push(self.sign());
        }
    }

    fn write_digit(&mut self, key: Key) {
        match self.digit() {
            Some(b'.') => {
                if !self.ends_at_point() || self.description.fill {
                    self.out.push('.');
                }
            }
            _ if self.last_relevant.is_some_and(|last| self.at > last) && key != Key::Zero => {}
            _ if self.is_zero_before_point() => {
                if !self.description.fill {
                    self.out.push(' ');
                } else if self.ends_at_point() {
                    self.out.push('0');
                }
            }
            Some(digit) => {
                self.out.push(char::from(digit));
                self.digit_written = true;
            }
            // Nothing is left of the number (NaN, or a float shortened to its precision): here the text ends.
            None => {
                self.digit_written = true;
                self.end.get_or_insert(self.out.len());
            }
        }
    }
}
