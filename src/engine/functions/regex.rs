//! The functions and operators over regular expressions.
//!
//! Patterns are compiled by `pattern` and kept with the statement while they are constant. Specification:
//! functions-matching.html; errors as in regexp.c.

use std::sync::Arc;

use super::like::escape_character;
use super::strings::byte_offset;
use super::{Args, Definition, Output};
use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::limits::session as limits;
use crate::types::pattern::{Groups, Options, Pattern, similar_to_are};

/// The functions of this area.
#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::pure("pg_regex", 2, |a| matches(a, Options::default())),
    Definition::pure("pg_iregex", 2, |a| matches(a, Options::ignoring_case())),
    Definition::pure("pg_similar", 2, similar),
    Definition::pure("pg_similar_escape", 2, |a| similar_escape(a, true)).called_on_null(),
    Definition::pure("pg_similar_to_escape", -1, |a| similar_escape(a, false)),
    Definition::pure("pg_similar", 3, similar),
    Definition::pure("pg_regex_substring", 2, substring),
    Definition::pure("pg_similar_substring", 3, similar_substring),
    Definition::pure("pg_regexp_replace", 3, replace),
    Definition::pure("pg_regexp_replace", 4, replace),
    Definition::pure("pg_regexp_replace_from", 4, replace_from),
    Definition::pure("pg_regexp_replace_from", 5, replace_from),
    Definition::pure("pg_regexp_replace_from", 6, replace_from),
    Definition::pure("pg_regexp_match", 2, first_match),
    Definition::pure("pg_regexp_match", 3, first_match),
    Definition::pure("pg_regexp_split_to_array", 2, split),
    Definition::pure("pg_regexp_split_to_array", 3, split),
    Definition::pure("pg_regexp_like", 2, |a| Ok(compiled(a, options(a, 2, "regexp_like")?)?.is_match(&a.text(0)?)?.into())),
    Definition::pure("pg_regexp_like", 3, |a| Ok(compiled(a, options(a, 2, "regexp_like")?)?.is_match(&a.text(0)?)?.into())),
    Definition::pure("pg_regexp_count", 2, count),
    Definition::pure("pg_regexp_count", 3, count),
    Definition::pure("pg_regexp_count", 4, count),
    Definition::pure("pg_regexp_instr", 2, instr),
    Definition::pure("pg_regexp_instr", 3, instr),
    Definition::pure("pg_regexp_instr", 4, instr),
    Definition::pure("pg_regexp_instr", 5, instr),
    Definition::pure("pg_regexp_instr", 6, instr),
    Definition::pure("pg_regexp_instr", 7, instr),
    Definition::pure("pg_regexp_substr", 2, regexp_substr),
    Definition::pure("pg_regexp_substr", 3, regexp_substr),
    Definition::pure("pg_regexp_substr", 4, regexp_substr),
    Definition::pure("pg_regexp_substr", 5, regexp_substr),
    Definition::pure("pg_regexp_substr", 6, regexp_substr),
];

/// The compiled pattern of argument 1.
fn compiled(args: &Args<'_>, options: Options) -> Result<Arc<Pattern>> {
    args.cached(1, || Pattern::compile(&args.text(1)?, options))
}

fn matches(args: &Args<'_>, options: Options) -> Result<Output> {
    Ok(compiled(args, options)?.is_match(&args.text(0)?)?.into())
}

/// The pattern as an ordinary regular expression. The older function takes NULL for the ordinary escape character.
fn similar_escape(args: &Args<'_>, old: bool) -> Result<Output> {
    if args.is_null(0) {
        return Ok(Output::NULL);
    }
    let escape = match args.len() > 1 && !(old && args.is_null(1)) {
        true => {
            let text = args.text(1)?;
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (first, None) => first,
                _ => {
                    return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                        .with_hint("Escape string must be empty or one character."));
                }
            }
        }
        false => Some('\\'),
    };
    Ok(similar_to_are(&args.text(0)?, escape)?.into())
}

fn similar(args: &Args<'_>) -> Result<Output> {
    let pattern = args.cached(1, || Pattern::similar(&args.text(1)?, escape_character(args)?))?;
    Ok(pattern.is_match(&args.text(0)?)?.into())
}

/// The options in argument `index`; the global one is not for a function that finds one match.
fn options(args: &Args<'_>, index: usize, function: &str) -> Result<Options> {
    let options = Options::parse(&args.text(index)?)?;
    if options.global {
        let error = Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{function}() does not support the \"global\" option"),
        );
        let hint = "Use the regexp_matches function instead.";
        return Err(if function == "regexp_match" { error.with_hint(hint) } else { error });
    }
    Ok(options)
}

/// The text of a group; `None` if it took no part in the match.
fn group<'t>(text: &'t str, groups: &Groups, index: usize) -> Option<&'t str> {
    let (start, end) = groups.get(index).copied().flatten()?;
    text.get(start..end)
}

