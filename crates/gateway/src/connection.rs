//! One connection: HTTP over any byte stream, with a time-out for headers and one for idle connections.
//!
//! hyper has a single time-out for a request's headers and applies it between two requests as well. Clients keep idle
//! connections open much longer than headers may take to arrive. This module therefore watches the bytes: once a
//! request has begun, its headers must be complete within `header`; a connection without a request is closed after
//! `idle`, and so is one whose client takes no reply (`outbox`). `body` applies a time-out to bodies.

mod outbox;

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

use bytes::BufMut as _;
use http::{Request, Response, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use self::outbox::Outbox;
use crate::unsent::ReplyBody;

/// Largest head of an HTTP/1.1 request, and the most that is buffered of a body: no budget counts either.
const BUFFER_BYTES: usize = 16 * 1024;
/// Largest head of an HTTP/2 request.
const HTTP2_HEAD_BYTES: u32 = 16 * 1024;
/// The parts of a reply up to this size are joined before writing: the copy costs less than a vectored write.
const JOINED_BYTES: usize = 1_024;

/// How long a connection that makes room for another one may still write its last reply.
const CLOSING: Duration = Duration::from_secs(1);

/// Answers the requests of a listener.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request; `Err` closes the connection without a reply.
    fn answer(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ReplyBody>, Gone>> + Send;
}

/// The client closed the connection before its request was complete.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(crate) struct Gone;

/// How long a connection may be silent before it is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the first byte of a request, or from the opening of the connection, to the end of the headers.
    pub(crate) header: Duration,
    /// Between two requests.
    pub(crate) idle: Duration,
}

/// Whether a listener serves HTTP/2 beside HTTP/1.1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Http2 {
    /// The preface of HTTP/2 is answered with HTTP/1.1 505.
    Refused,
    /// HTTP/2 with prior knowledge.
    WithPriorKnowledge {
        /// Requests in flight on one connection; their replies may wait in memory.
        streams: u32,
    },
}

/// HTTP settings of a listener.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    builder: auto::Builder<TokioExecutor>,
    refuses_http2: bool,
}

impl Protocol {
    pub(crate) fn new(http2: Http2) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_BYTES);
        match http2 {
            Http2::Refused => Self { builder, refuses_http2: true },
            Http2::WithPriorKnowledge { streams } => {
                builder
                    .http2()
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(streams)
                    .max_header_list_size(HTTP2_HEAD_BYTES);
                Self { builder, refuses_http2: false }
            }
        }
    }
}

