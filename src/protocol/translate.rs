//! Messages for a client whose encoding is not UTF-8.
//!
//! Owns: [`translate`]: the strings in messages that are written in UTF-8 and leave in the client's encoding. What it has not
//! becomes a question mark, since these messages must arrive; in PostgreSQL a column's name can be an error. Rows and
//! COPY data are the session's, which knows what in them is text.

use bytes::{BufMut, BytesMut};

use crate::protocol::backend::Message;
use crate::types::charset::Charset;

/// Whole messages, with their strings in that encoding.
pub fn translate(messages: &[u8], charset: &Charset) -> BytesMut {
    let mut out = BytesMut::with_capacity(messages.len());
    let mut rest = messages;
    while let Some((tag, body, after)) = split(rest) {
        match tag {
            b'T' | b'E' | b'N' | b'A' | b'C' | b'S' if !body.is_ascii() => {
                let message = Message::begin(&mut out, tag);
                strings(tag, body, charset, &mut out);
                message.end(&mut out);
            }
            _ => out.put_slice(rest.get(..5 + body.len()).unwrap_or(&[])),
        }
        rest = after;
    }
    out.put_slice(rest);
    out
}

/// The first message: type, body, what follows.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<5>()?;
    let [tag, length @ ..] = *head;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?;
    let (body, after) = rest.split_at_checked(length)?;
    Some((tag, body, after))
}

/// A body whose strings end with a zero: how many bytes stand before the first, and before each of the others.
fn strings(tag: u8, body: &[u8], charset: &Charset, out: &mut BytesMut) {
    let (first, between) = match tag {
        b'T' => (2, 18),
        b'A' => (4, 0),
        // A field's letter.
        b'E' | b'N' => (1, 1),
        _ => (0, 0),
    };
    let mut rest = copy(body, first, out);
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (string, after) = rest.split_at(end);
        match std::str::from_utf8(string) {
            Ok(text) => out.put_slice(&charset.encode_message(text)),
            Err(_) => out.put_slice(string),
        }
        out.put_u8(0);
        rest = copy(after.get(1..).unwrap_or(&[]), between, out);
    }
    out.put_slice(rest);
}

/// Copies so many bytes; gives those behind them.
fn copy<'b>(bytes: &'b [u8], count: usize, out: &mut BytesMut) -> &'b [u8] {
    let (copied, rest) = bytes.split_at(count.min(bytes.len()));
    out.put_slice(copied);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorFields, Severity, SqlState};
    use crate::protocol::backend;
    use crate::protocol::message::Field;
    use crate::types::charset;
    use crate::types::format::Format;
    use crate::types::pg_type::Oid;

    fn messages(text: &str) -> BytesMut {
        let mut out = BytesMut::new();
        let field = |name| Field {
            name,
            table_oid: Oid(0xffff_fffe),
            attribute: 1,
            type_oid: Oid(25),
            type_len: -1,
            typmod: -1,
            format: Format::Text,
        };
        backend::row_description(&mut out, [field(text), field("plain"), field(text)].into_iter());
        let error = ErrorFields {
            hint: Some(text.to_owned()),
            ..ErrorFields::new(Severity::Error, SqlState::SYNTAX_ERROR, "m")
        };
        backend::error_response(&mut out, &error);
        backend::notification(&mut out, 0x00c3_00a9, text, text);
        backend::parameter_status(&mut out, "application_name", text);
        backend::parse_complete(&mut out);
        out
    }

    /// As if the messages had been written in the other encoding from the start.
    #[test]
    fn strings_are_translated_and_lengths_follow() {
        let latin1 = charset::named("LATIN1").unwrap();
        let translated = translate(&messages("d\u{e9}j\u{e0}"), latin1);
        let mut expected = messages("d~j`").to_vec();
        for byte in &mut expected {
            *byte = match *byte {
                b'~' => 0xe9,
                b'`' => 0xe0,
                other => other,
            };
        }
        assert_eq!(translated, expected);
        assert_eq!(translate(&messages("\u{20ac}"), latin1), messages("?"));
    }
}
