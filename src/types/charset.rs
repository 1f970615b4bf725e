//! PostgreSQL's encodings of text, and text in them.
//!
//! Owns: [`Charset`], their numbers and names (pg_wchar.h, encnames.c), conversion from and to UTF-8 with PostgreSQL's
//! errors (mbutils.c). Must not know: sessions, messages. Specification: multibyte.html.
//!
//! The tables are the web's. Where these have control characters for bytes that an encoding does not define, or another
//! encoding for one of its subsets, PostgreSQL's error is given; EUC_CN and EUC_KR take what their supersets GBK and UHC
//! take. EUC_TW, EUC_JIS_2004, JOHAB and SHIFT_JIS_2004, which PostgreSQL knows, have no tables here.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EncoderResult, Encoding};

use crate::error::{Error, Result, SqlState};

/// An encoding.
#[derive(Debug)]
pub struct Charset {
    pub name: &'static str,
    /// Its other names, in lower case without anything but letters and digits.
    aliases: &'static [&'static str],
    /// A server cannot keep text in it.
    pub client_only: bool,
    codec: Codec,
}

/// Encodings are told apart by their names.
impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Charset {}

/// How text in an encoding is read.
#[derive(Debug)]
enum Codec {
    /// As UTF-8: nothing is converted.
    Plain,
    /// Each byte is the character of that number.
    Latin1,
    /// One byte a character; `controls` if bytes from 0x80 to 0x9f are control characters.
    SingleByte {
        table: &'static Encoding,
        controls: bool,
    },
    MultiByte(&'static Encoding),
    /// There are no tables.
    Unknown,
}

use Codec::{Latin1, MultiByte, Plain, Unknown};

const fn iso(table: &'static Encoding) -> Codec {
    Codec::SingleByte { table, controls: true }
}

const fn single(table: &'static Encoding) -> Codec {
    Codec::SingleByte { table, controls: false }
}

const fn charset(name: &'static str, aliases: &'static [&'static str], codec: Codec) -> Charset {
    Charset { name, aliases, client_only: false, codec }
}

const fn client(name: &'static str, aliases: &'static [&'static str], codec: Codec) -> Charset {
    Charset { name, aliases, client_only: true, codec }
}

/// By their numbers, which are `pg_database.encoding`.
static CHARSETS: &[Charset] = &[
    charset("SQL_ASCII", &[], Plain),
    charset("EUC_JP", &[], MultiByte(encoding_rs::EUC_JP)),
    charset("EUC_CN", &[], MultiByte(encoding_rs::GBK)),
    charset("EUC_KR", &[], MultiByte(encoding_rs::EUC_KR)),
    charset("EUC_TW", &[], Unknown),
    charset("EUC_JIS_2004", &[], Unknown),
    charset("UTF8", &["unicode"], Plain),
    charset("MULE_INTERNAL", &[], Unknown),
    charset("LATIN1", &["iso88591"], Latin1),
    charset("LATIN2", &["iso88592"], iso(encoding_rs::ISO_8859_2)),
    charset("LATIN3", &["iso88593"], iso(encoding_rs::ISO_8859_3)),
    charset("LATIN4", &["iso88594"], iso(encoding_rs::ISO_8859_4)),
    charset("LATIN5", &["iso88599"], iso(encoding_rs::WINDOWS_1254)),
    charset("LATIN6", &["iso885910"], iso(encoding_rs::ISO_8859_10)),
    charset("LATIN7", &["iso885913"], iso(encoding_rs::ISO_8859_13)),
    charset("LATIN8", &["iso885914"], iso(encoding_rs::ISO_8859_14)),
    charset("LATIN9", &["iso885915"], iso(encoding_rs::ISO_8859_15)),
    charset("LATIN10", &["iso885916"], iso(encoding_rs::ISO_8859_16)),
    charset("WIN1256", &["windows1256"], single(encoding_rs::WINDOWS_1256)),
    charset("WIN1258", &["windows1258", "abc", "tcvn", "tcvn5712", "vscii"], single(encoding_rs::WINDOWS_1258)),
    charset("WIN866", &["windows866", "alt"], single(encoding_rs::IBM866)),
    charset("WIN874", &["windows874"], single(encoding_rs::WINDOWS_874)),
    charset("KOI8R", &["koi8"], single(encoding_rs::KOI8_R)),
    charset("WIN1251", &["windows1251", "win"], single(encoding_rs::WINDOWS_1251)),
    charset("WIN1252", &["windows1252"], single(encoding_rs::WINDOWS_1252)),
    charset("ISO_8859_5", &[], iso(encoding_rs::ISO_8859_5)),
    charset("ISO_8859_6", &[], iso(encoding_rs::ISO_8859_6)),
    charset("ISO_8859_7", &[], iso(encoding_rs::ISO_8859_7)),
    charset("ISO_8859_8", &[], iso(encoding_rs::ISO_8859_8)),
    charset("WIN1250", &["windows1250"], single(encoding_rs::WINDOWS_1250)),
    charset("WIN1253", &["windows1253"], single(encoding_rs::WINDOWS_1253)),
    charset("WIN1254", &["windows1254"], single(encoding_rs::WINDOWS_1254)),
    charset("WIN1255", &["windows1255"], single(encoding_rs::WINDOWS_1255)),
    charset("WIN1257", &["windows1257"], single(encoding_rs::WINDOWS_1257)),
    charset("KOI8U", &[], single(encoding_rs::KOI8_U)),
    client("SJIS", &["mskanji", "shiftjis", "win932", "windows932"], MultiByte(encoding_rs::SHIFT_JIS)),
    client("BIG5", &["win950", "windows950"], MultiByte(encoding_rs::BIG5)),
    client("GBK", &["win936", "windows936"], MultiByte(encoding_rs::GBK)),
    client("UHC", &["win949", "windows949"], MultiByte(encoding_rs::EUC_KR)),
    client("GB18030", &[], MultiByte(encoding_rs::GB18030)),
    client("JOHAB", &[], Unknown),
    client("SHIFT_JIS_2004", &[], Unknown),
];

/// The encoding of that name, of which only letters and digits count, without regard to case.
pub fn named(name: &str) -> Option<&'static Charset> {
    number_of(name).and_then(numbered)
}

/// The encoding of that number.
pub fn numbered(number: usize) -> Option<&'static Charset> {
    CHARSETS.get(number)
}

/// The number of the encoding of that name.
pub fn number_of(name: &str) -> Option<usize> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(name);
    CHARSETS.iter().position(|known| plain(known.name) == wanted || known.aliases.contains(&wanted.as_str()))
}

