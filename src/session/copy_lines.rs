//! COPY's text and CSV formats read: bytes to lines to fields. Pure.
//!
//! Owns: [`LineReader`], which takes bytes in any pieces and gives whole rows, and [`Fields`], the fields of one row.
//! Must not know: messages, types, tables. Specification: sql-copy.html#id-1.9.3.55.9; the details (line ends, the
//! `\.` marker, wording) are those of PostgreSQL 15's copyfromparse.c.

use std::ops::Range;

use crate::error::{Error, Result, SqlState};
use crate::limits::memory;
use crate::protocol::codec::invalid_utf8;
use crate::sql::plan::{CopyFormat, CopyOptions};

/// The longest row, in bytes, that is collected before it is given up.
const MAX_LINE: usize = 256 * 1024 * 1024;

/// The fields of one row; the memory is used again for the next.
#[derive(Debug, Default)]
pub struct Fields {
    data: Vec<u8>,
    spans: Vec<Option<Range<usize>>>,
}

impl Fields {
    /// Number of fields.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// A field's bytes; `None` is NULL (or no such field).
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        self.data.get(self.spans.get(at)?.clone()?)
    }

    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.spans.clear();
    }

    pub(super) fn push(&mut self, value: Option<&[u8]>) {
        let span = value.map(|bytes| {
            let start = self.data.len();
            self.data.extend_from_slice(bytes);
            start..self.data.len()
        });
        self.spans.push(span);
    }

    /// Ends the field whose bytes were appended to `data` since `start`.
    fn end(&mut self, start: usize, is_null: bool) {
        let span = start..self.data.len();
        self.spans.push((!is_null).then_some(span));
    }
}

/// How the lines end; decided by the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Newline,
    Return,
    Both,
}

/// What looking for a line found.
enum Found {
    /// The line is `buffer[at..end]`, the next begins at `next`.
    Line { end: usize, next: usize },
    /// As `Line`, and it is the last: the end marker followed.
    Last { end: usize },
    /// More bytes are needed.
    Nothing,
}

/// Rows out of bytes.
pub struct LineReader {
    csv: bool,
    delimiter: u8,
    quote: u8,
    escape: u8,
    null: Vec<u8>,
    force_not_null: Vec<usize>,
    force_null: Vec<usize>,
    buffer: Vec<u8>,
    /// Start of the line that is being looked for.
    at: usize,
    /// How far it has been looked at.
    scanned: usize,
    in_quote: bool,
    last_was_escape: bool,
    line_end: Option<LineEnd>,
    /// Number of the line that is being read, from 1.
    line: u64,
    /// The current row's line in the buffer, for errors' context.
    current: Option<Range<usize>>,
    ended: bool,
}

impl LineReader {
    /// A reader for these options; the format is text or CSV.
    pub fn new(options: &CopyOptions) -> Self {
        LineReader {
            csv: options.format == CopyFormat::Csv,
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            null: options.null.clone().into_bytes(),
            force_not_null: options.force_not_null.clone(),
            force_null: options.force_null.clone(),
            buffer: Vec::new(),
            at: 0,
            scanned: 0,
            in_quote: false,
            last_was_escape: false,
            line_end: None,
            line: 1,
            current: None,
            ended: false,
        }
    }

