//! Reads a request's body: to its end, up to the endpoint's limit, or until the client is too slow.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming};
use metrics::counter;
use relive_core::Client;
use relive_wire::Body;
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use crate::budget::{Budget, Exhausted, Holding};

/// A body up to this size needs nothing of the memory budget.
const SMALL_BODY_BYTES: usize = 64 * 1024;
/// Memory that one unit of the budget stands for.
const UNIT_BYTES: usize = 64 * 1024;
/// Memory for all bodies beyond [`SMALL_BODY_BYTES`] together.
const BUDGET_BYTES: usize = 256 * 1024 * 1024;
/// Bytes beyond a body's limit that are read and dropped, so that the client gets a reply instead of a reset.
const DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// How long the rest of a body without memory is read and dropped, for the same reason.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes a client has to send for each second beyond the time-out.
const BYTES_PER_SECOND: usize = 16 * 1024;

/// Reads bodies within a time-out and a memory budget that all requests share.
#[derive(Debug)]
pub(crate) struct BodyReader {
    timeout: Duration,
    budget: Budget,
}

/// When the client sends its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    AtOnce,
    /// After the server's `100 Continue`.
    AfterContinue,
}

/// Outcome of reading a body.
#[derive(Debug)]
pub(crate) enum ReadOutcome<'a> {
    /// The body was read to its end. Hold the memory until the request is answered.
    Done(Body, Option<Holding<'a>>),
    /// The body is beyond its limit and was not read to its end: the connection cannot carry another request.
    Unread,
    /// Other bodies need too much memory.
    Busy(Rest),
    /// The client was too slow.
    TimedOut,
    /// The client closed the connection, or broke the protocol.
    Gone,
}

/// What became of the rest of a body that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It was read and dropped.
    Dropped,
    /// It was not read to its end: the connection cannot carry another request.
    Unread,
}

impl BodyReader {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self::with_memory(timeout, BUDGET_BYTES)
    }

    /// A reader with so much memory, in bytes.
    pub(crate) fn with_memory(timeout: Duration, bytes: usize) -> Self {
        Self { timeout, budget: Budget::new(bytes / UNIT_BYTES) }
    }

    /// Reads up to `limit` bytes from a client. Refuses a larger body without reading it if the client waits for
    /// `100 Continue`.
    pub(crate) async fn read(
        &self,
        body: &mut Incoming,
        client: Client,
        limit: usize,
        sending: Sending,
    ) -> ReadOutcome<'_> {
        if body.is_end_stream() {
            return ReadOutcome::Done(Body::Whole(Bytes::new()), None);
        }
        let declared = body.size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let unread = |size: usize| {
            size > limit && (sending == Sending::AfterContinue || size > limit.saturating_add(DRAINED_BYTES))
        };
        if declared.is_some_and(unread) {
            return ReadOutcome::Unread;
        }
        let declared = declared.unwrap_or(0);
        let reading = Reading { reader: self, client, declared, limit, waiting_since: None, memory: None };
        reading.run(body).await
    }
}

/// A body that is being read.
struct Reading<'a> {
    reader: &'a BodyReader,
    client: Client,
    /// Length the client declared, in bytes; 0 if the client declared none.
    declared: usize,
    limit: usize,
    /// When the reader first had to wait for the client; `None` while every frame was already received.
    waiting_since: Option<Instant>,
    /// The memory of the bytes that have arrived; a client can declare any length and never send it.
    memory: Option<Holding<'a>>,
}

impl<'a> Reading<'a> {
    async fn run(mut self, body: &mut Incoming) -> ReadOutcome<'a> {
        // Nearly every body is a single frame, which is passed on without a copy.
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        let mut received = 0_usize;
        loop {
            let data = match self.frame(body, received).await {
                Err(_) => return ReadOutcome::TimedOut,
                Ok(Some(Err(_))) => return ReadOutcome::Gone,
                Ok(None) => break,
                // No dialect uses trailers.
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            received = received.saturating_add(data.len());
            if received.max(self.declared) > self.limit {
                (first, joined, self.memory) = (Bytes::new(), BytesMut::new(), None);
                if received > self.limit.saturating_add(DRAINED_BYTES) {
                    return ReadOutcome::Unread;
                }
                continue;
            }
            if received > SMALL_BODY_BYTES && self.reserve(received).await.is_err() {
                counter!("relive_limited_total", "limit" => "bodies").increment(1);
                drop((first, joined, self.memory));
                return drain(body).await;
            }
            if received == data.len() {
                first = data;
            } else if !data.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut first));
                joined.extend_from_slice(&data);
            }
            if body.is_end_stream() {
                break;
            }
        }
        if received.max(self.declared) > self.limit {
            return ReadOutcome::Done(Body::TooLarge, None);
        }
        let whole = if joined.is_empty() { first } else { joined.freeze() };
        ReadOutcome::Done(Body::Whole(whole), self.memory)
    }

    fn deadline(&mut self, received: usize) -> Instant {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        since + self.reader.timeout + Duration::from_secs((received / BYTES_PER_SECOND) as u64)
    }

    /// The next frame; `None` at the end of the body.
    async fn frame(
        &mut self,
        body: &mut Incoming,
        received: usize,
    ) -> Result<Option<hyper::Result<Frame<Bytes>>>, Elapsed> {
        // Most bodies arrive together with the headers: starting a timer would cost more than reading the body.
        if self.waiting_since.is_none()
            && let Some(frame) = received_frame(body).await
        {
            return Ok(frame);
        }
        timeout_at(self.deadline(received), body.frame()).await
    }

    /// Takes memory for what has arrived.
    async fn reserve(&mut self, received: usize) -> Result<(), Exhausted> {
        let budget = &self.reader.budget;
        let memory = self.memory.get_or_insert_with(|| budget.hold(self.client.share()));
        memory.grow_to(received.div_ceil(UNIT_BYTES)).await
    }
}

/// Reads and drops the rest of a body, for a moment only.
async fn drain(body: &mut Incoming) -> ReadOutcome<'static> {
    let rest = async {
        while !body.is_end_stream() {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return ReadOutcome::Gone,
                None => break,
            }
        }
        ReadOutcome::Busy(Rest::Dropped)
    };
    timeout(DRAIN_TIMEOUT, rest).await.unwrap_or(ReadOutcome::Busy(Rest::Unread))
}

/// The next frame, if the server has received it: polls the body a second time after the connection was polled.
async fn received_frame(body: &mut Incoming) -> Option<Option<hyper::Result<Frame<Bytes>>>> {
    let mut polled = false;
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(Some(frame)),
        Poll::Pending if polled => Poll::Ready(None),
        Poll::Pending => {
            polled = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
