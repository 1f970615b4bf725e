//! Texts and JSON to documents and queries, by a configuration.
//!
//! Owns: [`Indexer`], [`to_tsquery`], and what of JSON is asked for ([`Parts`]). Specification: parsetext,
//! to_tsvector_byid and pushval_morph in PostgreSQL 15's ts_parse.c and to_tsany.c.

use super::configuration::Configuration;
use super::parser::Parser;
use super::query::{Node, Operator, TsQuery, Value};
use super::query_parser::{self, Notice, Syntax};
use super::vector::{Lexeme, MAX_LEXEME, MAX_POSITION, Position, TsVector, Weight};
use crate::error::{Error, Result, SqlState};
use crate::types::json::JsonValue;

/// Collects the lexemes of texts, one behind the other.
pub struct Indexer {
    configuration: &'static Configuration,
    /// The place of the last word.
    place: u32,
    words: Vec<(String, u16)>,
    /// Whether words were too long to be indexed, for which there is a notice.
    pub too_long: usize,
}

/// What is noticed of a word that is too long, with its detail.
pub fn too_long_notice() -> (&'static str, String) {
    let detail = format!("Words longer than {MAX_LEXEME} characters are ignored.");
    ("word is too long to be indexed", detail)
}

impl Indexer {
    pub fn new(configuration: &'static Configuration) -> Self {
        Indexer { configuration, place: 0, words: Vec::new(), too_long: 0 }
    }

    /// Adds a text's words.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let mut parser = Parser::new(text);
        while let Some((kind, token)) = parser.next()? {
            if token.len() >= MAX_LEXEME {
                self.too_long += 1;
                continue;
            }
            let Some(dictionary) = self.configuration.dictionary_for(kind) else { continue };
            // A stop word takes its place, too.
            self.place += 1;
            if let Some(lexeme) = dictionary.lexize(token)? {
                let place = self.place.min(MAX_POSITION.into()) as u16;
                self.words.push((lexeme, place));
            }
        }
        Ok(())
    }

    /// Adds a text of its own: if it has words, no phrase goes beyond it.
    pub fn add_apart(&mut self, text: &str) -> Result<()> {
        let before = self.words.len();
        self.add(text)?;
        self.place += u32::from(self.words.len() > before);
        Ok(())
    }

    pub fn finish(self) -> Result<TsVector> {
        let lexeme = |(text, place)| Lexeme { text, positions: vec![Position { place, weight: Weight::D }] };
        TsVector::new(self.words.into_iter().map(lexeme).collect())
    }
}

/// What of a JSON value counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub keys: bool,
    pub strings: bool,
    pub numbers: bool,
    pub booleans: bool,
}

impl Parts {
    /// What to_tsvector takes of JSON.
    pub const STRINGS: Parts = Parts { keys: false, strings: true, numbers: false, booleans: false };

    /// What the last argument of json_to_tsvector asks for (parse_jsonb_index_flags).
    pub fn parse(flags: &JsonValue) -> Result<Self> {
        let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        let JsonValue::Array(flags) = flags else {
            return match flags {
                JsonValue::Object(_) => Err(invalid("wrong flag type, only arrays and scalars are allowed".to_owned())),
                scalar => Self::parse(&JsonValue::Array(vec![scalar.clone()])),
            };
        };
        let mut parts = Parts::default();
        for flag in flags {
            let JsonValue::Text(flag) = flag else {
                return Err(invalid("flag array element is not a string".to_owned())
                    .with_hint("Possible values are: \"string\", \"numeric\", \"boolean\", \"key\", and \"all\"."));
            };
            match flag.to_ascii_lowercase().as_str() {
                "all" => parts = Parts { keys: true, strings: true, numbers: true, booleans: true },
                "key" => parts.keys = true,
                "string" => parts.strings = true,
                "numeric" => parts.numbers = true,
                "boolean" => parts.booleans = true,
                _ => {
                    let message = format!("wrong flag in flag array: \"{flag}\"");
                    return Err(invalid(message).with_hint(
                        "Possible values are: \"string\", \"numeric\", \"boolean\", \"key\", and \"all\".",
                    ));
                }
            }
        }
        Ok(parts)
    }
}

/// Reads a query whose words become a configuration's lexemes; `joined` is what stands between the lexemes of one word.
pub fn to_tsquery(
    configuration: &'static Configuration,
    text: &str,
    syntax: Syntax,
    joined: Operator,
) -> Result<(TsQuery, Option<Notice>)> {
    query_parser::parse(text, syntax, &mut |word, weights, prefix| {
        let mut indexer = Indexer::new(configuration);
        indexer.add(word)?;
        let mut node: Option<Node> = None;
        let mut last = 0;
        for (text, place) in indexer.words {
            // Stop words between hold their places.
            let stops = if last > 0 { (place - last).saturating_sub(1) } else { 0 };
            let value = Node::Value(Value { text, weights, prefix });
            for next in (0..stops).map(|_| Node::Stop).chain(std::iter::once(value)) {
                node = Some(match node {
                    Some(node) => Node::binary(joined, node, next)?,
                    None => next,
                });
            }
            last = place;
        }
        Ok(node.unwrap_or(Node::Stop))
    })
}
