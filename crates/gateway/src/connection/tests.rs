//! Writes of replies to the socket.

use std::io::IoSlice;

use super::*;

/// Records the parts of each write.
#[derive(Default)]
struct Socket(Vec<Vec<Vec<u8>>>);

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.push(parts.iter().map(|part| part.to_vec()).collect());
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_small_reply_is_joined_before_writing_and_a_large_one_is_not() {
    let activity = Arc::new(Activity::new());
    let shared = Arc::new(Shared { handler: Arc::new(()), activity, outbox: Arc::default() });
    let mut watched = Watched { stream: Socket::default(), shared, preface: Preface::Allowed };
    let head = vec![b'h'; JOINED_BYTES - 5];
    for (body, parts) in [("", 1), ("body!", 1), ("longer", 2)] {
        let reply = [IoSlice::new(&head), IoSlice::new(body.as_bytes())];
        let written = poll_fn(|cx| Pin::new(&mut watched).poll_write_vectored(cx, &reply)).await.unwrap();
        assert_eq!(written, head.len() + body.len());
        let sent = watched.stream.0.pop().unwrap();
        assert_eq!(sent.len(), parts, "{} bytes", head.len() + body.len());
        assert_eq!(sent.concat(), [&head, body.as_bytes()].concat());
        assert!(watched.stream.0.is_empty(), "the reply took more than one write");
    }
}
