//! The socket under a connection, plain or encrypted, and a handle that tells others when its client is gone.
//!
//! Owns: [`Socket`], [`Stream`], [`Peer`]. Must not know: messages.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

use crate::debug_log::debug;

/// How long a client may be silent before its machine is asked whether it is still there, how often it is asked again,
/// and how many questions may go unanswered: 30 s in all.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    // TCP_USER_TIMEOUT stays the system's, as in PostgreSQL: to Linux a client that reads slowly, or not for a while, is no
    // better than one whose machine is gone.
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// A TCP socket. The writing half is shared with its [`Peer`]; the reading half is the runtime's own, which knows
/// without asking the system again that a short read has emptied the socket.
pub struct Socket {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
}

impl Socket {
    /// Over an accepted connection; from now on it notices a client whose network or machine is gone.
    pub fn new(stream: TcpStream) -> Self {
        if let Err(error) = set_options(&stream) {
            debug!("cannot set socket options: {error}");
        }
        let (read, write) = stream.into_split();
        Socket { read, write: Arc::new(write) }
    }

    /// The socket itself.
    pub fn tcp(&self) -> &TcpStream {
        self.read.as_ref()
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().read).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp().poll_write_ready(cx))?;
            match self.tcp().try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket2::SockRef::from(self.tcp()).shutdown(std::net::Shutdown::Write))
    }
}

/// A plain or encrypted socket.
pub enum Stream {
    Tcp(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    /// The socket underneath.
    pub fn socket(&self) -> &Socket {
        match self {
            Stream::Tcp(socket) => socket,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }

    /// The certificate that the client has shown, checked already.
    pub fn certificate(&self) -> Option<&[u8]> {
        match self {
            Stream::Tcp(_) => None,
            Stream::Tls(stream) => stream.get_ref().1.peer_certificates()?.first().map(|certificate| &**certificate),
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        Peer(Arc::clone(&self.socket().write))
    }
}

/// The client at the other end of a socket, as those see it who must not read from the socket: a statement that runs, a
/// session that waits. Takes nothing of what the client has sent.
#[derive(Clone, Debug)]
pub struct Peer(Arc<OwnedWriteHalf>);

impl Peer {
    fn tcp(&self) -> &TcpStream {
        self.0.as_ref().as_ref()
    }

    /// The address of this end.
    pub fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.tcp().local_addr().ok()
    }

    /// Whether the client has closed the connection, as far as this machine has heard. Asks the system; never waits.
    pub fn is_gone(&self) -> bool {
        let mut byte = [MaybeUninit::uninit(); 1];
        match socket2::SockRef::from(self.tcp()).peek(&mut byte) {
            Ok(0) => true,
            // What it sent before it left has not been read yet: then the runtime may know of its end.
            Ok(_) => pin!(self.gone()).poll(&mut Context::from_waker(Waker::noop())).is_ready(),
            Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }

    /// Sends a last word past the connection's own buffer, as far as it fits into the socket at once.
    pub fn tell(&self, bytes: &[u8]) {
        // It is a courtesy.
        let _ = self.tcp().try_write(bytes);
    }

    /// Resolves when the client has closed the connection. Cancel safe.
    #[cfg(target_os = "linux")]
    pub async fn gone(&self) {
        // Readiness to read would be there for data, too. This one comes with the end only: nobody has asked the system
        // for urgent data.
        match self.tcp().ready(Interest::PRIORITY).await {
            Ok(ready) if !ready.is_read_closed() => std::future::pending().await,
            _ => {}
        }
    }

    /// Resolves when the client has closed the connection. Cancel safe.
    #[cfg(not(target_os = "linux"))]
    pub async fn gone(&self) {
        match self.tcp().ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => std::future::pending().await,
            _ => {}
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::new(listener.accept().await.unwrap().0), client)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_silent_machine_is_given_up_after_30_s() {
        let (socket, _client) = pair().await;
        let options = socket2::SockRef::from(socket.tcp());
        assert!(options.keepalive().unwrap());
        let probing = options.tcp_keepalive_interval().unwrap() * options.tcp_keepalive_retries().unwrap();
        assert_eq!(options.tcp_keepalive_time().unwrap() + probing, Duration::from_secs(30));
        // But not a client that does not read.
        assert_eq!(options.tcp_user_timeout().unwrap(), None);
    }

    #[tokio::test]
    async fn the_peers_end_is_seen_behind_data_that_nobody_has_read() {
        let (socket, mut client) = pair().await;
        let peer = Stream::Tcp(socket).peer();
        assert!(!peer.is_gone());
        client.write_all(b"not read").await.unwrap();
        peer.tcp().readable().await.unwrap();
        assert!(!peer.is_gone());
        client.shutdown().await.unwrap();
        peer.gone().await;
        assert!(peer.is_gone());
        let mut kept = [MaybeUninit::uninit(); 100];
        assert_eq!(socket2::SockRef::from(peer.tcp()).peek(&mut kept).unwrap(), 8);
    }
}
