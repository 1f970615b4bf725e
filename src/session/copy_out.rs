//! COPY … TO STDOUT: rows become CopyData messages in the connection's output buffer, as they are stepped.
//!
//! Owns: the three formats written, and [`StateMachine::copy_out`]. Must not know: where rows come from.
//! Specification: sql-copy.html, protocol-flow.html#PROTOCOL-COPY.

use bytes::{BufMut, BytesMut};

use crate::engine::cursor::Cursor;
use crate::error::Result;
use crate::protocol::backend::{self, Message, ValueSlot};
use crate::session::charset::{encode_since, encode_value};
use crate::session::copy_binary::SIGNATURE;
use crate::session::machine::{Outcome, StateMachine};
use crate::sql::plan::{CopyFormat, CopyHeader, CopyOptions, CopyPlan, FieldDescription};
use crate::types::charset::Charset;
use crate::types::encoding;
use crate::types::format::{Format, FormatSettings};
use crate::types::value::{Value, ValueRef};

impl StateMachine {
    /// Sends the rows. Gives their number.
    pub(super) async fn copy_out(&mut self, plan: &CopyPlan, literals: &[Value]) -> Outcome<u64> {
        let mut cursor = self.open(&plan.statement, &[], literals).await?;
        let mut has_row = cursor.step()?;
        let options = &plan.options;
        let binary = options.format == CopyFormat::Binary;
        let format = if binary { Format::Binary } else { Format::Text };
        backend::copy_out_response(self.conn.out(), format, plan.columns.len());
        let settings = self.context().settings.shared_format();
        if options.header != CopyHeader::No {
            let message = Message::begin(self.conn.out(), b'd');
            let (charset, out) = (plan.options.charset.or(settings.charset), self.conn.out());
            let start = out.len();
            write_header(plan, out);
            if let Some(charset) = charset
                && let Err(error) = encode_since(charset, start, out)
            {
                message.abandon(out);
                return Err(error.into());
            }
            message.end(out);
        }
        let mut writer = RowWriter {
            columns: &plan.columns,
            options,
            charset: options.charset.or(settings.charset).filter(|charset| charset.converts()),
            settings,
            scratch: Vec::new(),
        };
        let mut sent = 0;
        while has_row {
            let out = self.conn.out();
            let message = Message::begin(out, b'd');
            if binary && sent == 0 {
                write_binary_header(out);
            }
            if let Err(error) = writer.write(&message, &cursor, out) {
                message.abandon(out);
                return Err(error.into());
            }
            message.end(out);
            sent += 1;
            if self.conn.is_full() {
                self.flush().await?;
            }
            has_row = cursor.step()?;
        }
        let out = self.conn.out();
        if binary {
            let message = Message::begin(out, b'd');
            if sent == 0 {
                write_binary_header(out);
            }
            out.put_i16(-1);
            message.end(out);
        }
        backend::copy_done(out);
        Ok(sent)
    }
}

/// Writes rows in a COPY's format.
struct RowWriter<'p> {
    columns: &'p [FieldDescription],
    options: &'p CopyOptions,
    settings: std::sync::Arc<FormatSettings>,
    charset: Option<&'static Charset>,
    scratch: Vec<u8>,
}

impl RowWriter<'_> {
    fn write(&mut self, row: &Message, cursor: &Cursor, out: &mut BytesMut) -> Result<()> {
        match self.options.format {
            CopyFormat::Binary => self.write_binary(row, cursor, out)?,
            CopyFormat::Text | CopyFormat::Csv => self.write_line(row, cursor, out)?,
        }
        row.room(out, 0)
    }

    fn write_binary(&mut self, row: &Message, cursor: &Cursor, out: &mut BytesMut) -> Result<()> {
        out.put_u16(self.columns.len() as u16);
        for (at, column) in self.columns.iter().enumerate() {
            match cursor.column(at) {
                ValueRef::Null => backend::null(out),
                value => {
                    row.room(out, value.text_size())?;
                    let slot = ValueSlot::begin(out);
                    let start = out.len();
                    encoding::encode(column.repr, Format::Binary, value, &self.settings, out)?;
                    if let Some(charset) = self.charset {
                        encode_value(charset, column.repr, Format::Binary, start, out)?;
                    }
                    slot.end(out);
                }
            }
        }
        Ok(())
    }

    fn write_line(&mut self, row: &Message, cursor: &Cursor, out: &mut BytesMut) -> Result<()> {
        let line = out.len();
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                out.put_u8(self.options.delimiter);
            }
            match cursor.column(at) {
                ValueRef::Null => out.put_slice(self.options.null.as_bytes()),
                value => {
                    // Quoted or escaped it may be as long again.
                    row.room(out, value.text_size().saturating_mul(2))?;
                    let start = out.len();
                    encoding::encode(column.repr, Format::Text, value, &self.settings, out)?;
                    if self.options.format == CopyFormat::Csv {
                        let forced = self.options.force_quote.contains(&at);
                        quote_csv(out, start, self.options, forced, self.columns.len() == 1, &mut self.scratch);
                    } else {
                        escape_text(out, start, self.options.delimiter, &mut self.scratch);
                    }
                }
            }
        }
        out.put_u8(b'\n');
        match self.charset {
            Some(charset) => encode_since(charset, line, out),
            None => Ok(()),
        }
    }
}

