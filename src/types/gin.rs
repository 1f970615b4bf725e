//! Inverted indexes: the keys of a value, and which keys it must have for a condition to be true of it.
//!
//! Owns: [`KeyClass`], [`keys`] and [`needed`]. Must not know: where keys are kept and looked up (`engine::postings`).
//! A condition is evaluated of every row that its keys find, so they may find too many, and must never miss one.
//! Specification: gin-builtin-opclasses.html, pgtrgm.html; tsginidx.c, jsonb_gin.c, ginarrayproc.c and trgm_gin.c in
//! PostgreSQL 15.

use std::collections::BTreeSet;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::Result;
use crate::limits::{session as limits, stack};
use crate::types::array::{Element, Part, Reader};
use crate::types::extension::hstore::HStore;
use crate::types::extension::trigram::{Trigram, compact, in_order};
use crate::types::json::{self, JsonValue};
use crate::types::pg_type::{Oid, Repr, Scalar};
use crate::types::text_search::configuration::lower;
use crate::types::text_search::query::{Node, Operator};
use crate::types::text_search::query_parser::{self, Syntax, as_it_is};
use crate::types::text_search::{TsQuery, TsVector};

/// What the keys of an index's column are (an operator class).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyClass {
    /// The lexemes of a tsvector.
    Lexemes,
    /// Names, and values without their place, of a jsonb (jsonb_ops).
    Json,
    /// Values of a jsonb with the names on the way to them (jsonb_path_ops).
    JsonPaths,
    /// The elements of an array; numeric ones by their value.
    Elements,
    Numerics,
    /// The trigrams of a text (pg_trgm).
    Trigrams,
    /// The keys of an hstore, and its keys with their values.
    Pairs,
}

const NAMES: [(KeyClass, &str); 7] = [
    (KeyClass::Lexemes, "lexemes"),
    (KeyClass::Json, "json"),
    (KeyClass::JsonPaths, "json_paths"),
    (KeyClass::Elements, "elements"),
    (KeyClass::Numerics, "numerics"),
    (KeyClass::Trigrams, "trigrams"),
    (KeyClass::Pairs, "pairs"),
];

/// The bytes from which on a key is kept as a hash.
const LONG: usize = 120;

/// The most alternatives that an OR of ANDs is multiplied out to.
const MOST_ALTERNATIVES: usize = 64;

impl KeyClass {
    /// The class of an index's key, by its access method, its operator class if one is named, and its type. What has none
    /// is found by reading the table.
    pub fn of(method: &str, operator_class: Option<&str>, type_oid: Oid, repr: Repr) -> Option<Self> {
        match (method, operator_class) {
            ("gin" | "gist", None | Some("tsvector_ops")) if type_oid == Oid::TSVECTOR => Some(KeyClass::Lexemes),
            ("gin", None | Some("jsonb_ops")) if type_oid == Oid::JSONB => Some(KeyClass::Json),
            ("gin", Some("jsonb_path_ops")) => Some(KeyClass::JsonPaths),
            ("gin", Some("gin_trgm_ops")) | ("gist", Some("gist_trgm_ops"))
                if [Oid::TEXT, Oid::VARCHAR].contains(&type_oid) =>
            {
                Some(KeyClass::Trigrams)
            }
            ("gin" | "gist", None | Some("gin_hstore_ops" | "gist_hstore_ops")) if type_oid == Oid::HSTORE => {
                Some(KeyClass::Pairs)
            }
            ("gin", None | Some("array_ops" | "gin__int_ops")) if repr.array_of.is_some() => match repr.scalar {
                Scalar::Numeric => Some(KeyClass::Numerics),
                // Equal values of these are stored alike.
                Scalar::Bool
                | Scalar::Int2
                | Scalar::Int4
                | Scalar::Int8
                | Scalar::Oid
                | Scalar::Text
                | Scalar::Uuid
                | Scalar::Date
                | Scalar::Time
                | Scalar::Timestamp
                | Scalar::TimestampTz => Some(KeyClass::Elements),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its name in the file and in SQL.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(class, _)| *class == self).map_or("", |(_, name)| name)
    }

    pub fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(class, _)| *class)
    }

    /// The operator by which keys are looked up when this one has the indexed value on its left side, or `commuted` on its
    /// right one.
    pub fn operator(self, operator: &str, commuted: bool) -> Option<&'static str> {
        let known: &[(&str, bool, &'static str)] = match self {
            KeyClass::Lexemes => &[("@@", false, "@@"), ("@@", true, "@@"), ("@@@", false, "@@"), ("@@@", true, "@@")],
            KeyClass::Json | KeyClass::Pairs => {
                &[("@>", false, "@>"), ("<@", true, "@>"), ("?", false, "?"), ("?|", false, "?|"), ("?&", false, "?&")]
            }
            KeyClass::JsonPaths => &[("@>", false, "@>"), ("<@", true, "@>")],
            KeyClass::Elements | KeyClass::Numerics => {
                &[("@>", false, "@>"), ("<@", true, "@>"), ("&&", false, "&&"), ("&&", true, "&&")]
            }
            KeyClass::Trigrams => &[("~~", false, "~~"), ("~~*", false, "~~*"), ("%", false, "%"), ("%", true, "%")],
        };
        known.iter().find(|(name, side, _)| *name == operator && *side == commuted).map(|(_, _, by)| *by)
    }
}

