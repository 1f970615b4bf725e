//! Functions that put values of any type into text: concat, format, quote_literal.
//!
//! Specification: functions-string.html; errors as in varlena.c.

use super::elements::Typed;
use super::strings::quote_literal;
use super::{Args, Definition, Output};
use crate::catalog::definitions::quote_identifier;
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::pg_type::{Repr, Scalar};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::stable("pg_any_concat", 3, any_concat),
    Definition::stable("pg_concat", -1, concat).called_on_null(),
    Definition::stable("pg_concat_ws", -1, concat_ws).called_on_null(),
    Definition::stable("pg_format", -1, format).called_on_null(),
    Definition::stable("pg_quote_literal_any", 2, |a| Ok(quote_literal(&cast_to_text(&Typed::new(a)?, 0)?).into())),
    Definition::stable("pg_quote_nullable_any", 2, quote_nullable).called_on_null(),
];

/// The text forms of the arguments from `first` on that are not NULL. A boolean is t or f.
fn texts(typed: &Typed<'_, '_>, first: usize) -> Result<Vec<String>> {
    (first..typed.len()).filter(|index| !typed.is_null(*index)).map(|index| typed.text(index)).collect()
}

/// The operator || with text on one side: the other is cast to text.
fn any_concat(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    let (left, right) = (cast_to_text(&typed, 0)?, cast_to_text(&typed, 1)?);
    memory::room(left.len(), right.len())?;
    Ok((left + &right).into())
}

/// What a cast to text gives; a boolean is written out there, and a char(n) loses its padding.
fn cast_to_text(typed: &Typed<'_, '_>, index: usize) -> Result<String> {
    let text = typed.text(index)?;
    Ok(match (typed.type_of(index)?.repr, text.as_str()) {
        (Repr { scalar: Scalar::Bool, array_of: None }, "t") => "true".to_owned(),
        (Repr { scalar: Scalar::Bool, array_of: None }, _) => "false".to_owned(),
        (Repr { scalar: Scalar::BpChar, array_of: None }, text) => text.trim_end_matches(' ').to_owned(),
        _ => text,
    })
}

fn joined(texts: &[String], separator: &str) -> Result<Output> {
    memory::room(0, texts.iter().map(|text| text.len() + separator.len()).sum())?;
    Ok(texts.join(separator).into())
}

fn concat(args: &Args<'_>) -> Result<Output> {
    joined(&texts(&Typed::new(args)?, 0)?, "")
}

fn concat_ws(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    joined(&texts(&typed, 1)?, &typed.text(0)?)
}

fn quote_nullable(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    Ok(if typed.is_null(0) { Output::Static("NULL") } else { quote_literal(&cast_to_text(&typed, 0)?).into() })
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// One %-specifier: %[position$][flags][width]type.
#[derive(Default)]
struct Specifier {
    position: Option<usize>,
    left: bool,
    width: Option<Width>,
    kind: char,
}

/// A width that is written, or that is an argument: the next one or the n-th.
#[derive(Clone, Copy)]
enum Width {
    Fixed(i64),
    Argument(Option<usize>),
}

/// format(text, …)
fn format(args: &Args<'_>) -> Result<Output> {
    let typed = Typed::new(args)?;
    if typed.is_null(0) {
        return Ok(Output::NULL);
    }
    let template = typed.text(0)?;
    let mut out = String::with_capacity(template.len());
    let mut rest = template.as_str();
    let mut next_argument = 1;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(literal) = after.strip_prefix('%') {
            out.push('%');
            rest = literal;
            continue;
        }
        let (specifier, after) = parse_specifier(after)?;
        rest = after;
        let (mut width, mut left) = (0, specifier.left);
        match specifier.width {
            Some(Width::Fixed(fixed)) => width = fixed,
            Some(Width::Argument(position)) => {
                let index = take_argument(position, &mut next_argument, &typed)?;
                width = if typed.is_null(index) { 0 } else { int_argument(&typed, index)? };
            }
            None => {}
        }
        left |= width < 0;
        let index = take_argument(specifier.position, &mut next_argument, &typed)?;
        let text = conversion(&typed, index, specifier.kind)?;
        let padding = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        memory::room(out.len(), text.len().max(padding))?;
        limits::begin(text.len().max(padding))?;
        push_padded(&text, width.unsigned_abs() as usize, left, &mut out);
    }
    out.push_str(rest);
    Ok(out.into())
}