impl Charset {
    /// Whether text in it can be converted.
    pub fn is_known(&self) -> bool {
        !matches!(self.codec, Codec::Unknown)
    }

    /// Whether it is another one than UTF-8.
    pub fn converts(&self) -> bool {
        !matches!(self.codec, Codec::Plain)
    }

    /// Bytes as UTF-8. 22021 for what is no text in this encoding, 22P05 for a character that Unicode has not.
    pub fn decode<'b>(&'static self, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>> {
        if !self.converts() || bytes.is_ascii() {
            return Ok(bytes.into());
        }
        let mut decoder = CharsetDecoder::new(self);
        let mut text = decoder.feed(bytes, true)?;
        text.shrink_to_fit();
        Ok(text.into_bytes().into())
    }

    /// Text in this encoding; 22P05 for the first character that it has not.
    pub fn encode<'t>(&self, text: &'t str) -> Result<Cow<'t, [u8]>> {
        self.encode_or(text, |missing| Err(self.without(missing)))
    }

    /// Text in this encoding with a question mark for every character that it has not: for messages, which must arrive.
    pub fn encode_message<'t>(&self, text: &'t str) -> Cow<'t, [u8]> {
        self.encode_or(text, |_| Ok(b'?')).unwrap_or_default()
    }

    fn encode_or<'t>(&self, text: &'t str, missing: impl Fn(char) -> Result<u8>) -> Result<Cow<'t, [u8]>> {
        if !self.converts() || text.is_ascii() {
            return Ok(text.as_bytes().into());
        }
        let table = match self.codec {
            Codec::SingleByte { table, .. } | Codec::MultiByte(table) => Some(table),
            _ => None,
        };
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(special) = rest.find(|c| table.is_none() || self.is_control(c)) {
            let (before, after) = rest.split_at(special);
            self.encode_by(table, before, &missing, &mut out)?;
            let mut chars = after.chars();
            if let Some(c) = chars.next() {
                out.push(match u8::try_from(u32::from(c)) {
                    Ok(byte) if byte < 0x80 || self.has_controls() => byte,
                    _ => missing(c)?,
                });
            }
            rest = chars.as_str();
        }
        self.encode_by(table, rest, &missing, &mut out)?;
        Ok(out.into())
    }

    /// Appends text without control characters by a table.
    fn encode_by(
        &self,
        table: Option<&'static Encoding>,
        text: &str,
        missing: &impl Fn(char) -> Result<u8>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        encode_with(table, text, missing, out)?;
        if !self.has_controls() {
            return Ok(());
        }
        // Where the table is a superset's, it has other characters in place of the control characters.
        for (byte, c) in out.iter_mut().skip(start).zip(text.chars()) {
            if control(*byte) {
                *byte = missing(c)?;
            }
        }
        Ok(())
    }

    /// Whether a character is one of those on which the tables and PostgreSQL's encodings differ.
    fn is_control(&self, c: char) -> bool {
        matches!(self.codec, Codec::SingleByte { .. }) && ('\u{80}'..='\u{9f}').contains(&c)
    }

    fn has_controls(&self) -> bool {
        matches!(self.codec, Codec::Latin1 | Codec::SingleByte { controls: true, .. })
    }

    fn without(&self, missing: char) -> Error {
        let mut bytes = [0; 4];
        untranslatable(missing.encode_utf8(&mut bytes).as_bytes(), "UTF8", self.name)
    }
}

