//! COPY's binary format read: bytes to fields. Pure.
//!
//! Owns: [`BinaryReader`]. Must not know: messages, types, tables. Specification: sql-copy.html (Binary Format);
//! wording as in PostgreSQL 15's copyfromparse.c.

use crate::error::{Error, Result, SqlState};
use crate::session::copy_lines::Fields;

/// The first bytes of every file.
pub const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// The longest field collected before it is given up.
const MAX_FIELD: usize = 256 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Header,
    /// The header's extension, of so many bytes.
    Extension(usize),
    Rows,
    Ended,
}

/// Rows out of bytes.
pub struct BinaryReader {
    columns: usize,
    buffer: Vec<u8>,
    /// Start of what has not been given yet.
    at: usize,
    stage: Stage,
    row: u64,
    /// The column an error is about.
    column: Option<usize>,
}

impl BinaryReader {
    /// A reader of rows with so many columns.
    pub fn new(columns: usize) -> Self {
        BinaryReader { columns, buffer: Vec::new(), at: 0, stage: Stage::Header, row: 0, column: None }
    }

    /// Takes more bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        if self.buffer.len() + bytes.len() > MAX_FIELD {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row of COPY data is too long"));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The row that is being read, from 1; 0 while in the header.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The column an error of [`BinaryReader::next`] is about.
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// The next row's fields; false if more bytes are needed, or if `at_end`, when there is none.
    pub fn next(&mut self, fields: &mut Fields, at_end: bool) -> Result<bool> {
        loop {
            match self.stage {
                Stage::Header => {
                    let Some(header) = self.take(SIGNATURE.len() + 8) else { return self.short_header(at_end) };
                    let extension = read_header(header)?;
                    self.stage = Stage::Extension(extension);
                }
                Stage::Extension(length) => {
                    if self.take(length).is_none() {
                        return if at_end { Err(bad("invalid COPY file header (wrong length)")) } else { Ok(false) };
                    }
                    self.stage = Stage::Rows;
                }
                Stage::Rows => return self.row_fields(fields, at_end),
                Stage::Ended => {
                    let more = self.at < self.buffer.len();
                    return if more { Err(bad("received copy data after EOF marker")) } else { Ok(false) };
                }
            }
        }
    }

    fn short_header(&self, at_end: bool) -> Result<bool> {
        let have = self.buffer.get(self.at..).unwrap_or(&[]);
        let start = have.get(..SIGNATURE.len().min(have.len())).unwrap_or(&[]);
        if !SIGNATURE.starts_with(start) || at_end && have.len() < SIGNATURE.len() {
            return Err(bad("COPY file signature not recognized"));
        }
        match (at_end, have.len()) {
            (false, _) => Ok(false),
            (true, length) if length < SIGNATURE.len() + 4 => Err(bad("invalid COPY file header (missing flags)")),
            (true, _) => Err(bad("invalid COPY file header (missing length)")),
        }
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.buffer.len())?;
        let start = std::mem::replace(&mut self.at, end);
        self.buffer.get(start..end)
    }

    fn row_fields(&mut self, fields: &mut Fields, at_end: bool) -> Result<bool> {
        let start = self.at;
        self.column = None;
        let Some(count) = self.take(2).and_then(|b| <[u8; 2]>::try_from(b).ok()).map(i16::from_be_bytes) else {
            // PostgreSQL takes an end without a trailer for the end.
            return Ok(false);
        };
        self.row += 1;
        if count == -1 {
            self.stage = Stage::Ended;
            return self.next(fields, at_end);
        }
        if usize::try_from(count).ok() != Some(self.columns) {
            return Err(bad(format!("row field count is {count}, expected {}", self.columns)));
        }
        fields.clear();
        for column in 0..self.columns {
            self.column = Some(column);
            match self.field(fields)? {
                true => {}
                false if at_end => return Err(bad("unexpected EOF in COPY data")),
                false => {
                    // The row is read again when more has come.
                    self.at = start;
                    self.row -= 1;
                    return Ok(false);
                }
            }
        }
        self.column = None;
        Ok(true)
    }

    fn field(&mut self, fields: &mut Fields) -> Result<bool> {
        let Some(length) = self.take(4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(i32::from_be_bytes) else {
            return Ok(false);
        };
        match usize::try_from(length) {
            Ok(length) => match self.take(length) {
                Some(bytes) => fields.push(Some(bytes)),
                None => return Ok(false),
            },
            Err(_) if length == -1 => fields.push(None),
            Err(_) => return Err(bad("invalid field size")),
        }
        Ok(true)
    }
}