fn int_argument(typed: &Typed<'_, '_>, index: usize) -> Result<i64> {
    let text = typed.text(index)?;
    text.parse().map_err(|_| {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type integer: \"{text}\""))
    })
}

fn take_argument(position: Option<usize>, next: &mut usize, typed: &Typed<'_, '_>) -> Result<usize> {
    let index = position.unwrap_or(*next);
    *next = index + 1;
    if index >= typed.len() { Err(invalid("too few arguments for format()")) } else { Ok(index) }
}

/// Digits at the start of the text, as a number.
fn number(text: &str) -> Result<(Option<i64>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let value = digits
        .parse::<i32>()
        .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range"))?;
    Ok((Some(value.into()), rest))
}

fn position(number: i64) -> Result<usize> {
    match usize::try_from(number) {
        Ok(position) if position > 0 => Ok(position),
        _ => Err(invalid("format specifies argument 0, but arguments are numbered from 1")),
    }
}

fn parse_specifier(text: &str) -> Result<(Specifier, &str)> {
    let unterminated = || invalid("unterminated format() type specifier").with_hint("For a single \"%\" use \"%%\".");
    let mut specifier = Specifier::default();
    let (first, mut rest) = number(text)?;
    match (first, rest.strip_prefix('$')) {
        (Some(number), Some(after)) => {
            specifier.position = Some(position(number)?);
            rest = after;
        }
        (Some(number), None) => specifier.width = Some(Width::Fixed(number)),
        _ => {}
    }
    if specifier.width.is_none() {
        while let Some(after) = rest.strip_prefix('-') {
            specifier.left = true;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('*') {
            let (index, after) = number(after)?;
            specifier.width = Some(Width::Argument(index.map(position).transpose()?));
            rest = match index {
                Some(_) => {
                    after.strip_prefix('$').ok_or_else(|| invalid("width argument position must be ended by \"$\""))?
                }
                None => after,
            };
        } else {
            let (width, after) = number(rest)?;
            specifier.width = width.map(Width::Fixed);
            rest = after;
        }
    }
    let mut characters = rest.chars();
    specifier.kind = characters.next().ok_or_else(unterminated)?;
    if !matches!(specifier.kind, 's' | 'I' | 'L') {
        return Err(invalid(format!("unrecognized format() type specifier \"{}\"", specifier.kind))
            .with_hint("For a single \"%\" use \"%%\"."));
    }
    Ok((specifier, characters.as_str()))
}

fn conversion(typed: &Typed<'_, '_>, index: usize, kind: char) -> Result<String> {
    match (kind, typed.is_null(index)) {
        ('s', true) => Ok(String::new()),
        ('L', true) => Ok("NULL".to_owned()),
        (_, true) => {
            Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier"))
        }
        ('I', _) => Ok(quote_identifier(&typed.text(index)?)),
        ('L', _) => Ok(quote_literal(&typed.text(index)?)),
        _ => typed.text(index),
    }
}

fn push_padded(text: &str, width: usize, left: bool, out: &mut String) {
    let missing = width.saturating_sub(text.chars().count());
    let padding = std::iter::repeat_n(' ', missing);
    if left {
        out.push_str(text);
        out.extend(padding);
    } else {
        out.extend(padding);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn values_become_text() {
        assert_values(&[
            ("pg_any_concat('text,bool', 'a', 1)", "atrue"),
            ("pg_concat('text,text,text', 'a', NULL, 'b')", "ab"),
            ("pg_concat_ws('text,text,text,text', ', ', 'a', NULL, 'b')", "a, b"),
            ("pg_format('text,text,text', 'Hello %s, %%, %1$s', 'World', 'x')", "Hello World, %, World"),
            (
                "pg_format('text,text,text', 'INSERT INTO %I VALUES(%L)', 'Foo bar', 'O''Reilly')",
                "INSERT INTO \"Foo bar\" VALUES('O''Reilly')",
            ),
            ("pg_format('text,text', '|%10s|', 'foo')", "|       foo|"),
            ("pg_format('text,text', '|%-10s|', 'foo')", "|foo       |"),
            ("pg_format('text,text', '%s and %s', 'x')", "22023 too few arguments for format()"),
            ("pg_format('text,text', '%d', 'x')", "22023 unrecognized format() type specifier \"d\""),
        ]);
    }
}