/// A key. Those of one class are all numbers or all texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Number(i64),
    Text(String),
}

/// What a value must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    Key(Key),
    /// A text that begins so.
    Prefix(String),
}

/// Which keys a value must have for a condition to be true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// The keys do not tell.
    Unknown,
    /// No value satisfies the condition.
    Nothing,
    /// Of these alternatives, one of each of so many at least.
    Keys { alternatives: Vec<Vec<Term>>, at_least: usize },
}

impl Needed {
    fn all_of(alternatives: Vec<Vec<Term>>) -> Self {
        match alternatives.len() {
            0 => Needed::Unknown,
            at_least => Needed::Keys { alternatives, at_least },
        }
    }

    fn all(keys: BTreeSet<Key>) -> Self {
        Needed::all_of(keys.into_iter().map(|key| vec![Term::Key(key)]).collect())
    }

    fn any(keys: BTreeSet<Key>) -> Self {
        match keys.is_empty() {
            true => Needed::Nothing,
            false => Needed::all_of(vec![keys.into_iter().map(Term::Key).collect()]),
        }
    }
}

/// The keys of a stored value.
pub fn keys(class: KeyClass, stored: &str) -> Result<BTreeSet<Key>> {
    limits::work(stored.len())?;
    let mut keys = BTreeSet::new();
    match class {
        KeyClass::Lexemes => {
            keys.extend(TsVector::parse(stored)?.lexemes.into_iter().map(|lexeme| Key::Text(lexeme.text)));
        }
        KeyClass::Json => json_keys(&json::parse(stored)?, true, &mut keys)?,
        KeyClass::JsonPaths => path_keys(&json::parse(stored)?, 0, &mut keys)?,
        KeyClass::Elements | KeyClass::Numerics => {
            elements(class, stored, &mut keys)?;
        }
        KeyClass::Trigrams => keys.extend(in_order(stored)?.iter().map(|found| trigram_key(found.trigram))),
        KeyClass::Pairs => {
            let pairs = HStore::parse(stored)?;
            keys.extend(pairs.pairs().iter().map(|(key, _)| text_key("K", key)));
            keys.extend(pairs.pairs().iter().map(pair_key));
        }
    }
    Ok(keys)
}

