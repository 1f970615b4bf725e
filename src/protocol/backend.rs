//! Backend messages to bytes, written straight into the connection's output buffer.
//!
//! Owns: one function per message, and [`Message`] for those that are filled in place (DataRow, CopyData). Pure.
//! Specification: protocol-message-formats.html, protocol-error-fields.html.

use bytes::{BufMut, BytesMut};

use crate::error::{ErrorFields, Result};
use crate::limits::memory;
use crate::protocol::message::{Field, TransactionIndicator};
use crate::types::format::Format;
use crate::types::pg_type::Oid;

/// Values below that are encoded without asking for the memory first.
const SMALL_VALUE: usize = 64 << 10;

/// A message being written: its length is filled in by [`Message::end`].
#[derive(Debug)]
#[must_use]
pub struct Message {
    length_at: usize,
}

impl Message {
    /// Starts a message of this type.
    pub fn begin(out: &mut BytesMut, tag: u8) -> Self {
        out.put_u8(tag);
        let length_at = out.len();
        out.put_u32(0);
        Message { length_at }
    }

    /// Ends it.
    pub fn end(self, out: &mut BytesMut) {
        let length = (out.len() - self.length_at) as u32;
        if let Some(slot) = out.get_mut(self.length_at..self.length_at + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// Fails if it cannot take so many more bytes: a message is at most 1 GiB, as in PostgreSQL (54000), and the session has
    /// its limit (53200).
    pub fn room(&self, out: &BytesMut, more: usize) -> Result<()> {
        let written = out.len() - self.length_at;
        if written.saturating_add(more) > memory::MAX_VALUE {
            return Err(memory::string_too_long(written, more));
        }
        if more < SMALL_VALUE { Ok(()) } else { memory::reserve(more) }
    }

    /// Takes back all that has been written of it.
    pub fn abandon(self, out: &mut BytesMut) {
        out.truncate(self.length_at - 1);
    }
}

/// A value of a row: its length is filled in by [`ValueSlot::end`]. NULL is [`null`].
#[derive(Debug)]
#[must_use]
pub struct ValueSlot {
    length_at: usize,
}

impl ValueSlot {
    /// Starts a value.
    pub fn begin(out: &mut BytesMut) -> Self {
        let length_at = out.len();
        out.put_u32(0);
        ValueSlot { length_at }
    }

    /// Ends it.
    pub fn end(self, out: &mut BytesMut) {
        let length = (out.len() - self.length_at - 4) as u32;
        if let Some(slot) = out.get_mut(self.length_at..self.length_at + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// NULL in a row.
pub fn null(out: &mut BytesMut) {
    out.put_i32(-1);
}

fn text(out: &mut BytesMut, text: &str) {
    // A NUL would end the string early on the other side.
    out.put_slice(text.split('\0').next().unwrap_or("").as_bytes());
    out.put_u8(0);
}

fn empty(out: &mut BytesMut, tag: u8) {
    Message::begin(out, tag).end(out);
}

pub fn authentication_ok(out: &mut BytesMut) {
    authentication(out, 0, &[]);
}

/// AuthenticationCleartextPassword
pub fn authentication_password(out: &mut BytesMut) {
    authentication(out, 3, &[]);
}

pub fn authentication_md5(out: &mut BytesMut, salt: [u8; 4]) {
    authentication(out, 5, &salt);
}

/// AuthenticationSASL with the mechanisms offered, best first.
pub fn authentication_sasl(out: &mut BytesMut, mechanisms: &[&str]) {
    let mut body = Vec::new();
    for mechanism in mechanisms {
        body.extend_from_slice(mechanism.as_bytes());
        body.push(0);
    }
    body.push(0);
    authentication(out, 10, &body);
}

pub fn authentication_sasl_continue(out: &mut BytesMut, data: &[u8]) {
    authentication(out, 11, data);
}

pub fn authentication_sasl_final(out: &mut BytesMut, data: &[u8]) {
    authentication(out, 12, data);
}

fn authentication(out: &mut BytesMut, code: u32, data: &[u8]) {
    let message = Message::begin(out, b'R');
    out.put_u32(code);
    out.put_slice(data);
    message.end(out);
}

/// The newest minor version supported and the `_pq_.` options not known.
pub fn negotiate_protocol_version(out: &mut BytesMut, minor: u32, unknown: &[&str]) {
    let message = Message::begin(out, b'v');
    out.put_u32(3 << 16 | minor);
    out.put_u32(unknown.len() as u32);
    unknown.iter().for_each(|option| text(out, option));
    message.end(out);
}

pub fn parameter_status(out: &mut BytesMut, name: &str, value: &str) {
    let message = Message::begin(out, b'S');
    text(out, name);
    text(out, value);
    message.end(out);
}

pub fn backend_key_data(out: &mut BytesMut, pid: i32, secret: i32) {
    let message = Message::begin(out, b'K');
    out.put_i32(pid);
    out.put_i32(secret);
    message.end(out);
}

/// NotificationResponse
pub fn notification(out: &mut BytesMut, pid: i32, channel: &str, payload: &str) {
    let message = Message::begin(out, b'A');
    out.put_i32(pid);
    for text in [channel, payload] {
        out.extend_from_slice(text.as_bytes());
        out.put_u8(0);
    }
    message.end(out);
}

pub fn ready_for_query(out: &mut BytesMut, status: TransactionIndicator) {
    let message = Message::begin(out, b'Z');
    out.put_u8(status.byte());
    message.end(out);
}

pub fn parse_complete(out: &mut BytesMut) {
    empty(out, b'1');
}

pub fn bind_complete(out: &mut BytesMut) {
    empty(out, b'2');
}

pub fn close_complete(out: &mut BytesMut) {
    empty(out, b'3');
}

pub fn no_data(out: &mut BytesMut) {
    empty(out, b'n');
}

pub fn portal_suspended(out: &mut BytesMut) {
    empty(out, b's');
}

pub fn empty_query_response(out: &mut BytesMut) {
    empty(out, b'I');
}

pub fn copy_done(out: &mut BytesMut) {
    empty(out, b'c');
}

pub fn command_complete(out: &mut BytesMut, tag: &str) {
    let message = Message::begin(out, b'C');
    text(out, tag);
    message.end(out);
}

pub fn parameter_description(out: &mut BytesMut, types: impl ExactSizeIterator<Item = Oid>) {
    let message = Message::begin(out, b't');
    out.put_u16(types.len() as u16);
    types.for_each(|oid| out.put_u32(oid.0));
    message.end(out);
}

pub fn row_description<'a>(out: &mut BytesMut, fields: impl ExactSizeIterator<Item = Field<'a>>) {
    let message = Message::begin(out, b'T');
    out.put_u16(fields.len() as u16);
    for field in fields {
        text(out, field.name);
        out.put_u32(field.table_oid.0);
        out.put_i16(field.attribute);
        out.put_u32(field.type_oid.0);
        out.put_i16(field.type_len);
        out.put_i32(field.typmod);
        out.put_u16(format_code(field.format));
    }
    message.end(out);
}

fn format_code(format: Format) -> u16 {
    match format {
        Format::Text => 0,
        Format::Binary => 1,
    }
}

pub fn copy_in_response(out: &mut BytesMut, format: Format, columns: usize) {
    copy_response(out, b'G', format, columns);
}

pub fn copy_out_response(out: &mut BytesMut, format: Format, columns: usize) {
    copy_response(out, b'H', format, columns);
}

fn copy_response(out: &mut BytesMut, tag: u8, format: Format, columns: usize) {
    let message = Message::begin(out, tag);
    out.put_u8(format_code(format) as u8);
    out.put_u16(columns as u16);
    (0..columns).for_each(|_| out.put_u16(format_code(format)));
    message.end(out);
}

pub fn error_response(out: &mut BytesMut, fields: &ErrorFields) {
    report(out, b'E', fields);
}

pub fn notice_response(out: &mut BytesMut, fields: &ErrorFields) {
    report(out, b'N', fields);
}

fn report(out: &mut BytesMut, tag: u8, fields: &ErrorFields) {
    let message = Message::begin(out, tag);
    let severity = fields.severity.as_str();
    let position = fields.position.map(|p| p.to_string());
    let internal_position = fields.internal_position.map(|p| p.to_string());
    let all = [
        (b'S', Some(severity)),
        (b'V', Some(severity)),
        (b'C', Some(fields.code.as_str())),
        (b'M', Some(&*fields.message)),
        (b'D', fields.detail.as_deref()),
        (b'H', fields.hint.as_deref()),
        (b'P', position.as_deref()),
        (b'p', internal_position.as_deref()),
        (b'q', fields.internal_query.as_deref()),
        (b'W', fields.context.as_deref()),
        (b's', fields.schema.as_deref()),
        (b't', fields.table.as_deref()),
        (b'c', fields.column.as_deref()),
        (b'd', fields.data_type.as_deref()),
        (b'n', fields.constraint.as_deref()),
        (b'R', fields.routine),
    ];
    for (code, value) in all {
        if let Some(value) = value {
            out.put_u8(code);
            text(out, value);
        }
    }
    out.put_u8(0);
    message.end(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Severity, SqlState};

    #[test]
    fn the_routine_is_told_where_there_is_one() {
        let error = |routine| ErrorFields { routine, ..ErrorFields::new(Severity::Error, SqlState::SYNTAX_ERROR, "m") };
        let (mut with, mut without) = (BytesMut::new(), BytesMut::new());
        error_response(&mut with, &error(Some("f")));
        error_response(&mut without, &error(None));
        assert!(with.ends_with(b"Mm\0Rf\0\0") && without.ends_with(b"Mm\0\0"));
    }

    #[test]
    fn lengths_are_filled_in() {
        let mut out = BytesMut::new();
        let row = Message::begin(&mut out, b'D');
        out.put_u16(2);
        let value = ValueSlot::begin(&mut out);
        out.put_slice(b"abc");
        value.end(&mut out);
        null(&mut out);
        row.end(&mut out);
        assert_eq!(&out[..], b"D\0\0\0\x11\0\x02\0\0\0\x03abc\xff\xff\xff\xff");
    }

    #[test]
    fn a_nul_in_a_string_cannot_break_the_frame() {
        let mut out = BytesMut::new();
        command_complete(&mut out, "SELECT\0 1");
        assert_eq!(&out[..], b"C\0\0\0\x0bSELECT\0");
    }
}
