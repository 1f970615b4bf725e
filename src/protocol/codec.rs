//! Frontend bytes to messages.
//!
//! Owns: framing ([`frame`], [`startup_packet`]) and decoding ([`decode`]) with every limit. A frame is split off
//! first and then decoded from a bounded [`Cursor`] that returns errors, so a lying count cannot reach the next
//! message. Pure. Must not know: sockets, session state. Specification: protocol-message-formats.html; wording and
//! severities as in pqcomm.c, pqformat.c and postgres.c of PostgreSQL 15.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Error, Result, SqlState};
use crate::protocol::message::{FrontendMessage, StartupPacket};
use crate::types::charset::Charset;
use crate::types::format::Format;
use crate::types::pg_type::Oid;

/// The longest start-up packet (MAX_STARTUP_PACKET_LENGTH).
pub const MAX_STARTUP: usize = 10_000;
/// The longest message that carries neither text nor data (PQ_SMALL_MESSAGE_LIMIT).
pub const MAX_SMALL: usize = 10_000;
/// The longest password before authentication (PG_MAX_AUTH_TOKEN_LENGTH).
pub const MAX_PASSWORD: usize = 65_535;
/// The longest SASL message before authentication (PG_MAX_SASL_MESSAGE_LENGTH).
pub const MAX_SASL: usize = 1_024;

/// The error of a length that no message of its type can have; the session ends without an answer.
pub const INVALID_LENGTH: &str = "invalid message length";

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