/// Serves a connection until the peer closes it, a time-out expires, the server stops, or the connection has to make room for
/// another one. Requests that are under way are answered first.
pub(crate) async fn serve<H: Handler>(
    protocol: &Protocol,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    handler: Arc<H>,
    timeouts: Timeouts,
    mut stop: watch::Receiver<bool>,
    activity: Arc<Activity>,
) {
    // Each request clones an `Arc` of its own connection: all cores would contend for one reference count if requests
    // cloned an `Arc` that all connections share.
    let shared = Arc::new(Shared { handler, activity, outbox: Arc::default() });
    let service = service_fn(|request: Request<Incoming>| {
        shared.activity.arrived(request.version());
        let shared = Arc::clone(&shared);
        async move {
            // HTTP/1 sends one reply after the other by itself.
            if request.version() == Version::HTTP_2 {
                shared.outbox.room().await;
            }
            let active = ActiveRequest::begin(shared);
            let response = active.0.handler.answer(peer, request).await?;
            let outbox = Arc::clone(&active.0.outbox);
            Ok::<_, Gone>(response.map(|reply| outbox.queue(reply, active)))
        }
    });
    let preface = if protocol.refuses_http2 { Preface::Expected } else { Preface::Allowed };
    let stream = TokioIo::new(Watched { stream, shared: Arc::clone(&shared), preface });
    let mut connection = pin!(protocol.builder.serve_connection(stream, service));
    let activity = &shared.activity;
    let mut timer = pin!(sleep_until(activity.start + timeouts.header));
    let stop_signal = stop.clone();
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    let mut closing = pin!(activity.close.notified());
    let (mut registered, mut stopping) = (false, false);
    let mut closing_since = None;
    poll_fn(|cx| {
        // The first poll registers this task to be woken. Polling `stopped` again before the value has changed would
        // only take a lock that all connections share.
        let unchanged =
            registered && !activity.is_closing() && matches!(stop_signal.has_changed(), Ok(false));
        if !(stopping || unchanged) {
            registered = true;
            stopping = stopped.as_mut().poll(cx).is_ready() || closing.as_mut().poll(cx).is_ready();
            if stopping {
                connection.as_mut().graceful_shutdown();
            }
        }
        // An error means that the client vanished or does not speak HTTP; hyper has sent any reply that is possible.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let due = activity.due(timeouts);
            let unread = shared.outbox.due(activity.written(), timeouts.idle);
            // The place is given away: what hyper still has to write may take a moment, and no longer.
            let closed = (activity.is_closing() && !activity.is_answering())
                .then(|| *closing_since.get_or_insert_with(Instant::now) + CLOSING);
            let Some(due) = due.into_iter().chain(unread).chain(closed).min() else {
                return Poll::Pending;
            };
            // Resetting a timer is expensive: an earlier deadline is set at once, a later one when the timer has fired.
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

/// State that the requests of one connection share.
struct Shared<H> {
    handler: Arc<H>,
    activity: Arc<Activity>,
    outbox: Arc<Outbox>,
}

/// Requests and bytes of a connection, from which follows when the connection has been silent too long. Times are in
/// milliseconds since `start`.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Instant,
    /// Requests being answered.
    requests: AtomicU32,
    /// When the headers of the next request began to arrive; [`NEVER`] between requests.
    head: AtomicU64,
    /// When bytes were last written, or a request last ended.
    last: AtomicU64,
    /// Whether bytes were written, or a request ended, after `last` was set.
    moved: AtomicBool,
    /// Whether the connection speaks HTTP/2. Its frames may belong to no request, so arriving bytes need not be
    /// headers.
    http2: AtomicBool,
    /// Whether the connection was told to close.
    closing: AtomicBool,
    /// Wakes the connection up to close.
    close: Notify,
}

const NEVER: u64 = u64::MAX;
/// Headers have begun to arrive, at a time that is not recorded yet: most headers are complete before it is needed.
const BEGUN: u64 = NEVER - 1;

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            requests: AtomicU32::new(0),
            head: AtomicU64::new(0),
            last: AtomicU64::new(0),
            moved: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            close: Notify::new(),
        }
    }

    /// Whether a request is being answered.
    pub(crate) fn is_answering(&self) -> bool {
        self.requests.load(Ordering::Acquire) > 0
    }

    /// Whether the last request is answered, and no byte of the next one has come.
    pub(crate) fn is_between_requests(&self) -> bool {
        !self.is_answering() && self.head.load(Ordering::Relaxed) == NEVER
    }

    /// Tells the connection to close, after the request that it may be answering.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.close.notify_one();
    }

    /// Whether the connection was told to close.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(BEGUN - 1)
    }

    /// When the connection will have been silent too long; `None` while a request is being answered. Called before each
    /// wait of the connection, so the clock is read here once for all events since the previous call.
    fn due(&self, timeouts: Timeouts) -> Option<Instant> {
        if self.moved.load(Ordering::Relaxed) {
            self.moved.store(false, Ordering::Relaxed);
            self.last.store(self.now(), Ordering::Relaxed);
        }
        if self.is_answering() {
            return None;
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

    /// When bytes were last written; `None` over HTTP/2, where they may belong to no reply.
    fn written(&self) -> Option<Instant> {
        let since = Duration::from_millis(self.last.load(Ordering::Relaxed));
        (!self.http2.load(Ordering::Relaxed)).then(|| self.start + since)
    }

    /// The headers of a request are complete.
    pub(crate) fn arrived(&self, version: Version) {
        self.head.store(NEVER, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.http2.store(true, Ordering::Relaxed);
        }
    }

    /// A request is being answered from now on.
    pub(crate) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.sent();
        self.requests.fetch_sub(1, Ordering::Release);
    }
}

/// A request being answered, counted until it is dropped.
struct ActiveRequest<H>(Arc<Shared<H>>);

impl<H> ActiveRequest<H> {
    fn begin(shared: Arc<Shared<H>>) -> Self {
        shared.activity.begin();
        Self(shared)
    }
}

impl<H> Drop for ActiveRequest<H> {
    fn drop(&mut self) {
        self.0.activity.end();
    }
}

/// The beginning of a connection that speaks HTTP/2 (RFC 9113 §3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The reply to it; hyper would close the connection without one.
const HTTP2_REFUSAL: &[u8] =
    b"HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What is known of the first bytes of a connection.
#[derive(Debug, Clone, Copy)]
enum Preface {
    /// No byte has come yet.
    Expected,
    /// The first bytes are none, or HTTP/2 is served.
    Allowed,
    /// It has come, and so many bytes of the refusal are sent.
    Refused(usize),
}

/// A byte stream that records its reads and writes in the connection's [`Activity`].
struct Watched<T, H> {
    stream: T,
    shared: Arc<Shared<H>>,
    preface: Preface,
}

impl<T: AsyncWrite + Unpin, H> Watched<T, H> {
    /// Sends what is left of the refusal of HTTP/2.
    fn poll_refuse(&mut self, cx: &mut Context<'_>, mut sent: usize) -> Poll<io::Result<()>> {
        while let Some(rest) = HTTP2_REFUSAL.get(sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => break,
                written => sent += written,
            }
            self.preface = Preface::Refused(sent);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, H> AsyncRead for Watched<T, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Preface::Refused(sent) = self.preface {
            return self.poll_refuse(cx, sent);
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.shared.activity.received();
            if matches!(self.preface, Preface::Expected) {
                self.preface = Preface::Allowed;
                if buffer.filled().get(before..).is_some_and(|first| first.starts_with(HTTP2_PREFACE)) {
                    // To hyper the connection has ended.
                    buffer.set_filled(before);
                    return self.poll_refuse(cx, 0);
                }
            }
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
        let mut joined = [0; JOINED_BYTES];
        let written = ready!(match joined.get_mut(..length) {
            Some(joined) => {
                let mut rest = &mut *joined;
                for part in bytes {
                    rest.put_slice(part);
                }
                Pin::new(&mut self.stream).poll_write(cx, joined)
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