/// Appends text by a table; without one there is none left.
fn encode_with(
    table: Option<&'static Encoding>,
    text: &str,
    missing: &impl Fn(char) -> Result<u8>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let Some(table) = table else { return Ok(()) };
    let mut encoder = table.new_encoder();
    let mut rest = text;
    loop {
        out.reserve(encoder.max_buffer_length_from_utf8_without_replacement(rest.len()).unwrap_or(0));
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, out, true);
        rest = rest.get(read..).unwrap_or("");
        match result {
            EncoderResult::InputEmpty => return Ok(()),
            EncoderResult::Unmappable(c) => out.push(missing(c)?),
            EncoderResult::OutputFull => {}
        }
    }
}

/// Reads text that comes in pieces, which may end inside of a character.
pub struct CharsetDecoder {
    charset: &'static Charset,
    decoder: Option<encoding_rs::Decoder>,
    /// The first byte of a character whose rest is still to come.
    begun: Option<u8>,
}

impl CharsetDecoder {
    /// At the beginning of a text.
    pub fn new(charset: &'static Charset) -> Self {
        let decoder = match charset.codec {
            Codec::SingleByte { table, .. } | Codec::MultiByte(table) => Some(table.new_decoder_without_bom_handling()),
            _ => None,
        };
        CharsetDecoder { charset, decoder, begun: None }
    }

    /// The next piece as UTF-8, as far as it has whole characters.
    pub fn feed(&mut self, bytes: &[u8], last: bool) -> Result<String> {
        let Some(decoder) = &mut self.decoder else {
            return Ok(bytes.iter().copied().map(char::from).collect());
        };
        if matches!(self.charset.codec, Codec::SingleByte { .. }) {
            return self.charset.decode_single(decoder, bytes);
        }
        let mut text = String::with_capacity(bytes.len());
        let mut rest = bytes;
        loop {
            text.reserve(decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(0));
            let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, last);
            let (done, after) = rest.split_at(read.min(rest.len()));
            match result {
                DecoderResult::InputEmpty => {
                    // Only whether a character has begun counts; which byte began it is for the error.
                    self.begun = done.last().copied().filter(|byte| *byte >= 0x80);
                    return Ok(text);
                }
                DecoderResult::OutputFull => rest = after,
                DecoderResult::Malformed(length, consumed) => {
                    let end = done.len().saturating_sub(usize::from(consumed));
                    let mut bad = done.get(end.saturating_sub(usize::from(length))..end).unwrap_or(&[]).to_vec();
                    if bad.len() < usize::from(length) {
                        bad.splice(0..0, self.begun);
                    }
                    if bad.len() > 1 {
                        return Err(untranslatable(&bad, self.charset.name, "UTF8"));
                    }
                    bad.extend(done.get(end..).and_then(<[u8]>::first).or(after.first()));
                    return Err(invalid(&bad, self.charset.name));
                }
            }
        }
    }
}

impl Charset {
    fn decode_single(&self, decoder: &mut encoding_rs::Decoder, bytes: &[u8]) -> Result<String> {
        let mut text = String::with_capacity(bytes.len() * 3);
        for piece in bytes.chunk_by(|a, b| control(*a) == control(*b)) {
            if piece.first().is_some_and(|byte| control(*byte)) && self.has_controls() {
                text.extend(piece.iter().copied().map(char::from));
                continue;
            }
            let start = text.len();
            text.reserve(piece.len() * 3);
            let (result, read) = decoder.decode_to_string_without_replacement(piece, &mut text, false);
            let undefined = match result {
                DecoderResult::Malformed(..) => read.checked_sub(1),
                _ => None,
            };
            let controls = text.get(start..).unwrap_or("").chars().position(|c| self.is_control(c));
            if let Some(at) = controls.or(undefined) {
                let bad = piece.get(at..=at).unwrap_or(&[]);
                return Err(untranslatable(bad, self.name, "UTF8"));
            }
        }
        Ok(text)
    }
}

