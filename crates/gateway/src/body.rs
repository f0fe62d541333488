//! Reads a request's body: to its end, up to the endpoint's limit, or until the client is too slow.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming};
use relive_wire::Body;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, error::Elapsed, timeout_at},
};

/// A body up to this size needs no permit of the memory budget.
const SMALL_BODY_BYTES: usize = 64 * 1024;
/// Memory that one permit of the budget stands for.
const PERMIT_BYTES: usize = 64 * 1024;
/// Permits of the budget, for all bodies beyond [`SMALL_BODY_BYTES`] together: 256 MiB.
const BUDGET_PERMITS: usize = 4096;
/// Bytes beyond a body's limit that are read and dropped, so that the client gets a reply instead of a reset.
const DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// Bytes a client has to send for each second beyond the time-out.
const BYTES_PER_SECOND: usize = 16 * 1024;

/// Reads bodies within a time-out and a memory budget that all requests share.
#[derive(Debug)]
pub(crate) struct BodyReader {
    timeout: Duration,
    budget: Semaphore,
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
    /// The body was read to its end. Hold the permit until the request is answered.
    Done(Body, Option<SemaphorePermit<'a>>),
    /// The body is beyond its limit and was not read to its end: the connection cannot carry another request.
    Unread,
    /// The client was too slow.
    TimedOut,
    /// The client closed the connection, or broke the protocol.
    Gone,
}

impl BodyReader {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, budget: Semaphore::new(BUDGET_PERMITS) }
    }

    /// Reads up to `limit` bytes. Refuses a larger body without reading it if the client waits for `100 Continue`.
    pub(crate) async fn read(&self, body: &mut Incoming, limit: usize, sending: Sending) -> ReadOutcome<'_> {
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
        let reading = Reading { declared: declared.unwrap_or(0), limit, waiting_since: None, permit: None };
        reading.run(self, body).await
    }
}

/// A body that is being read.
struct Reading<'a> {
    /// Length the client declared, in bytes; 0 if the client declared none.
    declared: usize,
    limit: usize,
    /// When the reader first had to wait for the client; `None` while every frame was already received.
    waiting_since: Option<Instant>,
    permit: Option<SemaphorePermit<'a>>,
}

impl<'a> Reading<'a> {
    async fn run(mut self, reader: &'a BodyReader, body: &mut Incoming) -> ReadOutcome<'a> {
        // Nearly every body is a single frame, which is passed on without a copy.
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        let mut received = 0_usize;
        loop {
            let data = match self.frame(reader, body, received).await {
                Err(_) => return ReadOutcome::TimedOut,
                Ok(Some(Err(_))) => return ReadOutcome::Gone,
                Ok(None) => break,
                // No dialect uses trailers.
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            received = received.saturating_add(data.len());
            if received > self.limit {
                (first, joined, self.permit) = (Bytes::new(), BytesMut::new(), None);
                if received > self.limit.saturating_add(DRAINED_BYTES) {
                    return ReadOutcome::Unread;
                }
                continue;
            }
            if received > SMALL_BODY_BYTES {
                let deadline = self.deadline(reader, received);
                if timeout_at(deadline, self.reserve(reader, received)).await.is_err() {
                    return ReadOutcome::TimedOut;
                }
            }
            if received == data.len() {
                first = data;
            } else if !data.is_empty() {
                if joined.is_empty() {
                    joined.reserve(self.declared.clamp(received, self.limit));
                    joined.extend_from_slice(&std::mem::take(&mut first));
                }
                joined.extend_from_slice(&data);
            }
            if body.is_end_stream() {
                break;
            }
        }
        if received > self.limit {
            return ReadOutcome::Done(Body::TooLarge, None);
        }
        let whole = if joined.is_empty() { first } else { joined.freeze() };
        ReadOutcome::Done(Body::Whole(whole), self.permit)
    }

    fn deadline(&mut self, reader: &BodyReader, received: usize) -> Instant {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        since + reader.timeout + Duration::from_secs((received / BYTES_PER_SECOND) as u64)
    }

    /// The next frame; `None` at the end of the body.
    async fn frame(
        &mut self,
        reader: &BodyReader,
        body: &mut Incoming,
        received: usize,
    ) -> Result<Option<hyper::Result<Frame<Bytes>>>, Elapsed> {
        // Most bodies arrive together with the headers: starting a timer would cost more than reading the body.
        if self.waiting_since.is_none()
            && let Some(frame) = received_frame(body).await
        {
            return Ok(frame);
        }
        timeout_at(self.deadline(reader, received), body.frame()).await
    }

    /// Takes the permits that the body needs from the budget, waiting until other requests return theirs.
    async fn reserve(&mut self, reader: &'a BodyReader, received: usize) {
        let bytes = self.declared.min(self.limit).max(received);
        let needed = bytes.div_ceil(PERMIT_BYTES).min(BUDGET_PERMITS);
        let held = self.permit.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = u32::try_from(needed.saturating_sub(held)).unwrap_or(0);
        if missing == 0 {
            return;
        }
        if let Ok(more) = reader.budget.acquire_many(missing).await {
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                permit @ None => *permit = Some(more),
            }
        }
    }
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