/// The first group's match, or the whole one's if there is no group.
fn substring(args: &Args<'_>) -> Result<Output> {
    let (text, pattern) = (args.text(0)?, compiled(args, Options::default())?);
    let groups = pattern.find_at(&text, 0)?;
    let index = usize::from(pattern.group_count() > 0);
    Ok(groups.and_then(|groups| group(&text, &groups, index)).into())
}

/// The same of a pattern of SIMILAR TO.
fn similar_substring(args: &Args<'_>) -> Result<Output> {
    let pattern = args.cached(1, || Pattern::similar(&args.text(1)?, escape_character(args)?))?;
    let text = args.text(0)?;
    let groups = pattern.find_at(&text, 0)?;
    let index = usize::from(pattern.group_count() > 0);
    Ok(groups.and_then(|groups| group(&text, &groups, index)).into())
}

/// Where the search from character `start` begins; beyond the text's end it finds nothing.
fn search_start(text: &str, start: i64) -> usize {
    let skipped = usize::try_from(start - 1).unwrap_or(0);
    if skipped > text.chars().count() { text.len() + 1 } else { byte_offset(text, skipped) }
}

/// Replaces the matches from character `start` on: the n-th (from 1), or all for 0.
fn replace_matches(args: &Args<'_>, options: Options, start: i64, nth: i64) -> Result<Output> {
    let (text, replacement) = (args.text(0)?, args.text(2)?);
    let pattern = compiled(args, options)?;
    let from = search_start(&text, start);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let wanted = usize::try_from(nth).unwrap_or(usize::MAX);
    let found = match wanted {
        1 => pattern.find_at(&text, from)?.into_iter().collect(),
        0 => pattern.find_all(&text, from)?,
        _ => pattern.find_up_to(&text, from, wanted)?,
    };
    for (index, groups) in found.iter().enumerate() {
        let Some((begin, end)) = groups.first().copied().flatten() else { continue };
        if wanted != 0 && index + 1 != wanted {
            continue;
        }
        out.push_str(text.get(copied..begin).unwrap_or(""));
        expand(&replacement, &text, groups, &mut out)?;
        copied = end;
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    Ok(out.into())
}

/// Appends a replacement: \1 … \9 are groups, \& the match, \\ a backslash.
fn expand(replacement: &str, text: &str, groups: &Groups, out: &mut String) -> Result<()> {
    memory::room(out.len(), replacement.len())?;
    limits::work(replacement.len())?;
    let mut characters = replacement.chars().peekable();
    while let Some(c) = characters.next() {
        let index = match (c, characters.peek()) {
            ('\\', Some('&')) => Some(0),
            ('\\', Some(digit @ '1'..='9')) => digit.to_digit(10),
            ('\\', Some('\\')) => {
                characters.next();
                None
            }
            _ => None,
        };
        match index {
            Some(index) => {
                characters.next();
                let group = group(text, groups, index as usize).unwrap_or("");
                memory::room(out.len(), group.len())?;
                limits::work(group.len())?;
                out.push_str(group);
            }
            None => out.push(c),
        }
    }
    Ok(())
}

fn replace(args: &Args<'_>) -> Result<Output> {
    let letters = args.text(3)?;
    if letters.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid regular expression option: \"{}\"", letters.get(..1).unwrap_or("")),
        )
        .with_hint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly."));
    }
    let options = Options::parse(&letters)?;
    replace_matches(args, options, 1, if options.global { 0 } else { 1 })
}

/// An int argument with a default, not below `least`.
fn position(args: &Args<'_>, index: usize, default: i64, least: i64, name: &str) -> Result<i64> {
    let value = if args.len() > index { args.int(index)? } else { default };
    if value < least {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{name}\": {value}"),
        ));
    }
    Ok(value)
}

fn replace_from(args: &Args<'_>) -> Result<Output> {
    let start = position(args, 3, 1, 1, "start")?;
    let nth = position(args, 4, 1, 0, "n")?;
    let options = Options::parse(&args.text(5)?)?;
    // The option g is overridden by an explicit n.
    let nth = if options.global && args.len() <= 4 { 0 } else { nth };
    replace_matches(args, options, start, nth)
}

/// The texts of a match as regexp_match gives them: the groups', or the whole one's.
pub(super) fn match_array(text: &str, pattern: &Pattern, groups: &Groups) -> String {
    let shown = if pattern.group_count() > 0 { 1..groups.len() } else { 0..1 };
    let texts: Vec<Option<&str>> = shown.map(|index| group(text, groups, index)).collect();
    array_of_texts(&texts)
}

/// A text[] in stored form.
pub(super) fn array_of_texts<T: serde::Serialize>(texts: &[T]) -> String {
    // Strings and nulls always serialise.
    serde_json::to_string(texts).unwrap_or_default()
}

fn first_match(args: &Args<'_>) -> Result<Output> {
    let (text, pattern) = (args.text(0)?, compiled(args, options(args, 2, "regexp_match")?)?);
    Ok(pattern.find_at(&text, 0)?.map(|groups| match_array(&text, &pattern, &groups)).into())
}