fn violation(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

fn fatal(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::fatal(SqlState::PROTOCOL_VIOLATION, message)
}

/// How long a message of this type may be, without type byte and length; `None` for an unknown type.
fn limit(tag: u8, max_message: usize) -> Option<usize> {
    match tag {
        b'Q' | b'P' | b'B' | b'F' | b'd' => Some(max_message),
        b'C' | b'D' | b'E' | b'H' | b'S' | b'X' | b'c' | b'f' | b'p' => Some(MAX_SMALL),
        _ => None,
    }
}

/// Splits one whole message off the front: its type and body. `None` if more bytes are needed. Errors are fatal: the
/// stream cannot be trusted any more.
pub fn frame(buffer: &mut BytesMut, max_message: usize) -> Result<Option<(u8, Bytes)>> {
    let Some(tag) = buffer.first().copied() else { return Ok(None) };
    let Some(limit) = limit(tag, max_message) else {
        return Err(fatal(format!("invalid frontend message type {tag}")));
    };
    Ok(body(buffer, limit)?.map(|body| (tag, body)))
}

/// Splits the message off whose type has been looked at: its body of at most `limit` bytes.
fn body(buffer: &mut BytesMut, limit: usize) -> Result<Option<Bytes>> {
    let Some(length) = announced_length(buffer) else { return Ok(None) };
    let Some(body) = (length as usize).checked_sub(4).filter(|body| *body <= limit) else {
        return Err(fatal(INVALID_LENGTH));
    };
    if buffer.len() < 5 + body {
        return Ok(None);
    }
    buffer.advance(5);
    Ok(Some(buffer.split_to(body).freeze()))
}

/// The length that stands behind a message's type.
fn announced_length(buffer: &[u8]) -> Option<u32> {
    buffer.get(1..5).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(u32::from_be_bytes)
}

/// What somebody answers who has not proved yet who he is: splits a message off the front that can be nothing but a
/// password message of at most `limit` bytes, as recv_password_packet and pg_SASL do. Any other type is refused by its
/// first byte, a length by its own bytes: nothing is collected that will not be used. `kind` is what was asked for.
pub fn password_frame(buffer: &mut BytesMut, kind: &str, limit: usize) -> Result<Option<Bytes>> {
    match buffer.first().copied() {
        Some(b'p') => {}
        Some(other) => return Err(fatal(format!("expected {kind} response, got message type {other}"))),
        None => return Ok(None),
    }
    body(buffer, limit)
}

/// Whether a whole message waits in the buffer.
pub fn has_frame(buffer: &[u8]) -> bool {
    announced_length(buffer).is_some_and(|length| buffer.len() > length as usize)
}

/// Decodes a message's body. The error's severity tells whether the session can go on.
pub fn decode(tag: u8, body: Bytes) -> Result<FrontendMessage> {
    decode_from(None, tag, body)
}

/// The same for a client whose strings are in that encoding. Values are left as they are.
pub fn decode_from(charset: Option<&'static Charset>, tag: u8, body: Bytes) -> Result<FrontendMessage> {
    let mut cursor = Cursor { body, charset };
    let message = match tag {
        b'Q' => FrontendMessage::Query { sql: cursor.text()? },
        b'P' => parse(&mut cursor)?,
        b'B' => bind(&mut cursor)?,
        b'D' => match cursor.byte()? {
            b'S' => FrontendMessage::DescribeStatement { name: cursor.text()? },
            b'P' => FrontendMessage::DescribePortal { name: cursor.text()? },
            other => return Err(violation(format!("invalid DESCRIBE message subtype {other}"))),
        },
        b'E' => FrontendMessage::Execute { portal: cursor.text()?, max_rows: max_rows(cursor.u32()?) },
        b'C' => match cursor.byte()? {
            b'S' => FrontendMessage::CloseStatement { name: cursor.text()? },
            b'P' => FrontendMessage::ClosePortal { name: cursor.text()? },
            other => return Err(violation(format!("invalid CLOSE message subtype {other}"))),
        },
        b'H' => FrontendMessage::Flush,
        b'S' => FrontendMessage::Sync,
        b'X' => FrontendMessage::Terminate,
        b'd' => return Ok(FrontendMessage::CopyData(cursor.rest())),
        b'c' => FrontendMessage::CopyDone,
        b'f' => FrontendMessage::CopyFail { message: cursor.text()? },
        b'p' => return Ok(FrontendMessage::Password(cursor.rest())),
        b'F' => function_call(&mut cursor)?,
        other => return Err(fatal(format!("invalid frontend message type {other}"))),
    };
    cursor.end()?;
    Ok(message)
}

/// Execute's limit; PostgreSQL takes a negative one for none.
fn max_rows(value: u32) -> u32 {
    if value > i32::MAX as u32 { 0 } else { value }
}

fn parse(cursor: &mut Cursor) -> Result<FrontendMessage> {
    let statement = cursor.text()?;
    let sql = cursor.text()?;
    let count = cursor.u16()? as usize;
    cursor.need(count * 4)?;
    let param_types = (0..count).map(|_| cursor.u32().map(Oid)).collect::<Result<_>>()?;
    Ok(FrontendMessage::Parse { statement, sql, param_types })
}

fn bind(cursor: &mut Cursor) -> Result<FrontendMessage> {
    let portal = cursor.text()?;
    let statement = cursor.text()?;
    let param_formats = formats(cursor)?;
    let params = values(cursor)?;
    let result_formats = formats(cursor)?;
    Ok(FrontendMessage::Bind { portal, statement, param_formats, params, result_formats })
}

fn values(cursor: &mut Cursor) -> Result<Vec<Option<Bytes>>> {
    let count = cursor.u16()? as usize;
    cursor.need(count * 4)?;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(match cursor.u32()? {
            u32::MAX => None,
            length => Some(cursor.take(length as usize)?),
        });
    }
    Ok(values)
}

fn function_call(cursor: &mut Cursor) -> Result<FrontendMessage> {
    let function = Oid(cursor.u32()?);
    let (formats, args) = (formats(cursor)?, values(cursor)?);
    let result = format(cursor.u16()?)?;
    Ok(FrontendMessage::FunctionCall { function, formats, args, result })
}

