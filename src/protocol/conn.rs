//! A started-up connection: whole messages in, an output buffer out.
//!
//! Owns: [`FramedConn`]: reading, buffering, flushing. Must not know: what a message means, sockets
//! (`protocol::socket`).

use std::future::Future;
use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Result, Severity};
use crate::limits::memory;
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
    /// How long the client may take none of it.
    write_limit: Option<Duration>,
}

/// A place in a connection's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputMark {
    flushes: u64,
    length: usize,
}

/// A message of which so much has come that it is asked whether there is room for as much again.
const LARGE: usize = 1 << 20;

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
            write_limit: None,
        }
    }

    /// From now on a write fails with `TimedOut` when the client has taken nothing for so long.
    pub fn limit_writes(&mut self, limit: Option<Duration>) {
        self.write_limit = limit;
    }

    /// The next message; `None` when the client has closed the connection. The inner error is the client's fault: its
    /// severity tells whether the session goes on. Cancel safe: what has been read stays in the buffer.
    pub async fn recv(&mut self) -> io::Result<Option<Result<FrontendMessage>>> {
        loop {
            if let Some(message) = self.received() {
                return Ok(Some(message));
            }
            if self.input.len() > LARGE
                && let Err(error) = memory::reserve(self.input.len())
            {
                return Ok(Some(Err(error.with_severity(Severity::Fatal))));
            }
            if self.read().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next message, if all of it has been read.
    pub fn received(&mut self) -> Option<Result<FrontendMessage>> {
        match codec::frame(&mut self.input, self.max_message) {
            Ok(Some((tag, body))) => {
                self.last_tag = tag;
                Some(codec::decode_from(self.charset, tag, body))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The answer of somebody who has not proved yet who he is: the body of a password message of at most `limit` bytes.
    /// Nothing longer is ever held, and nothing else is waited for. `kind` is what was asked for.
    pub async fn recv_password(&mut self, kind: &str, limit: usize) -> io::Result<Option<Result<Bytes>>> {
        loop {
            match codec::password_frame(&mut self.input, kind, limit).transpose() {
                Some(answer) => return Ok(Some(answer)),
                None if self.read().await? == 0 => return Ok(None),
                None => {}
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
        let socket = socket2::SockRef::from(stream.tcp());
        // Asked again and again; a buffer would be cleared each time.
        if socket.peek(&mut [std::mem::MaybeUninit::uninit(); 1]).is_err() {
            return false;
        }
        let mut bytes = [0; 4096];
        match (&*socket).read(&mut bytes) {
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

    /// The certificate that the client has shown, checked already.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.stream.certificate()
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

    /// Writes what waits as far as the client takes it without being waited for; whether that is everything.
    pub fn flush_at_once(&mut self) -> io::Result<bool> {
        let Stream::Tcp(stream) = &self.stream else { return Ok(false) };
        if self.charset.is_some() || !self.translated.is_empty() {
            return Ok(false);
        }
        if self.output.is_empty() {
            return Ok(true);
        }
        let sent = match stream.tcp().try_write(&self.output) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            sent => sent?,
        };
        if sent > 0 {
            self.flushes += 1;
        }
        if sent < self.output.len() {
            self.output.advance(sent);
            return Ok(false);
        }
        self.forget_output();
        Ok(true)
    }

    /// The output has left.
    fn forget_output(&mut self) {
        self.output.clear();
        if self.output.capacity() > KEEP_CAPACITY {
            self.output = BytesMut::new();
        }
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
            let mut sent = 0;
            while let Some(rest) = self.output.get(sent..).filter(|rest| !rest.is_empty()) {
                match within(self.write_limit, self.stream.write(rest)).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    count => sent += count,
                }
            }
            self.forget_output();
        }
        within(self.write_limit, self.stream.flush()).await
    }

    /// Flushes and closes the sending side.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.flush().await?;
        within(self.write_limit, self.stream.shutdown()).await
    }
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        None => work.await,
    }
}
