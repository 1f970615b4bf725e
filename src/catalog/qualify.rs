//! The catalog's texts as another search path needs them: it keeps names of schema public bare, and where public is
//! not searched they are written with it.
//!
//! Owns: [`qualified`], [`relations_in`]. Must not know: how texts came to be. The texts are the catalog's own canonical
//! expressions and views' queries, so a name's place among its neighbours tells what it names.

use std::borrow::Cow;

use crate::catalog::definitions::{Names, quote_identifier};

/// The schema whose names are kept bare.
const BARE: &str = "public";

/// The text with the names of schema public qualified, if the search path leaves it out.
pub fn qualified<'t>(text: &'t str, names: &Names<'_>) -> Cow<'t, str> {
    if names.search_path.iter().any(|s| s == BARE) {
        return Cow::Borrowed(text);
    }
    let tokens = tokens(text);
    let mut out = String::with_capacity(text.len() + 16);
    for (at, token) in tokens.iter().enumerate() {
        out.push_str(token.blanks);
        let before = at.checked_sub(1).and_then(|b| tokens.get(b)).map_or("", |t| t.text);
        let name = unquoted(token.text);
        let is_type = before == "::" && names.catalog.type_names.contains_key(&(BARE.to_owned(), name.clone()));
        if is_type || (introduces_table(&tokens, at) && names.catalog.relation(BARE, &name).is_some()) {
            out.push_str(BARE);
            out.push('.');
        }
        match relation_constant(&tokens, at).filter(|name| names.catalog.relation(BARE, name).is_some()) {
            Some(name) => out.push_str(&format!("'{BARE}.{}'", quote_identifier(&name))),
            None => out.push_str(token.text),
        }
    }
    Cow::Owned(out)
}

/// The relations a query reads, by the names that stand where tables do: (schema if written, name).
pub fn relations_in(query: &str) -> Vec<(Option<String>, String)> {
    let tokens = tokens(query);
    let places = (0..tokens.len()).filter(|&at| introduces_table(&tokens, at));
    places
        .filter_map(|at| tokens.get(at))
        .map(|token| match token.text.split_once('.') {
            Some((schema, name)) => (Some(unquoted(schema)), unquoted(name)),
            None => (None, unquoted(token.text)),
        })
        .collect()
}

/// Whether the token stands where a table's name does: behind FROM or JOIN, or behind a comma of a FROM list.
fn introduces_table(tokens: &[Token<'_>], at: usize) -> bool {
    let word = |n: usize| tokens.get(n).map_or(String::new(), |t| t.text.to_ascii_uppercase());
    let Some(before) = at.checked_sub(1) else { return false };
    match word(before).as_str() {
        "FROM" | "JOIN" | "ONLY" => true,
        "," => {
            // Back over the names of the list to the word that opens it.
            let mut words = (0..before).rev().map(word);
            words.find(|w| is_clause(w)).is_some_and(|w| w == "FROM")
        }
        _ => false,
    }
}

fn is_clause(word: &str) -> bool {
    matches!(word, "SELECT" | "FROM" | "WHERE" | "BY" | "ON" | "HAVING" | "LIMIT" | "(" | ")" | "VALUES" | "USING")
}

/// The name in `'name'::regclass`.
fn relation_constant(tokens: &[Token<'_>], at: usize) -> Option<String> {
    let following = |n: usize| tokens.get(at + n).map(|t| t.text);
    let text = tokens.get(at)?.text;
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (following(1) == Some("::") && following(2) == Some("regclass")).then(|| unquoted(inner))
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

/// A word, a constant, an operator or a bracket, with the blanks before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    blanks: &'a str,
    text: &'a str,
}

/// The tokens of a text.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start();
        let blanks = rest.get(..rest.len() - trimmed.len()).unwrap_or_default();
        let Some(first) = trimmed.chars().next() else { return tokens };
        let (token, after) = trimmed.split_at(token_length(trimmed, first));
        tokens.push(Token { blanks, text: token });
        rest = after;
    }
}

fn token_length(text: &str, first: char) -> usize {
    let run = |accepts: fn(char) -> bool| text.find(|c| !accepts(c)).unwrap_or(text.len());
    match first {
        '\'' | '"' => quoted_length(text, first),
        '(' | ')' | ',' | '[' | ']' => 1,
        c if is_word(c) => run(is_word),
        c if is_operator(c) => run(is_operator),
        c => c.len_utf8(),
    }
}

/// A constant or a quoted name; a doubled quote is part of it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = text.get(at..).and_then(|rest| rest.find(quote)) {
        at += end + 1;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return at;
        }
        at += 1;
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.' || c == '$'
}

fn is_operator(c: char) -> bool {
    "+-*/<>=~!@#%^&|`?:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tables::sample::sample;

    #[test]
    fn names_of_public_get_their_schema_when_it_is_not_searched() {
        let catalog = sample().0;
        let names = Names { catalog: &catalog, search_path: &["pg_catalog".to_owned()] };
        for (text, expected) in [
            ("'ok'::mood", "'ok'::public.mood"),
            ("'ok'::text", "'ok'::text"),
            ("nextval('people_id_seq'::regclass)", "nextval('public.people_id_seq'::regclass)"),
            ("SELECT people.id FROM people", "SELECT people.id FROM public.people"),
            (
                "SELECT p.id FROM people p, visits v WHERE p.id IN (1, people)",
                "SELECT p.id FROM public.people p, public.visits v WHERE p.id IN (1, people)",
            ),
        ] {
            assert_eq!(qualified(text, &names), expected);
        }
        let searched = Names { catalog: &catalog, search_path: &["public".to_owned()] };
        assert_eq!(qualified("'ok'::mood", &searched), "'ok'::mood");
    }
}