fn format(code: u16) -> Result<Format> {
    match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => {
            let message = format!("unsupported format code: {}", other as i16);
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

fn formats(cursor: &mut Cursor) -> Result<Vec<Format>> {
    let count = cursor.u16()? as usize;
    cursor.need(count * 2)?;
    (0..count).map(|_| format(cursor.u16()?)).collect()
}

/// Decodes the first packet's body, the four bytes of its length removed.
pub fn startup_packet(body: Bytes) -> Result<StartupPacket> {
    let mut cursor = Cursor::new(body);
    let version = cursor.u32().map_err(|_| fatal("invalid length of startup packet"))?;
    match version {
        SSL_REQUEST => Ok(StartupPacket::SslRequest),
        GSSENC_REQUEST => Ok(StartupPacket::GssEncRequest),
        CANCEL_REQUEST => {
            let malformed = |_| fatal("invalid length of query cancel packet");
            let pid = cursor.u32().map_err(malformed)? as i32;
            let secret = cursor.u32().map_err(malformed)? as i32;
            cursor.end().map_err(malformed)?;
            Ok(StartupPacket::Cancel { pid, secret })
        }
        version if version >> 16 == 3 => Ok(StartupPacket::Startup {
            minor: (version & 0xffff) as u16,
            parameters: startup_parameters(&mut cursor)?,
        }),
        version => {
            let (major, minor) = (version >> 16, version & 0xffff);
            let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0");
            Err(Error::fatal(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
    }
}

fn startup_parameters(cursor: &mut Cursor) -> Result<Vec<(String, String)>> {
    let layout = |_| fatal("invalid startup packet layout: expected terminator as last byte");
    let mut parameters = Vec::new();
    loop {
        let name = cursor.text().map_err(layout)?;
        if name.is_empty() {
            cursor.end().map_err(layout)?;
            return Ok(parameters);
        }
        parameters.push((name, cursor.text().map_err(layout)?));
    }
}

/// A message's body: reads that return errors instead of panicking, and never reach past the message.
pub struct Cursor {
    body: Bytes,
    /// What its strings are in, if not in UTF-8.
    charset: Option<&'static Charset>,
}

impl Cursor {
    /// Over one message's body.
    pub fn new(body: Bytes) -> Self {
        Cursor { body, charset: None }
    }

    /// Checks that so many bytes are left before anything is allocated for them.
    pub fn need(&self, count: usize) -> Result<()> {
        if self.body.len() < count { Err(violation("insufficient data left in message")) } else { Ok(()) }
    }

    pub fn byte(&mut self) -> Result<u8> {
        self.need(1).map_err(|_| violation("no data left in message"))?;
        Ok(self.body.get_u8())
    }

    pub fn u16(&mut self) -> Result<u16> {
        self.need(2)?;
        Ok(self.body.get_u16())
    }

    pub fn u32(&mut self) -> Result<u32> {
        self.need(4)?;
        Ok(self.body.get_u32())
    }

    /// The next bytes, shared with the message.
    pub fn take(&mut self, count: usize) -> Result<Bytes> {
        self.need(count)?;
        Ok(self.body.split_to(count))
    }

    /// All that is left.
    pub fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.body)
    }

    /// A NUL-terminated string in the client's encoding (22021 if it is not, 22P05 if there is no Unicode for it).
    pub fn text(&mut self) -> Result<String> {
        let Some(length) = self.body.iter().position(|b| *b == 0) else {
            return Err(violation("invalid string in message"));
        };
        let bytes = self.body.split_to(length);
        self.body.advance(1);
        let bytes = match self.charset {
            Some(charset) => charset.decode(&bytes)?,
            None => (&*bytes).into(),
        };
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(invalid_utf8(&bytes, error)),
        }
    }

    /// The message must be used up.
    pub fn end(&self) -> Result<()> {
        if self.body.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
    }
}

/// 22021, with the offending bytes as PostgreSQL shows them: as many as the character claims to have.
pub fn invalid_utf8(bytes: &[u8], error: std::str::Utf8Error) -> Error {
    let bad = bytes.get(error.valid_up_to()..).unwrap_or(&[]);
    let claimed = match bad.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    let shown: Vec<String> = bad.iter().take(claimed).map(|b| format!("0x{b:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Severity;

    fn framed(bytes: &[u8]) -> Result<Option<(u8, Bytes)>> {
        frame(&mut BytesMut::from(bytes), 1 << 20)
    }

    #[test]
    fn a_frame_is_split_only_when_it_is_whole() {
        assert_eq!(framed(b"").unwrap(), None);
        assert_eq!(framed(b"S\0\0\0").unwrap(), None);
        assert_eq!(framed(b"Q\0\0\0\x06a").unwrap(), None);
        assert_eq!(framed(b"S\0\0\0\x04Q").unwrap(), Some((b'S', Bytes::new())));
    }

    #[test]
    fn lengths_and_types_are_checked_before_anything_is_awaited() {
        for bytes in [&b"S\0\0\0\x03"[..], b"S\xff\xff\xff\xff", b"E\0\x10\0\0", b"z", b"Q\x7f\xff\xff\xff"] {
            let error = framed(bytes).unwrap_err();
            assert_eq!((error.severity(), error.code()), (Severity::Fatal, SqlState::PROTOCOL_VIOLATION), "{bytes:?}");
        }
    }

    #[test]
    fn before_authentication_only_a_short_password_is_awaited() {
        let given = |bytes: &[u8]| password_frame(&mut BytesMut::from(bytes), "SASL", MAX_SASL);
        assert_eq!(given(b"p\0\0\0\x06ab").unwrap(), Some(Bytes::from_static(b"ab")));
        for incomplete in [&b""[..], b"p", b"p\0\0\0", b"p\0\0\x04\x04ab"] {
            assert_eq!(given(incomplete).unwrap(), None, "{incomplete:?}");
        }
        for (bytes, message) in [
            (&b"Q"[..], "expected SASL response, got message type 81"),
            (b"\0", "expected SASL response, got message type 0"),
            (b"p\0\0\0\x03", INVALID_LENGTH),
            (b"p\0\0\x04\x05", INVALID_LENGTH),
            (b"p\x10\0\0\0", INVALID_LENGTH),
        ] {
            let error = given(bytes).unwrap_err();
            assert_eq!((error.message(), error.severity()), (message, Severity::Fatal), "{bytes:?}");
        }
    }

    #[test]
    fn a_lying_count_does_not_reach_past_its_message() {
        let cases: &[(u8, &[u8], &str)] = &[
            (b'P', b"\0select 1\0\x03\xe8", "insufficient data left in message"),
            (b'B', b"\0\0\0\0\0\x01\0\0\0\x10abc", "insufficient data left in message"),
            (b'B', b"\0\0\0\x02\0\0", "insufficient data left in message"),
            (b'Q', b"select 1", "invalid string in message"),
            (b'D', b"X\0", "invalid DESCRIBE message subtype 88"),
            (b'D', b"", "no data left in message"),
            (b'S', b"x", "invalid message format"),
            (b'Q', b"\xff\0", "invalid byte sequence for encoding \"UTF8\": 0xff"),
        ];
        for (tag, body, message) in cases {
            let error = decode(*tag, Bytes::copy_from_slice(body)).unwrap_err();
            assert_eq!((error.message(), error.severity()), (*message, Severity::Error), "{body:?}");
        }
    }

    #[test]
    fn counts_are_unsigned() {
        let mut body = b"\0\0\0\0\x9c\x40".to_vec();
        body.extend(std::iter::repeat_n(0xff, 40_000 * 4));
        body.extend([0, 0]);
        let FrontendMessage::Bind { params, .. } = decode(b'B', body.into()).unwrap() else { panic!("not a Bind") };
        assert_eq!(params.len(), 40_000);
    }

    #[test]
    fn start_up_packets() {
        let start = startup_packet(Bytes::from_static(b"\0\x03\0\x02user\0bob\0database\0db\0\0")).unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let parameters = vec![pair("user", "bob"), pair("database", "db")];
        assert_eq!(start, StartupPacket::Startup { minor: 2, parameters });
        assert_eq!(startup_packet(Bytes::from_static(b"\x04\xd2\x16\x2f")).unwrap(), StartupPacket::SslRequest);
        for bad in
            [&b""[..], b"\0\x02\0\0", b"\0\x03\0\0user\0bob", b"\x04\xd2\x16\x2e\0\0", b"\0\x03\0\0user\0bob\0\0x"]
        {
            assert!(startup_packet(Bytes::copy_from_slice(bad)).is_err(), "{bad:?}");
        }
    }
}
