//! lower(), upper() and initcap() under a collation of ICU: by Unicode's full mappings, in which ß has two capitals, and by
//! the rules of the language.
//!
//! Specification: u_strToLower, u_strToUpper and u_strToTitle of ICU; SpecialCasing.txt.

use super::{Args, Definition, Output};
use crate::error::{Error, Result};
use crate::limits::session as limits;

pub(super) static FUNCTIONS: &[Definition] = &[Definition::pure("pg_locale_case", 3, locale_case)];

fn locale_case(args: &Args<'_>) -> Result<Output> {
    let (function, locale, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
    limits::work(text.len())?;
    let language = locale.split(['-', '_', '@']).next().unwrap_or_default().to_ascii_lowercase();
    let is_plain = text.is_ascii() && !matches!(language.as_str(), "tr" | "az" | "nl");
    let refused = match (language.as_str(), &*function) {
        _ if is_plain => false,
        ("lt", _) => true,
        ("el", function) => function != "pg_lower",
        _ => false,
    };
    if refused {
        let name = function.trim_start_matches("pg_");
        return Err(Error::unsupported(format!("{name}() by the rules of the locale \"{locale}\"")));
    }
    Ok(match &*function {
        "pg_lower" => lower(&text, &language),
        "pg_upper" => upper(&text, &language),
        _ => title(&text, &language),
    }
    .into())
}

fn is_turkic(language: &str) -> bool {
    matches!(language, "tr" | "az")
}

fn lower(text: &str, language: &str) -> String {
    match is_turkic(language) {
        true => text.replace("I\u{307}", "i").replace('İ', "i").replace('I', "ı").to_lowercase(),
        false => text.to_lowercase(),
    }
}

fn upper(text: &str, language: &str) -> String {
    match is_turkic(language) {
        true => text.replace('i', "İ").to_uppercase(),
        false => text.to_uppercase(),
    }
}

/// The letters that have a third form, between the small and the capital one.
const DIGRAPHS: &[(&str, char)] = &[("Ǆǅǆ", 'ǅ'), ("Ǉǈǉ", 'ǈ'), ("Ǌǋǌ", 'ǋ'), ("Ǳǲǳ", 'ǲ')];

fn title(text: &str, language: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let characters: Vec<char> = text.chars().collect();
    for (at, c) in characters.iter().enumerate() {
        let next = characters.get(at + 1);
        // What stands within a word (MidLetter, MidNumLet and Extend of word breaks).
        let joins =
            !word.is_empty() && matches!(c, '\'' | '’' | '.' | ':' | '·') && next.is_some_and(|c| c.is_alphabetic());
        let extends = matches!(c, '_' | '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200d}');
        if c.is_alphanumeric() || joins || extends {
            word.push(*c);
        } else {
            title_word(&word, language, &mut out);
            word.clear();
            out.push(*c);
        }
    }
    title_word(&word, language, &mut out);
    out
}

/// The first letter or number large, the rest small.
fn title_word(word: &str, language: &str, out: &mut String) {
    let Some(first) = word.chars().next() else { return };
    let rest = word.get(first.len_utf8()..).unwrap_or_default();
    if language == "nl" && matches!(first, 'i' | 'I') && rest.starts_with(['j', 'J']) {
        out.push_str("IJ");
        out.push_str(&lower(rest.get(1..).unwrap_or_default(), language));
        return;
    }
    if let Some((_, digraph)) = DIGRAPHS.iter().find(|(forms, _)| forms.contains(first)) {
        out.push(*digraph);
    } else {
        let capital = upper(first.encode_utf8(&mut [0; 4]), language);
        let mut letters = capital.chars();
        out.extend(letters.next());
        // ß gives Ss.
        out.push_str(&lower(letters.as_str(), language));
    }
    out.push_str(&lower(rest, language));
}