    /// Takes more bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        self.current = None;
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.scanned -= self.at;
            self.at = 0;
        }
        if self.buffer.len() + bytes.len() > MAX_LINE {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a line of COPY data is too long"));
        }
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            // It doubles, and the system may refuse what the limits would allow.
            memory::reserve(2 * self.buffer.capacity())?;
            self.buffer.try_reserve(bytes.len()).map_err(|_| Error::new(SqlState::OUT_OF_MEMORY, "out of memory"))?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The number of the line that is being read.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The text of the line whose fields were given last.
    pub fn line_text(&self) -> Option<&[u8]> {
        self.buffer.get(self.current.clone()?)
    }

    /// The row is done with: later errors are not about its line.
    pub fn finish_row(&mut self) {
        self.current = None;
        self.line += 1;
    }

    /// The next row's fields; false if more bytes are needed, or if `at_end`, when there is none. Each row is to be
    /// followed by [`LineReader::finish_row`].
    pub fn next(&mut self, fields: &mut Fields, at_end: bool) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let range = match self.find_line(at_end)? {
            Found::Nothing if !at_end => return Ok(false),
            Found::Nothing => {
                let range = self.at..self.buffer.len();
                (self.at, self.scanned) = (range.end, range.end);
                self.ended = true;
                if range.is_empty() {
                    return Ok(false);
                }
                range
            }
            Found::Line { end, next } => {
                let range = self.at..end;
                (self.at, self.scanned) = (next, next);
                range
            }
            Found::Last { end } => {
                let range = self.at..end;
                self.ended = true;
                if range.is_empty() {
                    return Ok(false);
                }
                range
            }
        };
        self.check_text(&range)?;
        self.current = Some(range.clone());
        fields.clear();
        let line = self.buffer.get(range).unwrap_or(&[]);
        if self.csv {
            self.split_csv(line, fields)?
        } else {
            self.split_text(line, fields)?
        }
        Ok(true)
    }

    fn check_text(&self, range: &Range<usize>) -> Result<()> {
        let line = self.buffer.get(range.clone()).unwrap_or(&[]);
        match std::str::from_utf8(line) {
            Ok(_) => Ok(()),
            Err(error) => Err(invalid_utf8(line, error)),
        }
    }

    fn find_line(&mut self, at_end: bool) -> Result<Found> {
        if self.csv { self.find_csv_line(at_end) } else { self.find_text_line(at_end) }
    }

    fn find_text_line(&mut self, at_end: bool) -> Result<Found> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or(&[]);
            let Some(skip) = rest.iter().position(|b| matches!(b, b'\n' | b'\r' | b'\\')) else {
                self.scanned = self.buffer.len();
                return Ok(Found::Nothing);
            };
            self.scanned += skip;
            match self.buffer.get(self.scanned) {
                Some(b'\\') => match self.buffer.get(self.scanned + 1) {
                    None if at_end => self.scanned += 1,
                    None => return Ok(Found::Nothing),
                    Some(b'.') => {
                        return match self.end_marker(at_end)? {
                            None => Ok(Found::Nothing),
                            Some(true) => Ok(Found::Last { end: self.scanned }),
                            Some(false) => Err(bad_format("end-of-copy marker corrupt")),
                        };
                    }
                    // The next byte is data whatever it is, a line end too.
                    Some(_) => self.scanned += 2,
                },
                Some(_) => match self.line_break(at_end)? {
                    None => return Ok(Found::Nothing),
                    Some(width) => {
                        return Ok(Found::Line { end: self.scanned, next: self.scanned + width });
                    }
                },
                None => return Ok(Found::Nothing),
            }
        }
    }

    fn find_csv_line(&mut self, at_end: bool) -> Result<Found> {
        // An escape that is the quote itself doubles it, which turning in_quote off and on again gives.
        let escape = if self.escape == self.quote { None } else { Some(self.escape) };
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            if byte == b'\\' && self.scanned == self.at && !self.in_quote {
                match self.buffer.get(self.scanned + 1) {
                    None if !at_end => return Ok(Found::Nothing),
                    Some(b'.') => match self.end_marker(at_end)? {
                        None => return Ok(Found::Nothing),
                        Some(true) => return Ok(Found::Last { end: self.scanned }),
                        Some(false) => {}
                    },
                    _ => {}
                }
            }
            if self.in_quote && Some(byte) == escape {
                self.last_was_escape = !self.last_was_escape;
            }
            if byte == self.quote && !self.last_was_escape {
                self.in_quote = !self.in_quote;
            }
            if Some(byte) != escape {
                self.last_was_escape = false;
            }
            if matches!(byte, b'\n' | b'\r') {
                if !self.in_quote {
                    return Ok(match self.line_break(at_end)? {
                        None => Found::Nothing,
                        Some(width) => Found::Line { end: self.scanned, next: self.scanned + width },
                    });
                }
                // Lines are counted by the byte that ends them.
                let counted = if self.line_end == Some(LineEnd::Newline) { b'\n' } else { b'\r' };
                self.line += u64::from(byte == counted);
            }
            self.scanned += 1;
        }
        Ok(Found::Nothing)
    }

    /// The width of the line end at `scanned`; `None` if another byte is needed to tell.
    fn line_break(&mut self, at_end: bool) -> Result<Option<usize>> {
        let is_return = self.buffer.get(self.scanned) == Some(&b'\r');
        let next = self.buffer.get(self.scanned + 1).copied();
        if is_return && matches!(self.line_end, None | Some(LineEnd::Both)) && next.is_none() && !at_end {
            return Ok(None);
        }
        let here = match (is_return, next) {
            (false, _) => LineEnd::Newline,
            (true, Some(b'\n')) if self.line_end != Some(LineEnd::Return) => LineEnd::Both,
            (true, _) => LineEnd::Return,
        };
        match self.line_end {
            Some(known) if known != here => Err(self.wrong_line_end(is_return)),
            _ => {
                self.line_end = Some(here);
                Ok(Some(if here == LineEnd::Both { 2 } else { 1 }))
            }
        }
    }

    fn wrong_line_end(&self, is_return: bool) -> Error {
        let (name, written) = if is_return { ("carriage return", "\\r") } else { ("newline", "\\n") };
        if self.csv {
            bad_format(format!("unquoted {name} found in data"))
                .with_hint(format!("Use quoted CSV field to represent {name}."))
        } else {
            bad_format(format!("literal {name} found in data"))
                .with_hint(format!("Use \"{written}\" to represent {name}."))
        }
    }

    /// Whether `\.` at `scanned` is the end marker, that is, a line end or the end of the data follows; `None` if more
    /// bytes are needed to tell.
    fn end_marker(&mut self, at_end: bool) -> Result<Option<bool>> {
        let follows = |at: usize| self.buffer.get(self.scanned + at).copied();
        let here = match (follows(2), follows(3)) {
            (None, _) => return Ok(if at_end { Some(true) } else { None }),
            (Some(b'\n'), _) => LineEnd::Newline,
            (Some(b'\r'), None) if !at_end && self.line_end != Some(LineEnd::Return) => return Ok(None),
            (Some(b'\r'), Some(b'\n')) => LineEnd::Both,
            (Some(b'\r'), _) => LineEnd::Return,
            _ => return Ok(Some(false)),
        };
        match self.line_end {
            Some(known) if known != here => Err(bad_format("end-of-copy marker does not match previous newline style")),
            _ => Ok(Some(true)),
        }
    }

    fn split_text(&self, line: &[u8], fields: &mut Fields) -> Result<()> {
        let mut rest = line;
        loop {
            let start = fields.data.len();
            let raw = rest;
            let mut raw_length = 0;
            let mut checked = true;
            let ended = loop {
                let Some(at) = rest.iter().position(|b| *b == self.delimiter || *b == b'\\') else {
                    fields.data.extend_from_slice(rest);
                    raw_length += rest.len();
                    break true;
                };
                let (plain, special) = rest.split_at(at);
                fields.data.extend_from_slice(plain);
                if special.first() == Some(&self.delimiter) {
                    raw_length += at;
                    rest = special.get(1..).unwrap_or(&[]);
                    break false;
                }
                let (byte, width) = unescape(special);
                if let Some(byte) = byte {
                    checked &= byte.is_ascii() && byte != 0;
                    fields.data.push(byte);
                }
                raw_length += at + width;
                rest = special.get(width..).unwrap_or(&[]);
            };
            if !checked {
                check_unescaped(fields.data.get(start..).unwrap_or(&[]))?;
            }
            let is_null = raw.get(..raw_length) == Some(self.null.as_slice());
            fields.end(start, is_null);
            if ended {
                return Ok(());
            }
        }
    }

    fn split_csv(&self, line: &[u8], fields: &mut Fields) -> Result<()> {
        let mut at = 0;
        loop {
            let start = fields.data.len();
            let mut quoted = false;
            let ended = loop {
                match line.get(at).copied() {
                    None => break true,
                    Some(byte) if byte == self.delimiter => {
                        at += 1;
                        break false;
                    }
                    Some(byte) if byte == self.quote => {
                        quoted = true;
                        at = self.quoted_part(line, at + 1, &mut fields.data)?;
                    }
                    Some(byte) => {
                        fields.data.push(byte);
                        at += 1;
                    }
                }
            };
            let column = fields.len();
            let matches_null = fields.data.get(start..) == Some(self.null.as_slice());
            let is_null = matches_null
                && if quoted { self.force_null.contains(&column) } else { !self.force_not_null.contains(&column) };
            fields.end(start, is_null);
            if ended {
                return Ok(());
            }
        }
    }

    /// Copies what is between quotes, from behind the opening one; gives the place behind the closing one.
    fn quoted_part(&self, line: &[u8], mut at: usize, data: &mut Vec<u8>) -> Result<usize> {
        loop {
            let Some(byte) = line.get(at).copied() else { return Err(bad_format("unterminated CSV quoted field")) };
            let next = line.get(at + 1).copied();
            if byte == self.escape
                && let Some(escaped) = next
                && (escaped == self.quote || escaped == self.escape)
            {
                data.push(escaped);
                at += 2;
                continue;
            }
            if byte == self.quote {
                return Ok(at + 1);
            }
            data.push(byte);
            at += 1;
        }
    }
}

