//! Text search configurations and their dictionaries: `simple`, and one of each language that there is a stemmer for.
//!
//! Owns: [`Configuration`], [`Dictionary`], by name and by OID. What pg_ts_config and its like show of them is recorded from
//! PostgreSQL; so are the stop words (`scripts/record-stop-words`). Must not know: catalogs, settings. Specification:
//! textsearch-configuration.html; dict_simple.c, dict_snowball.c. The languages of PostgreSQL that are missing (Armenian,
//! Basque, Catalan, Hindi, Indonesian, Irish, Lithuanian, Nepali, Serbian, Yiddish) are those the stemmers' crate has not.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

use super::tokens::Kind;
use crate::error::Result;
use crate::limits::session as limits;
use crate::types::pg_type::Oid;

/// A configuration; its dictionaries follow from its language.
#[derive(Debug)]
pub struct Configuration {
    pub name: &'static str,
    pub oid: Oid,
    language: Option<Language>,
}

/// A dictionary.
#[derive(Debug)]
pub struct Dictionary {
    pub name: &'static str,
    pub oid: Oid,
    language: Option<Language>,
}

#[derive(Clone, Copy, Debug)]
struct Language {
    name: &'static str,
    algorithm: Algorithm,
}

/// A word longer than that is not stemmed.
const MAX_STEMMED: usize = 1_000;

macro_rules! languages {
    ($($name:literal, $dictionary:literal, $oid:literal, $algorithm:ident;)*) => {
        /// Every configuration.
        pub static CONFIGURATIONS: &[Configuration] = &[
            Configuration { name: "simple", oid: Oid(3748), language: None },
            $(Configuration {
                name: $name,
                oid: Oid($oid),
                language: Some(Language { name: $name, algorithm: Algorithm::$algorithm }),
            },)*
        ];

        /// Every dictionary.
        pub static DICTIONARIES: &[Dictionary] = &[
            Dictionary { name: "simple", oid: Oid(3765), language: None },
            $(Dictionary {
                name: $dictionary,
                oid: Oid($oid - 1),
                language: Some(Language { name: $name, algorithm: Algorithm::$algorithm }),
            },)*
        ];
    };
}

languages! {
    "arabic", "arabic_stem", 13152, Arabic;
    "danish", "danish_stem", 13160, Danish;
    "dutch", "dutch_stem", 13162, Dutch;
    "english", "english_stem", 13164, English;
    "finnish", "finnish_stem", 13166, Finnish;
    "french", "french_stem", 13168, French;
    "german", "german_stem", 13170, German;
    "greek", "greek_stem", 13172, Greek;
    "hungarian", "hungarian_stem", 13176, Hungarian;
    "italian", "italian_stem", 13182, Italian;
    "norwegian", "norwegian_stem", 13188, Norwegian;
    "portuguese", "portuguese_stem", 13190, Portuguese;
    "romanian", "romanian_stem", 13192, Romanian;
    "russian", "russian_stem", 13194, Russian;
    "spanish", "spanish_stem", 13198, Spanish;
    "swedish", "swedish_stem", 13200, Swedish;
    "tamil", "tamil_stem", 13202, Tamil;
    "turkish", "turkish_stem", 13204, Turkish;
}

/// The configuration of that name, which may be qualified with pg_catalog.
pub fn named(name: &str) -> Option<&'static Configuration> {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    CONFIGURATIONS.iter().find(|configuration| configuration.name == name)
}

/// The configuration with that OID.
pub fn configuration(oid: Oid) -> Option<&'static Configuration> {
    CONFIGURATIONS.iter().find(|configuration| configuration.oid == oid)
}

/// The dictionary of that name, which may be qualified with pg_catalog.
pub fn dictionary_named(name: &str) -> Option<&'static Dictionary> {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    DICTIONARIES.iter().find(|dictionary| dictionary.name == name)
}

/// The dictionary with that OID.
pub fn dictionary(oid: Oid) -> Option<&'static Dictionary> {
    DICTIONARIES.iter().find(|dictionary| dictionary.oid == oid)
}

impl Configuration {
    /// The dictionary for a kind of token; `None` for what is not indexed.
    pub fn dictionary_for(&self, kind: Kind) -> Option<&'static Dictionary> {
        let name = match self.language {
            _ if !kind.is_indexed() => return None,
            // Words in Latin letters inside of Russian texts are English ones.
            Some(language) if language.name == "russian" && kind.is_ascii_word() => "english",
            Some(language) if kind.is_word() => language.name,
            _ => "simple",
        };
        DICTIONARIES.iter().find(|dictionary| dictionary.language.map_or("simple", |language| language.name) == name)
    }
}

impl Dictionary {
    /// The lexeme of a word; `None` for a stop word.
    pub fn lexize(&self, word: &str) -> Result<Option<String>> {
        limits::work(word.len() * 8 + 64)?;
        let word = lower(word);
        let Some(language) = self.language else { return Ok(Some(word)) };
        if word.len() > MAX_STEMMED {
            return Ok(Some(word));
        }
        if word.is_empty() || is_stop_word(language.name, &word) {
            return Ok(None);
        }
        Ok(Some(language.stem(word)))
    }
}

impl Language {
    fn stem(self, word: String) -> String {
        // PostgreSQL's version of the algorithm knows the letter, this one does not yet.
        let prepared: Cow<'_, str> = match self.algorithm {
            Algorithm::Russian => Cow::Owned(word.replace('ё', "е")),
            _ => Cow::Borrowed(&word),
        };
        let stem = Stemmer::create(self.algorithm).stem(&prepared).into_owned();
        // Nothing left: the word stays as it is.
        if stem.is_empty() { word } else { stem }
    }
}

/// In lower case, character by character, as C's towlower has it.
pub fn lower(word: &str) -> String {
    word.chars().map(|character| character.to_lowercase().next().unwrap_or(character)).collect()
}

static STOP_WORDS: LazyLock<HashSet<(&'static str, &'static str)>> = LazyLock::new(|| {
    let lines = include_str!("../../../fixtures/stop_words.tsv").lines();
    let languages = lines.filter_map(|line| line.split_once('\t'));
    languages.flat_map(|(language, words)| words.split(' ').map(move |word| (language, word))).collect()
});

fn is_stop_word(language: &str, word: &str) -> bool {
    STOP_WORDS.contains(&(language, word))
}
