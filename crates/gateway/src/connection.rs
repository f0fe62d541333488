//! One connection: HTTP over any byte stream, with time-outs for headers and for idling.
//!
//! hyper has one time-out for "waiting for a request's headers", which it also applies between two requests. Clients
//! keep connections open between requests much longer than anybody needs to send a header, so the two are told apart
//! here, by watching the bytes: a request that has begun must finish its headers in `header`, a connection without one
//! may stay for `idle`. Bodies are timed where they are read.

use std::{
    future::{Future, poll_fn},
    io,
    net::IpAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{BufMut as _, Bytes};
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Instant, sleep_until},
};

/// The largest request head, and what is buffered of a body at a time.
const BUFFER: usize = 64 * 1024;
/// The same for HTTP/2.
const HEADER_LIST: u32 = 64 * 1024;
/// Requests in flight on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// Up to here the parts of a reply leave as one: copying them costs less than handing the kernel a list.
const ONE_PIECE: usize = 1_024;

/// What answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request; `Err` closes the connection without a word.
    fn answer(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Full<Bytes>>, Gone>> + Send;
}

/// The client is gone: nobody is left to answer.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(crate) struct Gone;

/// How long a connection may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the first byte of a request, or from the opening of the connection, to the end of the headers.
    pub(crate) header: Duration,
    /// Without any request.
    pub(crate) idle: Duration,
}

/// HTTP/1.1 and HTTP/2 with prior knowledge, as every listener speaks it.
#[derive(Debug, Clone)]
pub(crate) struct Protocol(auto::Builder<TokioExecutor>);

impl Protocol {
    pub(crate) fn new() -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER_LIST);
        Self(builder)
    }
}

/// Serves a connection to its end: the peer closes it, a time-out strikes, or the server stops, after the requests that
/// are under way then.
pub(crate) async fn serve<H: Handler>(
    protocol: &Protocol,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    handler: Arc<H>,
    timeouts: Timeouts,
    mut stop: watch::Receiver<bool>,
) {
    // Requests share what is of their connection only: counting references to what all connections share would have
    // every core wait for every other.
    let shared = Arc::new(Shared { handler, activity: Activity::new() });
    let service = service_fn(|request: Request<Incoming>| {
        let busy = Busy::begin(&shared, request.version() == Version::HTTP_2);
        async move { busy.0.handler.answer(peer, request).await }
    });
    let stream = TokioIo::new(Watched { stream, shared: Arc::clone(&shared) });
    let mut connection = pin!(protocol.0.serve_connection(stream, service));
    let activity = &shared.activity;
    let mut timer = pin!(sleep_until(activity.start + timeouts.header));
    let news = stop.clone();
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    let (mut waiting, mut stopping) = (false, false);
    poll_fn(|cx| {
        // Who waits is told: asking again without news would only take a lock that all connections share.
        let quiet = waiting && matches!(news.has_changed(), Ok(false));
        if !(stopping || quiet) {
            waiting = true;
            stopping = stopped.as_mut().poll(cx).is_ready();
            if stopping {
                connection.as_mut().graceful_shutdown();
            }
        }
        // An error here is a client that vanished or does not speak HTTP; hyper has answered what can be answered.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let Some(due) = activity.due(timeouts) else {
                return Poll::Pending;
            };
            // Moving a timer is dear: it moves at once only to an earlier time, to a later one when it has fired.
            if due < timer.deadline() || (timer.is_elapsed() && due > Instant::now()) {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

/// A connection's own share of its handler, and what it is doing.
struct Shared<H> {
    handler: Arc<H>,
    activity: Activity,
}

/// What a connection is doing.
#[derive(Debug)]
struct Activity {
    start: Instant,
    /// Requests being answered.
    requests: AtomicU32,
    /// When the headers now awaited began to arrive, in milliseconds since the start; [`NEVER`] between requests.
    head: AtomicU64,
    /// When something was last written, or a request ended.
    last: AtomicU64,
    /// That has happened again since it was last noted when.
    moved: AtomicBool,
    /// HTTP/2 has frames that belong to no request, so arriving bytes say nothing about headers.
    http2: AtomicBool,
}

const NEVER: u64 = u64::MAX;
/// They have begun to arrive, and it is not noted yet when: most are complete before anybody has to know.
const BEGUN: u64 = NEVER - 1;

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            requests: AtomicU32::new(0),
            head: AtomicU64::new(0),
            last: AtomicU64::new(0),
            moved: AtomicBool::new(false),
            http2: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(BEGUN - 1)
    }

    /// When the connection has been silent too long; `None` while a request is being answered. Asked whenever there is
    /// nothing more to do for now, so this is where the clock is read for all that has happened since.
    fn due(&self, timeouts: Timeouts) -> Option<Instant> {
        if self.requests.load(Ordering::Acquire) > 0 {
            return None;
        }
        if self.moved.load(Ordering::Relaxed) {
            self.moved.store(false, Ordering::Relaxed);
            self.last.store(self.now(), Ordering::Relaxed);
        }
        if self.head.load(Ordering::Relaxed) == BEGUN {
            self.head.store(self.now(), Ordering::Relaxed);
        }
        let (since, timeout) = match self.head.load(Ordering::Relaxed) {
            NEVER => (self.last.load(Ordering::Relaxed), timeouts.idle),
            head => (head, timeouts.header),
        };
        Some(self.start + Duration::from_millis(since) + timeout)
    }

    fn received(&self) {
        let between =
            self.requests.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == NEVER;
        if between && !self.http2.load(Ordering::Relaxed) {
            self.head.store(BEGUN, Ordering::Relaxed);
        }
    }

    fn sent(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    fn begin(&self, http2: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head.store(NEVER, Ordering::Relaxed);
        if http2 {
            self.http2.store(true, Ordering::Relaxed);
        }
    }

    fn end(&self) {
        self.sent();
        self.requests.fetch_sub(1, Ordering::Release);
    }
}

/// A request being answered.
struct Busy<H>(Arc<Shared<H>>);

impl<H> Busy<H> {
    fn begin(shared: &Arc<Shared<H>>, http2: bool) -> Self {
        shared.activity.begin(http2);
        Self(Arc::clone(shared))
    }
}

impl<H> Drop for Busy<H> {
    fn drop(&mut self) {
        self.0.activity.end();
    }
}

/// A byte stream that reports what passes through.
struct Watched<T, H> {
    stream: T,
    shared: Arc<Shared<H>>,
}

impl<T: AsyncRead + Unpin, H> AsyncRead for Watched<T, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.shared.activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin, H> AsyncWrite for Watched<T, H> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.shared.activity.sent();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bytes.iter().map(|part| part.len()).sum();
        let mut piece = [0; ONE_PIECE];
        let written = ready!(match piece.get_mut(..length) {
            Some(piece) => {
                let mut rest = &mut *piece;
                for part in bytes {
                    rest.put_slice(part);
                }
                Pin::new(&mut self.stream).poll_write(cx, piece)
            }
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, bytes),
        });
        self.shared.activity.sent();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