fn control(byte: u8) -> bool {
    (0x80..=0x9f).contains(&byte)
}

/// 22P05
fn untranslatable(bytes: &[u8], from: &str, to: &str) -> Error {
    let message = format!(
        "character with byte sequence {} in encoding \"{from}\" has no equivalent in encoding \"{to}\"",
        hexadecimal(bytes)
    );
    Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
}

/// 22021
fn invalid(bytes: &[u8], name: &str) -> Error {
    let message = format!("invalid byte sequence for encoding \"{name}\": {}", hexadecimal(bytes));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &str, bytes: &[u8]) -> String {
        match named(name).unwrap().decode(bytes) {
            Ok(text) => String::from_utf8(text.into_owned()).unwrap(),
            Err(error) => format!("{} {}", error.code().as_str(), error.message()),
        }
    }

    fn encoded(name: &str, text: &str) -> Vec<u8> {
        match named(name).unwrap().encode(text) {
            Ok(bytes) => bytes.into_owned(),
            Err(error) => format!("{} {}", error.code().as_str(), error.message()).into_bytes(),
        }
    }

    /// Recorded from PostgreSQL 15.
    #[test]
    fn there_and_back() {
        for (name, bytes, text) in [
            ("LATIN1", &b"a\xe9\x81"[..], "a\u{e9}\u{81}"),
            ("LATIN5", b"\xdd\x9f", "\u{130}\u{9f}"),
            ("LATIN9", b"\xa4", "\u{20ac}"),
            ("windows-1252", b"\x80 \xff", "\u{20ac} \u{ff}"),
            ("WIN866", b"\x80", "\u{410}"),
            ("KOI8", b"\xc1", "\u{430}"),
            ("SJIS", b"a\x83\\b", "a\u{30bd}b"),
            ("EUC_JP", b"\xa4\xa2", "\u{3042}"),
            ("GB18030", b"\x81\x30\x84\x36", "\u{a5}"),
            ("UHC", b"\x81A", "\u{ac02}"),
            ("BIG5", b"\xa4@", "\u{4e00}"),
        ] {
            assert_eq!(decoded(name, bytes), text, "{name}");
            assert_eq!(encoded(name, text), bytes, "{name}");
        }
    }

    /// Recorded from PostgreSQL 15.
    #[test]
    fn what_has_no_equivalent() {
        let no = |from: &str, bytes: &str, to: &str| {
            format!(
                "22P05 character with byte sequence {bytes} in encoding \"{from}\" has no equivalent in encoding \"{to}\""
            )
        };
        assert_eq!(encoded("LATIN1", "\u{20ac}"), no("UTF8", "0xe2 0x82 0xac", "LATIN1").into_bytes());
        assert_eq!(encoded("WIN1252", "\u{81}"), no("UTF8", "0xc2 0x81", "WIN1252").into_bytes());
        assert_eq!(encoded("LATIN5", "\u{20ac}"), no("UTF8", "0xe2 0x82 0xac", "LATIN5").into_bytes());
        assert_eq!(encoded("SJIS", "\u{e9}"), no("UTF8", "0xc3 0xa9", "SJIS").into_bytes());
        assert_eq!(decoded("WIN1252", b"x\x81"), no("WIN1252", "0x81", "UTF8"));
        assert_eq!(decoded("SJIS", b"\x81'"), "22021 invalid byte sequence for encoding \"SJIS\": 0x81 0x27");
        assert_eq!(decoded("EUC_JP", b"x\xa4'"), "22021 invalid byte sequence for encoding \"EUC_JP\": 0xa4 0x27");
        assert_eq!(&*named("LATIN1").unwrap().encode_message("a\u{20ac}\u{e9}"), b"a?\xe9");
    }

    #[test]
    fn a_piece_may_end_inside_of_a_character() {
        let mut decoder = CharsetDecoder::new(named("SJIS").unwrap());
        assert_eq!(decoder.feed(b"a\x83", false).unwrap(), "a");
        assert_eq!(decoder.feed(b"\\\x83", false).unwrap(), "\u{30bd}");
        assert_eq!(decoder.feed(b"\\", true).unwrap(), "\u{30bd}");
        let mut decoder = CharsetDecoder::new(named("EUC_JP").unwrap());
        decoder.feed(b"\xa4", false).unwrap();
        assert!(decoder.feed(b"", true).is_err());
    }
}
