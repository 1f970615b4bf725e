//! LIKE, ILIKE and SIMILAR TO.
//!
//! Specification: functions-matching.html; errors as in like.c.

use super::strings::lower;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// The functions of this area.
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_like", 2, |a| like(a, false)),
    Definition::pure("pg_like", 3, |a| like(a, false)),
    Definition::pure("pg_bytea_like", 2, bytea_like),
    Definition::pure("pg_bytea_like", 3, bytea_like),
    Definition::pure("pg_ilike", 2, |a| like(a, true)),
    Definition::pure("pg_ilike", 3, |a| like(a, true)),
    Definition::pure("pg_like_escape", 2, like_escape),
];

/// The third argument, if there is one: a single character, or empty for none.
pub(super) fn escape_character(args: &Args<'_>) -> Result<Option<char>> {
    if args.len() < 3 {
        return Ok(Some('\\'));
    }
    let text = args.text(2)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (first, None) => Ok(first),
        _ => Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .with_hint("Escape string must be empty or one character.")),
    }
}

fn like(args: &Args<'_>, ignore_case: bool) -> Result<Output> {
    let (text, pattern) = (args.text(0)?, args.text(1)?);
    let escape = escape_character(args)?;
    if ignore_case {
        let text: String = text.chars().map(lower).collect();
        let pattern: String = pattern.chars().map(lower).collect();
        return Ok(matches(&text, &pattern, escape.map(lower))?.into());
    }
    Ok(matches(&text, &pattern, escape)?.into())
}

/// like_escape(pattern, escape): the pattern with a backslash for the escape character.
fn like_escape(args: &Args<'_>) -> Result<Output> {
    let (pattern, escape) = (args.text(0)?, args.text(1)?);
    let mut characters = escape.chars();
    let escape = match (characters.next(), characters.next()) {
        (Some('\\'), None) => return Ok(Output::Argument(0)),
        (escape, None) => escape,
        _ => {
            return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
    };
    crate::limits::memory::room(pattern.len(), pattern.len())?;
    let mut out = String::with_capacity(pattern.len());
    let mut after_escape = false;
    for c in pattern.chars() {
        if Some(c) == escape && !after_escape {
            out.push('\\');
            after_escape = true;
            continue;
        }
        if c == '\\' && !after_escape {
            out.push('\\');
        }
        out.push(c);
        after_escape = false;
    }
    Ok(out.into())
}

/// Byte by byte.
fn bytea_like(args: &Args<'_>) -> Result<Output> {
    let text = |index: usize| Ok::<String, Error>(args.bytes(index)?.iter().copied().map(char::from).collect());
    let escape = if args.len() < 3 { Some('\\') } else { text(2)?.chars().next() };
    Ok(matches(&text(0)?, &text(1)?, escape)?.into())
}

/// What one step costs.
const STEP: usize = 8;

/// One step of a pattern, and what follows it.
enum Step<'p> {
    End,
    AnyText(&'p str),
    AnyCharacter(&'p str),
    Character(char, &'p str),
}

fn step(pattern: &str, escape: Option<char>) -> Result<Step<'_>> {
    let mut characters = pattern.chars();
    Ok(match characters.next() {
        None => Step::End,
        Some(c) if Some(c) == escape => match characters.next() {
            Some(literal) => Step::Character(literal, characters.as_str()),
            None => {
                return Err(Error::new(
                    SqlState::INVALID_ESCAPE_SEQUENCE,
                    "LIKE pattern must not end with escape character",
                ));
            }
        },
        Some('%') => Step::AnyText(characters.as_str()),
        Some('_') => Step::AnyCharacter(characters.as_str()),
        Some(c) => Step::Character(c, characters.as_str()),
    })
}

/// Where a text can begin to match the pattern at the earliest.
fn seek<'t>(text: &'t str, pattern: &str, escape: Option<char>) -> Result<Option<&'t str>> {
    let Step::Character(c, _) = step(pattern, escape)? else { return Ok(Some(text)) };
    limits::work(text.len() / STEP)?;
    Ok(text.find(c).and_then(|at| text.get(at..)))
}

/// Matches greedily, going back only to the last `%`: nothing before it can need another choice.
fn matches(text: &str, pattern: &str, escape: Option<char>) -> Result<bool> {
    let (mut text, mut pattern) = (text, pattern);
    let mut retry: Option<(&str, &str)> = None;
    loop {
        limits::work(STEP)?;
        if text.is_empty() {
            // What is left is not looked at further, so it is no error, either.
            return Ok(pattern.chars().all(|c| c == '%' && escape != Some('%')));
        }
        let mut characters = text.chars();
        let advanced = match step(pattern, escape)? {
            Step::AnyText(rest) => {
                if rest.is_empty() {
                    return Ok(true);
                }
                let Some(found) = seek(text, rest, escape)? else { return Ok(false) };
                retry = Some((found, rest));
                (text, pattern) = (found, rest);
                continue;
            }
            Step::AnyCharacter(rest) if characters.next().is_some() => Some(rest),
            Step::Character(c, rest) if characters.next() == Some(c) => Some(rest),
            _ => None,
        };
        if let Some(rest) = advanced {
            (text, pattern) = (characters.as_str(), rest);
            continue;
        }
        let Some((tried, after)) = retry else { return Ok(false) };
        let mut remaining = tried.chars();
        if remaining.next().is_none() {
            return Ok(false);
        }
        let Some(found) = seek(remaining.as_str(), after, escape)? else { return Ok(false) };
        (text, pattern) = (found, after);
        retry = Some((text, after));
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn like_as_postgresql_has_it() {
        assert_values(&[
            ("pg_like('abc', 'a%')", "1"),
            ("pg_like('abc', 'A%')", "0"),
            ("pg_ilike('aBÉ', 'AbÉ')", "1"),
            ("pg_like('abc', '_b_')", "1"),
            ("pg_like('a%c', 'a\\%c')", "1"),
            ("pg_like('abc', 'a\\%c')", "0"),
            ("pg_like('a%c', 'a!%c', '!')", "1"),
            ("pg_like('abcbcd', 'a%bc%d')", "1"),
            ("pg_like('', '%')", "1"),
            ("pg_like('', '')", "1"),
            ("pg_like('', '%%')", "1"),
            ("pg_like('', '%a')", "0"),
            ("pg_like('abc', '%c\\')", "0"),
            ("pg_like('', '%\\')", "0"),
            ("pg_like('abc', '%\\')", "22025 LIKE pattern must not end with escape character"),
            ("pg_like('aXbXc', '%X_')", "1"),
            ("pg_like('aXbXc', '%X_X%c')", "1"),
            ("pg_like('aXbXc', '%X_Y%')", "0"),
            ("pg_like('éaéb', '%é_')", "1"),
            ("pg_like('a%b', '%\\%b')", "1"),
            ("pg_like('aab', '%ab')", "1"),
            ("pg_like('ab', '%_b')", "1"),
            ("pg_like('ab', '%__b')", "0"),
            ("pg_like('x', '')", "0"),
            ("pg_like('abc', 'ab\\')", "22025 LIKE pattern must not end with escape character"),
            ("pg_like('abc', 'abc\\')", "0"),
            ("pg_like('a', 'b', 'xy')", "22025 invalid escape string"),
            ("pg_like(NULL, '%')", "NULL"),
        ]);
    }
}