/// What `value operator query` needs of a value; the operator is one that [`KeyClass::operator`] gives. `threshold` is the
/// least similarity for `%`.
pub fn needed(class: KeyClass, operator: &str, query: &str, threshold: f64) -> Result<Needed> {
    limits::work(query.len())?;
    Ok(match (class, operator) {
        (KeyClass::Lexemes, _) => {
            let (query, _) = query_parser::parse(query, Syntax::Standard, &mut as_it_is)?;
            words_needed(&query)
        }
        (KeyClass::Json | KeyClass::Pairs, "?") => Needed::all(BTreeSet::from([text_key("K", query)])),
        (KeyClass::Json | KeyClass::Pairs, "?|" | "?&") => {
            let mut names = BTreeSet::new();
            each_element(query, &mut |element| {
                if let Element::Text(text) = element {
                    names.insert(text_key("K", text));
                }
            })?;
            if operator == "?&" { Needed::all(names) } else { Needed::any(names) }
        }
        (KeyClass::Json | KeyClass::JsonPaths, _) => Needed::all(keys(class, query)?),
        (KeyClass::Pairs, _) => Needed::all(HStore::parse(query)?.pairs().iter().map(pair_key).collect()),
        (KeyClass::Elements | KeyClass::Numerics, _) => {
            let mut wanted = BTreeSet::new();
            match (elements(class, query, &mut wanted)?, operator) {
                // Nothing contains a null, or it is an error.
                (true, _) => Needed::Unknown,
                (false, "@>") => Needed::all(wanted),
                (false, _) => Needed::any(wanted),
            }
        }
        (KeyClass::Trigrams, "%") => {
            let wanted = keys(class, query)?;
            let least = (threshold * wanted.len() as f64 - 1e-6).ceil();
            if least < 1.0 {
                return Ok(Needed::Unknown);
            }
            let alternatives: Vec<Vec<Term>> = wanted.into_iter().map(|key| vec![Term::Key(key)]).collect();
            match least as usize {
                least if least > alternatives.len() => Needed::Nothing,
                at_least => Needed::Keys { alternatives, at_least },
            }
        }
        (KeyClass::Trigrams, _) => Needed::all(pattern_keys(query, operator == "~~*")?),
    })
}

/// A text as a key; a long one by its hash.
fn text_key(kind: &str, text: &str) -> Key {
    match text.len() < LONG {
        true => Key::Text(format!("{kind}{text}")),
        false => Key::Text(format!("{kind}\u{1}{:016x}", xxh3_64_with_seed(text.as_bytes(), 0))),
    }
}

fn pair_key((key, value): &(String, Option<String>)) -> Key {
    text_key("P", &format!("{key}\u{2}{}", value.as_ref().map_or_else(String::new, |value| format!("={value}"))))
}

fn trigram_key(trigram: Trigram) -> Key {
    Key::Number(trigram.iter().fold(0, |number, byte| number << 8 | i64::from(*byte as u8)))
}

// ----- tsquery

fn words_needed(query: &TsQuery) -> Needed {
    match &query.root {
        None => Needed::Nothing,
        Some(root) => Needed::all_of(alternatives(root)),
    }
}

/// Lists of terms; a document that matches has one of each.
fn alternatives(node: &Node) -> Vec<Vec<Term>> {
    match node {
        Node::Value(value) if value.prefix => vec![vec![Term::Prefix(value.text.clone())]],
        Node::Value(value) => vec![vec![Term::Key(Key::Text(value.text.clone()))]],
        // What a document does not have, its keys do not tell.
        Node::Not(_) | Node::Stop => Vec::new(),
        Node::Binary(binary) => {
            let (mut left, mut right) = (alternatives(&binary.left), alternatives(&binary.right));
            match binary.operator {
                Operator::And | Operator::Phrase(_) => {
                    left.append(&mut right);
                    left
                }
                Operator::Or => {
                    let shortest = |lists: Vec<Vec<Term>>| lists.into_iter().min_by_key(Vec::len);
                    let (Some(mut left), Some(mut right)) = (shortest(left), shortest(right)) else {
                        return Vec::new();
                    };
                    left.append(&mut right);
                    if left.len() > MOST_ALTERNATIVES { Vec::new() } else { vec![left] }
                }
            }
        }
    }
}

// ----- jsonb

/// Strings in arrays count as names: `?` finds both.
fn json_keys(value: &JsonValue, in_array: bool, keys: &mut BTreeSet<Key>) -> Result<()> {
    stack::check()?;
    limits::work(1)?;
    match value {
        JsonValue::Null => {
            keys.insert(text_key("Z", ""));
        }
        JsonValue::Bool(value) => {
            keys.insert(text_key("B", if *value { "t" } else { "f" }));
        }
        JsonValue::Number(digits) => {
            keys.insert(text_key("N", by_value(digits)));
        }
        JsonValue::Text(text) => {
            keys.insert(text_key(if in_array { "K" } else { "V" }, text));
        }
        JsonValue::Array(items) => {
            for item in items {
                json_keys(item, true, keys)?;
            }
        }
        JsonValue::Object(members) => {
            for (name, member) in members {
                keys.insert(text_key("K", name));
                json_keys(member, false, keys)?;
            }
        }
    }
    Ok(())
}

