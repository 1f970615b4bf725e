//! Templates of to_char(), to_date(), to_timestamp() and to_number(): split into patterns and literal characters.
//!
//! Owns: [`parse`], [`Node`]. The keywords are those of `types::datetime_template` and `types::number_template`.
//! Specification: functions-formatting.html; parse_format in PostgreSQL 15's formatting.c.

use crate::error::{Error, Result, SqlState};
use crate::limits::session as limits;

/// What it costs to try the keywords at one place.
const KEYWORDS_TRIED: usize = 256;

/// One part of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node<K> {
    Pattern { key: K, modifiers: Modifiers },
    Separator,
    Space,
    Character,
}

/// What stands before and after a date pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    /// FM: no padding.
    pub(super) fill: bool,
    /// TM: localized names.
    pub(super) translated: bool,
    /// TH, th: the ordinal suffix.
    pub(super) ordinal: Option<OrdinalCase>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrdinalCase {
    Upper,
    Lower,
}

/// A template's node and, for what is not a pattern, its character.
pub(super) type Item<K> = (Node<K>, char);

/// Whether a character of a template or an input separates fields: punctuation.
pub(super) fn is_separator(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_alphanumeric()
}

/// What a template is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// Prefixes and suffixes are understood.
    Date,
    /// The same, but outside of quotes only some characters may separate the fields.
    StandardDate,
}

/// Splits a template. `keywords` are tried in their order.
pub(super) fn parse<K: Copy>(template: &str, keywords: &[(&str, K)], kind: Kind) -> Result<Vec<Item<K>>> {
    let dates = kind != Kind::Number;
    let mut items = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        limits::work(KEYWORDS_TRIED)?;
        let mut modifiers = Modifiers::default();
        if dates {
            rest = take_prefix(rest, &mut modifiers);
        }
        if let Some((name, key)) = keywords.iter().find(|(name, _)| rest.starts_with(name)) {
            rest = rest.get(name.len()..).unwrap_or("");
            if dates {
                rest = take_suffix(rest, &mut modifiers);
            }
            items.push((Node::Pattern { key: *key, modifiers }, '\0'));
            continue;
        }
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = take_quoted(quoted, &mut items);
            continue;
        }
        // Outside quotes a backslash means something only before a quote.
        if kind != Kind::StandardDate && rest.starts_with("\\\"") {
            rest = rest.get(1..).unwrap_or("");
        }
        let mut characters = rest.chars();
        let Some(character) = characters.next() else { break };
        if kind == Kind::StandardDate && !"-./,':; ".contains(character) {
            let message = format!("invalid datetime format separator: \"{character}\"");
            return Err(Error::new(SqlState::INVALID_DATETIME_FORMAT, message));
        }
        let node = if dates && is_separator(character) {
            Node::Separator
        } else if is_space(character) {
            Node::Space
        } else {
            Node::Character
        };
        items.push((node, character));
        rest = characters.as_str();
    }
    Ok(items)
}

/// A blank, as C's isspace has it.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn take_prefix<'t>(text: &'t str, modifiers: &mut Modifiers) -> &'t str {
    for (prefix, fill) in [("FM", true), ("fm", true), ("TM", false), ("tm", false)] {
        if let Some(rest) = text.strip_prefix(prefix) {
            modifiers.fill = fill;
            modifiers.translated = !fill;
            return rest;
        }
    }
    text
}

fn take_suffix<'t>(text: &'t str, modifiers: &mut Modifiers) -> &'t str {
    for (suffix, ordinal) in [("TH", Some(OrdinalCase::Upper)), ("th", Some(OrdinalCase::Lower)), ("SP", None)] {
        if let Some(rest) = text.strip_prefix(suffix) {
            modifiers.ordinal = ordinal;
            return rest;
        }
    }
    text
}

/// The characters of a quoted part, a backslash quoting the next one; gives what follows the closing quote.
fn take_quoted<'t, K>(text: &'t str, items: &mut Vec<Item<K>>) -> &'t str {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some(quoted) => items.push((Node::Character, quoted)),
                None => items.push((Node::Character, '\\')),
            },
            other => items.push((Node::Character, other)),
        }
    }
    characters.as_str()
}

/// "ST", "ND", "RD" or "TH", as the digits before want it.
pub(super) fn ordinal_suffix(digits: &str, case: OrdinalCase) -> &'static str {
    let mut backwards = digits.bytes().rev();
    let last = backwards.next();
    let teen = backwards.next() == Some(b'1');
    let (upper, lower) = match last {
        Some(b'1') if !teen => ("ST", "st"),
        Some(b'2') if !teen => ("ND", "nd"),
        Some(b'3') if !teen => ("RD", "rd"),
        _ => ("TH", "th"),
    };
    if case == OrdinalCase::Upper { upper } else { lower }
}
