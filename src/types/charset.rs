//! PostgreSQL's encodings of text.
//!
//! Owns: [`Charset`], their numbers and names (pg_wchar.h, encnames.c). Must not know: sessions.
//! Specification: multibyte.html.

/// An encoding.
#[derive(Debug)]
pub struct Charset {
    pub name: &'static str,
    /// Its other names, in lower case without anything but letters and digits.
    aliases: &'static [&'static str],
    /// A server cannot keep text in it.
    pub client_only: bool,
}

const fn charset(name: &'static str, aliases: &'static [&'static str]) -> Charset {
    Charset { name, aliases, client_only: false }
}

const fn client(name: &'static str, aliases: &'static [&'static str]) -> Charset {
    Charset { name, aliases, client_only: true }
}

/// By their numbers, which are `pg_database.encoding`.
static CHARSETS: &[Charset] = &[
    charset("SQL_ASCII", &[]),
    charset("EUC_JP", &[]),
    charset("EUC_CN", &[]),
    charset("EUC_KR", &[]),
    charset("EUC_TW", &[]),
    charset("EUC_JIS_2004", &[]),
    charset("UTF8", &["unicode"]),
    charset("MULE_INTERNAL", &[]),
    charset("LATIN1", &["iso88591"]),
    charset("LATIN2", &["iso88592"]),
    charset("LATIN3", &["iso88593"]),
    charset("LATIN4", &["iso88594"]),
    charset("LATIN5", &["iso88599"]),
    charset("LATIN6", &["iso885910"]),
    charset("LATIN7", &["iso885913"]),
    charset("LATIN8", &["iso885914"]),
    charset("LATIN9", &["iso885915"]),
    charset("LATIN10", &["iso885916"]),
    charset("WIN1256", &["windows1256"]),
    charset("WIN1258", &["windows1258", "abc", "tcvn", "tcvn5712", "vscii"]),
    charset("WIN866", &["windows866", "alt"]),
    charset("WIN874", &["windows874"]),
    charset("KOI8R", &["koi8"]),
    charset("WIN1251", &["windows1251", "win"]),
    charset("WIN1252", &["windows1252"]),
    charset("ISO_8859_5", &[]),
    charset("ISO_8859_6", &[]),
    charset("ISO_8859_7", &[]),
    charset("ISO_8859_8", &[]),
    charset("WIN1250", &["windows1250"]),
    charset("WIN1253", &["windows1253"]),
    charset("WIN1254", &["windows1254"]),
    charset("WIN1255", &["windows1255"]),
    charset("WIN1257", &["windows1257"]),
    charset("KOI8U", &[]),
    client("SJIS", &["mskanji", "shiftjis", "win932", "windows932"]),
    client("BIG5", &["win950", "windows950"]),
    client("GBK", &["win936", "windows936"]),
    client("UHC", &["win949", "windows949"]),
    client("GB18030", &[]),
    client("JOHAB", &[]),
    client("SHIFT_JIS_2004", &[]),
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
