//! A started-up connection: whole messages in, an output buffer out.
//!
//! Owns: [`FramedConn`]: reading, buffering, flushing. Must not know: what a message means, sockets
//! (`protocol::socket`).

use std::io::{self, Read};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::Result;
use crate::protocol::codec;
use crate::protocol::message::FrontendMessage;
use crate::protocol::socket::{Peer, Stream};
use crate::protocol::translate::translate;
use crate::types::charset::Charset;

/// Output is written to the socket when this much is waiting.
pub const FLUSH_THRESHOLD: usize = 64 * 1024;
/// A buffer that grew beyond this for one large message is given back afterwards.
const KEEP_CAPACITY: usize = 256 * 1024;

/// A connection that speaks in messages.
pub struct FramedConn {
    stream: Stream,
    peer: Peer,
    input: BytesMut,
    output: BytesMut,
    /// The client's encoding, if it is not UTF-8.
    charset: Option<&'static Charset>,
    /// What leaves before the output and is in the client's encoding already.
    translated: BytesMut,
    max_message: usize,
    /// The type of the message received last.
    last_tag: u8,
    /// Times that output has left.
    flushes: u64,
}

/// A place in a connection's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputMark {
    flushes: u64,
    length: usize,
}

impl FramedConn {
    /// Over a socket on which everything before the first message has been read by exact reads. `max_message` is the
    /// longest message accepted, in bytes.
    pub fn new(stream: Stream, max_message: usize) -> Self {
        let peer = stream.peer();
        FramedConn {
            stream,
            peer,
            input: BytesMut::new(),
            output: BytesMut::new(),
            charset: None,
            translated: BytesMut::new(),
            max_message,
            last_tag: 0,
            flushes: 0,
        }
    }

    /// The next message; `None` when the client has closed the connection. The inner error is the client's fault: its
    /// severity tells whether the session goes on. Cancel safe: what has been read stays in the buffer.
    pub async fn recv(&mut self) -> io::Result<Option<Result<FrontendMessage>>> {
        loop {
            match codec::frame(&mut self.input, self.max_message) {
                Ok(Some((tag, body))) => {
                    self.last_tag = tag;
                    return Ok(Some(codec::decode_from(self.charset, tag, body)));
                }
                Ok(None) => {}
                Err(error) => return Ok(Some(Err(error))),
            }
            if self.read().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The type byte of the message received last, of one that could not be decoded too.
    pub fn last_tag(&self) -> u8 {
        self.last_tag
    }

    async fn read(&mut self) -> io::Result<usize> {
        if self.input.is_empty() && self.input.capacity() > KEEP_CAPACITY {
            self.input = BytesMut::new();
        }
        self.input.reserve(8 * 1024);
        self.stream.read_buf(&mut self.input).await
    }

    /// Takes what has arrived without waiting; true if a whole message is there now. Asks the socket itself, so it
    /// also sees what the runtime has not been told of yet. An encrypted connection answers false.
    pub fn poll_socket(&mut self) -> bool {
        let Stream::Tcp(stream) = &self.stream else { return false };
        let mut bytes = [0; 4096];
        match (&*socket2::SockRef::from(stream.tcp())).read(&mut bytes) {
            Ok(count) => self.input.extend_from_slice(bytes.get(..count).unwrap_or(&[])),
            // The next read reports what is wrong, if it is more than that nothing has come.
            Err(_) => return false,
        }
        self.has_message()
    }

    /// Whether another whole message has already arrived: then the answer to this one need not be flushed yet.
    pub fn has_message(&self) -> bool {
        codec::has_frame(&self.input)
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer.clone()
    }

    /// The output buffer; messages are written here and leave with [`FramedConn::flush`].
    pub fn out(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// From here on the client's strings are in that encoding, UTF-8 if there is none.
    pub fn set_charset(&mut self, charset: Option<&'static Charset>) {
        if self.charset == charset {
            return;
        }
        if !self.output.is_empty() {
            // As good as gone: it cannot be taken back.
            self.flushes += 1;
            self.translate();
        }
        self.charset = charset;
    }

    fn translate(&mut self) {
        match self.charset {
            Some(charset) => self.translated.unsplit(translate(&self.output, charset)),
            None => self.translated.extend_from_slice(&self.output),
        }
        self.output.clear();
    }

    /// A place in the output to come back to with [`FramedConn::rewind`].
    pub fn mark(&self) -> OutputMark {
        OutputMark { flushes: self.flushes, length: self.output.len() }
    }

    /// Takes back what was written since the mark; false if some of it has left.
    pub fn rewind(&mut self, mark: OutputMark) -> bool {
        let possible = mark.flushes == self.flushes;
        if possible {
            self.output.truncate(mark.length);
        }
        possible
    }

    /// Whether so much output waits that it should be flushed now.
    pub fn is_full(&self) -> bool {
        self.output.len() >= FLUSH_THRESHOLD
    }

    /// Writes everything that waits, as fast as the client takes it.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.charset.is_some() && !self.output.is_empty() {
            self.flushes += 1;
            self.translate();
        }
        if !self.translated.is_empty() {
            self.stream.write_all(&self.translated).await?;
            self.translated = BytesMut::new();
        }
        if !self.output.is_empty() {
            self.flushes += 1;
            self.stream.write_all(&self.output).await?;
            self.output.clear();
            if self.output.capacity() > KEEP_CAPACITY {
                self.output = BytesMut::new();
            }
        }
        self.stream.flush().await
    }

    /// Flushes and closes the sending side.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }
}