/// Checks the header's fixed part; gives the length of its extension.
fn read_header(header: &[u8]) -> Result<usize> {
    let (signature, rest) = header.split_at_checked(SIGNATURE.len()).unwrap_or((header, &[]));
    if signature != SIGNATURE {
        return Err(bad("COPY file signature not recognized"));
    }
    let number = |at: usize| rest.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(u32::from_be_bytes);
    let flags = number(0).unwrap_or_default();
    if flags & 1 << 16 != 0 {
        return Err(bad("invalid COPY file header (WITH OIDS)"));
    }
    if flags & 0xfffe_0000 != 0 {
        return Err(bad("unrecognized critical flags in COPY file header"));
    }
    match number(4).map(|length| length as usize) {
        Some(length) if length <= MAX_FIELD => Ok(length),
        _ => Err(bad("invalid COPY file header (missing length)")),
    }
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], size: usize) -> Vec<String> {
        let (mut reader, mut fields, mut rows) = (BinaryReader::new(2), Fields::default(), Vec::new());
        let mut pieces = input.chunks(size);
        loop {
            let piece = pieces.next();
            if let Some(piece) = piece {
                reader.feed(piece).expect("short");
            }
            loop {
                match reader.next(&mut fields, piece.is_none()) {
                    Ok(true) => rows.push(format!("{:?} {:?}", fields.get(0), fields.get(1))),
                    Ok(false) => break,
                    Err(error) => {
                        rows.push(format!("{} {:?} {}", reader.row(), reader.column(), error.message()));
                        return rows;
                    }
                }
            }
            if piece.is_none() {
                return rows;
            }
        }
    }

    /// What PostgreSQL 15 makes of these inputs behind a good signature.
    const RECORDED: &[(&[u8], &[&str])] = &[
        (b"\0\0\0\0\0\0\0\0\xff\xff", &[]),
        (b"\0\0\0\0\0\0\0\0", &[]),
        (b"\0\0\0\0\0\0\0\x01x\0\x02\0\0\0\x01a\xff\xff\xff\xff", &["Some([97]) None"]),
        (b"\0\0\0\0\0\0\0\0\0\x03", &["1 None row field count is 3, expected 2"]),
        (b"\0\0\0\0\0\0\0\0\0\x02\0\0\0\x04", &["1 Some(0) unexpected EOF in COPY data"]),
        (b"\0\0\0\0\0\0\0\0\0\x02\xff\xff\xff\xfe", &["1 Some(0) invalid field size"]),
        (b"\0\x01\0\0\0\0\0\0", &["0 None invalid COPY file header (WITH OIDS)"]),
        (b"\0\0\0\0\0", &["0 None invalid COPY file header (missing length)"]),
        (b"\0\0\0\0\0\0\0\0\xff\xffaaa", &["1 None received copy data after EOF marker"]),
    ];

    #[test]
    fn rows_do_not_depend_on_how_the_bytes_arrive() {
        for (body, expected) in RECORDED {
            let input = [SIGNATURE.as_slice(), body].concat();
            for size in [1, 7, 1000] {
                assert_eq!(read(&input, size), *expected, "{body:?} in {size}s");
            }
        }
        assert_eq!(read(b"xxx", 1), ["0 None COPY file signature not recognized"]);
        assert_eq!(read(b"PGCOPY\n", 1000), ["0 None COPY file signature not recognized"]);
    }

    #[test]
    fn random_bytes_do_no_harm() {
        let mut seed = 88_172_645_463_325_252_u64;
        for _ in 0..3000 {
            let mut input = [SIGNATURE.as_slice(), &[0; 8]].concat();
            for _ in 0..seed % 60 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                input.push([0, 0, 0, 2, 255, 1][(seed % 6) as usize]);
            }
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            assert_eq!(read(&input, 3), read(&input, 1000), "{input:?}");
        }
    }
}
