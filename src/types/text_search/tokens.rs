//! The kinds of tokens that the default parser tells.
//!
//! Owns: [`Kind`]. Specification: textsearch-parsers.html.

/// A kind of token; its number is PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    AsciiWord = 1,
    Word,
    NumWord,
    Email,
    Url,
    Host,
    Sfloat,
    Version,
    HwordNumPart,
    HwordPart,
    HwordAsciiPart,
    Blank,
    Tag,
    Protocol,
    NumHword,
    AsciiHword,
    Hword,
    UrlPath,
    File,
    Float,
    Int,
    Uint,
    Entity,
}

/// Every kind with its alias and description, by number.
pub static KINDS: &[(Kind, &str, &str)] = &[
    (Kind::AsciiWord, "asciiword", "Word, all ASCII"),
    (Kind::Word, "word", "Word, all letters"),
    (Kind::NumWord, "numword", "Word, letters and digits"),
    (Kind::Email, "email", "Email address"),
    (Kind::Url, "url", "URL"),
    (Kind::Host, "host", "Host"),
    (Kind::Sfloat, "sfloat", "Scientific notation"),
    (Kind::Version, "version", "Version number"),
    (Kind::HwordNumPart, "hword_numpart", "Hyphenated word part, letters and digits"),
    (Kind::HwordPart, "hword_part", "Hyphenated word part, all letters"),
    (Kind::HwordAsciiPart, "hword_asciipart", "Hyphenated word part, all ASCII"),
    (Kind::Blank, "blank", "Space symbols"),
    (Kind::Tag, "tag", "XML tag"),
    (Kind::Protocol, "protocol", "Protocol head"),
    (Kind::NumHword, "numhword", "Hyphenated word, letters and digits"),
    (Kind::AsciiHword, "asciihword", "Hyphenated word, all ASCII"),
    (Kind::Hword, "hword", "Hyphenated word, all letters"),
    (Kind::UrlPath, "url_path", "URL path"),
    (Kind::File, "file", "File or path name"),
    (Kind::Float, "float", "Decimal notation"),
    (Kind::Int, "int", "Signed integer"),
    (Kind::Uint, "uint", "Unsigned integer"),
    (Kind::Entity, "entity", "XML entity"),
];

impl Kind {
    pub fn number(self) -> i64 {
        self as i64
    }

    /// Whether a configuration has dictionaries for it: for blanks, tags and the like there are none.
    pub fn is_indexed(self) -> bool {
        !matches!(self, Kind::Blank | Kind::Tag | Kind::Protocol | Kind::Entity)
    }

    /// Whether its tokens are words, which a language's dictionary knows; for the others there is `simple`.
    pub fn is_word(self) -> bool {
        use Kind::{AsciiHword, AsciiWord, Hword, HwordAsciiPart, HwordPart, Word};
        matches!(self, AsciiWord | Word | HwordPart | HwordAsciiPart | AsciiHword | Hword)
    }

    /// Whether it consists of ASCII letters.
    pub fn is_ascii_word(self) -> bool {
        matches!(self, Kind::AsciiWord | Kind::HwordAsciiPart | Kind::AsciiHword)
    }
}
