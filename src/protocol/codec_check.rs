//! What must hold of every byte that a client can send, as a function for the fuzz target and a test.
//!
//! Owns: [`check_stream`]. It panics when something does not hold. Random bytes die in the first length check, so three
//! frames in four are well-formed messages made of the input, and only the fourth is bytes as they come.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{Error, Severity};
use crate::protocol::codec::{self, has_frame};
use crate::protocol::message::{FrontendMessage, StartupPacket};
use crate::types::format::Format;
use crate::types::pg_type::Oid;

const MAX_MESSAGE: usize = 1 << 16;
/// The bytes of length and type in front of a body.
const HEAD: usize = 5;

/// What came out of a stream: messages and their errors, and whether the stream ended in an error of framing.
type Decoded = (Vec<Result<FrontendMessage, Error>>, Option<Error>);

/// Makes a stream of frames of the input and reads it whole and in pieces: the outcome must be the same, well-formed
/// messages must come out as they went in, and no error may be worse than the message deserves. What is left of the
/// input is read as a start-up packet.
pub fn check_stream(input: &[u8]) {
    let mut choices = Choices { left: input };
    let (mut stream, mut sent) = (BytesMut::new(), Vec::new());
    for _ in 0..choices.number(8) {
        if choices.number(4) == 0 {
            stream.extend_from_slice(choices.bytes());
            // From here on nothing can be said of where frames begin.
            break;
        }
        let message = choices.message();
        write(&message, &mut stream);
        sent.push(message);
    }
    let whole = read(&stream, || usize::MAX);
    for (index, message) in sent.iter().enumerate() {
        let got = whole.0.get(index);
        assert_eq!(got.map(Result::as_ref), Some(Ok(message)), "message {index} of {stream:?}");
    }
    let in_pieces = read(&stream, || 1 + choices.number(7));
    assert_eq!(whole, in_pieces, "{stream:?} read in pieces");
    check_start_up(choices.left);
}

/// Feeds a stream as the connection does, in pieces of the lengths that `piece` gives.
fn read(stream: &[u8], mut piece: impl FnMut() -> usize) -> Decoded {
    let (mut buffer, mut rest, mut messages) = (BytesMut::new(), stream, Vec::new());
    loop {
        let (announced, before) = (has_frame(&buffer), buffer.len());
        match codec::frame(&mut buffer, MAX_MESSAGE) {
            Ok(Some((tag, body))) => {
                assert!(announced, "a frame that was not announced");
                assert_eq!(before - buffer.len(), HEAD + body.len(), "a frame takes its own bytes and no others");
                let length = body.len();
                let message = codec::decode(tag, body);
                check_size(&message, length);
                messages.push(message);
            }
            Ok(None) => {
                assert!(!announced, "an announced frame that is not there");
                assert_eq!(before, buffer.len(), "an unfinished frame must stay");
                if rest.is_empty() {
                    return (messages, None);
                }
                let (now, later) = rest.split_at(piece().min(rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
            }
            Err(error) => {
                assert_eq!(error.severity(), Severity::Fatal, "after {error} nothing can be trusted");
                return (messages, Some(error));
            }
        }
    }
}

/// A message may not hold more than was sent for it, whatever its counts claim.
fn check_size(message: &Result<FrontendMessage, Error>, length: usize) {
    match message {
        Ok(FrontendMessage::Parse { sql, param_types, .. }) => {
            assert!(sql.len() + 4 * param_types.len() <= length)
        }
        Ok(FrontendMessage::Bind { params, .. }) => {
            let data: usize = params.iter().flatten().map(Bytes::len).sum();
            assert!(data + 4 * params.capacity() <= length);
        }
        Ok(_) => {}
        Err(error) => assert_eq!(error.severity(), Severity::Error, "one bad message does not end a session: {error}"),
    }
}

fn check_start_up(bytes: &[u8]) {
    match codec::startup_packet(Bytes::copy_from_slice(bytes)) {
        Ok(StartupPacket::Startup { parameters, .. }) => {
            let size: usize = parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
            assert_eq!(size + 5, bytes.len(), "every byte of {bytes:?} is a parameter's");
        }
        Ok(_) => {}
        Err(error) => assert_eq!(error.severity(), Severity::Fatal),
    }
}

/// Choices made by the input; zeros when it is used up.
struct Choices<'a> {
    left: &'a [u8],
}

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.left.split_first() else { return 0 };
        self.left = rest;
        *first
    }

    fn number(&mut self, below: u8) -> usize {
        usize::from(self.byte() % below)
    }

    fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.byte()).min(self.left.len());
        let (now, later) = self.left.split_at(count);
        self.left = later;
        now
    }

    /// Text as a message can carry it.
    fn text(&mut self) -> String {
        std::str::from_utf8(self.bytes()).unwrap_or("\u{e4}").replace('\0', " ")
    }

    fn formats(&mut self) -> Vec<Format> {
        (0..self.number(4)).map(|_| if self.number(2) == 0 { Format::Text } else { Format::Binary }).collect()
    }

    fn message(&mut self) -> FrontendMessage {
        match self.number(16) {
            0 => FrontendMessage::Query { sql: self.text() },
            1 => FrontendMessage::DescribeStatement { name: self.text() },
            2 => FrontendMessage::DescribePortal { name: self.text() },
            3 => FrontendMessage::Execute { portal: self.text(), max_rows: self.byte().into() },
            4 => FrontendMessage::CloseStatement { name: self.text() },
            5 => FrontendMessage::ClosePortal { name: self.text() },
            6 => FrontendMessage::Flush,
            7 => FrontendMessage::Sync,
            8 => FrontendMessage::Terminate,
            9 => FrontendMessage::CopyData(Bytes::copy_from_slice(self.bytes())),
            10 => FrontendMessage::CopyDone,
            11 => FrontendMessage::CopyFail { message: self.text() },
            12 => FrontendMessage::Password(Bytes::copy_from_slice(self.bytes())),
            13 | 14 => FrontendMessage::Bind {
                portal: self.text(),
                statement: self.text(),
                param_formats: self.formats(),
                params: (0..self.number(5))
                    .map(|_| (self.number(4) != 0).then(|| Bytes::copy_from_slice(self.bytes())))
                    .collect(),
                result_formats: self.formats(),
            },
            _ => FrontendMessage::Parse {
                statement: self.text(),
                sql: self.text(),
                param_types: (0..self.number(5)).map(|_| Oid(self.byte().into())).collect(),
            },
        }
    }
}