fn write_header(plan: &CopyPlan, out: &mut BytesMut) {
    let mut scratch = Vec::new();
    for (at, column) in plan.columns.iter().enumerate() {
        if at > 0 {
            out.put_u8(plan.options.delimiter);
        }
        let start = out.len();
        out.put_slice(column.name.as_bytes());
        if plan.options.format == CopyFormat::Csv {
            quote_csv(out, start, &plan.options, false, plan.columns.len() == 1, &mut scratch);
        } else {
            escape_text(out, start, plan.options.delimiter, &mut scratch);
        }
    }
    out.put_u8(b'\n');
}

fn write_binary_header(out: &mut BytesMut) {
    out.put_slice(SIGNATURE);
    // No flags, no extension.
    out.put_u64(0);
}

/// Escapes what has been written since `start` for the text format.
fn escape_text(out: &mut BytesMut, start: usize, delimiter: u8, scratch: &mut Vec<u8>) {
    let special = |b: u8| b == delimiter || b == b'\\' || (8..=13).contains(&b);
    let written = out.get(start..).unwrap_or(&[]);
    let Some(first) = written.iter().position(|b| special(*b)) else { return };
    scratch.clear();
    scratch.extend_from_slice(written.get(first..).unwrap_or(&[]));
    out.truncate(start + first);
    for byte in scratch.iter().copied() {
        if special(byte) {
            out.put_u8(b'\\');
        }
        out.put_u8(match byte {
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            11 => b'v',
            12 => b'f',
            b'\r' => b'r',
            _ => byte,
        });
    }
}

/// Quotes what has been written since `start` for CSV, if it must be.
fn quote_csv(
    out: &mut BytesMut,
    start: usize,
    options: &CopyOptions,
    forced: bool,
    single: bool,
    scratch: &mut Vec<u8>,
) {
    let written = out.get(start..).unwrap_or(&[]);
    let special = |b: &u8| *b == options.delimiter || *b == options.quote || matches!(b, b'\n' | b'\r');
    let must =
        forced || written == options.null.as_bytes() || single && written == b"\\." || written.iter().any(special);
    if !must {
        return;
    }
    scratch.clear();
    scratch.extend_from_slice(written);
    out.truncate(start);
    out.put_u8(options.quote);
    for byte in scratch.iter().copied() {
        if byte == options.quote || byte == options.escape {
            out.put_u8(options.escape);
        }
        out.put_u8(byte);
    }
    out.put_u8(options.quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(delimiter: u8, null: &str) -> CopyOptions {
        CopyOptions {
            format: CopyFormat::Csv,
            delimiter,
            null: null.to_owned(),
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

    /// Recorded from PostgreSQL 15: value, text format, CSV in a row of several columns, CSV in a row of one.
    const RECORDED: &[(&str, &str, &str, &str)] = &[
        (
            "a\\b\tc\nd\re\u{8}\u{c}\u{b}",
            "a\\\\b\\tc\\nd\\re\\b\\f\\v",
            "\"a\\b\tc\nd\re\u{8}\u{c}\u{b}\"",
            "\"a\\b\tc\nd\re\u{8}\u{c}\u{b}\"",
        ),
        ("\\.", "\\\\.", "\\.", "\"\\.\""),
        ("", "", "\"\"", "\"\""),
        ("\\N", "\\\\N", "\\N", "\\N"),
        (" x ", " x ", " x ", " x "),
        ("a,b", "a,b", "\"a,b\"", "\"a,b\""),
        ("\"", "\"", "\"\"\"\"", "\"\"\"\""),
    ];

    #[test]
    fn values_are_escaped_as_postgresql_does() {
        let mut scratch = Vec::new();
        for (value, text, csv_value, single) in RECORDED {
            let mut out = BytesMut::from("x");
            out.put_slice(value.as_bytes());
            escape_text(&mut out, 1, b'\t', &mut scratch);
            assert_eq!(&out[1..], text.as_bytes(), "{value:?}");
            for (expected, alone) in [(csv_value, false), (single, true)] {
                let mut out = BytesMut::from(*value);
                quote_csv(&mut out, 0, &csv(b',', ""), false, alone, &mut scratch);
                assert_eq!(&out[..], expected.as_bytes(), "{value:?}");
            }
        }
    }
}