fn bad_format(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

/// A backslash sequence: the byte it means, and its width. A lone backslash at the end means nothing.
fn unescape(text: &[u8]) -> (Option<u8>, usize) {
    let Some(byte) = text.get(1).copied() else { return (None, 1) };
    let digits = |from: usize, most: usize, base: u32| {
        let taken = text.iter().skip(from).take(most).map_while(|b| char::from(*b).to_digit(base));
        taken.fold((0_u32, 0), |(value, count), digit| (value * base + digit, count + 1))
    };
    match byte {
        b'b' => (Some(8), 2),
        b'f' => (Some(12), 2),
        b'n' => (Some(b'\n'), 2),
        b'r' => (Some(b'\r'), 2),
        b't' => (Some(b'\t'), 2),
        b'v' => (Some(11), 2),
        b'0'..=b'7' => {
            let (value, count) = digits(1, 3, 8);
            (Some(value as u8), 1 + count)
        }
        b'x' => match digits(2, 2, 16) {
            (_, 0) => (Some(b'x'), 2),
            (value, count) => (Some(value as u8), 2 + count),
        },
        other => (Some(other), 2),
    }
}

/// Bytes written as numbers must be text, too.
fn check_unescaped(bytes: &[u8]) -> Result<()> {
    if bytes.contains(&0) {
        let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
        return Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(invalid_utf8(bytes, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::plan::CopyHeader;

    fn options(format: CopyFormat) -> CopyOptions {
        CopyOptions {
            format,
            delimiter: if format == CopyFormat::Csv { b',' } else { b'\t' },
            null: if format == CopyFormat::Csv { String::new() } else { "\\N".to_owned() },
            header: CopyHeader::No,
            quote: b'"',
            escape: b'"',
            force_quote: Vec::new(),
            force_not_null: Vec::new(),
            force_null: Vec::new(),
            charset: None,
            freeze: false,
        }
    }

    /// All rows of an input fed in pieces of `size`, as text; NULL is "∅". An error ends it with its line.
    fn read(options: &CopyOptions, input: &[u8], size: usize) -> Vec<String> {
        let (mut reader, mut fields, mut rows) = (LineReader::new(options), Fields::default(), Vec::new());
        let mut pieces = input.chunks(size);
        loop {
            let piece = pieces.next();
            let outcome = piece.map_or(Ok(()), |piece| reader.feed(piece));
            loop {
                match outcome.clone().and_then(|()| reader.next(&mut fields, piece.is_none())) {
                    Ok(true) => {
                        let shown = (0..fields.len()).map(|at| match fields.get(at) {
                            Some(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
                            None => "∅".to_owned(),
                        });
                        rows.push(shown.collect::<Vec<_>>().join("|"));
                        reader.finish_row();
                    }
                    Ok(false) => break,
                    Err(error) => {
                        rows.push(format!("{}: {}", reader.line(), error.message()));
                        return rows;
                    }
                }
            }
            if piece.is_none() {
                return rows;
            }
        }
    }

    /// What PostgreSQL 15 makes of these inputs.
    const TEXT: &[(&str, &[&str])] = &[
        ("1\ta\n2\tb\n", &["1|a", "2|b"]),
        ("1\ta\r\n2\tb\r\n", &["1|a", "2|b"]),
        ("1\ta\r2\tb\r", &["1|a", "2|b"]),
        ("1\ta", &["1|a"]),
        ("1\ta\r\n2\tb\n", &["1|a", "2: literal newline found in data"]),
        ("1\ta\n2\tb\r\n", &["1|a", "2: literal carriage return found in data"]),
        ("1\ta\r2\tb\n", &["1|a", "2: literal newline found in data"]),
        ("1\ta\\\nb\n", &["1|a\nb"]),
        ("1\t\\x41\\101\\q\\t\\\\\n\\.\nrest", &["1|AAq\t\\"]),
        ("1\ta\\.\n", &["1|a"]),
        ("1\ta\n\\.x\n", &["1|a", "2: end-of-copy marker corrupt"]),
        ("1\ta\n\\.\r\n", &["1|a", "2: end-of-copy marker does not match previous newline style"]),
        ("1\ta\n\\", &["1|a", ""]),
        ("\\N\t\\\\N\n", &["∅|\\N"]),
        ("\n", &[""]),
        ("1\tabc\\0\n", &["1: invalid byte sequence for encoding \"UTF8\": 0x00"]),
        ("1\tabc\\xff\n", &["1: invalid byte sequence for encoding \"UTF8\": 0xff"]),
        ("\\xc3\\xa9\n", &["é"]),
    ];

    const CSV: &[(&str, &[&str])] = &[
        ("1,a\n2,b\n", &["1|a", "2|b"]),
        ("1,\n2,\"\"\n", &["1|∅", "2|"]),
        ("1,\"a\"\"b\"c\n", &["1|a\"bc"]),
        ("1,\"a\nb\"\n2,x\n", &["1|a\nb", "2|x"]),
        ("1,a\n\\.\n3,b\n", &["1|a"]),
        ("1,a\n\"\\.\"\n", &["1|a", "\\."]),
        ("1,a\n\\.x,s\n", &["1|a", "\\.x|s"]),
        ("1,a\r\n2,b\n", &["1|a", "2: unquoted newline found in data"]),
        ("1,a\n2,b\r\n", &["1|a", "2: unquoted carriage return found in data"]),
        ("1,\"a", &["1: unterminated CSV quoted field"]),
        ("1,a\n\n", &["1|a", "∅"]),
    ];

    #[test]
    fn rows_do_not_depend_on_how_the_bytes_arrive() {
        for (format, cases) in [(CopyFormat::Text, TEXT), (CopyFormat::Csv, CSV)] {
            for (input, expected) in cases {
                for size in [1, 2, 3, 1000] {
                    assert_eq!(read(&options(format), input.as_bytes(), size), *expected, "{input:?} in {size}s");
                }
            }
        }
    }

    #[test]
    fn a_csv_escape_of_its_own() {
        let options = CopyOptions { escape: b'\\', ..options(CopyFormat::Csv) };
        assert_eq!(read(&options, b"\"a\\\"b\\\\\",c\n", 1), ["a\"b\\|c"]);
        let options = CopyOptions { force_null: vec![0], force_not_null: vec![1], ..self::options(CopyFormat::Csv) };
        assert_eq!(read(&options, b"\"\",\n", 100), ["∅|"]);
    }

    /// Whatever the bytes, reading ends, and in the same rows however they arrive.
    #[test]
    fn random_bytes_do_no_harm() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let alphabet = b"a1\t,\"\\.\n\rNx0\xc3\xa9\xff";
        for round in 0..3000 {
            let length = (random() % 40) as usize;
            let input: Vec<u8> = (0..length)
                .filter_map(|_| alphabet.get((random() % alphabet.len() as u64) as usize).copied())
                .collect();
            let format = if round % 2 == 0 { CopyFormat::Text } else { CopyFormat::Csv };
            let whole = read(&options(format), &input, 1000);
            assert_eq!(read(&options(format), &input, 1), whole, "{input:?}");
        }
    }
}