/// The client's side: a message as it goes over the wire.
fn write(message: &FrontendMessage, out: &mut BytesMut) {
    let mut body = BytesMut::new();
    let tag = match message {
        FrontendMessage::Query { sql } => named(&mut body, b'Q', None, sql),
        FrontendMessage::Parse { statement, sql, param_types } => {
            put_text(&mut body, statement);
            put_text(&mut body, sql);
            body.put_u16(param_types.len() as u16);
            param_types.iter().for_each(|oid| body.put_u32(oid.0));
            b'P'
        }
        FrontendMessage::Bind { portal, statement, param_formats, params, result_formats } => {
            put_text(&mut body, portal);
            put_text(&mut body, statement);
            put_formats(&mut body, param_formats);
            put_values(&mut body, params);
            put_formats(&mut body, result_formats);
            b'B'
        }
        FrontendMessage::DescribeStatement { name } => named(&mut body, b'D', Some(b'S'), name),
        FrontendMessage::DescribePortal { name } => named(&mut body, b'D', Some(b'P'), name),
        FrontendMessage::Execute { portal, max_rows } => {
            put_text(&mut body, portal);
            body.put_u32(*max_rows);
            b'E'
        }
        FrontendMessage::CloseStatement { name } => named(&mut body, b'C', Some(b'S'), name),
        FrontendMessage::ClosePortal { name } => named(&mut body, b'C', Some(b'P'), name),
        FrontendMessage::Flush => b'H',
        FrontendMessage::Sync => b'S',
        FrontendMessage::Terminate => b'X',
        FrontendMessage::CopyData(data) => {
            body.put_slice(data);
            b'd'
        }
        FrontendMessage::CopyDone => b'c',
        FrontendMessage::CopyFail { message } => named(&mut body, b'f', None, message),
        FrontendMessage::Password(data) => {
            body.put_slice(data);
            b'p'
        }
        FrontendMessage::FunctionCall { function, formats, args, result } => {
            body.put_u32(function.0);
            put_formats(&mut body, formats);
            put_values(&mut body, args);
            body.put_u16(u16::from(*result == Format::Binary));
            b'F'
        }
    };
    out.put_u8(tag);
    out.put_u32(body.len() as u32 + 4);
    out.put_slice(&body);
}

fn put_values(body: &mut BytesMut, values: &[Option<Bytes>]) {
    body.put_u16(values.len() as u16);
    for value in values {
        body.put_i32(value.as_ref().map_or(-1, |value| value.len() as i32));
        body.put_slice(value.as_deref().unwrap_or_default());
    }
}

fn named(body: &mut BytesMut, tag: u8, kind: Option<u8>, name: &str) -> u8 {
    body.extend(kind);
    put_text(body, name);
    tag
}

fn put_text(body: &mut BytesMut, text: &str) {
    body.put_slice(text.as_bytes());
    body.put_u8(0);
}

fn put_formats(body: &mut BytesMut, formats: &[Format]) {
    body.put_u16(formats.len() as u16);
    formats.iter().for_each(|format| body.put_u16(u16::from(*format == Format::Binary)));
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn streams_of_all_kinds_are_read_alike_in_any_pieces() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..20_000 {
            let length = random.random_range(0..200);
            let input: Vec<u8> = (0..length).map(|_| random.random_range(0..=255)).collect();
            check_stream(&input);
        }
    }
}