fn path_keys(value: &JsonValue, path: u64, keys: &mut BTreeSet<Key>) -> Result<()> {
    stack::check()?;
    limits::work(1)?;
    let mut leaf = |kind: &[u8], text: &str| {
        let hash = xxh3_64_with_seed(text.as_bytes(), xxh3_64_with_seed(kind, path));
        keys.insert(Key::Number(hash.cast_signed()));
    };
    match value {
        JsonValue::Null => leaf(b"Z", ""),
        JsonValue::Bool(value) => leaf(b"B", if *value { "t" } else { "f" }),
        JsonValue::Number(digits) => leaf(b"N", by_value(digits)),
        JsonValue::Text(text) => leaf(b"V", text),
        JsonValue::Array(items) => {
            for item in items {
                path_keys(item, path, keys)?;
            }
        }
        JsonValue::Object(members) => {
            for (name, member) in members {
                path_keys(member, xxh3_64_with_seed(name.as_bytes(), path.wrapping_add(1)), keys)?;
            }
        }
    }
    Ok(())
}

/// A number's digits without its scale: what is equal is the same.
fn by_value(digits: &str) -> &str {
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    if digits == "-0" { "0" } else { digits }
}

// ----- arrays

/// The keys of an array's elements; whether there are nulls.
fn elements(class: KeyClass, stored: &str, keys: &mut BTreeSet<Key>) -> Result<bool> {
    let mut nulls = false;
    each_element(stored, &mut |element| {
        let text = match element {
            Element::Null => return nulls = true,
            Element::Bool(value) => {
                if *value {
                    "1"
                } else {
                    "0"
                }
            }
            Element::Number(digits) => *digits,
            Element::Text(text) => text,
        };
        keys.insert(text_key("", if class == KeyClass::Numerics { by_value(text) } else { text }));
    })?;
    Ok(nulls)
}

