//! Whether a connection leads to one session of the server, or to a pooler's.
//!
//! A server names its own process in the key that it gives to a client for cancelling. A pooler gives a key of its own,
//! so the process in it is another than the one that answers. Nothing else tells them apart: a pooler with little to do
//! gives the same session again and again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, NoTls};

/// The process that the client was told when it connected. The driver keeps it to itself, and writes it into a request
/// to cancel; this one goes nowhere. `None`: it could not be had.
pub(crate) async fn announced(token: &CancelToken) -> Option<i32> {
    let mut request = Request::default();
    if token.cancel_query_raw(&mut request, NoTls).await.is_err() {
        // TLS is required: the request stands behind the one for TLS.
        request = Request::default();
        token.cancel_query_raw(&mut request, InTheClear).await.ok()?;
    }
    request.process()
}

/// Takes what is written, and agrees to TLS.
#[derive(Default)]
struct Request(Vec<u8>);

impl Request {
    /// Length, code, process and key, of four bytes each, at the end of what was written.
    fn process(&self) -> Option<i32> {
        const CANCEL: [u8; 4] = 80_877_102_i32.to_be_bytes();
        let request = self.0.last_chunk::<16>()?;
        let (code, rest) = request[4..].split_first_chunk::<4>()?;
        let process = rest.first_chunk::<4>()?;
        (*code == CANCEL).then(|| i32::from_be_bytes(*process))
    }
}

impl AsyncRead for Request {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buffer.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Request {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// No TLS at all, for a stream that leads nowhere.
struct InTheClear;

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for InTheClear {
    type Stream = Clear<S>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Clear<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        std::future::ready(Ok(Clear(stream)))
    }
}

struct Clear<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Clear<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Clear<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Clear<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

#[cfg(test)]
mod tests;