/// The parts between the matches. Matches of nothing at the ends or right behind another match do not separate.
pub(super) fn split_parts<'t>(text: &'t str, pattern: &Pattern) -> Result<Vec<&'t str>> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for groups in pattern.find_all(text, 0)? {
        let Some((start, end)) = groups.first().copied().flatten() else { continue };
        let empty = start == end;
        if empty && (start >= text.len() || end == begin) {
            continue;
        }
        parts.push(text.get(begin..start).unwrap_or(""));
        begin = end;
    }
    parts.push(text.get(begin..).unwrap_or(""));
    Ok(parts)
}

fn split(args: &Args<'_>) -> Result<Output> {
    let (text, pattern) = (args.text(0)?, compiled(args, options(args, 2, "regexp_split_to_array")?)?);
    Ok(array_of_texts(&split_parts(&text, &pattern)?).into())
}

fn count(args: &Args<'_>) -> Result<Output> {
    let start = position(args, 2, 1, 1, "start")?;
    let (text, pattern) = (args.text(0)?, compiled(args, options(args, 3, "regexp_count")?)?);
    let from = search_start(&text, start);
    Ok((pattern.find_all(&text, from)?.len() as i64).into())
}

/// The n-th match from a character on.
fn nth_match(text: &str, pattern: &Pattern, (start, nth): (i64, i64)) -> Result<Option<Groups>> {
    let from = search_start(text, start);
    let nth = usize::try_from(nth).unwrap_or(usize::MAX);
    Ok(pattern.find_up_to(text, from, nth)?.into_iter().nth(nth.saturating_sub(1)))
}

/// Where to begin and which match to take: arguments 2 and 3.
fn start_and_nth(args: &Args<'_>) -> Result<(i64, i64)> {
    Ok((position(args, 2, 1, 1, "start")?, position(args, 3, 1, 1, "n")?))
}

/// The group asked for; a number beyond the last group finds nothing.
fn sub_expression(groups: &Groups, number: i64) -> Option<(usize, usize)> {
    groups.get(usize::try_from(number).ok()?).copied().flatten()
}

fn instr(args: &Args<'_>) -> Result<Output> {
    let place = start_and_nth(args)?;
    let after = position(args, 4, 0, 0, "endoption")?;
    if after > 1 {
        position(args, 4, 0, i64::MAX, "endoption")?;
    }
    let number = position(args, 6, 0, 0, "subexpr")?;
    let (text, pattern) = (args.text(0)?, compiled(args, options(args, 5, "regexp_instr")?)?);
    let found = nth_match(&text, &pattern, place)?.and_then(|groups| sub_expression(&groups, number));
    let at = found.map(|(start, end)| if after == 1 { end } else { start });
    Ok(at.map_or(0, |at| text.get(..at).unwrap_or("").chars().count() as i64 + 1).into())
}

fn regexp_substr(args: &Args<'_>) -> Result<Output> {
    let place = start_and_nth(args)?;
    let number = position(args, 5, 0, 0, "subexpr")?;
    let (text, pattern) = (args.text(0)?, compiled(args, options(args, 4, "regexp_substr")?)?);
    let found = nth_match(&text, &pattern, place)?.and_then(|groups| sub_expression(&groups, number));
    Ok(found.and_then(|(start, end)| text.get(start..end)).into())
}

#[cfg(test)]
mod tests {
    use crate::engine::functions::tests::assert_values;

    #[test]
    fn regular_expression_functions() {
        assert_values(&[
            ("pg_regex('abc', '^a.c$')", "1"),
            ("pg_iregex('ABC', 'b')", "1"),
            ("pg_similar('abc', '%(b|d)%')", "1"),
            ("pg_similar('abc', 'b')", "0"),
            ("pg_regex_substring('foobar', 'o(.)b')", "o"),
            ("pg_regexp_replace('foobarbaz', 'b..', 'X', 'g')", "fooXX"),
            ("pg_regexp_replace('foobarbaz', 'b(..)', 'X\\1Y\\&', 'g')", "fooXarYbarXazYbaz"),
            ("pg_regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 'gi')", "X PXstgrXSQL fXnctXXn"),
            ("pg_regexp_replace_from('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i')", "A PostgrXSQL function"),
            ("pg_regexp_match('foobarbequebaz', '(bar)(beque)')", "[\"bar\",\"beque\"]"),
            ("pg_regexp_match('abc', 'x')", "NULL"),
            ("pg_regexp_match('abc', 'x', 'g')", "22023 regexp_match() does not support the \"global\" option"),
            ("pg_regexp_split_to_array('hello world', '\\s+')", "[\"hello\",\"world\"]"),
            ("pg_regexp_split_to_array('abc', '')", "[\"a\",\"b\",\"c\"]"),
            ("pg_regexp_count('ABCABCAXYaxy', 'A.', 1, 'i')", "4"),
            ("pg_regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2)", "23"),
            ("pg_regexp_substr('foobarbaz', 'b(..)', 1, 2, '', 1)", "az"),
        ]);
    }
}