fn each_element(stored: &str, each: &mut dyn FnMut(&Element<'_>)) -> Result<()> {
    let mut reader = Reader::new(stored);
    while let Some(part) = reader.next_part()? {
        if let Part::Element(element) = part {
            limits::work(16)?;
            each(&element);
        }
    }
    Ok(())
}

// ----- trigrams

/// The trigrams that every text has that is LIKE a pattern (generate_wildcard_trgm): those of its words, as far as no
/// wildcard may go on with them.
fn pattern_keys(pattern: &str, insensitive: bool) -> Result<BTreeSet<Key>> {
    /// What stands beside a word: nothing that belongs to it, or perhaps something.
    #[derive(Clone, Copy, PartialEq)]
    enum Edge {
        Known,
        Open,
    }
    let mut keys = BTreeSet::new();
    let mut word = String::new();
    let (mut before, mut left) = (Edge::Known, Edge::Known);
    let mut finish = |word: &mut String, left: Edge, right: Edge| {
        let padded = format!(
            "{}{}{}",
            if left == Edge::Known { "  " } else { "" },
            lower(word),
            if right == Edge::Known { " " } else { "" }
        );
        let characters: Vec<char> = if word.is_empty() { Vec::new() } else { padded.chars().collect() };
        for window in characters.windows(3) {
            // Other letters than ASCII's may be alike in more ways than one.
            if let [first, second, third] = *window
                && !(insensitive && window.iter().any(|character| !character.is_ascii()))
            {
                keys.insert(trigram_key(compact([first, second, third])));
            }
        }
        word.clear();
    };
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        limits::work(16)?;
        let (literal, edge) = match character {
            '%' | '_' => (None, Edge::Open),
            '\\' => (characters.next(), Edge::Known),
            other => (Some(other), Edge::Known),
        };
        match literal.filter(|character| character.is_alphanumeric()) {
            Some(letter) => {
                if word.is_empty() {
                    left = before;
                }
                word.push(letter);
            }
            None => finish(&mut word, left, edge),
        }
        before = edge;
    }
    finish(&mut word, left, Edge::Known);
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(class: KeyClass, stored: &str, operator: &str, query: &str) -> bool {
        let keys = keys(class, stored).unwrap();
        let has = |term: &Term| match term {
            Term::Key(key) => keys.contains(key),
            Term::Prefix(prefix) => {
                keys.iter().any(|key| matches!(key, Key::Text(text) if text.starts_with(prefix.as_str())))
            }
        };
        match needed(class, operator, query, 0.3).unwrap() {
            Needed::Unknown => true,
            Needed::Nothing => false,
            Needed::Keys { alternatives, at_least } => {
                alternatives.iter().filter(|terms| terms.iter().any(has)).count() >= at_least
            }
        }
    }

    #[test]
    fn what_matches_has_the_keys() {
        let cases = [
            (KeyClass::Lexemes, "'cat':1 'rat':2", "@@", "'cat' & 'rat'", true),
            (KeyClass::Lexemes, "'cat':1 'rat':2", "@@", "'cat' & 'dog'", false),
            (KeyClass::Lexemes, "'cat':1 'rat':2", "@@", "'dog' | 'ra':*", true),
            (KeyClass::Lexemes, "'cat':1", "@@", "!'cat'", true),
            (KeyClass::Lexemes, "'cat':1", "@@", "'dog' | !'cat'", true),
            (KeyClass::Lexemes, "'cat':1", "@@", "'cat' <-> 'rat'", false),
            (KeyClass::Json, r#"{"a": {"b": [1.0, "x"]}}"#, "@>", r#"{"a": {"b": [1]}}"#, true),
            (KeyClass::Json, r#"["x", 1]"#, "@>", r#""x""#, true),
            (KeyClass::Json, r#""x""#, "?", "x", true),
            (KeyClass::Json, r#"{"a": "x"}"#, "?", "x", false),
            (KeyClass::Json, r#"{"a": "x"}"#, "?|", r#"["x","a"]"#, true),
            (KeyClass::Json, r#"{"a": "x"}"#, "?&", r#"["x","a"]"#, false),
            (KeyClass::Json, r#"{"a": "x"}"#, "@>", "{}", true),
            (KeyClass::JsonPaths, r#"{"a": [{"b": 1}, {"c": 2}]}"#, "@>", r#"{"a": [{"c": 2.00}]}"#, true),
            (KeyClass::JsonPaths, r#"{"a": [{"b": 1}, {"c": 2}]}"#, "@>", r#"{"a": [{"b": 2}]}"#, false),
            (KeyClass::Elements, "[1,2,3]", "@>", "[3,1]", true),
            (KeyClass::Elements, "[1,2,3]", "&&", "[4,5]", false),
            (KeyClass::Elements, "[1,2,3]", "&&", "[]", false),
            (KeyClass::Elements, "[1,2,3]", "@>", "[]", true),
            (KeyClass::Numerics, r#"["1.50"]"#, "@>", r#"["1.5"]"#, true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "~~", "%Versuch", true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "~~", "%ersu%", true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "~~", "%sucher%", false),
            (KeyClass::Trigrams, "Das ist ein Versuch", "~~", "ist%", true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "~~*", "%VERSUCH%", true),
            (KeyClass::Pairs, r#""a"=>"1", "b"=>NULL"#, "@>", r#""b"=>NULL"#, true),
            (KeyClass::Pairs, r#""a"=>"1", "b"=>NULL"#, "@>", r#""a"=>NULL"#, false),
            (KeyClass::Pairs, r#""a"=>"1", "b"=>NULL"#, "?", "b", true),
            (KeyClass::Trigrams, "a_b", "~~", r"a\_b", true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "%", "ein versuch", true),
            (KeyClass::Trigrams, "Das ist ein Versuch", "%", "xyz", false),
        ];
        for (class, stored, operator, query, expected) in cases {
            assert_eq!(has(class, stored, operator, query), expected, "{stored} {operator} {query}");
        }
    }

    #[test]
    fn long_keys_are_hashed() {
        let long = "x".repeat(4000);
        let array = format!("[\"{long}\"]");
        assert!(has(KeyClass::Elements, &array, "@>", &array));
        assert!(
            keys(KeyClass::Elements, &array).unwrap().iter().all(|key| matches!(key, Key::Text(t) if t.len() < LONG))
        );
    }
}
